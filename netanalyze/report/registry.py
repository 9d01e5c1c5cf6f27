"""The tables there are, in the order in which reports have them.

Only names and sentences: the records are imported when one is asked for, because the command
line's help lists the tables and has to be quick.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from msgspec import Struct

from netanalyze.errors import UsageError
from netanalyze.report.names import unknown

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netanalyze.report.record import Record


class TableKind(Struct, frozen=True):
    """A table as a kind of thing.

    Attributes:
        name: as users write it.
        row: what one row is, in the singular.
        rows: what several are.
        description: one line about it.
        module: file in ``report/records`` that has its record.
        record_name: the record in it.
        of_streams: whether it is about streams that have to be chosen, and comes only when asked for.
        protocol: name of the application protocol whose reader fills it, if one does.
        detailed: whether it has so many rows that it comes only when asked for.
    """

    name: str
    row: str
    rows: str
    description: str
    module: str
    record_name: str
    of_streams: bool = False
    protocol: str = ""
    detailed: bool = False

    @property
    def record(self) -> type[Record]:
        """The type of its rows."""
        found: type[Record] = getattr(
            import_module(f"netanalyze.report.records.{self.module}"), self.record_name
        )
        return found


TABLES = (
    TableKind(
        "findings",
        "finding",
        "findings",
        "Verdicts: what is wrong, what it cost, the frames that prove it, what to do",
        "findings",
        "Finding",
    ),
    TableKind(
        "capture",
        "capture",
        "captures",
        "The files that were read: format, frames, time, what the interfaces dropped",
        "capture",
        "Capture",
    ),
    TableKind(
        "ledger",
        "reason",
        "reasons",
        "What became of every frame read: analysed, or not and why",
        "capture",
        "Ledger",
    ),
    TableKind(
        "protocols",
        "protocol path",
        "protocol paths",
        "The protocols in the frames and how much each carried",
        "capture",
        "Protocol",
    ),
    TableKind(
        "checksums",
        "sender and protocol",
        "senders and protocols",
        "Whose checksums are right, left to the network card (offload), or damaged on the way",
        "checksums",
        "SenderChecksums",
        detailed=True,
    ),
    TableKind(
        "damaged",
        "damaged frame",
        "damaged frames",
        "Frames with a wrong checksum from senders whose other packets are right",
        "checksums",
        "DamagedFrame",
        detailed=True,
    ),
    TableKind(
        "streams",
        "TCP connection",
        "TCP connections",
        "TCP connections: who opened them, how much each side sent, how they began and ended",
        "tcp",
        "Stream",
    ),
    TableKind(
        "directions",
        "half-stream",
        "half-streams",
        "What each side of a TCP connection sent: losses, windows, round trip times, rates",
        "directions",
        "Direction",
    ),
    TableKind(
        "limits",
        "half-stream",
        "half-streams",
        "What each side of a TCP connection waited for while it was sending, in shares of the time, and what"
        " limited it most",
        "limits",
        "Limit",
    ),
    TableKind(
        "waits",
        "TCP connection",
        "TCP connections",
        "How each TCP connection spent its time: network, programs, Nagle's algorithm, windows, losses",
        "waits",
        "StreamWaits",
        detailed=True,
    ),
    TableKind(
        "stalls",
        "wait",
        "waits",
        "Every wait in a TCP connection with its cause: Nagle's algorithm, delayed acknowledgements, closed"
        " windows, retransmission timers, programs",
        "waits",
        "Stall",
        detailed=True,
    ),
    TableKind(
        "nagle",
        "half-stream",
        "half-streams",
        "What each side of a TCP connection does about small segments: TCP_NODELAY, delayed acknowledgements",
        "waits",
        "SmallSegments",
        detailed=True,
    ),
    TableKind(
        "events",
        "TCP event",
        "TCP events",
        "Retransmissions, reordering, lost segments, zero windows and more, each with its reason",
        "events",
        "Event",
    ),
    TableKind(
        "windows",
        "segment",
        "segments",
        "The course of a connection chosen with --stream: each segment with sequence numbers, windows, bytes"
        " in flight and round trip time",
        "windows",
        "WindowPoint",
        of_streams=True,
    ),
    TableKind(
        "writes",
        "half-stream",
        "half-streams",
        "Where messages begin and end in segments: alone, split, coalesced or mixed, why, and where a reader"
        " fails that takes one recv() for one message",
        "writes",
        "Write",
    ),
    TableKind(
        "messages",
        "message",
        "messages",
        "Each message that a TCP connection carried, with its segments; protocols that are not known are"
        " inferred, or told by --framing",
        "writes",
        "Message",
        detailed=True,
    ),
    TableKind(
        "listeners",
        "listener",
        "listeners",
        "Listening sockets: who could connect and who could not, how full the queues were, what it cost",
        "listeners",
        "Listener",
    ),
    TableKind(
        "transitions",
        "change of state",
        "changes of state",
        "The states of RFC 9293 that each endpoint of a TCP connection went through, and why",
        "states",
        "Transition",
    ),
    TableKind(
        "populations",
        "host and state",
        "hosts and states",
        "How many connections a host had in each TCP state: the most at once, those still there, those stuck",
        "states",
        "Population",
    ),
    TableKind(
        "closers",
        "server port",
        "server ports",
        "Who ends the connections to a server: client or server, with FIN or RST, or nobody",
        "states",
        "Closer",
    ),
    TableKind(
        "udp",
        "UDP flow",
        "UDP flows",
        "UDP flows: the datagrams between two endpoints",
        "udp",
        "UdpFlow",
    ),
    TableKind(
        "dns",
        "query",
        "queries",
        "DNS queries with their answers (multicast DNS, LLMNR and NetBIOS names too): latency, attempts, how"
        " they ended",
        "dns",
        "Query",
        protocol="dns",
    ),
    TableKind(
        "dns_servers",
        "DNS server",
        "DNS servers",
        "DNS by server: counts, failures, response times, names that do not exist",
        "dns",
        "DnsServer",
        protocol="dns",
    ),
    TableKind(
        "dns_names",
        "name",
        "names",
        "DNS by name: types, clients, failures, latencies, the last answer",
        "dns",
        "DnsName",
        protocol="dns",
    ),
    TableKind(
        "dns_patterns",
        "pattern",
        "patterns",
        "Known patterns in DNS queries: lost answers, search lists, failover, retries over TCP, TTL 0",
        "dns",
        "DnsPattern",
        protocol="dns",
    ),
    TableKind(
        "names",
        "connection",
        "connections",
        "The DNS answer that each TCP connection and UDP flow had its server's address from, and its age",
        "names",
        "Name",
        protocol="dns",
    ),
    TableKind(
        "lookups",
        "lookup",
        "lookups",
        "The names that each client was told addresses of, and the connections that came of it",
        "names",
        "Lookup",
        protocol="dns",
        detailed=True,
    ),
    TableKind(
        "http",
        "exchange",
        "exchanges",
        "HTTP/1 exchanges: requests with their responses, how they ended, bodies and times",
        "http",
        "Exchange",
        protocol="http",
    ),
    TableKind(
        "http_hosts",
        "host",
        "hosts",
        "HTTP/1 by host: errors, times, bytes, what compression saves, how connections are used, advice",
        "http_use",
        "Host",
        protocol="http",
    ),
    TableKind(
        "http_methods",
        "method",
        "methods",
        "HTTP/1 by method: counts, latencies, repeated requests that are not idempotent",
        "http",
        "Method",
        protocol="http",
    ),
    TableKind(
        "http_statuses",
        "status code",
        "status codes",
        "HTTP/1 by status code: counts, bytes, latencies",
        "http",
        "Status",
        protocol="http",
    ),
    TableKind(
        "http_connections",
        "connection",
        "connections",
        "HTTP/1 connections: reuse, idle times, who closed and why, the server's idle timeout",
        "http_use",
        "HttpConnection",
        protocol="http",
    ),
    TableKind(
        "http_headers",
        "header field",
        "header fields",
        "Every header field of HTTP/1 messages",
        "http",
        "HeaderField",
        protocol="http",
        detailed=True,
    ),
    TableKind(
        "http_cookies",
        "cookie",
        "cookies",
        "Cookies: what servers set, with which attributes, and what clients sent back",
        "http",
        "Cookie",
        protocol="http",
    ),
    TableKind(
        "cors",
        "cross-origin request",
        "cross-origin requests",
        "Requests for pages of other origins: what was asked and allowed, what preflights cost",
        "http_use",
        "CrossOrigin",
        protocol="http",
    ),
    TableKind(
        "websocket",
        "WebSocket frame",
        "WebSocket frames",
        "Frames of WebSockets: kinds, lengths, what is wrong with them",
        "http_use",
        "WebSocketFrame",
        protocol="http",
    ),
)
"""Every table."""

ALWAYS = ("capture", "ledger")
"""Tables that every report has."""

NAMES = tuple(kind.name for kind in TABLES)

USUAL = tuple(kind.name for kind in TABLES if not (kind.of_streams or kind.detailed))
"""What a report has when nobody chose any tables."""

OVERVIEW = ("findings", "capture", "ledger", "protocols", "streams", "udp")
"""What the overview is made of."""

_BY_NAME = {kind.name: kind for kind in TABLES}


def table_kind(name: str) -> TableKind:
    """The table of this name.

    Raises:
        UsageError: there is none.
    """
    try:
        return _BY_NAME[name]
    except KeyError:
        raise UsageError(unknown("table", name, NAMES)) from None


EXTRACTED = TableKind(
    "extracted",
    "file",
    "files",
    "The files that extract wrote",
    "extracted",
    "Extracted",
)
"""The index of a command; no report has it."""


def kind_of(name: str) -> TableKind:
    """The kind of a table that there is: one of a report, or a command's own."""
    return EXTRACTED if name == EXTRACTED.name else table_kind(name)


def wanted(names: Iterable[str]) -> tuple[str, ...]:
    """Check names of tables; each comes once, in the order given.

    Raises:
        UsageError: there is no such table.
    """
    return tuple(dict.fromkeys(table_kind(name).name for name in names))


def protocols_read(names: Iterable[str]) -> tuple[str, ...]:
    """The application protocols that have to be read for these tables."""
    return tuple(sorted({_BY_NAME[name].protocol for name in names if _BY_NAME[name].protocol}))


COMPATIBLE = ("wireshark",)
"""Programs whose labels of TCP events can be had."""


def like_wireshark(program: str | None) -> bool:
    """Whether Wireshark's labels are asked for.

    Raises:
        UsageError: it names another program.
    """
    if program is not None and program not in COMPATIBLE:
        raise UsageError(unknown("program", program, COMPATIBLE))
    return program is not None
