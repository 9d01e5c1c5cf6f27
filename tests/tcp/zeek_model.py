"""What Zeek makes of one TCP connection, written down slowly: for comparison with the kernel.

Numbers are unbounded and relative to the first packet of each side, every stretch of bytes is kept,
the history has no end. Only short connections fit in here: no side sends 2**30 bytes.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

from crafting import ACK, FIN, RST, SYN

INACTIVE, SYN_SENT, SYN_ACK_SENT, PARTIAL, ESTABLISHED, CLOSED, RESET = range(7)
WILD = 1 << 20


def difference(one: int, other: int) -> int:
    """One sequence number less another, -2**31 to 2**31 - 1."""
    return (one - other + 2**31) % 2**32 - 2**31


@dataclass(frozen=True)
class Segment:
    """What the model looks at of a packet; ``side`` is 0 or 1."""

    side: int
    flags: int
    seq: int = 0
    ack: int = 0
    size: int = 0
    window: int = 1024
    captured: int | None = None


@dataclass
class Endpoint:
    """One side of the connection."""

    state: int = INACTIVE
    before: int = INACTIVE
    start: int = 0
    last: int = 0
    acked: int = 0
    fin: int | None = None
    seen: dict[str, int] = field(default_factory=dict)
    counts: dict[str, int] = field(default_factory=dict)
    delivered: int = 1
    bytes: set[int] = field(default_factory=set)
    blind: bool = False

    def enter(self, state: int) -> None:
        if state != self.state:
            self.before, self.state = self.state, state

    @property
    def clean(self) -> bool:
        return self.state == ESTABLISHED or (self.state, self.before) == (CLOSED, ESTABLISHED)

    @property
    def size(self) -> int:
        size = max(difference(self.last, self.start), difference(self.acked, self.start))
        size -= bool(size)
        return size - bool(self.fin is not None and size)


class Model:
    """A connection; ``history`` grows with each ``segment``."""

    def __init__(self, ports: tuple[int, int], servers: frozenset[int]) -> None:
        """Nothing seen yet; ``ports`` are those of side 0 and 1, ``servers`` those where Zeek expects one."""
        self.ports, self.servers = ports, servers
        self.ends = (Endpoint(), Endpoint())
        self.orig: int | None = None
        self.history = ""
        self.noted: set[tuple[bool, str]] = set()
        self.heard = [False, False]  # originator, responder
        self.half = False

    def add(self, letter: str, *, orig: bool) -> None:
        self.history += letter if orig else letter.lower()

    def once(self, kind: str, letter: str, *, orig: bool) -> bool:
        """Add the letter if this role has none of its kind yet; returns whether it did."""
        if (orig, kind) in self.noted:
            return False
        self.noted.add((orig, kind))
        self.add(letter, orig=orig)
        return True

    def scaled(self, end: Endpoint, letter: str, *, orig: bool) -> None:
        end.counts[letter] = count = end.counts.get(letter, 0) + 1
        if str(count).strip("0") == "1":
            self.add(letter, orig=orig)

    def flip(self) -> None:
        assert self.orig is not None
        self.orig = 1 - self.orig
        self.heard.reverse()
        self.half = False

    def begin(self, segment: Segment) -> None:
        self.orig = segment.side
        source, target = self.ports[segment.side], self.ports[1 - segment.side]
        likelier = target not in self.servers or (not segment.flags & SYN and source < target)
        if segment.flags & (SYN | ACK) != SYN and source in self.servers and likelier:
            self.orig = 1 - segment.side
            self.history = "^"

    def segment(self, segment: Segment) -> None:
        flags, size = segment.flags, segment.size
        if self.orig is None:
            self.begin(segment)
        me, you = self.ends[segment.side], self.ends[1 - segment.side]
        kinds = [bool(flags & bit) for bit in (SYN, FIN, RST)]
        if self.history == "H" and not any(kinds) and (size or flags & ACK):
            self.flip()
            self.history = "^h"
            self.ends[1 - self.orig].enter(ESTABLISHED)  # type: ignore[operator]
        orig = stale = segment.side == self.orig
        if orig and not self.heard[0]:
            self.half = flags & (SYN | ACK) != SYN
        elif not orig and not self.heard[1] and not self.half:
            self.half = not flags & SYN
        length = (0 if flags & RST else size) + kinds[0] + kinds[1]
        after = (segment.seq + length) % 2**32
        self.place(me, segment, after)
        relative = difference(segment.seq, me.start)
        self.letter(me, kinds, flags, relative, size, orig=orig)
        if segment.window == 0 and not flags & RST and you.state != CLOSED and me.state != RESET:
            self.scaled(me, "W", orig=orig)
        if flags & FIN:
            me.fin = relative + length
        acked = self.acknowledge(you, segment)
        self.advance(me, flags, after, size, orig=orig)
        orig = self.move(me, you, flags, size, orig=orig)
        if flags & ACK:
            self.gaps(me, you, acked, orig=orig)
        captured = size if segment.captured is None else segment.captured
        if size and captured >= size and not flags & RST and relative >= 0 and not me.blind:
            self.take(me, relative + kinds[0], size)
        self.heard[0 if stale else 1] = True

    @staticmethod
    def place(me: Endpoint, segment: Segment, after: int) -> None:
        if me.state == INACTIVE and not segment.flags & SYN:
            me.start = me.acked = (segment.seq - 1) % 2**32
            me.last = segment.seq
        elif segment.flags & SYN and (
            me.state in {INACTIVE, PARTIAL, ESTABLISHED}
            or (me.state in {SYN_SENT, SYN_ACK_SENT} and me.start != segment.seq)
            or (me.state == RESET and me.before == INACTIVE)
        ):
            me.start = me.acked = segment.seq
            me.last = after

    def letter(
        self, me: Endpoint, kinds: list[bool], flags: int, relative: int, size: int, *, orig: bool
    ) -> None:
        if sum(kinds) > 1:
            both = kinds[1] and kinds[2]
            self.once("I" if both else "Q", "I" if both else "Q", orig=orig)
        elif any(kinds):
            kind = "SFR"[kinds.index(True)]
            letter = "H" if kind == "S" and flags & ACK else kind
            number = relative + size if kind == "F" else relative
            if not self.once(kind, letter, orig=orig) and number != me.seen.get(kind, 0):
                self.add(letter, orig=orig)
            me.seen[kind] = number
        elif size:
            self.once("D", "D", orig=orig)
        elif flags & ACK:
            self.once("A", "A", orig=orig)

    @staticmethod
    def acknowledge(you: Endpoint, segment: Segment) -> int:
        if not segment.flags & ACK:
            return 0
        if you.state == INACTIVE:
            you.start = you.acked = you.last = (segment.ack - 1) % 2**32
            return 1
        relative = difference(segment.ack, you.start)
        if relative < 0:
            return 0
        ahead = difference(segment.ack, you.acked)
        if not segment.flags & RST and ahead > 0 and not (segment.ack == 0 and ahead > WILD):
            you.acked = segment.ack
        return relative

    def advance(self, me: Endpoint, flags: int, after: int, size: int, *, orig: bool) -> None:
        ahead = difference(after, me.last)
        if flags & (SYN | RST) and abs(ahead) > WILD:
            return
        if flags & FIN and me.last == (me.start + 1) % 2**32:
            me.last = after
        elif me.state == RESET:
            return
        elif ahead > 0:
            me.last = after
        elif size:
            self.scaled(me, "T", orig=orig)

    def move(  # noqa: C901 - a state machine
        self, me: Endpoint, you: Endpoint, flags: int, size: int, *, orig: bool
    ) -> bool:
        """The states; returns whether the sender is the originator now."""
        if me.state == INACTIVE:
            if flags & SYN:
                orig = self.first_syn(me, you, flags, orig=orig)
            if flags & FIN:
                me.enter(CLOSED)
            if flags & RST:
                me.enter(RESET)
            if me.state == INACTIVE and (orig or size or you.state != SYN_SENT):
                self.join(me, you, flags, orig=orig)
        elif me.state in {SYN_SENT, SYN_ACK_SENT}:
            if flags & FIN:
                me.enter(CLOSED)
            if flags & RST:
                me.enter(RESET)
        elif me.state in {PARTIAL, ESTABLISHED}:
            self.go_on(me, you, flags)
        elif me.state == CLOSED and flags & RST and you.state != CLOSED:
            me.enter(RESET)
        return orig

    def first_syn(self, me: Endpoint, you: Endpoint, flags: int, *, orig: bool) -> bool:
        if orig:
            me.enter(SYN_ACK_SENT if flags & ACK else SYN_SENT)
            return True
        if not flags & ACK and you.state == SYN_ACK_SENT:
            self.flip()
            self.history += "^"
            self.heard[0] = orig = True
            you.enter(ESTABLISHED)
        if you.state == SYN_SENT:
            you.enter(ESTABLISHED)
        me.enter(ESTABLISHED)
        return orig

    def join(self, me: Endpoint, you: Endpoint, flags: int, *, orig: bool) -> None:
        if flags & ACK and you.state == ESTABLISHED:
            me.enter(ESTABLISHED)
            self.half = False
            self.heard[0 if orig else 1] = True
        else:
            me.enter(PARTIAL)

    @staticmethod
    def go_on(me: Endpoint, you: Endpoint, flags: int) -> None:
        if flags & SYN and not flags & ACK and me.state == PARTIAL and you.state == INACTIVE:
            me.enter(SYN_SENT)
        if flags & FIN and not flags & RST:
            me.enter(CLOSED)
            if (you.state, you.before) == (RESET, CLOSED):
                you.enter(CLOSED)
        if flags & RST:
            me.enter(RESET)

    def gaps(self, me: Endpoint, you: Endpoint, acked: int, *, orig: bool) -> None:
        if you.fin is not None and acked >= you.fin:
            acked = you.fin - 1
        if acked <= you.delivered or (acked <= 2 and self.half):
            return
        at, found = you.delivered, 0
        while at < acked:
            hole = at
            while at < acked and at not in you.bytes:
                at += 1
            found += at > hole
            while at in you.bytes:
                at += 1
        you.delivered = at
        if me.clean and you.clean and not you.blind:
            for _ in range(found):
                self.scaled(you, "G", orig=not orig)

    @staticmethod
    def take(me: Endpoint, low: int, size: int) -> None:
        acked = difference(me.acked, me.start)
        me.bytes |= set(range(max(low, acked, me.delivered), low + size))
        if low <= me.delivered or max(low, acked) <= me.delivered:
            while me.delivered in me.bytes:
                me.delivered += 1
        above = max((at for at in me.bytes if at >= me.delivered), default=me.delivered - 1) + 1
        if acked <= 1 and above - me.delivered > 16384:
            me.bytes.clear()
            me.blind = True

    @property
    def state(self) -> str:  # noqa: PLR0911 - a decision table
        orig, resp = self.ends[self.orig or 0], self.ends[1 - (self.orig or 0)]
        os, rs = orig.state, resp.state
        absent = {INACTIVE, PARTIAL}
        if rs == RESET:
            if os in {SYN_SENT, SYN_ACK_SENT} or (os == RESET and orig.size == resp.size == 0):
                return "REJ"
            return "RSTRH" if os in absent else "RSTR"
        if os == RESET:
            if rs not in absent:
                return "RSTO"
            return "RSTOS0" if re.fullmatch(r"\^?S[^HAFGIQ]*R.*", self.history) else "OTH"
        if os == rs == CLOSED:
            return "SF"
        if os == CLOSED:
            return "SH" if rs in absent else "S2"
        if rs == CLOSED:
            return "SHR" if os in absent else "S3"
        if (os, rs) == (SYN_SENT, INACTIVE):
            return "S0"
        return "S1" if os == rs == ESTABLISHED else "OTH"
