"""Records about what held half-streams up."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import WIDE, Record, Unit, column


class Limit(Record, frozen=True):
    """What one side of a TCP connection waited for while it had payload to deliver.

    Its active time runs from its first payload to the acknowledgement of its last, or to the last segment
    seen if there is none. The classes share it out without rest. They are null where no acknowledgement was
    captured.
    """

    stream: Annotated[int, column("Number of the connection, as Wireshark's tcp.stream", Unit.NUMBER, show=0)]
    sender: Annotated[str, column("Whose payload this is about: client or server", show=0)]
    verdict: Annotated[
        str | None,
        column(
            "What took most time: application, receiver_window, loss (recovery and congestion_window"
            " together), slow_start, path_rate or send_buffer. What the last segments before a pause or the"
            " end took to arrive does not count for the application, unless nothing else took a tenth of the"
            " time. Null below four segments with payload",
            show=0,
        ),
    ]
    active_ns: Annotated[int | None, column("How long it was active", Unit.DURATION, show=1)]
    busy_ns: Annotated[
        int | None,
        column(
            "How much of that something was on its way, or had to wait for the window; as busy_time of"
            " Linux's TCP_INFO",
            Unit.DURATION,
            show=8,
        ),
    ]
    bytes: Annotated[int, column("Payload, each byte counted once", Unit.BYTES, show=6)]
    application_ns: Annotated[
        int | None,
        column(
            "It had nothing to send: the application paused, waited for an answer, or had written all",
            Unit.DURATION,
            show=WIDE,
        ),
    ]
    receiver_window_ns: Annotated[
        int | None,
        column("The receiver's window had no room for a full segment", Unit.DURATION, show=WIDE),
    ]
    recovery_ns: Annotated[
        int | None,
        column(
            "Losses were being repaired, or a retransmission timer or tail loss probe was waited for",
            Unit.DURATION,
            show=WIDE,
        ),
    ]
    congestion_window_ns: Annotated[
        int | None,
        column(
            "It waited for acknowledgements, its congestion window having been cut by an earlier loss",
            Unit.DURATION,
            show=WIDE,
        ),
    ]
    slow_start_ns: Annotated[
        int | None,
        column(
            "It waited for acknowledgements before any loss, with more and more on its way: the congestion"
            " window had not grown yet",
            Unit.DURATION,
            show=WIDE,
        ),
    ]
    path_rate_ns: Annotated[
        int | None,
        column(
            "A queue stood on the way, or segments left evenly spaced: a bottleneck's rate, or pacing",
            Unit.DURATION,
            show=WIDE,
        ),
    ]
    send_buffer_ns: Annotated[
        int | None,
        column(
            "It waited for acknowledgements with the same amount on its way for more than four round trips,"
            " which neither losses nor the receiver's window explain: a send buffer or another fixed limit",
            Unit.DURATION,
            show=WIDE,
        ),
    ]
    application_percent: Annotated[int | None, column("Share of application_ns", Unit.SHARE, show=2)]
    receiver_window_percent: Annotated[int | None, column("Share of receiver_window_ns", Unit.SHARE, show=2)]
    recovery_percent: Annotated[int | None, column("Share of recovery_ns", Unit.SHARE, show=3)]
    congestion_window_percent: Annotated[
        int | None, column("Share of congestion_window_ns", Unit.SHARE, show=3)
    ]
    slow_start_percent: Annotated[int | None, column("Share of slow_start_ns", Unit.SHARE, show=4)]
    path_rate_percent: Annotated[int | None, column("Share of path_rate_ns", Unit.SHARE, show=4)]
    send_buffer_percent: Annotated[int | None, column("Share of send_buffer_ns", Unit.SHARE, show=5)]
