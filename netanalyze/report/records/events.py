"""Records about TCP events."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import WIDE, Record, Unit, column


class Event(Record, frozen=True):
    """Something notable at one TCP segment. A segment may have several events, a row each."""

    frame: Annotated[int, column("Number of the frame", Unit.FRAME, show=0)]
    time_ns: Annotated[int, column("When it was captured", Unit.TIME, show=WIDE)]
    elapsed_ns: Annotated[int, column("Time since the first frame of the connection", Unit.DURATION, show=2)]
    stream: Annotated[int, column("Number of the connection", Unit.NUMBER, show=0)]
    sender: Annotated[str, column("Who sent the segment: client or server", show=0)]
    kind: Annotated[
        str, column("What it is: the name of Wireshark's tcp.analysis field", show=0, suffers=True)
    ]
    detail: Annotated[str | None, column("Why it is taken for that", show=0)]
    cause: Annotated[
        str | None,
        column(
            "In a word: what made its sender send it again (handshake, fast, recovery, timeout,"
            " after_timeout, tail_loss_probe, tail_timer, early), how it is known to be late"
            " (older_timestamp, older_ip_id, soon, after_ack), or what it reports (sack, d_sack)",
            show=WIDE,
        ),
    ]
    other_frame: Annotated[
        int | None,
        column(
            "The frame that sent these bytes first, that overtook it, or that it repeats",
            Unit.FRAME,
            show=WIDE,
        ),
    ]
    ago_ns: Annotated[int | None, column("How long before that was", Unit.DURATION, show=WIDE)]
    number: Annotated[
        int | None,
        column("Which duplicate acknowledgement of the same number it is", Unit.NUMBER, show=WIDE),
    ]
    missing_bytes: Annotated[
        int | None, column("Bytes not captured that it skips or acknowledges", Unit.BYTES, show=WIDE)
    ]
    window_bytes: Annotated[
        int | None,
        column(
            "Window that it offers, or uses up; null where it is not known",
            Unit.BYTES,
            show=WIDE,
            suffers=False,
        ),
    ]
    seq: Annotated[int, column("Relative sequence number", Unit.NUMBER, show=WIDE)]
    payload_bytes: Annotated[int, column("Payload", Unit.BYTES, show=WIDE, suffers=False)]
    ack: Annotated[int | None, column("Relative acknowledgement number", Unit.NUMBER, show=WIDE)]
    later_frame: Annotated[
        int | None,
        column(
            "A later frame that tells more: it brings or acknowledges the missing bytes, or reports with"
            " D-SACK that a retransmission was not needed",
            Unit.FRAME,
            show=WIDE,
        ),
    ]
