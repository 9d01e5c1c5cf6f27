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
from netanalyze.tcp.sums import HIGHEST, LOWEST, NEVER, SUM, Sums

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from netanalyze.tcp.machines import Moves

LEAK_NS = 1_000_000_000
INSTANT_NS = 10_000_000
"""Sockets of a process that exits are closed one after the other, within milliseconds."""

_MINUTE_NS = 60_000_000_000
_CLIENT, _SERVER = 0, 1
_SERVER_KEY = ("server_version", "server_hi", "server_lo", "server_port")
_COUNTS = (
    "connections", "client_first", "server_first", "simultaneous", "client_resets", "server_resets",
    "refused", "not_closed", "client_leaks", "server_leaks", "leaks_ended_by_exit",
)  # fmt: skip


class Closers:
    """What is added up of connections that were let go of while more come."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._sums = Sums(
            _SERVER_KEY, **dict.fromkeys(_COUNTS, SUM), first_leak_ns=LOWEST, last_leak_ns=HIGHEST
        )
        self._together = np.zeros(0, np.int64)

    def let_go(
        self,
        moves: Moves,
        streams: Mapping[str, NDArray[Any]],
        client_side: NDArray[np.int64],
        gone: NDArray[np.bool_],
    ) -> None:
        """Add up some streams, which are known no longer afterwards.

        Args:
            moves: as the machines have them, of all streams.
            streams: the columns of ``flow.summary.stream_columns``.
            client_side: of each stream.
            gone: which streams are let go of; their endpoints are in no state that counts.
        """
        part, together = self._part(moves, streams, client_side, gone)
        self._sums.add(part)
        self._together = moves.order[together[~gone[moves.stream[together]]]]

    def columns(
        self, moves: Moves, streams: Mapping[str, NDArray[Any]], client_side: NDArray[np.int64]
    ) -> dict[str, Any]:
        """The columns of table ``closers``, one row for each server address and port; see ``let_go``."""
        part, _ = self._part(moves, streams, client_side, np.ones(len(client_side), np.bool_))
        found = self._sums.with_(part)
        there = found["connections"] > 0
        found = {name: column[there] for name, column in found.items()}
        interval_ns, per_minute = _rates(found)
        return {
            **{name: found[name] for name in (*_SERVER_KEY, *_COUNTS)},
            "leaks_per_minute": per_minute,
            "leak_interval_ns": interval_ns,
        }

    def _part(
        self,
        moves: Moves,
        streams: Mapping[str, NDArray[Any]],
        client_side: NDArray[np.int64],
        gone: NDArray[np.bool_],
    ) -> tuple[dict[str, NDArray[Any]], NDArray[np.int64]]:
        """What is to be added, and the rows of moves that end a stay together with another one."""
        parts = ("hi", "lo", "version")
        address, address_row = address_ranks(*(streams[f"server_{part}"] for part in parts))
        found, group = np.unique(address * 65536 + streams["server_port"], return_inverse=True)
        group = group.reshape(-1)
        count = len(found)
        server = (moves.side != client_side[moves.stream]).astype(np.int64)
        first = _first_closing_moves(moves)
        by, event = server[first], moves.event[first]
        simultaneous = np.zeros(len(group), np.bool_)
        simultaneous[moves.stream[moves.after == State.CLOSING]] = True
        of_first = moves.stream[first]
        both = simultaneous[of_first]
        refused = moves.stream[
            (moves.event == Event.RCV_RST) & (moves.before == State.SYN_SENT) & (server == _CLIENT)
        ]
        refused = np.setdiff1d(refused, of_first)  # where the server had answered before, it is a reset
        ended = np.zeros(len(group), np.bool_)
        ended[of_first] = True
        ended[refused] = True
        leaks, together = self._leaks(moves, server, group)
        leaks = leaks[gone[moves.stream[leaks]]]

        def tally(which: NDArray[np.int64]) -> NDArray[np.int64]:
            """How many of these streams each row has."""
            return np.bincount(group[which[gone[which]]], minlength=count).astype(np.int64)

        fin, rst = event == Event.SND_FIN, event == Event.SND_RST
        leaking = [moves.stream[leaks[server[leaks] == role]] for role in (_CLIENT, _SERVER)]
        mine = group[moves.stream[leaks]]
        first_ns, last_ns = np.full(count, NEVER), np.full(count, NULL)
        np.minimum.at(first_ns, mine, moves.time_ns[leaks])
        np.maximum.at(last_ns, mine, moves.time_ns[leaks])
        part = {
            **{f"server_{part}": streams[f"server_{part}"][address_row][found // 65536] for part in parts},
            "server_port": found % 65536,
            "connections": tally(np.arange(len(group))),
            "client_first": tally(of_first[fin & (by == _CLIENT) & ~both]),
            "server_first": tally(of_first[fin & (by == _SERVER) & ~both]),
            "simultaneous": tally(np.flatnonzero(simultaneous)),
            "client_resets": tally(of_first[rst & (by == _CLIENT)]),
            "server_resets": tally(of_first[rst & (by == _SERVER)]),
            "refused": tally(refused),
            "not_closed": tally(np.flatnonzero(~ended)),
            "client_leaks": tally(leaking[_CLIENT]),
            "server_leaks": tally(leaking[_SERVER]),
            "leaks_ended_by_exit": tally(moves.stream[leaks[moves.until_ns[leaks] != NULL]]),
            "first_leak_ns": first_ns,
            "last_leak_ns": last_ns,
        }
        return part, together

    def _leaks(
        self, moves: Moves, server: NDArray[np.int64], group: NDArray[np.int64]
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The rows of moves into CLOSE-WAIT that are leaks, and of those out of it that came together.

        A guess is none.
        """
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
        together = np.isin(moves.order[both + 1], self._together)  # the other one may have been let go of
        together[1:] |= near
        together[:-1] |= near
        leaks = np.unique(np.concatenate((long[moves.last[long]], by_reset, both[together])))
        return leaks, both[together] + 1


def _first_closing_moves(moves: Moves) -> NDArray[np.int64]:
    """The row of the first FIN or RST that an endpoint of each stream sent."""
    closing = np.flatnonzero((moves.event == Event.SND_FIN) | (moves.event == Event.SND_RST))
    order = closing[np.lexsort((moves.order[closing], moves.time_ns[closing], moves.stream[closing]))]
    _, first = np.unique(moves.stream[order], return_index=True)
    found: NDArray[np.int64] = order[first]
    return found


def _rates(found: Mapping[str, NDArray[Any]]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """The mean time between two leaks, and how many a minute that makes, rounded; ``NULL`` below two."""
    number = found["client_leaks"] + found["server_leaks"]
    interval, rate = np.full(len(number), NULL), np.full(len(number), NULL)
    for row in np.flatnonzero(number > 1).tolist():
        span = int(found["last_leak_ns"][row]) - int(found["first_leak_ns"][row])
        steps = int(number[row]) - 1
        if span > 0:
            interval[row] = span // steps
            rate[row] = (steps * _MINUTE_NS + span // 2) // span
    return interval, rate
