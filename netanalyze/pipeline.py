"""The order of the stages, and nothing else.

A capture comes in as batches of frames, whatever it comes from; each batch goes through the stages
that the tables asked for need; at the end the tables are made.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from netanalyze import stages
from netanalyze.apps.identify import Identifier
from netanalyze.apps.reading import Asked, ManyRows
from netanalyze.capture import open_capture
from netanalyze.capture.batch import BATCH_FRAMES
from netanalyze.columns import ALL
from netanalyze.findings.engine import find, tables_needed
from netanalyze.flow.summary import client_side, flow_columns
from netanalyze.flow.table import FlowTable
from netanalyze.follower import Follower, worth_it
from netanalyze.report import tables as build
from netanalyze.report.registry import ALWAYS, protocols_read, table_kind
from netanalyze.report.report import Report
from netanalyze.stages import Options, check_overlap
from netanalyze.tcp.finished import Limit, known_until
from netanalyze.tcp.streams import Streams
from netanalyze.tcp.wanted import TABLES as TCP_TABLES
from netanalyze.tcp.wanted import WAIT_TABLES
from netanalyze.udp.conn import state_columns as udp_states
from netanalyze.udp.datagrams import Datagrams
from netanalyze.wire.decode import Decoder
from netanalyze.wire.ledger import Ledger, Paths

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from netanalyze.capture import Capture, LiveCapture
    from netanalyze.capture.batch import Batch
    from netanalyze.columns import Rows
    from netanalyze.report.table import Table
    from netanalyze.tcp.analysis import TcpAnalysis
    from netanalyze.wire.packets import Packets

__all__ = ["Engine", "Options", "check_overlap", "run", "sniff"]

_FLOW_TABLES = TCP_TABLES | {"udp", "protocols"}


class Engine:
    """The stages, with the state they keep between batches.

    Attributes:
        warnings: what the stages had to say, a line each.
    """

    _takes_rows = False  # whether rows are taken while it goes on, so that streams may leave

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
            UsageError: the filter, a bound, the length of TIME-WAIT, the overlap, a framing or a code of
                findings makes no sense.
        """
        self._shown = frozenset(options.tables) | set(ALWAYS)
        self._rules, self._left_out, self._unfit = stages.rules(options)
        wanted = frozenset(options.tables) | tables_needed(self._rules)
        self._wanted = wanted | set(ALWAYS)
        self.warnings: list[str] = []
        self._on_warning = on_warning
        self._selection = stages.selection(options)
        self._filter = stages.capture_filter(options, self._warn)
        self._decoder = Decoder(batch_capacity)
        keep_duplicates = options.keep_duplicates or options.like_wireshark
        self._flows = FlowTable(self._decoder.facts, keep_duplicates=keep_duplicates)
        protocols = protocols_read(wanted)
        self._track_flows = bool(wanted & _FLOW_TABLES or protocols)
        self._tcp = stages.tcp_analysis(
            self._decoder.packets.capacity, wanted, options, lets_go=self._takes_rows
        )
        self._checksums = stages.checksums(self._decoder.packets.capacity, wanted)
        self._datagrams = Datagrams() if "udp" in wanted else None
        self._said = stages.said_names() if "names" in wanted else None
        self._identifier = Identifier(options.decode_as)
        asked = Asked(wanted, options.max_body_bytes, options.bodies, options.raw_bodies)
        number = self._flows.tcp.number if self._takes_rows else None
        self._messages = stages.messages(
            self._decoder.packets.capacity, self._identifier, protocols, asked, options.overlap, number
        )
        self._boundaries = stages.boundaries(
            self._decoder.packets.capacity, self._identifier, self._tcp, wanted, options
        )
        self._limits = Limit(), Limit()
        self._ledger = Ledger()
        self._paths = Paths()
        self._count_paths = "protocols" in wanted
        # Readers of HTTP are Python and hold the lock: a second thread would only wait for it.
        alone = "http" in protocols or self._boundaries is not None
        alone |= self._tcp is None and self._messages is None
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
        self._look(batch, packets, streams)
        self._ledger.add(batch, self._decoder.facts.views["verdict"])
        steps = self._tcp.steps(batch, packets, streams) if self._tcp is not None else []
        name = partial(self._name, batch, packets, streams)
        if self._count_paths:  # which are counted with the names of this batch
            name()
            self._paths.add(batch, self._decoder)
        elif self._track_flows:
            steps.append(name)
        if self._boundaries is not None:
            steps.append(partial(self._boundaries.feed, batch, packets, streams))
        until_ns = self._until_ns(batch)  # before other stages touch the times
        if self._follower is not None:
            self._follower.hand_over(steps)
        else:
            for step in steps:
                step()
        if self._tcp is not None and until_ns is not None:
            self._let_go(self._tcp, until_ns)

    def _look(self, batch: Batch, packets: Packets, streams: int) -> None:
        """Have the packets looked at for single tables."""
        if self._datagrams is not None:
            self._datagrams.feed(batch, packets, self._flows.udp.count)
        if self._checksums is not None:
            self._checksums.feed(batch, packets)
        if self._said is not None:
            self._said.feed(batch, packets, streams)

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
            kept = analysis.let_go(Streams(tcp, ports), until_ns)
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

    def settle(self) -> None:
        """Let what is under way end: all batches fed so far are done with."""
        self._wait()

    def finish(self, capture: Capture | LiveCapture, *, complete: bool = True) -> Report:
        """The report on everything fed so far.

        Raises:
            FilterError: the filter could be compiled for none of the capture's link types.
        """
        self.close()
        if self._filter is not None and complete:
            self._filter.finish()
        if self._messages is not None:
            self._messages.finish()
            for line in self._messages.warnings():
                self._warn(line)
        made = {table.name: table for table in self._final(capture)}
        shown = [table for name, table in made.items() if name in self._shown]
        if "findings" in self._shown:
            shown.append(build.findings_table(find(made, self._rules)))
        return Report(
            shown,
            warnings=[*capture.warnings, *self.warnings],
            complete=complete,
            rules_left_out=self._left_out,
            rules_unfit=self._unfit,
        )

    def _final(self, capture: Capture | LiveCapture, but: frozenset[str] = frozenset()) -> list[Table[Any]]:
        """The tables but some, once nothing more comes."""
        streams = self._streams() if self._tcp is not None or self._messages is not None else None
        tables: dict[str, Callable[[], Table[Any]]] = {
            **self._packet_tables(capture, streams),
            **self._writes_tables(streams),
            **self._message_tables(streams, self._messages.columns() if self._messages is not None else {}),
            "names": lambda: self._names(streams),
            "lookups": lambda: self._lookups(streams),
        }
        return [make() for name, make in tables.items() if name in self._wanted - but]

    def _packet_tables(
        self, capture: Capture | LiveCapture, streams: Streams | None
    ) -> dict[str, Callable[[], Table[Any]]]:
        """What makes the tables of packets as they are now; more batches may follow all the same."""
        return {
            "capture": lambda: build.capture_table(capture.files),
            "ledger": lambda: build.ledger_table(self._ledger.lines(self._decoder)),
            "protocols": self._protocols,
            **build.checksum_tables(self._checksums),
            **self._tcp_tables(streams),
            "udp": self._udp,
        }

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

    def tell_losses(self, capture: Capture) -> None:
        """Warn of what files say was lost while they were captured."""
        for file in capture.files:
            if file.losses:
                self._warn(f"{file.file}: {file.losses}")

    def _warn(self, line: str) -> None:
        self.warnings.append(line)
        if self._on_warning is not None:
            self._on_warning(line)

    def _protocols(self) -> Table[Any]:
        return build.protocols_table(self._paths.lines(self._identifier.names))

    def _streams(self) -> Streams:
        return Streams(self._flows.tcp, self._identifier.service_ports["tcp"])

    def _tcp_tables(self, streams: Streams | None) -> dict[str, Callable[[], Table[Any]]]:
        analysis = self._tcp
        if analysis is None or streams is None:
            return {}
        number = streams.numbered

        def columns(rows: Rows) -> dict[str, Any]:
            codes, names = self._identifier.tcp_apps()
            found = {**streams.some(rows), **analysis.streams(streams, rows)}
            found |= {"app": codes[rows], "app_names": names}
            return found | self._owners("tcp", streams.sides(rows), rows)

        return {
            "streams": lambda: build.streams_table(streams.conversations.numbers, columns),
            "directions": lambda: build.directions_table(
                streams.conversations.numbers, lambda rows: number(analysis.directions(streams, rows))
            ),
            "limits": lambda: build.limits_table(analysis.limits(streams).numbered(number)),
            **{name: partial(self._waits, analysis, streams, name) for name in WAIT_TABLES},
            "events": lambda: build.events_table(number(analysis.events(streams))),
            "windows": lambda: build.windows_table(number(analysis.windows(streams))),
            "listeners": lambda: build.listeners_table(analysis.listeners(streams, self._flows.udp)),
            "transitions": lambda: build.transitions_table(number(analysis.transitions(streams))),
            "populations": lambda: build.populations_table(analysis.populations(streams)),
            "closers": lambda: build.closers_table(analysis.closers(streams)),
        }

    def _writes_tables(self, streams: Streams | None) -> dict[str, Callable[[], Table[Any]]]:
        analysis = self._tcp
        if self._boundaries is None or analysis is None or streams is None:
            return {}
        from netanalyze.tcp.waits import joined  # noqa: PLC0415 - for these tables only
        from netanalyze.tcp.writes.columns import message_columns, writes_columns  # noqa: PLC0415

        self._boundaries.finish()
        for line in self._boundaries.warnings():
            self._warn(line)
        layout = self._boundaries.layout

        def writes() -> Table[Any]:
            columns = writes_columns(layout, streams.client)
            return build.writes_table(columns | joined(columns, analysis.half_stalls(streams)))

        return {
            "writes": writes,
            "messages": lambda: build.messages_table(message_columns(layout, streams.client)),
        }

    def _waits(self, analysis: TcpAnalysis, streams: Streams, name: str) -> Table[Any]:
        return build.waits_table(name, analysis.waits(name, streams))

    def _owners(self, transport: str, client: NDArray[np.int64], rows: Rows) -> dict[str, Any]:
        """Which processes have the sockets of some streams or flows, by their clients: files do not tell."""
        del transport, rows
        return build.owner_columns(len(client))

    def _message_tables(
        self, streams: Streams | None, found: Mapping[str, Mapping[str, Sequence[Any]] | ManyRows]
    ) -> dict[str, Callable[[], Table[Any]]]:
        if streams is None:
            return {}
        return {
            name: partial(build.application_table, table_kind(name), columns, streams)
            for name, columns in found.items()
        }

    def _names(self, streams: Streams | None) -> Table[Any]:
        from netanalyze.apps.resolved import name_columns  # noqa: PLC0415 - for one table only

        if self._messages is None or streams is None or self._said is None:
            return build.empty_table("names", table_kind("names").record)
        udp = flow_columns(self._flows.udp, self._identifier.service_ports["udp"])
        dns: Any = self._messages.application("dns")
        return build.table_of_columns(
            "names", name_columns(streams.columns, udp, dns.answers, self._said.names)
        )

    def _lookups(self, streams: Streams | None) -> Table[Any]:
        from netanalyze.apps.looked_up import lookup_columns  # noqa: PLC0415 - for one table only

        if self._messages is None or streams is None:
            return build.empty_table("lookups", table_kind("lookups").record)
        udp = flow_columns(self._flows.udp, self._identifier.service_ports["udp"])
        dns: Any = self._messages.application("dns")
        return build.table_of_columns("lookups", lookup_columns(streams.columns, udp, dns.answers))

    def _udp(self) -> Table[Any]:
        codes, names = self._identifier.udp_apps()
        flows, ports = self._flows.udp, self._identifier.service_ports["udp"]
        client = client_side(flows, ports)
        columns = flow_columns(flows, ports) | udp_states(flows) | self._owners("udp", client, ALL)
        if self._datagrams is not None:
            columns |= self._datagrams.columns(flows, columns, client)
        return build.udp_table({**columns, "app": codes, "app_names": names})


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
            engine.tell_losses(capture)
            return engine.finish(capture, complete=should_stop is None or not should_stop())
        finally:
            engine.close()


def sniff(  # noqa: PLR0913 - all but two are by name
    capture: LiveCapture,
    options: Options,
    *,
    on_progress: Callable[[int, int | None], None] | None = None,
    on_warning: Callable[[str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
    engine: Engine | None = None,
    on_batch: Callable[[], None] | None = None,
) -> Report:
    """Analyse what interfaces carry until the capture ends.

    Args:
        capture: of ``netanalyze.capture.open_live``; whoever opened it closes it.
        options: what is asked.
        on_progress: is told after each batch how many bytes of frames have come, ten times a second or more.
        on_warning: is told of what the stages have to say.
        should_stop: whether the capture was ended before its time; the report says so then.
        engine: to analyse with, if not one that keeps everything.
        on_batch: is called after each batch, ten times a second or more.

    Raises:
        UsageError: an option makes no sense, or the file to write is there already.
        PermissionDeniedError: the file may not be written.
    """
    if engine is None:
        engine = Engine(options, on_warning=on_warning, two_threads=worth_it())
    try:
        for batch in capture:
            if batch.count:
                engine.feed(batch)
            else:
                engine.settle()
            if on_progress is not None:
                on_progress(capture.position_bytes, None)
            if on_batch is not None:
                on_batch()
        return engine.finish(capture, complete=should_stop is None or not should_stop())
    finally:
        engine.close()
