"""Sizes, silences, fragments and errors of UDP flows, datagram by datagram.

Runs behind the flow table, which has given each packet its flow and side.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.udp import flow_fields as fields
from netanalyze.wire import packets

SMALLEST = cython.declare(cython.int, fields.SMALLEST)
LARGEST = cython.declare(cython.int, fields.LARGEST)
FRAGMENTED = cython.declare(cython.int, fields.FRAGMENTED)
LARGE = cython.declare(cython.int, fields.LARGE)
LATEST_NS = cython.declare(cython.int, fields.LATEST_NS)
SILENCE_NS = cython.declare(cython.int, fields.SILENCE_NS)
SILENCE_FRAME = cython.declare(cython.int, fields.SILENCE_FRAME)
ICMP = cython.declare(cython.int, fields.ICMP)
ICMP_FRAME = cython.declare(cython.int, fields.ICMP_FRAME)
FLAGS = cython.declare(cython.int, fields.FLAGS)
SEEN = cython.declare(cython.longlong, fields.SEEN)
LINK_BROADCAST = cython.declare(cython.longlong, fields.LINK_BROADCAST)
MTU = cython.declare(cython.longlong, fields.ETHERNET_MTU)

QUOTED = cython.declare(cython.int, packets.QUOTED)
DAMAGED = cython.declare(cython.int, packets.DAMAGED)
IN_BATCH = cython.declare(cython.int, packets.IN_BATCH)
UDP = cython.declare(cython.int, 17)
ICMP_V4 = cython.declare(cython.int, 1)
ICMP_V6 = cython.declare(cython.int, 58)
ETHERNET = cython.declare(cython.int, 1)
SLL = cython.declare(cython.int, 113)
SLL2 = cython.declare(cython.int, 276)


@cython.cfunc
@cython.nogil
@cython.exceptval(-2, check=False)
def to_every_station(
    data: cython.const[cython.uchar][::1], begin: cython.longlong, size: cython.longlong, link: cython.int
) -> cython.int:
    """Whether the link header says so: Ethernet's all-ones address, Linux's packet type 1 (broadcast)."""
    place: cython.longlong
    if begin < 0 or size < 0 or begin + size > data.shape[0]:
        return 0
    if link == ETHERNET:
        if size < 6:
            return 0
        for place in range(begin, begin + 6):
            if data[place] != 0xFF:
                return 0
        return 1
    if link == SLL:
        return 1 if size >= 2 and data[begin] == 0 and data[begin + 1] == 1 else 0
    if link == SLL2:
        return 1 if size >= 11 and data[begin + 10] == 1 else 0
    return 0


def measure_datagrams(
    rows: cython.Py_ssize_t,
    order: cython.int[::1],
    first_frame: cython.longlong,
    data: cython.const[cython.uchar][::1],
    time_ns: cython.longlong[::1],
    offset: cython.longlong[::1],
    captured_bytes: cython.longlong[::1],
    link_type: cython.int[::1],
    frame: cython.int[::1],
    role: cython.uchar[::1],
    protocol: cython.uchar[::1],
    sport: cython.int[::1],
    dport: cython.int[::1],
    ip_bytes: cython.longlong[::1],
    payload_bytes: cython.longlong[::1],
    fragments: cython.int[::1],
    stream: cython.longlong[::1],
    side: cython.uchar[::1],
    duplicate: cython.uchar[::1],
    state: cython.longlong[:, ::1],
) -> cython.longlong:
    """Add the datagrams of a batch to ``state``, which has a row for each flow (``flow_fields.py``).

    Returns:
        0.
    """
    index: cython.Py_ssize_t
    row: cython.Py_ssize_t
    flow: cython.Py_ssize_t
    here: cython.Py_ssize_t
    sender: cython.Py_ssize_t
    size: cython.longlong
    now: cython.longlong
    silence: cython.longlong
    error: cython.longlong = 0
    error_frame: cython.Py_ssize_t = -1
    with cython.nogil:
        for index in range(rows):
            row = order[index]
            if protocol[row] != UDP:
                if (protocol[row] == ICMP_V4 or protocol[row] == ICMP_V6) and role[row] != QUOTED:
                    error = (1 << 24) | (sport[row] & 0xFF) << 8 | (dport[row] & 0xFF)
                    error_frame = frame[row]
                continue
            if stream[row] < 0 or duplicate[row] or role[row] == DAMAGED:
                continue
            flow = stream[row]
            here = frame[row]
            if role[row] == QUOTED:
                if state[flow, ICMP] == 0 and error_frame == here:
                    state[flow, ICMP] = error
                    state[flow, ICMP_FRAME] = first_frame + here
                continue
            sender = side[row]
            size = payload_bytes[row]
            now = time_ns[here]
            if state[flow, SMALLEST + sender] == 0:
                state[flow, SMALLEST + sender] = size + 1
                if to_every_station(data, offset[here], captured_bytes[here], link_type[here]) == 1:
                    state[flow, FLAGS] |= LINK_BROADCAST << sender
            elif size < state[flow, SMALLEST + sender]:
                state[flow, SMALLEST + sender] = size + 1
            if size > state[flow, LARGEST + sender]:
                state[flow, LARGEST + sender] = size
            if fragments[row] > 0:
                state[flow, FRAGMENTED + sender] += 1
            elif ip_bytes[row] > MTU:
                state[flow, LARGE + sender] += 1
            if state[flow, FLAGS] & SEEN:
                silence = now - state[flow, LATEST_NS]
                if silence > state[flow, SILENCE_NS]:
                    state[flow, SILENCE_NS] = silence
                    state[flow, SILENCE_FRAME] = first_frame + here
                if silence > 0:
                    state[flow, LATEST_NS] = now
            else:
                state[flow, FLAGS] |= SEEN
                state[flow, LATEST_NS] = now
    return 0
