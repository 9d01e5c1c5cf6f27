# ruff: noqa: E501 - the tables are as wide as they are shown
from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sample_reports import FakeFile, many_streams, sample_report, stream_table

from netanalyze.report import formats
from netanalyze.report.layout import Lane, break_words, fit
from netanalyze.report.printable import width
from netanalyze.report.record import WIDE, Record, Unit, column
from netanalyze.report.style import Style
from netanalyze.report.table import Table
from netanalyze.report.text import draw, table_lines

if TYPE_CHECKING:
    from netanalyze.report.report import Report

AT_120 = """\
streams: 4 TCP connections

                     client                                server                  client   server  retrans-  conn
stream  client         port  server                          port  app   duration   bytes    bytes  missions  state  tap
------  -----------  ------  ----------------------------  ------  ----  --------  ------  -------  --------  -----  ---
     0  10.0.0.1      50000  192.0.2.80                        80  http    1.27 s   420 B  1.23 MB         0  SF     -
     1  2001:db8::1   50001  2001:db8:0:1:2…3ff:fe1e:8329     443  tls     1.27 s   420 B  1.23 MB         0  SF     -
     2  10.0.0.2      50002  192.0.2.80                        80  -       1.27 s   420 B      0 B         0  SF     -
     3  10.1.2.3      50003  192.0.2.80                        80  http   61.0 ms     1 B     99 B         0  SF     -

16 more columns: start_ns, client_packets, server_packets, out_of_order, duplicate_acks, zero_windows, handshake_ns,
  completeness, history, client_state, server_state, client_process, server_process, first_frame, last_frame,
  tap_evidence (--wide)

12 of 1 234 frames not analysed; --report ledger says why
"""

AT_80 = """\
streams: 3 of 4 TCP connections

                              server                  client   server  retrans-
stream  client    server        port  app   duration   bytes    bytes  missions
------  --------  ----------  ------  ----  --------  ------  -------  --------
     0  10.0.0.1  192.0.2.80      80  http    1.27 s   420 B  1.23 MB         0
     2  10.0.0.2  192.0.2.80      80  -       1.27 s   420 B      0 B         0

2 of 3 TCP connections; --top 0 shows all, --sort duration orders
19 more columns: client_port, start_ns, client_packets, server_packets,
  out_of_order, duplicate_acks, zero_windows, handshake_ns, completeness,
  conn_state, history, client_state, server_state, client_process,
  server_process, first_frame … (netanalyze tables streams explains all)
  (--wide)

12 of 1 234 frames not analysed; --report ledger says why
"""

OTHERS = """\
capture: 1 capture

                                 link                          wire                                              cut
file        format  compression  types     frames    bytes    bytes              first (UTC)  duration  dropped  short
----------  ------  -----------  --------  ------  -------  -------  -----------------------  --------  -------  -----
web.pcapng  pcapng  -            ETHERNET   1 234  1.20 MB  1.20 MB  2024-05-01 12:30:00.123    12.3 s        -  -

6 more columns: interfaces, last_ns, received, clock_steps, clock_step_ns, clock_step_frame (--wide)

ledger: 4 reasons

                                                              first
reason                             analysed  frames    bytes  frame
---------------------------------  --------  ------  -------  -----
TCP segment                        yes        1 200  1.19 MB      1
UDP datagram                       yes           22  9.00 kB      4
not IP: ARP                        no            10    600 B      3
captured before (duplicate frame)  no             2    400 B     99

protocols: 3 protocol paths

path             frames    bytes
---------------  ------  -------
eth.ip.tcp.http   1 200  1.19 MB
eth.ip.udp.dns       22  9.00 kB
eth.arp              10    600 B

udp: 2 UDP flows

                client             server                    client     server  client  server    icmp           icmp
flow  client      port  server       port  app  duration  datagrams  datagrams   bytes   bytes  errors  senders  error
----  --------  ------  ---------  ------  ---  --------  ---------  ---------  ------  ------  ------  -------  -----
   0  10.0.0.1   50000  10.0.0.53      53  dns    1.27 s          6          5    40 B   300 B       0  both     -
   1  10.0.0.1   50001  10.0.0.53      53  dns    1.27 s          6          5    41 B   800 B       0  both     -

22 more columns: start_ns, conn_state, client_process, server_process, first_frame, last_frame, fragments, cast,
  min_client_bytes, avg_client_bytes, max_client_bytes, min_server_bytes, avg_server_bytes, max_server_bytes,
  client_bps, server_bps … (netanalyze tables udp explains all) (--wide)
"""


WIDE_LINES = """\
                                                                                                                                                             out
                     client                                   server                                           client   server  client   server  retrans-     of  duplicate     zero                           conn             client     server  client   server   first   last       tap
stream  client         port  server                             port  app              start (UTC)  duration  packets  packets   bytes    bytes  missions  order       acks  windows  handshake  completeness  state  history   state      state   process  process  frame  frame  tap  evidence
------  -----------  ------  -------------------------------  ------  ---  -----------------------  --------  -------  -------  ------  -------  --------  -----  ---------  -------  ---------  ------------  -----  --------  ---------  ------  -------  -------  -----  -----  ---  --------
     1  2001:db8::1   50001  2001:db8:0:1:202:b3ff:fe1e:8329     443  tls  2024-05-01 12:30:00.124    1.27 s        6        5   420 B  1.23 MB         0      0          0        0    43.8 ms        ·FDASS  SF     ShADadFf  TIME-WAIT  CLOSED  -        -            2    101  -    -"""


def shown(report: Report, style: Style, *chosen: Table[Any]) -> str:
    return b"".join(formats.render("table", report, list(chosen), style)).decode()


def test_streams_at_120_columns(report: Report) -> None:
    assert shown(report, Style(), report["streams"]) == AT_120


def test_streams_at_80_columns_with_some_rows(report: Report) -> None:
    rows = report["streams"].where("client=10.0.0.0/8")
    assert shown(report, Style(width=80, rows=2), rows) == AT_80


def test_the_other_tables_at_120_columns(report: Report) -> None:
    chosen = report.tables(["capture", "ledger", "protocols", "udp"])
    assert shown(report, Style(), *chosen) == OTHERS


def test_every_column_when_wide(report: Report) -> None:
    text = shown(report, Style(wide=True), report["streams"].where("app=tls"))
    assert "\n".join(text.splitlines()[2:7]) == WIDE_LINES
    assert "more column" not in text


def test_ascii_only() -> None:
    fast = sample_report(streams=[{"duration_ns": 43_800}, {"client": "2001:db8:1:2:3:4:5:6"}])
    text = shown(
        fast, Style(width=50, ascii_only=True), fast["streams"].select("client", "duration", "completeness")
    )
    assert text.isascii()
    assert "43.8 us" in text
    assert "-FDASS" in text


@pytest.mark.parametrize(
    ("conditions", "line"),
    [
        ((), "streams: no TCP connections"),
        (("app=dns",), "streams: none of 4 TCP connections fulfils the conditions"),
    ],
)
def test_an_empty_table_is_a_line(conditions: tuple[str, ...], line: str) -> None:
    report = sample_report(streams=None if conditions else [], ledger=[("TCP segment", True, 1, 60, 1)])
    assert shown(report, Style(), report["streams"].where(*conditions)) == f"{line}\n"


def test_one_is_singular() -> None:
    report = sample_report(streams=[{}])
    assert shown(report, Style(), report["streams"]).startswith("streams: 1 TCP connection\n")


def test_rows_that_are_not_shown_are_counted() -> None:
    report = sample_report()
    table = stream_table(many_streams(100_000))
    text = shown(report, Style(), table)
    assert "\n50 of 100 000 TCP connections; --top 0 shows all, --sort duration orders\n" in text
    assert len([line for line in text.splitlines() if "192.0.2." in line]) == 50
    assert "\n50 of 100 000 TCP connections; --top 0 shows all\n" in shown(
        report, Style(), table.sort("bytes")
    )
    assert "\n7 of 100 000 TCP connections\n" in shown(report, Style(rows=None), table.top(7))
    assert " of 100" not in shown(report, Style(rows=None), table.where("stream<60"))[40:]
    unhinted = shown(report, Style(hints=False), table)
    assert not any(option in unhinted for option in ("--top", "--sort", "--wide", "--report"))


def test_an_interrupted_report_says_so() -> None:
    report = sample_report(complete=False)
    assert shown(report, Style(), report["streams"]).endswith(
        "\nInterrupted: this is what was read until then.\n"
    )


def test_nothing_from_the_wire_acts_on_the_terminal() -> None:
    hostile = "\x1b]0;owned\x07\n\u202egpj.exe\u0301\x9b2J"
    report = sample_report(
        files=[FakeFile(file=hostile, cut_short=hostile)],
        ledger=[(hostile, False, 1, 1, 1)],
        protocols=[(hostile, 1, 1)],
        streams=[{"app": hostile}],
        flows=[{"app": hostile}],
    )
    for name in ("table", "markdown"):
        for chosen in (None, report.tables()):
            text = b"".join(formats.render(name, report, chosen, Style(wide=True))).decode()
            assert text.replace("\n", "").isprintable()
            assert "owned" in text


class Wild(Record, frozen=True):
    """A row of anything."""

    name: Annotated[str | None, column("Name")]
    address_of_it: Annotated[str, column("Address", Unit.ADDRESS, show=0)]
    bytes: Annotated[int | None, column("Bytes", Unit.BYTES, show=2)]
    big_count: Annotated[int, column("Count", Unit.COUNT, show=3)]
    start_ns: Annotated[int | None, column("Time", Unit.TIME, show=4)]
    more: Annotated[str, column("More", show=WIDE)]


TEXTS = st.text(max_size=40) | st.text(st.sampled_from("ab例👍é\u0301\x1b\n "), max_size=60)
NUMBERS = st.integers(-(2**63) + 1, 2**63 - 1)
WILD = st.builds(Wild, st.none() | TEXTS, TEXTS, st.none() | NUMBERS, NUMBERS, st.none() | NUMBERS, TEXTS)


@given(st.lists(WILD, min_size=1, max_size=8), st.integers(1, 130), st.booleans())
def test_every_table_fits_every_width(rows: list[Wild], limit: int, ascii_only: bool) -> None:  # noqa: FBT001 - drawn
    report = sample_report(complete=False)
    table = Table.from_rows("streams", Wild, rows)
    style = Style(width=limit, rows=3, ascii_only=ascii_only)
    lines = shown(report, style, table).splitlines()
    assert max(map(width, lines)) <= limit
    assert all(line.isprintable() for line in lines)
    assert not ascii_only or all(line.isascii() for line in lines)


@given(st.lists(WILD, min_size=1, max_size=8))
def test_columns_stay_in_line(rows: list[Wild]) -> None:
    table = Table.from_rows("streams", Wild, rows)
    grid = draw(table, table.fields, Style(wide=True))
    rule = grid.lines[-len(rows) - 1]
    assert set(rule) == {"-", " "}
    # The gap before the second column is at the same place on every line, in columns of the terminal.
    edge = len(rule.split(" ")[0])
    for line in grid.lines[-len(rows) :]:
        cells, used = "", 0
        for char in line:
            if used == edge:
                break
            cells += char
            used += width(char)
        assert used in (edge, width(line))
        assert line[len(cells) : len(cells) + 2].strip() == ""


def test_wide_characters_take_two_columns() -> None:
    table = Table.from_rows(
        "streams", Wild, [Wild("例え", "x", 1, 1, None, ""), Wild("abc", "y", 2, 2, None, "")]
    )
    lines = draw(table, table.fields, Style()).lines
    assert lines[-2].startswith("例え  x")
    assert lines[-1].startswith("abc   y")


LANES = st.builds(
    Lane,
    st.sampled_from(["a", "first frame", "client packets"]),
    st.integers(0, 60),
    st.integers(0, WIDE),
    st.none() | st.just(16),
)


@given(st.lists(LANES, min_size=1, max_size=10), st.integers(1, 150))
def test_layout_keeps_what_matters(lanes: list[Lane], limit: int) -> None:
    widths = fit(lanes, limit)
    assert widths
    assert list(widths) == sorted(widths)
    assert sum(widths.values()) + 2 * (len(widths) - 1) <= limit
    if len(widths) > 1:
        assert all(widths[place] >= lanes[place].floor for place in widths)
    wide = [lane.show for lane in lanes if lane.show < WIDE]
    left_out = [lanes[place].show for place in range(len(lanes)) if place not in widths]
    if wide:
        assert all(lanes[place].show <= min(left_out, default=WIDE) for place in widths)
    assert fit(lanes, None) == {place: lane.wish for place, lane in enumerate(lanes)}


def test_words_of_a_header() -> None:
    assert break_words("client packets", 7) == ["client", "packets"]
    assert break_words("client packets", 14) == ["client packets"]
    assert break_words("request of connection", 10) == ["request of", "connection"]
    assert break_words("", 5) == [""]


class Advised(Record, frozen=True):
    """A row with a sentence."""

    name: Annotated[str, column("What it is about", show=0)]
    advice: Annotated[str | None, column("What to do", show=0, note=True)]


def test_a_note_stands_whole_below_its_row() -> None:
    advice = "let the keep-alive timeout of the server be longer than the pool keeps idle connections"
    rows = [Advised("one", advice), Advised("two", None), Advised("three", "do")]
    table = Table.from_rows("http_hosts", Advised, rows)
    lines = list(table_lines(table, Style(width=40)))
    assert lines[2:] == [
        "name",
        "-----",
        "one",
        "  let the keep-alive timeout of the",
        "    server be longer than the pool keeps",
        "    idle connections",
        "two",
        "three",
        "  do",
    ]


def test_a_note_alone_is_a_column() -> None:
    table = Table.from_rows("http_hosts", Advised, [Advised("one", "do")]).select("advice")
    assert list(table_lines(table, Style(width=40)))[2:] == ["advice", "------", "do"]
