"""Link headers: from the first byte of a frame to its IP packet.

Each row has a cursor: the layer that stands at ``at``, where the captured bytes end (``end``) and
where the frame would end had all of it been captured (``wire_end``). This kernel moves the cursor
past every link header and tag until an IP header is reached or the frame turns out not to hold one;
then it leaves a verdict and the layer ``NONE``.

Formats: IEEE 802.3, 802.1Q/ad/ah/BR, 802.2 with SNAP (RFC 1042), 802.11 and radiotap.org, PPP
(RFC 1661/1662), PPPoE (RFC 2516), MPLS (RFC 3032, pseudowires RFC 4448), NSH (RFC 8300), and the
pseudo-headers described at tcpdump.org/linktypes.html.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.wire import codes, packets

NONE = cython.declare(cython.int, codes.NONE)
ETH = cython.declare(cython.int, codes.ETH)
SLL = cython.declare(cython.int, codes.SLL)
SLL2 = cython.declare(cython.int, codes.SLL2)
NULL = cython.declare(cython.int, codes.NULL)
RAW = cython.declare(cython.int, codes.RAW)
PPP = cython.declare(cython.int, codes.PPP)
PPPOE = cython.declare(cython.int, codes.PPPOE)
WLAN = cython.declare(cython.int, codes.WLAN)
RADIOTAP = cython.declare(cython.int, codes.RADIOTAP)
PRISM = cython.declare(cython.int, codes.PRISM)
AVS = cython.declare(cython.int, codes.AVS)
PPI = cython.declare(cython.int, codes.PPI)
NFLOG = cython.declare(cython.int, codes.NFLOG)
PKTAP = cython.declare(cython.int, codes.PKTAP)
CHDLC = cython.declare(cython.int, codes.CHDLC)
VLAN = cython.declare(cython.int, codes.VLAN)
MPLS = cython.declare(cython.int, codes.MPLS)
LLC = cython.declare(cython.int, codes.LLC)
NSH = cython.declare(cython.int, codes.NSH)
ETHERTYPE = cython.declare(cython.int, codes.ETHERTYPE)
PBB = cython.declare(cython.int, codes.PBB)
ETAG = cython.declare(cython.int, codes.ETAG)
PW_ETH = cython.declare(cython.int, codes.PW_ETH)
LAST_LINK = cython.declare(cython.int, codes.LAST_LINK)
IP = cython.declare(cython.int, codes.IP)
IPV6 = cython.declare(cython.int, codes.IPV6)
ARP = cython.declare(cython.int, codes.ARP)
LLDP = cython.declare(cython.int, codes.LLDP)
STP = cython.declare(cython.int, codes.STP)
EAPOL = cython.declare(cython.int, codes.EAPOL)
DATA = cython.declare(cython.int, codes.DATA)

UNKNOWN_LINK = cython.declare(cython.longlong, codes.UNKNOWN_LINK)
LINK_CUT = cython.declare(cython.longlong, codes.LINK_CUT)
LINK_BAD = cython.declare(cython.longlong, codes.LINK_BAD)
NOT_IP = cython.declare(cython.longlong, codes.NOT_IP)
LLC_OTHER = cython.declare(cython.longlong, codes.LLC_OTHER)
PPP_OTHER = cython.declare(cython.longlong, codes.PPP_OTHER)
WLAN_NOT_DATA = cython.declare(cython.longlong, codes.WLAN_NOT_DATA)
WLAN_ENCRYPTED = cython.declare(cython.longlong, codes.WLAN_ENCRYPTED)
TOO_DEEP = cython.declare(cython.longlong, codes.TOO_DEEP)

PATH_BASE = cython.declare(cython.longlong, codes.PATH_BASE)
PATH_LIMIT = cython.declare(cython.longlong, codes.PATH_LIMIT)
DETAIL_BASE = cython.declare(cython.longlong, codes.DETAIL_BASE)
MAX_LAYERS = cython.declare(cython.int, codes.MAX_LAYERS)
FAMILY = cython.declare(cython.longlong, codes.FAMILY)
QUOTED = cython.declare(cython.int, packets.QUOTED)
MASK31 = cython.declare(cython.longlong, 0x7FFFFFFF)

# The layer a link type begins with and the octets before it, as flat tables for the loop below.
_LAYERS = memoryview(bytes(codes.LINK_LAYERS.get(number, 0) for number in range(512)))
_SKIPS = memoryview(bytes(codes.LINK_SKIP.get(number, 0) for number in range(512)))


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
def be16(data: cython.const[cython.uchar][::1], at: cython.longlong) -> cython.longlong:
    return u16(data[at], data[at + 1])


@cython.cfunc
@cython.nogil
@cython.inline
def le16(data: cython.const[cython.uchar][::1], at: cython.longlong) -> cython.longlong:
    return u16(data[at + 1], data[at])


@cython.cfunc
@cython.nogil
@cython.inline
def le32(data: cython.const[cython.uchar][::1], at: cython.longlong) -> cython.longlong:
    return u32(data[at + 3], data[at + 2], data[at + 1], data[at])


@cython.cfunc
@cython.nogil
@cython.inline
def layer_of_ethertype(number: cython.longlong) -> cython.int:
    """The layer an EtherType announces, ``DATA`` for those not followed."""
    if number == 0x0800:
        return IP
    if number == 0x86DD:
        return IPV6
    if number == 0x8100 or number == 0x88A8 or number == 0x9100 or number == 0x9200 or number == 0x9300:
        return VLAN
    if number == 0x8847 or number == 0x8848:
        return MPLS
    if number == 0x8864:
        return PPPOE
    if number == 0x894F:
        return NSH
    if number == 0x6558:
        return ETH
    if number == 0x88E7:
        return PBB
    if number == 0x893F:
        return ETAG
    if number == 0x0806:
        return ARP
    if number == 0x88CC:
        return LLDP
    if number == 0x888E:
        return EAPOL
    return DATA


@cython.cfunc
@cython.nogil
def radiotap_flags(
    data: cython.const[cython.uchar][::1], at: cython.longlong, stop: cython.longlong
) -> cython.longlong:
    """The Flags field of a radiotap header, 0 if it has none.

    The first presence word's bit 0 (TSFT, 8 octets aligned to 8) precedes bit 1 (Flags, 1 octet); the
    fields begin after the last presence word.
    """
    first: cython.longlong = le32(data, at + 4)
    word: cython.longlong = first
    field: cython.longlong = at + 8
    while word >> 31 and field + 4 <= stop:
        word = le32(data, field)
        field += 4
    if not first & 2:
        return 0
    if first & 1:
        field = at + ((field - at + 7) // 8) * 8 + 8
    if field >= stop:
        return 0
    return data[field]


@cython.cfunc
@cython.nogil
def wlan_header(
    data: cython.const[cython.uchar][::1], at: cython.longlong, end: cython.longlong
) -> cython.longlong:
    """Length of an 802.11 data frame's header; negative verdict if there is no payload to read."""
    control: cython.longlong
    flags: cython.longlong
    subtype: cython.longlong
    length: cython.longlong = 24
    if end - at < 2:
        return -LINK_CUT
    control = data[at]
    flags = data[at + 1]
    if control & 3 or (control >> 2) & 3 != 2:
        return -WLAN_NOT_DATA
    subtype = control >> 4
    if subtype & 4:  # no payload: null function and its kin
        return -WLAN_NOT_DATA
    if flags & 0x40:
        return -WLAN_ENCRYPTED
    if flags & 3 == 3:
        length += 6
    if subtype & 8:
        length += 2
        if flags & 0x80:
            length += 4
    return length


@cython.cfunc
@cython.nogil
def nflog_payload(
    data: cython.const[cython.uchar][::1], at: cython.longlong, end: cython.longlong
) -> cython.longlong:
    """Where the packet in an NFLOG frame begins (attribute NFULA_PAYLOAD, 9), -1 if there is none.

    Attributes are in the byte order of the machine that captured; the first one is a short one.
    """
    length: cython.longlong
    kind: cython.longlong
    big: cython.bint = False
    at += 4
    if at + 4 <= end:
        big = be16(data, at) < le16(data, at)
    while at + 4 <= end:
        length = be16(data, at) if big else le16(data, at)
        kind = be16(data, at + 2) if big else le16(data, at + 2)
        if length < 4:
            return -1
        if kind == 9:
            return at + 4
        at += (length + 3) & ~3
    return -1


def decode_links(
    todo: cython.int[::1],
    todo_count: cython.Py_ssize_t,
    data: cython.const[cython.uchar][::1],
    link_type: cython.int[::1],
    layers: cython.const[cython.uchar][::1],
    skips: cython.const[cython.uchar][::1],
    frame: cython.int[::1],
    role: cython.uchar[::1],
    layer: cython.int[::1],
    at: cython.longlong[::1],
    end: cython.longlong[::1],
    wire_end: cython.longlong[::1],
    depth: cython.int[::1],
    path: cython.longlong[::1],
    link_hash: cython.longlong[::1],
    verdict: cython.longlong[::1],
) -> cython.longlong:
    """Move the cursor of each row in ``todo`` past its link headers.

    ``link_type`` and ``verdict`` are indexed by frame, the others by row. Rows whose layer is no link
    layer are left as they are. ``layers`` and ``skips`` are ``link_tables()``.

    Returns:
        0 (the work is in the columns).
    """
    index: cython.Py_ssize_t
    row: cython.Py_ssize_t
    now: cython.int
    steps: cython.int
    here: cython.longlong
    stop: cython.longlong
    wire: cython.longlong
    trail: cython.longlong
    value: cython.longlong
    length: cython.longlong
    detail: cython.longlong
    mixed: cython.longlong
    pad: cython.longlong
    outcome: cython.longlong
    with cython.nogil:
        for index in range(todo_count):
            row = todo[index]
            now = layer[row]
            if now == NONE or now > LAST_LINK:
                continue
            here = at[row]
            stop = end[row]
            wire = wire_end[row]
            trail = path[row]
            steps = depth[row]
            mixed = link_hash[row]
            detail = 0
            outcome = 0
            value = 0
            pad = 0
            while now <= LAST_LINK:
                steps += 1
                if steps > MAX_LAYERS:
                    outcome = TOO_DEEP
                    break
                if (
                    now != ETHERTYPE
                    and trail < PATH_LIMIT
                    and not (now == MPLS and trail % PATH_BASE == MPLS)
                ):
                    trail = trail * PATH_BASE + now
                if now == ETH:
                    if stop - here < 14:
                        outcome = LINK_CUT
                        break
                    mixed = (
                        mixed * 31 + u32(data[here], data[here + 1], data[here + 2], data[here + 3])
                    ) & MASK31
                    mixed = (
                        mixed * 31 + u32(data[here + 4], data[here + 5], data[here + 6], data[here + 7])
                    ) & MASK31
                    mixed = (
                        mixed * 31 + u32(data[here + 8], data[here + 9], data[here + 10], data[here + 11])
                    ) & MASK31
                    value = u16(data[here + 12], data[here + 13])
                    here += 14
                    if value <= 1500:
                        wire = min(wire, here + value)
                        stop = min(stop, wire)
                        now = LLC
                    else:
                        now = layer_of_ethertype(value)
                elif now == VLAN:
                    if stop - here < 4:
                        outcome = LINK_CUT
                        break
                    mixed = (mixed * 31 + u16(data[here], data[here + 1])) & MASK31
                    value = u16(data[here + 2], data[here + 3])
                    here += 4
                    if value <= 1500:
                        wire = min(wire, here + value)
                        stop = min(stop, wire)
                        now = LLC
                    else:
                        now = layer_of_ethertype(value)
                elif now == ETHERTYPE:  # a bare EtherType, as in GRE or an 802.2 SNAP header
                    if stop - here < 2:
                        outcome = LINK_CUT
                        break
                    value = u16(data[here], data[here + 1])
                    here += 2
                    now = layer_of_ethertype(value)
                elif now == LLC:
                    if stop - here < 3:
                        outcome = LINK_CUT
                        break
                    value = u16(data[here], data[here + 1])
                    if value == 0xAAAA and data[here + 2] == 3:
                        if stop - here < 8:
                            outcome = LINK_CUT
                            break
                        length = (
                            u32(data[here + 2], data[here + 3], data[here + 4], data[here + 5]) & 0xFFFFFF
                        )
                        value = u16(data[here + 6], data[here + 7])
                        here += 8
                        if length == 0 or length == 0x0000F8:  # RFC 1042, or 802.1H bridging
                            now = layer_of_ethertype(value)
                        else:
                            outcome = LLC_OTHER
                            detail = 0xAAAA
                            break
                    elif value == 0x0606:
                        here += 3
                        now = IP
                    else:
                        if value == 0x4242 and trail < PATH_LIMIT:
                            trail = trail * PATH_BASE + STP
                        outcome = LLC_OTHER
                        detail = value
                        break
                elif now == SLL:
                    if stop - here < 16:
                        outcome = LINK_CUT
                        break
                    mixed = (
                        mixed * 31 + u32(data[here], data[here + 1], data[here + 2], data[here + 3])
                    ) & MASK31
                    value = u16(data[here + 14], data[here + 15])
                    here += 16
                    if value == 4:
                        now = LLC
                    elif value == 1:
                        outcome = LLC_OTHER
                        detail = value
                        break
                    else:
                        now = layer_of_ethertype(value)
                elif now == SLL2:
                    if stop - here < 20:
                        outcome = LINK_CUT
                        break
                    value = u16(data[here], data[here + 1])
                    mixed = (
                        mixed * 31 + u32(data[here + 4], data[here + 5], data[here + 6], data[here + 7])
                    ) & MASK31
                    mixed = (mixed * 31 + data[here + 10]) & MASK31
                    here += 20
                    if value == 4:
                        now = LLC
                    elif value == 1:
                        outcome = LLC_OTHER
                        detail = value
                        break
                    else:
                        now = layer_of_ethertype(value)
                elif now == NULL:
                    if stop - here < 4:
                        outcome = LINK_CUT
                        break
                    value = u32(data[here], data[here + 1], data[here + 2], data[here + 3])
                    if value > 0xFFFF:
                        value = le32(data, here)
                    here += 4
                    if value == 2:
                        now = IP
                    elif value == 10 or value == 24 or value == 28 or value == 30:
                        now = IPV6  # AF_INET6 of Linux, of NetBSD and OpenBSD, of FreeBSD, of Darwin
                    elif value == 23 and (here >= stop or data[here] >> 4 == 6):
                        now = IPV6  # AF_INET6 of Windows, which is AF_IPX of the BSDs
                    else:
                        outcome = NOT_IP
                        value = FAMILY + (value & 0xFFFF)
                        break
                elif now == RAW:
                    if stop - here < 1:
                        outcome = LINK_CUT
                        break
                    value = data[here] >> 4
                    if value == 4:
                        now = IP
                    elif value == 6:
                        now = IPV6
                    else:
                        outcome = NOT_IP
                        value = 0
                        break
                elif now == PPP:
                    if stop - here < 2:
                        outcome = LINK_CUT
                        break
                    value = data[here]
                    if (value == 0x0F or value == 0x8F) and data[here + 1] == 0:
                        now = CHDLC  # Cisco's framing on the same link type
                        continue
                    if u16(data[here], data[here + 1]) == 0xFF03:
                        here += 2
                    elif link_type[frame[row]] == 166 and value <= 1 and data[here + 1] == 3:
                        here += 2  # pppd's log: direction in place of the address
                    if stop - here < 1:
                        outcome = LINK_CUT
                        break
                    value = data[here]
                    here += 1
                    if not value & 1:  # a compressed protocol field has one odd octet
                        if stop - here < 1:
                            outcome = LINK_CUT
                            break
                        value = (value << 8) | data[here]
                        here += 1
                    if value == 0x21:
                        now = IP
                    elif value == 0x57:
                        now = IPV6
                    elif value == 0x281 or value == 0x283:
                        now = MPLS
                    else:
                        outcome = PPP_OTHER
                        detail = value
                        break
                elif now == PPPOE:
                    if stop - here < 6:
                        outcome = LINK_CUT
                        break
                    if data[here] != 0x11:
                        outcome = LINK_BAD
                        break
                    length = u16(data[here + 4], data[here + 5])
                    value = data[here + 1]
                    here += 6
                    if value != 0:
                        outcome = NOT_IP
                        value = 0x8863
                        break
                    if wire > here + length:
                        wire = here + length
                        stop = min(stop, wire)
                    now = PPP
                elif now == CHDLC:
                    if stop - here < 4:
                        outcome = LINK_CUT
                        break
                    value = u16(data[here + 2], data[here + 3])
                    here += 4
                    now = layer_of_ethertype(value)
                elif now == MPLS:
                    # Every label of the stack is one more step, so that its depth is bounded too.
                    if stop - here < 4:
                        outcome = LINK_CUT
                        break
                    value = u32(data[here], data[here + 1], data[here + 2], data[here + 3])
                    here += 4
                    if value & 0x100:
                        if stop - here < 1:
                            outcome = LINK_CUT
                            break
                        length = data[here] >> 4
                        if length == 4:
                            now = IP
                        elif length == 6:
                            now = IPV6
                        elif length == 0:
                            now = PW_ETH
                        else:
                            outcome = NOT_IP
                            value = 0x8847
                            break
                elif now == PW_ETH:
                    # RFC 4448: a control word of four octets, the first half-octet zero, unless it was
                    # left out and the EtherType shows that this is the destination address.
                    if stop - here < 4:
                        outcome = LINK_CUT
                        break
                    if (
                        stop - here < 14
                        or layer_of_ethertype(u16(data[here + 12], data[here + 13])) == DATA
                        or (
                            stop - here >= 18
                            and layer_of_ethertype(u16(data[here + 16], data[here + 17])) != DATA
                        )
                    ):
                        here += 4
                    now = ETH
                elif now == WLAN:
                    length = wlan_header(data, here, stop)
                    if length < 0:
                        outcome = -length
                        break
                    if stop - here < length:
                        outcome = LINK_CUT
                        break
                    mixed = (
                        mixed * 31 + u32(data[here + 12], data[here + 13], data[here + 14], data[here + 15])
                    ) & MASK31
                    length = (length + pad) & ~pad
                    if (
                        data[here] & 0x80
                        and data[here + (30 if data[here + 1] & 3 == 3 else 24)] & 0x80
                        and not (
                            stop - here >= length + 2
                            and u16(data[here + length], data[here + length + 1]) == 0xAAAA
                        )
                    ):
                        # An aggregate (A-MSDU): its first subframe is read, 14 octets of its own header.
                        # Some drivers split it up and leave the bit set: then there is 802.2 already.
                        length += 14
                        if stop - here < length:
                            outcome = LINK_CUT
                            break
                        value = u16(data[here + length - 2], data[here + length - 2 + 1])
                        wire = min(wire, here + length + value)
                        stop = min(stop, wire)
                    here += length
                    now = LLC
                elif now == RADIOTAP:
                    if stop - here < 8:
                        outcome = LINK_CUT
                        break
                    length = le16(data, here + 2)
                    if length < 8 or data[here] != 0:
                        outcome = LINK_BAD
                        break
                    if stop - here < length:
                        outcome = LINK_CUT
                        break
                    value = radiotap_flags(data, here, here + length)
                    here += length
                    if value & 0x10 and wire - here >= 4:  # the frame check sequence is at the end
                        wire -= 4
                        stop = min(stop, wire)
                    pad = 3 if value & 0x20 else 0  # the 802.11 header is padded to a multiple of four
                    now = WLAN
                elif now == PRISM:
                    if stop - here < 8:
                        outcome = LINK_CUT
                        break
                    if u32(data[here], data[here + 1], data[here + 2], data[here + 3]) >> 12 == 0x80211:
                        now = AVS  # some drivers say Prism and send the AVS header
                        continue
                    length = le32(data, here + 4)
                    if length < 8 or length > 4096:
                        length = u32(data[here + 4], data[here + 5], data[here + 6], data[here + 7])
                    if length < 8 or length > stop - here:
                        outcome = LINK_BAD if length < 8 or length > wire - here else LINK_CUT
                        break
                    here += length
                    now = WLAN
                elif now == AVS:
                    if stop - here < 8:
                        outcome = LINK_CUT
                        break
                    length = u32(data[here + 4], data[here + 5], data[here + 6], data[here + 7])
                    if length < 8 or length > stop - here:
                        outcome = LINK_BAD if length < 8 or length > wire - here else LINK_CUT
                        break
                    here += length
                    now = WLAN
                elif now == PPI:
                    if stop - here < 8:
                        outcome = LINK_CUT
                        break
                    length = le16(data, here + 2)
                    value = le32(data, here + 4)
                    if length < 8 or length > stop - here:
                        outcome = LINK_BAD if length < 8 or length > wire - here else LINK_CUT
                        break
                    if value >= 512 or layers[value] == NONE:
                        outcome = UNKNOWN_LINK
                        detail = value & MASK31
                        break
                    here += length + skips[value]
                    now = layers[value]
                elif now == PKTAP:
                    if stop - here < 12:
                        outcome = LINK_CUT
                        break
                    length = le32(data, here)
                    value = le32(data, here + 8)
                    if length < 12 or length > stop - here:
                        outcome = LINK_BAD if length < 12 or length > wire - here else LINK_CUT
                        break
                    if value >= 512 or layers[value] == NONE:
                        outcome = UNKNOWN_LINK
                        detail = value & MASK31
                        break
                    here += length + skips[value]
                    now = layers[value]
                elif now == NFLOG:
                    if stop - here < 4:
                        outcome = LINK_CUT
                        break
                    value = data[here]
                    length = nflog_payload(data, here, stop)
                    if length < 0:
                        outcome = LINK_BAD if stop == wire else LINK_CUT
                        break
                    here = length
                    length = (
                        le16(data, here - 4)
                        if data[here - 2] == 9
                        else u16(data[here - 4], data[here - 4 + 1])
                    )
                    wire = min(wire, here - 4 + length)
                    stop = min(stop, wire)
                    if value == 2:
                        now = IP
                    elif value == 10:
                        now = IPV6
                    else:
                        outcome = NOT_IP
                        value += FAMILY
                        break
                elif now == NSH:
                    if stop - here < 8:
                        outcome = LINK_CUT
                        break
                    length = (data[here + 1] & 0x3F) * 4
                    value = data[here + 3]
                    if length < 8:
                        outcome = LINK_BAD
                        break
                    here += length
                    if value == 1:
                        now = IP
                    elif value == 2:
                        now = IPV6
                    elif value == 3:
                        now = ETH
                    elif value == 4:
                        now = NSH
                    elif value == 5:
                        now = MPLS
                    else:
                        outcome = NOT_IP
                        value = 0x894F
                        break
                elif now == PBB:
                    # 802.1ah: an I-TAG of four octets, then the customer's frame.
                    if stop - here < 4:
                        outcome = LINK_CUT
                        break
                    here += 4
                    now = ETH
                elif now == ETAG:
                    # 802.1BR: six octets of tag, then an EtherType.
                    if stop - here < 8:
                        outcome = LINK_CUT
                        break
                    here += 6
                    now = ETHERTYPE
                else:
                    outcome = UNKNOWN_LINK
                    detail = link_type[frame[row]]
                    break
            if outcome == 0 and now != IP and now != IPV6:
                outcome = NOT_IP
                detail = value
                if trail < PATH_LIMIT:
                    trail = trail * PATH_BASE + now
            elif outcome == NOT_IP:
                detail = value
            elif outcome == LINK_CUT and stop == wire:
                outcome = LINK_BAD  # nothing was cut off: the frame is that short
            if outcome != 0:
                now = NONE
                if role[row] != QUOTED:
                    verdict[frame[row]] = outcome * DETAIL_BASE + detail
            layer[row] = now
            at[row] = here
            end[row] = stop
            wire_end[row] = wire
            path[row] = trail
            depth[row] = steps
            link_hash[row] = mixed
    return 0


def link_tables() -> tuple[memoryview, memoryview]:
    """First layer, and octets before it, by link type: what ``decode_links`` looks up."""
    return _LAYERS, _SKIPS


def start_rows(
    count: cython.Py_ssize_t,
    first_row: cython.Py_ssize_t,
    link_type: cython.int[::1],
    offset: cython.longlong[::1],
    captured_bytes: cython.longlong[::1],
    wire_bytes: cython.longlong[::1],
    keep: cython.uchar[::1],
    layers: cython.const[cython.uchar][::1],
    skips: cython.const[cython.uchar][::1],
    left_out: cython.longlong,
    frame: cython.int[::1],
    layer: cython.int[::1],
    at: cython.longlong[::1],
    end: cython.longlong[::1],
    wire_end: cython.longlong[::1],
    depth: cython.int[::1],
    path: cython.longlong[::1],
    link_hash: cython.longlong[::1],
    source: cython.uchar[::1],
    role: cython.uchar[::1],
    protocol: cython.uchar[::1],
    verdict: cython.longlong[::1],
) -> cython.longlong:
    """Put a cursor at the beginning of each frame: row ``first_row + i`` is frame ``i``.

    Returns:
        0.
    """
    index: cython.Py_ssize_t
    row: cython.Py_ssize_t
    kind: cython.int
    first: cython.int
    with cython.nogil:
        for index in range(count):
            row = first_row + index
            frame[row] = index
            depth[row] = 0
            path[row] = 0
            link_hash[row] = 0
            source[row] = 0
            role[row] = 0
            protocol[row] = 0
            layer[row] = NONE
            if keep[index] == 0:
                verdict[index] = left_out
                continue
            kind = link_type[index]
            first = NONE
            if kind >= 0 and kind < 512:
                first = layers[kind]
            if first == NONE:
                verdict[index] = UNKNOWN_LINK * DETAIL_BASE + (kind & MASK31)
                continue
            verdict[index] = 0
            layer[row] = first
            at[row] = offset[index] + skips[kind]
            end[row] = offset[index] + captured_bytes[index]
            wire_end[row] = offset[index] + wire_bytes[index]
    return 0
