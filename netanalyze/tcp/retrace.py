"""The tests that tell a retransmission from a segment out of order, and one cause from another, again.

``sequence_kernel`` and ``repair_kernel`` make them; here the same is done once more for a single segment
from the state before it, so that each test can be shown with its numbers. Tests see to it that both agree.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

from netanalyze.tcp import causes, kinds
from netanalyze.tcp import sequence_fields as fields
from netanalyze.tcp.half_stream import MASK32, later
from netanalyze.tcp.timers import NEWS_SOON_NS, SOON_NS, TIMER_NS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from netanalyze.tcp.half_stream import HalfStream

_SYN = 0x02
_FIN = 0x01
_ASKED_FOR = 2
"""Duplicate acknowledgements that ask for a segment."""
_MANY = 3
"""Duplicate acknowledgements after which nothing is only late."""
_STEADY = 2
_REACH = 1 << 30
"""Payload of a segment is not taken for more."""


class Check(Struct, frozen=True):
    """One test.

    Attributes:
        name: which it is.
        holds: its outcome.
        numbers: those that it compares; frames, bytes, sequence numbers as in the header, ns.
    """

    name: str
    holds: bool
    numbers: Mapping[str, int]


class Retraced(Struct, frozen=True):
    """The tests in the order in which they were made, and what they come to.

    Attributes:
        checks: up to the one that decided.
        cause: see ``causes``.
        kind: ``OUT_OF_ORDER``, ``NETWORK_COPY`` or ``RETRANSMISSION`` of ``kinds``.
    """

    checks: tuple[Check, ...]
    cause: int
    kind: int


class _Case(Struct, frozen=True):
    """A segment that begins before what would come next, and what is known when it comes."""

    packet: Mapping[str, int]
    ours: HalfStream
    theirs: HalfStream
    handshake_ns: int

    @property
    def now(self) -> int:
        return self.packet["time_ns"]

    @property
    def start(self) -> int:
        return self.packet["seq"]

    @property
    def takes(self) -> int:
        flags = self.packet["flags"]
        size = min(self.packet["payload_bytes"], _REACH)
        return size + bool(flags & _SYN) + bool(flags & _FIN)

    @property
    def end(self) -> int:
        return (self.start + self.takes) & MASK32

    @property
    def beyond(self) -> int:
        """How much of it is behind everything sent so far."""
        following = self.ours[fields.NEXT]
        return (self.end - following) & MASK32 if later(self.end, following) else 0

    def filled(self) -> list[tuple[tuple[int, ...], int]]:
        """The holes that it fills, each with how much of it."""
        end = self.ours[fields.NEXT] if self.beyond else self.end
        found = []
        for hole in self.ours.holes:
            low = self.start if later(self.start, hole[fields.SEQ]) else hole[fields.SEQ]
            high = end if later(hole[fields.END], end) else hole[fields.END]
            if later(high, low):
                found.append((hole, (high - low) & MASK32))
        return found

    def sent_before(self) -> tuple[int, ...] | None:
        """The first segment known that had any of these bytes."""
        for node in (*self.ours.recent, *self.ours.unacked):
            if later(self.end, node[fields.SEQ]) and later(node[fields.END], self.start):
                return node
        return None

    @property
    def acknowledged(self) -> bool:
        """Whether all of it was acknowledged before it came."""
        return self.theirs.acked and not later(self.end, self.theirs[fields.HIGH_ACK])


def retrace(
    packet: Mapping[str, int], ours: HalfStream, theirs: HalfStream, handshake_ns: int
) -> Retraced | None:
    """Make the tests of a segment that begins before what would come next.

    Args:
        packet: columns of ``Packets`` of the segment, and ``time_ns``.
        ours: its sender's half-stream before it.
        theirs: the other one.
        handshake_ns: the stream's first round trip time, 0 or less where it is not known.

    Returns:
        None if it is no such segment.
    """
    case = _Case(packet, ours, theirs, handshake_ns)
    following = ours[fields.NEXT]
    if not ours.seen or not case.takes or not later(following, case.start):
        return None
    filled = case.filled()
    fresh = sum(size for _, size in filled)
    old = case.takes - case.beyond - fresh
    node = case.sent_before() if old > 0 else None
    checks = [
        Check(
            "sent_before",
            old > 0,
            {
                "old": old,
                "takes": case.takes,
                "fresh": fresh,
                "beyond": case.beyond,
                **({"frame": node[fields.FRAME], "ago_ns": case.now - node[fields.NS]} if node else {}),
                **({"hole_frame": filled[0][0][fields.FRAME]} if filled else {}),
            },
        )
    ]
    if old == 0 and filled:
        late, cause = _late(case, filled[0][0])
        checks.append(late)
        if late.holds:
            if filled[0][0][fields.COUNT]:
                cause = causes.AFTER_ACK
            return Retraced(tuple(checks), cause, kinds.OUT_OF_ORDER)
    if node is not None:
        again = _first_copy(case, node)
        if again is not None:
            check, kind, cause = again
            checks.append(check)
            if check.holds:
                return Retraced(tuple(checks), cause, kind)
    checks += _why(case, node, filled[0][0][fields.NS] if old == 0 and filled else ours[fields.NEXT_NS])
    return Retraced(tuple(checks), int(checks[-1].numbers["cause"]), kinds.RETRANSMISSION)


def _late(case: _Case, hole: tuple[int, ...]) -> tuple[Check, int]:
    """Was it only overtaken?"""
    tsval, ip_id = case.packet["tsval"], case.packet["ip_id"]
    if tsval >= 0 and hole[fields.TSVAL] >= 0 and tsval != hole[fields.TSVAL]:
        numbers = {"tsval": tsval, "other": hole[fields.TSVAL], "frame": hole[fields.FRAME]}
        return (
            Check("older_timestamp", later(hole[fields.TSVAL], tsval), numbers),
            causes.OLDER_TIMESTAMP,
        )
    if case.ours[fields.STEADY] >= _STEADY and ip_id > 0 and hole[fields.IP_ID] > 0:
        numbers = {"ip_id": ip_id, "other": hole[fields.IP_ID], "frame": hole[fields.FRAME]}
        before = 0 < (hole[fields.IP_ID] - ip_id) & 0xFFFF < 0x4000  # noqa: PLR2004 - a quarter of all
        return Check("older_ip_id", before, numbers), causes.OLDER_ID
    waited = case.now - hole[fields.NS]
    limit = case.handshake_ns if case.handshake_ns > 0 else SOON_NS
    duplicates = case.theirs[fields.DUPLICATES]
    numbers = {
        "waited_ns": waited,
        "limit_ns": limit,
        "measured": int(case.handshake_ns > 0),
        "duplicates": duplicates,
        "frame": hole[fields.FRAME],
    }
    return Check("soon", 0 <= waited < limit and duplicates < _MANY, numbers), causes.SOON


def _first_copy(case: _Case, node: tuple[int, ...]) -> tuple[Check, int, int] | None:
    """Was it sent before the copy that was captured first, or is it that one again?"""
    tsval, ip_id = case.packet["tsval"], case.packet["ip_id"]
    if tsval >= 0 and node[fields.TSVAL] >= 0 and tsval != node[fields.TSVAL]:
        numbers = {"tsval": tsval, "other": node[fields.TSVAL], "frame": node[fields.FRAME]}
        check = Check("older_timestamp_than_copy", later(node[fields.TSVAL], tsval), numbers)
        return check, kinds.OUT_OF_ORDER, causes.OLDER_TIMESTAMP
    if case.ours[fields.STEADY] < _STEADY or ip_id <= 0 or node[fields.IP_ID] <= 0:
        return None
    numbers = {"ip_id": ip_id, "other": node[fields.IP_ID], "frame": node[fields.FRAME]}
    if ip_id == node[fields.IP_ID]:
        return Check("network_copy", True, numbers), kinds.NETWORK_COPY, causes.NONE  # noqa: FBT003 - its outcome
    before = 0 < (node[fields.IP_ID] - ip_id) & 0xFFFF < 0x4000  # noqa: PLR2004 - a quarter of all
    return Check("older_ip_id_than_copy", before, numbers), kinds.OUT_OF_ORDER, causes.OLDER_ID


def _why(case: _Case, node: tuple[int, ...] | None, since: int) -> Iterator[Check]:
    """What made its sender send it again; the last check is the one that decided, and has ``cause``."""
    packet, ours, theirs, now = case.packet, case.ours, case.theirs, case.now
    waited = now - since
    if node is not None:
        waited = now - (node[fields.AGAIN_NS] if node[fields.COUNT] > 1 else node[fields.NS])
    spurious = packet["payload_bytes"] > 0 and case.acknowledged
    if packet["payload_bytes"] > 0 and theirs.acked:
        yield Check(
            "acknowledged",
            spurious,
            {"end": case.end, "ack": theirs[fields.HIGH_ACK], "frame": theirs[fields.ACK_FRAME]},
        )
    if packet["flags"] & _SYN:
        yield Check("handshake", True, {"cause": causes.HANDSHAKE})  # noqa: FBT003 - what it found
        return
    timeout = ours.timeout_ns
    news = now - theirs[fields.NEWS_NS]
    recovery = ours[fields.RECOVERY]
    repair, moved = now - ours[fields.REPAIR_NS], now - theirs[fields.ACK_NS]
    numbers = {"end": ours[fields.RECOVERY_END], "timeout_ns": timeout, "waited_ns": waited, "news_ns": news}
    if recovery == causes.FAST:
        expired = waited >= timeout // 5 * 4 and news >= timeout // 5 * 4
        cause = causes.TIMEOUT if expired else causes.RECOVERY_GOES_ON
        yield Check("recovery", not expired, numbers | {"cause": cause})
        return
    if recovery == causes.TIMEOUT:
        again = case.start == theirs[fields.HIGH_ACK] and repair >= TIMER_NS and moved >= TIMER_NS
        cause = causes.TIMEOUT if again else causes.AFTER_TIMEOUT
        numbers |= {"repair_ns": repair, "moved_ns": moved}
        yield Check("after_timeout", not again, numbers | {"cause": cause})
        return
    once = node is None or node[fields.COUNT] == 1
    yield from _first(case, waited, timeout, news, spurious=spurious, once=once)


def _first(  # noqa: PLR0913 - what was found out before
    case: _Case, waited: int, timeout: int, news: int, *, spurious: bool, once: bool
) -> Iterator[Check]:
    """The tests of a segment that is not part of a repair that goes on."""
    ours, theirs = case.ours, case.theirs
    limit = NEWS_SOON_NS + max(ours[fields.SRTT], case.handshake_ns)
    past = theirs[fields.PAST_DUPLICATES] if spurious else 0
    asked = theirs[fields.DUPLICATES] >= _ASKED_FOR or ours[fields.SACKED_BYTES] > 0 or past > 0
    fast = asked and 0 <= news < limit
    numbers = {
        "duplicates": theirs[fields.DUPLICATES],
        "sacked_bytes": ours[fields.SACKED_BYTES],
        "past": past,
        "news_ns": news if theirs[fields.NEWS_NS] else -1,
        "limit_ns": limit,
        "cause": causes.FAST,
    }
    yield Check("asked_for", fast, numbers)
    if fast:
        return
    last = case.end == ours[fields.NEXT]
    middle = theirs.acked and later(case.start, theirs[fields.HIGH_ACK])
    probe = last and (waited < TIMER_NS or (middle and waited < timeout * 2))
    numbers = {"last": int(last), "waited_ns": waited, "timer_ns": TIMER_NS, "cause": causes.TAIL_LOSS_PROBE}
    yield Check("tail_loss_probe", probe, numbers)
    if probe:
        return
    expired = waited >= TIMER_NS
    tail = last and once and ours.has(fields.SACK_OK) and theirs.has(fields.SACK_OK)
    cause = (causes.TAIL_TIMER if tail else causes.TIMEOUT) if expired else causes.EARLY
    yield Check(
        "timer",
        expired,
        {"waited_ns": waited, "timer_ns": TIMER_NS, "timeout_ns": timeout, "cause": cause},
    )
