"""Between which times an endpoint really changed its state.

A tap sees a segment after its sender has sent it and before its receiver gets it. Two intervals
follow, each for a change that happened at all, and in this order.

*Proven*, from the order of what the tap saw, whatever the way was like:

- What the endpoint sent moved it before the tap saw the segment.
- What it received moved it after the tap saw that for the first time (the first copy, for it may be
  that one which arrived), and before the tap saw the endpoint's segment that proves it.
- An endpoint changes its state in one order: none of its changes is earlier than the one before it,
  none later than the one after it.

*Likely*, with the least round trip seen between the tap and the endpoint, of which the way to the
endpoint and the way from it are parts (a single tap cannot tell how large each is):

- What the endpoint sent it sent at most one such round trip before the tap saw it.
- What it received it received at most one such round trip after the tap saw it, and what was repeated
  in the last copy, unless the proof came sooner than a round trip after that.

The likely interval is always within the proven one; it does not hold for a segment that waited in
queues for longer than the rest of the least round trip took. Both are as exact as the clock of the
capture, and hold for a capture that lacks no frames. No interval is given for a change that the
capture only begins with, nor an end for one that the endpoint's own clock causes.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netanalyze.columns import found_in
from netanalyze.model import NULL
from netanalyze.tcp.states import Event

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.tcp.machines import Moves

_NEVER = (1 << 63) - 1
"""An end that is not known; ``NULL``, below all times, is a beginning that is not."""
_SENT = (Event.SND_SYN, Event.SND_FIN, Event.SND_RST, Event.PASSIVE_OPEN)
"""The last one is seen by what the endpoint sends when it answers."""
_OPENING = (Event.RCV_SYN, Event.RCV_SYN_ACK, Event.RCV_ACK_OF_SYN)
_CLOSING = (
    Event.RCV_FIN,
    Event.RCV_ACK_OF_FIN,
    Event.RCV_FIN_ACK_OF_FIN,
    Event.RCV_RST,
    Event.RCV_RST_PASSIVE,
)


def bound_columns(
    moves: Moves, trips: NDArray[np.int64], first_resets: NDArray[np.int64]
) -> dict[str, NDArray[np.int64]]:
    """The bounds of each move.

    Args:
        moves: sorted by stream, side and order.
        trips: for each half-stream (side 0 of stream n at 2n) the least round trip between the tap and
            its sender, ``NULL`` where it is not known (see ``delays``).
        first_resets: when its first RST was captured, ``NULL`` for none.

    Returns:
        ``earliest_ns`` and ``latest_ns``: proven; ``likely_earliest_ns`` and ``likely_latest_ns``;
        ``tap_rtt_ns``: the round trip that was reckoned with. ``NULL`` where they are not known.
    """
    half = 2 * moves.stream + moves.side
    event = moves.event
    sent = found_in(event, _SENT)
    opening = found_in(event, _OPENING)
    # What the endpoint shows by a segment of its own, or the peer by one that answers it.
    shown = opening & moves.assumed & (moves.proof_ns == NULL)
    received = (opening | found_in(event, _CLOSING)) & ~shown
    first = np.where(received & ~(opening & moves.assumed), _first_copies(moves, first_resets), NULL)
    first = np.minimum(first, moves.seen_ns)
    after = np.select(
        [sent | shown, received & (moves.proof_ns != NULL)], [moves.seen_ns, moves.proof_ns], _NEVER
    )
    earliest, latest = _in_order(half, first, after)

    trip = trips[half] if len(half) else half
    known = trip != NULL
    room = np.where(known, trip, 0)
    by_earlier_copy = known & (moves.proof_ns != NULL) & (moves.proof_ns - room < moves.seen_ns)
    likely_first = np.select(
        [sent & known, received & by_earlier_copy, received],
        [moves.seen_ns - room, first, moves.seen_ns],
        NULL,
    )
    likely_after = np.where(received & known, moves.seen_ns + room, _NEVER)
    likely_earliest, likely_latest = _in_order(
        half, np.maximum(earliest, likely_first), np.minimum(latest, likely_after)
    )
    # Queues, or copies, were not as they are supposed to be: only what is proven is left.
    amiss = likely_earliest > likely_latest
    likely_earliest = np.where(amiss, earliest, likely_earliest)
    likely_latest = np.where(amiss, latest, likely_latest)

    # The times of a capture may run backwards, and then prove nothing.
    nothing = (event == Event.FIRST_SEEN) | (earliest > latest)
    unknown_end = nothing | (latest == _NEVER)
    return {
        "earliest_ns": np.where(nothing, NULL, earliest),
        "latest_ns": np.where(unknown_end, NULL, latest),
        "likely_earliest_ns": np.where(nothing, NULL, likely_earliest),
        "likely_latest_ns": np.where(nothing | (likely_latest == _NEVER), NULL, likely_latest),
        "tap_rtt_ns": trip,
    }


def _first_copies(moves: Moves, first_resets: NDArray[np.int64]) -> NDArray[np.int64]:
    """When that which an endpoint received was captured for the first time, ``NULL`` if not known.

    The peer's own moves tell: it moves when it sends a SYN or a FIN first, and what it acknowledges
    first proves that it received that.
    """
    peer = 2 * moves.stream + 1 - moves.side
    event = moves.event
    size = len(first_resets)
    when = np.where((moves.proof_ns == NULL) & moves.assumed, moves.seen_ns, moves.proof_ns)

    def first(events: tuple[Event, ...], times: NDArray[np.int64]) -> NDArray[np.int64]:
        found = np.full(size, _NEVER)
        chosen = found_in(event, events) & (times != NULL)
        np.minimum.at(found, (peer ^ 1)[chosen], times[chosen])
        known: NDArray[np.int64] = np.where(found == _NEVER, NULL, found)[peer]
        return known

    syn = first((Event.SND_SYN,), moves.seen_ns)
    syn_ack = first((Event.RCV_SYN,), when)
    ack_of_syn = first((Event.RCV_SYN_ACK,), when)
    fin = first((Event.SND_FIN,), moves.seen_ns)
    ack_of_fin = first((Event.RCV_FIN, Event.RCV_FIN_ACK_OF_FIN), moves.proof_ns)
    both = np.where((fin == NULL) | (ack_of_fin == NULL), NULL, np.maximum(fin, ack_of_fin))
    by_event = {
        Event.RCV_SYN: syn,
        Event.RCV_SYN_ACK: syn_ack,
        # After SYNs that crossed, the SYN,ACK is the acknowledgement.
        Event.RCV_ACK_OF_SYN: np.where(ack_of_syn == NULL, syn_ack, ack_of_syn),
        Event.RCV_FIN: fin,
        Event.RCV_ACK_OF_FIN: ack_of_fin,
        Event.RCV_FIN_ACK_OF_FIN: both,
        Event.RCV_RST: first_resets[peer],
        Event.RCV_RST_PASSIVE: first_resets[peer],
    }
    chosen: NDArray[np.int64] = np.select([event == name for name in by_event], list(by_event.values()), NULL)
    return chosen


def _in_order(
    half: NDArray[np.int64], earliest: NDArray[np.int64], latest: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The bounds, none beginning before the one above of its endpoint, none ending after the one below."""
    return running_max(half, earliest), -running_max(half[::-1], -latest[::-1])[::-1]


def running_max(group: NDArray[np.int64], values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Of each row the largest value of its group so far; rows of a group are next to each other."""
    if len(values) == 0:
        return values
    # The running maximum of (group, rank of the value), which begins anew with each group.
    known, rank = np.unique(values, return_inverse=True)
    number = np.cumsum(np.diff(group, prepend=group[0]) != 0)
    highest = np.maximum.accumulate(number * len(known) + rank)
    found: NDArray[np.int64] = known[highest - number * len(known)]
    return found
