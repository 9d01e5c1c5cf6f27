"""IP headers: from an IP packet to its transport header.

IPv4 with options (RFC 791), IPv6 with its extension headers (RFC 8200), IPsec authentication
headers (RFC 4302), and IP in IP in any mix (RFC 2003, 2473, 4213), to the innermost packet. A
fragment stops here with the layer ``FRAGMENT``: it is put together outside.

Lengths: a packet ends where its length field says or where the frame did on the wire, whichever
comes first; what a link adds as padding is never payload. A total length (or an IPv6 payload
length) of 0 comes from segmentation offload or a jumbogram: then the frame's length counts.
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
GRE = cython.declare(cython.int, codes.GRE)
MPLS = cython.declare(cython.int, codes.MPLS)
ETH = cython.declare(cython.int, codes.ETH)
ETHERIP = cython.declare(cython.int, codes.ETHERIP)
AH = cython.declare(cython.int, codes.AH)
NEXT = cython.declare(cython.int, codes.NEXT)
SCTP = cython.declare(cython.int, codes.SCTP)
ESP = cython.declare(cython.int, codes.ESP)
IGMP = cython.declare(cython.int, codes.IGMP)
OSPF = cython.declare(cython.int, codes.OSPF)
DATA = cython.declare(cython.int, codes.DATA)

NETWORK_CUT = cython.declare(cython.longlong, codes.NETWORK_CUT)
NETWORK_BAD = cython.declare(cython.longlong, codes.NETWORK_BAD)
OTHER_TRANSPORT = cython.declare(cython.longlong, codes.OTHER_TRANSPORT)
ENCRYPTED = cython.declare(cython.longlong, codes.ENCRYPTED)
FRAGMENT_HELD = cython.declare(cython.longlong, codes.FRAGMENT_HELD)
TUNNEL_BAD = cython.declare(cython.longlong, codes.TUNNEL_BAD)
TUNNEL_CUT = cython.declare(cython.longlong, codes.TUNNEL_CUT)
TOO_DEEP = cython.declare(cython.longlong, codes.TOO_DEEP)

PATH_BASE = cython.declare(cython.longlong, codes.PATH_BASE)
PATH_LIMIT = cython.declare(cython.longlong, codes.PATH_LIMIT)
DETAIL_BASE = cython.declare(cython.longlong, codes.DETAIL_BASE)
MAX_LAYERS = cython.declare(cython.int, codes.MAX_LAYERS)
QUOTED = cython.declare(cython.int, packets.QUOTED)


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
) -> cython.ulonglong:
    return (
        (cython.cast(cython.ulonglong, first) << 24)
        | (cython.cast(cython.ulonglong, second) << 16)
        | (cython.cast(cython.ulonglong, third) << 8)
        | fourth
    )


@cython.cfunc
@cython.nogil
@cython.inline
def be64(data: cython.const[cython.uchar][::1], at: cython.longlong) -> cython.ulonglong:
    return (u32(data[at], data[at + 1], data[at + 2], data[at + 3]) << 32) | u32(
        data[at + 4], data[at + 5], data[at + 6], data[at + 7]
    )


@cython.cfunc
@cython.nogil
@cython.inline
def layer_of_protocol(number: cython.longlong) -> cython.int:
    """The layer an IP protocol number announces, ``DATA`` for those not followed."""
    if number == 6:
        return TCP
    if number == 17:
        return UDP
    if number == 1:
        return ICMP
    if number == 58:
        return ICMPV6
    if number == 4:
        return IP
    if number == 41:
        return IPV6
    if number == 47:
        return GRE
    if number == 51:
        return AH
    if number == 97:
        return ETHERIP
    if number == 137:
        return MPLS
    if number == 132:
        return SCTP
    if number == 50:
        return ESP
    if number == 2:
        return IGMP
    if number == 89:
        return OSPF
    return DATA


def decode_networks(
    todo: cython.int[::1],
    todo_count: cython.Py_ssize_t,
    data: cython.const[cython.uchar][::1],
    frame: cython.int[::1],
    role: cython.uchar[::1],
    layer: cython.int[::1],
    at: cython.longlong[::1],
    end: cython.longlong[::1],
    wire_end: cython.longlong[::1],
    depth: cython.int[::1],
    path: cython.longlong[::1],
    fragment_offset: cython.longlong[::1],
    fragment_more: cython.uchar[::1],
    fragment_id: cython.longlong[::1],
    ip_version: cython.uchar[::1],
    protocol: cython.uchar[::1],
    src_hi: cython.ulonglong[::1],
    src_lo: cython.ulonglong[::1],
    dst_hi: cython.ulonglong[::1],
    dst_lo: cython.ulonglong[::1],
    ip_id: cython.int[::1],
    ttl: cython.uchar[::1],
    tos: cython.uchar[::1],
    ip_bytes: cython.longlong[::1],
    network_offset: cython.longlong[::1],
    fragments: cython.int[::1],
    verdict: cython.longlong[::1],
) -> cython.longlong:
    """Move the cursor of each row in ``todo`` that stands at an IP header to the transport header.

    Returns:
        The number of rows that turned out to be fragments.
    """
    index: cython.Py_ssize_t
    row: cython.Py_ssize_t
    now: cython.int
    steps: cython.int
    here: cython.longlong
    stop: cython.longlong
    wire: cython.longlong
    trail: cython.longlong
    length: cython.longlong
    total: cython.longlong
    bits: cython.longlong
    number: cython.longlong
    detail: cython.longlong
    outcome: cython.longlong
    found: cython.longlong = 0
    with cython.nogil:
        for index in range(todo_count):
            row = todo[index]
            now = layer[row]
            if now != IP and now != IPV6 and now != AH and now != NEXT:
                continue
            here = at[row]
            stop = end[row]
            wire = wire_end[row]
            trail = path[row]
            steps = depth[row]
            outcome = 0
            detail = 0
            number = 0
            while now == IP or now == IPV6 or now == AH or now == NEXT:
                steps += 1
                if steps > MAX_LAYERS:
                    outcome = TOO_DEEP
                    break
                if now != NEXT and trail < PATH_LIMIT:
                    trail = trail * PATH_BASE + now
                if now == IP:
                    if stop - here < 20:
                        outcome = NETWORK_CUT
                        break
                    length = (data[here] & 15) * 4
                    if data[here] >> 4 != 4 or length < 20:
                        outcome = NETWORK_BAD
                        break
                    total = u16(data[here + 2], data[here + 3])
                    if total == 0 or total > wire - here:
                        total = wire - here
                    if total < length:
                        outcome = NETWORK_BAD
                        break
                    wire = here + total
                    stop = min(stop, wire)
                    ip_version[row] = 4
                    tos[row] = data[here + 1]
                    ip_id[row] = cython.cast(cython.int, u16(data[here + 4], data[here + 5]))
                    bits = u16(data[here + 6], data[here + 7])
                    ttl[row] = data[here + 8]
                    number = data[here + 9]
                    src_hi[row] = 0
                    src_lo[row] = u32(data[here + 12], data[here + 13], data[here + 14], data[here + 15])
                    dst_hi[row] = 0
                    dst_lo[row] = u32(data[here + 16], data[here + 17], data[here + 18], data[here + 19])
                    ip_bytes[row] = total
                    network_offset[row] = here
                    fragments[row] = 0
                    if stop - here < length:
                        outcome = NETWORK_CUT
                        break
                    here += length
                    if bits & 0x3FFF:
                        fragment_offset[row] = (bits & 0x1FFF) * 8
                        fragment_more[row] = (bits >> 13) & 1
                        fragment_id[row] = ip_id[row]
                        now = FRAGMENT
                    else:
                        now = layer_of_protocol(number)
                else:
                    if now == IPV6:
                        if stop - here < 40:
                            outcome = NETWORK_CUT
                            break
                        if data[here] >> 4 != 6:
                            outcome = NETWORK_BAD
                            break
                        total = u16(data[here + 4], data[here + 5]) + 40
                        if total == 40 or total > wire - here:
                            total = wire - here
                        wire = here + total
                        stop = min(stop, wire)
                        ip_version[row] = 6
                        tos[row] = (u16(data[here], data[here + 1]) >> 4) & 0xFF
                        ip_id[row] = -1
                        number = data[here + 6]
                        ttl[row] = data[here + 7]
                        src_hi[row] = be64(data, here + 8)
                        src_lo[row] = be64(data, here + 16)
                        dst_hi[row] = be64(data, here + 24)
                        dst_lo[row] = be64(data, here + 32)
                        ip_bytes[row] = total
                        network_offset[row] = here
                        fragments[row] = 0
                        here += 40
                    elif now == AH:
                        # RFC 4302: next header, then the length in 32-bit words less two.
                        if stop - here < 12:
                            outcome = NETWORK_CUT
                            break
                        length = (data[here + 1] + 2) * 4
                        if length < 12 or wire - here < length:
                            outcome = NETWORK_BAD
                            break
                        if stop - here < length:
                            outcome = NETWORK_CUT
                            break
                        number = data[here]
                        here += length
                    else:
                        number = protocol[row]
                    now = DATA
                    # Hop-by-hop, routing, destination options, mobility, HIP, Shim6, fragment.
                    while ip_version[row] == 6 and (
                        number == 0 or number == 43 or number == 60 or number == 44 or number >= 135
                    ):
                        if number >= 135 and number != 135 and number != 139 and number != 140:
                            break
                        steps += 1
                        if steps > MAX_LAYERS:
                            outcome = TOO_DEEP
                            break
                        if stop - here < 8:
                            outcome = NETWORK_CUT
                            break
                        if number == 44:
                            bits = u16(data[here + 2], data[here + 3])
                            number = data[here]
                            if bits & 0xFFF9:
                                fragment_offset[row] = bits & 0xFFF8
                                fragment_more[row] = bits & 1
                                fragment_id[row] = cython.cast(
                                    cython.longlong,
                                    u32(data[here + 4], data[here + 5], data[here + 6], data[here + 7]),
                                )
                                here += 8
                                now = FRAGMENT
                                break
                            here += 8  # an atomic fragment (RFC 6946) is a whole packet
                        else:
                            length = (data[here + 1] + 1) * 8
                            if wire - here < length:
                                outcome = NETWORK_BAD
                                break
                            if stop - here < length:
                                outcome = NETWORK_CUT
                                break
                            number = data[here]
                            here += length
                    if outcome != 0:
                        break
                    if now != FRAGMENT:
                        now = layer_of_protocol(number)
            if now == FRAGMENT and role[row] == QUOTED:
                # What a quoted fragment holds is only told by the first one. Wireshark reads on in an
                # IPv4 one that is not all there, as most quotes are, and waits for the others else.
                now = NONE
                if (
                    ip_version[row] == 6
                    or u16(data[network_offset[row] + 2], data[network_offset[row] + 3])
                    <= stop - network_offset[row]
                ):
                    fragments[row] = -1
                if fragment_offset[row] == 0:
                    now = layer_of_protocol(number)
            # Ports are read only where the headers before them were whole.
            protocol[row] = number if outcome == 0 and now != NONE else 0
            if outcome == 0:
                if now == FRAGMENT:
                    found += 1
                    outcome = FRAGMENT_HELD
                    if trail < PATH_LIMIT:
                        trail = trail * PATH_BASE + FRAGMENT
                elif now == ESP:
                    outcome = ENCRYPTED
                elif now == DATA or now == SCTP or now == IGMP or now == OSPF:
                    outcome = OTHER_TRANSPORT
                    detail = number
                elif now == ETHERIP:
                    # RFC 3378: version 3 and padding in two octets.
                    if stop - here < 2:
                        outcome = TUNNEL_CUT if stop < wire else TUNNEL_BAD
                    elif data[here] != 0x30:
                        outcome = TUNNEL_BAD
                    else:
                        here += 2
                        if trail < PATH_LIMIT:
                            trail = trail * PATH_BASE + now
                        now = ETH
            if outcome != 0:
                if outcome == OTHER_TRANSPORT or outcome == ENCRYPTED:
                    if trail < PATH_LIMIT:
                        trail = trail * PATH_BASE + now
                elif outcome == NETWORK_CUT and stop == wire:
                    outcome = NETWORK_BAD  # nothing was cut off: the packet is that short
                if outcome != FRAGMENT_HELD:
                    now = NONE
                if role[row] != QUOTED:
                    verdict[frame[row]] = outcome * DETAIL_BASE + detail
            layer[row] = now
            at[row] = here
            end[row] = stop
            wire_end[row] = wire
            path[row] = trail
            depth[row] = steps
    return found
