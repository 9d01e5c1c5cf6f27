"""Where netanalyze's time goes for one file: starting up, reading, and each stage of the engine.

``python benchmarks/stages.py [--runs N] FILE``

Start-up is measured on processes of their own. The stages then run over the file in this process, in the
order of ``netanalyze/pipeline.py``, and the clock is read between them batch by batch: each stage finds the
cache as the one before left it, as in real work. All figures are the least of all runs.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

from measure import RunError, measure

from netanalyze import kernels
from netanalyze.apps.identify import Identifier
from netanalyze.capture import open_capture
from netanalyze.capture.batch import BATCH_FRAMES, BUFFER_BYTES
from netanalyze.columns import GrowingRows
from netanalyze.flow.table import FlowTable
from netanalyze.tcp.conn import Connections
from netanalyze.tcp.measures import Measures
from netanalyze.tcp.reassembly import Reassembly
from netanalyze.tcp.reassembly_fields import ASKED
from netanalyze.tcp.sequence import Sequences
from netanalyze.wire.decode import Decoder

if TYPE_CHECKING:
    from collections.abc import Callable

    from netanalyze.capture.batch import Batch
    from netanalyze.model import Gap
    from netanalyze.tcp.byte_streams import Ending, StreamFacts
    from netanalyze.wire.packets import Packets

STARTS = (
    ("interpreter", "pass"),
    ("numpy", "import numpy"),
    ("capture reader", "from netanalyze.capture import open_capture"),
    ("engine", "import netanalyze.pipeline"),
)
"""Programs that import one thing more than the one before."""


class Idle:
    """Takes a byte stream and does nothing: what remains is the cost of putting it together."""

    def __init__(self, facts: StreamFacts) -> None:
        """As any consumer."""

    def data(self, side: int, data: memoryview, offset: int, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""

    def gap(self, side: int, gap: Gap, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""

    def end(self, side: int, ending: Ending, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""

    def finish(self, last_ns: int) -> None:
        """See ``Consumer``."""


class Engine:
    """One of each thing that the stages below need."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self.decoder = Decoder(BATCH_FRAMES)
        capacity = self.decoder.packets.capacity
        self.flows = FlowTable(self.decoder.facts)
        self.sequences = Sequences(capacity, keep_events=True, compare=True)
        self.measures = Measures(self.sequences)
        self.connections = Connections()
        self.identifier = Identifier()
        self.reassembly = Reassembly(capacity, Idle)
        self.asked = GrowingRows(1, "u1")

    def put_together(self, batch: Batch) -> None:
        """All streams, whatever they carry."""
        packets, streams = self.now()
        asked = self.asked.reach(streams)
        self.asked.array[:streams] = ASKED
        self.reassembly.feed(batch, packets, streams, asked)

    def now(self) -> tuple[Packets, int]:
        """The packets of the batch, and how many streams there are with it."""
        return self.decoder.packets, self.flows.tcp.count


STAGES: tuple[tuple[str, Callable[[Engine, Batch], object]], ...] = (
    ("decode", lambda engine, batch: engine.decoder.decode(batch)),
    ("duplicates", lambda engine, batch: engine.flows.mark_duplicates(batch, engine.decoder.packets)),
    ("flows", lambda engine, batch: engine.flows.add(batch, engine.decoder.packets)),
    ("sequences", lambda engine, batch: engine.sequences.feed(batch, *engine.now())),
    ("measures", lambda engine, batch: engine.measures.feed(batch, *engine.now())),
    ("conn_state", lambda engine, _: engine.connections.feed(*engine.now())),
    ("identify", lambda engine, batch: engine.identifier.feed(engine.decoder.packets, batch.data)),
    ("byte streams", lambda engine, batch: engine.put_together(batch)),
)
"""What happens to each batch after it was read, in this order. A stage more is a line more."""


def read_alone(path: Path) -> float:
    """Seconds that reading the file takes when nobody looks at the bytes."""
    memory = memoryview(bytearray(BUFFER_BYTES))
    began = time.perf_counter()
    with path.open("rb", buffering=0) as stream:
        while stream.readinto(memory):
            pass
    return time.perf_counter() - began


def run_stages(path: Path) -> tuple[int, list[float]]:
    """One pass over the file: its frames, and seconds for the record walk and each of ``STAGES``.

    Raises:
        NetanalyzeError: the file is no capture.
    """
    engine = Engine()
    spent = [0.0] * (1 + len(STAGES))
    frames = 0
    with open_capture([path]) as capture:
        before = time.perf_counter()
        for batch in capture:
            now = time.perf_counter()
            spent[0] += now - before
            before = now
            for number, (_, work) in enumerate(STAGES, start=1):
                work(engine, batch)
                now = time.perf_counter()
                spent[number] += now - before
                before = now
            frames += batch.count
        spent[0] += time.perf_counter() - before
    return frames, spent


def _least_wall(command: list[str], runs: int) -> float:
    """Seconds the command takes, start to end."""
    return min(measure([command], 600).wall_seconds for _ in range(runs))


def _print_starts(runs: int) -> None:
    """What starting costs, import by import."""
    print(f"{'starting':<24}{'ms':>10}{'sum ms':>10}")
    sum_ms = 0.0
    for name, program in STARTS:
        whole_ms = _least_wall([sys.executable, "-c", program], runs) * 1e3
        print(f"{name:<24}{whole_ms - sum_ms:>10.1f}{whole_ms:>10.1f}")
        sum_ms = whole_ms


def _print_stages(path: Path, runs: int) -> float:
    """What each stage costs; the sum in seconds."""
    reading = min(read_alone(path) for _ in range(runs))
    passes = [run_stages(path) for _ in range(runs)]
    frames = max(passes[0][0], 1)
    walk, *others = (min(column) for column in zip(*(spent for _, spent in passes), strict=True))
    rows = [("reading", reading), ("record walk", walk - reading)]
    rows += zip((name for name, _ in STAGES), others, strict=True)
    print(f"\n{'stage':<24}{'ms':>10}{'ns/frame':>10}{'sum ns':>10}    ({frames} frames)")
    total = 0.0
    for name, seconds in rows:
        total += seconds
        print(f"{name:<24}{seconds * 1e3:>10.1f}{seconds / frames * 1e9:>10.1f}{total / frames * 1e9:>10.1f}")
    return total


def main() -> int:
    """Run as a command."""
    parser = argparse.ArgumentParser(description="Show where netanalyze's time goes for one file.")
    parser.add_argument("file", type=Path, help="a capture")
    parser.add_argument("--runs", type=int, default=3, help="runs of everything (3)")
    parser.add_argument(
        "--netanalyze",
        default=str(Path(sys.executable).parent / "netanalyze"),
        help="program whose whole run is shown beside the stages (the one beside this interpreter)",
    )
    arguments = parser.parse_args()
    if arguments.runs < 1:
        parser.error("runs must be 1 or more")
    try:
        print(f"kernels: {kernels.kind()}\n")
        _print_starts(arguments.runs)
        total = _print_stages(arguments.file, arguments.runs)
        if shutil.which(arguments.netanalyze) is not None:
            command = [arguments.netanalyze, "analyze", "-r", "streams", str(arguments.file)]
            whole = _least_wall(command, arguments.runs)
            print(f"\n{'netanalyze analyze':<24}{whole * 1e3:>10.1f} ms, start to end")
            print(f"{'beside the stages':<24}{(whole - total) * 1e3:>10.1f} ms: starting, tables, rendering")
    except (RunError, OSError) as error:
        print(error, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
