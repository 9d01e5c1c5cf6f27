"""Segments of one connection in, what its consumer was told out; and the same by an obviously right way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from crafting import ACK, FIN, SYN
from frames import Frame, Kernels, batches
from segments import SEQUENCE, Segment

from netanalyze.columns import view_of

if TYPE_CHECKING:
    from collections.abc import Sequence

CLIENT, SERVER = 0, 1
GAP = -1
"""Stands for a missing byte."""
ISN = (1000, 5000)
"""Initial sequence numbers of client and server."""


class Told(NamedTuple):
    """A call: ``kind`` is data, gap, end or finish; ``what`` bytes, a length or the ending."""

    kind: str
    side: int
    what: Any
    offset: int
    frame: int
    time_ns: int


class Recorder:
    """Writes down what it is told, and checks what must hold of it."""

    def __init__(self, facts: Any) -> None:  # noqa: ANN401, D107 - from either set of modules
        self.facts = facts
        self.calls: list[Told] = []
        self.next = [0, 0]
        self.closed: set[int] = set()
        self.finished: int | None = None

    def data(self, side: int, data: memoryview, offset: int, frame: int, time_ns: int) -> None:
        assert len(data)
        self._moved(side, offset, len(data))
        self.calls.append(Told("data", side, bytes(data), offset, frame, time_ns))

    def gap(self, side: int, gap: Any, frame: int, time_ns: int) -> None:  # noqa: ANN401 - as above
        self._moved(side, gap.offset, gap.length)
        self.calls.append(Told("gap", side, gap.length, gap.offset, frame, time_ns))

    def end(self, side: int, ending: Any, frame: int, time_ns: int) -> None:  # noqa: ANN401 - as above
        assert (side, ending.name) not in {(call.side, call.what) for call in self.calls}
        if ending.name == "FIN":
            self.closed.add(side)
        self.calls.append(Told("end", side, ending.name, self.next[side], frame, time_ns))

    def finish(self, last_ns: int) -> None:
        assert self.finished is None
        self.finished = last_ns

    def _moved(self, side: int, offset: int, length: int) -> None:
        assert self.finished is None
        assert side not in self.closed
        assert offset == self.next[side]
        assert length > 0
        self.next[side] += length

    def contents(self, side: int) -> list[int]:
        """Every byte of a side, ``GAP`` for those that are missing."""
        found: list[int] = []
        for call in self.calls:
            if call.side == side and call.kind == "data":
                found += call.what
            elif call.side == side and call.kind == "gap":
                found += [GAP] * call.what
        return found

    def text(self, side: int) -> str:
        """The bytes of a side as text, ``[3]`` for three that are missing."""
        parts, missing = [], 0
        for byte in [*self.contents(side), 0]:
            if byte == GAP:
                missing += 1
                continue
            parts += [f"[{missing}]"] * bool(missing) + [chr(byte)]
            missing = 0
        return "".join(parts)[:-1]

    def ends(self) -> list[tuple[int, str, int]]:
        """Side, ending and frame of each end."""
        return [(call.side, call.what, call.frame) for call in self.calls if call.kind == "end"]

    def of(self, side: int) -> list[tuple[int, bytes | int, int]]:
        """Offset, what and frame of everything of a side but its end."""
        return [
            (call.offset, call.what, call.frame)
            for call in self.calls
            if call.side == side and call.kind in {"data", "gap"}
        ]


class Result(NamedTuple):
    """The consumers by the number of their stream, and what was lost."""

    streams: dict[int, Recorder]
    losses: Any

    @property
    def only(self) -> Recorder:
        (recorder,) = self.streams.values()
        return recorder


def put_together(
    kernels: Kernels,
    frames: Sequence[Frame],
    *,
    size: int = 4096,
    keep_duplicates: bool = True,
    **options: Any,  # noqa: ANN401 - of ``Reassembly``
) -> Result:
    """Take frames through decoding, the flow table and the reassembly of every stream."""
    decoder = kernels.decode.Decoder(size)
    flows = kernels.table.FlowTable(decoder.facts, keep_duplicates=keep_duplicates)
    opened: dict[int, Recorder] = {}

    def consumer(facts: Any) -> Recorder:  # noqa: ANN401 - from either set of modules
        assert facts.number not in opened
        opened[facts.number] = Recorder(facts)
        return opened[facts.number]

    reassembly = kernels.reassembly.Reassembly(decoder.packets.capacity, consumer, **options)
    last_ns = 0
    for batch in batches(frames, size):
        packets = decoder.decode(batch)
        flows.mark_duplicates(batch, packets)
        flows.add(batch, packets)
        asked = np.full((max(flows.tcp.count, 1), 1), 2, np.uint8)
        reassembly.feed(batch, packets, flows.tcp.count, view_of(asked))
        if batch.count:
            last_ns = max(last_ns, int(batch.arrays["time_ns"][: batch.count].max()))
    reassembly.finish(last_ns)
    assert all(recorder.finished is not None for recorder in opened.values())
    return Result(opened, reassembly.losses)


class Talk:
    """A conversation written down segment by segment, in offsets."""

    def __init__(self, isn: tuple[int, int] = ISN, pair: int = 0) -> None:  # noqa: D107 - as in the class docstring
        self.isn = isn
        self.pair = pair
        self.segments: list[Segment] = []
        self.sent = [0, 0]
        self.cuts: dict[int, int] = {}

    def syn(self, side: int, payload: bytes = b"", flags: int = SYN) -> Talk:
        """A SYN."""
        ack = self.isn[1 - side] + 1 if flags & ACK else 0
        return self.raw(Segment(side, self.isn[side], ack, flags, payload))

    def open(self) -> Talk:
        """The handshake."""
        return self.syn(CLIENT).syn(SERVER, flags=SYN | ACK).ack(CLIENT, 0)

    def send(
        self, side: int, offset: int, payload: bytes, flags: int = ACK, *, acked: int | None = None
    ) -> Talk:
        """A segment with the bytes from an offset on; acknowledges what the other side sent in order."""
        other = self.sent[1 - side] if acked is None else acked
        seq, ack = self.isn[side] + 1 + offset, self.isn[1 - side] + 1 + other
        if offset <= self.sent[side]:
            self.sent[side] = max(self.sent[side], offset + len(payload))
        return self.raw(Segment(side, seq % SEQUENCE, ack % SEQUENCE, flags, payload))

    def ack(self, side: int, offset: int) -> Talk:
        """An acknowledgement of what the other side sent up to an offset, at the end of what was sent."""
        return self.send(side, self.sent[side], b"", acked=offset)

    def fin(self, side: int, offset: int, payload: bytes = b"") -> Talk:
        """A FIN behind the bytes from an offset on."""
        return self.send(side, offset, payload, FIN | ACK)

    def cut(self, captured: int) -> Talk:
        """The last segment was captured with so many bytes of its payload only."""
        self.cuts[len(self.segments) - 1] = captured
        return self

    def raw(self, segment: Segment) -> Talk:
        """Any segment."""
        self.segments.append(segment._replace(pair=self.pair, at_ns=1000 * len(self.segments)))
        return self

    def frames(self, shifts: tuple[int, int] = (0, 0)) -> list[Frame]:
        made = [segment.frame(shifts) for segment in self.segments]
        for place, captured in self.cuts.items():
            frame = made[place]
            payload = len(self.segments[place].payload)
            made[place] = frame.cut(len(frame.data) - payload + captured)
        return made


def oracle(segments: Sequence[tuple[int, bytes]], policy: str) -> tuple[bytes, list[int]]:
    """What comes out of (offset, payload) segments of one half-stream without gaps, byte by byte.

    Returns:
        The bytes in order, and for each segment how many had been handed over after it.
    """
    known: dict[int, int] = {}
    done = bytearray()
    after = []
    for offset, payload in segments:
        for place, byte in enumerate(payload, offset):
            if place >= len(done) and (policy == "last" or place not in known):
                known[place] = byte
        while len(done) in known:
            done.append(known[len(done)])
        after.append(len(done))
    return bytes(done), after
