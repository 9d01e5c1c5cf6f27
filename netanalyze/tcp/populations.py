"""How many connections a host has had in each state over time, from the moves of its endpoints.

CLOSED and LISTEN are left out: a connection in them is none. So is a stay of no time, as in FIN-WAIT-2
when one segment acknowledges a FIN and brings the other one.

Connections may be let go of while more come. The stays of these are added up. How many there are at once is
counted as far as it is known for good, with those that are not let go of; what is counted twice in this way
does no harm, because at a time that has been counted before there are never more than there were then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

from netanalyze.columns import found_in
from netanalyze.model import NULL, address_ranks
from netanalyze.tcp.machines import STATE_NAMES
from netanalyze.tcp.queues import peaks
from netanalyze.tcp.states import State
from netanalyze.tcp.sums import HIGHEST, LOWEST, NEVER, SUM, Sums, lowest_among

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from netanalyze.tcp.machines import Moves

EPHEMERAL_PORTS = 60_999 - 32_768 + 1
"""Ports that Linux takes for outgoing connections (net.ipv4.ip_local_port_range): 28,232."""

STUCK_NS = 1_000_000_000
"""A peer that answers at all has answered a FIN after a second, and most applications have closed."""

RATE_NS = 1_000_000_000
"""A rate is measured over a second at least."""

_STUCK_STATES = (State.CLOSE_WAIT, State.FIN_WAIT_2, State.LAST_ACK)
_STATES = 16
_PERCENT = 100
_HOST = ("version", "hi", "lo")
_SERVER = ("server_version", "server_hi", "server_lo")
_ABANDONED = {
    "version": np.uint8, "hi": np.uint64, "lo": np.uint64, "hash": np.uint64, "state": np.int64,
    "start_ns": np.int64, "assumed": np.bool_,
}  # fmt: skip


class Populations:
    """What is added up, and what of connections that were let go of is not over."""

    def __init__(self, time_wait_ns: int) -> None:
        """Nothing yet; ``time_wait_ns`` is how long TIME-WAIT lasts."""
        self._time_wait_ns = time_wait_ns
        self._sums = Sums(
            (*_HOST, "state"),
            connections=SUM, peak=HIGHEST, peak_ns=lowest_among("peak"), still_open=SUM, longest_ns=HIGHEST,
            assumed=SUM, stuck=SUM,
        )  # fmt: skip
        self._destinations = Sums(
            (*_HOST, *_SERVER, "server_port"), most=HIGHEST, entries=SUM, first_ns=LOWEST, last_ns=HIGHEST
        )
        self._clock_ns = 0
        self._looked: list[_Stays] = []
        self._abandoned: dict[str, NDArray[Any]] = {
            name: np.zeros(0, dtype) for name, dtype in _ABANDONED.items()
        }

    def look(self, moves: Moves, client_side: NDArray[np.int64]) -> None:
        """Look at moves, before they are added up by what comes next: ``let_go`` or ``columns``.

        Args:
            moves: as the machines have them, of some streams; several such pieces may come.
            client_side: of each stream there is.
        """
        which = np.flatnonzero((moves.after > State.LISTEN) & (moves.until_ns != moves.time_ns))
        stream = moves.stream[which]
        server = moves.side[which] != client_side[stream]
        self._clock_ns = moves.clock_ns
        self._looked.append(
            _Stays(
                endpoint=stream + len(client_side) * server,
                stream=stream,
                state=moves.after[which],
                start_ns=moves.time_ns[which],
                end_ns=moves.until_ns[which],
                assumed=moves.assumed[which],
            )
        )

    def let_go(self, streams: Mapping[str, NDArray[Any]], gone: NDArray[np.bool_], until_ns: int) -> None:
        """Add up some streams, which are known no longer afterwards.

        Their endpoints are closed, or opening without an answer: that they go on to do, until a new
        connection takes their ports.

        Args:
            streams: the columns of ``flow.summary.endpoint_columns``.
            gone: which streams are let go of.
            until_ns: up to when the moves of all streams are known for good. Those of streams that began
                later need not have been looked at.
        """
        stays, address = self._stays(streams)
        old = stays.stream < 0
        counted = old | gone[stays.stream]
        # A connection that has taken the ports after ``until_ns`` is still known the next time.
        lasts = (stays.end_ns == NULL) | (old & (stays.end_ns > until_ns))
        left = np.flatnonzero(counted & lasts)
        hosts, destinations = self._parts(stays, address, streams, counted & ~lasts, until_ns)
        self._sums.add(hosts)
        self._destinations.add(destinations)
        endpoint, new = stays.endpoint[left], left[~old[left]]
        known = self._abandoned["hash"][left[old[left]] - (len(old) - np.count_nonzero(old))]
        hashes = np.concatenate((streams["hash"][stays.stream[new]], known))
        self._abandoned = {
            **{part: address[part][endpoint] for part in _HOST},
            "hash": hashes,
            "state": stays.state[left],
            "start_ns": stays.start_ns[left],
            "assumed": stays.assumed[left],
        }

    def columns(self, streams: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
        """The columns of table ``populations``, if nothing comes any more.

        Args:
            streams: the columns of ``flow.summary.endpoint_columns``; all have been looked at.
        """
        stays, address = self._stays(streams)
        everything = np.ones(len(stays.state), np.bool_)
        hosts, destinations = self._parts(stays, address, streams, everything, NEVER)
        found = self._sums.with_(hosts)
        there = found["connections"] > 0
        found = {name: column[there] for name, column in found.items()}
        can_be_stuck = found_in(found["state"], _STUCK_STATES)
        return {
            **{f"host_{part}": found[part] for part in _HOST},
            **{name: found[name] for name in ("state", "connections", "peak", "peak_ns", "still_open")},
            "state_names": STATE_NAMES,
            "longest_ns": found["longest_ns"],
            "assumed": found["assumed"],
            "stuck": np.where(can_be_stuck, found["stuck"], NULL),
            **self._busiest(found, self._destinations.with_(destinations)),
        }

    def _stays(self, streams: Mapping[str, NDArray[Any]]) -> tuple[_Stays, dict[str, NDArray[Any]]]:
        """What was looked at, with the stays of connections abandoned long ago behind; and all addresses.

        From now on what was looked at is not known any more.
        """
        old, count = self._abandoned, len(streams["hash"])
        again = _Stays(
            endpoint=2 * count + np.arange(len(old["state"])),
            stream=np.full(len(old["state"]), -1),
            end_ns=_next_ns(old["hash"], old["start_ns"], streams["hash"], streams["start_ns"]),
            **{name: old[name] for name in ("state", "start_ns", "assumed")},
        )
        pieces, self._looked = [*self._looked, again], []
        stays = _Stays(
            *(np.concatenate([getattr(piece, name) for piece in pieces]) for name in _Stays.__struct_fields__)
        )
        address = {
            part: np.concatenate((streams[f"client_{part}"], streams[f"server_{part}"], old[part]))
            for part in _HOST
        }
        return stays, address

    def _parts(
        self,
        stays: _Stays,
        address: Mapping[str, NDArray[Any]],
        streams: Mapping[str, NDArray[Any]],
        counted: NDArray[np.bool_],
        until_ns: int,
    ) -> tuple[dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
        """What is to be added for each host and state, and for each host and server it waits to.

        Args:
            stays: of endpoints in states.
            address: of the endpoints.
            streams: columns of the streams.
            counted: which of the stays are to be added; all tell how many there are at once.
            until_ns: the count of how many there are at once goes up to here.
        """
        host, host_row = address_ranks(*(address[part] for part in ("hi", "lo", "version")))
        rank = host[stays.endpoint]
        found, group = np.unique(rank * _STATES + stays.state, return_inverse=True)
        group = group.reshape(-1)
        open_still = counted & (stays.end_ns == NULL)
        lasted_ns = np.where(stays.end_ns == NULL, self._clock_ns, stays.end_ns) - stays.start_ns
        early = stays.start_ns <= until_ns
        peaked, most, when_ns = peaks(group[early], stays.start_ns[early], stays.end_ns[early])
        peak, peak_ns = np.zeros(len(found), np.int64), np.full(len(found), NEVER)
        peak[peaked], peak_ns[peaked] = most, when_ns
        longest_ns = np.zeros(len(found), np.int64)
        np.maximum.at(longest_ns, group[counted], lasted_ns[counted])
        hosts = {
            **{part: address[part][host_row][found // _STATES] for part in _HOST},
            "state": found % _STATES,
            "connections": _count(group, len(found), counted),
            "peak": peak,
            "peak_ns": peak_ns,
            "still_open": _count(group, len(found), open_still),
            "longest_ns": longest_ns,
            "assumed": _count(group, len(found), counted & stays.assumed),
            "stuck": _count(group, len(found), open_still & (lasted_ns > STUCK_NS)),
        }
        # Of its connections as a client: where each host's ports wait.
        count = len(streams["server_port"])
        waits = np.flatnonzero((stays.state == State.TIME_WAIT) & (stays.endpoint < count))
        stream, start_ns, counted = stays.endpoint[waits], stays.start_ns[waits], counted[waits]
        # Numbers of hosts and servers together with a port might not fit in a word: places get numbers.
        server = host[count : 2 * count] * 65536 + streams["server_port"]
        places, place = np.unique(server[stream], return_inverse=True)
        pairs, pair = np.unique(rank[waits] * len(places) + place.reshape(-1), return_inverse=True)
        pair = pair.reshape(-1)
        early = start_ns <= until_ns
        peaked, highest, _ = peaks(pair[early], start_ns[early], stays.end_ns[waits][early])
        most = np.zeros(len(pairs), np.int64)
        most[peaked] = highest
        first_ns, last_ns = np.full(len(pairs), NEVER), np.full(len(pairs), NULL)
        np.minimum.at(first_ns, pair[counted], start_ns[counted])
        np.maximum.at(last_ns, pair[counted], start_ns[counted])
        client, to = np.divmod(pairs, max(len(places), 1))
        rows = host_row[places[to] // 65536]
        destinations = {
            **{part: address[part][host_row][client] for part in _HOST},
            **{name: address[part][rows] for name, part in zip(_SERVER, _HOST, strict=True)},
            "server_port": places[to] % 65536,
            "most": most,
            "entries": _count(pair, len(pairs), counted),
            "first_ns": first_ns,
            "last_ns": last_ns,
        }
        return hosts, destinations

    def _busiest(
        self, found: Mapping[str, NDArray[Any]], destinations: Mapping[str, NDArray[Any]]
    ) -> dict[str, NDArray[Any]]:
        """Where the ports of each row's host wait most, for rows of TIME-WAIT."""
        count = len(found["state"])
        columns = {name: np.full(count, missing, dtype) for name, (missing, dtype) in _MISSING.items()}
        rank, _ = address_ranks(
            *(np.concatenate((found[part], destinations[part])) for part in ("hi", "lo", "version"))
        )
        # The last one of each host in this order, which is the one with the highest peak.
        order = np.lexsort((destinations["most"], rank[count:]))
        hosts = rank[count:][order]
        last = np.searchsorted(hosts, rank[:count], side="right") - 1
        there = found["state"] == State.TIME_WAIT
        if len(hosts):
            there &= hosts[np.maximum(last, 0)] == rank[:count]
        for row in np.flatnonzero(there & (last >= 0)).tolist():
            best = {name: int(column[order[last[row]]]) for name, column in destinations.items()}
            for part in _HOST:
                columns[f"busiest_server_{part}"][row] = best[f"server_{part}"]
            columns["busiest_server_port"][row] = best["server_port"]
            columns["busiest_peak"][row] = best["most"]
            columns["ports_percent"][row] = best["most"] * _PERCENT // EPHEMERAL_PORTS
            columns["ports_last_ns"][row] = _ports_last_ns(
                best["entries"] - 1, best["last_ns"] - best["first_ns"], self._time_wait_ns
            )
        return columns


class _Stays(Struct, frozen=True):
    """Stays of endpoints in a state, an element each.

    Attributes:
        endpoint: number of the endpoint: of stream n the client's is n, the server's as much more as there
            are streams.
        stream: number of the stream, -1 if it was let go of earlier.
        state: number of the state.
        start_ns, end_ns: when it begins and ends, ``NULL`` if it lasts.
        assumed: whether it is a guess.
    """

    endpoint: NDArray[np.int64]
    stream: NDArray[np.int64]
    state: NDArray[np.int64]
    start_ns: NDArray[np.int64]
    end_ns: NDArray[np.int64]
    assumed: NDArray[np.bool_]


def _next_ns(
    hashes: NDArray[np.uint64],
    after_ns: NDArray[np.int64],
    among: NDArray[np.uint64],
    start_ns: NDArray[np.int64],
) -> NDArray[np.int64]:
    """When the next stream between the same ports begins, for each hash and time; ``NULL`` for never."""
    if len(hashes) == 0:
        return after_ns
    near = found_in(among, hashes)
    hashes, times = np.concatenate((hashes, among[near])), np.concatenate((after_ns, start_ns[near]))
    count = len(after_ns)
    begins = np.arange(len(hashes)) >= count
    order = np.lexsort((begins, times, hashes))
    place = np.where(begins[order], np.arange(len(order)), len(order))
    following = np.minimum.accumulate(place[::-1])[::-1]
    found = order[np.minimum(following, len(order) - 1)]
    follows = (following < len(order)) & (hashes[found] == hashes[order])
    next_ns = np.empty(len(order), np.int64)
    next_ns[order] = np.where(follows, times[found], NULL)
    return next_ns[:count]


def _count(group: NDArray[np.int64], groups: int, which: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.bincount(group[which], minlength=groups).astype(np.int64)


_MISSING: dict[str, tuple[int, Any]] = {
    "busiest_server_hi": (0, np.uint64),
    "busiest_server_lo": (0, np.uint64),
    "busiest_server_version": (0, np.uint8),
    "busiest_server_port": (NULL, np.int64),
    "busiest_peak": (NULL, np.int64),
    "ports_percent": (NULL, np.int64),
    "ports_last_ns": (NULL, np.int64),
}


def _ports_last_ns(entries: int, span_ns: int, time_wait_ns: int) -> int:
    """How long the ephemeral ports last if so many go to TIME-WAIT in this time; ``NULL`` for ever."""
    if span_ns < RATE_NS:
        return NULL
    if entries * time_wait_ns <= EPHEMERAL_PORTS * span_ns:
        return NULL  # ports come back as fast as they go
    return EPHEMERAL_PORTS * span_ns // entries
