"""The record walk of pcap and snoop files: headers of fixed size, each followed by its frame.

Where a header's fields stand is given by a layout, an array of the slots below, so that pcap, its
variants with longer headers, and snoop share one walk and one search.

An odd header (more bytes captured than the frame had, more than any frame has, none at all, a
fraction of more than a second, a year's jump in time) may be the work of a careless writer, of a
clock that was set, or damage. The record after it decides: it is looked at before the odd one is
believed.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.capture import batch as limits
from netanalyze.capture import walk as report

# Slots of a layout.
BIG_ENDIAN = 0
HEADER_BYTES = 1
AT_SECONDS = 2  # the fraction of a second follows it
AT_CAPTURED = 3
AT_WIRE = 4
AT_RECORD = 5  # length of the whole record with padding, -1 where there is none
AT_DROPS = 6  # cumulative count of lost frames, -1 where there is none
NS_PER_UNIT = 7  # of the fraction
FRAME_LIMIT = 8  # more captured bytes than this are odd
SWAPPED = 9  # whether captured and wire length changed places: one of the three below
LAYOUT_SLOTS = 10

NEVER = 0
IF_GREATER = 1
ALWAYS = 2

_BIG_ENDIAN = cython.declare(cython.int, BIG_ENDIAN)
_HEADER_BYTES = cython.declare(cython.int, HEADER_BYTES)
_AT_SECONDS = cython.declare(cython.int, AT_SECONDS)
_AT_CAPTURED = cython.declare(cython.int, AT_CAPTURED)
_AT_WIRE = cython.declare(cython.int, AT_WIRE)
_AT_RECORD = cython.declare(cython.int, AT_RECORD)
_AT_DROPS = cython.declare(cython.int, AT_DROPS)
_NS_PER_UNIT = cython.declare(cython.int, NS_PER_UNIT)
_FRAME_LIMIT = cython.declare(cython.int, FRAME_LIMIT)
_SWAPPED = cython.declare(cython.int, SWAPPED)
_NEVER = cython.declare(cython.int, NEVER)
_IF_GREATER = cython.declare(cython.int, IF_GREATER)
_ALWAYS = cython.declare(cython.int, ALWAYS)

_POSITION = cython.declare(cython.int, report.POSITION)
_REASON = cython.declare(cython.int, report.REASON)
_NEEDED = cython.declare(cython.int, report.NEEDED)
_CAPTURED_BYTES = cython.declare(cython.int, report.CAPTURED_BYTES)
_WIRE_BYTES = cython.declare(cython.int, report.WIRE_BYTES)
_OLDEST_NS = cython.declare(cython.int, report.OLDEST_NS)
_NEWEST_NS = cython.declare(cython.int, report.NEWEST_NS)
_PREVIOUS_NS = cython.declare(cython.int, report.PREVIOUS_NS)
_NO_TIME = cython.declare(cython.longlong, report.NO_TIME)
_ODD = cython.declare(cython.int, report.ODD)
_DROPS = cython.declare(cython.int, report.DROPS)
_FULL = cython.declare(cython.int, report.FULL)
_NEED = cython.declare(cython.int, report.NEED)
_END = cython.declare(cython.int, report.END)
_CUT = cython.declare(cython.int, report.CUT)
_DAMAGE = cython.declare(cython.int, report.DAMAGE)
_DOUBTFUL = cython.declare(cython.int, report.DOUBTFUL)
_FOUND = cython.declare(cython.int, report.FOUND)

_MAX_FRAME_BYTES = cython.declare(cython.longlong, limits.MAX_FRAME_BYTES)
_SEARCH_FRAME_BYTES = cython.declare(cython.longlong, report.SEARCH_FRAME_BYTES)
_SEARCH_UPPER = cython.declare(cython.longlong, report.SEARCH_FRAME_BYTES >> 16)
_SEARCH_RECORDS = cython.declare(cython.longlong, report.SEARCH_RECORDS)
_MASK32 = cython.declare(cython.longlong, 0xFFFFFFFF)
_SECOND_NS = cython.declare(cython.longlong, 1_000_000_000)
_DAY_SECONDS = cython.declare(cython.longlong, 86_400)
_YEAR_SECONDS = cython.declare(cython.longlong, 31_622_400)
_LENIENT = cython.declare(cython.bint, 1)
_PADDING_LIMIT = cython.declare(cython.longlong, 64)


@cython.cfunc
@cython.nogil
@cython.inline
def _u32(
    data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, big_endian: cython.bint
) -> cython.longlong:
    a: cython.longlong = data[at]
    b: cython.longlong = data[at + 1]
    c: cython.longlong = data[at + 2]
    d: cython.longlong = data[at + 3]
    if big_endian:
        return (a << 24) | (b << 16) | (c << 8) | d
    return (d << 24) | (c << 16) | (b << 8) | a


@cython.cfunc
@cython.nogil
def _record_after(
    data: cython.const[cython.uchar][::1],
    at: cython.longlong,
    layout: cython.longlong[::1],
    limit: cython.longlong,
    lenient: cython.bint,
    near_seconds: cython.longlong,
) -> cython.longlong:
    """Where the record after the one at ``at`` would begin; -1 if its header does not look right.

    The header lies inside the buffer. ``lenient`` allows the contradictions that careless writers
    are known for; ``near_seconds`` is a time the record must be within a year of, or -1.
    """
    big: cython.bint = layout[_BIG_ENDIAN] != 0
    header: cython.longlong = layout[_HEADER_BYTES]
    seconds: cython.longlong = _u32(data, at + layout[_AT_SECONDS], big)
    fraction: cython.longlong = _u32(data, at + layout[_AT_SECONDS] + 4, big)
    captured: cython.longlong = _u32(data, at + layout[_AT_CAPTURED], big)
    wire: cython.longlong = _u32(data, at + layout[_AT_WIRE], big)
    swapped: cython.longlong = layout[_SWAPPED]
    away: cython.longlong = -1
    record: cython.longlong
    if swapped == _ALWAYS or (swapped == _IF_GREATER and captured > wire):
        captured, wire = wire, captured
    if captured > limit or wire > _MAX_FRAME_BYTES:
        return -1
    if captured > layout[_FRAME_LIMIT] and captured > wire:
        return -1
    if near_seconds >= 0:
        away = seconds - near_seconds if seconds > near_seconds else near_seconds - seconds
        if away > _YEAR_SECONDS:
            return -1
    if fraction * layout[_NS_PER_UNIT] >= _SECOND_NS:
        # Believed where everything else is in order.
        if (
            not lenient
            or away < 0
            or away > _DAY_SECONDS
            or captured > layout[_FRAME_LIMIT]
            or captured > wire
        ):
            return -1
    if not lenient and (captured == 0 or captured > wire):
        return -1
    if seconds == 0 and fraction == 0 and captured == 0 and wire == 0:
        return -1
    if layout[_AT_RECORD] < 0:
        return at + header + captured
    record = _u32(data, at + layout[_AT_RECORD], big)
    if record < header + captured or record > header + captured + _PADDING_LIMIT:
        return -1
    return at + record


def walk(
    data: cython.const[cython.uchar][::1],
    start: cython.longlong,
    end: cython.longlong,
    at_end: cython.bint,
    layout: cython.longlong[::1],
    link: cython.int,
    interface_number: cython.int,
    state: cython.longlong[::1],
    capacity: cython.Py_ssize_t,
    offset: cython.longlong[::1],
    captured_bytes: cython.longlong[::1],
    wire_bytes: cython.longlong[::1],
    time_ns: cython.longlong[::1],
    link_type: cython.int[::1],
    interface: cython.int[::1],
    keep: cython.uchar[::1],
) -> cython.Py_ssize_t:
    """Put the records from ``start`` on into the columns, at most ``capacity`` of them.

    Args:
        data: the buffer; records lie from ``start`` to ``end``.
        start: a record begins here.
        end: one past the last byte that was read.
        at_end: nothing will come after ``end``.
        layout: where the fields of a record header stand.
        link: LINKTYPE_ of all frames, for the column.
        interface_number: index of their interface, for the column.
        state: the report, see ``walk.py``.
        capacity: rows there are.
        offset: column to fill, and so the others.
        captured_bytes: as above.
        wire_bytes: as above.
        time_ns: as above.
        link_type: as above.
        interface: as above.
        keep: set to 1.

    Returns:
        How many frames were put there.
    """
    big: cython.bint = layout[_BIG_ENDIAN] != 0
    header: cython.longlong = layout[_HEADER_BYTES]
    at_seconds: cython.longlong = layout[_AT_SECONDS]
    at_captured: cython.longlong = layout[_AT_CAPTURED]
    at_wire: cython.longlong = layout[_AT_WIRE]
    at_record: cython.longlong = layout[_AT_RECORD]
    at_drops: cython.longlong = layout[_AT_DROPS]
    ns_per_unit: cython.longlong = layout[_NS_PER_UNIT]
    limit: cython.longlong = layout[_FRAME_LIMIT]
    swapped: cython.longlong = layout[_SWAPPED]
    at: cython.longlong = start
    count: cython.Py_ssize_t = 0
    reason: cython.longlong = _FULL
    needed: cython.longlong = 0
    total_captured: cython.longlong = 0
    total_wire: cython.longlong = 0
    oldest: cython.longlong = 0
    newest: cython.longlong = 0
    previous: cython.longlong = -1
    earliest: cython.longlong = -1
    latest: cython.longlong = _MASK32
    units_per_second: cython.longlong = _SECOND_NS // ns_per_unit
    odd: cython.longlong = state[_ODD]
    drops: cython.longlong = state[_DROPS]
    seconds: cython.longlong
    fraction: cython.longlong
    captured: cython.longlong
    wire: cython.longlong
    record: cython.longlong
    following: cython.longlong
    now: cython.longlong
    if state[_PREVIOUS_NS] != _NO_TIME:
        previous = state[_PREVIOUS_NS] // _SECOND_NS
        earliest = previous - _YEAR_SECONDS
        latest = previous + _YEAR_SECONDS
    with cython.nogil:
        while count < capacity:
            if at + header > end:
                needed = header
                if not at_end:
                    reason = _NEED
                elif at == end:
                    reason = _END
                else:
                    reason = _CUT
                break
            seconds = _u32(data, at + at_seconds, big)
            fraction = _u32(data, at + at_seconds + 4, big)
            captured = _u32(data, at + at_captured, big)
            wire = _u32(data, at + at_wire, big)
            if swapped and (swapped == _ALWAYS or captured > wire):
                captured, wire = wire, captured
            following = at + header + captured
            if at_record >= 0:
                record = _u32(data, at + at_record, big)
                if record < header + captured or record > header + captured + _PADDING_LIMIT:
                    reason = _DAMAGE
                    break
                if at_end and following <= end and at + record > end:
                    record = end - at  # only padding is missing
                following = at + record
            if (
                captured > limit
                or captured > wire
                or wire > _MAX_FRAME_BYTES
                or wire == 0
                or fraction >= units_per_second
                or seconds > latest
                or seconds < earliest
            ):
                if captured > _MAX_FRAME_BYTES:
                    reason = _DAMAGE
                    break
                if following + header <= end:
                    if (
                        _record_after(data, following, layout, _MAX_FRAME_BYTES, _LENIENT, seconds) < 0
                        and _record_after(data, following, layout, _MAX_FRAME_BYTES, _LENIENT, previous) < 0
                    ):
                        reason = _DAMAGE
                        break
                elif not at_end:
                    reason = _NEED
                    needed = following + header - at
                    break
                elif following > end or (following < end and odd == 0):
                    reason = _DAMAGE
                    break
                if captured > wire or captured > limit:
                    odd += 1
                wire = max(wire, captured)
            if following > end:
                reason = _DOUBTFUL if at_end else _NEED
                needed = following - at
                break
            now = seconds * _SECOND_NS + fraction * ns_per_unit
            offset[count] = at + header
            captured_bytes[count] = captured
            wire_bytes[count] = wire
            time_ns[count] = now
            link_type[count] = link
            interface[count] = interface_number
            keep[count] = 1
            total_captured += captured
            total_wire += wire
            if count == 0:
                oldest = now
                newest = now
            elif now > newest:
                newest = now
            elif now < oldest:
                oldest = now
            if seconds != previous:
                previous = seconds
                earliest = seconds - _YEAR_SECONDS
                latest = seconds + _YEAR_SECONDS
            if at_drops >= 0:
                drops = _u32(data, at + at_drops, big)
            count += 1
            at = following
    state[_POSITION] = at
    state[_REASON] = reason
    state[_NEEDED] = needed
    state[_CAPTURED_BYTES] = total_captured
    state[_WIRE_BYTES] = total_wire
    state[_OLDEST_NS] = oldest
    state[_NEWEST_NS] = newest
    if previous >= 0:
        state[_PREVIOUS_NS] = previous * _SECOND_NS
    state[_ODD] = odd
    state[_DROPS] = drops
    return count


@cython.cfunc
@cython.nogil
def _chain(
    data: cython.const[cython.uchar][::1],
    start: cython.longlong,
    end: cython.longlong,
    at_end: cython.bint,
    layout: cython.longlong[::1],
    lenient: cython.bint,
    day_seconds: cython.longlong,
) -> cython.longlong:
    """1 if several records in a row begin at ``start``, 0 if not, -1 if more bytes are needed.

    -2 if the input ends inside a record before there are enough of them. ``day_seconds`` is a time
    that the first of them must be within a day of, or -1.
    """
    header: cython.longlong = layout[_HEADER_BYTES]
    big: cython.bint = layout[_BIG_ENDIAN] != 0
    at: cython.longlong = start
    near: cython.longlong = -1
    seen: cython.longlong = 0
    following: cython.longlong
    while seen < _SEARCH_RECORDS:
        if at == end and at_end and seen > 0:
            return 1
        if at + header > end:
            return -2 if at_end else -1
        following = _record_after(data, at, layout, _SEARCH_FRAME_BYTES, lenient, near)
        if following < 0:
            return 0
        near = _u32(data, at + layout[_AT_SECONDS], big)
        if day_seconds >= 0 and (near > day_seconds + _DAY_SECONDS or day_seconds > near + _DAY_SECONDS):
            return 0
        at = following
        seen += 1
    return 1


def find(
    data: cython.const[cython.uchar][::1],
    start: cython.longlong,
    end: cython.longlong,
    at_end: cython.bint,
    layout: cython.longlong[::1],
    day_seconds: cython.longlong,
    state: cython.longlong[::1],
) -> None:
    """Search forward from ``start`` for a place where records go on.

    That is where ``SEARCH_RECORDS`` headers in a row look right, or fewer if the input ends just
    where the last of them does. Each place is looked at once, so the work is linear in the bytes.

    Args:
        data: the buffer.
        start: first place to look at.
        end: one past the last byte that was read.
        at_end: nothing will come after ``end``.
        layout: where the fields of a record header stand.
        day_seconds: believe only in records within a day of this time; -1 for all times.
        state: ``REASON`` becomes ``FOUND``, ``NEED`` (more bytes, to look at ``POSITION``) or
            ``END``.
    """
    at: cython.longlong = start
    header: cython.longlong = layout[_HEADER_BYTES]
    lenient: cython.bint = state[_ODD] != 0
    reason: cython.longlong = _END if at_end else _NEED
    verdict: cython.longlong
    quick: cython.bint = layout[_SWAPPED] == _NEVER
    big: cython.bint = layout[_BIG_ENDIAN] != 0
    top: cython.longlong = layout[_AT_CAPTURED] + (0 if big else 3)
    upper: cython.longlong = layout[_AT_CAPTURED] + (1 if big else 2)
    lower: cython.longlong = layout[_AT_CAPTURED] + (2 if big else 1)
    bottom: cython.longlong = layout[_AT_CAPTURED] + (3 if big else 0)
    with cython.nogil:
        while at + header <= end:
            # Most places are ruled out by the bytes of the captured length: none of it, or too much.
            if quick and (
                data[at + top] != 0
                or data[at + upper] > _SEARCH_UPPER
                or (data[at + upper] == 0 and data[at + lower] == 0 and data[at + bottom] == 0)
            ):
                at += 1
                continue
            verdict = _chain(data, at, end, at_end, layout, lenient, day_seconds)
            if verdict == 1 or verdict == -1:
                reason = _FOUND if verdict == 1 else _NEED
                break
            at += 1
    if reason == _END:
        at = end
    state[_POSITION] = at
    state[_REASON] = reason


def fits(
    data: cython.const[cython.uchar][::1],
    start: cython.longlong,
    end: cython.longlong,
    at_end: cython.bint,
    layout: cython.longlong[::1],
) -> cython.longlong:
    """Whether records of this layout begin at ``start``, as far as the buffer shows.

    Some writers changed the record header and kept the file's magic number: a reader tries the
    known layouts with this.

    Returns:
        0 if a record contradicts the layout, 1 if none does, 2 if there were also enough of them to
        be sure, or nothing else came in the whole input.
    """
    verdict: cython.longlong = _chain(data, start, end, at_end, layout, _LENIENT, -1)
    if verdict == 0:
        return 0
    return 2 if verdict == 1 else 1
