"""Frames in, everything that wire/ and flow/ make of them out: for tests of both, with either kernel.

``analyse`` checks on its way what must hold for any traffic: every frame is in the ledger once, no
packet reaches beyond the bytes captured, rows are in the order of their frames, and so on.
"""

from __future__ import annotations

import importlib
import ipaddress
import struct
import sys
from functools import cache
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from netanalyze import kernels
from netanalyze.capture.batch import Batch
from netanalyze.flow.fields import HASH
from netanalyze.wire import codes
from netanalyze.wire.packets import INNERMOST, QUOTED, UNKNOWN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence
    from pathlib import Path

COMPILED = "compiled"
INTERPRETED = "interpreted"
_MODULES = {
    "decode": "netanalyze.wire.decode",
    "ledger": "netanalyze.wire.ledger",
    "table": "netanalyze.flow.table",
    "summary": "netanalyze.flow.summary",
    "conn": "netanalyze.tcp.conn",
    "listeners": "netanalyze.tcp.listeners",
    "analysis": "netanalyze.tcp.analysis",
    "reassembly": "netanalyze.tcp.reassembly",
}
TCP, UDP = 6, 17
USER0 = 147
"""A link type without a meaning of its own."""


class Kernels(NamedTuple):
    """The modules above a kind of kernel."""

    kind: str
    decode: Any
    ledger: Any
    table: Any
    summary: Any
    conn: Any
    listeners: Any
    analysis: Any
    reassembly: Any


@cache
def load(kind: str) -> Kernels | None:
    """The modules with this kind of kernel; None if it was not built.

    The interpreted kernels are loaded beside the compiled ones, as a second set of modules that only
    know each other.
    """
    if kind == COMPILED:
        found = [importlib.import_module(name) for name in _MODULES.values()]
        built = [
            not str(module.__file__).endswith(".py")
            for name, module in sys.modules.items()
            if name.startswith(("netanalyze.wire.", "netanalyze.flow.", "netanalyze.tcp."))
            and name.endswith("_kernel")
        ]
        return Kernels(kind, *found) if all(built) else None
    held = {name: module for name, module in sys.modules.items() if name.split(".")[0] == "netanalyze"}
    hook: Any = kernels._SourceKernels()
    for name in held:
        del sys.modules[name]
    sys.meta_path.insert(0, hook)
    try:
        return Kernels(kind, *(importlib.import_module(name) for name in _MODULES.values()))
    finally:
        sys.meta_path.remove(hook)
        for name in [name for name in sys.modules if name.split(".")[0] == "netanalyze"]:
            del sys.modules[name]
        sys.modules.update(held)


class Frame(NamedTuple):
    """A captured frame."""

    data: bytes
    link_type: int = 1
    time_ns: int = 0
    wire_bytes: int | None = None
    interface: int = 0
    keep: bool = True

    @property
    def wire(self) -> int:
        return len(self.data) if self.wire_bytes is None else self.wire_bytes

    def cut(self, captured_bytes: int) -> Frame:
        """The same frame as a snap length leaves it."""
        return self._replace(data=self.data[:captured_bytes], wire_bytes=self.wire)


class Packet(SimpleNamespace):
    """A row of ``Packets``: its columns, and ``number``, ``src``, ``dst``, ``payload``, ``path``."""


class Analysis:
    """What became of some frames.

    Attributes:
        rows: every row that decoding left, in order, whether it holds a packet or not.
        verdicts: (verdict, detail) of each frame, as the last stage left it.
        columns: copies of the packets' columns, batch by batch.
        decoder, flows, ledger, paths: the stages.
    """

    def __init__(self, modules: Kernels, capacity: int, *, keep_duplicates: bool) -> None:
        """Nothing yet; batches of at most ``capacity`` frames."""
        self.modules = modules
        self.rows: list[Packet] = []
        self.verdicts: list[tuple[int, int]] = []
        self.columns: list[dict[str, Any]] = []
        self.decoder = modules.decode.Decoder(capacity)
        self.flows = modules.table.FlowTable(self.decoder.facts, keep_duplicates=keep_duplicates)
        self.ledger = modules.ledger.Ledger()
        self.paths = modules.ledger.Paths()
        self.frames = 0
        self.wire_bytes = 0

    @property
    def packets(self) -> list[Packet]:
        """The rows that hold packets."""
        return [row for row in self.rows if row.protocol]

    @property
    def innermost(self) -> list[Packet]:
        """The packets that frames are about."""
        return [packet for packet in self.packets if packet.role == INNERMOST]

    def only(self) -> Packet:
        """The one innermost packet there is."""
        (packet,) = self.innermost
        return packet

    def of(self, number: int) -> list[Packet]:
        """The packets of a frame."""
        return [packet for packet in self.packets if packet.number == number]

    def streams(self, protocol: int = TCP) -> list[int]:
        """The stream of each packet of a transport, in order."""
        return [packet.stream for packet in self.packets if packet.protocol == protocol]

    def reasons(self) -> dict[str, int]:
        """Frames by reason of the ledger."""
        return {line.reason: line.frames for line in self.ledger.lines(self.decoder)}

    def path_counts(self) -> dict[str, int]:
        return {line.path: line.frames for line in self.paths.lines([])}

    def tcp(self, services: Iterable[int] = ()) -> dict[str, list[Any]]:
        """The stream columns as lists."""
        return _lists(self.modules.summary.stream_columns(self.flows.tcp, services))

    def udp(self, services: Iterable[int] = ()) -> dict[str, list[Any]]:
        """The flow columns as lists."""
        return _lists(self.modules.summary.flow_columns(self.flows.udp, services))

    def feed(self, batch: Batch) -> None:
        """Take a batch through the stages and check what must hold."""
        decoder, flows = self.decoder, self.flows
        packets = decoder.decode(batch)
        flows.mark_duplicates(batch, packets)
        flows.add(batch, packets)
        self.ledger.add(batch, decoder.facts.views["verdict"])
        self.paths.add(batch, decoder)
        self.frames += batch.count
        self.wire_bytes += int(batch.arrays["wire_bytes"][: batch.count].sum())
        self._collect(batch)
        self._check(batch)

    def _collect(self, batch: Batch) -> None:
        packets, cursors = self.decoder.packets, self.decoder.cursors
        verdicts = self.decoder.facts.arrays["verdict"][: batch.count].tolist()
        self.verdicts += [divmod(verdict, codes.DETAIL_BASE) for verdict in verdicts]
        count = packets.count
        self.columns.append({name: array[:count].copy() for name, array in packets.arrays.items()})
        columns = {name: array.tolist() for name, array in self.columns[-1].items()}
        paths = cursors.arrays["path"][:count].tolist()
        for row in np.asarray(packets.order)[:count].tolist():
            packet = Packet(**{name: column[row] for name, column in columns.items()})
            packet.number = batch.first_frame + packet.frame
            packet.path = codes.path_name(paths[row])
            packet.src = address(packet.src_hi, packet.src_lo, packet.ip_version)
            packet.dst = address(packet.dst_hi, packet.dst_lo, packet.ip_version)
            buffer = packets.arena if packet.source else batch.data
            packet.payload = bytes(buffer[packet.payload_offset :][: packet.payload_captured])
            self.rows.append(packet)

    def _check(self, batch: Batch) -> None:
        packets, flows = self.decoder.packets, self.flows
        order = np.asarray(packets.order)[: packets.count]
        assert sorted(order.tolist()) == list(range(packets.count))
        assert (np.diff(packets.arrays["frame"][order]) >= 0).all()
        known = {TCP: flows.tcp.count, UDP: flows.udp.count}
        for packet in self.rows[-packets.count :] if packets.count else ():
            if packet.protocol in known:
                lowest = UNKNOWN if packet.role == QUOTED else 0
                assert lowest <= packet.stream < known[packet.protocol]
            else:
                assert packet.stream == UNKNOWN
            if packet.protocol not in {TCP, UDP, 1, 58}:
                continue
            assert 0 <= packet.payload_captured <= packet.payload_bytes
            if packet.source:
                begin, end = 0, len(packets.arena)
            else:
                begin = int(batch.arrays["offset"][packet.frame])
                end = begin + int(batch.arrays["captured_bytes"][packet.frame])
            if packet.payload_captured:
                assert (
                    begin <= packet.payload_offset <= packet.payload_offset + packet.payload_captured <= end
                )
            if packet.protocol == TCP and packet.role == INNERMOST and packet.sack_blocks:
                assert begin <= packet.sack_offset <= packet.sack_offset + 8 * packet.sack_blocks <= end
        lines = self.ledger.lines(self.decoder)
        assert sum(line.frames for line in lines) == self.frames
        assert sum(line.bytes for line in lines) == self.wire_bytes
        assert all(1 <= line.first_frame <= self.frames for line in lines)


def _lists(columns: dict[str, Any]) -> dict[str, list[Any]]:
    return {name: column.tolist() for name, column in columns.items()}


def address(high: int, low: int, version: int) -> str:
    """An address from its two halves."""
    if version == 4:
        return str(ipaddress.IPv4Address(low))
    return str(ipaddress.IPv6Address(high << 64 | low))


def shortened(path: str) -> str:
    """A path as the decoder keeps it: ten steps, and a sign that there may be more."""
    steps = path.split(".")
    return path if len(steps) < 10 else ".".join([*steps[:10], "…"])


def as_frame(frame: Frame | bytes) -> Frame:
    return Frame(frame) if isinstance(frame, bytes) else frame


def batches(frames: Sequence[Frame | bytes], size: int) -> Iterator[Batch]:
    """The frames in batches of at most ``size``; there is always one."""
    for first in range(0, max(len(frames), 1), size):
        part = [as_frame(frame) for frame in frames[first : first + size]]
        batch = Batch(size)
        batch.data = memoryview(b"".join(frame.data for frame in part))
        batch.count = len(part)
        batch.first_frame = first + 1
        at = 0
        for index, frame in enumerate(part):
            batch.arrays["offset"][index] = at
            batch.arrays["captured_bytes"][index] = len(frame.data)
            batch.arrays["wire_bytes"][index] = frame.wire
            batch.arrays["time_ns"][index] = frame.time_ns
            batch.arrays["link_type"][index] = frame.link_type
            batch.arrays["interface"][index] = frame.interface
            batch.arrays["keep"][index] = frame.keep
            at += len(frame.data)
        yield batch


def analyse(
    modules: Kernels,
    frames: Sequence[Frame | bytes],
    *,
    size: int | None = None,
    keep_duplicates: bool = True,
) -> Analysis:
    """Take frames through decoding, duplicate marking, the flow table and the ledger.

    Args:
        modules: which kernels run.
        frames: bytes alone are an Ethernet frame captured at time 0.
        size: frames in a batch; all in one by default.
        keep_duplicates: as for ``FlowTable``.
    """
    size = size or max(len(frames), 1)
    analysis = Analysis(modules, size, keep_duplicates=keep_duplicates)
    for batch in batches(frames, size):
        analysis.feed(batch)
    return analysis


def write_pcapng(path: Path, frames: Sequence[Frame]) -> None:
    """The frames as a capture, an interface for each link type, times in nanoseconds.

    A frame of unknown link type (-1) gets one that stands for nothing.
    """
    frames = [frame if frame.link_type >= 0 else frame._replace(link_type=USER0) for frame in frames]
    types = sorted({frame.link_type for frame in frames})
    blocks = [_block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))]
    blocks += [
        _block(1, struct.pack("<HHIHHBxxxHH", kind, 0, 0, 9, 1, 9, 0, 0)) for kind in types
    ]  # option if_tsresol: 10**-9 s
    for frame in frames:
        head = struct.pack(
            "<IIIII",
            types.index(frame.link_type),
            frame.time_ns >> 32 & 0xFFFFFFFF,
            frame.time_ns & 0xFFFFFFFF,
            len(frame.data),
            frame.wire,
        )
        blocks.append(_block(6, head + frame.data))
    path.write_bytes(b"".join(blocks))


def _block(kind: int, body: bytes) -> bytes:
    body += bytes(-len(body) % 4)
    length = struct.pack("<I", len(body) + 12)
    return struct.pack("<I", kind) + length + body + length


def same_columns(one: Analysis, other: Analysis) -> None:
    """Assert that two analyses agree in every column of every batch."""
    assert one.verdicts == other.verdicts
    assert [row.path for row in one.rows if row.role != QUOTED] == [
        row.path for row in other.rows if row.role != QUOTED
    ]
    assert len(one.columns) == len(other.columns)
    for mine, theirs in zip(one.columns, other.columns, strict=True):
        for name, column in mine.items():
            assert column.tolist() == theirs[name].tolist(), name
    for mine, theirs in ((one.flows.tcp, other.flows.tcp), (one.flows.udp, other.flows.udp)):
        mine_rows, their_rows = mine.state[: mine.count].copy(), theirs.state[: theirs.count].copy()
        mine_rows[:, HASH] = their_rows[:, HASH] = 0  # the only one that differs: it is salted
        assert mine_rows.tolist() == their_rows.tolist()
    assert one.ledger.lines(one.decoder) == other.ledger.lines(other.decoder)
