"""Records about what streams waited for, and about small segments."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import WIDE, Record, Unit, column


class Stall(Record, frozen=True):
    """A wait of a millisecond or more with its cause. Mere round trips are not listed; ``waits`` has them."""

    stream: Annotated[int, column("Number of the connection, as Wireshark's tcp.stream", Unit.NUMBER, show=0)]
    sender: Annotated[str, column("Who could not send, or did not: client or server", show=0)]
    kind: Annotated[
        str,
        column(
            "What it was. nagle_delayed_ack: a small segment that Nagle's algorithm held until a delayed"
            " acknowledgement; nagle: until one that was not delayed; zero_window; window_full: no room for a"
            " full segment; retransmission_timeout; fast_recovery; handshake_retry; client_thinking and"
            " server_thinking: the program",
            show=0,
            suffers=True,
        ),
    ]
    frame: Annotated[int, column("The frame that the wait began with", Unit.FRAME, show=0)]
    end_frame: Annotated[
        int | None, column("The frame that ended it; null if nothing did", Unit.FRAME, show=0)
    ]
    time_ns: Annotated[int, column("When it began, seen at the capture point", Unit.TIME, show=WIDE)]
    duration_ns: Annotated[
        int,
        column(
            "How long it lasted; of thinking, without the round trip between capture point and program",
            Unit.DURATION,
            show=0,
            suffers=True,
        ),
    ]
    awaited: Annotated[str, column("What was waited for", show=1)]
    cause_frame: Annotated[
        int | None,
        column("The acknowledgement or window that let the sender go on", Unit.FRAME, show=2),
    ]
    saving_ns: Annotated[
        int | None,
        column("How much sooner the segment would have left with the advice taken", Unit.DURATION, show=3),
    ]
    advice: Annotated[str | None, column("What can be done about it", show=WIDE)]


class StreamWaits(Record, frozen=True):
    """How the time of a TCP connection was spent, from its first segment to its last.

    Each moment belongs to one cause, so that the causes add up to ``total_ns`` exactly.
    """

    stream: Annotated[int, column("Number of the connection, as Wireshark's tcp.stream", Unit.NUMBER, show=0)]
    total_ns: Annotated[int, column("From its first segment to its last", Unit.DURATION, show=0)]
    network_ns: Annotated[
        int,
        column(
            "Round trips, segments one after the other, waits for the congestion window",
            Unit.DURATION,
            show=0,
            suffers=True,
        ),
    ]
    client_thinking_ns: Annotated[
        int, column("The client's program had nothing to send", Unit.DURATION, show=0, suffers=True)
    ]
    server_thinking_ns: Annotated[
        int, column("The server's program had nothing to send", Unit.DURATION, show=0, suffers=True)
    ]
    nagle_delayed_ack_ns: Annotated[
        int,
        column(
            "Nagle's algorithm held a small segment, and a delayed acknowledgement let it go",
            Unit.DURATION,
            show=0,
            suffers=True,
        ),
    ]
    nagle_ns: Annotated[
        int,
        column("Nagle's algorithm held one for a round trip", Unit.DURATION, show=1, suffers=True),
    ]
    zero_window_ns: Annotated[
        int, column("The receiver's window was closed", Unit.DURATION, show=2, suffers=True)
    ]
    window_full_ns: Annotated[
        int, column("It had no room for a full segment", Unit.DURATION, show=3, suffers=True)
    ]
    retransmission_timeout_ns: Annotated[
        int,
        column(
            "A retransmission timer or tail loss probe was waited for", Unit.DURATION, show=2, suffers=True
        ),
    ]
    fast_recovery_ns: Annotated[
        int, column("Losses were noticed and repaired without a timer", Unit.DURATION, show=3, suffers=True)
    ]
    handshake_retry_ns: Annotated[
        int, column("A SYN or its answer had to be sent again", Unit.DURATION, show=3, suffers=True)
    ]
    idle_ns: Annotated[
        int,
        column(
            "After all was acknowledged, with nothing but keep-alives or such until the last segment",
            Unit.DURATION,
            show=4,
            suffers=True,
        ),
    ]


class SmallSegments(Record, frozen=True):
    """What one side of a TCP connection does about small segments: Nagle's algorithm, delayed ACKs."""

    stream: Annotated[int, column("Number of the connection, as Wireshark's tcp.stream", Unit.NUMBER, show=0)]
    sender: Annotated[str, column("Whose behaviour this is: client or server", show=0)]
    nodelay: Annotated[
        str | None,
        column(
            "TCP_NODELAY as its segments tell: on if it sent a small one behind a small one that was not"
            " acknowledged; off if at least two were held until an acknowledgement; else null",
            show=0,
        ),
    ]
    small_behind_small: Annotated[
        int,
        column("Small segments sent while a small one before was not acknowledged", Unit.NUMBER, show=3),
    ]
    small_behind_small_frame: Annotated[int | None, column("The first of them", Unit.FRAME, show=WIDE)]
    held: Annotated[
        int,
        column("Small segments that left upon the acknowledgement of the one before", Unit.NUMBER, show=1),
    ]
    held_frame: Annotated[int | None, column("The first of them", Unit.FRAME, show=WIDE)]
    held_ns: Annotated[
        int, column("For how long in all; TCP_NODELAY or one write would save this", Unit.DURATION, show=1)
    ]
    quick_acks: Annotated[
        int,
        column("Acknowledgements without payload, of all there was, that came at once", Unit.NUMBER, show=1),
    ]
    delayed_acks: Annotated[
        int,
        column(
            "Those that came 10 ms later than the round trip explains, or an eighth of it, or even later",
            Unit.NUMBER,
            show=1,
        ),
    ]
    delayed_ack_frame: Annotated[int | None, column("The first of them", Unit.FRAME, show=WIDE)]
    quick_acks_first: Annotated[
        int, column("How many came at once before the first that was delayed", Unit.NUMBER, show=WIDE)
    ]
    quick_phases: Annotated[
        int, column("How many runs of acknowledgements came at once", Unit.NUMBER, show=WIDE)
    ]
    delay_min_ns: Annotated[int | None, column("The shortest delay", Unit.DURATION, show=WIDE)]
    delay_avg_ns: Annotated[int | None, column("Their mean", Unit.DURATION, show=1)]
    delay_max_ns: Annotated[int | None, column("The longest", Unit.DURATION, show=WIDE)]
    system: Annotated[
        str | None,
        column("Which systems delay so long; null below three delays or without a usual time", show=4),
    ]
    system_percent: Annotated[
        int | None, column("How many of the delays agree with that", Unit.SHARE, show=WIDE)
    ]
    stalls: Annotated[
        int, column("Waits of it in the table stalls, those for programs apart", Unit.NUMBER, show=5)
    ]
    stall_ns: Annotated[int, column("How long these lasted in all", Unit.DURATION, show=5)]
