"""Records about UDP."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import WIDE, Record, Unit, column


class UdpFlow(Record, frozen=True):
    """One UDP flow: the datagrams between two endpoints."""

    flow: Annotated[
        int, column("Number of the flow, counted from 0 as Wireshark's udp.stream", Unit.NUMBER, show=0)
    ]
    client: Annotated[
        str, column("Address of the endpoint that is taken for the client", Unit.ADDRESS, show=0)
    ]
    client_port: Annotated[int, column("Port of the client", Unit.PORT, show=3)]
    server: Annotated[str, column("Address of the other endpoint", Unit.ADDRESS, show=0)]
    server_port: Annotated[int, column("Port of the server", Unit.PORT, show=0)]
    app: Annotated[str | None, column("Application protocol, null if not known", show=1)]
    start_ns: Annotated[int, column("Time of its first datagram", Unit.TIME, show=7)]
    duration_ns: Annotated[
        int, column("From its first datagram to its last", Unit.DURATION, show=2, suffers=True)
    ]
    client_datagrams: Annotated[int, column("Datagrams that the client sent", Unit.COUNT, show=3)]
    server_datagrams: Annotated[int, column("Datagrams that the server sent", Unit.COUNT, show=3)]
    client_bytes: Annotated[int, column("Payload that the client sent", Unit.BYTES, show=2)]
    server_bytes: Annotated[int, column("Payload that the server sent", Unit.BYTES, show=2)]
    conn_state: Annotated[
        str,
        column(
            "Who spoke, as Zeek's conn_state: S0 only the originator, SHR only the responder, SF both, OTH"
            " neither (only an ICMP error tells of it). The originator sent the first datagram, unless its"
            " port is a well-known server's and the other is not",
            show=7,
        ),
    ]
    client_process: Annotated[
        str | None,
        column(
            "Process of this machine that had the client's socket when the flow was seen first, as 1234/dig;"
            " null where that is not known, and always for files",
            show=6,
        ),
    ]
    server_process: Annotated[str | None, column("The same of the server's socket", show=5)]
    first_frame: Annotated[int, column("Number of its first frame", Unit.FRAME, show=6)]
    last_frame: Annotated[int, column("Number of its last frame", Unit.FRAME, show=WIDE)]
    icmp_errors: Annotated[int, column("ICMP errors that quote a datagram of this flow", Unit.COUNT, show=4)]
    fragments: Annotated[int, column("IP fragments that its datagrams came in", Unit.COUNT, show=5)]
    senders: Annotated[
        str | None,
        column(
            "Who sent datagrams: both, client or server (one-way), null if none were captured",
            show=3,
            suffers=True,
        ),
    ]
    cast: Annotated[
        str,
        column(
            "To how many they went: unicast, multicast or broadcast (by the address, or by the link header)",
            show=4,
        ),
    ]
    min_client_bytes: Annotated[
        int | None, column("The client's smallest datagram: its payload", Unit.BYTES, show=WIDE)
    ]
    avg_client_bytes: Annotated[int | None, column("The mean of its datagrams", Unit.BYTES, show=WIDE)]
    max_client_bytes: Annotated[int | None, column("Its largest datagram", Unit.BYTES, show=5)]
    min_server_bytes: Annotated[
        int | None, column("The server's smallest datagram: its payload", Unit.BYTES, show=WIDE)
    ]
    avg_server_bytes: Annotated[int | None, column("The mean of its datagrams", Unit.BYTES, show=WIDE)]
    max_server_bytes: Annotated[int | None, column("Its largest datagram", Unit.BYTES, show=5)]
    client_bps: Annotated[
        int | None, column("Payload of the client over the duration of the flow", Unit.RATE, show=WIDE)
    ]
    server_bps: Annotated[
        int | None, column("Payload of the server over the duration of the flow", Unit.RATE, show=WIDE)
    ]
    silence_ns: Annotated[
        int | None,
        column("Longest time between two datagrams, whoever sent them", Unit.DURATION, show=6, suffers=True),
    ]
    silence_frame: Annotated[int | None, column("The frame that ended it", Unit.FRAME, show=WIDE)]
    icmp_error: Annotated[
        str | None,
        column(
            "What the first of the ICMP errors says: port unreachable (sent to nobody) or another", show=2
        ),
    ]
    icmp_frame: Annotated[int | None, column("Its frame", Unit.FRAME, show=6)]
    fragmented: Annotated[int, column("Datagrams that came in IP fragments", Unit.COUNT, show=WIDE)]
    aligned: Annotated[
        int,
        column(
            "Datagrams that are one message each, as writes has it for TCP: what was sent at once is received"
            " at once",
            Unit.COUNT,
            show=WIDE,
        ),
    ]
    coalesced: Annotated[
        int,
        column(
            "Packets above 1500 bytes that are no fragments and do not stay on their host: several datagrams"
            " that were captured before they were cut (GSO) or after they were joined (GRO), or a link with"
            " larger frames",
            Unit.COUNT,
            show=WIDE,
        ),
    ]
