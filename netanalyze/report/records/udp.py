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
    duration_ns: Annotated[int, column("From its first datagram to its last", Unit.DURATION, show=2)]
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
    first_frame: Annotated[int, column("Number of its first frame", Unit.FRAME, show=6)]
    last_frame: Annotated[int, column("Number of its last frame", Unit.FRAME, show=WIDE)]
    icmp_errors: Annotated[int, column("ICMP errors that quote a datagram of this flow", Unit.COUNT, show=4)]
    fragments: Annotated[int, column("IP fragments that its datagrams came in", Unit.COUNT, show=5)]
