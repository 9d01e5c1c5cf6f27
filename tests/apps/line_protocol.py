"""A small protocol of lines, read as any application protocol is: what proves that the frame works.

Its module would be the protocol's file, ``LineRecord`` what stands in ``report/records``. A client sends
lines, the server answers each with a line.
"""

# The annotations of records are read when the program runs, so they are not postponed.
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

from netanalyze.apps.reading import Asked, Ending, StreamFacts
from netanalyze.apps.transcript import Passage
from netanalyze.model import Gap
from netanalyze.report.record import Record, Unit, column
from netanalyze.report.registry import TableKind

LONGEST = 1000
CLIENT = b">"


class LineRecord(Record, frozen=True):
    """One line and its answer."""

    stream: Annotated[int, column("Number of the stream", Unit.NUMBER, show=0)]
    frame: Annotated[int, column("Frame in which the line ends", Unit.FRAME)]
    client: Annotated[str, column("Address of the client", Unit.ADDRESS)]
    client_port: Annotated[int, column("Port of the client", Unit.PORT)]
    server: Annotated[str, column("Address of the server", Unit.ADDRESS)]
    server_port: Annotated[int, column("Port of the server", Unit.PORT)]
    line: Annotated[str | None, column("The line, null if a part is missing")]
    answer: Annotated[str | None, column("Its answer, null if there is none")]
    latency_ns: Annotated[int | None, column("Until the answer", Unit.DURATION)]


LINES = TableKind(
    "lines", "line", "lines", "Lines and their answers", "lines", "LineRecord", protocol="redis"
)


@dataclass
class Exchange:
    """A line, and its answer once it is there."""

    stream: int
    frame: int
    time_ns: int
    line: str | None
    client_side: int | None
    answer: str | None = None
    latency_ns: int | None = None


class LineReader:
    """Reads one stream."""

    def __init__(self, facts: StreamFacts, found: list[Exchange]) -> None:  # noqa: D107 - as in the docstring
        self.facts = facts
        self.client = facts.client_side or 0
        self.found = found
        self.mine: list[Exchange] = []
        self.held = [bytearray(), bytearray()]
        self.broken = [False, False]
        self.answered = 0
        self.log: list[tuple[Any, ...]] = []

    def data(self, side: int, data: memoryview, offset: int, frame: int, time_ns: int) -> None:
        self.log.append(("data", side, bytes(data), offset, frame))
        *lines, rest = bytes(self.held[side] + data).split(b"\n")
        self.held[side][:] = rest[:LONGEST]
        for line in lines:
            whole = None if self.broken[side] else line.decode("latin-1")
            self.broken[side] = False
            if side == self.client:
                self.mine.append(Exchange(self.facts.number, frame, time_ns, whole, self.facts.client_side))
                self.found.append(self.mine[-1])
            elif self.answered < len(self.mine):
                exchange = self.mine[self.answered]
                exchange.answer, exchange.latency_ns = whole, time_ns - exchange.time_ns
                self.answered += 1

    def gap(self, side: int, gap: Gap, frame: int, time_ns: int) -> None:
        del time_ns
        self.log.append(("gap", side, gap, frame))
        self.held[side].clear()
        self.broken[side] = True

    def end(self, side: int, ending: Ending, frame: int, time_ns: int) -> None:
        del time_ns
        self.log.append(("end", side, ending, frame))

    def finish(self, last_ns: int) -> None:
        self.log.append(("finish", last_ns))


@dataclass
class Lines:
    """What a run keeps of the protocol."""

    found: list[Exchange] = field(default_factory=list)
    readers: list[LineReader] = field(default_factory=list)

    def open(self, stream: StreamFacts) -> LineReader:
        self.readers.append(LineReader(stream, self.found))
        return self.readers[-1]

    def columns(self) -> Mapping[str, Mapping[str, Sequence[Any]]]:
        names = ("stream", "frame", "line", "answer", "latency_ns", "client_side")
        return {"lines": {name: [getattr(row, name) for row in self.found] for name in names}}


class LineTranscriber:
    """Shows the lines without their ends, in capital letters."""

    def __init__(self, stream: StreamFacts) -> None:  # noqa: D107 - as in the docstring
        del stream
        self.ready: list[Passage] = []

    def data(self, side: int, data: memoryview, offset: int, frame: int, time_ns: int) -> None:
        shown = bytes(data).strip().upper()
        self.ready.append(Passage(side, offset, len(data), shown, frame, frame, time_ns, "a line"))

    def gap(self, side: int, gap: Gap, frame: int, time_ns: int) -> None:
        self.ready.append(Passage(side, gap.offset, gap.length, None, frame, frame, time_ns))

    def end(self, side: int, ending: Ending, frame: int, time_ns: int) -> None:
        pass

    def finish(self, last_ns: int) -> None:
        pass

    def take(self) -> list[Passage]:
        ready, self.ready = self.ready, []
        return ready


def application(asked: Asked) -> Lines:
    """As the protocol's file offers it."""
    del asked
    return Lines()


APPLICATION = application
TRANSCRIBER = LineTranscriber
