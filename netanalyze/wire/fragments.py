"""IP fragment reassembly: pieces of datagrams in, whole datagrams out.

A data structure that knows nothing of columns or headers: the caller hands it each fragment's place
(``offset``, ``more``), its bytes, and a key that names the datagram. IPv4: RFC 791 section 3.2 and
RFC 815; IPv6: RFC 8200 section 4.5.

What always holds:

- A datagram completes when its end is known and every byte before the end was claimed by a fragment,
  by lengths on the wire. Bytes that the capture cut off do not hinder that; ``Complete.payload`` then
  ends where the first of them is missing. Nothing is ever filled in.
- The first fragment without "more fragments" sets the end. Another end, or bytes beyond the end, make
  the datagram ``conflicting``; the bytes beyond are left out.
- Bytes claimed twice make it ``overlapping``, and ``conflicting`` too where they differ. Which of two
  captured bytes is kept is the policy: ``first`` the one that arrived first, ``lowest`` the one from
  the fragment with the lowest offset (first arrived among equals; what Wireshark shows), ``discard``
  neither: the datagram is given up, and so are fragments of it that follow within ``timeout_ns``
  (RFC 5722 section 4). An exact duplicate of a fragment discards nothing (RFC 8200 section 4.5).
- A fragment that is a whole datagram (offset 0, no more: IPv6 "atomic", RFC 6946 section 4) completes
  by itself and touches no other fragment with its key.
- A completed datagram is remembered for ``late_ns``. A fragment with its key that lies within it and
  agrees with it, byte for byte as far as both were captured, is a late duplicate and opens nothing.
  Any other fragment is taken for the start of a new datagram with a reused identification; the old
  one is then forgotten. A reused identification whose fragments repeat the very bytes of the datagram
  before within ``late_ns`` cannot be told from duplicates, and counts as such.
- The time allowed runs from the arrival of a datagram's first fragment. Datagrams are given up oldest
  first: by time, when there are too many, or when they hold too many bytes.
- Every fragment is in exactly one place: in a ``Complete``, in ``incomplete()``, or in ``refused()``.
"""

from __future__ import annotations

from collections import OrderedDict
from typing import Literal, NamedTuple

from netanalyze.wire.datagram import MAX_DATAGRAM_BYTES, Store

TOO_LONG = "fragment_too_long"
"""Refused: the fragment reaches beyond ``MAX_DATAGRAM_BYTES``."""
LATE_DUPLICATE = "late_duplicate_fragment"
"""Refused: repeats a part of a datagram that was complete already."""
OVERLAP = "overlapping_fragment"
"""Refused: belongs to a datagram that the policy ``discard`` gave up."""

OverlapPolicy = Literal["first", "lowest", "discard"]

_UNKNOWN = -1
# What the objects around the bytes cost in memory, roughly, so that a flood of tiny fragments is
# bounded by max_bytes too.
_DATAGRAM_COST = 700
_FRAGMENT_COST = 300
_FLAT_COST = 6  # bytes for each position: the byte itself, claimed or not, its owner


class Tally(NamedTuple):
    """Frames counted for the ledger; ``first_frame`` is 0 where there are none."""

    frames: int
    bytes: int
    first_frame: int


class Complete(NamedTuple):
    """A datagram put together.

    Attributes:
        payload: its bytes from the first on, as far as they were captured without a hole.
        total_bytes: its length on the wire; more than ``len(payload)`` if bytes are missing.
        header: as handed in with the first fragment that has the first byte.
        frames: (frame number, frame bytes) of each of its fragments, in order of arrival.
        fragments: how many there were, duplicates included.
        overlapping: two fragments claim the same bytes.
        conflicting: overlapping bytes differ, or the fragments do not agree on where the end is.
    """

    payload: bytes
    total_bytes: int
    header: bytes
    frames: tuple[tuple[int, int], ...]
    fragments: int
    overlapping: bool
    conflicting: bool

    @property
    def captured_prefix(self) -> int:
        """How many bytes from the first on are really there."""
        return len(self.payload)


class _Tally:
    """A ``Tally`` that counts."""

    __slots__ = ("bytes", "first_frame", "frames")

    def __init__(self) -> None:
        self.frames = 0
        self.bytes = 0
        self.first_frame = 0

    def add(self, frames: int, total: int, first_frame: int) -> None:
        self.frames += frames
        self.bytes += total
        if self.first_frame == 0 or first_frame < self.first_frame:
            self.first_frame = first_frame

    def add_all(self, frames: list[tuple[int, int]]) -> None:
        self.add(len(frames), sum(size for _, size in frames), min(number for number, _ in frames))

    def frozen(self) -> Tally:
        return Tally(self.frames, self.bytes, self.first_frame)


class _Datagram:
    """One that is not complete yet."""

    __slots__ = ("conflicting", "cost", "first_ns", "frames", "header", "overlapping", "store", "total")

    def __init__(self, first_ns: int) -> None:
        self.first_ns = first_ns
        self.store = Store()
        self.total = _UNKNOWN
        self.header = b""
        self.frames: list[tuple[int, int]] = []
        self.overlapping = False
        self.conflicting = False
        self.cost = _DATAGRAM_COST


class _Done(NamedTuple):
    """One that completed, or that was discarded: then there is no payload."""

    time_ns: int
    total: int
    payload: bytes | None
    cost: int


class Reassembler:
    """Collects fragments until datagrams are whole; see the rules at the top of the file."""

    def __init__(
        self,
        *,
        max_datagrams: int = 4096,
        max_bytes: int = 32 << 20,
        timeout_ns: int = 30_000_000_000,
        late_ns: int = 1_000_000_000,
        policy: OverlapPolicy = "first",
    ) -> None:
        """An empty one.

        Args:
            max_datagrams: incomplete datagrams at a time; as many complete ones are remembered.
            max_bytes: memory for incomplete datagrams, their bookkeeping included; remembering
                complete ones takes another quarter of it at most.
            timeout_ns: how long a datagram may take. 30 s is what Linux allows IPv4
                (net.ipv4.ipfrag_time); RFC 8200 section 4.5 says 60 s, RFC 1122 section 3.3.2 60 to 120 s.
            late_ns: how long a complete datagram is remembered, to know late duplicates.
            policy: which of two overlapping bytes is kept.
        """
        self.max_datagrams = max_datagrams
        self.max_bytes = max_bytes
        self.timeout_ns = timeout_ns
        self.late_ns = late_ns
        self.policy = policy
        # Ordered dicts because their oldest entry is found and removed in constant time.
        self._pending: OrderedDict[bytes, _Datagram] = OrderedDict()
        self._done: OrderedDict[bytes, _Done] = OrderedDict()
        self._pending_cost = 0
        self._done_cost = 0
        self._lost = _Tally()
        self._refused: dict[str, _Tally] = {}

    def __len__(self) -> int:
        """Datagrams begun and not complete."""
        return len(self._pending)

    @property
    def held_bytes(self) -> int:
        """Memory that incomplete datagrams take, about; at most ``max_bytes``."""
        return self._pending_cost

    def add(  # noqa: PLR0913, PLR0917 - a fragment has this many facts, and an object for each costs time
        self,
        key: bytes,
        frame: int,
        time_ns: int,
        offset: int,
        more: bool,  # noqa: FBT001 - the header's flag
        piece: bytes | memoryview,
        wire_bytes: int,
        header: bytes | memoryview,
        frame_bytes: int,
    ) -> Complete | None:
        """Take in one fragment.

        Args:
            key: names the datagram: IP version, source, destination, protocol, identification.
            frame: number of its frame, counted from 1.
            time_ns: when it was captured.
            offset: where its payload belongs in the datagram, in bytes, at least 0.
            more: the "more fragments" flag.
            piece: its payload as far as captured; copied.
            wire_bytes: length of its payload on the wire; below 0 is taken as 0.
            header: what stood before the payload; copied from the first fragment only.
            frame_bytes: length of its frame on the wire, for the ledger.

        Returns:
            The datagram if this fragment completes it, else None: it waits for others, or it was
            refused.
        """
        wire_bytes = max(wire_bytes, 0)
        end = offset + wire_bytes
        if end > MAX_DATAGRAM_BYTES:
            self._refuse(TOO_LONG, frame, frame_bytes)
            return None
        data = bytes(piece[:wire_bytes])
        if offset == 0 and not more:
            frames = ((frame, frame_bytes),)
            return Complete(data, wire_bytes, bytes(header), frames, 1, overlapping=False, conflicting=False)
        datagram = self._current(key, time_ns)
        if datagram is None:
            reason = self._late(key, time_ns, offset, end, more, data) if key in self._done else ""
            if reason:
                self._refuse(reason, frame, frame_bytes)
                return None
            datagram = self._open(key, time_ns)
        datagram.frames.append((frame, frame_bytes))
        cost = datagram.cost + _FRAGMENT_COST + len(data)
        if offset == 0 and wire_bytes and not datagram.header:
            datagram.header = bytes(header)
            cost += len(header)
        store = datagram.store
        before = 0 if store.flat is None else len(store.flat.values)
        if not self._place(datagram, offset, end, data, more):
            self._discard(key, time_ns)
            return None
        if store.flat is not None:
            cost += _FLAT_COST * (len(store.flat.values) - before)
        self._pending_cost += cost - datagram.cost
        datagram.cost = cost
        if store.claimed == datagram.total:
            return self._complete(key, time_ns)
        if self._pending_cost > self.max_bytes:
            self._make_room()
        return None

    def incomplete(self) -> Tally:
        """Fragments of datagrams that never completed: timed out, evicted, or waiting still."""
        total = _Tally()
        if self._lost.frames:
            total.add(*self._lost.frozen())
        for datagram in self._pending.values():
            total.add_all(datagram.frames)
        return total.frozen()

    def refused(self) -> dict[str, Tally]:
        """Fragments that belong to no datagram, by reason: the constants atop this file."""
        return {reason: tally.frozen() for reason, tally in self._refused.items()}

    def _place(self, datagram: _Datagram, offset: int, end: int, data: bytes, more: bool) -> bool:  # noqa: FBT001 - as in add()
        """Put a fragment in its place; returns False if the policy gives up the datagram."""
        store = datagram.store
        disagree = False
        if not more:
            if datagram.total == _UNKNOWN:
                datagram.total = end
                disagree = store.end > end
                if disagree:
                    store.clip(end)
            else:
                disagree = datagram.total != end
        if end > datagram.total != _UNKNOWN:
            disagree = True
            end = datagram.total
            data = data[: max(end - offset, 0)]
        if offset < end and not store.insert(offset, end, data):
            datagram.overlapping = True
            if not store.repeats(offset, end, data):
                if self.policy == "discard":
                    return False
                disagree |= store.overlay(offset, end, data, lowest=self.policy == "lowest")
        if disagree:
            datagram.conflicting = True
            return self.policy != "discard"
        return True

    def _current(self, key: bytes, time_ns: int) -> _Datagram | None:
        """The datagram that waits for fragments with this key, unless its time is over."""
        datagram = self._pending.get(key)
        if datagram is not None and time_ns - datagram.first_ns > self.timeout_ns:
            self._give_up(key)
            return None
        return datagram

    def _make_room(self) -> None:
        while self._pending_cost > self.max_bytes:
            self._give_up(next(iter(self._pending)))

    def _open(self, key: bytes, time_ns: int) -> _Datagram:
        pending = self._pending
        while pending:
            oldest = next(iter(pending))
            if len(pending) < self.max_datagrams and time_ns - pending[oldest].first_ns <= self.timeout_ns:
                break
            self._give_up(oldest)
        datagram = pending[key] = _Datagram(time_ns)
        self._pending_cost += datagram.cost
        return datagram

    def _close(self, key: bytes) -> _Datagram:
        datagram = self._pending.pop(key)
        self._pending_cost -= datagram.cost
        return datagram

    def _give_up(self, key: bytes) -> None:
        self._lost.add_all(self._close(key).frames)

    def _discard(self, key: bytes, time_ns: int) -> None:
        self._refused.setdefault(OVERLAP, _Tally()).add_all(self._close(key).frames)
        self._remember(key, _Done(time_ns, 0, None, _DATAGRAM_COST))

    def _refuse(self, reason: str, frame: int, frame_bytes: int) -> None:
        self._refused.setdefault(reason, _Tally()).add(1, frame_bytes, frame)

    def _complete(self, key: bytes, time_ns: int) -> Complete:
        datagram = self._close(key)
        payload = datagram.store.prefix(datagram.total)
        self._remember(key, _Done(time_ns, datagram.total, payload, _DATAGRAM_COST + len(payload)))
        return Complete(
            payload,
            datagram.total,
            datagram.header,
            tuple(datagram.frames),
            len(datagram.frames),
            datagram.overlapping,
            datagram.conflicting,
        )

    def _remember(self, key: bytes, done: _Done) -> None:
        remembered = self._done
        remembered[key] = done
        self._done_cost += done.cost
        while len(remembered) > self.max_datagrams or self._done_cost > self.max_bytes // 4:
            self._done_cost -= remembered.popitem(last=False)[1].cost

    def _late(self, key: bytes, time_ns: int, offset: int, end: int, more: bool, data: bytes) -> str:  # noqa: FBT001, PLR0913, PLR0917 - as in add()
        """Why a fragment of a closed datagram is refused; "" if it opens a new one."""
        done = self._done[key]
        age_ns = time_ns - done.time_ns
        if done.payload is None:
            if age_ns <= self.timeout_ns:
                return OVERLAP
        elif age_ns <= self.late_ns and end <= done.total and more == (end < done.total):
            held = done.payload[offset:end]
            common = min(len(held), len(data))
            if held[:common] == data[:common]:
                return LATE_DUPLICATE
        del self._done[key]
        self._done_cost -= done.cost
        return ""
