"""Records about DNS and its relatives."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import WIDE, Record, Unit, column


class Query(Record, frozen=True):
    """A query with its answer; answers that nobody asked for, or that came twice, are rows of their own."""

    frame: Annotated[
        int | None, column("Frame of the query; null for an answer without one", Unit.FRAME, show=0)
    ]
    response_frame: Annotated[int | None, column("Frame of the answer", Unit.FRAME, show=2)]
    time_ns: Annotated[
        int, column("Time of the query, or of the answer where there is none", Unit.TIME, show=7)
    ]
    transport: Annotated[str, column("Transport: udp or tcp", show=6)]
    client: Annotated[str, column("Address of who asked", Unit.ADDRESS, show=3)]
    server: Annotated[
        str,
        column("Address that answered; that the query went to where nobody did", Unit.ADDRESS, show=2),
    ]
    id: Annotated[int | None, column("Number of the transaction", Unit.NUMBER, show=8)]
    name: Annotated[
        str | None,
        column("Name asked for, as sent; of a message without a question, that of its first record", show=0),
    ]
    type: Annotated[str | None, column("Type asked for", show=0)]
    rcode: Annotated[str | None, column("Response code, with the upper bits of EDNS", show=1)]
    answers: Annotated[int | None, column("Records in the answer section", Unit.COUNT, show=5, suffers=False)]
    latency_ns: Annotated[
        int | None,
        column("From the first attempt of the lookup to the answer", Unit.DURATION, show=1, suffers=True),
    ]
    attempts: Annotated[
        int | None,
        column("Which attempt of the lookup this was, counted over ports and servers", Unit.COUNT, show=4),
    ]
    end: Annotated[
        str,
        column(
            "How it ended: answered, truncated (answered, but the answer does not fit), late (answered after"
            " the client had asked again elsewhere), unanswered, retried (unanswered, and asked again"
            " elsewhere), open (the capture ends within 5 s), duplicate (one more answer), unasked (an answer"
            " without a query), announced (multicast DNS without a query)",
            show=1,
            suffers=True,
        ),
    ]
    answer: Annotated[
        str | None,
        column("The answers, those of another type than asked for with it; 24 at most", show=1),
    ]
    ttl_s: Annotated[
        int | None, column("Lowest time to live of the answers, in seconds", Unit.NUMBER, show=6)
    ]
    pattern: Annotated[
        str | None,
        column(
            "Known pattern: lost_twin (A or AAAA from one socket, whose answer was lost), search_list (a name"
            " that does not exist and was tried with a suffix), failover (another server was asked),"
            " retry_over_tcp (the answer over UDP was truncated), ttl_0",
            show=5,
        ),
    ]
    protocol: Annotated[str, column("Protocol: dns, mdns, llmnr or nbns", show=7)]
    flow: Annotated[
        int,
        column("Number of the UDP flow or TCP stream (see transport), as Wireshark's", Unit.NUMBER, show=8),
    ]
    client_port: Annotated[int, column("Port of the client", Unit.PORT, show=WIDE)]
    server_port: Annotated[int, column("Port of the server", Unit.PORT, show=WIDE)]
    first_frame: Annotated[
        int | None, column("Frame of the first attempt of the lookup", Unit.FRAME, show=WIDE)
    ]
    other_frame: Annotated[
        int | None,
        column(
            "Query that a note or a duplicate is about; the latest of several answers of multicast DNS",
            Unit.FRAME,
            show=WIDE,
        ),
    ]
    response_ns: Annotated[
        int | None,
        column(
            "From the query of this port with this id to the answer; from the first if it was sent again"
            " within 5 s. As Wireshark's dns.time",
            Unit.DURATION,
            show=8,
        ),
    ]
    server_ns: Annotated[
        int | None,
        column(
            "What the server took: from when it was asked last; from the first time if it answered each time",
            Unit.DURATION,
            show=WIDE,
        ),
    ]
    wait_ns: Annotated[
        int | None,
        column(
            "How long the client waited for it in vain, until it asked this server or another one again; null"
            " if it did not",
            Unit.DURATION,
            show=WIDE,
        ),
    ]
    responses: Annotated[int | None, column("Messages that answered it", Unit.COUNT, show=WIDE)]
    opcode: Annotated[str | None, column("Operation: query, notify, update, and so on", show=WIDE)]
    qclass: Annotated[str | None, column("Class asked for", show=WIDE)]
    questions: Annotated[int, column("Questions of the message", Unit.COUNT, show=WIDE, suffers=False)]
    truncated: Annotated[bool, column("Whether the answer has the flag TC", Unit.TRUTH, show=WIDE)]
    query_flags: Annotated[
        str | None,
        column("Flags of the query that are set: AA TC RD RA Z AD CD, of NetBIOS names B", show=WIDE),
    ]
    response_flags: Annotated[str | None, column("Likewise of the answer", show=WIDE)]
    query_bytes: Annotated[int | None, column("Length of the query", Unit.BYTES, show=WIDE, suffers=False)]
    response_bytes: Annotated[int | None, column("Length of the answer", Unit.BYTES, show=8, suffers=False)]
    edns_bytes: Annotated[
        int | None,
        column(
            "What the client says it can take (EDNS); null without EDNS", Unit.BYTES, show=WIDE, suffers=False
        ),
    ]
    dnssec_ok: Annotated[bool, column("Whether the query has the flag DO", Unit.TRUTH, show=WIDE)]
    edns_options: Annotated[
        str | None, column("Options of the query: client subnet, cookie and others", show=WIDE)
    ]
    server_edns_bytes: Annotated[
        int | None, column("What the server can take", Unit.BYTES, show=WIDE, suffers=False)
    ]
    server_edns_options: Annotated[str | None, column("Options of the answer", show=WIDE)]
    extended_error: Annotated[str | None, column("Extended errors of the answer (RFC 8914)", show=6)]
    note: Annotated[str | None, column("What else there is to say, damage included", note=True)]


class DnsServer(Record, frozen=True):
    """A server, or a group that was asked.

    Percentiles are values that occurred (nearest rank); from 4096 answers on they are within 0.8 %.
    """

    server: Annotated[str, column("Its address", Unit.ADDRESS, show=0)]
    server_port: Annotated[int, column("Its port", Unit.PORT, show=2)]
    protocol: Annotated[str, column("Protocol: dns, mdns, llmnr or nbns", show=3)]
    transport: Annotated[str, column("Transport: udp or tcp", show=2)]
    queries: Annotated[
        int, column("Queries, each counted once however often it was sent", Unit.COUNT, show=0)
    ]
    sent: Annotated[int, column("Times they were sent", Unit.COUNT, show=4)]
    answered: Annotated[int, column("Queries with an answer, late or truncated ones too", Unit.COUNT, show=1)]
    unanswered: Annotated[int, column("Queries without an answer", Unit.COUNT, show=1)]
    open: Annotated[int, column("Queries within 5 s of the capture's end", Unit.COUNT, show=WIDE)]
    retried: Annotated[int, column("Unanswered ones that were asked again elsewhere", Unit.COUNT, show=4)]
    late: Annotated[
        int, column("Answers that came after the client had asked again elsewhere", Unit.COUNT, show=5)
    ]
    duplicate: Annotated[int, column("Answers more than were asked for", Unit.COUNT, show=5)]
    unasked: Annotated[int, column("Answers without a query", Unit.COUNT, show=5)]
    announced: Annotated[int, column("Messages of multicast DNS without a query", Unit.COUNT, show=WIDE)]
    truncated: Annotated[int, column("Truncated answers", Unit.COUNT, show=5)]
    noerror: Annotated[int, column("Answers with NOERROR", Unit.COUNT, show=5)]
    nxdomain: Annotated[int, column("Answers with NXDOMAIN: the name does not exist", Unit.COUNT, show=1)]
    servfail: Annotated[int, column("Answers with SERVFAIL", Unit.COUNT, show=2)]
    refused: Annotated[int, column("Answers with REFUSED", Unit.COUNT, show=5)]
    other_errors: Annotated[int, column("Answers with another error", Unit.COUNT, show=6)]
    malformed: Annotated[int, column("Messages that are damaged", Unit.COUNT, show=7)]
    response_p50_ns: Annotated[
        int | None, column("Median time from a query to its answer", Unit.DURATION, show=1)
    ]
    response_p95_ns: Annotated[int | None, column("The 95th percentile", Unit.DURATION, show=2)]
    response_p99_ns: Annotated[int | None, column("The 99th percentile", Unit.DURATION, show=3)]
    response_max_ns: Annotated[int | None, column("The longest", Unit.DURATION, show=5)]
    top_nxdomain: Annotated[
        str | None,
        column("Names that do not exist and were asked for most, and how often", show=3),
    ]
    first_frame: Annotated[int, column("First query to it, or answer of it", Unit.FRAME, show=6)]


class DnsName(Record, frozen=True):
    """A name that was asked for, in lower case."""

    name: Annotated[str | None, column("The name", show=0)]
    protocol: Annotated[str, column("Protocol: dns, mdns, llmnr or nbns", show=4)]
    types: Annotated[str | None, column("Types asked for", show=1)]
    queries: Annotated[int, column("Queries", Unit.COUNT, show=0)]
    clients: Annotated[int, column("Addresses that asked", Unit.COUNT, show=2)]
    answered: Annotated[int, column("Queries with an answer", Unit.COUNT, show=1)]
    unanswered: Annotated[int, column("Queries without an answer", Unit.COUNT, show=1)]
    nxdomain: Annotated[int, column("Answers that it does not exist", Unit.COUNT, show=1)]
    errors: Annotated[int, column("Answers with another error", Unit.COUNT, show=2)]
    retries: Annotated[int, column("Times it was asked for again", Unit.COUNT, show=2)]
    ttl_min_s: Annotated[
        int | None, column("Lowest time to live of an answer, in seconds", Unit.NUMBER, show=3)
    ]
    latency_p50_ns: Annotated[
        int | None, column("Median time from the first attempt to the answer", Unit.DURATION, show=2)
    ]
    latency_p95_ns: Annotated[int | None, column("The 95th percentile", Unit.DURATION, show=3)]
    latency_p99_ns: Annotated[int | None, column("The 99th percentile", Unit.DURATION, show=5)]
    answer: Annotated[str | None, column("The last answer", show=3)]
    first_frame: Annotated[int, column("First query for it", Unit.FRAME, show=4)]


class DnsPattern(Record, frozen=True):
    """A pattern in the queries of a client to a server; ``pattern`` of the table dns has their meaning."""

    pattern: Annotated[
        str, column("Pattern: lost_twin, search_list, failover, retry_over_tcp or ttl_0", show=0)
    ]
    client: Annotated[str, column("Address of the client", Unit.ADDRESS, show=1)]
    server: Annotated[str, column("Address of the server", Unit.ADDRESS, show=1)]
    count: Annotated[int, column("Queries", Unit.COUNT, show=0)]
    wait_ns: Annotated[
        int,
        column(
            "What they cost in all: waits until it was asked again, or answers that were of no use; of what"
            " was asked for the same name at the same time (A and AAAA) once",
            Unit.DURATION,
            show=0,
        ),
    ]
    longest_ns: Annotated[int, column("The most that one cost", Unit.DURATION, show=2)]
    example: Annotated[str | None, column("Name of the first of them", show=1)]
    first_frame: Annotated[int, column("Query of the first of them", Unit.FRAME, show=1)]
    last_frame: Annotated[int, column("Query of the last of them", Unit.FRAME, show=4)]
    advice: Annotated[str, column("What to do", note=True)]
