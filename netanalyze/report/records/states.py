"""Records about the states of TCP's endpoints."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import WIDE, Record, Unit, column


class Transition(Record, frozen=True):
    """One change of state of one endpoint of a TCP connection."""

    stream: Annotated[int, column("Number of the connection", Unit.NUMBER, show=0)]
    endpoint: Annotated[str, column("Whose state: client or server", show=0)]
    frame: Annotated[
        int | None, column("Number of the frame that caused it, null for a timeout", Unit.FRAME, show=1)
    ]
    time_ns: Annotated[
        int,
        column(
            "Time of that frame, or of the endpoint's last change where that was later. What it sent moved it"
            " at this time or before, what it received at this time or after",
            Unit.TIME,
            show=3,
        ),
    ]
    from_state: Annotated[
        str | None,
        column("State before, as in RFC 9293, null if nothing was known of the endpoint", show=0),
    ]
    to_state: Annotated[str, column("State after", show=0)]
    trigger: Annotated[
        str,
        column(
            "What caused it: snd and rcv as the endpoint sees it; mid-stream where the capture begins after"
            " the connection, new SYN where a new connection between the same ports begins",
            show=0,
        ),
    ]
    dwell_ns: Annotated[
        int | None,
        column("How long it had been in the state before, null if that is not known", Unit.DURATION, show=1),
    ]
    assumed: Annotated[
        bool,
        column(
            "Whether it is a guess, because the capture does not have what caused it, or began later",
            Unit.TRUTH,
            show=4,
        ),
    ]
    proof_frame: Annotated[
        int | None,
        column(
            "Number of the endpoint's own frame that proves that it received what caused it; null for what it"
            " sent, and where no frame does",
            Unit.FRAME,
            show=5,
        ),
    ]
    proof_ns: Annotated[
        int | None, column("Time of the proof: the change was not later", Unit.TIME, show=WIDE)
    ]
    earliest_ns: Annotated[
        int | None,
        column(
            "Proven: the endpoint did not change before. Null where nothing that was captured shows it",
            Unit.TIME,
            show=WIDE,
        ),
    ]
    latest_ns: Annotated[
        int | None,
        column(
            "Proven: the endpoint changed by then. Null where nothing that was captured shows it",
            Unit.TIME,
            show=WIDE,
        ),
    ]
    likely_earliest_ns: Annotated[
        int | None,
        column(
            "Estimate: what the endpoint sent it sent at most tap_rtt_ns before it was captured. Not so for a"
            " segment that waited in a queue for longer than that. Not before earliest_ns",
            Unit.TIME,
            show=WIDE,
        ),
    ]
    likely_latest_ns: Annotated[
        int | None,
        column(
            "Estimate: what the endpoint received it received at most tap_rtt_ns after it was captured, with"
            " the same exception. Not after latest_ns",
            Unit.TIME,
            show=WIDE,
        ),
    ]
    tap_rtt_ns: Annotated[
        int | None,
        column(
            "Least round trip seen between the capture point and the endpoint; at most 1 ms if the capture"
            " point is there. Null if none was seen",
            Unit.DURATION,
            show=WIDE,
        ),
    ]


class Population(Record, frozen=True):
    """The connections of one host in one state."""

    host: Annotated[str, column("Address of the host", Unit.ADDRESS, show=0)]
    state: Annotated[str, column("State of its endpoints, as in RFC 9293", show=0)]
    connections: Annotated[int, column("Connections that were in it at some time", Unit.COUNT, show=0)]
    peak: Annotated[int, column("Most connections in it at once", Unit.COUNT, show=0)]
    peak_ns: Annotated[int, column("When there were first that many", Unit.TIME, show=3)]
    still_open: Annotated[int, column("Connections in it at the end of the capture", Unit.COUNT, show=0)]
    longest_ns: Annotated[int, column("Longest stay in it", Unit.DURATION, show=1)]
    assumed: Annotated[int, column("Of the connections, how many are in it by a guess", Unit.COUNT, show=5)]
    stuck: Annotated[
        int | None,
        column(
            "For CLOSE-WAIT, FIN-WAIT-2 and LAST-ACK: connections that are in it at the end and have been for"
            " more than a second",
            Unit.COUNT,
            show=2,
        ),
    ]
    busiest_server: Annotated[
        str | None,
        column(
            "For TIME-WAIT of clients: address of the server to which most ports wait", Unit.ADDRESS, show=3
        ),
    ]
    busiest_server_port: Annotated[int | None, column("Port of that server", Unit.PORT, show=3)]
    busiest_peak: Annotated[
        int | None, column("Most ports in TIME-WAIT to that server at once", Unit.COUNT, show=4)
    ]
    ports_percent: Annotated[
        int | None,
        column(
            "How much of the 28232 ports from 32768 to 60999 that is, in percent, rounded down",
            Unit.NUMBER,
            show=2,
        ),
    ]
    ports_last_ns: Annotated[
        int | None,
        column(
            "How long these ports last if they go to TIME-WAIT at the rate seen; null if they come back as"
            " fast, and where the rate was seen for less than a second",
            Unit.DURATION,
            show=2,
        ),
    ]


class Closer(Record, frozen=True):
    """Who ends the connections to one port of a server."""

    server: Annotated[str, column("Address of the server", Unit.ADDRESS, show=0)]
    server_port: Annotated[int, column("Port of the server", Unit.PORT, show=0)]
    connections: Annotated[int, column("Connections to it", Unit.COUNT, show=0)]
    client_first: Annotated[int, column("Connections that the client closed first", Unit.COUNT, show=0)]
    server_first: Annotated[
        int,
        column("Connections that the server closed first: TIME-WAIT is on its side", Unit.COUNT, show=0),
    ]
    simultaneous: Annotated[int, column("Connections that both closed at once", Unit.COUNT, show=3)]
    client_resets: Annotated[
        int, column("Connections that the client ended with RST before any FIN", Unit.COUNT, show=1)
    ]
    server_resets: Annotated[
        int, column("Connections that the server ended with RST before any FIN", Unit.COUNT, show=1)
    ]
    refused: Annotated[int, column("Connections that the server refused", Unit.COUNT, show=2)]
    not_closed: Annotated[int, column("Connections that nobody ended", Unit.COUNT, show=2)]
    client_leaks: Annotated[
        int,
        column(
            "Connections that the client does not close although the server has: more than a second in"
            " CLOSE-WAIT, and still there at the end or ended only by the exit of the process",
            Unit.COUNT,
            show=1,
        ),
    ]
    server_leaks: Annotated[
        int, column("Connections that the server does not close although the client has", Unit.COUNT, show=1)
    ]
    leaks_ended_by_exit: Annotated[
        int,
        column(
            "Of these, how many ended with RST, or in one instant with others: the process has exited",
            Unit.COUNT,
            show=3,
        ),
    ]
    leaks_per_minute: Annotated[
        int | None, column("Leaks a minute, rounded, null below two", Unit.COUNT, show=2)
    ]
    leak_interval_ns: Annotated[
        int | None, column("Mean time between two leaks, null below two", Unit.DURATION, show=4)
    ]
