"""Records about the course of a TCP connection in time."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import WIDE, Record, Unit, column


class WindowPoint(Record, frozen=True):
    """One segment of a TCP connection, with what was true after it."""

    stream: Annotated[int, column("Number of the connection", Unit.NUMBER, show=3)]
    sender: Annotated[str, column("Who sent the segment: client or server", show=0)]
    frame: Annotated[int, column("Number of its frame", Unit.FRAME, show=0)]
    time_ns: Annotated[int, column("When it was captured", Unit.TIME, show=7)]
    elapsed_ns: Annotated[int, column("Time since the first frame of the connection", Unit.DURATION, show=0)]
    flags: Annotated[
        int,
        column(
            "Flags of the TCP header: the sum of 1 FIN, 2 SYN, 4 RST, 8 PSH, 16 ACK, 32 URG, 64 ECE, 128 CWR."
            " Text shows a letter for each",
            Unit.FLAGS,
            show=2,
            flags="CEUAPRSF",
        ),
    ]
    seq: Annotated[
        int,
        column("Relative sequence number of its first byte; it goes on beyond 2**32", Unit.NUMBER, show=1),
    ]
    payload_bytes: Annotated[int, column("Payload that it carries", Unit.BYTES, show=1, suffers=False)]
    ack: Annotated[
        int | None, column("Relative acknowledgement number, null without one", Unit.NUMBER, show=1)
    ]
    sack: Annotated[
        int | None,
        column(
            "Relative sequence number up to which its SACK option reports bytes that have arrived; null if it"
            " reports none behind the acknowledgement",
            Unit.NUMBER,
            show=WIDE,
        ),
    ]
    window_bytes: Annotated[
        int | None,
        column(
            "Receive window that it offers, scaled; null where the scale is not known",
            Unit.BYTES,
            show=1,
            suffers=False,
        ),
    ]
    bytes_in_flight: Annotated[
        int | None,
        column(
            "What its sender has sent and the other side has neither acknowledged nor reported with SACK",
            Unit.BYTES,
            show=1,
        ),
    ]
    peer_window_bytes: Annotated[
        int | None,
        column(
            "Window that the other side has offered its sender, as last seen",
            Unit.BYTES,
            show=4,
            suffers=False,
        ),
    ]
    rtt_ns: Annotated[
        int | None,
        column(
            "Round trip time that its acknowledgement measures, null if it measures none",
            Unit.DURATION,
            show=2,
        ),
    ]
    events: Annotated[
        str | None, column("Kinds of the events at this segment, separated by commas, null for none", show=2)
    ]
