"""Lays the frames of a batch out as records of a capture file.

pcapng: enhanced packet blocks in nanoseconds, little-endian
(https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcapng/, section 4.3). pcap: records in nanoseconds.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

BLOCK_BYTES = 32
"""An enhanced packet block without its frame and padding."""
RECORD_BYTES = 16
"""A pcap record without its frame."""

_BLOCK_BYTES = cython.declare(cython.longlong, BLOCK_BYTES)
_RECORD_BYTES = cython.declare(cython.longlong, RECORD_BYTES)
_ENHANCED_PACKET = cython.declare(cython.longlong, 6)
_SECOND_NS = cython.declare(cython.longlong, 1_000_000_000)
_MASK32 = cython.declare(cython.longlong, 0xFFFFFFFF)


@cython.cfunc
@cython.nogil
@cython.inline
def _put(out: cython.uchar[::1], at: cython.Py_ssize_t, value: cython.longlong) -> cython.int:
    out[at] = value & 0xFF
    out[at + 1] = (value >> 8) & 0xFF
    out[at + 2] = (value >> 16) & 0xFF
    out[at + 3] = (value >> 24) & 0xFF
    return 0


def lay_out(
    pcapng: cython.bint,
    out: cython.uchar[::1],
    room: cython.longlong,
    used: cython.longlong[::1],
    row: cython.Py_ssize_t,
    count: cython.Py_ssize_t,
    data: cython.const[cython.uchar][::1],
    offset: cython.longlong[::1],
    captured_bytes: cython.longlong[::1],
    wire_bytes: cython.longlong[::1],
    time_ns: cython.longlong[::1],
    interface: cython.int[::1],
) -> cython.longlong:
    """Lay out as many frames as there is room for.

    Args:
        pcapng: whether they become blocks of pcapng, or else records of pcap.
        out: where to.
        room: bytes of it that may be used.
        used: its first element becomes the bytes that were used.
        row: the first frame.
        count: one past the last one.
        data: the batch's buffer.
        offset: column of the batch, and so the others.
        captured_bytes: as above.
        wire_bytes: as above.
        time_ns: as above.
        interface: as above.

    Returns:
        The first frame that there was no room for.
    """
    at: cython.longlong = 0
    length: cython.longlong
    total: cython.longlong
    now: cython.longlong
    source: cython.longlong
    with cython.nogil:
        while row < count:
            length = captured_bytes[row]
            now = time_ns[row]
            source = offset[row]
            if pcapng:
                total = _BLOCK_BYTES + ((length + 3) & ~3)
                if at + total > room:
                    break
                _put(out, at, _ENHANCED_PACKET)
                _put(out, at + 4, total)
                _put(out, at + 8, interface[row])
                _put(out, at + 12, now >> 32)
                _put(out, at + 16, now & _MASK32)
                _put(out, at + 20, length)
                _put(out, at + 24, wire_bytes[row])
                if length & 3:
                    _put(out, at + total - 8, 0)
                _put(out, at + total - 4, total)
                if length:
                    out[at + 28 : at + 28 + length] = data[source : source + length]
            else:
                total = _RECORD_BYTES + length
                if at + total > room:
                    break
                _put(out, at, now // _SECOND_NS)
                _put(out, at + 4, now % _SECOND_NS)
                _put(out, at + 8, length)
                _put(out, at + 12, wire_bytes[row])
                if length:
                    out[at + 16 : at + 16 + length] = data[source : source + length]
            at += total
            row += 1
        used[0] = at
    return row
