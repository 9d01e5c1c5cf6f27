"""The machine as data: complete, in the words of the RFC, and drawn as it is."""

from __future__ import annotations

import re

import pytest

from netanalyze.tcp.states import (
    ARROWS,
    EVENTS,
    RESTARTS,
    SILENT,
    STATES,
    TRANSITIONS,
    Event,
    State,
    flat,
    mermaid,
)

ELEVEN = [
    "LISTEN",
    "SYN-SENT",
    "SYN-RECEIVED",
    "ESTABLISHED",
    "FIN-WAIT-1",
    "FIN-WAIT-2",
    "CLOSE-WAIT",
    "CLOSING",
    "LAST-ACK",
    "TIME-WAIT",
    "CLOSED",
]

FIGURE_5 = {
    ("CLOSED", "LISTEN"),
    ("CLOSED", "SYN-SENT"),
    ("LISTEN", "CLOSED"),
    ("LISTEN", "SYN-SENT"),
    ("LISTEN", "SYN-RECEIVED"),
    ("SYN-SENT", "CLOSED"),
    ("SYN-SENT", "SYN-RECEIVED"),
    ("SYN-SENT", "ESTABLISHED"),
    ("SYN-RECEIVED", "LISTEN"),
    ("SYN-RECEIVED", "ESTABLISHED"),
    ("SYN-RECEIVED", "FIN-WAIT-1"),
    ("ESTABLISHED", "FIN-WAIT-1"),
    ("ESTABLISHED", "CLOSE-WAIT"),
    ("FIN-WAIT-1", "FIN-WAIT-2"),
    ("FIN-WAIT-1", "CLOSING"),
    ("FIN-WAIT-1", "TIME-WAIT"),
    ("FIN-WAIT-2", "TIME-WAIT"),
    ("CLOSE-WAIT", "LAST-ACK"),
    ("CLOSING", "TIME-WAIT"),
    ("LAST-ACK", "CLOSED"),
    ("TIME-WAIT", "CLOSED"),
}
"""The arrows of RFC 9293's figure 5, with that of its note 2, read off the figure."""


def test_the_states_are_the_eleven_of_the_rfc() -> None:
    assert sorted(state.label for state in State if state) == sorted(ELEVEN)
    assert State.UNSEEN.label == ""


def test_the_arrows_are_those_of_figure_5() -> None:
    drawn = {(arrow.state.label, arrow.to.label) for arrow in ARROWS if arrow.drawn}
    silent = {(arrow.state.label, arrow.to.label) for arrow in SILENT}
    assert drawn | silent == FIGURE_5
    assert not drawn & silent


def test_an_event_leads_from_a_state_to_one_other() -> None:
    assert len(TRANSITIONS) == len(ARROWS)
    assert all(arrow.state is not arrow.to for arrow in ARROWS)
    assert all(arrow.source for arrow in ARROWS)
    for state, event in RESTARTS:
        assert (state, event) not in TRANSITIONS


def test_the_flat_table_is_the_same() -> None:
    table = flat()
    assert len(table) == STATES * EVENTS
    for state in State:
        for event in Event:
            assert table[state * EVENTS + event] == TRANSITIONS.get((state, event), 0)
    assert STATES <= 16  # four bits of a word, and of the keys of populations


def test_every_event_has_a_name() -> None:
    assert all(event.label for event in Event if event)
    assert Event.RCV_RST.label == Event.RCV_RST_PASSIVE.label


def edges(drawing: str) -> list[tuple[str, str, str]]:
    return re.findall(r'^ +(\w+) -->\|"([^"]+)"\| (\w+)$', drawing, re.MULTILINE)


def test_the_drawing() -> None:
    drawing = mermaid()
    assert drawing.startswith("flowchart TD\n")
    assert edges(drawing) == [
        (arrow.state.name, arrow.event.label, arrow.to.name) for arrow in ARROWS if arrow.drawn
    ]
    assert "taken" not in drawing
    assert "UNSEEN" not in drawing
    nodes = set(re.findall(r'^ +(\w+)\["', drawing, re.MULTILINE))
    assert nodes == {state.name for state in State if state}


def test_a_path_is_highlighted() -> None:
    path = [
        (State.CLOSED, Event.SND_SYN),
        (State.SYN_SENT, Event.RCV_SYN_ACK),
        (State.ESTABLISHED, Event.RCV_RST),
    ]
    drawing = mermaid(path)
    links = edges(drawing)
    numbers = re.search(r"^ +linkStyle ([\d,]+) ", drawing, re.MULTILINE)
    assert numbers is not None
    highlighted = [links[int(number)] for number in numbers[1].split(",")]
    assert highlighted == [
        ("CLOSED", "snd SYN", "SYN_SENT"),
        ("SYN_SENT", "rcv SYN,ACK", "ESTABLISHED"),
        ("ESTABLISHED", "rcv RST", "CLOSED"),
    ]
    assert "    class CLOSED,SYN_SENT,ESTABLISHED taken\n" in drawing
    assert '"not seen"' in mermaid([(State.UNSEEN, Event.FIRST_SEEN)])


def test_a_path_that_there_is_not() -> None:
    with pytest.raises(KeyError):
        mermaid([(State.CLOSED, Event.RCV_FIN)])
