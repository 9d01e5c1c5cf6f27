"""The record walk of a block of Linux's packet ring (TPACKET_V3).

A block begins with a description of 48 bytes, its records follow; each has a header, the address of
the interface (``struct sockaddr_ll``) and the frame at the offset ``tp_mac``, its network header at
``tp_net`` (linux/if_packet.h). Frames stay where they are: the walk fills the columns of a batch whose buffer
is the whole ring.

What the frame lacks is put in front of it, in the room that PACKET_RESERVE keeps free there: the VLAN tag
that the interface's hardware took out, and a header of Linux's cooked capture (LINKTYPE_LINUX_SLL2) where the
link layer's own is of no use. Interfaces are told apart by index and hardware type; what to do with each
stands in a hash table that Python code fills.

The kernel's numbers are believed no more than a file's: each offset is checked against the block.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

# Slots of a walk's state.
AT = 0  # the next record; 0 where a block has to be begun
LEFT = 1  # records that are left in the block
REASON = 2  # why the walk stopped, one of those below
KEY = 3  # of the interface that is not known
SKIPPED = 4  # outgoing copies on loopback, over the whole capture
SLOTS = 5

FULL = 0
"""The batch is full."""
END = 1
"""The block has no more records."""
UNKNOWN_INTERFACE = 2
"""The next record is of an interface that the table lacks; ``KEY`` says which."""
DAMAGE = 3
"""A record leaves the block: the rest of the block cannot be read."""

# Columns of the table of interfaces, whose number of rows is a power of two.
TABLE_KEY = 0  # see ``key_of``; 0 where the row is free
TABLE_NUMBER = 1  # index in the capture's list
TABLE_LINK_TYPE = 2
TABLE_MODE = 3
TABLE_COLUMNS = 4

FROM_LINK = 0
"""Frames begin with the link layer's header, which is Ethernet's if the link type is."""
FROM_NETWORK = 1
"""Frames begin with the network header."""
COOKED = 2
"""A header of Linux's cooked capture takes the place of the link layer's."""
LOOPBACK = 4
"""Beside the others: what was sent comes again as received, and is left out the first time."""

RESERVE_BYTES = 32
"""To be kept free in front of each frame: room for what the walk puts there."""
COOKED_BYTES = 20

_AT = cython.declare(cython.int, AT)
_LEFT = cython.declare(cython.int, LEFT)
_REASON = cython.declare(cython.int, REASON)
_KEY = cython.declare(cython.int, KEY)
_SKIPPED = cython.declare(cython.int, SKIPPED)
_FULL = cython.declare(cython.int, FULL)
_END = cython.declare(cython.int, END)
_UNKNOWN_INTERFACE = cython.declare(cython.int, UNKNOWN_INTERFACE)
_DAMAGE = cython.declare(cython.int, DAMAGE)
_COLUMNS = cython.declare(cython.longlong, TABLE_COLUMNS)
_NUMBER = cython.declare(cython.longlong, TABLE_NUMBER)
_LINK_TYPE = cython.declare(cython.longlong, TABLE_LINK_TYPE)
_MODE = cython.declare(cython.longlong, TABLE_MODE)
_FROM_LINK = cython.declare(cython.longlong, FROM_LINK)
_COOKED = cython.declare(cython.longlong, COOKED)
_LOOPBACK = cython.declare(cython.longlong, LOOPBACK)
_KINDS = cython.declare(cython.longlong, FROM_NETWORK | COOKED)

_DESCRIPTION_BYTES = cython.declare(cython.longlong, 48)
_RECORD_BYTES = cython.declare(cython.longlong, 68)  # header, sockaddr_ll
_COOKED_BYTES = cython.declare(cython.longlong, COOKED_BYTES)
_ADDRESSES_BYTES = cython.declare(cython.longlong, 12)
_TAG_BYTES = cython.declare(cython.longlong, 4)
_ETHERNET = cython.declare(cython.longlong, 1)
_DOT1Q = cython.declare(cython.longlong, 0x8100)
_VLAN_VALID = cython.declare(cython.longlong, 1 << 4)
_VLAN_TPID_VALID = cython.declare(cython.longlong, 1 << 6)
_OUTGOING = cython.declare(cython.longlong, 4)
_SECOND_NS = cython.declare(cython.longlong, 1_000_000_000)


@cython.cfunc
@cython.nogil
@cython.inline
def _u32(data: cython.uchar[::1], at: cython.Py_ssize_t) -> cython.longlong:
    a: cython.longlong = data[at]
    b: cython.longlong = data[at + 1]
    c: cython.longlong = data[at + 2]
    d: cython.longlong = data[at + 3]
    return (d << 24) | (c << 16) | (b << 8) | a


@cython.cfunc
@cython.nogil
@cython.inline
def _u16(data: cython.uchar[::1], at: cython.Py_ssize_t) -> cython.longlong:
    a: cython.longlong = data[at]
    b: cython.longlong = data[at + 1]
    return (b << 8) | a


def key_of(index: cython.longlong, hardware_type: cython.longlong) -> cython.longlong:
    """What an interface is found by in the table; never 0."""
    return ((index & 0xFFFFFFFF) << 17) | (1 << 16) | (hardware_type & 0xFFFF)


@cython.cfunc
@cython.nogil
def _row_of(table: cython.longlong[::1], rows: cython.longlong, key: cython.longlong) -> cython.longlong:
    """Where the row of an interface begins, or the free one where it belongs; -1 if there is neither."""
    at: cython.longlong = ((key >> 17) * 40503 + (key & 0xFFFF)) & (rows - 1)
    tried: cython.longlong = 0
    while tried < rows:
        if table[at * _COLUMNS] == key or table[at * _COLUMNS] == 0:
            return at * _COLUMNS
        at = (at + 1) & (rows - 1)
        tried += 1
    return -1


def row_of(table: cython.longlong[::1], rows: cython.longlong, key: cython.longlong) -> cython.longlong:
    """Where the row of an interface begins, or the free one where it belongs; -1 if there is neither."""
    return _row_of(table, rows, key)


@cython.cfunc
@cython.nogil
def _tag(
    data: cython.uchar[::1], at: cython.longlong, protocol: cython.longlong, tag: cython.longlong
) -> cython.int:
    """Move the link addresses at ``at`` four bytes to the front and put a VLAN tag behind them."""
    step: cython.longlong
    for step in range(_ADDRESSES_BYTES):
        data[at - _TAG_BYTES + step] = data[at + step]
    data[at + 8] = (protocol >> 8) & 0xFF
    data[at + 9] = protocol & 0xFF
    data[at + 10] = (tag >> 8) & 0xFF
    data[at + 11] = tag & 0xFF
    return 0


@cython.cfunc
@cython.nogil
def _cook(data: cython.uchar[::1], at: cython.longlong, address: cython.longlong) -> cython.int:
    """Write a header of LINKTYPE_LINUX_SLL2 to ``at``, from the ``sockaddr_ll`` at ``address``."""
    step: cython.longlong
    data[at] = data[address + 2]  # protocol, in network order already
    data[at + 1] = data[address + 3]
    data[at + 2] = 0
    data[at + 3] = 0
    for step in range(4):
        data[at + 4 + step] = data[address + 7 - step]
    data[at + 8] = data[address + 9]
    data[at + 9] = data[address + 8]
    data[at + 10] = data[address + 10]
    data[at + 11] = data[address + 11]
    for step in range(8):
        data[at + 12 + step] = data[address + 12 + step]
    return 0


def walk(
    data: cython.uchar[::1],
    block: cython.longlong,
    block_end: cython.longlong,
    state: cython.longlong[::1],
    table: cython.longlong[::1],
    count: cython.longlong,
    capacity: cython.longlong,
    offset: cython.longlong[::1],
    captured_bytes: cython.longlong[::1],
    wire_bytes: cython.longlong[::1],
    time_ns: cython.longlong[::1],
    link_type: cython.int[::1],
    interface: cython.int[::1],
    keep: cython.uchar[::1],
) -> cython.longlong:
    """Add the frames of a block to a batch; called again it goes on where it stopped.

    Args:
        data: the ring; what frames lack is written into it.
        block: where the block begins.
        block_end: where it ends.
        state: see the slots above. ``AT`` is 0 for a new block.
        table: of the interfaces.
        count: rows of the batch that are in use.
        capacity: rows that it has.
        offset: column of the batch, and so the others.
        captured_bytes: as above.
        wire_bytes: as above.
        time_ns: as above.
        link_type: as above.
        interface: as above.
        keep: set to 1.

    Returns:
        Rows of the batch that are in use then.
    """
    at: cython.longlong = state[_AT]
    left: cython.longlong = state[_LEFT]
    reason: cython.longlong = _END
    rows: cython.longlong = table.shape[0] // _COLUMNS
    known: cython.longlong = 0
    row: cython.longlong = -1
    key: cython.longlong
    following: cython.longlong
    captured: cython.longlong
    wire: cython.longlong
    mac: cython.longlong
    network: cython.longlong
    status: cython.longlong
    header: cython.longlong
    mode: cython.longlong
    place: cython.longlong
    now: cython.longlong
    nanoseconds: cython.longlong
    with cython.nogil:
        if at == 0:
            left = _u32(data, block + 12)
            at = block + _u32(data, block + 16)
            if left and at < block + _DESCRIPTION_BYTES:
                left = 0
                reason = _DAMAGE
        while left > 0:
            if count >= capacity:
                reason = _FULL
                break
            if at + _RECORD_BYTES > block_end:
                reason = _DAMAGE
                break
            following = _u32(data, at)
            captured = _u32(data, at + 12)
            wire = _u32(data, at + 16)
            status = _u32(data, at + 20)
            mac = _u16(data, at + 24)
            network = _u16(data, at + 26)
            if (
                mac < _RECORD_BYTES
                or network < mac
                or at + mac + captured > block_end
                or at + network > block_end
                or (left > 1 and following < _RECORD_BYTES)
            ):
                reason = _DAMAGE
                break
            key = (_u32(data, at + 52) << 17) | (1 << 16) | _u16(data, at + 56)
            if key != known:
                row = _row_of(table, rows, key)
                if row < 0 or table[row] == 0:
                    state[_KEY] = key
                    reason = _UNKNOWN_INTERFACE
                    break
                known = key
            mode = table[row + _MODE]
            left -= 1
            if mode & _LOOPBACK and data[at + 58] == _OUTGOING:
                state[_SKIPPED] += 1
                at += following
                continue
            place = at + mac
            header = network - mac
            if mode & _KINDS:
                # A frame that was cut before its network header has nothing behind it.
                captured = captured - header if captured > header else 0
                wire = wire - header if wire > header else 0
                place += header
                if mode & _COOKED:
                    if network < _RECORD_BYTES + _COOKED_BYTES:
                        reason = _DAMAGE
                        break
                    place -= _COOKED_BYTES
                    _cook(data, place, at + 48)
                    captured += _COOKED_BYTES
                    wire += _COOKED_BYTES
            elif (
                status & _VLAN_VALID
                and table[row + _LINK_TYPE] == _ETHERNET
                and captured >= _ADDRESSES_BYTES
                and mac >= _RECORD_BYTES + _TAG_BYTES
            ):
                _tag(
                    data,
                    place,
                    _u16(data, at + 36) if status & _VLAN_TPID_VALID else _DOT1Q,
                    _u16(data, at + 32),
                )
                place -= _TAG_BYTES
                captured += _TAG_BYTES
                wire += _TAG_BYTES
            nanoseconds = _u32(data, at + 8)
            now = _u32(data, at + 4) * _SECOND_NS + (nanoseconds if nanoseconds < _SECOND_NS else 0)
            offset[count] = place
            captured_bytes[count] = captured
            wire_bytes[count] = max(wire, captured)
            time_ns[count] = now
            link_type[count] = cython.cast(cython.int, table[row + _LINK_TYPE])
            interface[count] = cython.cast(cython.int, table[row + _NUMBER])
            keep[count] = 1
            count += 1
            at += following
        state[_AT] = at
        state[_LEFT] = left
        state[_REASON] = reason
    return count
