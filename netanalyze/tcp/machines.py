"""The state machines of a capture: fed batch by batch, and at the end states and moves as arrays."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from netanalyze.columns import ALL, GrowingRows, found_in, view_of
from netanalyze.errors import UsageError
from netanalyze.flow import fields as flow_fields
from netanalyze.model import NULL
from netanalyze.tcp import state_fields as fields
from netanalyze.tcp import states
from netanalyze.tcp.bounds import running_max
from netanalyze.tcp.states_kernel import Tracker
from netanalyze.tcp.timers import TIME_WAIT_NS

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.columns import Rows
    from netanalyze.flow.table import Conversations
    from netanalyze.wire.packets import Packets

_PIECE = 1 << 15
"""Streams whose moves are looked at together."""

LONGEST_TIME_WAIT_NS = 3_600_000_000_000

STATE_NAMES = [state.label for state in states.State]
"""By number; the state of an endpoint that nothing is known of has no name."""

EVENT_NAMES = [event.label for event in states.Event]

_OVER = (states.State.UNSEEN, states.State.CLOSED, states.State.LISTEN, states.State.TIME_WAIT)
_OPENING = (states.State.SYN_SENT, states.State.SYN_RECEIVED)
_NOTHING = (states.State.UNSEEN, states.State.LISTEN)
_ACK_CLOSES = (states.State.LAST_ACK, states.State.CLOSING)
_CLOSING_SLOTS = (fields.ACK, fields.FIN, fields.RST)

_COLUMNS = (
    "frame", "role", "protocol", "payload_bytes", "seq", "ack", "flags", "window", "window_scale",
    "duplicate", "stream", "side",
)  # fmt: skip


class Moves(Struct, frozen=True):
    """Every change of state, sorted by stream, endpoint and order.

    Attributes:
        stream, side: whose.
        frame: that caused it, ``NULL`` for a timeout.
        time_ns: when that frame was captured, or the time of the endpoint's move before, if that was
            later. The tap may be anywhere between the endpoints: what an endpoint sent moved it at this
            time or before, what it received at this time or after, and not after ``proof_ns``.
        seen_ns: when that frame was captured, whatever moved the endpoint before; ends a wait of 2MSL.
        before, after, event: numbers of states and of the event.
        assumed: whether it is a guess.
        proof_frame, proof_ns: the endpoint's own segment that shows that it had moved, and when that
            was captured: the move was not later. ``NULL`` where it moved by what it sent, by a
            timeout, or nothing shows it.
        dwell_ns: how long it had been in the state before, ``NULL`` where that is not known.
        until_ns: when it leaves the new state, ``NULL`` if it is there at the end.
        last: whether it is the endpoint's last move.
        order: numbers in which the moves were made.
        clock_ns: latest time of the capture.
    """

    stream: NDArray[np.int64]
    side: NDArray[np.int64]
    frame: NDArray[np.int64]
    time_ns: NDArray[np.int64]
    seen_ns: NDArray[np.int64]
    before: NDArray[np.int64]
    after: NDArray[np.int64]
    event: NDArray[np.int64]
    assumed: NDArray[np.bool_]
    proof_frame: NDArray[np.int64]
    proof_ns: NDArray[np.int64]
    dwell_ns: NDArray[np.int64]
    until_ns: NDArray[np.int64]
    last: NDArray[np.bool_]
    order: NDArray[np.int64]
    clock_ns: int

    def __len__(self) -> int:
        """How many there are."""
        return len(self.stream)


class Outcome(Struct, frozen=True):
    """What the machines say when nothing comes any more.

    Attributes:
        final: the state of side 0 and of side 1 of each stream.
        moves: every move, empty if they were not asked for.
    """

    final: NDArray[np.int64]
    moves: Moves


class Machines:
    """The state machines of both endpoints of every TCP stream."""

    def __init__(self, *, time_wait_ns: int = TIME_WAIT_NS, record: bool = True) -> None:
        """Machines that have seen nothing.

        Args:
            time_wait_ns: how long TIME-WAIT lasts.
            record: whether moves are kept, or only the states.

        Raises:
            UsageError: ``time_wait_ns`` is negative or more than an hour.
        """
        if not 0 <= time_wait_ns <= LONGEST_TIME_WAIT_NS:
            message = f"TIME-WAIT lasts from 0 to 3600 seconds, not {time_wait_ns / 1e9:g}"
            raise UsageError(message)
        self._time_wait_ns = time_wait_ns
        self._record = record
        self._table = memoryview(states.flat())
        self._tracker = Tracker(self._table, time_wait_ns, int(record))
        self._state = GrowingRows(fields.WORDS, "u8")
        self._moves = GrowingRows(fields.MOVE_WORDS, "u8")
        self._count = 0
        self._order = 0
        self._clock_ns: int | None = None

    def prepare(self, streams: int) -> None:
        """Make room for so many streams before ``feed``, on another thread if that has time."""
        self._state.prepare(streams)

    def add(self, batch: Batch, packets: Packets, streams: int) -> None:
        """Take in a decoded batch whose packets have their streams; ``streams`` are known by now."""
        if batch.count:
            kept = batch.arrays["time_ns"][: batch.count][batch.arrays["keep"][: batch.count] != 0]
            if len(kept):
                latest = int(kept.max())
                self._clock_ns = latest if self._clock_ns is None else max(self._clock_ns, latest)
        room = self._count + packets.count * fields.MAX_MOVES_A_SEGMENT if self._record else 1
        self._tracker.use(self._state.reach(streams), self._moves.reach(room), self._count, self._order)
        self._tracker.follow(
            packets.count,
            batch.first_frame,
            packets.order,
            batch.views["time_ns"],
            *packets.pick(*_COLUMNS),
        )
        self._count, self._order = self._tracker.used()

    def finish(self, conversations: Conversations) -> Outcome:
        """States and moves as they are if nothing comes any more; more batches may follow all the same."""
        self._state.reach(conversations.count)
        streams = range(conversations.count)
        return self._finished(streams, slice(0, self._count), *_next_streams(conversations))

    def finals(self, conversations: Conversations, rows: Rows) -> NDArray[np.int64]:
        """The states of side 0 and side 1 of some streams as ``finish`` would give them."""
        self._state.reach(conversations.count)
        state = self._state.array[: conversations.count][rows].copy()
        if len(state):
            moves = view_of(np.zeros((1, fields.MOVE_WORDS), np.uint64))
            tracker = Tracker(self._table, self._time_wait_ns, 0)
            tracker.use(view_of(state), moves, 0, self._order)
            later_frame, later_ns = _next_streams(conversations, rows)
            tracker.finish(len(state), self._clock_ns or 0, view_of(later_frame), view_of(later_ns))
        return _final(state)

    def pieces(self, conversations: Conversations, end: int) -> Iterator[tuple[range, Outcome]]:
        """The same of some streams after the other: those below number ``end``, in order.

        The moves of all at once would take much memory. There is one piece at least, be it an empty one.
        """
        self._state.reach(conversations.count)
        later = _next_streams(conversations)
        stream = self._moves.array[: self._count, fields.STREAM].astype(np.uint32)
        for first in range(0, max(end, 1), _PIECE):
            streams = range(first, min(first + _PIECE, end))
            rows = np.flatnonzero((stream >= streams.start) & (stream < streams.stop))
            yield streams, self._finished(streams, rows, *later)

    def _finished(
        self,
        streams: range,
        rows: slice | NDArray[np.int64],
        later_frame: NDArray[np.int64],
        later_ns: NDArray[np.int64],
    ) -> Outcome:
        """What ``finish`` says of some streams, whose moves are in these rows."""
        some = slice(streams.start, streams.stop)
        state = self._state.array[some].copy()
        made = self._moves.array[rows] if self._record else self._moves.array[:0]
        count = len(made)
        moves = np.zeros((max(count + 2 * len(streams), 1), fields.MOVE_WORDS), np.uint64)
        moves[:count] = made
        if not isinstance(rows, slice):
            moves[:count, fields.STREAM] -= np.uint64(streams.start)
            _renumber(state, rows)
        clock_ns = self._clock_ns or 0
        if streams:
            tracker = Tracker(self._table, self._time_wait_ns, int(self._record))
            tracker.use(view_of(state), view_of(moves), count, self._order)
            tracker.finish(len(streams), clock_ns, view_of(later_frame[some]), view_of(later_ns[some]))
            count, _ = tracker.used()
        return Outcome(_final(state), _sorted_moves(moves[:count], clock_ns, streams.start))

    def over(self, streams: int, *, never_open: bool) -> NDArray[np.bool_]:
        """Which streams both endpoints have closed as of now, be it but for TIME-WAIT.

        Args:
            streams: how many there are.
            never_open: those as well that were never established.
        """
        self._state.reach(streams)
        bits = self._state.array[:streams, fields.BITS : fields.BITS + 2].astype(np.int64)
        now = bits & 15
        # What was seen on its way to an endpoint will have arrived, though nothing proves it.
        acked, closed, reset = (bits & fields.PENDING << slot != 0 for slot in _CLOSING_SLOTS)
        over = found_in(now, _OVER) | reset | (found_in(now, _ACK_CLOSES) & acked)
        over |= ((now == states.State.FIN_WAIT_2) | ((now == states.State.FIN_WAIT_1) & acked)) & closed
        if never_open:
            over |= found_in(now, _OPENING)
        found: NDArray[np.bool_] = over.all(axis=1)
        if not never_open:
            found &= ~found_in(now, _NOTHING).all(axis=1)
        return found

    def close_succeeded(self, conversations: Conversations) -> None:
        """Bring streams to their end that others between the same ports have followed.

        No segment can reach them any more. So what ``finish`` says of them does not change when those that
        followed are let go of.
        """
        self._state.reach(conversations.count)
        later_frame, later_ns = _next_streams(conversations)
        rows = np.flatnonzero(later_frame)
        if len(rows) == 0:
            return
        state = self._state.array[rows]
        moves = self._moves.reach(self._count + 2 * len(rows) if self._record else 1)
        self._tracker.use(view_of(state), moves, self._count, self._order)
        self._tracker.finish(
            len(rows), self._clock_ns or 0, view_of(later_frame[rows]), view_of(later_ns[rows])
        )
        before = self._count
        self._count, self._order = self._tracker.used()
        self._state.array[rows] = state
        made = self._moves.array[before : self._count, fields.STREAM]
        made[:] = rows[made.astype(np.int64)]

    def keep(self, streams: NDArray[np.int64], count: int) -> None:
        """Let go of all streams but these of the first ``count``, in ascending order, and of their moves."""
        self._state.reach(count)
        self._state.keep(streams, count)
        if not self._record:
            return
        number = np.full(count, -1, np.int64)
        number[streams] = np.arange(len(streams))
        stream = number[self._moves.array[: self._count, fields.STREAM].astype(np.int64)]
        kept = np.flatnonzero(stream >= 0)
        self._moves.keep(kept, self._count)
        self._moves.array[: len(kept), fields.STREAM] = stream[kept]
        _renumber(self._state.array[: len(streams)], kept)
        self._count = len(kept)


def _final(state: NDArray[np.uint64]) -> NDArray[np.int64]:
    """The states of side 0 and side 1 of rows of ``fields``."""
    return (state[:, fields.BITS : fields.BITS + 2] & np.uint64(15)).astype(np.int64)


def _renumber(state: NDArray[np.uint64], kept: NDArray[np.int64]) -> None:
    """Put the new places of rows of moves into slots, when only these rows are kept, in ascending order.

    A slot that is empty may have any number.
    """
    slots = state[:, fields.SLOTS : fields.SLOTS + fields.SLOT_WORDS]
    low, high = ((slots >> np.uint64(shift)) & np.uint64(0xFFFFFFFF) for shift in (0, 32))
    places = [np.searchsorted(kept, half.astype(np.int64)).astype(np.uint64) for half in (low, high)]
    slots[:] = places[0] | places[1] << np.uint64(32)


def _next_streams(
    conversations: Conversations, rows: Rows = ALL
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """First frame and time of the next stream between the same ports; frame 0 where there is none."""
    following = conversations.raw(flow_fields.NEXT)[rows].astype(np.int64)
    frame = np.zeros(len(following), np.int64)
    time_ns = np.zeros(len(following), np.int64)
    earlier = np.flatnonzero(following)
    later = conversations.state[following[earlier]]
    frame[earlier] = later[:, flow_fields.FIRST_FRAME].astype(np.int64)
    time_ns[earlier] = later[:, flow_fields.FIRST_NS].astype(np.int64)
    return frame, time_ns


def _sorted_moves(rows: NDArray[np.uint64], clock_ns: int, first_stream: int) -> Moves:
    """The rows that are moves, in order, with what follows from their order.

    Streams of the rows are counted from ``first_stream``.
    """
    rows = rows[rows[:, fields.CODES] != 0]
    codes = rows[:, fields.CODES].astype(np.int64)
    side = codes >> 24 & 1
    order = np.lexsort((rows[:, fields.ORDER], side, rows[:, fields.STREAM]))
    rows, codes, side = rows[order], codes[order], side[order]
    stream = rows[:, fields.STREAM].astype(np.int64) + first_stream
    endpoint = stream * 2 + side
    same = np.zeros(len(rows), np.bool_)
    same[1:] = endpoint[1:] == endpoint[:-1]
    seen_ns = rows[:, fields.TIME_NS].view(np.int64)
    # A FIN that was seen before its receiver sent its own, and was received after, moved it later than
    # it was seen.
    time_ns = running_max(endpoint, seen_ns)
    before = codes & 0xFF
    dwell_ns = np.full(len(rows), NULL, np.int64)
    until_ns = np.full(len(rows), NULL, np.int64)
    dwell_ns[1:] = np.where(same[1:], time_ns[1:] - time_ns[:-1], NULL)
    until_ns[:-1] = np.where(same[1:], time_ns[1:], NULL)
    last = np.ones(len(rows), np.bool_)
    last[:-1] = ~same[1:]
    return Moves(
        stream=stream,
        side=side,
        frame=_or_null(rows[:, fields.FRAME]),
        time_ns=time_ns,
        seen_ns=seen_ns,
        before=before,
        after=codes >> 8 & 0xFF,
        event=codes >> 16 & 0xFF,
        assumed=(codes & fields.CODE_ASSUMED) != 0,
        proof_frame=_or_null(rows[:, fields.PROOF_FRAME]),
        proof_ns=np.where(rows[:, fields.PROOF_FRAME] != 0, rows[:, fields.PROOF_NS].view(np.int64), NULL),
        dwell_ns=dwell_ns,
        until_ns=until_ns,
        last=last,
        order=rows[:, fields.ORDER].astype(np.int64),
        clock_ns=clock_ns,
    )


def _or_null(frames: NDArray[np.uint64]) -> NDArray[np.int64]:
    found: NDArray[np.int64] = np.where(frames == 0, NULL, frames.astype(np.int64))
    return found


def state_columns(final: NDArray[np.int64], client_side: NDArray[np.int64]) -> dict[str, Any]:
    """The states at the end by role: ``client_state`` and ``server_state`` with their names."""
    rows = np.arange(len(client_side))
    return {
        "client_state": final[rows, client_side],
        "server_state": final[rows, 1 - client_side],
        "client_state_names": STATE_NAMES,
        "server_state_names": STATE_NAMES,
    }


def transition_columns(
    moves: Moves, client_side: NDArray[np.int64], bounds: Mapping[str, NDArray[np.int64]]
) -> dict[str, Any]:
    """The columns of table ``transitions``: stream by stream, in order of time.

    Args:
        moves: what there is to tell.
        client_side: which side of each stream is the client.
        bounds: of their times, from ``bounds.bound_columns``.
    """
    order = np.lexsort((moves.order, moves.time_ns, moves.stream))
    columns = {
        "stream": moves.stream,
        "endpoint": (moves.side != client_side[moves.stream]).astype(np.int64),
        "frame": moves.frame,
        "time_ns": moves.time_ns,
        "from_state": moves.before,
        "to_state": moves.after,
        "trigger": moves.event,
        "dwell_ns": moves.dwell_ns,
        "assumed": moves.assumed,
        "proof_frame": moves.proof_frame,
        "proof_ns": moves.proof_ns,
        **bounds,
    }
    return {
        **{name: column[order] for name, column in columns.items()},
        "endpoint_names": ["client", "server"],
        "from_state_names": STATE_NAMES,
        "to_state_names": STATE_NAMES,
        "trigger_names": EVENT_NAMES,
    }
