"""What is asked of an analysis, and the stages that are made of it where a table needs them.

What few tables need is imported when one of these is asked for.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from netanalyze.apps.reading import MAX_BODY_BYTES, Asked
from netanalyze.errors import UsageError
from netanalyze.findings.engine import runnable
from netanalyze.report.names import unknown
from netanalyze.report.registry import NAMES, USUAL
from netanalyze.tcp.assembler import FIRST, POLICIES
from netanalyze.tcp.timers import TIME_WAIT_NS
from netanalyze.tcp.wanted import TABLES as TCP_TABLES

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from netanalyze.apps.boundaries.stage import Boundaries
    from netanalyze.apps.identify import Identifier
    from netanalyze.apps.messages import Messages
    from netanalyze.apps.said_names import SaidNames
    from netanalyze.capture.bpf import CaptureFilter
    from netanalyze.capture.selection import Selection
    from netanalyze.findings.rule import Rule
    from netanalyze.tcp.analysis import TcpAnalysis
    from netanalyze.tcp.writes.framing import Framing
    from netanalyze.wire.checksums import Checksums

_WRITES_TABLES = frozenset({"writes", "messages"})


class Options(Struct, frozen=True):
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
        select, ignore: codes of the findings wanted and not wanted, or their beginnings; all unless given.
        looked_into: tables that findings may be made of; None for all.
        framings: how messages are told apart where the user says so (``tcp.writes.framing``).
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
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    looked_into: frozenset[str] | None = None
    framings: tuple[str, ...] = ()


def tcp_analysis(
    capacity: int, wanted: frozenset[str], options: Options, *, lets_go: bool
) -> TcpAnalysis | None:
    """The stages of TCP, if a table asks for them.

    Raises:
        UsageError: the length of TIME-WAIT makes no sense.
    """
    if not TCP_TABLES & wanted:
        return None
    from netanalyze.tcp.analysis import TcpAnalysis  # noqa: PLC0415 - not for UDP alone

    return TcpAnalysis(
        capacity,
        wanted,
        like_wireshark=options.like_wireshark,
        streams=options.streams,
        time_wait_ns=options.time_wait_ns,
        lets_go=lets_go,
    )


def messages(  # noqa: PLR0913, PLR0917 - parts of the engine
    capacity: int,
    identifier: Identifier,
    protocols: Sequence[str],
    asked: Asked,
    overlap: str,
    number: Callable[[int], int] | None,
) -> Messages | None:
    """The stage that reads application protocols, if a table asks for one.

    Raises:
        UsageError: ``overlap`` is no policy.
    """
    check_overlap(overlap)
    if not protocols:
        return None
    from netanalyze.apps.messages import Messages  # noqa: PLC0415 - for some tables only
    from netanalyze.apps.readers import application, with_carriers  # noqa: PLC0415

    applications = with_carriers({name: application(name, asked) for name in protocols})
    return Messages(capacity, identifier, applications, policy=overlap, number=number)


def rules(options: Options) -> tuple[list[Rule], list[str], list[str]]:
    """The rules for the findings asked for; what is left out to be quick, and what because of the labels.

    Raises:
        UsageError: a code begins no rule's.
    """
    if "findings" not in options.tables:
        return [], [], []
    from netanalyze.findings.budget import left_out  # noqa: PLC0415 - for one table only
    from netanalyze.findings.catalog import select  # noqa: PLC0415 - the same

    asked = runnable(select(options.select, options.ignore), NAMES)
    unfit = [rule.code for rule in asked if rule.by_cause and options.like_wireshark]
    asked = [rule for rule in asked if rule.code not in unfit]
    run = asked if options.looked_into is None else runnable(asked, options.looked_into)
    return run, left_out(asked, run), unfit


def boundaries(
    capacity: int,
    identifier: Identifier,
    analysis: TcpAnalysis | None,
    wanted: frozenset[str],
    options: Options,
) -> Boundaries | None:
    """The stage that lays messages over segments, if a table asks for it.

    Raises:
        UsageError: a framing makes no sense.
    """
    framings = _framings(options.framings)
    if not _WRITES_TABLES & wanted or analysis is None or analysis.segments is None:
        return None
    from netanalyze.apps.boundaries.stage import Boundaries  # noqa: PLC0415 - for some tables only

    return Boundaries(
        capacity,
        identifier,
        analysis.segments,
        framings=framings,
        keep_messages="messages" in wanted,
        streams=options.streams,
        policy=options.overlap,
    )


def _framings(texts: Sequence[str]) -> Mapping[int | None, Framing]:
    if not texts:
        return {}
    from netanalyze.tcp.writes.framing import parse_framings  # noqa: PLC0415 - few say how

    return parse_framings(texts)


def checksums(capacity: int, wanted: frozenset[str]) -> Checksums | None:
    """The stage that checks checksums, if a table asks for it."""
    if not {"checksums", "damaged"} & wanted:
        return None
    from netanalyze.wire.checksums import Checksums  # noqa: PLC0415 - for some tables only

    return Checksums(capacity)


def said_names() -> SaidNames:
    """What looks for the names that clients say."""
    from netanalyze.apps.said_names import SaidNames  # noqa: PLC0415 - for one table only

    return SaidNames()


def check_overlap(overlap: str) -> None:
    """Refuse what is no name of a policy.

    Raises:
        UsageError: it is none.
    """
    if overlap not in POLICIES:
        raise UsageError(unknown("copy to count", overlap, POLICIES))


def selection(options: Options) -> Selection | None:
    """The range asked for."""
    if not (options.start or options.stop):
        return None
    from netanalyze.capture.selection import Selection, parse_bound  # noqa: PLC0415 - rarely asked for

    start, stop = (parse_bound(text) if text else None for text in (options.start, options.stop))
    return Selection(start, stop)


def capture_filter(options: Options, warn: Callable[[str], None]) -> CaptureFilter | None:
    """The filter asked for."""
    if not options.filter:
        return None
    from netanalyze.capture.bpf import CaptureFilter  # noqa: PLC0415 - rarely asked for

    return CaptureFilter(options.filter, warn)
