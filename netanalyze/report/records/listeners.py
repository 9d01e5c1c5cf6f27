"""Records about listening sockets."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import WIDE, Record, Unit, column


class Listener(Record, frozen=True):
    """One address and port that somebody tried to connect to, seen with the SYN."""

    server: Annotated[str, column("Address that was tried", Unit.ADDRESS, show=0)]
    server_port: Annotated[int, column("Port that was tried", Unit.PORT, show=0)]
    attempts: Annotated[int, column("Connections that were tried: streams with a SYN", Unit.COUNT, show=1)]
    established: Annotated[int, column("Those whose handshake was completed", Unit.COUNT, show=2)]
    refused: Annotated[int, column("Those whose SYN was answered with RST", Unit.COUNT, show=3)]
    unanswered: Annotated[int, column("Those without SYN-ACK, RST or ICMP error", Unit.COUNT, show=3)]
    syn_retries: Annotated[int, column("SYNs that were sent again", Unit.COUNT, show=4)]
    syn_ack_retries: Annotated[int, column("SYN-ACKs that were sent again", Unit.COUNT, show=6)]
    retry_schedule: Annotated[
        str | None,
        column(
            "How SYNs were repeated: linear (each wait like the first, Linux 6.5 and later at first) or"
            " exponential; null where none was repeated twice",
            show=8,
        ),
    ]
    max_half_open: Annotated[
        int, column("Most connections at a time that had a SYN-ACK and no ACK yet", Unit.COUNT, show=6)
    ]
    max_waiting: Annotated[
        int,
        column(
            "Most connections at a time whose handshake was complete while the server had sent nothing: as"
            " many as the accept queue can have held, and more where servers let their clients speak first",
            Unit.COUNT,
            show=5,
        ),
    ]
    first_drop: Annotated[
        int | None,
        column(
            "How many connections the capture shows in the queue that was full (waiting, or half-open for the"
            " SYN queue) when it dropped the first one; null if none was full",
            Unit.COUNT,
            show=3,
        ),
    ]
    first_drop_frame: Annotated[
        int | None, column("Frame of the first segment that was dropped", Unit.FRAME, show=3)
    ]
    overflows: Annotated[
        int,
        column(
            "Segments dropped because a queue was full: SYNs, and ACKs and data behind them",
            show=1,
            unit=Unit.COUNT,
        ),
    ]
    connect_avg_ns: Annotated[
        int | None,
        column(
            "From the first SYN to the ACK on average, null if none was established", Unit.DURATION, show=6
        ),
    ]
    connect_max_ns: Annotated[
        int | None, column("The longest of these, null if none was established", Unit.DURATION, show=4)
    ]
    cost_ns: Annotated[
        int,
        column(
            "What clients waited because a queue was full, added up: from the first SYN to the last one, and"
            " from an ACK that was ignored to what the server sent at last",
            Unit.DURATION,
            show=1,
        ),
    ]
    verdict: Annotated[
        str,
        column(
            "What the matter is: ok; packet loss (something was sent again, without a sign of a full queue);"
            " accept queue full; SYN queue full; SYN cookies; refused; filtered (no SYN answered, though the"
            " host sends other things); host dead (it sent nothing at all); no answer (none yet); or what the"
            " ICMP errors say: prohibited, host unreachable, net unreachable, port unreachable, ICMP error",
            show=0,
            suffers=True,
        ),
    ]
    signs: Annotated[
        str | None,
        column(
            "How a full queue showed: SYNs dropped, ACKs ignored (the SYN-ACK came again although the client"
            " had sent data), reset after the handshake (tcp_abort_on_overflow); null if none was full",
            show=5,
        ),
    ]
    first_frame: Annotated[int, column("Frame of the first SYN", Unit.FRAME, show=WIDE)]
