"""Checksums of IPv4 headers, TCP, UDP, ICMP and ICMPv6 (RFC 1071): right, wrong, or not yet filled in.

A sum is made modulo 65535, for which it does not matter in how large pieces it is added: the buffer is
read in words of 64 bits. Each octet counts by whether its place in the buffer is even, and the result is
turned round for a packet that begins at an odd place.

Sources: RFC 791, 793/9293, 768, 792, 4443, RFC 8200 section 8.1 (pseudo-header), RFC 6935 (tunnels over IPv6
without a sum). What a sender leaves to its card is the sum of the pseudo-header, not inverted: with the
length in Linux (``CHECKSUM_PARTIAL``), without it for large sends of Windows (NDIS).
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.wire import checksum_fields as fields
from netanalyze.wire import packets

KIND = cython.declare(cython.int, fields.KIND)
HI = cython.declare(cython.int, fields.HI)
LO = cython.declare(cython.int, fields.LO)
PACKETS = cython.declare(cython.int, fields.PACKETS)
CHECKED = cython.declare(cython.int, fields.CHECKED)
WRONG = cython.declare(cython.int, fields.WRONG)
PARTIAL = cython.declare(cython.int, fields.PARTIAL)
ZERO = cython.declare(cython.int, fields.ZERO)
HEADERS = cython.declare(cython.int, fields.HEADERS)
HEADERS_WRONG = cython.declare(cython.int, fields.HEADERS_WRONG)
HEADERS_ZERO = cython.declare(cython.int, fields.HEADERS_ZERO)
FIRST = cython.declare(cython.int, fields.FIRST)
LISTED = cython.declare(cython.int, fields.LISTED)

L_FRAME = cython.declare(cython.int, fields.L_FRAME)
L_TIME = cython.declare(cython.int, fields.L_TIME)
L_LINE = cython.declare(cython.int, fields.L_LINE)
L_HEADER = cython.declare(cython.int, fields.L_HEADER)
L_FOUND = cython.declare(cython.int, fields.L_FOUND)
L_RIGHT = cython.declare(cython.int, fields.L_RIGHT)
L_HI = cython.declare(cython.int, fields.L_HI)
L_LO = cython.declare(cython.int, fields.L_LO)

UNKNOWN = cython.declare(cython.int, fields.UNKNOWN)
RIGHT = cython.declare(cython.int, fields.RIGHT)
IS_WRONG = cython.declare(cython.int, fields.IS_WRONG)
IS_PARTIAL = cython.declare(cython.int, fields.IS_PARTIAL)
IS_ZERO = cython.declare(cython.int, fields.IS_ZERO)

CARRIER = cython.declare(cython.int, packets.CARRIER)
IN_ARENA = cython.declare(cython.int, packets.IN_ARENA)

MASK32 = cython.declare(cython.ulonglong, 0xFFFFFFFF)
MASK64 = cython.declare(cython.ulonglong, 0xFFFFFFFFFFFFFFFF)
MIX = cython.declare(cython.ulonglong, 0x9E3779B97F4A7C15)
PROBES = cython.declare(cython.int, 64)
"""Lines looked at for a sender before it goes to the line of all others, which is the last one."""


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def folded(total: cython.ulonglong) -> cython.ulonglong:
    """Modulo 65535, where only nothing but zeros is 0."""
    while total > 0xFFFF:
        total = (total & 0xFFFF) + (total >> 16)
    return total


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def halves(value: cython.ulonglong) -> cython.ulonglong:
    """The sum of its four 16-bit parts."""
    return (value & 0xFFFF) + (value >> 16 & 0xFFFF) + (value >> 32 & 0xFFFF) + (value >> 48)


@cython.cfunc
@cython.nogil
@cython.inline
def summed(
    data: cython.const[cython.uchar][::1],
    words: cython.const[cython.ulonglong][::1],
    swapped: cython.int,
    begin: cython.Py_ssize_t,
    end: cython.Py_ssize_t,
) -> cython.ulonglong:
    """The sum of the octets from ``begin`` to ``end``, in network order, folded.

    Args:
        data: the buffer.
        words: the same in words of this machine, as many as are whole.
        swapped: whether these are little endian.
        begin: where the sum starts.
        end: behind its last octet.
    """
    total: cython.ulonglong = 0
    bulk: cython.ulonglong = 0
    word: cython.ulonglong
    index: cython.Py_ssize_t = begin
    first: cython.Py_ssize_t
    last: cython.Py_ssize_t
    while index < end and index & 7:
        total += data[index] if index & 1 else cython.cast(cython.ulonglong, data[index]) << 8
        index += 1
    first = index >> 3
    last = min(end >> 3, words.shape[0])
    if first < last:
        for index in range(first, last):
            word = words[index]
            bulk += (word & MASK32) + (word >> 32)
        bulk = folded(bulk)
        if swapped:
            bulk = (bulk << 8 & 0xFF00) | bulk >> 8
        total += bulk
        index = last << 3
    while index < end:
        total += data[index] if index & 1 else cython.cast(cython.ulonglong, data[index]) << 8
        index += 1
    total = folded(total)
    if begin & 1:
        total = (total << 8 & 0xFF00) | total >> 8
    return total


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def due(total: cython.ulonglong, found: cython.ulonglong) -> cython.ulonglong:
    """What a checksum should be, from the sum with what it is."""
    return ~folded(total + (~found & 0xFFFF)) & 0xFFFF


@cython.cfunc
@cython.nogil
@cython.inline
def strange_way(
    data: cython.const[cython.uchar][::1],
    version: cython.int,
    begin: cython.Py_ssize_t,
    end: cython.Py_ssize_t,
) -> cython.int:
    """Whether an IP header has what changes the addresses of the pseudo-header.

    These are source routes (RFC 791), a routing header with segments left (RFC 8200 section 4.4) and a home
    address, which is a destination option (RFC 6275); what is no plain chain of headers counts as well.
    """
    at: cython.Py_ssize_t = begin + 20
    kind: cython.int
    size: cython.Py_ssize_t
    if version == 4:
        end = min(end, begin + (data[begin] & 0xF) * 4)
        while at < end:
            kind = data[at]
            if kind == 0:
                return 0
            if kind == 1:
                at += 1
                continue
            if kind == 131 or kind == 137 or at + 1 >= end or data[at + 1] < 2:
                return 1
            at += data[at + 1]
        return 0
    at = begin + 40
    kind = data[begin + 6]
    while at + 8 <= end:
        if kind == 60 or (kind == 43 and data[at + 3] != 0):
            return 1
        if kind == 44:
            size = 8
        elif kind == 51:
            size = (data[at + 1] + 2) * 4
        elif kind == 0 or kind == 43 or kind == 135 or kind == 139 or kind == 140:
            size = (data[at + 1] + 1) * 8
        else:
            return 1
        kind = data[at]
        at += size
    return at != end


@cython.cfunc
@cython.nogil
@cython.inline
def line_of(
    table: cython.ulonglong[:, ::1],
    kind: cython.ulonglong,
    hi: cython.ulonglong,
    lo: cython.ulonglong,
) -> cython.Py_ssize_t:
    """The line of a sender and protocol; that of all others if there is no room."""
    mask: cython.ulonglong = table.shape[0] - 2  # of a power of two of lines, and one more
    slot: cython.ulonglong = ((hi ^ (lo * MIX & MASK64) ^ kind) * MIX & MASK64) >> 40
    _probe: cython.int
    for _probe in range(PROBES):
        slot = slot & mask
        if table[slot, KIND] == 0:
            table[slot, KIND] = kind
            table[slot, HI] = hi
            table[slot, LO] = lo
            return slot
        if table[slot, KIND] == kind and table[slot, HI] == hi and table[slot, LO] == lo:
            return slot
        slot += 1
    return table.shape[0] - 1


@cython.cfunc
@cython.nogil
@cython.inline
def of_ip_header(
    data: cython.const[cython.uchar][::1],
    words: cython.const[cython.ulonglong][::1],
    swapped: cython.int,
    start: cython.Py_ssize_t,
) -> cython.ulonglong:
    """What became of the sum of an IPv4 header; above the lowest octet what it is and what it should be."""
    end: cython.Py_ssize_t = start + (data[start] & 0xF) * 4
    total: cython.ulonglong
    found: cython.ulonglong
    if end > data.shape[0]:
        return UNKNOWN
    found = (cython.cast(cython.ulonglong, data[start + 10]) << 8) | data[start + 11]
    total = summed(data, words, swapped, start, end)
    if total == 0xFFFF:
        return RIGHT
    return (IS_ZERO if found == 0 else IS_WRONG) | found << 8 | due(total, found) << 24


@cython.cfunc
@cython.nogil
@cython.inline
def of_transport_of(
    data: cython.const[cython.uchar][::1],
    words: cython.const[cython.ulonglong][::1],
    swapped: cython.int,
    version: cython.int,
    number: cython.int,
    carrier: cython.int,
    addresses: cython.ulonglong,
    start: cython.Py_ssize_t,
    here: cython.Py_ssize_t,
    length: cython.longlong,
    found: cython.ulonglong,
) -> cython.ulonglong:
    """The same of a transport's sum, over its header and all that it carries.

    Args:
        data: as for ``summed``.
        words: likewise.
        swapped: likewise.
        version: of IP.
        number: the protocol's number.
        carrier: whether it carries a tunnel.
        addresses: the sum of both.
        start: where the IP header begins.
        here: where the transport's begins.
        length: of it and what it carries.
        found: its checksum.
    """
    total: cython.ulonglong
    pseudo: cython.ulonglong = 0
    if number == 17:
        if found == 0 and (version == 4 or carrier):
            return UNKNOWN  # there is none
        if ((data[here + 4] << 8) | data[here + 5]) != length:
            return UNKNOWN
    if number != 1:
        if here - start > (20 if version == 4 else 40) and strange_way(data, version, start, here):
            return UNKNOWN
        pseudo = folded(addresses + number)
    total = folded(
        summed(data, words, swapped, here, here + length) + (folded(pseudo + length) if pseudo else 0)
    )
    if total == 0xFFFF and not (number == 17 and found == 0):
        return RIGHT
    if found == 0:
        return IS_ZERO | due(total, found) << 24
    if number == 6 or number == 17:
        if found == pseudo or found == folded(pseudo + length):
            return IS_PARTIAL | found << 8 | due(total, found) << 24
    return IS_WRONG | found << 8 | due(total, found) << 24


def verify_checksums(
    rows: cython.Py_ssize_t,
    order: cython.int[::1],
    first_frame: cython.longlong,
    time_ns: cython.longlong[::1],
    offset: cython.longlong[::1],
    captured_bytes: cython.longlong[::1],
    data: cython.const[cython.uchar][::1],
    words: cython.const[cython.ulonglong][::1],
    arena: cython.const[cython.uchar][::1],
    arena_words: cython.const[cython.ulonglong][::1],
    swapped: cython.int,
    frame: cython.int[::1],
    role: cython.uchar[::1],
    source: cython.uchar[::1],
    ip_version: cython.uchar[::1],
    protocol: cython.uchar[::1],
    src_hi: cython.ulonglong[::1],
    src_lo: cython.ulonglong[::1],
    dst_hi: cython.ulonglong[::1],
    dst_lo: cython.ulonglong[::1],
    network_offset: cython.longlong[::1],
    transport_offset: cython.longlong[::1],
    payload_offset: cython.longlong[::1],
    payload_bytes: cython.longlong[::1],
    payload_captured: cython.longlong[::1],
    checksum: cython.int[::1],
    duplicate: cython.uchar[::1],
    of_header: cython.uchar[::1],
    of_transport: cython.uchar[::1],
    table: cython.ulonglong[:, ::1],
    listed: cython.ulonglong[:, ::1],
    used: cython.Py_ssize_t,
    most_of_one: cython.ulonglong,
) -> cython.Py_ssize_t:
    """Check the packets of a batch, write down what became of each sum, and count by sender.

    Columns of packets are as in ``Packets``, those of frames as in ``Batch``. ``words`` and ``arena_words``
    are the whole words of 64 bits of the two buffers, in this machine's order, which is little endian if
    ``swapped``. ``of_header`` and ``of_transport`` get what became of the sums of each row, ``table`` the
    counts of each sender and ``listed`` the frames with a sum that nothing explains, of which there are
    ``used`` so far and may be ``most_of_one`` of one sender (see ``checksum_fields``).

    Returns:
        The lines of ``listed`` in use now.
    """
    index: cython.Py_ssize_t
    row: cython.Py_ssize_t
    line: cython.Py_ssize_t = -1
    here: cython.Py_ssize_t
    kind: cython.ulonglong
    told: cython.ulonglong
    addresses: cython.ulonglong
    length: cython.longlong
    number: cython.int
    state: cython.int
    part: cython.int
    with cython.nogil:
        for index in range(rows):
            row = order[index]
            of_header[row] = UNKNOWN
            of_transport[row] = UNKNOWN
            number = protocol[row]
            if number == 0 or role[row] > CARRIER or duplicate[row]:
                continue
            kind = (cython.cast(cython.ulonglong, ip_version[row]) << 8) | number
            if (
                line < 0
                or table[line, KIND] != kind
                or table[line, HI] != src_hi[row]
                or table[line, LO] != src_lo[row]
            ):
                line = line_of(table, kind, src_hi[row], src_lo[row])
            table[line, PACKETS] += 1
            for part in range(2):
                told = UNKNOWN
                if part == 0:
                    if ip_version[row] != 4:
                        continue
                    if source[row] == IN_ARENA:
                        told = of_ip_header(arena, arena_words, swapped, network_offset[row])
                    else:
                        told = of_ip_header(data, words, swapped, network_offset[row])
                    state = told & 0xFF
                    of_header[row] = state
                    if state == UNKNOWN:
                        continue
                    table[line, HEADERS] += 1
                    if state == RIGHT:
                        continue
                    table[line, HEADERS_WRONG] += 1
                    table[line, HEADERS_ZERO] += state == IS_ZERO
                else:
                    here = transport_offset[row]
                    length = payload_offset[row] - here + payload_bytes[row]
                    if (
                        (number != 6 and number != 17 and number != 1 and number != 58)
                        or payload_captured[row] != payload_bytes[row]
                        or length > 0xFFFF
                        or length < 8
                    ):
                        continue
                    if number == 6 and payload_bytes[row] == 0:
                        # Nothing of the payload is missing, but options may be.
                        if (
                            source[row] == IN_ARENA
                            or payload_offset[row] > offset[frame[row]] + captured_bytes[frame[row]]
                        ):
                            continue
                    addresses = (
                        halves(src_hi[row]) + halves(src_lo[row]) + halves(dst_hi[row]) + halves(dst_lo[row])
                    )
                    if source[row] == IN_ARENA:
                        told = of_transport_of(
                            arena, arena_words, swapped, ip_version[row], number, role[row] == CARRIER,
                            addresses, network_offset[row], here, length, checksum[row],
                        )  # fmt: skip
                    else:
                        told = of_transport_of(
                            data, words, swapped, ip_version[row], number, role[row] == CARRIER, addresses,
                            network_offset[row], here, length, checksum[row],
                        )  # fmt: skip
                    state = told & 0xFF
                    of_transport[row] = state
                    if state == UNKNOWN:
                        continue
                    table[line, CHECKED] += 1
                    if state == RIGHT:
                        continue
                    table[line, WRONG] += 1
                    table[line, PARTIAL] += state == IS_PARTIAL
                    table[line, ZERO] += state == IS_ZERO
                if table[line, FIRST] == 0:
                    table[line, FIRST] = first_frame + frame[row]
                if state == IS_WRONG and used < listed.shape[0] and table[line, LISTED] < most_of_one:
                    table[line, LISTED] += 1
                    listed[used, L_FRAME] = first_frame + frame[row]
                    listed[used, L_TIME] = time_ns[frame[row]] & MASK64
                    listed[used, L_LINE] = line
                    listed[used, L_HEADER] = part == 0
                    listed[used, L_FOUND] = told >> 8 & 0xFFFF
                    listed[used, L_RIGHT] = told >> 24 & 0xFFFF
                    listed[used, L_HI] = dst_hi[row]
                    listed[used, L_LO] = dst_lo[row]
                    used += 1
    return used
