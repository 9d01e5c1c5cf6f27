"""Transport headers: TCP with its options, UDP, ICMP, and what they carry that is a packet again.

A UDP datagram to or from a tunnel's port, and an ICMP error, open a new row for the packet inside:
the tunnelled one to be decoded on, the quoted one to be tied to its flow. Sources: RFC 9293, RFC
7323 (window scale, timestamps), RFC 2018 (SACK), RFC 768, RFC 792, RFC 4443; ports from RFC 7348
(VXLAN; 8472 is what Linux used before), RFC 8926 (GENEVE), RFC 4380 (Teredo), 3GPP TS 29.281 (GTP-U).
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.wire import codes, packets

NONE = cython.declare(cython.int, codes.NONE)
IP = cython.declare(cython.int, codes.IP)
IPV6 = cython.declare(cython.int, codes.IPV6)
FRAGMENT = cython.declare(cython.int, codes.FRAGMENT)
TCP = cython.declare(cython.int, codes.TCP)
UDP = cython.declare(cython.int, codes.UDP)
ICMP = cython.declare(cython.int, codes.ICMP)
ICMPV6 = cython.declare(cython.int, codes.ICMPV6)
VXLAN = cython.declare(cython.int, codes.VXLAN)
VXLAN_GPE = cython.declare(cython.int, codes.VXLAN_GPE)
GENEVE = cython.declare(cython.int, codes.GENEVE)
GTP = cython.declare(cython.int, codes.GTP)
TEREDO = cython.declare(cython.int, codes.TEREDO)
NEXT = cython.declare(cython.int, codes.NEXT)

TCP_SEGMENT = cython.declare(cython.longlong, codes.TCP_SEGMENT)
UDP_DATAGRAM = cython.declare(cython.longlong, codes.UDP_DATAGRAM)
ICMP_MESSAGE = cython.declare(cython.longlong, codes.ICMP_MESSAGE)
TRANSPORT_CUT = cython.declare(cython.longlong, codes.TRANSPORT_CUT)
TRANSPORT_BAD = cython.declare(cython.longlong, codes.TRANSPORT_BAD)

PATH_BASE = cython.declare(cython.longlong, codes.PATH_BASE)
PATH_LIMIT = cython.declare(cython.longlong, codes.PATH_LIMIT)
DETAIL_BASE = cython.declare(cython.longlong, codes.DETAIL_BASE)
INNERMOST = cython.declare(cython.int, packets.INNERMOST)
CARRIER = cython.declare(cython.int, packets.CARRIER)
QUOTED = cython.declare(cython.int, packets.QUOTED)
DAMAGED = cython.declare(cython.int, packets.DAMAGED)


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def u16(first: cython.uchar, second: cython.uchar) -> cython.longlong:
    """Two octets in network order. They are handed over one by one: a view would be copied."""
    return (cython.cast(cython.longlong, first) << 8) | second


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def u32(
    first: cython.uchar, second: cython.uchar, third: cython.uchar, fourth: cython.uchar
) -> cython.longlong:
    return (
        (cython.cast(cython.longlong, first) << 24)
        | (cython.cast(cython.longlong, second) << 16)
        | (cython.cast(cython.longlong, third) << 8)
        | fourth
    )


@cython.cfunc
@cython.nogil
@cython.inline
def tunnel_of_port(port: cython.longlong) -> cython.int:
    """The tunnel whose UDP port this is, or ``NONE``; what is inside must bear it out."""
    if port < 2152 or port > 8472:
        return NONE
    if port == 4789 or port == 8472:
        return VXLAN
    if port == 6081:
        return GENEVE
    if port == 2152:
        return GTP
    if port == 3544:
        return TEREDO
    if port == 4790:
        return VXLAN_GPE
    return NONE


def decode_transports(
    todo: cython.int[::1],
    todo_count: cython.Py_ssize_t,
    again: cython.int[::1],
    counters: cython.longlong[::1],
    data: cython.const[cython.uchar][::1],
    source_now: cython.int,
    frame: cython.int[::1],
    role: cython.uchar[::1],
    source: cython.uchar[::1],
    parent: cython.int[::1],
    layer: cython.int[::1],
    at: cython.longlong[::1],
    end: cython.longlong[::1],
    wire_end: cython.longlong[::1],
    depth: cython.int[::1],
    path: cython.longlong[::1],
    link_hash: cython.longlong[::1],
    fragments: cython.int[::1],
    ip_version: cython.uchar[::1],
    protocol: cython.uchar[::1],
    sport: cython.int[::1],
    dport: cython.int[::1],
    transport_offset: cython.longlong[::1],
    payload_offset: cython.longlong[::1],
    payload_bytes: cython.longlong[::1],
    payload_captured: cython.longlong[::1],
    checksum: cython.int[::1],
    seq: cython.longlong[::1],
    ack: cython.longlong[::1],
    flags: cython.int[::1],
    window: cython.int[::1],
    mss: cython.int[::1],
    window_scale: cython.int[::1],
    sack_permitted: cython.uchar[::1],
    sack_offset: cython.longlong[::1],
    sack_blocks: cython.int[::1],
    tsval: cython.longlong[::1],
    tsecr: cython.longlong[::1],
    verdict: cython.longlong[::1],
) -> cython.longlong:
    """Read the transport header of each row in ``todo``.

    ``counters`` holds the number of rows in use (0; grows with each packet found inside another) and
    the number of entries in ``again`` (1): rows that another round has to decode on.

    Returns:
        0.
    """
    index: cython.Py_ssize_t
    row: cython.Py_ssize_t
    inner: cython.Py_ssize_t
    now: cython.int
    then: cython.int
    here: cython.longlong
    stop: cython.longlong
    wire: cython.longlong
    body: cython.longlong
    length: cython.longlong
    header: cython.longlong
    option: cython.longlong
    kind: cython.longlong
    outcome: cython.longlong
    room: cython.Py_ssize_t = frame.shape[0]
    with cython.nogil:
        for index in range(todo_count):
            row = todo[index]
            now = layer[row]
            if now == NONE or now == FRAGMENT:
                continue
            if now != TCP and now != UDP and now != ICMP and now != ICMPV6:
                # One of another kernel's layers (the layers behind NEXT only end a path).
                if now > NEXT:
                    layer[row] = NONE
                    continue
                again[counters[1]] = row
                counters[1] += 1
                continue
            here = at[row]
            stop = end[row]
            wire = wire_end[row]
            layer[row] = NONE
            transport_offset[row] = here
            then = NONE
            body = here
            length = 0
            header = 0
            if role[row] == QUOTED:
                # RFC 792 promises eight octets of what was sent: ports, and TCP's sequence number.
                if (now != TCP and now != UDP) or stop - here < 4:
                    protocol[row] = 0
                    continue
                sport[row] = cython.cast(cython.int, u16(data[here], data[here + 1]))
                dport[row] = cython.cast(cython.int, u16(data[here + 2], data[here + 3]))
                seq[row] = (
                    u32(data[here + 4], data[here + 5], data[here + 6], data[here + 7])
                    if stop - here >= 8
                    else 0
                )
                ack[row] = -1
                flags[row] = -1
                if fragments[row] == 0:
                    if now == UDP and stop - here >= 8:
                        flags[row] = 0
                    elif now == TCP and stop - here >= 16:
                        ack[row] = u32(data[here + 8], data[here + 9], data[here + 10], data[here + 11])
                        flags[row] = cython.cast(cython.int, u16(data[here + 12], data[here + 13]) & 0xFFF)
                payload_offset[row] = here
                payload_bytes[row] = 0
                payload_captured[row] = 0
                continue
            if path[row] < PATH_LIMIT:
                path[row] = path[row] * PATH_BASE + now
            outcome = 0
            if now == TCP:
                if wire - here < 16:
                    outcome = TRANSPORT_BAD
                elif stop - here < 16:
                    outcome = TRANSPORT_CUT
                else:
                    header = (data[here + 12] >> 4) * 4
                    sport[row] = cython.cast(cython.int, u16(data[here], data[here + 1]))
                    dport[row] = cython.cast(cython.int, u16(data[here + 2], data[here + 3]))
                    seq[row] = u32(data[here + 4], data[here + 5], data[here + 6], data[here + 7])
                    ack[row] = u32(data[here + 8], data[here + 9], data[here + 10], data[here + 11])
                    flags[row] = cython.cast(cython.int, u16(data[here + 12], data[here + 13]) & 0xFFF)
                    window[row] = cython.cast(cython.int, u16(data[here + 14], data[here + 15]))
                    checksum[row] = (
                        cython.cast(cython.int, u16(data[here + 16], data[here + 17]))
                        if stop - here >= 18
                        else 0
                    )
                    mss[row] = -1
                    window_scale[row] = -1
                    sack_permitted[row] = 0
                    sack_offset[row] = 0
                    sack_blocks[row] = 0
                    tsval[row] = -1
                    tsecr[row] = -1
                    if header < 20 or header > wire - here:
                        outcome = TRANSPORT_BAD
                        role[row] = DAMAGED
                if outcome == 0:
                    outcome = TCP_SEGMENT
                    body = here + header
                    option = here + 20
                    length = min(stop, body)
                    while option < length:
                        kind = data[option]
                        if kind == 1:
                            option += 1
                            continue
                        if kind == 0 or option + 1 >= length:
                            break
                        header = data[option + 1]
                        if header < 2 or option + header > length:
                            break
                        if kind == 8 and header == 10:
                            tsval[row] = u32(
                                data[option + 2], data[option + 3], data[option + 4], data[option + 5]
                            )
                            tsecr[row] = u32(
                                data[option + 6], data[option + 7], data[option + 8], data[option + 9]
                            )
                        elif kind == 5:
                            sack_offset[row] = option + 2
                            sack_blocks[row] = cython.cast(cython.int, (header - 2) // 8)
                        elif kind == 2 and header == 4:
                            mss[row] = cython.cast(cython.int, u16(data[option + 2], data[option + 3]))
                        elif kind == 3 and header == 3:
                            window_scale[row] = data[option + 2]
                        elif kind == 4 and header == 2:
                            sack_permitted[row] = 1
                        option += header
            elif now == UDP:
                if wire - here < 8:
                    outcome = TRANSPORT_BAD
                elif stop - here < 8:
                    outcome = TRANSPORT_CUT
                else:
                    length = u16(data[here + 4], data[here + 5])
                    sport[row] = cython.cast(cython.int, u16(data[here], data[here + 1]))
                    dport[row] = cython.cast(cython.int, u16(data[here + 2], data[here + 3]))
                    if length < 8 and (length > 0 or ip_version[row] == 4):
                        outcome = TRANSPORT_BAD  # 0 is an IPv6 jumbogram (RFC 2675)
                if outcome == 0:
                    outcome = UDP_DATAGRAM
                    checksum[row] = cython.cast(cython.int, u16(data[here + 6], data[here + 7]))
                    if length > 0 and here + length < wire:
                        wire = here + length
                    body = here + 8
                    then = tunnel_of_port(dport[row])
                    if then == NONE:
                        then = tunnel_of_port(sport[row])
            elif wire - here < 8:
                outcome = TRANSPORT_BAD
            elif stop - here < 8:
                outcome = TRANSPORT_CUT
            else:
                outcome = ICMP_MESSAGE
                kind = data[here]
                sport[row] = cython.cast(cython.int, kind)
                dport[row] = data[here + 1]
                checksum[row] = cython.cast(cython.int, u16(data[here + 2], data[here + 3]))
                body = here + 8
                if now == ICMP:
                    if kind == 3 or kind == 4 or kind == 5 or kind == 11 or kind == 12:
                        then = IP
                elif kind >= 1 and kind <= 4:
                    then = IPV6
            verdict[frame[row]] = outcome * DETAIL_BASE
            if role[row] == DAMAGED:
                payload_offset[row] = here
                payload_bytes[row] = 0
                payload_captured[row] = 0
                continue
            if outcome != TCP_SEGMENT and outcome != UDP_DATAGRAM and outcome != ICMP_MESSAGE:
                protocol[row] = 0
                continue
            payload_offset[row] = body
            payload_bytes[row] = wire - body
            stop = min(stop, wire)
            payload_captured[row] = stop - body if stop > body else 0
            if then != NONE and stop > body and counters[0] < room:
                inner = counters[0]
                counters[0] += 1
                frame[inner] = frame[row]
                source[inner] = source_now
                parent[inner] = row
                layer[inner] = then
                at[inner] = body
                end[inner] = stop
                wire_end[inner] = wire
                depth[inner] = depth[row] + 1
                path[inner] = path[row]
                link_hash[inner] = link_hash[row]
                protocol[inner] = 0
                if then == IP or then == IPV6:
                    role[inner] = QUOTED
                else:
                    role[inner] = INNERMOST
                    role[row] = CARRIER
                again[counters[1]] = inner
                counters[1] += 1
    return 0
