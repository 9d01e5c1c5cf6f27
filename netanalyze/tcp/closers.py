"""Who ends the connections of a server, and who does not: what applications do with their sockets.

A *leak* is a connection that its application does not close although the peer has: a stay in
CLOSE-WAIT of more than a second that

- still lasts at the end of the capture, or
- ended with a RST from it, or
- ended in the same instant as another one of this kind: the process has gone, and the kernel closed
  its sockets (with RST where something was left to read).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.model import NULL, address_ranks
from netanalyze.tcp.states import Event, State

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from netanalyze.tcp.machines import Moves

LEAK_NS = 1_000_000_000
INSTANT_NS = 10_000_000
"""Sockets of a process that exits are closed one after the other, within milliseconds."""

_MINUTE_NS = 60_000_000_000
_CLIENT, _SERVER = 0, 1


def closer_columns(
    moves: Moves, streams: Mapping[str, NDArray[Any]], client_side: NDArray[np.int64]
) -> dict[str, Any]:
    """The columns of table ``closers``: one row for each server address and port.

    Args:
        moves: as the machines have them.
        streams: the columns of ``flow.summary.stream_columns``.
        client_side: of each stream.
    """
    parts = ("hi", "lo", "version")
    address, address_row = address_ranks(*(streams[f"server_{part}"] for part in parts))
    key = address * 65536 + streams["server_port"]
    found, group = np.unique(key, return_inverse=True)
    group = group.reshape(-1)
    count = len(found)
    server = (moves.side != client_side[moves.stream]).astype(np.int64)
    first = _first_closing_moves(moves)
    by, event = server[first], moves.event[first]
    simultaneous = np.zeros(len(key), np.bool_)
    simultaneous[moves.stream[moves.after == State.CLOSING]] = True
    of_first = moves.stream[first]
    together = simultaneous[of_first]
    refused = moves.stream[
        (moves.event == Event.RCV_RST) & (moves.before == State.SYN_SENT) & (server == _CLIENT)
    ]
    refused = np.setdiff1d(refused, of_first)  # where the server had answered before, it is a reset
    ended = np.zeros(len(key), np.bool_)
    ended[of_first] = True
    ended[refused] = True
    leaks = _leaks(moves, server, group)

    def tally(which: NDArray[np.int64]) -> NDArray[np.int64]:
        """How many of these streams each row has."""
        return np.bincount(group[which], minlength=count).astype(np.int64)

    fin, rst = event == Event.SND_FIN, event == Event.SND_RST
    leaking = [moves.stream[leaks[server[leaks] == role]] for role in (_CLIENT, _SERVER)]
    at_exit = leaks[moves.until_ns[leaks] != NULL]
    interval_ns, per_minute = _rates(moves, leaks, group, count)
    return {
        **{f"server_{part}": streams[f"server_{part}"][address_row][found // 65536] for part in parts},
        "server_port": found % 65536,
        "connections": np.bincount(group, minlength=count),
        "client_first": tally(of_first[fin & (by == _CLIENT) & ~together]),
        "server_first": tally(of_first[fin & (by == _SERVER) & ~together]),
        "simultaneous": tally(np.flatnonzero(simultaneous)),
        "client_resets": tally(of_first[rst & (by == _CLIENT)]),
        "server_resets": tally(of_first[rst & (by == _SERVER)]),
        "refused": tally(refused),
        "not_closed": tally(np.flatnonzero(~ended)),
        "client_leaks": tally(leaking[_CLIENT]),
        "server_leaks": tally(leaking[_SERVER]),
        "leaks_ended_by_exit": tally(moves.stream[at_exit]),
        "leaks_per_minute": per_minute,
        "leak_interval_ns": interval_ns,
    }


def _first_closing_moves(moves: Moves) -> NDArray[np.int64]:
    """The row of the first FIN or RST that an endpoint of each stream sent."""
    closing = np.flatnonzero((moves.event == Event.SND_FIN) | (moves.event == Event.SND_RST))
    order = closing[np.lexsort((moves.order[closing], moves.time_ns[closing], moves.stream[closing]))]
    _, first = np.unique(moves.stream[order], return_index=True)
    found: NDArray[np.int64] = order[first]
    return found


def _leaks(moves: Moves, server: NDArray[np.int64], group: NDArray[np.int64]) -> NDArray[np.int64]:
    """The rows of moves into CLOSE-WAIT that are leaks; a guess is none."""
    lasted_ns = np.where(moves.last, moves.clock_ns, moves.until_ns) - moves.time_ns
    long = np.flatnonzero((moves.after == State.CLOSE_WAIT) & ~moves.assumed & (lasted_ns > LEAK_NS))
    ended = long[~moves.last[long]]
    by_reset = ended[moves.event[ended + 1] == Event.SND_RST]  # the endpoint's next move stands behind
    by_close = ended[moves.event[ended + 1] == Event.SND_FIN]
    both = np.concatenate((by_reset, by_close))
    # Together with another one of the same port and role.
    key = group[moves.stream[both]] * 2 + server[both]
    order = np.lexsort((moves.until_ns[both], key))
    both, key = both[order], key[order]
    near = (np.diff(moves.until_ns[both]) <= INSTANT_NS) & (np.diff(key) == 0)
    together = np.zeros(len(both), np.bool_)
    together[1:] |= near
    together[:-1] |= near
    return np.unique(np.concatenate((long[moves.last[long]], by_reset, both[together])))


def _rates(
    moves: Moves, leaks: NDArray[np.int64], group: NDArray[np.int64], count: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The mean time between two leaks, and how many a minute that makes, rounded; ``NULL`` below two."""
    mine = group[moves.stream[leaks]]
    number = np.bincount(mine, minlength=count)
    first, last = np.full(count, np.iinfo(np.int64).max), np.full(count, NULL)
    np.minimum.at(first, mine, moves.time_ns[leaks])
    np.maximum.at(last, mine, moves.time_ns[leaks])
    interval, rate = np.full(count, NULL), np.full(count, NULL)
    for row in np.flatnonzero(number > 1).tolist():
        span, steps = int(last[row]) - int(first[row]), int(number[row]) - 1
        if span > 0:
            interval[row] = span // steps
            rate[row] = (steps * _MINUTE_NS + span // 2) // span
    return interval, rate
