"""Records about names of addresses."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import WIDE, Record, Unit, column


class Name(Record, frozen=True):
    """A TCP connection or UDP flow, and the answer that gave its server's address."""

    transport: Annotated[str, column("Which it is: tcp or udp", show=0)]
    stream: Annotated[
        int,
        column("Number of the stream or flow, as Wireshark's tcp.stream or udp.stream", Unit.NUMBER, show=0),
    ]
    client: Annotated[str, column("Address of the client", Unit.ADDRESS, show=2)]
    client_port: Annotated[int, column("Port of the client", Unit.PORT, show=4)]
    server: Annotated[str, column("Address of the server", Unit.ADDRESS, show=0)]
    server_port: Annotated[int, column("Port of the server", Unit.PORT, show=1)]
    start_ns: Annotated[int, column("When it began", Unit.TIME, show=WIDE)]
    name: Annotated[
        str | None,
        column("The name that was asked for when an answer gave this address, null if no answer did", show=0),
    ]
    chain: Annotated[
        str | None,
        column("The names that CNAME records led to, with a space between, null if there were none", show=3),
    ]
    resolved: Annotated[
        str,
        column(
            "How the client came by the address: answer (to this client, or to all), expired (so, but older"
            " than its time to live, and than a second), other_host (only another host was answered),"
            " elsewhere (the client says a name that no answer had this address for: hosts file, cache, or"
            " an answer that was not captured), literal (what it says is an address), group (multicast or"
            " broadcast), unknown (elsewhere or literal, which packets do not tell)",
            show=0,
            suffers=True,
        ),
    ]
    said_name: Annotated[
        str | None,
        column("What the client calls the server: TLS server name or HTTP host, null if it does not", show=1),
    ]
    answer_frame: Annotated[int | None, column("Frame of the answer", Unit.FRAME, show=1)]
    age_ns: Annotated[
        int | None, column("How old the answer was when the connection began", Unit.DURATION, show=1)
    ]
    ttl_s: Annotated[
        int | None,
        column("Its time to live in seconds, the lowest along the chain", Unit.NUMBER, show=2),
    ]


class Lookup(Record, frozen=True):
    """A name that a client was told addresses of, and what came of it."""

    client: Annotated[str, column("Address that the answers were sent to", Unit.ADDRESS, show=0)]
    name: Annotated[str, column("The name that was asked for, in lower case", show=0)]
    protocol: Annotated[str, column("Protocol of the answers: dns, llmnr or nbns", show=4)]
    answers: Annotated[int, column("Answers with addresses", Unit.COUNT, show=0)]
    addresses: Annotated[
        int,
        column("Addresses in them; without unspecified and loopback ones", Unit.COUNT, show=1),
    ]
    connections: Annotated[
        int,
        column(
            "TCP connections and UDP flows between the client and these addresses that were there when the"
            " first answer had come, or later",
            Unit.COUNT,
            show=0,
        ),
    ]
    of_others: Annotated[int, column("Likewise, of other hosts", Unit.COUNT, show=1)]
    time_ns: Annotated[int, column("Time of the first answer", Unit.TIME, show=WIDE)]
    last_ns: Annotated[int, column("Time of the last one", Unit.TIME, show=WIDE)]
    first_frame: Annotated[int, column("Frame of the first answer", Unit.FRAME, show=1)]
    last_frame: Annotated[int, column("Frame of the last one", Unit.FRAME, show=3)]
