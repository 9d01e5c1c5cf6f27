"""Records about TCP connections."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import WIDE, Record, Unit, column


class Stream(Record, frozen=True):
    """One TCP connection."""

    stream: Annotated[
        int, column("Number of the connection, counted from 0 as Wireshark's tcp.stream", Unit.NUMBER, show=0)
    ]
    client: Annotated[str, column("Address of the endpoint that opened it", Unit.ADDRESS, show=0)]
    client_port: Annotated[int, column("Port of the client", Unit.PORT, show=3)]
    server: Annotated[str, column("Address of the other endpoint", Unit.ADDRESS, show=0)]
    server_port: Annotated[int, column("Port of the server", Unit.PORT, show=0)]
    app: Annotated[str | None, column("Application protocol, null if not known", show=1)]
    start_ns: Annotated[int, column("Time of its first packet", Unit.TIME, show=7)]
    duration_ns: Annotated[
        int, column("From its first packet to its last", Unit.DURATION, show=2, suffers=True)
    ]
    client_packets: Annotated[int, column("Packets that the client sent", Unit.COUNT, show=4)]
    server_packets: Annotated[int, column("Packets that the server sent", Unit.COUNT, show=4)]
    client_bytes: Annotated[
        int, column("Payload that the client sent, with what it sent again", Unit.BYTES, show=2)
    ]
    server_bytes: Annotated[
        int, column("Payload that the server sent, with what it sent again", Unit.BYTES, show=2)
    ]
    retransmissions: Annotated[
        int, column("Segments of both sides with bytes that were sent before", Unit.COUNT, show=2)
    ]
    out_of_order: Annotated[int, column("Segments overtaken by later ones", Unit.COUNT, show=6)]
    duplicate_acks: Annotated[
        int,
        column("Acknowledgements that repeat the one before while data is on its way", Unit.COUNT, show=6),
    ]
    zero_windows: Annotated[int, column("Segments that offer no window", Unit.COUNT, show=5)]
    handshake_ns: Annotated[
        int | None,
        column("From the first SYN to the client's ACK, null if not seen", Unit.DURATION, show=4),
    ]
    completeness: Annotated[
        int,
        column(
            "What was seen of it, as Wireshark's tcp.completeness: the sum of 1 SYN, 2 SYN-ACK, 4 ACK,"
            " 8 data, 16 FIN, 32 RST; of the first packet only a SYN counts. Text shows a letter for each",
            Unit.FLAGS,
            show=5,
            flags="RFDASS",
        ),
    ]
    conn_state: Annotated[
        str,
        column(
            "How it began and ended, as Zeek's conn_state: S0 no answer, S1 open, SF opened and closed, REJ"
            " refused, S2/S3 closed by originator/responder alone, RSTO/RSTR reset by originator/responder,"
            " RSTOS0 SYN then RST, RSTRH SYN-ACK then RST, SH/SHR closed without the other's handshake, OTH"
            " anything else. The originator sent the first packet unless history begins with ^; mostly it is"
            " the client",
            show=3,
            suffers=True,
        ),
    ]
    history: Annotated[
        str | None,
        column(
            "What was seen of it, in order, as Zeek's history: S SYN, H SYN-ACK, A ACK, D data, F FIN, R RST,"
            " G bytes never captured, T bytes sent again, W zero window (G, T and W at the 1st, 10th, 100th,"
            " and so on), I FIN with RST, Q SYN with FIN or RST, ^ roles exchanged; capital letters for the"
            " originator. After 28 letters it ends with an ellipsis; checksums are not verified, so C never"
            " occurs",
            show=5,
        ),
    ]
    client_state: Annotated[
        str | None,
        column(
            "TCP state of the client at the end, as in RFC 9293, null if nothing is known of it",
            show=6,
            suffers=True,
        ),
    ]
    server_state: Annotated[
        str | None,
        column(
            "TCP state of the server at the end, as in RFC 9293, null if nothing is known of it",
            show=6,
            suffers=True,
        ),
    ]
    client_process: Annotated[
        str | None,
        column(
            "Process of this machine that had the client's socket when the connection was seen first, as"
            " 1234/curl; null where that is not known, and always for files",
            show=6,
        ),
    ]
    server_process: Annotated[str | None, column("The same of the server's socket", show=5)]
    first_frame: Annotated[int, column("Number of its first frame", Unit.FRAME, show=6)]
    last_frame: Annotated[int, column("Number of its last frame", Unit.FRAME, show=WIDE)]
    tap: Annotated[
        str | None,
        column(
            "Where it was captured: client (at the client or on its side of the first router), server, both"
            " (one host, or next to each other), or between; null where nothing tells",
            show=2,
        ),
    ]
    tap_evidence: Annotated[
        str | None, column("What that is concluded from, and what else is known about it", show=WIDE)
    ]
