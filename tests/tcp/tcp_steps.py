"""Connections told step by step, taken through the state machines: for the tests of states.

A step is a segment in a few words, as in tcpdump: who sends it, its flags, its first sequence number
and what it acknowledges, both relative to the initial ones, and how much it carries. Each step is a
frame, one millisecond after the one before unless it says otherwise.
"""

from __future__ import annotations

import importlib
import struct
import sys
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple

from crafting import ACK, FIN, PSH, RST, SYN, ethernet_of, ip4, tcp
from frames import COMPILED, INTERPRETED, Frame, Kernels, batches, load

from netanalyze import kernels

if TYPE_CHECKING:
    from collections.abc import Sequence

MS = 1_000_000
SECOND = 1_000 * MS
CLIENT, SERVER = "10.9.0.1", "10.9.0.2"
PORTS = (40000, 80)
ISNS = (1000, 5000)
_LETTERS = {"S": SYN, "A": ACK, "F": FIN, "R": RST, "P": PSH}
SCALE = b"\x03\x03\x07\x00"


class Step(NamedTuple):
    """One segment; ``sender`` is "c" or "s"; ``ack`` None sends 0 in the field; ``sack`` has blocks."""

    sender: str
    flags: str
    seq: int = 0
    ack: int | None = None
    size: int = 0
    after_ms: float = 1
    window: int = 1024
    scale: bool = False
    sack: tuple[tuple[int, int], ...] = ()


SYN_ = Step("c", "S")
SYN_ACK = Step("s", "SA", 0, 1)
THIRD = Step("c", "A", 1, 1)
OPENED = (SYN_, SYN_ACK, THIRD)
READY = (*OPENED, Step("c", "PA", 1, 1, 10), Step("s", "A", 1, 11))
"""Both have shown that they are ESTABLISHED: five frames."""
CLIENT_CLOSES = (
    *READY,
    Step("c", "FA", 11, 1),
    Step("s", "A", 1, 12),
    Step("s", "FA", 1, 12),
    Step("c", "A", 12, 2),
)
"""FIN in frame 6, its ACK in 7, the server's in 8, the last ACK in 9."""


def frames_of(
    steps: Sequence[Step],
    *,
    isns: tuple[int, int] = ISNS,
    start_ns: int = SECOND,
    ports: tuple[int, int] = PORTS,
    hosts: tuple[str, str] = (CLIENT, SERVER),
) -> list[Frame]:
    """The steps as frames."""
    made = []
    now = start_ns
    for step in steps:
        mine, theirs = (0, 1) if step.sender == "c" else (1, 0)
        flags = sum(_LETTERS[letter] for letter in step.flags)
        now += round(step.after_ms * MS)
        segment = tcp(
            bytes(step.size),
            ports[mine],
            ports[theirs],
            (isns[mine] + step.seq) % 2**32,
            0 if step.ack is None else (isns[theirs] + step.ack) % 2**32,
            flags,
            window=step.window,
            options=(SCALE if step.scale else b"") + _sack_option(step.sack, isns[theirs]),
        )
        # Another identification each: no frame is a copy of another.
        made.append(
            Frame(ethernet_of(ip4(segment, 6, hosts[mine], hosts[theirs], ident=len(made) + 1)), time_ns=now)
        )
    return made


def _sack_option(blocks: tuple[tuple[int, int], ...], isn: int) -> bytes:
    """RFC 2018 section 3: no more than four blocks fit."""
    if not blocks:
        return b""
    edges = [(isn + edge) % 2**32 for block in blocks[:4] for edge in block]
    return struct.pack(f">BBBB{len(edges)}I", 1, 1, 5, 2 + 4 * len(edges), *edges)


class Machinery(NamedTuple):
    """The modules above one kind of kernel."""

    kernels: Kernels
    machines: Any


@cache
def machinery(kind: str) -> Machinery | None:
    """The state machines with this kind of kernel; None if it was not built."""
    modules = load(kind)
    if modules is None:
        return None
    name = "netanalyze.tcp.machines"
    if kind == COMPILED:
        found = importlib.import_module(name)
        kernel = sys.modules["netanalyze.tcp.states_kernel"]
        return None if str(kernel.__file__).endswith(".py") else Machinery(modules, found)
    held = {known: module for known, module in sys.modules.items() if known.startswith("netanalyze.tcp")}
    hook: Any = kernels._SourceKernels()
    for known in held:
        del sys.modules[known]
    sys.meta_path.insert(0, hook)
    try:
        return Machinery(modules, importlib.import_module(name))
    finally:
        sys.meta_path.remove(hook)
        for known in [known for known in sys.modules if known.startswith("netanalyze.tcp")]:
            del sys.modules[known]
        sys.modules.update(held)


def fastest() -> Machinery:
    found = machinery(COMPILED) or machinery(INTERPRETED)
    assert found is not None
    return found


class Move(NamedTuple):
    """A change of state, as table ``transitions`` has it; ``at_ms`` is since the capture began."""

    endpoint: str
    before: str
    after: str
    trigger: str
    frame: int | None
    proof: int | None
    assumed: bool
    at_ms: float
    stream: int

    @property
    def short(self) -> tuple[str, str, str, int | None, int | None]:
        return (self.endpoint, self.trigger, self.after, self.frame, self.proof)


class Result(NamedTuple):
    """What became of the steps."""

    moves: list[Move]
    finals: list[tuple[str, str]]
    outcome: Any

    @property
    def final(self) -> tuple[str, str]:
        """The states of client and server at the end, of the only stream."""
        (only,) = self.finals
        return only

    @property
    def client(self) -> list[tuple[str, str, int | None, int | None]]:
        return [move.short[1:] for move in self.moves if move.endpoint == "client"]

    @property
    def server(self) -> list[tuple[str, str, int | None, int | None]]:
        return [move.short[1:] for move in self.moves if move.endpoint == "server"]


def follow(
    frames: Sequence[Frame],
    made: Machinery | None = None,
    *,
    size: int | None = None,
    record: bool = True,
    time_wait_ns: int = 60 * SECOND,
    until_ns: int | None = None,
) -> Result:
    """Take frames through decoding, the flow table and the state machines.

    Args:
        frames: the capture.
        made: which kernels run.
        size: frames in a batch; all in one by default.
        record: whether moves are kept.
        time_wait_ns: as for ``Machines``.
        until_ns: time of one more frame, which is no TCP: the capture lasts until then.
    """
    made = made or fastest()
    frames = list(frames)
    if until_ns is not None:
        frames.append(Frame(bytes(60), time_ns=until_ns))
    size = size or max(len(frames), 1)
    decoder = made.kernels.decode.Decoder(size)
    flows = made.kernels.table.FlowTable(decoder.facts, keep_duplicates=True)
    machines = made.machines.Machines(time_wait_ns=time_wait_ns, record=record)
    for batch in batches(frames, size):
        packets = decoder.decode(batch)
        flows.add(batch, packets)
        machines.add(batch, packets, flows.tcp.count)
    outcome = machines.finish(flows.tcp)
    side = made.kernels.summary.client_side(flows.tcp, ())
    names = made.machines.STATE_NAMES
    finals = [
        (names[row[mine]], names[row[1 - mine]])
        for row, mine in zip(outcome.final.tolist(), side.tolist(), strict=True)
    ]
    begin = min((frame.time_ns for frame in frames), default=0)
    return Result(_moves(made, outcome, side, begin), finals, outcome)


def _moves(made: Machinery, outcome: Any, side: Any, begin_ns: int) -> list[Move]:  # noqa: ANN401
    found = made.machines.transition_columns(outcome.moves, side, {})
    columns = {name: column.tolist() for name, column in found.items() if not name.endswith("_names")}
    states, events = made.machines.STATE_NAMES, made.machines.EVENT_NAMES
    null = -(2**63)
    rows = sorted(range(len(columns["stream"])), key=columns["endpoint"].__getitem__)
    return [
        Move(
            endpoint=found["endpoint_names"][columns["endpoint"][row]],
            before=states[columns["from_state"][row]],
            after=states[columns["to_state"][row]],
            trigger=events[columns["trigger"][row]],
            frame=None if columns["frame"][row] == null else columns["frame"][row],
            proof=None if columns["proof_frame"][row] == null else columns["proof_frame"][row],
            assumed=columns["assumed"][row],
            at_ms=(columns["time_ns"][row] - begin_ns) / MS,
            stream=columns["stream"][row],
        )
        for row in rows
    ]


def told(*steps: Step, made: Machinery | None = None, **options: Any) -> Result:  # noqa: ANN401
    """Follow one connection."""
    return follow(frames_of(steps), made, **options)
