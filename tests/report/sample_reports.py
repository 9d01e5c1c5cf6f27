"""Small reports for tests, made without an analysis."""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import ip_address
from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.model import NULL
from netanalyze.report import tables
from netanalyze.report.record import fields
from netanalyze.report.records.directions import Direction
from netanalyze.report.records.events import Event
from netanalyze.report.records.limits import Limit
from netanalyze.report.records.listeners import Listener
from netanalyze.report.records.tcp import Stream
from netanalyze.report.records.writes import Write
from netanalyze.report.registry import TABLES, USUAL
from netanalyze.report.report import Report

if TYPE_CHECKING:
    from netanalyze.columns import Rows
    from netanalyze.findings.finding import Finding
    from netanalyze.report.table import Table

START_NS = 1_714_566_600_123_456_789
"""2024-05-01 12:30:00.123456789 UTC."""


@dataclass
class FakeFile:
    """What the capture table wants to know about a file."""

    file: str = "web.pcapng"
    format: str = "pcapng"
    compression: str = ""
    link_types: list[int] = field(default_factory=lambda: [1])
    interfaces: int = 1
    frames: int = 1234
    captured_bytes: int = 1_200_000
    wire_bytes: int = 1_200_000
    first_ns: int | None = START_NS
    last_ns: int | None = START_NS + 12_300_000_000
    received: int | None = None
    clock_steps: int = 0
    clock_step_ns: int = 0
    clock_step_frame: int = 0
    dropped: int | None = None
    cut_short: str = ""


def address_columns(name: str, texts: list[str]) -> dict[str, Any]:
    """The three columns of a list of addresses."""
    numbers = [ip_address(text) for text in texts]
    return {
        f"{name}_hi": np.array([int(number) >> 64 for number in numbers], np.uint64),
        f"{name}_lo": np.array([int(number) & (2**64 - 1) for number in numbers], np.uint64),
        f"{name}_version": np.array([number.version for number in numbers], np.uint8),
    }


def _stream(place: int, row: dict[str, Any]) -> dict[str, Any]:
    return {
        "stream": place,
        "client": "10.0.0.1",
        "client_port": 50_000 + place,
        "server": "192.0.2.80",
        "server_port": 80,
        "app": "http",
        "start_ns": START_NS + place * 1_000_000,
        "duration_ns": 1_270_000_000,
        "client_packets": 6,
        "server_packets": 5,
        "client_bytes": 420,
        "server_bytes": 1_234_567,
        "handshake_ns": 43_800_000,
        "completeness": 31,
        "client_state": "TIME-WAIT",
        "server_state": "CLOSED",
        "conn_state": "SF",
        "history": "ShADadFf",
        "first_frame": 1 + place,
        "last_frame": 100 + place,
        **row,
    }


def stream_columns(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The columns of some TCP connections; what a row does not say has a plain value."""
    full = [_stream(place, row) for place, row in enumerate(rows)]
    histories = sorted({row["history"] for row in full})
    columns: dict[str, Any] = {
        "conn_state_names": ("SF", "S1", "S0"),
        "history_words": np.array([[histories.index(row["history"])] for row in full], np.uint64),
        "history_texts": lambda words: [histories[word] for (word,) in words.tolist()],
    }
    for key in _stream(0, {}):
        values = [row[key] for row in full]
        if key in ("client", "server"):
            columns |= address_columns(key, values)
        elif key in ("app", "client_state", "server_state"):
            names = columns[f"{key}_names"] = sorted({value for value in values if value is not None})
            columns[key] = np.array(
                [-1 if value is None else names.index(value) for value in values], np.int64
            )
        elif key == "conn_state":
            columns[key] = np.array([("SF", "S1", "S0").index(value) for value in values], np.int64)
        elif key != "history":
            columns[key] = np.array([NULL if value is None else value for value in values], np.int64)
    return plain_columns(len(rows)) | columns


NOTHING_TOLD: dict[str, Any] = {
    "syns": 0, "syn_acks": 0, "ack_with_data": False, "one_host": False, "syn_ack_ns": NULL, "ack_ns": NULL,
    **{f"{side}_{name}": value for side in ("client", "server")
       for name, value in {"ttl": NULL, "hops": NULL, "left": False, "mss": 0, "large": 0}.items()},
    "tap": -1,
}  # fmt: skip
"""What there is to say of where a connection was captured when nothing tells it."""


def stream_table(columns: dict[str, Any]) -> Table[Stream]:
    """The table of TCP connections that have these columns."""

    def some(rows: Rows) -> dict[str, Any]:
        picked = {
            name: column[rows] if isinstance(column, np.ndarray) else column
            for name, column in columns.items()
        }
        facts = {name: np.full(len(picked["stream"]), value) for name, value in NOTHING_TOLD.items()}
        return {**picked, "tap_facts": facts}

    return tables.streams_table(columns["stream"], some)


def plain_columns(count: int) -> dict[str, Any]:
    """A plain value for every column of a table of connections that does not matter here."""
    columns: dict[str, Any] = {}
    for known in fields(Stream):
        if known.kind is str:
            columns[known.name] = np.full(count, -1, np.int64)
            columns[f"{known.name}_names"] = []
        else:
            columns[known.name] = np.zeros(count, np.int64)
    return columns


STREAMS = [
    {},
    {"client": "2001:db8::1", "server": "2001:db8:0:1:202:b3ff:fe1e:8329", "server_port": 443, "app": "tls"},
    {"client": "10.0.0.2", "app": None, "handshake_ns": None, "completeness": 12, "server_bytes": 0},
    {"client": "10.1.2.3", "duration_ns": 61_000_000, "server_bytes": 99, "client_bytes": 1},
]

FLOWS = [
    {"server": "10.0.0.53", "server_port": 53, "app": "dns", "server_bytes": 300, "client_bytes": 40},
    {"server": "10.0.0.53", "server_port": 53, "app": "dns", "server_bytes": 800, "client_bytes": 41},
]


UNMEASURED = (
    *(f"{what}_{side}_bytes" for what in ("min", "avg", "max") for side in ("client", "server")),
    *("client_bps", "server_bps", "silence_ns", "silence_frame", "icmp_frame"),
)


def udp_columns(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """The columns of some UDP flows."""
    columns = stream_columns(rows)
    count = len(rows)
    return columns | {
        "flow": columns["stream"],
        "client_datagrams": columns["client_packets"],
        "server_datagrams": columns["server_packets"],
        "icmp_errors": np.zeros(count, np.int64),
        "fragments": np.zeros(count, np.int64),
        "senders": np.zeros(count, np.int64),
        "senders_names": ("both",),
        "cast": np.zeros(count, np.int64),
        "cast_names": ("unicast",),
        "icmp_error": np.full(count, -1),
        "icmp_error_names": (),
        **{name: np.full(count, NULL) for name in UNMEASURED},
        **{name: np.zeros(count, np.int64) for name in ("fragmented", "aligned", "coalesced")},
    }


def move_columns() -> dict[str, Any]:
    """The columns of two changes of state."""
    return {
        "stream": np.array([0, 0]),
        "endpoint": np.array([0, 1]),
        "endpoint_names": ["client", "server"],
        "frame": np.array([1, NULL]),
        "time_ns": np.array([START_NS, START_NS + 1_000]),
        "from_state": np.array([1, 0]),
        "from_state_names": ["", "CLOSED", "SYN-SENT"],
        "to_state": np.array([2, 1]),
        "to_state_names": ["", "CLOSED", "SYN-SENT"],
        "trigger": np.array([0, 1]),
        "trigger_names": ["snd SYN", "timeout 2MSL"],
        "dwell_ns": np.array([NULL, 60_000_000_000]),
        "assumed": np.array([False, True]),
        "proof_frame": np.array([NULL, 3]),
        "proof_ns": np.array([NULL, START_NS + 2_000]),
        "earliest_ns": np.array([NULL, START_NS]),
        "latest_ns": np.array([START_NS, NULL]),
        "likely_earliest_ns": np.array([START_NS - 500, START_NS]),
        "likely_latest_ns": np.array([START_NS, NULL]),
        "tap_rtt_ns": np.array([500, NULL]),
    }


def _numbers(names: str, values: list[int]) -> dict[str, Any]:
    return {name: np.array(values) for name in names.split()}


def population_columns() -> dict[str, Any]:
    """The columns of two populations."""
    busiest = address_columns("busiest_server", ["192.0.2.80", "192.0.2.80"])
    busiest["busiest_server_version"] = np.array([4, 0], np.uint8)
    return {
        **address_columns("host", ["10.0.0.1", "192.0.2.80"]),
        "state": np.array([0, 1]),
        "state_names": ["TIME-WAIT", "CLOSE-WAIT"],
        **_numbers("connections peak still_open longest_ns assumed", [4, 2]),
        **_numbers("peak_ns", [START_NS, START_NS + 1]),
        **_numbers("stuck", [NULL, 1]),
        **busiest,
        **_numbers("busiest_server_port busiest_peak ports_percent ports_last_ns", [80, NULL]),
    }


def closer_columns() -> dict[str, Any]:
    """The columns of one server port."""
    return {
        **address_columns("server", ["192.0.2.80"]),
        **_numbers(
            "server_port connections client_first server_first simultaneous client_resets server_resets"
            " refused not_closed client_leaks server_leaks leaks_ended_by_exit",
            [3],
        ),
        **_numbers("leaks_per_minute leak_interval_ns", [NULL]),
    }


LEDGER = [
    ("TCP segment", True, 1200, 1_190_000, 1),
    ("UDP datagram", True, 22, 9_000, 4),
    ("not IP: ARP", False, 10, 600, 3),
    ("captured before (duplicate frame)", False, 2, 400, 99),
]

PROTOCOLS = [("eth.ip.tcp.http", 1200, 1_190_000), ("eth.ip.udp.dns", 22, 9_000), ("eth.arp", 10, 600)]


def sample_report(
    *,
    files: list[FakeFile] | None = None,
    ledger: list[tuple[str, bool, int, int, int | None]] | None = None,
    protocols: list[tuple[str, int, int]] | None = None,
    streams: list[dict[str, Any]] | None = None,
    flows: list[dict[str, Any]] | None = None,
    findings: tuple[Finding, ...] = (),
    complete: bool = True,
    warnings: tuple[str, ...] = (),
) -> Report:
    """A report with every table that a report usually has."""
    return Report(
        [
            tables.findings_table(findings),
            tables.capture_table([FakeFile()] if files is None else files),
            tables.ledger_table(LEDGER if ledger is None else ledger),
            tables.protocols_table(PROTOCOLS if protocols is None else protocols),
            stream_table(stream_columns(STREAMS if streams is None else streams)),
            tables.empty_table("directions", Direction),
            tables.empty_table("limits", Limit),
            tables.empty_table("events", Event),
            tables.empty_table("writes", Write),
            tables.empty_table("listeners", Listener),
            tables.transitions_table(move_columns()),
            tables.populations_table(population_columns()),
            tables.closers_table(closer_columns()),
            tables.udp_table(udp_columns(FLOWS if flows is None else flows)),
            *(
                tables.empty_table(kind.name, kind.record)
                for kind in TABLES
                if kind.protocol and kind.name in USUAL
            ),
        ],
        warnings=warnings,
        complete=complete,
    )


def many_streams(count: int) -> dict[str, Any]:
    """The columns of many TCP connections, quickly."""
    numbers = np.arange(count, dtype=np.int64)
    zeros = np.zeros(count, np.uint64)
    columns: dict[str, Any] = dict.fromkeys(
        (
            "stream",
            "client_packets",
            "server_packets",
            "client_bytes",
            "server_bytes",
            "first_frame",
            "last_frame",
        ),
        numbers,
    )
    return (
        plain_columns(count)
        | columns
        | {
            "client_hi": zeros,
            "client_lo": (numbers % 60_000 + 0x0A000000).astype(np.uint64),
            "client_version": np.full(count, 4, np.uint8),
            "client_port": numbers % 65_536,
            "server_hi": zeros,
            "server_lo": (numbers % 300 + 0xC0000200).astype(np.uint64),
            "server_version": np.full(count, 4, np.uint8),
            "server_port": np.full(count, 443),
            "app": numbers % 3 - 1,
            "app_names": ["http", "tls"],
            "start_ns": START_NS + numbers,
            "duration_ns": (numbers * 7919) % 1_000_003,
            "handshake_ns": np.where(numbers % 5 == 0, NULL, numbers),
            "completeness": numbers % 64,
            "conn_state": numbers % 2,
            "conn_state_names": ["SF", "S1"],
            "history_words": (numbers % 9).astype(np.uint64).reshape(-1, 1),
            "history_texts": lambda words: ["S" * (word + 1) for (word,) in words.tolist()],
        }
    )
