"""The TCP state machine of RFC 9293 as data: states, events, and which event leads from where to where.

One table serves both endpoints of a connection. Each segment is *sent* for one of them and *received*
for the other; of one segment the ACK counts before the FIN, SYN and ACK together are one event, and so
are a FIN and the acknowledgement of the own FIN. The kernel looks moves up in ``flat()``, the
documentation's diagram is ``mermaid()``; nothing else knows the arrows.

Figure 5 of RFC 9293 (section 3.3.2) also has arrows that only a system call makes and no segment
shows. They are in ``SILENT``, with what is seen of them instead.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable


class State(IntEnum):
    """A state of an endpoint, named as in RFC 9293 section 3.3.2 and by ``ss``."""

    UNSEEN = 0
    """Nothing is known about the endpoint: no state of TCP, but of what was captured."""
    CLOSED = 1
    LISTEN = 2
    SYN_SENT = 3
    SYN_RECEIVED = 4
    ESTABLISHED = 5
    FIN_WAIT_1 = 6
    FIN_WAIT_2 = 7
    CLOSE_WAIT = 8
    CLOSING = 9
    LAST_ACK = 10
    TIME_WAIT = 11

    @property
    def label(self) -> str:
        """As it is written: ``FIN-WAIT-1``; empty for ``UNSEEN``."""
        return self.name.replace("_", "-") if self else ""


class Event(IntEnum):
    """What moves an endpoint; ``label`` is how tables name it as the trigger."""

    NONE = 0
    FIRST_SEEN = 1
    """The capture begins after the connection did."""
    PASSIVE_OPEN = 2
    """It waits for connections: seen when it answers a SYN."""
    SND_SYN = 3
    RCV_SYN = 4
    RCV_SYN_ACK = 5
    RCV_ACK_OF_SYN = 6
    SND_FIN = 7
    RCV_FIN = 8
    RCV_ACK_OF_FIN = 9
    RCV_FIN_ACK_OF_FIN = 10
    SND_RST = 11
    RCV_RST = 12
    RCV_RST_PASSIVE = 13
    """RST to an endpoint that waits for connections: it does so again."""
    TIMEOUT_2MSL = 14
    NEW_SYN = 15
    """A new connection between the same ports has begun."""

    @property
    def label(self) -> str:
        """As tables have it: ``rcv SYN,ACK``."""
        return _LABELS[self]


_LABELS = {
    Event.NONE: "",
    Event.FIRST_SEEN: "mid-stream",
    Event.PASSIVE_OPEN: "passive OPEN",
    Event.SND_SYN: "snd SYN",
    Event.RCV_SYN: "rcv SYN",
    Event.RCV_SYN_ACK: "rcv SYN,ACK",
    Event.RCV_ACK_OF_SYN: "rcv ACK of SYN",
    Event.SND_FIN: "snd FIN",
    Event.RCV_FIN: "rcv FIN",
    Event.RCV_ACK_OF_FIN: "rcv ACK of FIN",
    Event.RCV_FIN_ACK_OF_FIN: "rcv FIN,ACK of FIN",
    Event.SND_RST: "snd RST",
    Event.RCV_RST: "rcv RST",
    Event.RCV_RST_PASSIVE: "rcv RST",
    Event.TIMEOUT_2MSL: "timeout 2MSL",
    Event.NEW_SYN: "new SYN",
}


class Arrow(NamedTuple):
    """One move.

    Attributes:
        state: where it begins.
        event: what causes it.
        to: where it leads.
        source: figure and section of RFC 9293 that have it, or why it is there.
        drawn: whether it is one of figure 5's arrows and its notes, which the diagram always shows.
    """

    state: State
    event: Event
    to: State
    source: str
    drawn: bool = False


FIGURE = "figure 5"

_OPENING_AND_CLOSING = (
    Arrow(State.CLOSED, Event.PASSIVE_OPEN, State.LISTEN, f"{FIGURE}; 3.10.1", drawn=True),
    Arrow(State.CLOSED, Event.SND_SYN, State.SYN_SENT, f"{FIGURE}; 3.10.1", drawn=True),
    Arrow(State.LISTEN, Event.RCV_SYN, State.SYN_RECEIVED, f"{FIGURE}; 3.10.7.2, third", drawn=True),
    Arrow(State.SYN_SENT, Event.RCV_SYN, State.SYN_RECEIVED, f"{FIGURE}; 3.10.7.3, fourth", drawn=True),
    Arrow(State.SYN_SENT, Event.RCV_SYN_ACK, State.ESTABLISHED, f"{FIGURE}; 3.10.7.3, fourth", drawn=True),
    Arrow(
        State.SYN_RECEIVED, Event.RCV_ACK_OF_SYN, State.ESTABLISHED, f"{FIGURE}; 3.10.7.4, fifth", drawn=True
    ),
    Arrow(State.SYN_RECEIVED, Event.SND_FIN, State.FIN_WAIT_1, f"{FIGURE}; 3.10.4", drawn=True),
    Arrow(
        State.SYN_RECEIVED,
        Event.RCV_RST_PASSIVE,
        State.LISTEN,
        f"{FIGURE}, note 1; 3.10.7.4, second",
        drawn=True,
    ),
    Arrow(State.ESTABLISHED, Event.SND_FIN, State.FIN_WAIT_1, f"{FIGURE}; 3.10.4", drawn=True),
    Arrow(State.ESTABLISHED, Event.RCV_FIN, State.CLOSE_WAIT, f"{FIGURE}; 3.10.7.4, eighth", drawn=True),
    Arrow(State.FIN_WAIT_1, Event.RCV_ACK_OF_FIN, State.FIN_WAIT_2, f"{FIGURE}; 3.10.7.4, fifth", drawn=True),
    Arrow(State.FIN_WAIT_1, Event.RCV_FIN, State.CLOSING, f"{FIGURE}; 3.10.7.4, eighth", drawn=True),
    Arrow(
        State.FIN_WAIT_1,
        Event.RCV_FIN_ACK_OF_FIN,
        State.TIME_WAIT,
        f"{FIGURE}, note 2; 3.10.7.4, eighth",
        drawn=True,
    ),
    Arrow(State.FIN_WAIT_2, Event.RCV_FIN, State.TIME_WAIT, f"{FIGURE}; 3.10.7.4, eighth", drawn=True),
    Arrow(State.CLOSE_WAIT, Event.SND_FIN, State.LAST_ACK, f"{FIGURE}; 3.10.4", drawn=True),
    Arrow(State.CLOSING, Event.RCV_ACK_OF_FIN, State.TIME_WAIT, f"{FIGURE}; 3.10.7.4, fifth", drawn=True),
    Arrow(State.LAST_ACK, Event.RCV_ACK_OF_FIN, State.CLOSED, f"{FIGURE}; 3.10.7.4, fifth", drawn=True),
    Arrow(State.TIME_WAIT, Event.TIMEOUT_2MSL, State.CLOSED, f"{FIGURE}; 3.10.8", drawn=True),
)

_OPEN = (
    State.SYN_SENT,
    State.SYN_RECEIVED,
    State.ESTABLISHED,
    State.FIN_WAIT_1,
    State.FIN_WAIT_2,
    State.CLOSE_WAIT,
    State.CLOSING,
    State.LAST_ACK,
    State.TIME_WAIT,
)

_RESETS = (
    # Figure 5 leaves them out so that it can be read (its note 3). Which RST its receiver believes is
    # in the kernel.
    Arrow(State.SYN_SENT, Event.RCV_RST, State.CLOSED, "note 3; 3.10.7.3, second"),
    *(
        Arrow(state, Event.RCV_RST, State.CLOSED, "note 3; 3.10.7.4, second")
        for state in _OPEN
        if state is not State.SYN_SENT
    ),
    # ABORT sends RST and deletes the connection in every state; so does a SEND or CLOSE that comes too
    # late for data that has arrived (RFC 9293 section 3.6.1, RFC 2525 section 2.17).
    *(Arrow(state, Event.SND_RST, State.CLOSED, "note 3; 3.10.5") for state in _OPEN),
)

_CAPTURE = (
    # Not of RFC 9293, but of what a capture can show.
    Arrow(State.UNSEEN, Event.FIRST_SEEN, State.ESTABLISHED, "the capture begins mid-stream"),
    *(
        Arrow(state, Event.NEW_SYN, State.CLOSED, "nobody opens a connection that there is; 3.10.1")
        for state in _OPEN
    ),
)

ARROWS = (*_OPENING_AND_CLOSING, *_RESETS, *_CAPTURE)

TRANSITIONS = {(arrow.state, arrow.event): arrow.to for arrow in ARROWS}
"""The machine: where an event leads. What is not in it moves nothing."""

RESTARTS = frozenset({(State.TIME_WAIT, Event.RCV_FIN)})
"""Events that move nothing but start the wait of 2MSL anew (3.10.7.4, eighth)."""


class Silent(NamedTuple):
    """An arrow of figure 5 that no segment shows.

    Attributes:
        state, to: where it begins and leads.
        call: the system call that makes it.
        instead: what of it is seen.
    """

    state: State
    call: str
    to: State
    instead: str


SILENT = (
    Silent(State.LISTEN, "CLOSE", State.CLOSED, "the next SYN is answered with RST"),
    Silent(
        State.LISTEN, "SEND", State.SYN_SENT, "taken for CLOSED to SYN-SENT: what sends SYN was not waiting"
    ),
    Silent(State.SYN_SENT, "CLOSE", State.CLOSED, "RST, if the peer still answers: snd RST"),
)

STATES = len(State)
EVENTS = len(Event)


def flat() -> bytes:
    """``TRANSITIONS`` for the kernel: at ``state * EVENTS + event`` the state that follows, 0 for none."""
    table = bytearray(STATES * EVENTS)
    for (state, event), to in TRANSITIONS.items():
        table[state * EVENTS + event] = to
    return bytes(table)


def mermaid(path: Iterable[tuple[State, Event]] = ()) -> str:
    """The machine as a Mermaid flowchart.

    Args:
        path: moves that were taken, each (state, event), to be highlighted with the states that they
            touch. Arrows that figure 5 leaves out are drawn only where they were taken.

    Raises:
        KeyError: there is no such move.
    """
    taken = {(state, event): TRANSITIONS[state, event] for state, event in path}
    lines = ["flowchart TD"]
    touched = {state for (start, _), to in taken.items() for state in (start, to)}
    shown = [state for state in State if state is not State.UNSEEN or state in touched]
    lines += [f'    {state.name}["{state.label or "not seen"}"]' for state in shown]
    highlighted = []
    drawn = [arrow for arrow in ARROWS if arrow.drawn or (arrow.state, arrow.event) in taken]
    for number, arrow in enumerate(drawn):
        lines.append(f'    {arrow.state.name} -->|"{arrow.event.label}"| {arrow.to.name}')
        if (arrow.state, arrow.event) in taken:
            highlighted.append(str(number))
    lines += [f'    {arrow.state.name} -.->|"{arrow.call}"| {arrow.to.name}' for arrow in SILENT]
    if taken:
        lines.append(f"    linkStyle {','.join(highlighted)} stroke:#c2410c,stroke-width:3px")
        lines.append("    classDef taken fill:#ffedd5,stroke:#c2410c,color:#000,stroke-width:2px")
        lines.append(f"    class {','.join(state.name for state in State if state in touched)} taken")
    return "\n".join(lines) + "\n"
