"""Who ends the connections of a server, and who does not: what applications do with their sockets.

A *leak* is a connection that its application does not close although the peer has: a stay in
CLOSE-WAIT of more than a second that

- still lasts at the end of the capture, or
- ended with a RST from it, or
- ended in the same instant as another one of this kind: the process has gone, and the kernel closed
  its sockets (with RST where something was left to read).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from netanalyze.columns import found_in
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
_NOT_ENDED = 4

# Bits of how a stream ended: the lowest one tells who was first, the next one whether with RST.
_ENDED = 4
_SIMULTANEOUS = 8
_REFUSED = 16
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
        self._looked: list[_Waits] = []
        self._ends = np.zeros(0, np.uint8)

    def look(self, moves: Moves, client_side: NDArray[np.int64]) -> None:
        """Look at moves, before they are added up by what comes next: ``let_go`` or ``columns``.

        Args:
            moves: as the machines have them, of some streams; several such pieces may come.
            client_side: of each stream there is.
        """
        if not self._looked:
            self._ends = np.zeros(len(client_side), np.uint8)
        server = (moves.side != client_side[moves.stream]).astype(np.int64)
        first = _first_closing_moves(moves)
        by, reset = server[first], moves.event[first] == Event.SND_RST
        self._ends[moves.stream[first]] = _ENDED + by + 2 * reset
        self._ends[moves.stream[moves.after == State.CLOSING]] |= _SIMULTANEOUS
        refused = moves.stream[
            (moves.event == Event.RCV_RST) & (moves.before == State.SYN_SENT) & (server == _CLIENT)
        ]
        # Where the server had answered before, it is a reset.
        self._ends[refused[self._ends[refused] & _ENDED == 0]] |= _REFUSED
        self._looked.append(_long_waits(moves, server))

    def let_go(self, streams: Mapping[str, NDArray[Any]], gone: NDArray[np.bool_]) -> None:
        """Add up some streams, which are known no longer afterwards.

        Args:
            streams: the columns of ``flow.summary.endpoint_columns``.
            gone: which streams are let go of; their endpoints are in no state that counts.
        """
        part, together = self._part(streams, gone)
        self._sums.add(part)
        self._together = together.order[~gone[together.stream]]

    def columns(self, streams: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """The columns of table ``closers``, one row for each server address and port.

        Args:
            streams: the columns of ``flow.summary.endpoint_columns``; all have been looked at.
        """
        part, _ = self._part(streams, np.ones(len(streams["server_port"]), np.bool_))
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
        self, streams: Mapping[str, NDArray[Any]], gone: NDArray[np.bool_]
    ) -> tuple[dict[str, NDArray[Any]], _Waits]:
        """What is to be added, and the waits that ended together; nothing is looked at any more then."""
        parts = ("hi", "lo", "version")
        address, address_row = address_ranks(*(streams[f"server_{part}"] for part in parts))
        found, group = np.unique(address * 65536 + streams["server_port"], return_inverse=True)
        group = group.reshape(-1)
        count = len(found)
        ends = self._ends if self._looked else np.zeros(len(group), np.uint8)
        looked, self._looked = self._looked, []
        waits = (
            _Waits(*(np.concatenate(columns) for columns in zip(*looked, strict=True)))
            if looked
            else _NO_WAITS
        )
        leaks, together = self._leaks(waits, group)
        leaks = leaks.of(gone[leaks.stream])
        both, ended = ends & _SIMULTANEOUS != 0, ends & _ENDED != 0
        how = np.where(ended, ends & 3, _NOT_ENDED)
        refused = ends & _REFUSED != 0

        def tally(which: NDArray[np.bool_]) -> NDArray[np.int64]:
            """How many of these streams each row has."""
            return np.bincount(group[which & gone], minlength=count).astype(np.int64)

        def leaking(which: NDArray[np.bool_]) -> NDArray[np.int64]:
            """How many of these leaks each row has."""
            return np.bincount(group[leaks.stream[which]], minlength=count).astype(np.int64)

        mine = group[leaks.stream]
        first_ns, last_ns = np.full(count, NEVER), np.full(count, NULL)
        np.minimum.at(first_ns, mine, leaks.start_ns)
        np.maximum.at(last_ns, mine, leaks.start_ns)
        part = {
            **{f"server_{part}": streams[f"server_{part}"][address_row][found // 65536] for part in parts},
            "server_port": found % 65536,
            "connections": tally(np.ones(len(group), np.bool_)),
            "client_first": tally((how == _CLIENT) & ~both),
            "server_first": tally((how == _SERVER) & ~both),
            "simultaneous": tally(both),
            "client_resets": tally(how == 2 + _CLIENT),
            "server_resets": tally(how == 2 + _SERVER),
            "refused": tally(refused),
            "not_closed": tally(~ended & ~refused),
            "client_leaks": leaking(leaks.server == _CLIENT),
            "server_leaks": leaking(leaks.server == _SERVER),
            "leaks_ended_by_exit": leaking(leaks.event != Event.NONE),
            "first_leak_ns": first_ns,
            "last_leak_ns": last_ns,
        }
        return part, together

    def _leaks(self, waits: _Waits, group: NDArray[np.int64]) -> tuple[_Waits, _Waits]:
        """Those of the waits that are leaks, and those that ended together with another one."""
        both = np.flatnonzero(found_in(waits.event, (Event.SND_RST, Event.SND_FIN)))
        # Together with another one of the same port and role.
        key = group[waits.stream[both]] * 2 + waits.server[both]
        order = np.lexsort((waits.end_ns[both], key))
        both, key = both[order], key[order]
        near = (np.diff(waits.end_ns[both]) <= INSTANT_NS) & (np.diff(key) == 0)
        together = found_in(waits.order[both], self._together)  # the other one may have been let go of
        together[1:] |= near
        together[:-1] |= near
        leak = found_in(waits.event, (Event.NONE, Event.SND_RST))
        leak[both[together]] = True
        return waits.of(leak), waits.of(both[together])


class _Waits(NamedTuple):
    """Long stays in CLOSE-WAIT, an element each.

    Attributes:
        stream: number of the stream.
        server: whether it is the server's.
        start_ns, end_ns: when it begins and ends, ``NULL`` if it lasts.
        event: what ended it, ``Event.NONE`` if it lasts.
        order: number of the move that ended it.
    """

    stream: NDArray[np.int64]
    server: NDArray[np.int64]
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    event: NDArray[np.int64]
    order: NDArray[np.int64]

    def of(self, which: NDArray[Any]) -> _Waits:
        """Some of them."""
        return _Waits(*(column[which] for column in self))


_NO_WAITS = _Waits(*([np.zeros(0, np.int64)] * 6))


def _long_waits(moves: Moves, server: NDArray[np.int64]) -> _Waits:
    """Those that may be leaks; a guess is none."""
    lasted_ns = np.where(moves.last, moves.clock_ns, moves.until_ns) - moves.time_ns
    long = np.flatnonzero((moves.after == State.CLOSE_WAIT) & ~moves.assumed & (lasted_ns > LEAK_NS))
    last = moves.last[long]
    behind = np.minimum(long + 1, len(moves) - 1)  # where the endpoint's next move stands
    return _Waits(
        stream=moves.stream[long],
        server=server[long],
        start_ns=moves.time_ns[long],
        end_ns=moves.until_ns[long],
        event=np.where(last, int(Event.NONE), moves.event[behind]),
        order=moves.order[behind],
    )


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
