"""The state machines of both endpoints of every stream, moved by the segments that a tap sees.

What an endpoint *sends* moves it at once. What it *receives* moves it when a later segment of its own
proves that it got it, because a tap sees segments that get lost behind it. Until then the segment is
held in a slot of the endpoint:

- A SYN is proven by a SYN,ACK; a SYN,ACK by any segment of the receiver that acknowledges it; the ACK
  of a SYN by any segment of the receiver that is no SYN; a FIN by its acknowledgement; the ACK of a FIN
  by an acknowledgement of anything sent after it. Nothing proves a RST, nor the last ACK.
- What is held counts as lost as soon as its sender repeats it (SYN, SYN,ACK, FIN) or its receiver does
  what it would not do had it got it: sends its own SYN,ACK or FIN again, does not acknowledge a FIN,
  speaks after a RST. The next such segment then takes the slot. Proof that comes nevertheless is for
  the newest one held.
- At the end ACK, FIN and RST that are held and do not count as lost move the endpoint, without a
  proof. A SYN or SYN,ACK does not: who gets one answers at once.
- An endpoint that must have received what the capture does not have (an ACK for a SYN,ACK that was not
  captured) is moved by the segment that shows it, and the move is marked as assumed.

A RST counts only if its receiver would take it, as far as is known: in SYN-SENT it must acknowledge the
SYN (RFC 9293 section 3.10.7.3), else lie in the window (3.10.7.4) or, after a FIN, be the FIN's number,
as some systems send it. A RST in the window that is not the next number is answered with a challenge
ACK (RFC 5961 section 3.2), and so it counts as lost. Segments without ACK are nothing (3.10.7.4, fifth).
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.tcp import state_fields as fields
from netanalyze.tcp import states
from netanalyze.tcp.states import Event, State
from netanalyze.wire import packets

UNSEEN = cython.declare(cython.int, int(State.UNSEEN))
CLOSED = cython.declare(cython.int, int(State.CLOSED))
LISTEN = cython.declare(cython.int, int(State.LISTEN))
SYN_SENT = cython.declare(cython.int, int(State.SYN_SENT))
SYN_RECEIVED = cython.declare(cython.int, int(State.SYN_RECEIVED))
ESTABLISHED = cython.declare(cython.int, int(State.ESTABLISHED))
FIN_WAIT_1 = cython.declare(cython.int, int(State.FIN_WAIT_1))
FIN_WAIT_2 = cython.declare(cython.int, int(State.FIN_WAIT_2))
CLOSING = cython.declare(cython.int, int(State.CLOSING))
LAST_ACK = cython.declare(cython.int, int(State.LAST_ACK))
TIME_WAIT = cython.declare(cython.int, int(State.TIME_WAIT))
EVENTS = cython.declare(cython.int, states.EVENTS)

FIRST_SEEN = cython.declare(cython.int, int(Event.FIRST_SEEN))
PASSIVE_OPEN = cython.declare(cython.int, int(Event.PASSIVE_OPEN))
SND_SYN = cython.declare(cython.int, int(Event.SND_SYN))
RCV_SYN = cython.declare(cython.int, int(Event.RCV_SYN))
RCV_SYN_ACK = cython.declare(cython.int, int(Event.RCV_SYN_ACK))
RCV_ACK_OF_SYN = cython.declare(cython.int, int(Event.RCV_ACK_OF_SYN))
SND_FIN = cython.declare(cython.int, int(Event.SND_FIN))
RCV_FIN = cython.declare(cython.int, int(Event.RCV_FIN))
RCV_ACK_OF_FIN = cython.declare(cython.int, int(Event.RCV_ACK_OF_FIN))
RCV_FIN_ACK_OF_FIN = cython.declare(cython.int, int(Event.RCV_FIN_ACK_OF_FIN))
SND_RST = cython.declare(cython.int, int(Event.SND_RST))
RCV_RST = cython.declare(cython.int, int(Event.RCV_RST))
RCV_RST_PASSIVE = cython.declare(cython.int, int(Event.RCV_RST_PASSIVE))
TIMEOUT_2MSL = cython.declare(cython.int, int(Event.TIMEOUT_2MSL))
NEW_SYN = cython.declare(cython.int, int(Event.NEW_SYN))

BITS = cython.declare(cython.int, fields.BITS)
SEQ = cython.declare(cython.int, fields.SEQ)
ACKS = cython.declare(cython.int, fields.ACKS)
EDGE = cython.declare(cython.int, fields.EDGE)
CLOSE_NS = cython.declare(cython.int, fields.CLOSE_NS)
SLOTS = cython.declare(cython.int, fields.SLOTS)
SLOT_OPEN = cython.declare(cython.int, fields.OPEN)
SLOT_ACK = cython.declare(cython.int, fields.ACK)
SLOT_FIN = cython.declare(cython.int, fields.FIN)
SLOT_RST = cython.declare(cython.int, fields.RST)
NO_SLOT = cython.declare(cython.int, -1)

PENDING = cython.declare(cython.ulonglong, fields.PENDING)
STALE = cython.declare(cython.ulonglong, fields.STALE)
HELD = cython.declare(cython.ulonglong, fields.PENDING + fields.STALE)
HAS_OPEN = cython.declare(cython.ulonglong, fields.PENDING << fields.OPEN)
HAS_ACK = cython.declare(cython.ulonglong, fields.PENDING << fields.ACK)
HAS_FIN = cython.declare(cython.ulonglong, fields.PENDING << fields.FIN)
HAS_RST = cython.declare(cython.ulonglong, fields.PENDING << fields.RST)
ACK_LOST = cython.declare(cython.ulonglong, fields.STALE << fields.ACK)
FIN_LOST = cython.declare(cython.ulonglong, fields.STALE << fields.FIN)
RST_LOST = cython.declare(cython.ulonglong, fields.STALE << fields.RST)
ALL_SLOTS = cython.declare(cython.ulonglong, 0xFF0)
STATE_BITS = cython.declare(cython.ulonglong, 15)
ASSUMED = cython.declare(cython.ulonglong, fields.ASSUMED)
PASSIVE = cython.declare(cython.ulonglong, fields.PASSIVE)
ACK_WITH_FIN = cython.declare(cython.ulonglong, fields.ACK_WITH_FIN)
ACK_AFTER_FIN = cython.declare(cython.ulonglong, fields.ACK_AFTER_FIN)
SENT = cython.declare(cython.ulonglong, fields.SENT)
ACKED = cython.declare(cython.ulonglong, fields.ACKED)
FIN_SENT = cython.declare(cython.ulonglong, fields.FIN_SENT)
SPOKE = cython.declare(cython.ulonglong, fields.SPOKE)
SCALE_SHIFT = cython.declare(cython.int, fields.SCALE_SHIFT)
HAS_SCALE = cython.declare(cython.ulonglong, fields.HAS_SCALE)
SYN_SEEN = cython.declare(cython.ulonglong, fields.SYN_SEEN)
FAST_OPEN = cython.declare(cython.ulonglong, fields.FAST_OPEN)

PLAIN_MASK = cython.declare(cython.ulonglong, 15 | 0xFF0 | fields.ASSUMED | fields.SENT | fields.ACKED)
PLAIN = cython.declare(cython.ulonglong, int(State.ESTABLISHED) | fields.SENT | fields.ACKED)
"""An endpoint that is open, has nothing held, and whose numbers are known."""

M_STREAM = cython.declare(cython.int, fields.STREAM)
M_FRAME = cython.declare(cython.int, fields.FRAME)
M_TIME_NS = cython.declare(cython.int, fields.TIME_NS)
M_CODES = cython.declare(cython.int, fields.CODES)
M_PROOF_FRAME = cython.declare(cython.int, fields.PROOF_FRAME)
M_PROOF_NS = cython.declare(cython.int, fields.PROOF_NS)
M_ORDER = cython.declare(cython.int, fields.ORDER)
CODE_ASSUMED = cython.declare(cython.ulonglong, fields.CODE_ASSUMED)

QUOTED = cython.declare(cython.int, packets.QUOTED)
DAMAGED = cython.declare(cython.int, packets.DAMAGED)
TCP = cython.declare(cython.int, 6)
F_FIN = cython.declare(cython.int, 0x01)
F_SYN = cython.declare(cython.int, 0x02)
F_RST = cython.declare(cython.int, 0x04)
F_ACK = cython.declare(cython.int, 0x10)
FLAGS = cython.declare(cython.int, 0x17)

AHEAD = cython.declare(cython.Py_ssize_t, 64)
UNKNOWN_SCALE = cython.declare(cython.int, 14)
"""The largest scale there is (RFC 7323 section 2.3): what is not known rules nothing out."""
MASK32 = cython.declare(cython.ulonglong, 0xFFFFFFFF)
MASK64 = cython.declare(cython.ulonglong, 0xFFFFFFFFFFFFFFFF)
HIGH = cython.declare(cython.ulonglong, 0xFFFFFFFF00000000)
HALF = cython.declare(cython.ulonglong, 0x80000000)
"""A sequence number is after another if it is less than this ahead."""
SIGN = cython.declare(cython.ulonglong, 0x8000000000000000)


@cython.cclass
class Tracker:
    """The machines of all streams.

    ``state`` has a row of ``state_fields.WORDS`` words for each stream, ``moves`` one of
    ``state_fields.MOVE_WORDS`` for each move. The owner makes both large enough before each call.
    """

    table: cython.const[cython.uchar][::1]
    state: cython.ulonglong[:, ::1]
    moves: cython.ulonglong[:, ::1]
    count: cython.Py_ssize_t
    order: cython.ulonglong
    time_wait: cython.ulonglong
    record: cython.int
    warm: cython.ulonglong
    # Of the segment being looked at.
    stream: cython.Py_ssize_t
    frame: cython.ulonglong
    now: cython.ulonglong
    proving: cython.int

    def __init__(
        self, table: cython.const[cython.uchar][::1], time_wait_ns: cython.longlong, record: cython.int
    ) -> None:
        """Machines that have seen nothing.

        Args:
            table: ``states.flat()``.
            time_wait_ns: how long TIME-WAIT lasts; not negative.
            record: whether moves are written down.
        """
        self.table = table
        self.time_wait = cython.cast(cython.ulonglong, time_wait_ns)
        self.record = record
        self.count = 0
        self.order = 0
        self.warm = 0
        self.stream = 0
        self.frame = 0
        self.now = 0
        self.proving = 1

    def use(
        self,
        state: cython.ulonglong[:, ::1],
        moves: cython.ulonglong[:, ::1],
        count: cython.Py_ssize_t,
        order: cython.ulonglong,
    ) -> None:
        """Work on these rows, of which ``count`` moves are in use; ``order`` numbers the next one."""
        self.state = state
        self.moves = moves
        self.count = count
        self.order = order

    def used(self) -> tuple[int, int]:
        """How many rows of moves are in use, and the number of the next move."""
        return self.count, self.order

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def row(self, side: cython.int, slot: cython.int) -> cython.Py_ssize_t:
        """The row of moves of what is in a slot."""
        word: cython.ulonglong = self.state[self.stream, SLOTS + 2 * side + (slot >> 1)]
        return cython.cast(cython.Py_ssize_t, (word >> (32 * (slot & 1))) & MASK32)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def new_row(self, frame: cython.ulonglong, when: cython.ulonglong) -> cython.Py_ssize_t:
        """One more row of moves, which are zero until used, of a move that is not made yet."""
        made: cython.Py_ssize_t = self.count
        self.moves[made, M_STREAM] = self.stream
        self.moves[made, M_FRAME] = frame
        self.moves[made, M_TIME_NS] = when
        self.count += 1
        return made

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def hold(self, side: cython.int, slot: cython.int) -> cython.int:
        """Put this segment in the slot: it is what the endpoint may receive next."""
        bits: cython.ulonglong = self.state[self.stream, BITS + side]
        shift: cython.int = 32 * (slot & 1)
        place: cython.int = SLOTS + 2 * side + (slot >> 1)
        made: cython.Py_ssize_t
        word: cython.ulonglong
        if self.record:
            if bits & (PENDING << slot):
                made = self.row(side, slot)
                self.moves[made, M_FRAME] = self.frame
                self.moves[made, M_TIME_NS] = self.now
            else:
                made = self.new_row(self.frame, self.now)
                word = self.state[self.stream, place] & ~(MASK32 << shift)
                self.state[self.stream, place] = word | (cython.cast(cython.ulonglong, made) << shift)
        if (slot == SLOT_ACK or slot == SLOT_FIN) and (bits & STATE_BITS) != TIME_WAIT:
            self.state[self.stream, CLOSE_NS + side] = self.now
        self.state[self.stream, BITS + side] = (bits | (PENDING << slot)) & ~(STALE << slot)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def move(self, side: cython.int, event: cython.int, slot: cython.int, assumed: cython.int) -> cython.int:
        """Make the move that the event causes, if there is one; what is in the slot caused it."""
        return self.move_at(side, event, slot, assumed, self.frame, self.now)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def move_at(
        self,
        side: cython.int,
        event: cython.int,
        slot: cython.int,
        assumed: cython.int,
        frame: cython.ulonglong,
        when: cython.ulonglong,
    ) -> cython.int:
        """As ``move``, by another frame at another time.

        Returns:
            The new state, 0 if the event does not move the endpoint.
        """
        bits: cython.ulonglong = self.state[self.stream, BITS + side]
        before: cython.int = cython.cast(cython.int, bits & STATE_BITS)
        to: cython.int = self.table[before * EVENTS + event]
        held: cython.int = 0
        made: cython.Py_ssize_t
        codes: cython.ulonglong
        if slot >= 0:
            held = 1 if bits & (PENDING << slot) else 0
            bits &= ~(HELD << slot)
        if to == 0:
            self.state[self.stream, BITS + side] = bits
            return 0
        if self.record:
            made = self.row(side, slot) if held else self.new_row(frame, when)
            codes = (
                cython.cast(cython.ulonglong, before)
                | (cython.cast(cython.ulonglong, to) << 8)
                | (cython.cast(cython.ulonglong, event) << 16)
                | (cython.cast(cython.ulonglong, side) << 24)
            )
            if assumed or bits & ASSUMED:
                codes |= CODE_ASSUMED
            self.moves[made, M_CODES] = codes
            if held and self.proving:
                self.moves[made, M_PROOF_FRAME] = self.frame
                self.moves[made, M_PROOF_NS] = self.now
            self.moves[made, M_ORDER] = self.order
            self.order += 1
        if to == TIME_WAIT:
            self.state[self.stream, CLOSE_NS + side] = (
                (self.state[self.stream, CLOSE_NS + side] if held else when) + self.time_wait
            ) & MASK64
        elif to == CLOSED or to == LISTEN:
            bits &= ~ALL_SLOTS
        self.state[self.stream, BITS + side] = (bits & ~STATE_BITS) | cython.cast(cython.ulonglong, to)
        return to

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def become(self, side: cython.int, quietly: cython.int, more: cython.ulonglong) -> cython.int:
        """Take a state without a move: what the endpoint must have been before it was seen."""
        bits: cython.ulonglong = self.state[self.stream, BITS + side]
        self.state[self.stream, BITS + side] = (
            (bits & ~STATE_BITS) | cython.cast(cython.ulonglong, quietly) | more
        )
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def expire(self, side: cython.int) -> cython.int:
        """End TIME-WAIT if its time is over."""
        end: cython.ulonglong
        if (self.state[self.stream, BITS + side] & STATE_BITS) == TIME_WAIT:
            end = self.state[self.stream, CLOSE_NS + side]
            if (end ^ SIGN) <= (self.now ^ SIGN):
                self.move_at(side, TIMEOUT_2MSL, NO_SLOT, 0, 0, end)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def acks_syn(self, side: cython.int, ack: cython.ulonglong) -> cython.int:
        """Whether this acknowledges the SYN of the endpoint and nothing that it has not sent."""
        word: cython.ulonglong = self.state[self.stream, SEQ + side]
        ahead: cython.ulonglong = (ack - (word >> 32)) & MASK32
        if not self.state[self.stream, BITS + side] & SENT or ahead == 0:
            return 0
        return 1 if ahead <= (((word & MASK32) - (word >> 32)) & MASK32) else 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def in_window(self, sender: cython.int, seq: cython.ulonglong) -> cython.int:
        """Whether the receiver would take this number, as far as is known."""
        receiver: cython.int = 1 - sender
        low: cython.ulonglong
        reach: cython.ulonglong
        ahead: cython.ulonglong
        if not self.state[self.stream, BITS + receiver] & ACKED:
            return 1
        low = self.state[self.stream, ACKS + receiver] & MASK32
        reach = ((self.state[self.stream, EDGE + receiver] >> 32) - low) & MASK32
        if reach >= HALF:
            reach = 0
        if self.state[self.stream, BITS + sender] & SENT:
            ahead = ((self.state[self.stream, SEQ + sender] & MASK32) - low) & MASK32
            if ahead < HALF and ahead > reach:
                reach = ahead
        return 1 if ((seq - low) & MASK32) <= reach else 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def take_numbers(
        self,
        side: cython.int,
        seq: cython.ulonglong,
        end: cython.ulonglong,
        ack: cython.ulonglong,
        flags: cython.int,
        window: cython.ulonglong,
        scale: cython.int,
    ) -> cython.int:
        """Remember what a segment tells of its sender's numbers and window."""
        bits: cython.ulonglong = self.state[self.stream, BITS + side]
        both: cython.ulonglong
        word: cython.ulonglong
        edge: cython.ulonglong
        shift: cython.int = 0
        if flags & F_SYN:
            bits &= ~(HAS_SCALE | (cython.cast(cython.ulonglong, 15) << SCALE_SHIFT))
            bits |= SYN_SEEN
            if scale >= 0:
                shift = min(scale, UNKNOWN_SCALE)
                bits |= HAS_SCALE | (cython.cast(cython.ulonglong, shift) << SCALE_SHIFT)
            if not bits & SENT or (self.state[self.stream, SEQ + side] >> 32) != seq:
                self.state[self.stream, SEQ + side] = (seq << 32) | end
                bits |= SENT
            shift = 0  # the window of a SYN is never scaled
        elif not bits & SENT:
            self.state[self.stream, SEQ + side] = (((seq - 1) & MASK32) << 32) | end
            bits |= SENT
        else:
            both = bits & self.state[self.stream, BITS + 1 - side]
            if not both & SYN_SEEN:
                shift = UNKNOWN_SCALE
            elif both & HAS_SCALE:
                shift = cython.cast(cython.int, (bits >> SCALE_SHIFT) & 15)
        word = self.state[self.stream, SEQ + side]
        if ((end - word) & MASK32) < HALF:
            self.state[self.stream, SEQ + side] = (word & HIGH) | end
        if flags & F_ACK:
            edge = (ack + (window << shift)) & MASK32
            word = self.state[self.stream, ACKS + side]
            if not bits & ACKED or ((ack - word) & MASK32) < HALF:
                self.state[self.stream, ACKS + side] = (word & HIGH) | ack
            word = self.state[self.stream, EDGE + side]
            if not bits & ACKED or ((edge - (word >> 32)) & MASK32) < HALF:
                self.state[self.stream, EDGE + side] = (word & MASK32) | (edge << 32)
            bits |= ACKED
        self.state[self.stream, BITS + side] = bits
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def receive_fin(self, side: cython.int) -> cython.int:
        """The FIN that is held has arrived."""
        bits: cython.ulonglong = self.state[self.stream, BITS + side]
        state: cython.int = cython.cast(cython.int, bits & STATE_BITS)
        if state == FIN_WAIT_1 and bits & HAS_ACK and not bits & ACK_AFTER_FIN:
            if bits & ACK_WITH_FIN:
                self.state[self.stream, BITS + side] = bits & ~(HELD << SLOT_ACK)
                return self.move(side, RCV_FIN_ACK_OF_FIN, SLOT_FIN, 0)
            self.move(side, RCV_ACK_OF_FIN, SLOT_ACK, 0)
        return self.move(side, RCV_FIN, SLOT_FIN, 0)

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def prove(self, side: cython.int, ack: cython.ulonglong, flags: cython.int) -> cython.int:
        """What a segment that is no SYN proves of what its sender has received."""
        bits: cython.ulonglong = self.state[self.stream, BITS + side]
        state: cython.int = cython.cast(cython.int, bits & STATE_BITS)
        peer: cython.int = 1 - side
        peer_state: cython.int = cython.cast(cython.int, self.state[self.stream, BITS + peer] & STATE_BITS)
        ahead: cython.ulonglong
        if state == SYN_SENT:
            if bits & HAS_ACK and self.acks_syn(peer, ack):
                self.move(side, RCV_SYN_ACK, SLOT_ACK, 0)
            elif not flags & F_RST:
                if peer_state == UNSEEN:
                    self.become(peer, LISTEN, PASSIVE | SENT)
                    self.state[self.stream, SEQ + peer] = (((ack - 1) & MASK32) << 32) | ack
                    self.move(peer, RCV_SYN, SLOT_OPEN, 1)
                self.move(side, RCV_SYN_ACK, SLOT_ACK, 1)
            self.state[self.stream, BITS + side] &= ~(HELD << SLOT_OPEN)
        elif state == SYN_RECEIVED:
            if bits & HAS_ACK:
                self.move(side, RCV_ACK_OF_SYN, SLOT_ACK, 0)
            elif not flags & (F_FIN | F_RST) and not bits & FAST_OPEN:
                self.move(side, RCV_ACK_OF_SYN, NO_SLOT, 1)
                if peer_state == SYN_SENT:
                    self.move(peer, RCV_SYN_ACK, SLOT_ACK, 1)
        bits = self.state[self.stream, BITS + side]
        if bits & HAS_FIN:
            if ack == self.state[self.stream, ACKS + peer] >> 32:
                if (bits & STATE_BITS) == TIME_WAIT:
                    # RFC 9293 section 3.10.7.4, eighth: the FIN came again, and 2MSL begin anew.
                    self.state[self.stream, CLOSE_NS + side] = (self.now + self.time_wait) & MASK64
                    self.state[self.stream, BITS + side] &= ~(HELD << SLOT_FIN)
                else:
                    self.receive_fin(side)
            else:
                self.state[self.stream, BITS + side] |= FIN_LOST
            bits = self.state[self.stream, BITS + side]
        state = cython.cast(cython.int, bits & STATE_BITS)
        if bits & HAS_ACK and (state == FIN_WAIT_1 or state == CLOSING or state == LAST_ACK):
            ahead = (ack - self.state[self.stream, EDGE + side]) & MASK32
            if ahead != 0 and ahead < HALF:
                self.move(side, RCV_ACK_OF_FIN, SLOT_ACK, 0)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def settle(self, side: cython.int) -> cython.int:
        """What is held, and does not count as lost, has arrived: of that there will be no proof."""
        bits: cython.ulonglong = self.state[self.stream, BITS + side]
        state: cython.int = cython.cast(cython.int, bits & STATE_BITS)
        if bits & HAS_ACK and bits & ACK_LOST:
            bits &= ~(HELD << SLOT_ACK)
        if bits & HAS_FIN and bits & FIN_LOST:
            bits &= ~(HELD << SLOT_FIN)
        if bits & HAS_RST and bits & RST_LOST:
            bits &= ~(HELD << SLOT_RST)
        self.state[self.stream, BITS + side] = bits
        if bits & HAS_ACK and state == SYN_RECEIVED:
            self.move(side, RCV_ACK_OF_SYN, SLOT_ACK, 0)
            bits = self.state[self.stream, BITS + side]
        if bits & HAS_FIN and state != TIME_WAIT and state != SYN_SENT:
            self.receive_fin(side)
            bits = self.state[self.stream, BITS + side]
        if bits & HAS_ACK and state != SYN_SENT:
            self.move(side, RCV_ACK_OF_FIN, SLOT_ACK, 0)
            bits = self.state[self.stream, BITS + side]
        if bits & HAS_RST:
            state = cython.cast(cython.int, bits & STATE_BITS)
            self.move(
                side,
                RCV_RST_PASSIVE if state == SYN_RECEIVED and bits & PASSIVE else RCV_RST,
                SLOT_RST,
                0,
            )
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def begin(self, sender: cython.int, ack: cython.ulonglong, flags: cython.int) -> cython.int:
        """The first segment of a stream.

        Returns:
            0 if it tells nothing about states.
        """
        receiver: cython.int = 1 - sender
        if flags & F_SYN and not flags & F_RST:
            if not flags & F_ACK:
                self.become(sender, CLOSED, 0)
                return 1
            self.become(receiver, CLOSED, SENT)
            self.state[self.stream, SEQ + receiver] = (((ack - 1) & MASK32) << 32) | ack
            self.move(receiver, SND_SYN, NO_SLOT, 1)
            self.become(sender, LISTEN, PASSIVE)
            self.move(sender, RCV_SYN, NO_SLOT, 1)
            return 1
        if not flags & (F_ACK | F_RST):
            return 0
        self.state[self.stream, BITS + sender] |= ASSUMED
        self.state[self.stream, BITS + receiver] |= ASSUMED
        self.move(sender, FIRST_SEEN, NO_SLOT, 1)
        self.move(receiver, FIRST_SEEN, NO_SLOT, 1)
        return 1

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def reset(
        self, sender: cython.int, seq: cython.ulonglong, ack: cython.ulonglong, flags: cython.int
    ) -> cython.int:
        """A RST."""
        receiver: cython.int = 1 - sender
        mine: cython.ulonglong = self.state[self.stream, BITS + sender]
        theirs: cython.ulonglong = self.state[self.stream, BITS + receiver]
        state: cython.int = cython.cast(cython.int, mine & STATE_BITS)
        peer_state: cython.int = cython.cast(cython.int, theirs & STATE_BITS)
        # Would the receiver take it?
        if peer_state == SYN_SENT and not theirs & HAS_ACK:
            if not flags & F_ACK or not self.acks_syn(receiver, ack):
                return 0
        elif not self.in_window(sender, seq):
            if not mine & FIN_SENT or seq != ((self.state[self.stream, ACKS + sender] >> 32) - 1) & MASK32:
                return 0
        if flags & F_ACK:
            self.prove(sender, ack, flags)
            mine = self.state[self.stream, BITS + sender]
            state = cython.cast(cython.int, mine & STATE_BITS)
        if state == UNSEEN:
            self.become(sender, CLOSED, 0)
            self.state[self.stream, BITS + sender] &= ~ALL_SLOTS
        elif state == SYN_SENT:
            # Of its own number it gives up; of another it refuses a SYN,ACK that is not for it and waits
            # on (RFC 9293 section 3.10.7.3, first).
            if self.acks_syn(sender, seq):
                self.move(sender, SND_RST, NO_SLOT, 0)
        elif state != CLOSED and state != LISTEN:
            if state != SYN_RECEIVED:
                self.proving = 0
                self.settle(sender)
                self.proving = 1
            self.move(sender, SND_RST, NO_SLOT, 0)
        if peer_state != UNSEEN and peer_state != CLOSED and peer_state != LISTEN:
            if not theirs & HAS_RST or theirs & RST_LOST:
                self.hold(receiver, SLOT_RST)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def open(
        self,
        sender: cython.int,
        seq: cython.ulonglong,
        ack: cython.ulonglong,
        flags: cython.int,
        size: cython.ulonglong,
        window: cython.ulonglong,
        scale: cython.int,
    ) -> cython.int:
        """A SYN, with or without ACK."""
        receiver: cython.int = 1 - sender
        mine: cython.ulonglong = self.state[self.stream, BITS + sender]
        theirs: cython.ulonglong = self.state[self.stream, BITS + receiver]
        state: cython.int = cython.cast(cython.int, mine & STATE_BITS)
        peer_state: cython.int = cython.cast(cython.int, theirs & STATE_BITS)
        end: cython.ulonglong = (seq + size + 1) & MASK32
        if not flags & F_ACK:
            if state == UNSEEN:
                self.become(sender, CLOSED, 0)
                state = CLOSED
            if state == CLOSED:
                self.move(sender, SND_SYN, NO_SLOT, 0)
            elif state == SYN_SENT:
                if mine & HAS_ACK:
                    self.state[self.stream, BITS + sender] |= ACK_LOST
                if mine & HAS_RST:
                    self.state[self.stream, BITS + sender] |= RST_LOST
            else:
                return 0
            self.take_numbers(sender, seq, end, ack, flags, window, scale)
            if peer_state <= SYN_SENT:
                self.hold(receiver, SLOT_OPEN)
            return 0
        if not self.acks_syn(receiver, ack):
            return 0
        if state == UNSEEN or state == LISTEN or state == CLOSED:
            if state == CLOSED:
                if peer_state != SYN_SENT:
                    return 0
                self.move(sender, PASSIVE_OPEN, NO_SLOT, 1)
                if mine & HAS_OPEN:  # put aside by the move
                    self.state[self.stream, BITS + sender] |= HAS_OPEN
            else:
                self.become(sender, LISTEN, 0)
            self.state[self.stream, BITS + sender] |= PASSIVE
            if ((ack - (self.state[self.stream, SEQ + receiver] >> 32)) & MASK32) > 1:
                self.state[self.stream, BITS + sender] |= FAST_OPEN
            self.move(sender, RCV_SYN, SLOT_OPEN, 0 if mine & HAS_OPEN else 1)
        elif state == SYN_SENT:
            self.move(sender, RCV_SYN, SLOT_OPEN, 0 if mine & HAS_OPEN else 1)
        elif state == SYN_RECEIVED:
            if mine & HAS_ACK:
                self.state[self.stream, BITS + sender] |= ACK_LOST
            if mine & HAS_RST:
                self.state[self.stream, BITS + sender] |= RST_LOST
        else:
            return 0
        self.take_numbers(sender, seq, end, ack, flags, window, scale)
        if peer_state == SYN_SENT or (
            peer_state == SYN_RECEIVED and (not theirs & HAS_ACK or theirs & ACK_LOST)
        ):
            self.hold(receiver, SLOT_ACK)
        return 0

    @cython.cfunc
    @cython.nogil
    @cython.exceptval(-1)
    def segment(
        self,
        sender: cython.int,
        seq: cython.ulonglong,
        ack: cython.ulonglong,
        flags: cython.int,
        size: cython.ulonglong,
        window: cython.ulonglong,
        scale: cython.int,
    ) -> cython.int:
        """Any segment."""
        receiver: cython.int = 1 - sender
        mine: cython.ulonglong
        theirs: cython.ulonglong
        state: cython.int
        end: cython.ulonglong = (seq + size) & MASK32
        before: cython.ulonglong
        finished: cython.int = 0
        fresh_ack: cython.int = 0
        self.expire(sender)
        self.expire(receiver)
        mine = self.state[self.stream, BITS + sender]
        theirs = self.state[self.stream, BITS + receiver]
        if ((mine | theirs) & STATE_BITS) == UNSEEN and not self.begin(sender, ack, flags):
            return 0
        if flags & F_RST:
            return self.reset(sender, seq, ack, flags)
        if flags & F_SYN:
            return self.open(sender, seq, ack, flags, size, window, scale)
        if not flags & F_ACK:
            return 0
        mine = self.state[self.stream, BITS + sender]
        state = cython.cast(cython.int, mine & STATE_BITS)
        if state == CLOSED or state == LISTEN:
            return 0
        if state == UNSEEN:
            # An answer to a SYN without a SYN,ACK: that was not captured, or this is about another
            # connection (RFC 9293 section 3.5.1, figure 9).
            if not self.acks_syn(receiver, ack):
                return 0
            self.become(sender, LISTEN, PASSIVE | SENT)
            self.state[self.stream, SEQ + sender] = (((seq - 1) & MASK32) << 32) | seq
            self.move(sender, RCV_SYN, SLOT_OPEN, 1)
            self.move(sender, RCV_ACK_OF_SYN, NO_SLOT, 1)
        else:
            self.prove(sender, ack, flags)
        mine = self.state[self.stream, BITS + sender]
        if mine & HAS_RST:
            self.state[self.stream, BITS + sender] |= RST_LOST
        # What it sends.
        if flags & F_FIN:
            end = (end + 1) & MASK32
            state = cython.cast(cython.int, mine & STATE_BITS)
            if not mine & FIN_SENT:
                if self.in_window(sender, (end - 1) & MASK32):
                    if self.move(sender, SND_FIN, NO_SLOT, 0) != 0:
                        self.state[self.stream, ACKS + sender] = (
                            self.state[self.stream, ACKS + sender] & MASK32
                        ) | (end << 32)
                        self.state[self.stream, BITS + sender] |= FIN_SENT
                        finished = 1
            elif end == self.state[self.stream, ACKS + sender] >> 32:
                finished = 2
                if mine & HAS_ACK and (state == FIN_WAIT_1 or state == CLOSING or state == LAST_ACK):
                    self.state[self.stream, BITS + sender] |= ACK_LOST
            if finished == 0:
                end = (end - 1) & MASK32
        before = self.state[self.stream, SEQ + sender] & MASK32
        if not self.state[self.stream, BITS + sender] & SENT:
            before = seq
        self.take_numbers(sender, seq, end, ack, flags, window, scale)
        # What the other end may receive of it.
        theirs = self.state[self.stream, BITS + receiver]
        state = cython.cast(cython.int, theirs & STATE_BITS)
        if state == SYN_RECEIVED:
            if (not theirs & HAS_ACK or theirs & ACK_LOST) and self.acks_syn(receiver, ack):
                self.hold(receiver, SLOT_ACK)
        elif state == FIN_WAIT_1 or state == CLOSING or state == LAST_ACK:
            if theirs & FIN_SENT and ack == self.state[self.stream, ACKS + receiver] >> 32:
                if not theirs & HAS_ACK or theirs & ACK_LOST:
                    self.hold(receiver, SLOT_ACK)
                    self.state[self.stream, EDGE + receiver] = (
                        self.state[self.stream, EDGE + receiver] & HIGH
                    ) | before
                    self.state[self.stream, BITS + receiver] &= ~(ACK_WITH_FIN | ACK_AFTER_FIN)
                    if theirs & HAS_FIN:
                        self.state[self.stream, BITS + receiver] |= ACK_AFTER_FIN
                    fresh_ack = 1
        if finished and (
            state == ESTABLISHED
            or state == FIN_WAIT_1
            or state == FIN_WAIT_2
            or state == TIME_WAIT
            or state == SYN_RECEIVED
            or state == SYN_SENT
        ):
            self.hold(receiver, SLOT_FIN)
            if finished == 2 and state != TIME_WAIT:
                # Sent again for want of an answer, and not answered yet.
                self.state[self.stream, BITS + receiver] |= FIN_LOST
            if fresh_ack:
                self.state[self.stream, BITS + receiver] &= ~ACK_AFTER_FIN
                self.state[self.stream, BITS + receiver] |= ACK_WITH_FIN
        if size != 0:
            mine = self.state[self.stream, BITS + sender]
            theirs = self.state[self.stream, BITS + receiver]
            if mine & theirs & ASSUMED and (mine & STATE_BITS) == ESTABLISHED:
                mine |= SPOKE
                if theirs & SPOKE and (theirs & STATE_BITS) == ESTABLISHED:
                    # Both have sent data, so none had closed before the capture began.
                    mine &= ~ASSUMED
                    self.state[self.stream, BITS + receiver] = theirs & ~ASSUMED
                self.state[self.stream, BITS + sender] = mine
        return 0

    def follow(
        self,
        rows: cython.Py_ssize_t,
        first_frame: cython.longlong,
        order: cython.int[::1],
        time_ns: cython.longlong[::1],
        frame: cython.int[::1],
        role: cython.uchar[::1],
        protocol: cython.uchar[::1],
        payload_bytes: cython.longlong[::1],
        seq: cython.longlong[::1],
        ack: cython.longlong[::1],
        flags: cython.int[::1],
        window: cython.int[::1],
        window_scale: cython.int[::1],
        duplicate: cython.uchar[::1],
        stream: cython.longlong[::1],
        side: cython.uchar[::1],
    ) -> cython.longlong:
        """Take the TCP segments of a batch, in the order of their frames; returns 0."""
        state: cython.ulonglong[:, ::1] = self.state
        index: cython.Py_ssize_t
        row: cython.Py_ssize_t
        number: cython.Py_ssize_t
        look: cython.Py_ssize_t
        ahead: cython.Py_ssize_t = 0
        sender: cython.int
        shift: cython.int
        mine: cython.ulonglong
        theirs: cython.ulonglong
        word: cython.ulonglong
        first: cython.ulonglong
        said: cython.ulonglong
        edge: cython.ulonglong
        size: cython.ulonglong
        warm: cython.ulonglong = 0
        with cython.nogil:
            for index in range(rows):
                if index == ahead:
                    # A look at what the next rows will touch, so that the cache misses overlap.
                    ahead = min(rows, index + AHEAD)
                    for look in range(index, ahead):
                        row = order[look]
                        if protocol[row] == TCP and stream[row] >= 0:
                            warm ^= state[stream[row], 0]
                row = order[index]
                if protocol[row] != TCP or duplicate[row] or role[row] == QUOTED or role[row] == DAMAGED:
                    continue
                if stream[row] < 0:
                    continue
                number = stream[row]
                sender = side[row]
                mine = state[number, BITS + sender]
                theirs = state[number, BITS + 1 - sender]
                first = seq[row]
                said = ack[row]
                size = payload_bytes[row]
                if (
                    (flags[row] & FLAGS) == F_ACK
                    and (mine & PLAIN_MASK) == PLAIN
                    and (theirs & (STATE_BITS | ALL_SLOTS)) == ESTABLISHED
                ):
                    word = state[number, SEQ + sender]
                    edge = (first + size) & MASK32
                    if ((edge - word) & MASK32) < HALF:
                        state[number, SEQ + sender] = (word & HIGH) | edge
                    word = state[number, ACKS + sender]
                    if ((said - word) & MASK32) < HALF:
                        state[number, ACKS + sender] = (word & HIGH) | said
                    shift = 0
                    if not mine & theirs & SYN_SEEN:
                        shift = UNKNOWN_SCALE
                    elif mine & theirs & HAS_SCALE:
                        shift = cython.cast(cython.int, (mine >> SCALE_SHIFT) & 15)
                    edge = (said + (cython.cast(cython.ulonglong, window[row]) << shift)) & MASK32
                    word = state[number, EDGE + sender]
                    if ((edge - (word >> 32)) & MASK32) < HALF:
                        state[number, EDGE + sender] = (word & MASK32) | (edge << 32)
                    continue
                self.stream = number
                self.frame = first_frame + frame[row]
                self.now = time_ns[frame[row]] & MASK64
                self.segment(
                    sender,
                    first,
                    said,
                    flags[row],
                    size,
                    cython.cast(cython.ulonglong, window[row]),
                    window_scale[row],
                )
        self.warm = warm  # so that the looks ahead are not optimised away
        return 0

    def finish(
        self,
        streams: cython.Py_ssize_t,
        clock_ns: cython.longlong,
        later_frame: cython.longlong[::1],
        later_ns: cython.longlong[::1],
    ) -> cython.longlong:
        """Nothing comes any more: settle what is held, and let time pass. Returns 0.

        Args:
            streams: how many there are.
            clock_ns: the latest time of the capture.
            later_frame: for each stream where the next one between the same ports begins, 0 if there is none.
            later_ns: when that is.
        """
        number: cython.Py_ssize_t
        side: cython.int
        state: cython.int
        clock: cython.ulonglong = clock_ns & MASK64
        later: cython.ulonglong
        with cython.nogil:
            self.proving = 0
            for number in range(streams):
                self.stream = number
                for side in range(2):
                    self.frame = 0
                    self.now = clock
                    self.settle(side)
                    if later_frame[number] != 0:
                        later = later_ns[number] & MASK64
                        if (later ^ SIGN) < (clock ^ SIGN):
                            self.now = later
                        self.expire(side)
                        self.now = later
                        self.frame = later_frame[number]
                        state = cython.cast(cython.int, self.state[number, BITS + side] & STATE_BITS)
                        self.move(side, NEW_SYN, NO_SLOT, 0 if state == TIME_WAIT else 1)
                    else:
                        self.expire(side)
            self.proving = 1
        return 0
