"""The order of the stages, and nothing else.

A capture comes in as batches of frames, whatever it comes from; each batch goes through the stages
that the tables asked for need; at the end the tables are made.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from netanalyze.apps.identify import Identifier
from netanalyze.capture import open_capture
from netanalyze.capture.batch import BATCH_FRAMES
from netanalyze.flow.summary import client_side, flow_columns, stream_columns
from netanalyze.flow.table import FlowTable
from netanalyze.report import tables as build
from netanalyze.report.registry import ALWAYS, NAMES
from netanalyze.report.report import Report
from netanalyze.tcp.closers import closer_columns
from netanalyze.tcp.machines import TIME_WAIT_NS, Machines, Outcome, state_columns, transition_columns
from netanalyze.tcp.populations import population_columns
from netanalyze.tcp.segments import Segments
from netanalyze.wire.decode import Decoder
from netanalyze.wire.ledger import Ledger, Paths

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from netanalyze.capture import Capture
    from netanalyze.capture.batch import Batch
    from netanalyze.capture.bpf import CaptureFilter
    from netanalyze.capture.selection import Selection
    from netanalyze.report.table import Table

_NAMED_TABLES = frozenset({"streams", "udp", "protocols"})
"""Tables that say which application protocol it is."""
_MOVE_TABLES = frozenset({"transitions", "populations", "closers"})
"""Tables that need every change of a TCP state; for ``streams`` the last ones will do."""
_STATE_TABLES = _MOVE_TABLES | {"streams"}
_FLOW_TABLES = _NAMED_TABLES | _STATE_TABLES


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of an analysis.

    Attributes:
        tables: names of the tables wanted; ``capture`` and ``ledger`` come with every report.
        filter: a capture filter in libpcap's language; frames it does not match are left out.
        start, stop: first and last time or frame of interest (see ``capture.selection``).
        keep_duplicates: count frames that were captured twice each time.
        decode_as: application protocol by transport and port, whatever the bytes look like.
        time_wait_ns: how long endpoints stay in TIME-WAIT.
        segments_of: the TCP stream whose segments are kept, for ``Engine.segments``.
    """

    tables: tuple[str, ...] = NAMES
    filter: str | None = None
    start: str | None = None
    stop: str | None = None
    keep_duplicates: bool = False
    decode_as: Mapping[tuple[str, int], str] = field(default_factory=dict)
    time_wait_ns: int = TIME_WAIT_NS
    segments_of: int | None = None


class Engine:
    """The stages, with the state they keep between batches.

    Attributes:
        warnings: what the stages had to say, a line each.
    """

    def __init__(
        self,
        options: Options,
        *,
        batch_capacity: int = BATCH_FRAMES,
        on_warning: Callable[[str], None] | None = None,
    ) -> None:
        """An engine that has seen nothing.

        Args:
            options: what is asked; decides which stages run.
            batch_capacity: frames in a batch at most.
            on_warning: is told what the user should know, a line each.

        Raises:
            UsageError: the filter, a bound or the length of TIME-WAIT makes no sense.
        """
        wanted = frozenset(options.tables)
        self._wanted = wanted | set(ALWAYS)
        self.warnings: list[str] = []
        self._on_warning = on_warning
        self._selection = _selection(options)
        self._filter = _filter(options, self._warn)
        self._decoder = Decoder(batch_capacity)
        self._flows = FlowTable(
            self._decoder.packets, self._decoder.facts, keep_duplicates=options.keep_duplicates
        )
        self._track_flows = bool(wanted & _FLOW_TABLES)
        self._name_apps = bool(wanted & _NAMED_TABLES)
        self._time_wait_ns = options.time_wait_ns
        self._machines: Machines | None = None
        if wanted & _STATE_TABLES:
            self._machines = Machines(
                self._decoder.packets,
                time_wait_ns=options.time_wait_ns,
                record=bool(wanted & _MOVE_TABLES),
            )
        self._segments = None if options.segments_of is None else Segments(options.segments_of)
        self._identifier = Identifier(options.decode_as)
        self._ledger = Ledger()
        self._paths = Paths()
        self._count_paths = "protocols" in wanted

    def feed(self, batch: Batch) -> None:
        """Take one batch through the stages."""
        if self._selection is not None:
            self._selection.apply(batch)
        if self._filter is not None:
            self._filter.apply(batch)
        packets = self._decoder.decode(batch)
        self._flows.mark_duplicates(batch, packets)
        if self._track_flows:
            self._flows.add(batch, packets)
        if self._machines is not None:
            self._machines.add(batch, packets, self._flows.tcp.count)
        if self._segments is not None:
            self._segments.add(batch, packets)
        if self._name_apps:
            self._identifier.feed(packets, batch.data, packets.views["app"])
        self._ledger.add(batch, self._decoder.facts.views["verdict"])
        if self._count_paths:
            self._paths.add(batch, self._decoder)

    def finish(self, capture: Capture, *, complete: bool = True) -> Report:
        """The report on everything fed so far.

        Raises:
            FilterError: the filter could be compiled for none of the capture's link types.
        """
        if self._filter is not None and complete:
            self._filter.finish()
        tables: dict[str, Callable[[], Table[Any]]] = {
            "capture": lambda: build.capture_table(capture.files),
            "ledger": lambda: build.ledger_table(self._ledger.lines(self._decoder)),
            "protocols": self._protocols,
            "udp": self._udp,
        }
        if self._machines is not None:
            tables |= self._state_tables(self._machines.finish(self._flows.tcp))
        made = [make() for name, make in tables.items() if name in self._wanted]
        return Report(made, warnings=[*capture.warnings, *self.warnings], complete=complete)

    def segments(self) -> Table[Any]:
        """The segments of the stream that the options name, as far as it was fed."""
        collected = self._segments or Segments(0)
        return build.segments_table(collected.columns(self._flows.tcp, self._client_side()))

    def _warn(self, line: str) -> None:
        self.warnings.append(line)
        if self._on_warning is not None:
            self._on_warning(line)

    def _protocols(self) -> Table[Any]:
        return build.protocols_table(self._paths.lines(self._identifier.names))

    def _state_tables(self, outcome: Outcome) -> dict[str, Callable[[], Table[Any]]]:
        return {
            "streams": lambda: self._streams(outcome),
            "transitions": lambda: build.transitions_table(
                transition_columns(outcome.moves, self._client_side())
            ),
            "populations": lambda: self._populations(outcome),
            "closers": lambda: self._closers(outcome),
        }

    def _client_side(self) -> NDArray[np.int64]:
        return client_side(self._flows.tcp, self._identifier.service_ports["tcp"])

    def _stream_columns(self) -> dict[str, Any]:
        return stream_columns(self._flows.tcp, self._identifier.service_ports["tcp"])

    def _streams(self, outcome: Outcome) -> Table[Any]:
        codes, names = self._identifier.tcp_apps()
        states = state_columns(outcome, self._client_side())
        return build.streams_table({**self._stream_columns(), **states, "app": codes, "app_names": names})

    def _populations(self, outcome: Outcome) -> Table[Any]:
        columns = population_columns(
            outcome.moves, self._stream_columns(), self._client_side(), self._time_wait_ns
        )
        return build.populations_table(columns)

    def _closers(self, outcome: Outcome) -> Table[Any]:
        columns = closer_columns(outcome.moves, self._stream_columns(), self._client_side())
        return build.closers_table(columns)

    def _udp(self) -> Table[Any]:
        codes, names = self._identifier.udp_apps()
        columns = flow_columns(self._flows.udp, self._identifier.service_ports["udp"])
        return build.udp_table({**columns, "app": codes, "app_names": names})


def _selection(options: Options) -> Selection | None:
    """The range asked for."""
    if not (options.start or options.stop):
        return None
    from netanalyze.capture.selection import Selection, parse_bound  # noqa: PLC0415 - rarely asked for

    start, stop = (parse_bound(text) if text else None for text in (options.start, options.stop))
    return Selection(start, stop)


def _filter(options: Options, warn: Callable[[str], None]) -> CaptureFilter | None:
    """The filter asked for."""
    if not options.filter:
        return None
    from netanalyze.capture.bpf import CaptureFilter  # noqa: PLC0415 - rarely asked for

    return CaptureFilter(options.filter, warn)


def run(
    paths: Sequence[str],
    options: Options,
    *,
    on_progress: Callable[[int, int | None], None] | None = None,
    on_warning: Callable[[str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Report:
    """Analyse capture files as one capture.

    Args:
        paths: the files; ``-`` is standard input.
        options: what is asked.
        on_progress: is told after each batch how many bytes of how many have been read.
        on_warning: is told of damage as it is found.
        should_stop: asked after each batch; True ends the analysis with what was seen so far.

    Raises:
        CaptureError: a file cannot be read as a capture.
        UsageError: an option makes no sense.
    """
    return _run(paths, options, on_progress=on_progress, on_warning=on_warning, should_stop=should_stop)[0]


def run_stream(  # noqa: PLR0913 - all but the first three are callbacks, given by name
    path: str,
    number: int,
    options: Options,
    *,
    on_progress: Callable[[int, int | None], None] | None = None,
    on_warning: Callable[[str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> tuple[Report, Table[Any]]:
    """Analyse a capture for the sake of one TCP stream.

    Args:
        path: the file; ``-`` is standard input.
        number: of the stream; there may be none of this number.
        options: what is asked; which tables does not matter.
        on_progress: as for ``run``.
        on_warning: as for ``run``.
        should_stop: as for ``run``.

    Returns:
        A report with the tables ``streams`` and ``transitions``, and the stream's segments.

    Raises:
        CaptureError: the file cannot be read as a capture.
        UsageError: an option makes no sense.
    """
    asked = replace(options, tables=("streams", "transitions"), segments_of=number)
    report, engine = _run(
        [path], asked, on_progress=on_progress, on_warning=on_warning, should_stop=should_stop
    )
    return report, engine.segments()


def _run(
    paths: Sequence[str],
    options: Options,
    *,
    on_progress: Callable[[int, int | None], None] | None,
    on_warning: Callable[[str], None] | None,
    should_stop: Callable[[], bool] | None,
) -> tuple[Report, Engine]:
    """The report on these files, and the engine that made it."""
    with open_capture(paths, on_warning=on_warning, should_stop=should_stop) as capture:
        engine = Engine(options, on_warning=on_warning)
        for batch in capture:
            engine.feed(batch)
            if on_progress is not None:
                on_progress(capture.position_bytes, capture.total_bytes)
            if should_stop is not None and should_stop():
                break
        return engine.finish(capture, complete=should_stop is None or not should_stop()), engine
