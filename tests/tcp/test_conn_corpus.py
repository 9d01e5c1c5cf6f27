"""What Zeek's own tests expect of their captures, connection by connection, where they are at hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import netanalyze

if TYPE_CHECKING:
    from pathlib import Path


class Connection(NamedTuple):
    """What identifies a connection, and what is said of it."""

    ends: frozenset[tuple[str, int]]
    state: str
    history: str


class Difference(NamedTuple):
    """What we say of a connection of which Zeek's log says otherwise, and why."""

    zeek: tuple[str, str]
    ours: tuple[str, str]
    why: str


SIX_BYTES = (
    "seven ACKs are padded, and their IP header counts six bytes that the PPPoE header before it says are"
    " padding; Zeek takes them for data sent again"
)
ESTABLISHED = "the log is of a test that has Zeek look no further once a connection is established"
ENDED = "the log ends before this connection"

DIFFERENCES = {
    "zeek__pppoe-over-qinq.pcap": {
        20394: Difference(("SF", "ShADdtaTTtFf"), ("SF", "ShADdtaTTFft"), SIX_BYTES),
    },
    "zeek__smtp.pcap": {
        1470: Difference(("S1", "Sh"), ("SF", "ShAdDaTFf"), ESTABLISHED),
        49648: Difference(("S1", "Sh"), ("S1", "ShAdDa"), ESTABLISHED),
        49336: Difference(("", ""), ("OTH", "^dtA"), ENDED),
        49153: Difference(("", ""), ("OTH", "Da"), ENDED),
        49655: Difference(("", ""), ("S1", "ShADda"), ENDED),
    },
}
"""By capture and by the port of the client."""


def expected(log: Path, protocol: str) -> list[Connection]:
    """The connections of a transport in Zeek's log."""
    lines = log.read_text().splitlines()
    (names,) = (line.split("\t")[1:] for line in lines if line.startswith("#fields"))
    rows = [dict(zip(names, line.split("\t"), strict=True)) for line in lines if line[0] != "#"]
    return [
        Connection(
            frozenset({(row["id.orig_h"], int(row["id.orig_p"])), (row["id.resp_h"], int(row["id.resp_p"]))}),
            row["conn_state"],
            row["history"],
        )
        for row in rows
        if row["proto"] == protocol
    ]


def found(capture: Path, table: str) -> list[Connection]:
    rows = netanalyze.analyze(str(capture), reports=[table])[table].to_dicts()
    return [
        Connection(
            frozenset({(row["client"], row["client_port"]), (row["server"], row["server_port"])}),
            row["conn_state"],
            row.get("history", ""),
        )
        for row in rows
    ]


def logs(corpus: Path) -> list[tuple[Path, Path]]:
    """Captures and the connection logs of them."""
    pairs = sorted((corpus / "zeek").glob("*__conn.log"))
    assert pairs
    return [(corpus / "captures" / log.name.removesuffix("__conn.log"), log) for log in pairs]


def test_tcp_connections_are_told_as_by_zeek(corpus: Path) -> None:
    compared = 0
    for capture, log in logs(corpus):
        known = DIFFERENCES.get(capture.name, {})
        theirs, ours = expected(log, "tcp"), found(capture, "streams")
        ports = {port for connection in theirs + ours for _, port in connection.ends}
        assert set(known) <= ports, capture.name
        for ends in {connection.ends for connection in theirs + ours}:
            said = [(one.state, one.history) for one in theirs if one.ends == ends]
            told = [(one.state, one.history) for one in ours if one.ends == ends]
            (difference,) = [known[port] for _, port in ends if port in known] or [None]
            if difference:
                assert (said or [("", "")], told) == ([difference.zeek], [difference.ours]), difference.why
            else:
                assert told == said, (capture.name, ends)
                compared += 1
    assert compared == 17


def test_udp_flows_are_told_as_by_zeek(corpus: Path) -> None:
    for capture, log in logs(corpus):
        theirs = {one.ends: one.state for one in expected(log, "udp")}
        ours = {one.ends: one.state for one in found(capture, "udp")}
        assert theirs.items() <= ours.items(), capture.name
