"""What connections do, and through which states their endpoints must go.

Expected moves are written as ``trigger@frame STATE``, with ``/proof`` behind the frame that caused the
move if a later frame proves it, and ``~`` before it if the move is assumed.
"""

from __future__ import annotations

from typing import NamedTuple

from tcp_steps import CLIENT_CLOSES, OPENED, READY, SYN_, SYN_ACK, THIRD, Step


class Story(NamedTuple):
    """Steps, and the moves that they must lead to; ``more_s``: how long the capture goes on."""

    steps: tuple[Step, ...]
    client: str
    server: str
    more_s: float = 0


OPEN_CLIENT = "snd SYN@1 SYN-SENT, rcv SYN,ACK@2/3 ESTABLISHED, "
OPEN_SERVER = "rcv SYN@1/2 SYN-RECEIVED, rcv ACK of SYN@3/5 ESTABLISHED, "
CLOSING_CLIENT = OPEN_CLIENT + "snd FIN@6 FIN-WAIT-1, rcv ACK of FIN@7/9 FIN-WAIT-2, rcv FIN@8/9 TIME-WAIT"
CLOSING_SERVER = OPEN_SERVER + "rcv FIN@6/7 CLOSE-WAIT, snd FIN@8 LAST-ACK, rcv ACK of FIN@9 CLOSED"

STORIES = {
    # Opening.
    "a SYN without an answer": Story((SYN_,), "snd SYN@1 SYN-SENT", ""),
    "SYN retries": Story(
        (SYN_, SYN_._replace(after_ms=1000), SYN_._replace(after_ms=1000)), "snd SYN@1 SYN-SENT", ""
    ),
    "a SYN retry that is answered": Story(
        (SYN_, SYN_._replace(after_ms=1000), SYN_ACK, THIRD, Step("s", "PA", 1, 1, 5)),
        "snd SYN@1 SYN-SENT, rcv SYN,ACK@3/4 ESTABLISHED",
        "rcv SYN@2/3 SYN-RECEIVED, rcv ACK of SYN@4/5 ESTABLISHED",
    ),
    "a SYN,ACK that nobody answers": Story(
        (SYN_, SYN_ACK, SYN_ACK._replace(after_ms=1000)), "snd SYN@1 SYN-SENT", "rcv SYN@1/2 SYN-RECEIVED"
    ),
    "the first SYN,ACK is lost": Story(
        (SYN_, SYN_ACK, SYN_ACK._replace(after_ms=1000), THIRD, Step("s", "PA", 1, 1, 5)),
        "snd SYN@1 SYN-SENT, rcv SYN,ACK@3/4 ESTABLISHED",
        "rcv SYN@1/2 SYN-RECEIVED, rcv ACK of SYN@4/5 ESTABLISHED",
    ),
    "the third ACK is lost": Story(
        # The server sends its SYN,ACK again, so frame 3 never moved it.
        (*OPENED, SYN_ACK._replace(after_ms=1000), THIRD, Step("s", "PA", 1, 1, 5)),
        OPEN_CLIENT,
        "rcv SYN@1/2 SYN-RECEIVED, rcv ACK of SYN@5/6 ESTABLISHED",
    ),
    "the third ACK is lost for good": Story(
        (*OPENED, SYN_ACK._replace(after_ms=1000)), OPEN_CLIENT, "rcv SYN@1/2 SYN-RECEIVED"
    ),
    "nothing contradicts the third ACK": Story(
        OPENED, OPEN_CLIENT, "rcv SYN@1/2 SYN-RECEIVED, rcv ACK of SYN@3 ESTABLISHED"
    ),
    "refused": Story((SYN_, Step("s", "RA", 0, 1)), "snd SYN@1 SYN-SENT, rcv RST@2 CLOSED", ""),
    "refused, and tried again": Story(
        # Some systems try again after a RST, with the same number: they are in SYN-SENT all the time.
        (SYN_, Step("s", "RA", 0, 1), SYN_._replace(after_ms=500), Step("s", "RA", 0, 1)),
        "snd SYN@1 SYN-SENT, rcv RST@4 CLOSED",
        "",
    ),
    "refused, and not answered any more": Story(
        (SYN_, Step("s", "RA", 0, 1), SYN_._replace(after_ms=500)), "snd SYN@1 SYN-SENT", ""
    ),
    "a RST that does not acknowledge the SYN": Story(
        (SYN_, Step("s", "R", 0), Step("s", "RA", 0, 77)), "snd SYN@1 SYN-SENT", ""
    ),
    "refused, then open": Story(
        (SYN_, Step("s", "RA", 0, 1), SYN_._replace(after_ms=500), SYN_ACK, THIRD, Step("s", "PA", 1, 1, 5)),
        "snd SYN@1 SYN-SENT, rcv SYN,ACK@4/5 ESTABLISHED",
        "~passive OPEN@4 LISTEN, rcv SYN@3/4 SYN-RECEIVED, rcv ACK of SYN@5/6 ESTABLISHED",
    ),
    "the client gives up before the SYN,ACK comes": Story(
        (SYN_, SYN_ACK, Step("c", "R", 1)),
        "snd SYN@1 SYN-SENT, snd RST@3 CLOSED",
        "rcv SYN@1/2 SYN-RECEIVED, rcv RST@3 LISTEN",
    ),
    "the client gives up, and the server does not hear of it": Story(
        (SYN_, SYN_ACK, Step("c", "R", 1), SYN_ACK._replace(after_ms=1000)),
        "snd SYN@1 SYN-SENT, snd RST@3 CLOSED",
        "rcv SYN@1/2 SYN-RECEIVED",
    ),
    "a SYN,ACK for an older SYN": Story(
        # RFC 9293 section 3.5, figure 8: the client refuses it and waits on.
        (SYN_, Step("s", "SA", 0, -9), Step("c", "R", -9), SYN_ACK, THIRD, Step("s", "A", 1, 1)),
        "snd SYN@1 SYN-SENT, rcv SYN,ACK@4/5 ESTABLISHED",
        "rcv SYN@1/4 SYN-RECEIVED, rcv ACK of SYN@5/6 ESTABLISHED",
    ),
    "an answer about another connection": Story(
        # Figure 9: the server still has the connection of before.
        (SYN_, Step("s", "A", 300, 4000), Step("c", "R", 4000)),
        "snd SYN@1 SYN-SENT",
        "",
    ),
    "data on SYN": Story(
        (
            SYN_._replace(size=20),
            Step("s", "SA", 0, 21),
            Step("s", "PA", 1, 21, 30),
            Step("c", "A", 21, 31),
            Step("s", "PA", 31, 21, 5),
        ),
        # RFC 7413: the server answers before the third ACK.
        "snd SYN@1 SYN-SENT, rcv SYN,ACK@2/4 ESTABLISHED",
        "rcv SYN@1/2 SYN-RECEIVED, rcv ACK of SYN@4/5 ESTABLISHED",
    ),
    "data on SYN that is not taken": Story(
        (SYN_._replace(size=20), SYN_ACK, Step("c", "PA", 1, 1, 20), Step("s", "A", 1, 21)),
        OPEN_CLIENT,
        "rcv SYN@1/2 SYN-RECEIVED, rcv ACK of SYN@3/4 ESTABLISHED",
    ),
    "simultaneous open": Story(
        (
            SYN_,
            Step("s", "S"),
            Step("c", "SA", 0, 1),
            Step("s", "SA", 0, 1),
            Step("c", "A", 1, 1),
            Step("s", "A", 1, 1),
        ),
        "snd SYN@1 SYN-SENT, rcv SYN@2/3 SYN-RECEIVED, rcv ACK of SYN@4/5 ESTABLISHED",
        "snd SYN@2 SYN-SENT, rcv SYN@1/4 SYN-RECEIVED, rcv ACK of SYN@3/6 ESTABLISHED",
    ),
    "split handshake": Story(
        (SYN_, Step("s", "S"), Step("c", "SA", 0, 1), Step("s", "A", 1, 1), Step("c", "PA", 1, 1, 3)),
        "snd SYN@1 SYN-SENT, rcv SYN@2/3 SYN-RECEIVED, rcv ACK of SYN@4/5 ESTABLISHED",
        "snd SYN@2 SYN-SENT, rcv SYN,ACK@3/4 ESTABLISHED",
    ),
    "reset while opening at the same time": Story(
        (SYN_, Step("s", "S"), Step("c", "SA", 0, 1), Step("s", "R", 1)),
        # It did not wait for connections: CLOSED, not LISTEN.
        "snd SYN@1 SYN-SENT, rcv SYN@2/3 SYN-RECEIVED, rcv RST@4 CLOSED",
        "snd SYN@2 SYN-SENT, snd RST@4 CLOSED",
    ),
    "the server resets instead of accepting": Story(
        # tcp_abort_on_overflow: a bare RST, the answer of an endpoint without a connection.
        (*OPENED, Step("s", "R", 1)),
        OPEN_CLIENT + "rcv RST@4 CLOSED",
        "rcv SYN@1/2 SYN-RECEIVED, snd RST@4 CLOSED",
    ),
    "the server resets after accepting": Story(
        (*OPENED, Step("s", "RA", 1, 1)),
        OPEN_CLIENT + "rcv RST@4 CLOSED",
        "rcv SYN@1/2 SYN-RECEIVED, rcv ACK of SYN@3/4 ESTABLISHED, snd RST@4 CLOSED",
    ),
    "closed before the third ACK comes": Story(
        (SYN_, SYN_ACK, Step("s", "FA", 1, 1), Step("c", "A", 1, 2)),
        "snd SYN@1 SYN-SENT, rcv SYN,ACK@2/4 ESTABLISHED, rcv FIN@3/4 CLOSE-WAIT",
        "rcv SYN@1/2 SYN-RECEIVED, snd FIN@3 FIN-WAIT-1, rcv ACK of FIN@4 FIN-WAIT-2",
    ),
    # Closing.
    "the client closes": Story(CLIENT_CLOSES, CLOSING_CLIENT, CLOSING_SERVER),
    "the wait is over": Story(CLIENT_CLOSES, CLOSING_CLIENT + ", timeout 2MSL@- CLOSED", CLOSING_SERVER, 61),
    "the wait is not over": Story(CLIENT_CLOSES, CLOSING_CLIENT, CLOSING_SERVER, 59),
    "FIN answered with FIN": Story(
        (*READY, Step("c", "FA", 11, 1), Step("s", "FA", 1, 12), Step("c", "A", 12, 2)),
        OPEN_CLIENT + "snd FIN@6 FIN-WAIT-1, rcv FIN,ACK of FIN@7/8 TIME-WAIT",
        OPEN_SERVER + "rcv FIN@6/7 CLOSE-WAIT, snd FIN@7 LAST-ACK, rcv ACK of FIN@8 CLOSED",
    ),
    "FIN with data": Story(
        (*READY, Step("c", "FPA", 11, 1, 100), Step("s", "A", 1, 112), Step("s", "PA", 1, 112, 7)),
        OPEN_CLIENT + "snd FIN@6 FIN-WAIT-1, rcv ACK of FIN@7 FIN-WAIT-2",
        OPEN_SERVER + "rcv FIN@6/7 CLOSE-WAIT",
    ),
    "half-close in use": Story(
        (
            *READY,
            Step("c", "FA", 11, 1),
            Step("s", "A", 1, 12),
            Step("s", "PA", 1, 12, 500),
            Step("c", "A", 12, 501),
            Step("s", "PFA", 501, 12, 500),
            Step("c", "A", 12, 1002),
        ),
        OPEN_CLIENT + "snd FIN@6 FIN-WAIT-1, rcv ACK of FIN@7/9 FIN-WAIT-2, rcv FIN@10/11 TIME-WAIT",
        OPEN_SERVER + "rcv FIN@6/7 CLOSE-WAIT, snd FIN@10 LAST-ACK, rcv ACK of FIN@11 CLOSED",
    ),
    "simultaneous close": Story(
        (
            *READY,
            Step("c", "FA", 11, 1),
            Step("s", "FA", 1, 11),
            Step("c", "A", 12, 2),
            Step("s", "A", 2, 12),
        ),
        OPEN_CLIENT + "snd FIN@6 FIN-WAIT-1, rcv FIN@7/8 CLOSING, rcv ACK of FIN@9 TIME-WAIT",
        OPEN_SERVER + "snd FIN@7 FIN-WAIT-1, rcv FIN@6/9 CLOSING, rcv ACK of FIN@8 TIME-WAIT",
    ),
    "the acknowledgements cross as well": Story(
        # The tap is at the client: the server's ACK is the later one, and it proves more.
        (
            *READY,
            Step("s", "FA", 1, 11),
            Step("c", "FA", 11, 1),
            Step("s", "A", 2, 12),
            Step("c", "A", 12, 2),
        ),
        OPEN_CLIENT + "snd FIN@7 FIN-WAIT-1, rcv FIN@6/9 CLOSING, rcv ACK of FIN@8 TIME-WAIT",
        OPEN_SERVER + "snd FIN@6 FIN-WAIT-1, rcv FIN@7/8 CLOSING, rcv ACK of FIN@9 TIME-WAIT",
    ),
    "simultaneous close, and one FIN is lost": Story(
        # It comes again with the acknowledgement of the other: the client never was in CLOSING.
        (
            *READY,
            Step("c", "FA", 11, 1),
            Step("s", "FA", 1, 11),
            Step("s", "FA", 1, 12, after_ms=200),
            Step("c", "A", 12, 2),
        ),
        OPEN_CLIENT + "snd FIN@6 FIN-WAIT-1, rcv FIN,ACK of FIN@8/9 TIME-WAIT",
        OPEN_SERVER + "snd FIN@7 FIN-WAIT-1, rcv FIN@6/8 CLOSING, rcv ACK of FIN@9 TIME-WAIT",
    ),
    "the FIN is lost": Story(
        (
            *READY,
            Step("c", "FA", 11, 1),
            Step("s", "PA", 1, 11, 50),  # it has not got the FIN
            Step("c", "A", 12, 51),
            Step("c", "FA", 11, 51, after_ms=200),
            Step("s", "A", 51, 12),
        ),
        OPEN_CLIENT + "snd FIN@6 FIN-WAIT-1, rcv ACK of FIN@10 FIN-WAIT-2",
        OPEN_SERVER + "rcv FIN@9/10 CLOSE-WAIT",
    ),
    "the FIN never arrives": Story(
        (*READY, Step("c", "FA", 11, 1), Step("s", "PA", 1, 11, 50)),
        OPEN_CLIENT + "snd FIN@6 FIN-WAIT-1",
        OPEN_SERVER,
    ),
    "the FIN is sent again and again": Story(
        (*READY, *(Step("c", "FA", 11, 1, after_ms=wait) for wait in (1, 200, 400))),
        OPEN_CLIENT + "snd FIN@6 FIN-WAIT-1",
        OPEN_SERVER,
    ),
    "nothing contradicts the FIN": Story(
        (*READY, Step("c", "FA", 11, 1)),
        OPEN_CLIENT + "snd FIN@6 FIN-WAIT-1",
        OPEN_SERVER + "rcv FIN@6 CLOSE-WAIT",
    ),
    "a FIN after a hole": Story(
        # Data before the FIN is missing: it is not received before that has come.
        (
            *READY,
            Step("c", "FA", 111, 1),
            Step("s", "A", 1, 11),
            Step("c", "PA", 11, 1, 100, after_ms=200),
            Step("s", "A", 1, 112),
        ),
        OPEN_CLIENT + "snd FIN@6 FIN-WAIT-1, rcv ACK of FIN@9 FIN-WAIT-2",
        OPEN_SERVER + "rcv FIN@6/9 CLOSE-WAIT",
    ),
    "the ACK of the FIN is lost": Story(
        (
            *READY,
            Step("c", "FA", 11, 1),
            Step("s", "A", 1, 12),
            Step("c", "FA", 11, 1, after_ms=200),
            Step("s", "A", 1, 12),
            Step("s", "FA", 1, 12),
            Step("c", "A", 12, 2),
        ),
        OPEN_CLIENT + "snd FIN@6 FIN-WAIT-1, rcv ACK of FIN@9/11 FIN-WAIT-2, rcv FIN@10/11 TIME-WAIT",
        OPEN_SERVER + "rcv FIN@6/7 CLOSE-WAIT, snd FIN@10 LAST-ACK, rcv ACK of FIN@11 CLOSED",
    ),
    "the ACK of the FIN is lost for good": Story(
        (*READY, Step("c", "FA", 11, 1), Step("s", "A", 1, 12), Step("c", "FA", 11, 1, after_ms=200)),
        OPEN_CLIENT + "snd FIN@6 FIN-WAIT-1",
        OPEN_SERVER + "rcv FIN@6/7 CLOSE-WAIT",
    ),
    "FIN and ACK in one, lost": Story(
        (
            *READY,
            Step("c", "FA", 11, 1),
            Step("s", "FA", 1, 12),
            Step("s", "FA", 1, 12, after_ms=200),
            Step("c", "A", 12, 2),
        ),
        OPEN_CLIENT + "snd FIN@6 FIN-WAIT-1, rcv FIN,ACK of FIN@8/9 TIME-WAIT",
        OPEN_SERVER + "rcv FIN@6/7 CLOSE-WAIT, snd FIN@7 LAST-ACK, rcv ACK of FIN@9 CLOSED",
    ),
    "the last ACK is lost": Story(
        (*CLIENT_CLOSES, Step("s", "FA", 1, 12, after_ms=200), Step("c", "A", 12, 2)),
        CLOSING_CLIENT,
        CLOSING_SERVER.replace("FIN@9", "FIN@11"),
    ),
    "the last ACK is lost for good": Story(
        (*CLIENT_CLOSES, Step("s", "FA", 1, 12, after_ms=200)),
        CLOSING_CLIENT,
        OPEN_SERVER + "rcv FIN@6/7 CLOSE-WAIT, snd FIN@8 LAST-ACK",
    ),
    "a RST after the last ACK": Story(
        # What is closed answers with RST; it had got the ACK.
        (*CLIENT_CLOSES, Step("s", "R", 2)),
        CLOSING_CLIENT + ", rcv RST@10 CLOSED",
        CLOSING_SERVER,
    ),
    "a FIN in TIME-WAIT begins the wait anew": Story(
        (*CLIENT_CLOSES, Step("s", "FA", 1, 12, after_ms=30_000), Step("c", "A", 12, 2)),
        CLOSING_CLIENT,
        CLOSING_SERVER.replace("FIN@9", "FIN@11"),
        more_s=59,
    ),
    "a FIN that does not reach TIME-WAIT": Story(
        (*CLIENT_CLOSES, Step("s", "FA", 1, 12, after_ms=30_000)),
        CLOSING_CLIENT + ", timeout 2MSL@- CLOSED",
        OPEN_SERVER + "rcv FIN@6/7 CLOSE-WAIT, snd FIN@8 LAST-ACK",
        more_s=59,
    ),
    "an ACK that is not of the FIN": Story(
        (*READY, Step("c", "FA", 11, 1), Step("s", "A", 1, 11), Step("s", "A", 1, 13)),
        OPEN_CLIENT + "snd FIN@6 FIN-WAIT-1",
        OPEN_SERVER,
    ),
    "a FIN outside the window": Story((*READY, Step("c", "FA", 500_000, 1)), OPEN_CLIENT, OPEN_SERVER),
    "a FIN without ACK": Story((*READY, Step("c", "F", 11)), OPEN_CLIENT, OPEN_SERVER),
    "an old connection's ports are used again": Story(
        (*CLIENT_CLOSES, Step("c", "S", 90_000, after_ms=5_000)),
        CLOSING_CLIENT + ", new SYN@10 CLOSED",
        CLOSING_SERVER,
    ),
}

IN_STATE = {
    "SYN-SENT": ((SYN_,), 1, 0),
    "SYN-RECEIVED": ((SYN_, Step("s", "S"), Step("c", "SA", 0, 1)), 1, 1),
    "ESTABLISHED": (READY, 11, 1),
    "FIN-WAIT-1": ((*READY, Step("c", "FA", 11, 1), Step("s", "A", 1, 11)), 12, 1),
    "FIN-WAIT-2": (
        (*READY, Step("c", "FA", 11, 1), Step("s", "PA", 1, 12, 5), Step("c", "A", 12, 6)),
        12,
        6,
    ),
    "CLOSE-WAIT": ((*READY, Step("s", "FA", 1, 11), Step("c", "A", 11, 2)), 11, 2),
    "CLOSING": ((*READY, Step("s", "FA", 1, 11), Step("c", "FA", 11, 1), Step("c", "A", 12, 2)), 12, 2),
    "LAST-ACK": ((*READY, Step("s", "FA", 1, 11), Step("c", "FA", 11, 2)), 12, 2),
    "TIME-WAIT": (CLIENT_CLOSES, 12, 2),
}
"""Steps that bring the client into each state, its next number, and the one that it waits for."""
