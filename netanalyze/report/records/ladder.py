"""The record of one segment in a ladder diagram."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import Record, Unit, column


class Segment(Record, frozen=True):
    """One segment of a TCP connection."""

    frame: Annotated[int, column("Number of its frame", Unit.FRAME, show=0)]
    time_ns: Annotated[int, column("When it was captured", Unit.TIME, show=7)]
    elapsed_ns: Annotated[int, column("Time since the first frame of the connection", Unit.DURATION, show=0)]
    sender: Annotated[str, column("Who sent it: client or server", show=0)]
    flags: Annotated[
        int,
        column(
            "Flags of the TCP header: the sum of 1 FIN, 2 SYN, 4 RST, 8 PSH, 16 ACK, 32 URG, 64 ECE, 128 CWR",
            Unit.FLAGS,
            show=0,
            flags="CEUAPRSF",
        ),
    ]
    seq: Annotated[int, column("Relative sequence number", Unit.NUMBER, show=0)]
    ack: Annotated[
        int | None, column("Relative acknowledgement number, null without one", Unit.NUMBER, show=0)
    ]
    payload_bytes: Annotated[int, column("Payload that it carries", Unit.BYTES, show=0)]
    window_bytes: Annotated[
        int | None,
        column("Window that it offers, scaled; null where the scale is not known", Unit.BYTES, show=1),
    ]
