"""The order of the stages, and nothing else.

A capture comes in as batches of frames, whatever it comes from; each batch goes through the stages
that the tables asked for need; at the end the tables are made.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, Any

from netanalyze.apps.identify import Identifier
from netanalyze.apps.reading import MAX_BODY_BYTES, Asked
from netanalyze.capture import open_capture
from netanalyze.capture.batch import BATCH_FRAMES
from netanalyze.errors import UsageError
from netanalyze.flow.summary import client_side, endpoint_columns, flow_columns, stream_columns
from netanalyze.flow.table import FlowTable
from netanalyze.follower import Follower, worth_it
from netanalyze.report import tables as build
from netanalyze.report.names import unknown
from netanalyze.report.registry import ALWAYS, USUAL, protocols_read, table_kind
from netanalyze.report.report import Report
from netanalyze.tcp.analysis import TABLES as TCP_TABLES
from netanalyze.tcp.analysis import Streams, TcpAnalysis
from netanalyze.tcp.assembler import FIRST, POLICIES
from netanalyze.tcp.finished import Limit, known_until
from netanalyze.tcp.machines import TIME_WAIT_NS
from netanalyze.udp.conn import state_columns as udp_states
from netanalyze.wire.decode import Decoder
from netanalyze.wire.ledger import Ledger, Paths

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from netanalyze.apps.messages import Messages
    from netanalyze.capture import Capture
    from netanalyze.capture.batch import Batch
    from netanalyze.capture.bpf import CaptureFilter
    from netanalyze.capture.selection import Selection
    from netanalyze.report.table import Table
    from netanalyze.wire.packets import Packets

_FLOW_TABLES = TCP_TABLES | {"udp", "protocols"}


@dataclass(frozen=True, slots=True)
class Options:
    """What is asked of an analysis.

    Attributes:
        tables: names of the tables wanted; ``capture`` and ``ledger`` come with every report.
        filter: a capture filter in libpcap's language; frames it does not match are left out.
        start, stop: first and last time or frame of interest (see ``capture.selection``).
        keep_duplicates: count frames that were captured twice each time.
        like_wireshark: label TCP segments as Wireshark does; duplicates are kept as well.
        streams: numbers of the TCP streams that tables of chosen streams are about.
        decode_as: application protocol by transport and port, whatever the bytes look like.
        time_wait_ns: how long endpoints stay in TIME-WAIT.
        overlap: which copy of bytes of a TCP stream counts that came twice before they could be read:
            ``first`` or ``last``.
        max_body_bytes: what one body may grow to when it is decoded.
        bodies: takes the bodies of messages (``apps.http.sinks.Sinks``), if somebody wants them.
        raw_bodies: whether it takes them with their content codings.
    """

    tables: tuple[str, ...] = USUAL
    filter: str | None = None
    start: str | None = None
    stop: str | None = None
    keep_duplicates: bool = False
    like_wireshark: bool = False
    streams: tuple[int, ...] = ()
    decode_as: Mapping[tuple[str, int], str] = field(default_factory=dict)
    time_wait_ns: int = TIME_WAIT_NS
    overlap: str = FIRST
    max_body_bytes: int = MAX_BODY_BYTES
    bodies: Any = None
    raw_bodies: bool = False


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
        two_threads: bool = False,
    ) -> None:
        """An engine that has seen nothing.

        Args:
            options: what is asked; decides which stages run.
            batch_capacity: frames in a batch at most.
            on_warning: is told what the user should know, a line each.
            two_threads: analyse TCP on a thread of its own, a batch behind. Then a batch must stay as it
                is until ``feed`` has returned from taking the next one.

        Raises:
            UsageError: the filter, a bound, the length of TIME-WAIT or the overlap makes no sense.
        """
        wanted = frozenset(options.tables)
        self._wanted = wanted | set(ALWAYS)
        self.warnings: list[str] = []
        self._on_warning = on_warning
        self._selection = _selection(options)
        self._filter = _filter(options, self._warn)
        self._decoder = Decoder(batch_capacity)
        keep_duplicates = options.keep_duplicates or options.like_wireshark
        self._flows = FlowTable(self._decoder.facts, keep_duplicates=keep_duplicates)
        protocols = protocols_read(wanted)
        self._track_flows = bool(wanted & _FLOW_TABLES or protocols)
        self._tcp = (
            TcpAnalysis(
                self._decoder.packets.capacity,
                wanted,
                like_wireshark=options.like_wireshark,
                streams=options.streams,
                time_wait_ns=options.time_wait_ns,
            )
            if wanted & TCP_TABLES
            else None
        )
        self._identifier = Identifier(options.decode_as)
        asked = Asked(wanted, options.max_body_bytes, options.bodies, options.raw_bodies)
        self._messages = _messages(
            self._decoder.packets.capacity, self._identifier, protocols, asked, options.overlap
        )
        self._limits = Limit(), Limit()
        self._ledger = Ledger()
        self._paths = Paths()
        self._count_paths = "protocols" in wanted
        # Readers of HTTP are Python and hold the lock: a second thread would only wait for it.
        alone = "http" in protocols or (self._tcp is None and self._messages is None)
        self._follower = Follower() if two_threads and not alone else None

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
        streams = self._flows.tcp.count
        self._ledger.add(batch, self._decoder.facts.views["verdict"])
        steps = self._tcp.steps(batch, packets, streams) if self._tcp is not None else []
        name = partial(self._name, batch, packets, streams)
        if self._count_paths:  # which are counted with the names of this batch
            name()
            self._paths.add(batch, self._decoder)
        elif self._track_flows:
            steps.append(name)
        until_ns = self._until_ns(batch)  # before other stages touch the times
        if self._follower is not None:
            self._follower.hand_over(steps)
        else:
            for step in steps:
                step()
        if self._tcp is not None and until_ns is not None:
            self._let_go(self._tcp, until_ns)

    def _until_ns(self, batch: Batch) -> int | None:
        """Up to when what happened is known for good, if so much is kept that some may be let go of."""
        for_tcp, for_udp = self._limits
        reached = for_tcp.reached(self._flows.tcp.count) or for_udp.reached(self._flows.udp.count)
        if self._tcp is None or not self._tcp.lets_go or not reached or not batch.count:
            return None
        return known_until(batch.arrays["time_ns"][: batch.count])

    def _let_go(self, analysis: TcpAnalysis, until_ns: int) -> None:
        """Forget streams and flows that were finished before this time, once there are many.

        Rows are moved, and no stage may look at them meanwhile.
        """
        tcp, udp = self._flows.tcp, self._flows.udp
        for_tcp, for_udp = self._limits
        if for_tcp.reached(tcp.count) and for_tcp.worth_while(tcp.count, analysis.quiet(tcp, until_ns)):
            self._wait()
            ports = self._identifier.service_ports["tcp"]
            streams = Streams(tcp, endpoint_columns(tcp, ports), client_side(tcp, ports))
            kept = analysis.let_go(streams, until_ns)
            self._identifier.keep_tcp(kept)
            tcp.keep(kept)
            for_tcp.left(tcp.count, analysis.quiet(tcp, until_ns))
        if "udp" in self._wanted or self._messages is not None or not for_udp.reached(udp.count):
            return
        kept = udp.heard_since(until_ns)
        if for_udp.worth_while(udp.count, udp.count - len(kept)):
            self._wait()
            analysis.hear(udp)
            self._identifier.keep_udp(kept)
            udp.keep(kept)
            for_udp.left(udp.count, 0)

    def finish(self, capture: Capture, *, complete: bool = True) -> Report:
        """The report on everything fed so far.

        Raises:
            FilterError: the filter could be compiled for none of the capture's link types.
        """
        self.close()
        if self._filter is not None and complete:
            self._filter.finish()
        streams = self._streams() if self._tcp is not None or self._messages is not None else None
        tables: dict[str, Callable[[], Table[Any]]] = {
            "capture": lambda: build.capture_table(capture.files),
            "ledger": lambda: build.ledger_table(self._ledger.lines(self._decoder)),
            "protocols": self._protocols,
            **self._tcp_tables(streams),
            "udp": self._udp,
            **self._message_tables(streams),
        }
        made = [make() for name, make in tables.items() if name in self._wanted]
        return Report(made, warnings=[*capture.warnings, *self.warnings], complete=complete)

    def _wait(self) -> None:
        """Let what is under way end."""
        if self._follower is not None:
            self._follower.wait()

    def close(self) -> None:
        """Let what is under way end; raises what it raised. Feeding on is possible."""
        if self._follower is not None:
            self._follower.close()

    def _name(self, batch: Batch, packets: Packets, streams: int) -> None:
        """Find out which applications the streams carry, and read what they say."""
        self._identifier.feed(packets, batch.data, packets.views["app"])
        if self._messages is not None:
            self._messages.feed(batch, packets, streams)

    def _warn(self, line: str) -> None:
        self.warnings.append(line)
        if self._on_warning is not None:
            self._on_warning(line)

    def _protocols(self) -> Table[Any]:
        return build.protocols_table(self._paths.lines(self._identifier.names))

    def _streams(self) -> Streams:
        tcp = self._flows.tcp
        ports = self._identifier.service_ports["tcp"]
        return Streams(tcp, stream_columns(tcp, ports), client_side(tcp, ports))

    def _tcp_tables(self, streams: Streams | None) -> dict[str, Callable[[], Table[Any]]]:
        analysis = self._tcp
        if analysis is None or streams is None:
            return {}
        codes, names = self._identifier.tcp_apps()
        found = {**streams.columns, **analysis.streams(streams), "app": codes, "app_names": names}
        return {
            "streams": lambda: build.streams_table(found),
            "directions": lambda: build.directions_table(
                2 * len(streams.client), partial(analysis.directions, streams)
            ),
            "limits": lambda: build.limits_table(analysis.limits(streams)),
            "events": lambda: build.events_table(analysis.events(streams)),
            "windows": lambda: build.windows_table(analysis.windows(streams)),
            "listeners": lambda: build.listeners_table(analysis.listeners(streams, self._flows.udp)),
            "transitions": lambda: build.transitions_table(analysis.transitions(streams)),
            "populations": lambda: build.populations_table(analysis.populations(streams)),
            "closers": lambda: build.closers_table(analysis.closers(streams)),
        }

    def _message_tables(self, streams: Streams | None) -> dict[str, Callable[[], Table[Any]]]:
        if self._messages is None or streams is None:
            return {}
        self._messages.finish()
        for line in self._messages.warnings():
            self._warn(line)
        sides = {**streams.columns, "client_side": streams.client}
        return {
            name: partial(build.application_table, table_kind(name), columns, sides)
            for name, columns in self._messages.columns().items()
        }

    def _udp(self) -> Table[Any]:
        codes, names = self._identifier.udp_apps()
        columns = flow_columns(self._flows.udp, self._identifier.service_ports["udp"])
        columns |= udp_states(self._flows.udp)
        return build.udp_table({**columns, "app": codes, "app_names": names})


def _messages(
    capacity: int, identifier: Identifier, protocols: Sequence[str], asked: Asked, overlap: str
) -> Messages | None:
    """The stage that reads application protocols, if a table asks for one.

    Raises:
        UsageError: ``overlap`` is no policy.
    """
    check_overlap(overlap)
    if not protocols:
        return None
    from netanalyze.apps.messages import Messages  # noqa: PLC0415 - for some tables only
    from netanalyze.apps.readers import application  # noqa: PLC0415

    applications = {name: application(name, asked) for name in protocols}
    return Messages(capacity, identifier, applications, policy=overlap)


def check_overlap(overlap: str) -> None:
    """Refuse what is no name of a policy.

    Raises:
        UsageError: it is none.
    """
    if overlap not in POLICIES:
        raise UsageError(unknown("copy to count", overlap, POLICIES))


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
    with open_capture(paths, on_warning=on_warning, should_stop=should_stop) as capture:
        engine = Engine(options, on_warning=on_warning, two_threads=worth_it())
        try:
            for batch in capture:
                engine.feed(batch)
                if on_progress is not None:
                    on_progress(capture.position_bytes, capture.total_bytes)
                if should_stop is not None and should_stop():
                    break
            return engine.finish(capture, complete=should_stop is None or not should_stop())
        finally:
            engine.close()
