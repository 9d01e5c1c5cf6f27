"""Which retransmissions prove a loss."""

from __future__ import annotations

import numpy as np
import pytest

from netanalyze.flow.table import TCP, Conversations
from netanalyze.tcp import causes, event_fields, kinds, scoreboard_kernel
from netanalyze.tcp.events import event_columns
from netanalyze.tcp.streams import Streams

RETRANSMISSION, FAST, SPURIOUS = (
    bit.bit_length() - 1
    for bit in (kinds.RETRANSMISSION, kinds.FAST_RETRANSMISSION, kinds.SPURIOUS_RETRANSMISSION)
)


def event(frame: int, kind: int, cause: int, other_frame: int = 5, later: int = 0) -> list[int]:
    row = [0] * event_fields.WORDS
    row[event_fields.FRAME] = frame
    row[event_fields.KIND] = kind
    row[event_fields.CAUSE] = cause
    row[event_fields.OTHER_FRAME] = other_frame
    row[event_fields.LATER] = later
    return row


def lost(*events: list[int]) -> list[bool]:
    flows = Conversations(TCP, 0)
    flows.count = 1
    found: list[bool] = event_columns(np.array(events), Streams(flows, ()))["lost"].tolist()
    return found


@pytest.mark.parametrize(
    ("cause", "other_frame", "expected"),
    [
        (causes.FAST, 5, True),
        (causes.RECOVERY_GOES_ON, 5, True),
        (causes.TIMEOUT, 5, True),
        (causes.TAIL_TIMER, 0, True),
        (causes.TAIL_LOSS_PROBE, 5, False),
        (causes.TAIL_LOSS_PROBE, 0, True),
        (causes.AFTER_TIMEOUT, 5, False),
        (causes.HANDSHAKE, 5, False),
        (causes.EARLY, 5, False),
        (causes.NONE, 5, False),
    ],
)
def test_some_causes_come_from_a_loss(cause: int, other_frame: int, expected: bool) -> None:  # noqa: FBT001
    assert lost(event(7, RETRANSMISSION, cause, other_frame)) == [expected]


def test_what_was_not_needed_proves_nothing_in_any_of_its_rows() -> None:
    of_two = [event(7, RETRANSMISSION, causes.FAST), event(7, FAST, causes.FAST)]
    assert lost(*of_two) == [True, True]
    assert lost(*of_two, event(7, SPURIOUS, causes.FAST)) == [False, False, False]
    assert lost(*of_two, event(8, SPURIOUS, causes.FAST)) == [True, True, False]
    told = event(7, RETRANSMISSION, causes.FAST, later=scoreboard_kernel.UNNEEDED)
    assert lost(told, of_two[1]) == [False, False]
