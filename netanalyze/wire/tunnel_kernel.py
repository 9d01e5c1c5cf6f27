"""Tunnel headers: GRE, ERSPAN, VXLAN, GENEVE, GTP-U and Teredo, to the packet inside.

A UDP port is only a hint: where the octets are not those of the tunnel that the port suggests, the
datagram is one like any other and the row opened for the packet inside is closed again.

Sources: RFC 2784, 2890 and 2637 (GRE), RFC 8086, draft-foschiano-erspan, RFC 7348 (VXLAN),
draft-ietf-nvo3-vxlan-gpe, RFC 8926 (GENEVE), 3GPP TS 29.281 section 5 (GTP-U), RFC 4380 (Teredo).
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.wire import codes, packets

NONE = cython.declare(cython.int, codes.NONE)
ETH = cython.declare(cython.int, codes.ETH)
RAW = cython.declare(cython.int, codes.RAW)
PPP = cython.declare(cython.int, codes.PPP)
VLAN = cython.declare(cython.int, codes.VLAN)
MPLS = cython.declare(cython.int, codes.MPLS)
NSH = cython.declare(cython.int, codes.NSH)
IP = cython.declare(cython.int, codes.IP)
IPV6 = cython.declare(cython.int, codes.IPV6)
GRE = cython.declare(cython.int, codes.GRE)
ERSPAN = cython.declare(cython.int, codes.ERSPAN)
ERSPAN3 = cython.declare(cython.int, codes.ERSPAN3)
VXLAN = cython.declare(cython.int, codes.VXLAN)
VXLAN_GPE = cython.declare(cython.int, codes.VXLAN_GPE)
GENEVE = cython.declare(cython.int, codes.GENEVE)
GTP = cython.declare(cython.int, codes.GTP)
TEREDO = cython.declare(cython.int, codes.TEREDO)

NOT_IP = cython.declare(cython.longlong, codes.NOT_IP)
TUNNEL_BAD = cython.declare(cython.longlong, codes.TUNNEL_BAD)
TUNNEL_CUT = cython.declare(cython.longlong, codes.TUNNEL_CUT)
TOO_DEEP = cython.declare(cython.longlong, codes.TOO_DEEP)

PATH_BASE = cython.declare(cython.longlong, codes.PATH_BASE)
PATH_LIMIT = cython.declare(cython.longlong, codes.PATH_LIMIT)
DETAIL_BASE = cython.declare(cython.longlong, codes.DETAIL_BASE)
MAX_LAYERS = cython.declare(cython.int, codes.MAX_LAYERS)
INNERMOST = cython.declare(cython.int, packets.INNERMOST)
QUOTED = cython.declare(cython.int, packets.QUOTED)
BAD = cython.declare(cython.longlong, -2)
"""In place of an offset: the header cannot be one, however much of it was captured."""


@cython.cfunc
@cython.nogil
@cython.inline
def be16(data: cython.const[cython.uchar][::1], at: cython.longlong) -> cython.longlong:
    return (cython.cast(cython.longlong, data[at]) << 8) | data[at + 1]


@cython.cfunc
@cython.nogil
def layer_inside(number: cython.longlong) -> cython.int:
    """The layer for a protocol type of GRE or GENEVE, ``NONE`` for those not followed."""
    if number == 0x0800:
        return IP
    if number == 0x86DD:
        return IPV6
    if number == 0x6558 or number == 0x6400:  # transparent bridging; MikroTik's EoIP
        return ETH
    if number == 0x8847 or number == 0x8848:
        return MPLS
    if number == 0x88BE:
        return ERSPAN
    if number == 0x22EB:
        return ERSPAN3
    if number == 0x880B:
        return PPP
    if number == 0x8100 or number == 0x88A8:
        return VLAN
    if number == 0x894F:
        return NSH
    return NONE


@cython.cfunc
@cython.nogil
def vxlan_inside(
    data: cython.const[cython.uchar][::1], at: cython.longlong, end: cython.longlong
) -> cython.longlong:
    """Offset of the frame in a VXLAN packet, -1 if it is none.

    The I bit must be set. Of the other flags only that of group policy is known; the rest and the last
    octet are reserved, which a receiver ignores. Where they are not zero the EtherType must bear it out.
    """
    if end - at < 22 or not data[at] & 0x08:
        return -1
    if (data[at] & 0x77 or data[at + 7] != 0) and layer_inside(be16(data, at + 20)) == NONE:
        return -1
    return at + 8


@cython.cfunc
@cython.nogil
def geneve_inside(
    data: cython.const[cython.uchar][::1], at: cython.longlong, end: cython.longlong
) -> cython.longlong:
    """Offset of the packet in a GENEVE one, -1 if it is none: version 0 and a known protocol type."""
    length: cython.longlong
    if end - at < 8 or data[at] & 0xC0:
        return -1
    length = 8 + (data[at] & 0x3F) * 4
    if length > end - at or layer_inside(be16(data, at + 2)) == NONE:
        return -1
    return at + length


@cython.cfunc
@cython.nogil
def gtp_inside(
    data: cython.const[cython.uchar][::1], at: cython.longlong, end: cython.longlong
) -> cython.longlong:
    """Offset of the IP packet in a GTP-U G-PDU, -1 if it is something else."""
    here: cython.longlong
    kind: cython.longlong
    length: cython.longlong
    version: cython.longlong
    if end - at < 9 or data[at] & 0xF0 != 0x30 or data[at + 1] != 255:
        return -1
    here = at + 8
    if data[at] & 7:
        here += 4
        if here >= end:
            return -1
        if data[at] & 4:
            kind = data[here - 1]
            while kind != 0:
                if here >= end:
                    return -1
                length = data[here] * 4
                if length == 0 or here + length > end:
                    return -1
                here += length
                kind = data[here - 1]
    if here >= end:
        return -1
    version = data[here] >> 4
    if version != 4 and version != 6:
        return -1
    return here


@cython.cfunc
@cython.nogil
def teredo_inside(
    data: cython.const[cython.uchar][::1],
    at: cython.longlong,
    end: cython.longlong,
    wire_end: cython.longlong,
) -> cython.longlong:
    """Offset of the IPv6 packet in a Teredo one, -1 if it is none.

    An authentication header and an origin indication may precede it (RFC 4380 section 5.1.1).
    """
    if end - at >= 4 and be16(data, at) == 1:
        at += 4 + data[at + 2] + data[at + 3] + 9
    if end - at >= 8 and be16(data, at) == 0:
        at += 8
    if end - at < 40 or data[at] >> 4 != 6:
        return -1
    if be16(data, at + 4) + 40 > wire_end - at:
        return -1
    return at


def decode_tunnels(
    todo: cython.int[::1],
    todo_count: cython.Py_ssize_t,
    data: cython.const[cython.uchar][::1],
    frame: cython.int[::1],
    role: cython.uchar[::1],
    parent: cython.int[::1],
    layer: cython.int[::1],
    at: cython.longlong[::1],
    end: cython.longlong[::1],
    wire_end: cython.longlong[::1],
    depth: cython.int[::1],
    path: cython.longlong[::1],
    verdict: cython.longlong[::1],
) -> cython.longlong:
    """Move the cursor of each row in ``todo`` that stands at a tunnel header to the packet inside.

    Returns:
        0.
    """
    index: cython.Py_ssize_t
    row: cython.Py_ssize_t
    now: cython.int
    then: cython.int
    inside: cython.longlong
    here: cython.longlong
    stop: cython.longlong
    bits: cython.longlong
    number: cython.longlong
    with cython.nogil:
        for index in range(todo_count):
            row = todo[index]
            now = layer[row]
            if now < GRE or now > TEREDO:
                continue
            here = at[row]
            stop = end[row]
            then = NONE
            depth[row] += 1
            if depth[row] > MAX_LAYERS:
                layer[row] = NONE
                if role[row] != QUOTED:
                    verdict[frame[row]] = TOO_DEEP * DETAIL_BASE
                continue
            if now == VXLAN or now == VXLAN_GPE or now == GENEVE or now == GTP or now == TEREDO:
                if now == VXLAN and stop - here >= 9 and data[here] & 0xFC == 0x0C:
                    now = VXLAN_GPE  # the P bit says so, whatever the port
                if now == VXLAN:
                    inside = vxlan_inside(data, here, stop)
                    then = ETH
                elif now == VXLAN_GPE:
                    inside = -1
                    if stop - here >= 9 and data[here] & 0xF8 == 0x08 and data[here + 7] == 0:
                        inside = here + 8
                        number = data[here + 3]
                        then = ETH
                        if data[here] & 4:  # the P bit: a next protocol is given
                            if number == 1:
                                then = IP
                            elif number == 2:
                                then = IPV6
                            elif number == 4:
                                then = NSH
                            elif number == 5:
                                then = MPLS
                            elif number != 3:
                                inside = -1
                elif now == GENEVE:
                    inside = geneve_inside(data, here, stop)
                    if inside >= 0:
                        then = layer_inside(be16(data, here + 2))
                elif now == GTP:
                    inside = gtp_inside(data, here, stop)
                    then = RAW
                else:
                    inside = teredo_inside(data, here, stop, wire_end[row])
                    then = IPV6
                if inside < 0 or inside > stop:
                    # Not that tunnel: the datagram around it is the innermost packet after all, and
                    # this row must not speak for the frame.
                    layer[row] = NONE
                    role[row] = QUOTED
                    role[parent[row]] = INNERMOST
                    continue
            elif now == GRE:
                inside = -1
                if stop - here >= 4:
                    bits = be16(data, here)
                    number = be16(data, here + 2)
                    inside = here + 4
                    if bits & 0xC000:
                        inside += 4
                    if bits & 0x2000:
                        inside += 4
                    if bits & 0x1000:
                        inside += 4
                    if bits & 7 == 1 and bits & 0x80:
                        inside += 4  # PPTP's acknowledgement number
                    if bits & 7 > 1:
                        inside = BAD
                    elif inside > stop:
                        inside = -1
                    elif bits & 0x4000:
                        # RFC 1701 source routes: address family, offset, length; a zero length ends.
                        while inside + 4 <= stop and (be16(data, inside) != 0 or data[inside + 3] != 0):
                            inside += 4 + data[inside + 3]
                        inside += 4
                        if inside > stop:
                            inside = -1
                    then = layer_inside(number)
                    if then == ERSPAN and not bits & 0x1000:
                        then = ETH  # ERSPAN type I has no header of its own
                    if then == PPP and not bits & 0x1000:
                        then = NONE  # PPTP's bare acknowledgement: no sequence number, no payload
                    if inside >= 0 and then == NONE:
                        layer[row] = NONE
                        if path[row] < PATH_LIMIT:
                            path[row] = path[row] * PATH_BASE + now
                        if role[row] != QUOTED:
                            verdict[frame[row]] = NOT_IP * DETAIL_BASE + number
                        continue
            elif now == ERSPAN:
                inside = here + 8 if stop - here >= 8 else -1
                then = ETH
            else:
                inside = -1
                if stop - here >= 12:
                    inside = here + 12
                    if data[here + 11] & 1:  # the O bit: a platform-specific subheader
                        inside += 8
                    if inside > stop:
                        inside = -1
                    then = RAW if (data[here + 10] >> 2) & 31 == 2 else ETH  # the frame type
            if path[row] < PATH_LIMIT:
                path[row] = path[row] * PATH_BASE + now
            if inside < 0:
                layer[row] = NONE
                if role[row] != QUOTED:
                    if inside != BAD and stop < wire_end[row]:
                        verdict[frame[row]] = TUNNEL_CUT * DETAIL_BASE
                    else:
                        verdict[frame[row]] = TUNNEL_BAD * DETAIL_BASE
                continue
            if then == RAW:
                then = IPV6 if inside < stop and data[inside] >> 4 == 6 else IP
            layer[row] = then
            at[row] = inside
    return 0
