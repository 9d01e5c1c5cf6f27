"""DNS over TCP (RFC 1035 section 4.2.2, RFC 7766): a length before each message.

After a gap messages are looked for where a segment begins with the length and the header of one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netanalyze.apps.reading import Datagrams

if TYPE_CHECKING:
    from netanalyze.apps.dns.queries import Queries
    from netanalyze.apps.reading import Ending, StreamFacts
    from netanalyze.model import Gap

_PENDING = 256
_HEADER = 12
_LAST_OPCODE = 6
_ZERO_BIT = 0x40
_MOST_RECORDS = 1023
_CLASSES = frozenset({1, 3, 4, 254, 255})
_LONGEST_LABEL = 63


class Pending:
    """Messages of TCP that wait to be read together."""

    def __init__(self, queries: Queries) -> None:
        """None yet; ``queries`` gets them."""
        self._queries = queries
        self._rows: list[tuple[StreamFacts, int, bytes, int, int, int]] = []

    def add(self, facts: StreamFacts, side: int, data: bytes, wire: int, frame: int, time_ns: int) -> None:  # noqa: PLR0913, PLR0917 - a message
        """One more message: of which ``wire`` bytes were announced."""
        self._rows.append((facts, side, data, wire, frame, time_ns))
        if len(self._rows) >= _PENDING:
            self.flush()

    def flush(self) -> None:
        """Read what waits."""
        if not self._rows:
            return
        found = Datagrams(len(self._rows))
        found.count = len(self._rows)
        found.arena = memoryview(b"".join(row[2] for row in self._rows))
        views, at = found.views, 0
        for place, (facts, side, data, wire, frame, time_ns) in enumerate(self._rows):
            (src_hi, src_lo), (dst_hi, dst_lo) = facts.addresses[side], facts.addresses[1 - side]
            values = {
                "frame": frame, "time_ns": time_ns, "flow": facts.number, "side": side, "transport": 1,
                "source": 1, "offset": at, "captured": len(data), "wire": wire,
                "version": facts.ip_version, "src_hi": src_hi, "src_lo": src_lo, "dst_hi": dst_hi,
                "dst_lo": dst_lo, "sport": facts.ports[side], "dport": facts.ports[1 - side],
            }  # fmt: skip
            for name, value in values.items():
                views[name][place] = value
            at += len(data)
        self._rows.clear()
        self._queries.take(found)


class _Side:
    """One half-stream: the bytes of a message that has begun."""

    __slots__ = ("data", "lost")

    def __init__(self) -> None:
        self.data = bytearray()
        self.lost = False


class StreamReader:
    """Takes the messages out of one stream."""

    def __init__(self, pending: Pending, facts: StreamFacts) -> None:
        """Nothing read yet."""
        self._pending = pending
        self._facts = facts
        self._sides = _Side(), _Side()
        if not facts.from_the_start:
            for side in self._sides:
                side.lost = True

    def data(self, side: int, data: memoryview, offset: int, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        del offset
        half = self._sides[side]
        if half.lost:
            if not begins_message(data):
                return
            half.lost = False
        half.data += data
        while len(half.data) >= 2:  # noqa: PLR2004 - the length
            length = int.from_bytes(half.data[:2], "big")
            if len(half.data) < 2 + length:
                break
            message = bytes(half.data[2 : 2 + length])
            del half.data[: 2 + length]
            if length:
                self._pending.add(self._facts, side, message, length, frame, time_ns)

    def gap(self, side: int, gap: Gap, frame: int, time_ns: int) -> None:
        """See ``Consumer``. Of a message that bytes are missing of, what came before is read."""
        del gap
        self._give_up(side, frame, time_ns)
        self._sides[side].lost = True

    def end(self, side: int, ending: Ending, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        del ending
        self._give_up(side, frame, time_ns)

    def finish(self, last_ns: int) -> None:
        """See ``Consumer``."""
        del last_ns
        for side in self._sides:
            side.data.clear()

    def _give_up(self, side: int, frame: int, time_ns: int) -> None:
        """Read what there is of a message that will not be whole."""
        half = self._sides[side]
        if len(half.data) >= 2 + _HEADER:
            length = int.from_bytes(half.data[:2], "big")
            self._pending.add(self._facts, side, bytes(half.data[2:]), length, frame, time_ns)
        half.data.clear()


def begins_message(data: memoryview) -> bool:
    """Whether a length, a header and a question stand at the beginning, as all messages have them."""
    if len(data) < 2 + _HEADER + 5:
        return False
    words = np.frombuffer(data[: 2 + _HEADER], ">u2").tolist()
    length, flags, counts = words[0], words[2], words[3:]
    if length < _HEADER + 5 or flags & _ZERO_BIT or (flags >> 11 & 15) > _LAST_OPCODE or counts[0] != 1:
        return False
    if max(counts) > _MOST_RECORDS:
        return False
    at, end = 2 + _HEADER, min(len(data), 2 + length)
    while at < end and data[at]:
        if data[at] > _LONGEST_LABEL:
            return False
        at += data[at] + 1
    return at + 5 <= end and int.from_bytes(data[at + 3 : at + 5], "big") in _CLASSES
