"""The block walk of pcapng files: frames go into the batch, other blocks to the reader.

The three kinds of block that hold a packet are decoded here. So are custom blocks and journal
entries, as frames without link type: Wireshark counts them as frames, and frame numbers are to be
the same. Section headers, interface descriptions and statistics stop the walk; everything else is
stepped over. A block's length stands at both its
ends. Where they differ, or the length is no multiple of 4, the block after it decides whether this
is a careless writer or damage.

Format: https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import sys

import cython

from netanalyze.capture import batch as limits
from netanalyze.capture import walk as report

SECTION = 0x0A0D0D0A
INTERFACE = 1
OLD_FRAME = 2  # "Packet Block", obsolete
SIMPLE_FRAME = 3
STATISTICS = 5
FRAME = 6
JOURNAL = 9
CUSTOM = 0x0BAD
CUSTOM_NOT_COPIED = 0x40000BAD

# Columns of the table of a section's interfaces, row after row in one array.
LINK_TYPE = 0
NUMBER = 1  # in the capture's list
RESOLUTION = 2  # if_tsresol: a power of 10, or of 2 with 128 added
SCALE = 3  # what units are multiplied by, or divided by if there are more than 10**9 a second
GREATEST = 4  # more units than this, multiplied, do not fit into a time
OFFSET_NS = 5
SNAP_LENGTH = 6  # 0 for none
TABLE_COLUMNS = 7

MAX_BLOCK_BYTES = 1 << 24
"""A block without a frame that claims to be longer is taken as damage (16 MiB, as others have it)."""
OPTION_BYTES = 1 << 18
"""So much may follow a frame in its block (comments and the like)."""
SEARCH_BLOCK_BYTES = report.SEARCH_FRAME_BYTES + OPTION_BYTES
TIME_LIMIT_NS = (1 << 63) - 1

_SECTION = cython.declare(cython.longlong, SECTION)
_INTERFACE = cython.declare(cython.longlong, INTERFACE)
_OLD_FRAME = cython.declare(cython.longlong, OLD_FRAME)
_SIMPLE_FRAME = cython.declare(cython.longlong, SIMPLE_FRAME)
_STATISTICS = cython.declare(cython.longlong, STATISTICS)
_FRAME = cython.declare(cython.longlong, FRAME)
_LITTLE = cython.declare(cython.bint, 0)
_BIG = cython.declare(cython.bint, 1)
_HOST_BIG = cython.declare(cython.bint, sys.byteorder == "big")
_LAST_KNOWN = cython.declare(cython.longlong, 10)
_JOURNAL = cython.declare(cython.longlong, JOURNAL)
_CUSTOM = cython.declare(cython.longlong, CUSTOM)
_CUSTOM_NOT_COPIED = cython.declare(cython.longlong, CUSTOM_NOT_COPIED)
_NO_TIME = cython.declare(cython.longlong, report.NO_TIME)
_FOLLOWS_BYTES = cython.declare(cython.longlong, 24)
_BYTE_ORDER = cython.declare(cython.longlong, 0x1A2B3C4D)

_TABLE_COLUMNS = cython.declare(cython.int, TABLE_COLUMNS)
_LINK_TYPE = cython.declare(cython.int, LINK_TYPE)
_NUMBER = cython.declare(cython.int, NUMBER)
_RESOLUTION = cython.declare(cython.int, RESOLUTION)
_SCALE = cython.declare(cython.int, SCALE)
_GREATEST = cython.declare(cython.int, GREATEST)
_OFFSET_NS = cython.declare(cython.int, OFFSET_NS)
_SNAP_LENGTH = cython.declare(cython.int, SNAP_LENGTH)

_POSITION = cython.declare(cython.int, report.POSITION)
_REASON = cython.declare(cython.int, report.REASON)
_NEEDED = cython.declare(cython.int, report.NEEDED)
_CAPTURED_BYTES = cython.declare(cython.int, report.CAPTURED_BYTES)
_WIRE_BYTES = cython.declare(cython.int, report.WIRE_BYTES)
_OLDEST_NS = cython.declare(cython.int, report.OLDEST_NS)
_NEWEST_NS = cython.declare(cython.int, report.NEWEST_NS)
_PREVIOUS_NS = cython.declare(cython.int, report.PREVIOUS_NS)
_ODD = cython.declare(cython.int, report.ODD)
_FULL = cython.declare(cython.int, report.FULL)
_NEED = cython.declare(cython.int, report.NEED)
_END = cython.declare(cython.int, report.END)
_CUT = cython.declare(cython.int, report.CUT)
_DAMAGE = cython.declare(cython.int, report.DAMAGE)
_BLOCK = cython.declare(cython.int, report.BLOCK)
_DOUBTFUL = cython.declare(cython.int, report.DOUBTFUL)
_FOUND = cython.declare(cython.int, report.FOUND)

_MAX_FRAME_BYTES = cython.declare(cython.longlong, limits.MAX_FRAME_BYTES)
_MAX_BLOCK_BYTES = cython.declare(cython.longlong, MAX_BLOCK_BYTES)
_OPTION_BYTES = cython.declare(cython.longlong, OPTION_BYTES)
_SEARCH_BLOCK_BYTES = cython.declare(cython.longlong, SEARCH_BLOCK_BYTES)
_BILLION = cython.declare(cython.ulonglong, 1_000_000_000)
_TIME_LIMIT_NS = cython.declare(cython.longlong, TIME_LIMIT_NS)
_TIME_LIMIT_SECONDS = cython.declare(cython.ulonglong, TIME_LIMIT_NS // 1_000_000_000 - 1)
_MASK32 = cython.declare(cython.ulonglong, 0xFFFFFFFF)
_SIGN32 = cython.declare(cython.longlong, 0x80000000)
_TWO32 = cython.declare(cython.longlong, 1 << 32)
_ONE = cython.declare(cython.ulonglong, 1)
_TEN = cython.declare(cython.ulonglong, 10)


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
@cython.inline
@cython.exceptval(check=False)
def _turned(value: cython.longlong) -> cython.longlong:
    """A 32-bit number with its bytes in the other order."""
    return ((value & 0xFF) << 24) | ((value & 0xFF00) << 8) | ((value >> 8) & 0xFF00) | (value >> 24)


@cython.cfunc
@cython.nogil
@cython.inline
def _nanoseconds(
    high: cython.longlong,
    low: cython.longlong,
    resolution: cython.longlong,
    scale: cython.longlong,
    greatest: cython.longlong,
    offset: cython.longlong,
) -> cython.longlong:
    """A frame's time, rounded down to a nanosecond; what does not fit becomes the nearest that does.

    Times in units of 10**-9 s and longer are read as signed numbers. The great unsigned ones would not
    fit anyway, and there are writers that mean a time before 1970.
    """
    now: cython.longlong
    if resolution <= 9:
        now = (high - 2 * (high & _SIGN32)) * _TWO32 + low
        if now > greatest:
            now = _TIME_LIMIT_NS
        elif now < -greatest:
            now = -_TIME_LIMIT_NS
        else:
            now *= scale
    else:
        now = _fine_nanoseconds(high, low, resolution, scale)
    if offset > 0 and now > _TIME_LIMIT_NS - offset:
        return _TIME_LIMIT_NS
    if offset < 0 and now < -_TIME_LIMIT_NS - offset:
        return -_TIME_LIMIT_NS
    return now + offset


@cython.cfunc
@cython.nogil
def _fine_nanoseconds(
    high: cython.longlong, low: cython.longlong, resolution: cython.longlong, scale: cython.longlong
) -> cython.longlong:
    """The same for units shorter than a nanosecond, and for powers of two."""
    units: cython.ulonglong = cython.cast(cython.ulonglong, high) << 32 | cython.cast(cython.ulonglong, low)
    power: cython.longlong = resolution - 128
    seconds: cython.ulonglong
    part: cython.ulonglong
    if power < 0:
        if resolution == 28:  # 10**19 does not fit into the table
            units = units // _TEN
        if scale == 0:
            return 0
        return cython.cast(cython.longlong, units // cython.cast(cython.ulonglong, scale))
    seconds = units >> power if power < 64 else 0
    part = units & ((_ONE << power) - 1) if power < 64 else units
    # The fraction times 10**9 needs up to 94 bits: its halves are multiplied one by one.
    if power <= 32:
        part = (part * _BILLION) >> power
    elif power < 95:
        part = ((part >> 32) * _BILLION + (((part & _MASK32) * _BILLION) >> 32)) >> (power - 32)
    else:
        part = 0
    if seconds > _TIME_LIMIT_SECONDS:
        return _TIME_LIMIT_NS
    return cython.cast(cython.longlong, seconds * _BILLION + part)


@cython.cfunc
@cython.nogil
@cython.inline
def _known(kind: cython.longlong) -> cython.bint:
    return (0 < kind <= _LAST_KNOWN) or kind == _SECTION or kind == _CUSTOM or kind == _CUSTOM_NOT_COPIED


@cython.cfunc
@cython.nogil
def _whole(
    data: cython.const[cython.uchar][::1],
    at: cython.longlong,
    end: cython.longlong,
    big_endian: cython.bint,
    interfaces: cython.longlong,
) -> cython.longlong:
    """Length of the undamaged block at ``at``; 0 if there is none; -1 if more bytes are needed.

    Stricter than the walk: only known kinds, of a moderate length that stands at both ends.
    """
    kind: cython.longlong
    total: cython.longlong
    captured: cython.longlong
    order: cython.bint = big_endian
    if at + 12 > end:
        return -1
    kind = _u32(data, at, order)
    if not _known(kind):
        return 0
    if kind == _SECTION:
        if _u32(data, at + 8, _LITTLE) == _BYTE_ORDER:
            order = _LITTLE
        elif _u32(data, at + 8, _BIG) == _BYTE_ORDER:
            order = _BIG
        else:
            return 0
    total = _u32(data, at + 4, order)
    if total < 12 or total > _SEARCH_BLOCK_BYTES or total & 3:
        return 0
    if at + total > end:
        return -1
    if _u32(data, at + total - 4, order) != total:
        return 0
    if kind == _SECTION and total < 28:
        return 0
    if kind == _INTERFACE and total < 20:
        return 0
    if kind == _SIMPLE_FRAME and (total < 16 or interfaces == 0):
        return 0
    if kind == _FRAME or kind == _OLD_FRAME:
        if total < 32:
            return 0
        captured = _u32(data, at + 20, order)
        if total < 32 + captured:
            return 0
        if kind == _FRAME and _u32(data, at + 8, order) >= interfaces:
            return 0
    return total


@cython.cfunc
@cython.nogil
def _follows(
    data: cython.const[cython.uchar][::1],
    at: cython.longlong,
    end: cython.longlong,
    at_end: cython.bint,
    big_endian: cython.bint,
) -> cython.longlong:
    """1 if a block may begin at ``at``, 0 if not, -1 if more bytes are needed."""
    kind: cython.longlong
    total: cython.longlong
    if at == end and at_end:
        return 1
    if at + 12 > end:
        return 0 if at_end else -1
    kind = _u32(data, at, big_endian)
    if kind == _SECTION:
        return (
            1 if _u32(data, at + 8, _LITTLE) == _BYTE_ORDER or _u32(data, at + 8, _BIG) == _BYTE_ORDER else 0
        )
    if not _known(kind):
        return 0
    total = _u32(data, at + 4, big_endian)
    if total < 12 or total > _MAX_BLOCK_BYTES:
        return 0
    if at + total <= end and not total & 3 and _u32(data, at + total - 4, big_endian) == total:
        return 1
    # Its other end is out of sight, or this writer gets the lengths wrong in every block.
    if kind != _FRAME:
        return 1
    if at + _FOLLOWS_BYTES > end:
        return 0 if at_end else -1
    return 1 if _u32(data, at + 20, big_endian) + 32 <= total else 0


def walk(
    data: cython.const[cython.uchar][::1],
    words: cython.const[cython.uint][::1],
    start: cython.longlong,
    end: cython.longlong,
    at_end: cython.bint,
    big_endian: cython.bint,
    table: cython.longlong[::1],
    interfaces: cython.longlong,
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
    """Put the frames of the blocks from ``start`` on into the columns, at most ``capacity`` of them.

    Args:
        data: the buffer, as bytes; blocks lie from ``start`` to ``end``.
        words: the buffer, as 32-bit numbers.
        start: a block begins here.
        end: one past the last byte that was read.
        at_end: nothing will come after ``end``.
        big_endian: byte order of the section.
        table: the section's interfaces.
        interfaces: how many rows of ``table`` are valid.
        state: the report, see ``walk.py``. A section header stops with ``BLOCK`` unexamined.
        capacity: rows there are in the columns.
        offset: column to fill, and so the others.
        captured_bytes: as above.
        wire_bytes: as above.
        time_ns: as above. A frame without time gets that of the frame before it; the first ones, that
            of the first frame of the batch that has one.
        link_type: as above.
        interface: as above.
        keep: set to 1.

    Returns:
        How many frames were put there.
    """
    at: cython.longlong = start
    count: cython.Py_ssize_t = 0
    reason: cython.longlong = _FULL
    needed: cython.longlong = 0
    total_captured: cython.longlong = 0
    total_wire: cython.longlong = 0
    oldest: cython.longlong = 0
    newest: cython.longlong = 0
    previous: cython.longlong = state[_PREVIOUS_NS]
    odd: cython.longlong = state[_ODD]
    kind: cython.longlong
    total: cython.longlong
    padded: cython.longlong
    trailer: cython.longlong
    aligned: cython.bint
    turn: cython.bint = big_endian != _HOST_BIG
    word: cython.longlong = 0
    high: cython.longlong = 0
    low: cython.longlong = 0
    step: cython.longlong
    verdict: cython.longlong
    captured: cython.longlong
    wire: cython.longlong
    row: cython.longlong
    known_row: cython.longlong = -1
    column: cython.longlong
    resolution: cython.longlong = 0
    scale: cython.longlong = 0
    greatest: cython.longlong = 0
    offset_ns: cython.longlong = 0
    link: cython.int = 0
    number: cython.int = 0
    now: cython.longlong
    with cython.nogil:
        while count < capacity:
            if at + 12 > end:
                needed = 12
                if not at_end:
                    reason = _NEED
                elif at == end:
                    reason = _END
                else:
                    reason = _CUT
                break
            # Blocks begin at a multiple of 4, unless a careless writer or damage moved them.
            aligned = not at & 3
            if aligned:
                word = at >> 2
                kind = words[word]
                total = words[word + 1]
                if turn:
                    kind = _turned(kind)
                    total = _turned(total)
            else:
                kind = _u32(data, at, big_endian)
                total = _u32(data, at + 4, big_endian)
            captured = 0
            wire = 0
            row = 0
            if kind == _SECTION:
                reason = _BLOCK
                break
            if kind == _FRAME or kind == _OLD_FRAME:
                if total < 32:
                    reason = _DAMAGE
                    break
                if at + 28 > end:
                    reason = _CUT if at_end else _NEED
                    needed = 28
                    break
                if aligned:
                    row = words[word + 2]
                    high = words[word + 3]
                    low = words[word + 4]
                    captured = words[word + 5]
                    wire = words[word + 6]
                    if turn:
                        row = _turned(row)
                        high = _turned(high)
                        low = _turned(low)
                        captured = _turned(captured)
                        wire = _turned(wire)
                else:
                    row = _u32(data, at + 8, big_endian)
                    high = _u32(data, at + 12, big_endian)
                    low = _u32(data, at + 16, big_endian)
                    captured = _u32(data, at + 20, big_endian)
                    wire = _u32(data, at + 24, big_endian)
                if kind == _OLD_FRAME:  # 16 bits of interface, 16 of drop count
                    row = row >> 16 if big_endian else row & 0xFFFF
                if (
                    row >= interfaces
                    or captured > _MAX_FRAME_BYTES
                    or total < 32 + captured
                    or total > 36 + captured + _OPTION_BYTES
                ):
                    reason = _DAMAGE
                    break
            elif kind == _SIMPLE_FRAME:
                if total < 16 or interfaces == 0 or total > 20 + _MAX_FRAME_BYTES:
                    reason = _DAMAGE
                    break
                wire = _u32(data, at + 8, big_endian)
                captured = wire
                if table[_SNAP_LENGTH] > 0 and captured > table[_SNAP_LENGTH]:
                    captured = table[_SNAP_LENGTH]
                captured = min(captured, total - 16)
            elif total < 12 or total > _MAX_BLOCK_BYTES:
                reason = _DAMAGE
                break
            elif kind == _CUSTOM or kind == _CUSTOM_NOT_COPIED:
                captured = total - 16
            elif kind == _JOURNAL:
                captured = total - 12
            if captured < 0:  # a custom block without its number
                reason = _DAMAGE
                break
            padded = (total + 3) & ~3
            step = 0
            trailer = -1
            if at + total <= end:
                if aligned and total == padded:
                    trailer = words[((at + total) >> 2) - 1]
                    if turn:
                        trailer = _turned(trailer)
                else:
                    trailer = _u32(data, at + total - 4, big_endian)
            if trailer == total:
                step = total
            elif at + padded <= end:
                if padded != total and _u32(data, at + padded - 4, big_endian) == total:
                    step = padded
                else:
                    # Only its last length is wrong, if the first one is just what the frame takes.
                    verdict = 0
                    if kind == _FRAME or kind == _OLD_FRAME:
                        if padded == 32 + ((captured + 3) & ~3):
                            verdict = _follows(data, at + padded, end, at_end, big_endian)
                    elif _known(kind):
                        verdict = _follows(data, at + padded, end, at_end, big_endian)
                    if verdict == 0:
                        reason = _DAMAGE
                        break
                    if verdict < 0:
                        reason = _NEED
                        needed = padded + _FOLLOWS_BYTES
                        break
                    step = padded
                odd += 1
            else:
                needed = padded if at + total <= end else total
                if not at_end:
                    reason = _NEED
                elif not _known(kind):
                    reason = _DAMAGE
                elif kind == _SIMPLE_FRAME or total == 32 + ((captured + 3) & ~3):
                    reason = _CUT
                else:
                    reason = _DOUBTFUL
                break
            if row != known_row and row < interfaces:
                known_row = row
                column = row * _TABLE_COLUMNS
                resolution = table[column + _RESOLUTION]
                scale = table[column + _SCALE]
                greatest = table[column + _GREATEST]
                offset_ns = table[column + _OFFSET_NS]
                link = cython.cast(cython.int, table[column + _LINK_TYPE])
                number = cython.cast(cython.int, table[column + _NUMBER])
            if kind == _FRAME or kind == _OLD_FRAME:
                now = _nanoseconds(high, low, resolution, scale, greatest, offset_ns)
                offset[count] = at + 28
            elif kind == _SIMPLE_FRAME or kind == _CUSTOM or kind == _CUSTOM_NOT_COPIED:
                now = previous
                offset[count] = at + 12
            elif kind == _JOURNAL:
                now = previous
                offset[count] = at + 8
            elif kind == _INTERFACE or kind == _STATISTICS:
                reason = _BLOCK
                needed = step
                break
            else:
                at += step
                continue
            wire = max(wire, captured)
            captured_bytes[count] = captured
            wire_bytes[count] = wire
            time_ns[count] = now
            if kind > _FRAME:  # no packet
                link_type[count] = -1
                interface[count] = -1
            else:
                link_type[count] = link
                interface[count] = number
            keep[count] = 1
            total_captured += captured
            total_wire += wire
            if previous == _NO_TIME and now != _NO_TIME:
                # The frames before it, if any, had no time: they get this one.
                for row in range(count):
                    time_ns[row] = now
                oldest = now
                newest = now
            previous = now
            if count == 0:
                oldest = now
                newest = now
            elif now > newest:
                newest = now
            elif now < oldest:
                oldest = now
            count += 1
            at += step
    if count > 0 and previous == _NO_TIME:
        for row in range(count):
            time_ns[row] = 0
        oldest = _NO_TIME
    state[_POSITION] = at
    state[_REASON] = reason
    state[_NEEDED] = needed
    state[_CAPTURED_BYTES] = total_captured
    state[_WIRE_BYTES] = total_wire
    state[_OLDEST_NS] = oldest
    state[_NEWEST_NS] = newest
    state[_PREVIOUS_NS] = previous
    state[_ODD] = odd
    return count


def find(
    data: cython.const[cython.uchar][::1],
    start: cython.longlong,
    end: cython.longlong,
    at_end: cython.bint,
    big_endian: cython.bint,
    interfaces: cython.longlong,
    only_sections: cython.bint,
    state: cython.longlong[::1],
) -> None:
    """Search forward from ``start`` for a place where blocks go on.

    That is where one block is whole and another may begin after it, or the input ends.

    Args:
        data: the buffer.
        start: first place to look at.
        end: one past the last byte that was read.
        at_end: nothing will come after ``end``.
        big_endian: byte order of the section so far.
        interfaces: how many interfaces the section has described.
        only_sections: believe in nothing but a section header.
        state: ``REASON`` becomes ``FOUND``, ``NEED`` (more bytes, to look at ``POSITION``) or
            ``END``.
    """
    at: cython.longlong = start
    reason: cython.longlong = _END if at_end else _NEED
    length: cython.longlong
    verdict: cython.longlong
    order: cython.bint
    with cython.nogil:
        while at + 12 <= end:
            if not only_sections or _u32(data, at, big_endian) == _SECTION:
                length = _whole(data, at, end, big_endian, interfaces)
                if length < 0 and not at_end:
                    reason = _NEED
                    break
                if length > 0:
                    order = big_endian
                    if _u32(data, at, big_endian) == _SECTION:
                        order = _u32(data, at + 8, _BIG) == _BYTE_ORDER
                    verdict = _follows(data, at + length, end, at_end, order)
                    if verdict != 0:
                        reason = _FOUND if verdict > 0 else _NEED
                        break
            at += 1
    if reason == _END:
        at = end
    state[_POSITION] = at
    state[_REASON] = reason
