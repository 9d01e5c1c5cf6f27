"""Which protocol a stream carries: signatures of its first bytes, ports where those cannot tell.

What is looked at
    Of each direction of a TCP stream whose SYN was seen: its first ``HEAD_BYTES``, put together from the
    segments, however it was cut. Of a direction seen from the middle, and of a UDP flow: up to ``LOOKS``
    payloads of each direction, each for itself. Only until the stream has a name that stays.

The rules, first to last
    1. A stream without payload has no name. In a direction seen from the middle a single byte does not
       count: it is what keep-alive probes carry.
    2. A port for which the user decided (``decode_as``): that protocol, whatever the bytes are.
    3. A signature that stands alone and matches: its protocol, on any port.
    4. A signature that is weaker and matches: its protocol if one of the stream's ports is the
       protocol's, or if paired signatures of the protocol match in both directions.
    5. A port (its server's; a client's only below 1024) suggests a protocol, and the content could not
       be judged: most of the protocol's conversations have no signature (``confirmable`` is false), the
       capture began in the middle of the stream, its first bytes are missing, or were cut off.
    6. No name. In particular a stream on port 80 whose beginning is not HTTP is not called ``http``.

Names by rules 2 to 4 stay. A name by rule 5 stays until a signature matches. Of several protocols
that match by one payload a signature that stands alone wins over weaker ones, then both directions
over one, then the server's port, then the client's, then the order of ``registry.PROTOCOLS``: this
is how one wire format is called ``dns``, ``mdns`` or ``llmnr`` by its port.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.apps import codes
from netanalyze.wire import packets

BYTES = cython.declare(cython.longlong, codes.BYTES)
NUMBER = cython.declare(cython.longlong, codes.NUMBER)
ONE_OF = cython.declare(cython.longlong, codes.ONE_OF)
PRINTABLE = cython.declare(cython.longlong, codes.PRINTABLE)
FIND = cython.declare(cython.longlong, codes.FIND)
LENGTH = cython.declare(cython.longlong, codes.LENGTH)
SIZE = cython.declare(cython.longlong, codes.SIZE)
LABELS = cython.declare(cython.longlong, codes.LABELS)
SAME = cython.declare(cython.longlong, codes.SAME)
STEP = cython.declare(cython.longlong, codes.STEP)
WORD = cython.declare(cython.longlong, codes.WORD)
HEAD = cython.declare(cython.Py_ssize_t, codes.HEAD_BYTES)

PAIRED = cython.declare(cython.longlong, int(codes.Strength.PAIRED))
ALONE = cython.declare(cython.longlong, int(codes.Strength.ALONE))
EITHER = cython.declare(cython.longlong, int(codes.Sender.EITHER))
CLIENT = cython.declare(cython.longlong, int(codes.Sender.CLIENT))
BY_PORT = cython.declare(cython.int, int(codes.Confidence.PORT))
BY_CONTENT = cython.declare(cython.int, int(codes.Confidence.CONTENT))
BY_USER = cython.declare(cython.int, int(codes.Confidence.FORCED))

CODE = cython.declare(cython.Py_ssize_t, codes.CODE)
STRENGTH = cython.declare(cython.Py_ssize_t, codes.STRENGTH)
SENDER = cython.declare(cython.Py_ssize_t, codes.SENDER)
REPEAT = cython.declare(cython.Py_ssize_t, codes.REPEAT)
FIRST_CHECK = cython.declare(cython.Py_ssize_t, codes.FIRST_CHECK)
END_CHECK = cython.declare(cython.Py_ssize_t, codes.END_CHECK)
REACH = cython.declare(cython.Py_ssize_t, codes.REACH)
PAIR = cython.declare(cython.Py_ssize_t, codes.PAIR)

CARRIER = cython.declare(cython.int, packets.CARRIER)
TCP = cython.declare(cython.int, 6)
UDP = cython.declare(cython.int, 17)
SYN = cython.declare(cython.int, 0x02)
ACK = cython.declare(cython.int, 0x10)
SEQ_MASK = cython.declare(cython.longlong, 0xFFFFFFFF)
HALF_SEQ = cython.declare(cython.longlong, 0x80000000)

LOOKS = cython.declare(cython.int, 6)
"""Payloads of a direction that are looked at each for itself (three make RTP; a few may come before)."""
WELL_KNOWN = cython.declare(cython.longlong, 1024)

# What makes one match better than another: their sum counts.
CLIENT_RANK = cython.declare(cython.longlong, 1)
SERVER_RANK = cython.declare(cython.longlong, 2)
PAIRED_RANK = cython.declare(cython.longlong, 3)
ALONE_RANK = cython.declare(cython.longlong, 6)

# Bits of a stream's state. The first two are shifted by the side.
DONE = cython.declare(cython.int, 1)  # nothing more to look at from this side
STARTED = cython.declare(cython.int, 4)  # the sequence number of this side's first byte is known
LOOSE = cython.declare(cython.int, 16)  # content could not be judged: rule 5
OPENED = cython.declare(cython.int, 32)  # who opened the connection is known
OPENER = cython.declare(cython.int, 64)  # side 1 did
BOTH_DONE = cython.declare(cython.int, 3)


@cython.final
@cython.cclass
class PacketColumns:
    """The columns of ``wire.packets.Packets`` that are looked at."""

    protocol: cython.uchar[::1]
    role: cython.uchar[::1]
    source: cython.uchar[::1]
    duplicate: cython.uchar[::1]
    side: cython.uchar[::1]
    stream: cython.longlong[::1]
    sport: cython.int[::1]
    dport: cython.int[::1]
    flags: cython.int[::1]
    seq: cython.longlong[::1]
    ack: cython.longlong[::1]
    offset: cython.longlong[::1]
    wire: cython.longlong[::1]
    captured: cython.longlong[::1]

    def __init__(
        self,
        protocol: cython.uchar[::1],
        role: cython.uchar[::1],
        source: cython.uchar[::1],
        duplicate: cython.uchar[::1],
        side: cython.uchar[::1],
        stream: cython.longlong[::1],
        sport: cython.int[::1],
        dport: cython.int[::1],
        flags: cython.int[::1],
        seq: cython.longlong[::1],
        ack: cython.longlong[::1],
        payload_offset: cython.longlong[::1],
        payload_bytes: cython.longlong[::1],
        payload_captured: cython.longlong[::1],
    ) -> None:
        """Take the columns of these names."""
        self.protocol = protocol
        self.role = role
        self.source = source
        self.duplicate = duplicate
        self.side = side
        self.stream = stream
        self.sport = sport
        self.dport = dport
        self.flags = flags
        self.seq = seq
        self.ack = ack
        self.offset = payload_offset
        self.wire = payload_bytes
        self.captured = payload_captured


@cython.final
@cython.cclass
class Streams:
    """State of the streams of one transport; arrays have two elements a stream where sides differ.

    The element of a side is its *key*: twice the stream plus the side. ``slot`` leads to a place in
    ``heads``, taken only while needed: there the first bytes of a TCP direction grow, or the last
    datagram is kept for comparison with the next.
    """

    table: cython.Py_ssize_t  # 0 TCP, 1 UDP
    state: cython.uchar[::1]
    code: cython.short[::1]
    confidence: cython.uchar[::1]
    next_seq: cython.uint[::1]
    looks: cython.uchar[::1]
    paired: cython.uint[::1]
    slot: cython.int[::1]
    heads: cython.uchar[::1]
    heads_seen: cython.const[cython.uchar][::1]
    head_bytes: cython.uchar[::1]
    head_row: cython.short[::1]
    head_count: cython.uchar[::1]
    free: cython.int[::1]
    free_count: cython.Py_ssize_t
    # Of the packet being looked at.
    key: cython.Py_ssize_t
    client: cython.int  # the client's side, -1 where unknown
    server_port: cython.longlong
    client_port: cython.longlong

    def __init__(self, table: cython.Py_ssize_t) -> None:
        """No streams: ``use_streams`` and ``use_heads`` come first. ``table`` is 0 for TCP, 1 for UDP."""
        self.table = table
        self.free_count = 0
        self.key = 0
        self.client = -1
        self.server_port = 0
        self.client_port = 0

    def use_streams(
        self,
        state: cython.uchar[::1],
        code: cython.short[::1],
        confidence: cython.uchar[::1],
        next_seq: cython.uint[::1],
        looks: cython.uchar[::1],
        paired: cython.uint[::1],
        slot: cython.int[::1],
    ) -> None:
        """Work with these arrays from now on (after they grew); ``slot`` is -1 where there is none."""
        self.state = state
        self.code = code
        self.confidence = confidence
        self.next_seq = next_seq
        self.looks = looks
        self.paired = paired
        self.slot = slot

    def use_heads(
        self,
        heads: cython.uchar[::1],
        head_bytes: cython.uchar[::1],
        head_row: cython.short[::1],
        head_count: cython.uchar[::1],
        free: cython.int[::1],
        free_count: cython.Py_ssize_t,
    ) -> None:
        """Work with these places from now on; the first ``free_count`` of ``free`` are not taken."""
        self.heads = heads
        self.heads_seen = heads
        self.head_bytes = head_bytes
        self.head_row = head_row
        self.head_count = head_count
        self.free = free
        self.free_count = free_count

    def free_heads(self) -> cython.Py_ssize_t:
        """Places in ``heads`` that are not taken."""
        return self.free_count

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def take_head(self) -> cython.Py_ssize_t:
        """A place in ``heads``; the caller of ``identify`` saw to it that there are enough."""
        slot: cython.Py_ssize_t
        self.free_count -= 1
        slot = self.free[self.free_count]
        self.slot[self.key] = cython.cast(cython.int, slot)
        self.head_bytes[slot] = 0
        return slot

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def drop_head(self, key: cython.Py_ssize_t) -> cython.int:
        """Give back the place of a side, if it has one."""
        slot: cython.int = self.slot[key]
        if slot >= 0:
            self.free[self.free_count] = slot
            self.free_count += 1
            self.slot[key] = -1
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def side_done(self) -> cython.int:
        """Nothing more to look at from this side."""
        self.state[self.key >> 1] |= DONE << (self.key & 1)
        self.drop_head(self.key)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def look(self) -> cython.int:
        """Count a payload that was looked at for itself; the last one ends the search of its side."""
        self.looks[self.key] += 1
        if self.looks[self.key] >= LOOKS:
            self.side_done()
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def finish(self, code: cython.longlong, confidence: cython.int) -> cython.int:
        """The stream has its name; nothing more to look at."""
        stream: cython.Py_ssize_t = self.key >> 1
        self.code[stream] = cython.cast(cython.short, code)
        self.confidence[stream] = confidence
        self.state[stream] |= BOTH_DONE
        self.drop_head(2 * stream)
        self.drop_head(2 * stream + 1)
        return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def number_at(
    data: cython.const[cython.uchar][::1],
    at: cython.Py_ssize_t,
    size: cython.Py_ssize_t,
    little: cython.longlong,
) -> cython.longlong:
    value: cython.longlong = 0
    i: cython.Py_ssize_t
    for i in range(size):
        value = (value << 8) | data[(at + size - 1 - i) if little else (at + i)]
    return value


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def question_holds(
    data: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t, whole: cython.int
) -> cython.int:
    """Whether a DNS question begins at ``at``; ``whole`` if nothing of the message follows ``end``."""
    label: cython.longlong
    value: cython.longlong
    while at < end:
        label = data[at]
        if label == 0:
            if at + 5 > end:
                return 0 if whole else 1
            value = number_at(data, at + 1, 2, 0)
            if value == 0:
                return 0
            # Classes (RFC 6895): IN, CH, HS, NONE, ANY; mDNS uses the top bit (RFC 6762 section 5.4).
            value = number_at(data, at + 3, 2, 0) & 0x7FFF
            return 1 if value == 1 or value == 3 or value == 4 or value == 254 or value == 255 else 0
        if label > 63:
            return 0
        at += label + 1
    return 0 if whole else 1


@cython.final
@cython.cclass
class Matcher:
    """The tables of ``signature_tables.SignatureTables``, and what they say of some bytes."""

    checks: cython.longlong[:, ::1]
    pool: cython.const[cython.uchar][::1]
    signatures: cython.longlong[:, ::1]
    bucket: cython.longlong[::1]
    listed: cython.longlong[::1]
    ports: cython.longlong[::1]
    port_start: cython.longlong[::1]
    hint: cython.short[:, ::1]
    forced: cython.short[:, ::1]
    confirmable: cython.uchar[::1]

    def __init__(
        self,
        checks: cython.longlong[:, ::1],
        pool: cython.const[cython.uchar][::1],
        signatures: cython.longlong[:, ::1],
        bucket: cython.longlong[::1],
        listed: cython.longlong[::1],
        ports: cython.longlong[::1],
        port_start: cython.longlong[::1],
        hint: cython.short[:, ::1],
        forced: cython.short[:, ::1],
        confirmable: cython.uchar[::1],
    ) -> None:
        """Take the arrays in the order of ``SignatureTables.views``."""
        self.checks = checks
        self.pool = pool
        self.signatures = signatures
        self.bucket = bucket
        self.listed = listed
        self.ports = ports
        self.port_start = port_start
        self.hint = hint
        self.forced = forced
        self.confirmable = confirmable

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def holds(
        self,
        row: cython.Py_ssize_t,
        data: cython.const[cython.uchar][::1],
        at: cython.Py_ssize_t,
        have: cython.Py_ssize_t,
        total: cython.longlong,
        now: Streams,
        before_at: cython.Py_ssize_t,
    ) -> cython.int:
        """Whether all checks of a signature hold for ``have`` bytes at ``at``.

        ``have`` is at least the signature's reach. ``total`` is the datagram's length, -1 for TCP.
        ``before_at`` is where the datagram before lies in ``now.heads``, or -1.
        """
        number: cython.Py_ssize_t
        operation: cython.longlong
        offset: cython.Py_ssize_t
        size: cython.Py_ssize_t
        place: cython.Py_ssize_t
        value: cython.longlong
        i: cython.Py_ssize_t
        j: cython.Py_ssize_t
        end: cython.Py_ssize_t
        for number in range(self.signatures[row, FIRST_CHECK], self.signatures[row, END_CHECK]):
            operation = self.checks[number, 0]
            offset = self.checks[number, 1] + at
            size = self.checks[number, 2]
            place = self.checks[number, 7]
            if operation == BYTES:
                for i in range(size):
                    if data[offset + i] & self.pool[place + size + i] != self.pool[place + i]:
                        return 0
            elif operation == NUMBER:
                value = number_at(data, offset, size, self.checks[number, 6]) & self.checks[number, 5]
                if value < self.checks[number, 3] or value > self.checks[number, 4]:
                    return 0
            elif operation == ONE_OF:
                value = data[offset]
                if not (self.pool[place + (value >> 3)] >> (value & 7)) & 1:
                    return 0
            elif operation == PRINTABLE:
                for i in range(size):
                    value = data[offset + i]
                    if value > 126 or (value < 32 and value != 9 and value != 10 and value != 13):
                        return 0
            elif operation == FIND:
                end = at + min(have, HEAD) - size + 1
                i = offset
                while i < end:
                    j = 0
                    while j < size and data[i + j] & self.pool[place + size + j] == self.pool[place + j]:
                        j += 1
                    if j == size:
                        break
                    i += 1
                if i >= end:
                    return 0
            elif operation == LENGTH:
                value = number_at(data, offset, size, self.checks[number, 6]) + self.checks[number, 3]
                if value > total or value + self.checks[number, 4] < total:
                    return 0
            elif operation == SIZE:
                if total < self.checks[number, 3] or total > self.checks[number, 4]:
                    return 0
                if (total - self.checks[number, 3]) % self.checks[number, 5] != 0:
                    return 0
            elif operation == LABELS:
                end = at + min(have, HEAD)
                if not question_holds(data, offset, end, 1 if total == end - at else 0):
                    return 0
            elif operation == WORD:
                value = number_at(data, offset, size, 0)
                if value < self.checks[number, 3] or value > self.checks[number, 4]:
                    return 0
                i = offset + size
                end = min(i + value, at + HEAD)
                if end > at + have:
                    return 0
                while i < end:
                    if data[i] < 33 or data[i] > 126:
                        return 0
                    i += 1
            elif before_at >= 0:
                i = before_at + self.checks[number, 1]
                if operation == SAME:
                    for j in range(size):
                        if data[offset + j] != now.heads_seen[i + j]:
                            return 0
                elif operation == STEP:
                    value = number_at(data, offset, size, 0) - number_at(now.heads_seen, i, size, 0)
                    value &= self.checks[number, 5]
                    if value < self.checks[number, 3] or value > self.checks[number, 4]:
                        return 0
        return 1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def holds_again(
        self,
        now: Streams,
        row: cython.Py_ssize_t,
        data: cython.const[cython.uchar][::1],
        at: cython.Py_ssize_t,
        have: cython.Py_ssize_t,
        total: cython.longlong,
    ) -> cython.int:
        """Whether this datagram is the last of as many as the signature asks for."""
        i: cython.Py_ssize_t
        slot: cython.Py_ssize_t = now.slot[now.key]
        if slot >= 0 and now.head_row[slot] != row:
            return 0  # counting for another signature
        if slot >= 0 and self.holds(row, data, at, have, total, now, slot * HEAD):
            now.head_count[slot] += 1
        elif self.holds(row, data, at, have, total, now, -1):
            if slot < 0:
                slot = now.take_head()
            now.head_row[slot] = cython.cast(cython.short, row)
            now.head_count[slot] = 1
        else:
            return 0
        for i in range(min(have, HEAD)):
            now.heads[slot * HEAD + i] = data[at + i]
        return 1 if now.head_count[slot] >= self.signatures[row, REPEAT] else 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def best(
        self,
        now: Streams,
        data: cython.const[cython.uchar][::1],
        at: cython.Py_ssize_t,
        have: cython.Py_ssize_t,
        total: cython.longlong,
    ) -> cython.longlong:
        """The protocol whose signatures match these bytes best, or 0 (rules 3 and 4)."""
        turn: cython.int
        first: cython.Py_ssize_t
        end: cython.Py_ssize_t
        k: cython.Py_ssize_t
        row: cython.Py_ssize_t
        code: cython.longlong
        rank: cython.longlong
        strength: cython.longlong
        sender: cython.longlong
        ranked: cython.longlong = 0  # the code that port_rank is of
        port_rank: cython.longlong = 0
        found: cython.longlong = 0
        found_rank: cython.longlong = 0
        likely: cython.longlong = self.hint[now.table, now.server_port]
        if have <= 0:
            return 0
        first = self.bucket[now.table * 256 + data[at]]
        end = self.bucket[now.table * 256 + data[at] + 1]
        # What the port suggests has its turn first: mostly it is right, and nothing can be better.
        for turn in range(0 if likely else 1, 2):
            for k in range(first, end):
                row = self.listed[k]
                code = self.signatures[row, CODE]
                if (code == likely) != (turn == 0) or have < self.signatures[row, REACH]:
                    continue
                if code != ranked:
                    ranked = code
                    port_rank = self.rank_of_ports(now, code)
                strength = self.signatures[row, STRENGTH]
                if port_rank == 0 and strength < PAIRED:
                    continue
                sender = self.signatures[row, SENDER]
                if sender != EITHER and now.client >= 0:
                    if (sender == CLIENT) != ((now.key & 1) == now.client):
                        continue
                if self.signatures[row, REPEAT] > 1:
                    if not self.holds_again(now, row, data, at, have, total):
                        continue
                elif not self.holds(row, data, at, have, total, now, -1):
                    continue
                rank = port_rank
                if strength == ALONE:
                    rank += ALONE_RANK
                elif strength == PAIRED:
                    if now.paired[now.key ^ 1] & self.signatures[row, PAIR]:
                        rank += PAIRED_RANK
                    else:
                        now.paired[now.key] |= cython.cast(cython.uint, self.signatures[row, PAIR])
                if rank > found_rank:
                    found = code
                    found_rank = rank
                    if rank == ALONE_RANK + SERVER_RANK:
                        return found
        return found

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def rank_of_ports(self, now: Streams, code: cython.longlong) -> cython.longlong:
        """How well the stream's ports suit a protocol."""
        i: cython.Py_ssize_t
        rank: cython.longlong = 0
        for i in range(self.port_start[code], self.port_start[code + 1]):
            if self.ports[i] == now.server_port:
                return SERVER_RANK
            if self.ports[i] == now.client_port:
                rank = CLIENT_RANK
        return rank

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def decided_by_user(self, now: Streams) -> cython.longlong:
        """Rule 2."""
        code: cython.longlong = self.forced[now.table, now.server_port]
        return code or self.forced[now.table, now.client_port]

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def suggest(self, now: Streams) -> cython.int:
        """Rule 5, for a stream that has no name."""
        stream: cython.Py_ssize_t = now.key >> 1
        first: cython.longlong = now.server_port
        second: cython.longlong = now.client_port
        code: cython.longlong
        if now.code[stream] != 0:
            return 0
        if now.client < 0 and second < first:
            first, second = second, first
        code = self.hint[now.table, first]
        if code == 0 and (now.client < 0 or second < WELL_KNOWN):
            code = self.hint[now.table, second]
        if code != 0 and (now.state[stream] & LOOSE or not self.confirmable[code]):
            now.code[stream] = cython.cast(cython.short, code)
            now.confidence[stream] = BY_PORT
        return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def tcp_head(
    matcher: Matcher,
    now: Streams,
    data: cython.const[cython.uchar][::1],
    at: cython.Py_ssize_t,
    wire: cython.longlong,
    captured: cython.longlong,
    seq: cython.longlong,
) -> cython.longlong:
    """Add a segment to the first bytes of its direction, and match them. Returns the protocol or 0."""
    ahead: cython.longlong = (seq - now.next_seq[now.key]) & SEQ_MASK
    skip: cython.longlong = 0
    have: cython.Py_ssize_t
    slot: cython.Py_ssize_t
    code: cython.longlong
    i: cython.Py_ssize_t = 0
    if ahead != 0 and ahead < HALF_SEQ:
        # What comes before is missing or late: this segment for itself.
        now.state[now.key >> 1] |= LOOSE
        code = matcher.best(now, data, at, min(captured, HEAD), -1)
        now.look()
        return code
    if ahead != 0:
        skip = SEQ_MASK + 1 - ahead
    if skip >= wire:
        return 0  # all of it was seen before
    at += skip
    wire -= skip
    captured = max(captured - skip, 0)
    now.next_seq[now.key] = cython.cast(cython.uint, (now.next_seq[now.key] + wire) & SEQ_MASK)
    slot = now.slot[now.key]
    if slot < 0:
        # The usual case: the first segment is enough, and is looked at where it lies.
        have = min(captured, HEAD)
        code = matcher.best(now, data, at, have, -1)
        if code == 0 and have < HEAD and captured == wire:
            slot = now.take_head()
    else:
        have = now.head_bytes[slot]
    if slot >= 0:
        have = now.head_bytes[slot]
        while have < HEAD and i < captured:
            now.heads[slot * HEAD + have] = data[at + i]
            have += 1
            i += 1
        now.head_bytes[slot] = cython.cast(cython.uchar, have)
        code = matcher.best(now, now.heads_seen, slot * HEAD, have, -1)
    if code == 0 and (have == HEAD or captured < wire):
        if have < HEAD:
            now.state[now.key >> 1] |= LOOSE  # cut off by the capture
        now.side_done()
    return code


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def tcp_row(
    matcher: Matcher,
    now: Streams,
    packets: PacketColumns,
    i: cython.Py_ssize_t,
    data: cython.const[cython.uchar][::1],
) -> cython.int:
    """A segment of a stream that has no lasting name yet."""
    stream: cython.Py_ssize_t = packets.stream[i]
    side: cython.int = packets.side[i]
    key: cython.Py_ssize_t = 2 * stream + side
    state: cython.int = now.state[stream]
    seq: cython.longlong = packets.seq[i]
    wire: cython.longlong = packets.wire[i]
    captured: cython.longlong = min(packets.captured[i], wire)
    code: cython.longlong
    if packets.flags[i] & SYN:
        seq = (seq + 1) & SEQ_MASK
        if not state & (STARTED << side):
            now.next_seq[key] = cython.cast(cython.uint, seq)
            state |= STARTED << side
        if packets.flags[i] & ACK and not state & (STARTED << (1 - side)):
            now.next_seq[key ^ 1] = cython.cast(cython.uint, packets.ack[i] & SEQ_MASK)
            state |= STARTED << (1 - side)
        if not state & OPENED:
            state |= OPENED
            if (side == 1) != ((packets.flags[i] & ACK) != 0):
                state |= OPENER
        now.state[stream] = cython.cast(cython.uchar, state)
    if wire <= 0:
        return 0
    now.key = key
    now.client = -1
    if state & OPENED:
        now.client = 1 if state & OPENER else 0
    if side == max(now.client, 0):
        now.server_port = packets.dport[i]
        now.client_port = packets.sport[i]
    else:
        now.server_port = packets.sport[i]
        now.client_port = packets.dport[i]
    code = matcher.decided_by_user(now)
    if code != 0:
        now.finish(code, BY_USER)
        return 0
    if not state & (STARTED << side) and wire == 1:
        return 0
    if state & (STARTED << side):
        code = tcp_head(matcher, now, data, packets.offset[i], wire, captured, seq)
    else:
        now.state[stream] |= LOOSE
        code = matcher.best(now, data, packets.offset[i], min(captured, HEAD), -1)
        now.look()
    if code != 0:
        now.finish(code, BY_CONTENT)
    else:
        matcher.suggest(now)
    return 0


@cython.cfunc
@cython.nogil
@cython.exceptval(-1)
def udp_row(
    matcher: Matcher,
    now: Streams,
    packets: PacketColumns,
    i: cython.Py_ssize_t,
    data: cython.const[cython.uchar][::1],
) -> cython.int:
    """A datagram of a flow that has no lasting name yet; who sent first counts as the client."""
    stream: cython.Py_ssize_t = packets.stream[i]
    wire: cython.longlong = packets.wire[i]
    captured: cython.longlong = min(packets.captured[i], wire)
    code: cython.longlong
    if wire <= 0:
        return 0
    now.key = 2 * stream + packets.side[i]
    if packets.side[i] == 0:
        now.server_port = packets.dport[i]
        now.client_port = packets.sport[i]
    else:
        now.server_port = packets.sport[i]
        now.client_port = packets.dport[i]
    code = matcher.decided_by_user(now)
    if code != 0:
        now.finish(code, BY_USER)
        return 0
    if captured < wire and captured < HEAD:
        now.state[stream] |= LOOSE
    code = matcher.best(now, data, packets.offset[i], captured, wire)
    if code != 0:
        now.finish(code, BY_CONTENT)
        return 0
    now.look()
    matcher.suggest(now)
    return 0


def survey(packets: PacketColumns, count: cython.Py_ssize_t, found: cython.longlong[::1]) -> None:
    """What ``identify`` needs room for.

    Args:
        packets: the columns.
        count: packets in them.
        found: gets the highest stream number (-1 if none) and the packets, of TCP and then of UDP.
    """
    i: cython.Py_ssize_t
    tcp_last: cython.longlong = -1
    udp_last: cython.longlong = -1
    tcp_packets: cython.longlong = 0
    udp_packets: cython.longlong = 0
    with cython.nogil:
        for i in range(count):
            if packets.protocol[i] == TCP:
                tcp_packets += 1
                tcp_last = max(tcp_last, packets.stream[i])
            elif packets.protocol[i] == UDP:
                udp_packets += 1
                udp_last = max(udp_last, packets.stream[i])
    found[0] = tcp_last
    found[1] = tcp_packets
    found[2] = udp_last
    found[3] = udp_packets


def identify(
    matcher: Matcher,
    tcp: Streams,
    udp: Streams,
    packets: PacketColumns,
    count: cython.Py_ssize_t,
    data: cython.const[cython.uchar][::1],
    arena: cython.const[cython.uchar][::1],
    app: cython.short[::1],
) -> None:
    """Look at the packets whose streams have no lasting name yet.

    The arrays of ``tcp`` and ``udp`` must have room for every stream number of the batch, and each at
    least as many free heads as there are packets.

    Args:
        matcher: the signatures.
        tcp: state of the TCP streams.
        udp: state of the UDP flows.
        packets: the columns.
        count: packets in them.
        data: the batch's bytes.
        arena: bytes of reassembled packets.
        app: gets for each packet with captured payload the code its stream has by then, else 0; or empty.
    """
    i: cython.Py_ssize_t
    stream: cython.Py_ssize_t
    want: cython.int = 1 if app.shape[0] > 0 else 0
    code: cython.short
    with cython.nogil:
        for i in range(count):
            code = 0
            stream = packets.stream[i]
            if stream >= 0 and packets.role[i] <= CARRIER:
                if packets.protocol[i] == TCP:
                    if not (tcp.state[stream] >> packets.side[i]) & DONE and not packets.duplicate[i]:
                        if packets.wire[i] > 0 or packets.flags[i] & SYN:
                            tcp_row(matcher, tcp, packets, i, data if packets.source[i] == 0 else arena)
                    code = tcp.code[stream]
                elif packets.protocol[i] == UDP:
                    if not (udp.state[stream] >> packets.side[i]) & DONE and not packets.duplicate[i]:
                        udp_row(matcher, udp, packets, i, data if packets.source[i] == 0 else arena)
                    code = udp.code[stream]
            if want:
                app[i] = code if packets.captured[i] > 0 else 0
