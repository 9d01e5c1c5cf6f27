"""What is compared: the commands, the cases they run in, and the targets netanalyze sets itself.

In a command ``{file}`` is the capture, ``{folder}`` an empty folder that is deleted afterwards, ``{python}``
the interpreter, ``{here}`` this folder and ``{netanalyze}`` the program under test; `` | `` joins commands to
a pipeline.
"""

from __future__ import annotations

from typing import NamedTuple


class Tool(NamedTuple):
    """One row of a table."""

    name: str
    command: str
    note: str
    optional: bool = False
    """Runs only when it is named."""
    times: int = 1
    """How often it is given the capture."""


class Case(NamedTuple):
    """One table: tools that do comparable work on one capture (none: the start-up of a program)."""

    name: str
    title: str
    capture: str | None
    tools: tuple[str, ...]


class Target(NamedTuple):
    """A comparison of two figures of one case with a limit.

    ``measured`` is ``quantity`` of ``tool`` (``baseline``'s divided by it where there is one), in seconds,
    bytes or times.
    """

    case: str
    what: str
    quantity: str
    tool: str
    baseline: str | None
    at_least: float | None = None
    at_most: float | None = None


WALK = (
    "{python} -c 'import sys; from netanalyze.capture import open_capture; "
    "sum(batch.count for batch in open_capture([sys.argv[1]]))' {file}"
)

TOOLS = {
    tool.name: tool
    for tool in (
        Tool("netanalyze", "{netanalyze} analyze -r streams {file}", "a row a connection, as text"),
        Tool(
            "netanalyze-jsonl",
            "{netanalyze} analyze -r streams --format jsonl {file}",
            "the same, every field, as JSON lines",
        ),
        Tool(
            "netanalyze-flows",
            "{netanalyze} analyze -r udp {file}",
            "the same stages without what TCP analysis adds: what the others are measured against",
        ),
        Tool(
            "netanalyze-tcp",
            "{netanalyze} analyze -r streams,directions,events,limits {file}",
            "the whole TCP analysis",
        ),
        Tool("record walk", WALK, "netanalyze's capture reader alone"),
        Tool("cat", "cat {file}", "reading the file, nothing else"),
        Tool("tcptrace", "tcptrace -n -l -r {file}", "both halves of each connection, with round-trip times"),
        Tool(
            "tcptrace-full",
            "tcptrace -n -l -r -W {file}",
            "the same with estimates of the congestion window",
        ),
        Tool("tcptrace-brief", "tcptrace -n {file}", "a line a connection"),
        Tool(
            "tshark", "tshark -n -q -z conv,tcp -r {file}", "a line a connection, application data dissected"
        ),
        Tool(
            "tshark-tcp",
            "tshark -n -q --disable-protocol http -o tcp.desegment_tcp_streams:FALSE -z conv,tcp -r {file}",
            "a line a connection, nothing above TCP dissected",
        ),
        Tool("nfpcapd", "nfpcapd -r {file} -w {folder}", "flow records, no TCP analysis"),
        Tool(
            "argus",
            "argus -X -r {file} -w {folder}/out",
            "flow records with loss counts; waits about a second before it ends",
        ),
        Tool("tcpflow", "tcpflow -q -r {file} -o {folder}", "writes every byte sent to files", optional=True),
        Tool(
            "netanalyze-http",
            "{netanalyze} analyze -r http {file}",
            "a row an exchange, bodies decoded and hashed",
        ),
        Tool(
            "netanalyze-bytes",
            "{netanalyze} follow --raw {file} 0",
            "floor: byte streams put together, one of them written",
            optional=True,
        ),
        Tool("tshark-http", "tshark -n -q -z http,tree -r {file}", "HTTP counted, bodies decoded"),
        Tool(
            "netanalyze-dns-servers",
            "{netanalyze} analyze -r dns_servers {file}",
            "a row a server: counts, rcodes, latencies",
        ),
        Tool(
            "netanalyze-dns-jsonl",
            "{netanalyze} analyze -r dns --format jsonl -o {folder}/out {file}",
            "a row a question with its answer, every field, to a file",
        ),
        Tool("netanalyze-udp", "{netanalyze} analyze -r udp {file}", "floor: the flows, no message read"),
        Tool("tshark-dns", "tshark -n -q -z dns,tree -r {file}", "DNS counted, by rcode, type and time"),
        Tool(
            "tshark-dns-fields",
            "{python} {here}/to_file.py {folder}/out"
            " tshark -n -T fields -e dns.qry.name -e dns.time -r {file}",
            "name and time of each message, to a file",
        ),
        Tool("help", "{netanalyze} --help", "the list of commands"),
        Tool("python", "{python} -c pass", "floor: the interpreter"),
        Tool("python+numpy", "{python} -c 'import numpy'", "floor: interpreter and numpy"),
        Tool(
            "stdin x1",
            "{python} {here}/repeat.py 1 {file} | {netanalyze} analyze -r streams -",
            "the capture through a pipe",
        ),
        Tool(
            "stdin x10",
            "{python} {here}/repeat.py 10 {file} | {netanalyze} analyze -r streams -",
            "ten times the capture through a pipe, new connections each time",
            times=10,
        ),
    )
}

PEERS = (
    "netanalyze",
    "netanalyze-jsonl",
    "netanalyze-flows",
    "netanalyze-tcp",
    "record walk",
    "cat",
    "tcptrace",
    "tcptrace-full",
    "tcptrace-brief",
    "tshark",
    "tshark-tcp",
    "nfpcapd",
    "argus",
    "tcpflow",
)

CASES = {
    case.name: case
    for case in (
        Case("large", "Large frames: recorded HTTP with losses", "http-large", PEERS),
        Case("small", "Small frames: 100 000 interleaved connections", "small-interleaved", PEERS),
        Case(
            "tiny", "Start-up: ten frames", "tiny", ("netanalyze", "tcptrace", "tshark", "nfpcapd", "argus")
        ),
        Case(
            "http",
            "HTTP: 67 000 exchanges, recorded",
            "http-exchanges",
            ("netanalyze-http", "netanalyze-flows", "netanalyze-bytes", "tshark-http"),
        ),
        Case(
            "dns",
            "DNS: 1.2 million questions and answers, recorded",
            "dns-large",
            (
                "netanalyze-dns-servers",
                "netanalyze-dns-jsonl",
                "netanalyze-udp",
                "tshark-dns",
                "tshark-dns-fields",
            ),
        ),
        Case("help", "Start-up: no capture", None, ("help", "python", "python+numpy")),
        Case("memory", "Memory against length of the capture", "http-large", ("stdin x1", "stdin x10")),
    )
}

TARGETS = (
    Target("large", "at least 1.5 times as fast as tcptrace", "wall", "netanalyze", "tcptrace", at_least=1.5),
    Target("large", "at least 40 times as fast as tshark", "wall", "netanalyze", "tshark", at_least=40),
    Target(
        "large",
        "TCP analysis at most doubles the time",
        "wall",
        "netanalyze-flows",
        "netanalyze-tcp",
        at_most=2,
    ),
    Target(
        "large", "TCP analysis faster than tcptrace -W", "wall", "netanalyze-tcp", "tcptrace-full", at_least=1
    ),
    Target(
        "small",
        "TCP analysis at most doubles the time",
        "wall",
        "netanalyze-flows",
        "netanalyze-tcp",
        at_most=2,
    ),
    Target(
        "small", "TCP analysis faster than tcptrace -W", "wall", "netanalyze-tcp", "tcptrace-full", at_least=1
    ),
    Target("large", "peak memory below 150 MB", "peak", "netanalyze", None, at_most=150e6),
    Target("small", "at least 4 times as fast as tcptrace", "wall", "netanalyze", "tcptrace", at_least=4),
    Target("small", "at least 4 times as fast as tshark", "wall", "netanalyze", "tshark", at_least=4),
    Target("small", "a quarter of tcptrace's memory or less", "peak", "netanalyze", "tcptrace", at_least=4),
    Target("small", "a quarter of tshark's memory or less", "peak", "netanalyze", "tshark", at_least=4),
    Target(
        "http", "at least 10 times as fast as tshark", "wall", "netanalyze-http", "tshark-http", at_least=10
    ),
    Target(
        "dns",
        "dns_servers at least 8 times as fast as tshark",
        "wall",
        "netanalyze-dns-servers",
        "tshark-dns",
        at_least=8,
    ),
    Target(
        "dns",
        "dns as JSON lines at least 10 times as fast as tshark's fields",
        "wall",
        "netanalyze-dns-jsonl",
        "tshark-dns-fields",
        at_least=10,
    ),
    Target("help", "--help within 0.2 s", "wall", "help", None, at_most=0.2),
    Target("tiny", "ten frames within 0.35 s", "wall", "netanalyze", None, at_most=0.35),
    Target("memory", "ten times the length, the same memory", "peak", "stdin x1", "stdin x10", at_most=1.1),
)

VERSIONS = {
    "netanalyze": "{netanalyze} --version",
    "tcptrace": "tcptrace -v",
    "tshark": "tshark --version",
    "nfpcapd": "nfpcapd -V",
    "argus": "argus -h",
    "tcpflow": "tcpflow --version",
    "python": "{python} --version",
    "numpy": "{python} -c 'import numpy; print(numpy.__version__)'",
}
"""How to ask each program for its version; the first line of its answer that has a digit is shown."""
