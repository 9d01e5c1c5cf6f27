"""The life of each TCP stream as Zeek tells it: two endpoint states, and a letter for what happened.

The rules are those of Zeek's connection analysis, for one packet after the other: who is the
originator, what state each endpoint is in, which letter the packet adds to the history. What a row
holds is said in ``conn_fields``; ``conn.py`` makes words out of it.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.tcp import conn_fields as fields
from netanalyze.wire import packets

META = cython.declare(cython.int, fields.META)
TALLY = cython.declare(cython.int, fields.TALLY)
HISTORY = cython.declare(cython.int, fields.HISTORY)
ENDS = cython.declare(cython.int, fields.ENDS)
ACKED = cython.declare(cython.int, fields.ACKED)
CONTROLS = cython.declare(cython.int, fields.CONTROLS)
DELIVERED = cython.declare(cython.int, fields.DELIVERED)
BEYOND = cython.declare(cython.int, fields.BEYOND)

INACTIVE = cython.declare(cython.int, fields.INACTIVE)
SYN_SENT = cython.declare(cython.int, fields.SYN_SENT)
SYN_ACK_SENT = cython.declare(cython.int, fields.SYN_ACK_SENT)
PARTIAL = cython.declare(cython.int, fields.PARTIAL)
ESTABLISHED = cython.declare(cython.int, fields.ESTABLISHED)
CLOSED = cython.declare(cython.int, fields.CLOSED)
RESET = cython.declare(cython.int, fields.RESET)

STATE_BITS = cython.declare(cython.int, fields.STATE_BITS)
PREVIOUS = cython.declare(cython.int, fields.PREVIOUS)
ORIGINATOR = cython.declare(cython.int, fields.ORIGINATOR)
SEEN = cython.declare(cython.int, fields.SEEN)
SEEN_BITS = cython.declare(cython.int, fields.SEEN_BITS)
HALF = cython.declare(cython.int, fields.HALF)
FIRST = cython.declare(cython.int, fields.FIRST)
SKIP = cython.declare(cython.int, fields.SKIP)
LONG = cython.declare(cython.int, fields.LONG)
FIN_SEEN = cython.declare(cython.int, fields.FIN_SEEN)
FULL = cython.declare(cython.int, fields.FULL)
USED = cython.declare(cython.int, fields.USED)
COUNT = cython.declare(cython.int, fields.COUNT)
REST = cython.declare(cython.int, fields.REST)
LETTER_BITS = cython.declare(cython.int, fields.LETTER_BITS)
WORD_LETTERS = cython.declare(cython.int, fields.WORD_LETTERS)
LETTERS = cython.declare(cython.int, fields.LETTERS)

L_SYN = cython.declare(cython.int, fields.SYN)
L_SYN_ACK = cython.declare(cython.int, fields.SYN_ACK)
L_ACK = cython.declare(cython.int, fields.ACK)
L_DATA = cython.declare(cython.int, fields.DATA)
L_FIN = cython.declare(cython.int, fields.FIN)
L_RST = cython.declare(cython.int, fields.RST)
L_GAP = cython.declare(cython.int, fields.GAP)
L_AGAIN = cython.declare(cython.int, fields.AGAIN)
L_ZERO_WINDOW = cython.declare(cython.int, fields.ZERO_WINDOW)
L_FIN_RST = cython.declare(cython.int, fields.FIN_RST)
L_ODD_FLAGS = cython.declare(cython.int, fields.ODD_FLAGS)
L_FLIP = cython.declare(cython.int, fields.FLIP)
RESPONDER = cython.declare(cython.int, fields.RESPONDER)

# Bits of SEEN: an ACK and a SYN-ACK share one with a SYN's, as SYN and SYN-ACK do in Zeek.
SEEN_SYN = cython.declare(cython.ulonglong, 1)
SEEN_FIN = cython.declare(cython.ulonglong, 2)
SEEN_RST = cython.declare(cython.ulonglong, 4)
SEEN_FIN_RST = cython.declare(cython.ulonglong, 8)
SEEN_DATA = cython.declare(cython.ulonglong, 16)
SEEN_ACK = cython.declare(cython.ulonglong, 32)
SEEN_ODD = cython.declare(cython.ulonglong, 64)

INNERMOST = cython.declare(cython.int, packets.INNERMOST)
TCP = cython.declare(cython.int, 6)
FIN = cython.declare(cython.int, 0x01)
SYN = cython.declare(cython.int, 0x02)
RST = cython.declare(cython.int, 0x04)
ACK = cython.declare(cython.int, 0x10)

ONE = cython.declare(cython.ulonglong, 1)
MASK16 = cython.declare(cython.ulonglong, 0xFFFF)
MASK32 = cython.declare(cython.ulonglong, 0xFFFFFFFF)
HIGH32 = cython.declare(cython.ulonglong, 0xFFFFFFFF00000000)
SIGN32 = cython.declare(cython.ulonglong, 0x80000000)
WILD = cython.declare(cython.ulonglong, 1 << 20)
"""A SYN or RST whose number is further off than this is not believed."""
FAR = cython.declare(cython.ulonglong, 1 << 30)
BLIND = cython.declare(cython.ulonglong, 16384)
"""Bytes beyond a hole, with nothing acknowledged, after which Zeek gives up looking for gaps."""
AHEAD = cython.declare(cython.Py_ssize_t, 64)


@cython.cfunc
@cython.nogil
@cython.inline
@cython.exceptval(check=False)
def is_noted(count: cython.ulonglong) -> cython.int:
    """Whether an event that repeats adds a letter at this occurrence: the first, the tenth and so on."""
    step: cython.ulonglong = 1
    while step < count:
        step *= 10
    return step == count


def follow(
    rows: cython.Py_ssize_t,
    order: cython.int[::1],
    role: cython.uchar[::1],
    protocol: cython.uchar[::1],
    duplicate: cython.uchar[::1],
    stream: cython.longlong[::1],
    side: cython.uchar[::1],
    sport: cython.int[::1],
    dport: cython.int[::1],
    flags: cython.int[::1],
    seq: cython.longlong[::1],
    ack: cython.longlong[::1],
    window: cython.int[::1],
    payload_bytes: cython.longlong[::1],
    payload_captured: cython.longlong[::1],
    servers: cython.uchar[::1],
    state: cython.ulonglong[:, ::1],
    scratch: cython.ulonglong[::1],
) -> cython.longlong:
    """Take the TCP packets of a batch into the rows of their streams.

    The caller has made sure that ``state`` has a row for each stream. ``servers`` has an element for
    each port, 1 where Zeek expects a server.

    Returns:
        0.
    """
    index: cython.Py_ssize_t
    look: cython.Py_ssize_t
    ahead: cython.Py_ssize_t = 0
    row: cython.Py_ssize_t
    at: cython.Py_ssize_t
    me: cython.int
    you: cython.int
    bits: cython.int
    controls: cython.int
    mine: cython.int
    yours: cython.int
    mine_before: cython.int
    yours_before: cython.int
    originator: cython.int
    is_orig: cython.int
    case: cython.int
    shift: cython.int
    partial: cython.int
    underflow: cython.int
    clean: cython.int
    meta: cython.ulonglong
    old: cython.ulonglong
    bit: cython.ulonglong
    size: cython.ulonglong
    length: cython.ulonglong
    number: cython.ulonglong
    after: cython.ulonglong
    start: cython.ulonglong
    last: cython.ulonglong
    acked: cython.ulonglong
    relative: cython.ulonglong
    relative_ack: cython.ulonglong
    delta: cython.ulonglong
    delivered: cython.ulonglong
    low: cython.ulonglong
    high: cython.ulonglong
    one: cython.ulonglong
    two: cython.ulonglong
    gaps: cython.ulonglong
    count: cython.ulonglong
    letters: cython.ulonglong
    new: cython.int
    kept: cython.int
    warm: cython.ulonglong = 0
    with cython.nogil:
        for index in range(rows):
            if index == ahead:
                ahead = min(rows, index + AHEAD)
                for look in range(index, ahead):
                    row = order[look]
                    if protocol[row] == TCP and stream[row] >= 0:
                        warm ^= state[stream[row], 0] ^ state[stream[row], 8]
            row = order[index]
            if protocol[row] != TCP or role[row] != INNERMOST or duplicate[row]:
                continue
            at = stream[row]
            if at < 0:
                continue
            me = side[row]
            you = 1 - me
            bits = flags[row]
            size = payload_bytes[row]
            number = seq[row]
            meta = old = state[at, META]
            # What most packets are, in few steps: both ends open or taken for it, the letter known, the next
            # bytes in order or none, nothing acknowledged that was not seen.
            if (
                bits & (SYN | FIN | RST | ACK) == ACK
                and PARTIAL <= (meta >> (STATE_BITS * me)) & 7 <= ESTABLISHED
                and PARTIAL <= (meta >> (STATE_BITS * you)) & 7 <= ESTABLISHED
                and (meta >> FIRST) & 3 == 3
                and meta
                & (
                    (SEEN_DATA if size else SEEN_ACK)
                    << (SEEN if (meta >> ORIGINATOR) & 1 == me else SEEN + SEEN_BITS)
                )
                and window[row] != 0
            ):
                start = state[at, ENDS + me]
                last = start >> 32
                start &= MASK32
                delivered = state[at, DELIVERED + you] & MASK32
                relative_ack = (ack[row] - state[at, ENDS + you]) & MASK32
                if (delivered - relative_ack) & MASK32 < FAR and (
                    relative_ack < SIGN32 or meta & (ONE << (LONG + you))
                ):
                    relative = (number - start) & MASK32
                    acked = state[at, ACKED + you]
                    delta = (ack[row] - acked) & MASK32
                    if size == 0:
                        # As long as it says nothing of bytes that were not seen.
                        if (last - number) & MASK32 < FAR:
                            if 0 < delta < FAR and ack[row] != 0:
                                state[at, ACKED + you] = (acked & HIGH32) | ack[row]
                            if (delta < FAR and ack[row] != 0) or delta >= SIGN32:
                                continue
                    elif (
                        number == last
                        and (relative + size < FAR or meta & (ONE << (LONG + me)))
                        and delta < FAR
                        and ack[row] != 0
                        and payload_captured[row] >= payload_bytes[row]
                        and relative == state[at, DELIVERED + me] & MASK32
                        and state[at, BEYOND + 2 * me] == 0
                        and not meta & (ONE << (SKIP + me))
                    ):
                        if delta:
                            state[at, ACKED + you] = (acked & HIGH32) | ack[row]
                        state[at, ENDS + me] = (((number + size) & MASK32) << 32) | start
                        delivered = state[at, DELIVERED + me]
                        state[at, DELIVERED + me] = (delivered & HIGH32) | ((delivered + size) & MASK32)
                        continue
            letters = 0
            new = 0
            if not meta & (ONE << USED):
                meta |= ONE << USED
                originator = me
                if not bits & SYN or bits & ACK:
                    # It begins in the middle: a well-known port tells who is the server.
                    if servers[sport[row] & MASK16] and (
                        not servers[dport[row] & MASK16] or (not bits & SYN and sport[row] < dport[row])
                    ):
                        originator = you
                        letters = L_FLIP
                        new = 1
                if originator:
                    meta |= ONE << ORIGINATOR
                state[at, DELIVERED] = 1
                state[at, DELIVERED + 1] = 1
            originator = (meta >> ORIGINATOR) & 1
            mine = (meta >> (STATE_BITS * me)) & 7
            yours = (meta >> (STATE_BITS * you)) & 7
            mine_before = (meta >> (PREVIOUS + STATE_BITS * me)) & 7
            yours_before = (meta >> (PREVIOUS + STATE_BITS * you)) & 7
            controls = bits & (SYN | FIN | RST)
            if (
                not controls
                and (size or bits & ACK)
                and (meta >> COUNT) & 31 == 1
                and state[at, HISTORY] == L_SYN_ACK
            ):
                # A SYN-ACK, and now something else: no scan, but a connection whose SYN was missed.
                state[at, HISTORY] = L_FLIP | ((L_SYN_ACK | RESPONDER) << LETTER_BITS)
                meta += ONE << COUNT
                meta ^= ONE << ORIGINATOR
                originator ^= 1
                meta &= ~((ONE << HALF) | (ONE << FIRST))
                meta |= ONE << (FIRST + 1)
                if originator == me:
                    yours_before, yours = yours, ESTABLISHED
                else:
                    mine_before, mine = mine, ESTABLISHED
            is_orig = originator == me
            case = 0 if is_orig else RESPONDER

            # Whether the stream was joined half-way.
            if is_orig:
                if not meta & (ONE << FIRST):
                    meta &= ~(ONE << HALF)
                    if not bits & SYN or bits & ACK:
                        meta |= ONE << HALF
            elif not meta & (ONE << (FIRST + 1)) and not bits & SYN:
                meta |= ONE << HALF
            partial = (meta >> HALF) & 1

            # Where this endpoint's numbers begin.
            length = 0 if bits & RST else size
            if bits & SYN:
                length += 1
            if bits & FIN:
                length += 1
            after = (number + length) & MASK32
            start = state[at, ENDS + me] & MASK32
            last = state[at, ENDS + me] >> 32
            acked = state[at, ACKED + me] & MASK32
            if mine == INACTIVE:
                if bits & SYN:
                    start = acked = number
                    last = after
                else:
                    start = acked = (number - 1) & MASK32
                    last = number
            elif bits & SYN and (
                (mine <= SYN_ACK_SENT and number != start)
                or mine == PARTIAL
                or mine == ESTABLISHED
                or (mine == RESET and mine_before == INACTIVE)
            ):
                start = acked = number
                last = after
            relative = (number - start) & MASK32
            underflow = relative >= SIGN32 and not meta & (ONE << (LONG + me))

            # The letter of this packet.
            shift = SEEN if is_orig else SEEN + SEEN_BITS
            if controls == 0:
                if size:
                    bit = SEEN_DATA << shift
                    if not meta & bit:
                        meta |= bit
                        letters |= cython.cast(cython.ulonglong, L_DATA | case) << (LETTER_BITS * new)
                        new += 1
                elif bits & ACK:
                    bit = SEEN_ACK << shift
                    if not meta & bit:
                        meta |= bit
                        letters |= cython.cast(cython.ulonglong, L_ACK | case) << (LETTER_BITS * new)
                        new += 1
            elif controls == SYN:
                bit = SEEN_SYN << shift
                if not meta & bit or relative != state[at, CONTROLS + me] & MASK32:
                    meta |= bit
                    letters |= cython.cast(cython.ulonglong, (L_SYN_ACK if bits & ACK else L_SYN) | case) << (
                        LETTER_BITS * new
                    )
                    new += 1
                state[at, CONTROLS + me] = (state[at, CONTROLS + me] & HIGH32) | relative
            elif controls == FIN:
                bit = SEEN_FIN << shift
                if not meta & bit or (relative + size + 1) & MASK32 != state[at, ACKED + me] >> 32:
                    meta |= bit
                    letters |= cython.cast(cython.ulonglong, L_FIN | case) << (LETTER_BITS * new)
                    new += 1
            elif controls == RST:
                bit = SEEN_RST << shift
                if not meta & bit or relative != state[at, CONTROLS + me] >> 32:
                    meta |= bit
                    letters |= cython.cast(cython.ulonglong, L_RST | case) << (LETTER_BITS * new)
                    new += 1
                state[at, CONTROLS + me] = (state[at, CONTROLS + me] & MASK32) | (relative << 32)
            elif controls & FIN and controls & RST:
                bit = SEEN_FIN_RST << shift
                if not meta & bit:
                    meta |= bit
                    letters |= cython.cast(cython.ulonglong, L_FIN_RST | case) << (LETTER_BITS * new)
                    new += 1
            else:
                bit = SEEN_ODD << shift
                if not meta & bit:
                    meta |= bit
                    letters |= cython.cast(cython.ulonglong, L_ODD_FLAGS | case) << (LETTER_BITS * new)
                    new += 1

            # A window of zero means nothing once the peer has no more to send.
            if window[row] == 0 and not bits & RST and yours != CLOSED and mine != RESET:
                count = ((state[at, TALLY] >> (32 * me)) & MASK16) + 1
                if count <= MASK16:
                    state[at, TALLY] += ONE << (32 * me)
                    if is_noted(count):
                        letters |= cython.cast(cython.ulonglong, L_ZERO_WINDOW | case) << (LETTER_BITS * new)
                        new += 1

            if bits & FIN and (controls == FIN or not meta & (SEEN_FIN << shift)):
                # A FIN among other control flags does not replace a plain one: there is room for one.
                meta |= ONE << (FIN_SEEN + me)
                delta = (relative + length) & MASK32
                state[at, ACKED + me] = (state[at, ACKED + me] & MASK32) | (delta << 32)

            # What it acknowledges.
            relative_ack = 0
            if bits & ACK:
                number = ack[row]
                if yours == INACTIVE:
                    relative_ack = 1
                    delta = (number - 1) & MASK32
                    state[at, ENDS + you] = (delta << 32) | delta
                    state[at, ACKED + you] = (state[at, ACKED + you] & HIGH32) | delta
                else:
                    relative_ack = (number - state[at, ENDS + you]) & MASK32
                    if relative_ack >= SIGN32 and not meta & (ONE << (LONG + you)):
                        relative_ack = 0
                    elif not bits & RST:
                        delta = (number - state[at, ACKED + you]) & MASK32
                        if 0 < delta < SIGN32 and not (number == 0 and delta > WILD):
                            state[at, ACKED + you] = (state[at, ACKED + you] & HIGH32) | number

            # How far it has come.
            delta = (after - last) & MASK32
            if bits & (SYN | RST) and WILD < delta < (MASK32 + 1) - WILD:
                pass
            elif bits & FIN and last == (start + 1) & MASK32:
                last = after
            elif mine == RESET:
                pass
            elif 0 < delta < SIGN32:
                last = after
                if (last - start) & MASK32 >= FAR:
                    meta |= ONE << (LONG + me)
            elif size:
                count = (state[at, DELIVERED + me] >> 32) + 1
                if count <= MASK32:
                    state[at, DELIVERED + me] = (state[at, DELIVERED + me] & MASK32) | (count << 32)
                    if is_noted(count):
                        letters |= cython.cast(cython.ulonglong, L_AGAIN | case) << (LETTER_BITS * new)
                        new += 1
            state[at, ENDS + me] = (last << 32) | start
            state[at, ACKED + me] = (state[at, ACKED + me] & HIGH32) | acked

            # The states, from the sender's.
            if mine == ESTABLISHED or mine == PARTIAL:
                if controls:
                    if (
                        bits & SYN and mine == PARTIAL and yours == INACTIVE and not bits & ACK
                    ):  # joined half-way, and now it begins
                        mine_before, mine = mine, SYN_SENT
                    if bits & FIN and not bits & RST:
                        mine_before, mine = mine, CLOSED
                        if yours == RESET and yours_before == CLOSED:
                            # FIN, RST, and now the peer's FIN: it was a normal end after all.
                            yours_before, yours = yours, CLOSED
                    if bits & RST:
                        mine_before, mine = mine, RESET
            elif mine == INACTIVE:
                if bits & SYN:
                    if is_orig:
                        mine_before, mine = mine, SYN_ACK_SENT if bits & ACK else SYN_SENT
                    else:
                        if not bits & ACK and yours == SYN_ACK_SENT:
                            # SYN-ACK and SYN came in the wrong order.
                            meta ^= ONE << ORIGINATOR
                            meta &= ~((ONE << HALF) | (ONE << (FIRST + 1)))
                            meta |= (ONE << FIRST) | (ONE << (FIRST + 1))
                            letters |= cython.cast(cython.ulonglong, L_FLIP) << (LETTER_BITS * new)
                            new += 1
                            is_orig = 1
                            yours_before, yours = yours, ESTABLISHED
                        if yours == SYN_SENT:
                            yours_before, yours = yours, ESTABLISHED
                        mine_before, mine = mine, ESTABLISHED
                if bits & FIN:
                    mine_before, mine = mine, CLOSED
                if bits & RST:
                    mine_before, mine = mine, RESET
                if mine == INACTIVE:
                    if not is_orig and size == 0 and yours == SYN_SENT:
                        pass  # an answer to a SYN that is no SYN-ACK: it may yet come
                    elif bits & ACK and yours == ESTABLISHED:
                        mine = ESTABLISHED
                        meta &= ~(ONE << HALF)
                        meta |= ONE << (FIRST if is_orig else FIRST + 1)
                    else:
                        mine = PARTIAL
            elif mine == CLOSED:
                if bits & RST and yours != CLOSED:
                    mine_before, mine = mine, RESET
            elif mine == SYN_SENT or mine == SYN_ACK_SENT:
                if bits & FIN:
                    mine_before, mine = mine, CLOSED
                if bits & RST:
                    mine_before, mine = mine, RESET
            partial = (meta >> HALF) & 1

            # Bytes that are acknowledged and were never seen.
            if bits & ACK:
                if meta & (ONE << (FIN_SEEN + you)):
                    delta = state[at, ACKED + you] >> 32
                    if (relative_ack - delta) & MASK32 < SIGN32:
                        relative_ack = (delta - 1) & MASK32
                delivered = state[at, DELIVERED + you] & MASK32
                delta = (relative_ack - delivered) & MASK32
                if 0 < delta < SIGN32 and not (
                    partial and relative_ack <= 2 and not meta & (ONE << (LONG + you))
                ):
                    gaps = 0
                    if not meta & (ONE << (SKIP + you)):
                        one = state[at, BEYOND + 2 * you]
                        two = state[at, BEYOND + 2 * you + 1]
                        while one and ((one & MASK32) - relative_ack) & MASK32 >= SIGN32:
                            if (one & MASK32) != delivered:
                                gaps += 1
                            delivered = one >> 32
                            one = two
                            two = 0
                        if 0 < (relative_ack - delivered) & MASK32 < SIGN32:
                            gaps += 1
                            delivered = relative_ack
                        while one and ((one & MASK32) - delivered - 1) & MASK32 >= SIGN32:
                            if 0 < ((one >> 32) - delivered) & MASK32 < SIGN32:
                                delivered = one >> 32
                            one = two
                            two = 0
                        state[at, BEYOND + 2 * you] = one
                        state[at, BEYOND + 2 * you + 1] = two
                    else:
                        delivered = relative_ack
                    state[at, DELIVERED + you] = (state[at, DELIVERED + you] & HIGH32) | delivered
                    clean = (mine == ESTABLISHED or (mine == CLOSED and mine_before == ESTABLISHED)) and (
                        yours == ESTABLISHED or (yours == CLOSED and yours_before == ESTABLISHED)
                    )
                    if not clean:
                        gaps = 0
                    while gaps:
                        gaps -= 1
                        count = ((state[at, TALLY] >> (32 * you + 16)) & MASK16) + 1
                        if count <= MASK16:
                            state[at, TALLY] += ONE << (32 * you + 16)
                            if is_noted(count):
                                letters |= cython.cast(
                                    cython.ulonglong, L_GAP | (RESPONDER if is_orig else 0)
                                ) << (LETTER_BITS * new)
                                new += 1

            # Bytes that it brings.
            if (
                size
                and not bits & RST
                and payload_captured[row] >= payload_bytes[row]
                and not underflow
                and not meta & (ONE << (SKIP + me))
            ):
                low = (relative + 1) & MASK32 if bits & SYN else relative
                high = (low + size) & MASK32
                acked = (acked - start) & MASK32
                delivered = state[at, DELIVERED + me] & MASK32
                if 0 < (high - acked) & MASK32 < SIGN32:
                    if (low - acked) & MASK32 >= SIGN32:
                        low = acked
                    one = state[at, BEYOND + 2 * me]
                    two = state[at, BEYOND + 2 * me + 1]
                    if (low - delivered - 1) & MASK32 >= SIGN32:
                        if 0 < (high - delivered) & MASK32 < SIGN32:
                            delivered = high
                            while one and ((one & MASK32) - delivered - 1) & MASK32 >= SIGN32:
                                if 0 < ((one >> 32) - delivered) & MASK32 < SIGN32:
                                    delivered = one >> 32
                                one = two
                                two = 0
                    elif not one:
                        one = (high << 32) | low
                    else:
                        # Where it touches the first stretch it becomes part of it; what cannot be kept
                        # on its own is joined with the last stretch, hole or not.
                        if (high - (one & MASK32)) & MASK32 >= SIGN32:  # before it, with a hole between
                            if two and 0 < ((two >> 32) - (one >> 32)) & MASK32 < SIGN32:
                                two = (two & HIGH32) | (one & MASK32)
                            else:
                                two = one
                            one = (high << 32) | low
                        elif (low - (one >> 32) - 1) & MASK32 >= SIGN32:  # overlapping or next to it
                            if ((low - (one & MASK32)) & MASK32) >= SIGN32:
                                one = (one & HIGH32) | low
                            if 0 < (high - (one >> 32)) & MASK32 < SIGN32:
                                one = (high << 32) | (one & MASK32)
                            if two and ((two & MASK32) - (one >> 32) - 1) & MASK32 >= SIGN32:
                                if 0 < ((two >> 32) - (one >> 32)) & MASK32 < SIGN32:
                                    one = (two & HIGH32) | (one & MASK32)
                                two = 0
                        elif not two:
                            two = (high << 32) | low
                        else:
                            if ((low - (two & MASK32)) & MASK32) >= SIGN32:
                                two = (two & HIGH32) | low
                            if 0 < (high - (two >> 32)) & MASK32 < SIGN32:
                                two = (high << 32) | (two & MASK32)
                    if one and acked <= 1 and not meta & (ONE << (LONG + me)):
                        high = two >> 32 if two else one >> 32
                        if BLIND < (high - delivered) & MASK32 < SIGN32:
                            meta |= ONE << (SKIP + me)
                            one = two = 0
                    state[at, BEYOND + 2 * me] = one
                    state[at, BEYOND + 2 * me + 1] = two
                    state[at, DELIVERED + me] = (state[at, DELIVERED + me] & HIGH32) | delivered

            meta |= ONE << (FIRST if case == 0 else FIRST + 1)
            meta &= ~cython.cast(cython.ulonglong, 0xFFF)
            meta |= cython.cast(cython.ulonglong, mine) << (STATE_BITS * me)
            meta |= cython.cast(cython.ulonglong, yours) << (STATE_BITS * you)
            meta |= cython.cast(cython.ulonglong, mine_before) << (PREVIOUS + STATE_BITS * me)
            meta |= cython.cast(cython.ulonglong, yours_before) << (PREVIOUS + STATE_BITS * you)
            while new:
                new -= 1
                kept = (meta >> COUNT) & 31
                if kept < 2 * WORD_LETTERS:
                    state[at, HISTORY + kept // WORD_LETTERS] |= (letters & 31) << (
                        LETTER_BITS * (kept % WORD_LETTERS)
                    )
                    meta += ONE << COUNT
                elif kept < LETTERS:
                    meta |= (letters & 31) << (REST + LETTER_BITS * (kept - 2 * WORD_LETTERS))
                    meta += ONE << COUNT
                else:
                    meta |= ONE << FULL
                letters >>= LETTER_BITS
            if meta != old:
                state[at, META] = meta
    scratch[0] = warm  # so that the looks ahead are not optimised away
    return 0
