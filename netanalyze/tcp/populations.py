"""How many connections a host has had in each state over time, from the moves of its endpoints.

CLOSED and LISTEN are left out: a connection in them is none. So is a stay of no time, as in FIN-WAIT-2
when one segment acknowledges a FIN and brings the other one.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.model import NULL, address_ranks
from netanalyze.tcp.machines import STATE_NAMES
from netanalyze.tcp.states import State

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


def endpoint_addresses(
    moves: Moves, streams: Mapping[str, NDArray[Any]], client_side: NDArray[np.int64]
) -> tuple[NDArray[np.int64], dict[str, NDArray[Any]], dict[str, NDArray[Any]]]:
    """Whose each move is.

    Args:
        moves: as the machines have them.
        streams: the columns of ``flow.summary.stream_columns``.
        client_side: of each stream.

    Returns:
        1 where it is the server's move, else 0; and address (``hi``, ``lo``, ``version``) and ``port`` of
        the endpoint and of its peer.
    """
    server = (moves.side != client_side[moves.stream]).astype(np.int64)
    mine: dict[str, NDArray[Any]] = {}
    theirs: dict[str, NDArray[Any]] = {}
    for part in ("hi", "lo", "version", "port"):
        pair = [streams[f"{role}_{part}"][moves.stream] for role in ("client", "server")]
        mine[part] = np.where(server == 1, pair[1], pair[0])
        theirs[part] = np.where(server == 1, pair[0], pair[1])
    return server, mine, theirs


def peaks(
    key: NDArray[np.int64], start_ns: NDArray[np.int64], end_ns: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """How many of these spans of time at most there are at once, for each key, and when first.

    Args:
        key: what each belongs to.
        start_ns: when it begins.
        end_ns: when it ends, at which moment it is over; ``NULL`` for never.

    Returns:
        The keys in ascending order, the most spans at once, and when there were first that many.
    """
    ends = end_ns != NULL
    keys = np.concatenate((key, key[ends]))
    times = np.concatenate((start_ns, end_ns[ends]))
    steps = np.concatenate((np.ones(len(key), np.int64), -np.ones(np.count_nonzero(ends), np.int64)))
    order = np.lexsort((steps, times, keys))
    keys, times, running = keys[order], times[order], np.cumsum(steps[order])
    found, first, group = np.unique(keys, return_index=True, return_inverse=True)
    if len(found) == 0:
        return found, found, found
    before = np.concatenate((np.zeros(1, np.int64), running[first[1:] - 1]))
    running = running - before[group]
    most = np.maximum.reduceat(running, first)
    reached = np.flatnonzero(running == most[group])
    _, when = np.unique(group[reached], return_index=True)
    return found, most, times[reached[when]]


def population_columns(
    moves: Moves,
    streams: Mapping[str, NDArray[Any]],
    client_side: NDArray[np.int64],
    time_wait_ns: int,
) -> dict[str, Any]:
    """The columns of table ``populations``.

    Args:
        moves: as the machines have them.
        streams: the columns of ``flow.summary.stream_columns``.
        client_side: of each stream.
        time_wait_ns: how long TIME-WAIT lasts.
    """
    server, mine, theirs = endpoint_addresses(moves, streams, client_side)
    stays = np.flatnonzero((moves.after > State.LISTEN) & (moves.until_ns != moves.time_ns))
    host, host_row = address_ranks(*(mine[part][stays] for part in ("hi", "lo", "version")))
    state, start_ns, end_ns = moves.after[stays], moves.time_ns[stays], moves.until_ns[stays]
    open_still = end_ns == NULL
    lasted_ns = np.where(open_still, moves.clock_ns, end_ns) - start_ns
    key = host * _STATES + state
    found, most, when_ns = peaks(key, start_ns, end_ns)
    group = np.searchsorted(found, key)
    longest_ns = np.full(len(found), 0, np.int64)
    np.maximum.at(longest_ns, group, lasted_ns)
    can_be_stuck = np.isin(found % _STATES, _STUCK_STATES)
    stuck = _count(group, len(found), open_still & (lasted_ns > STUCK_NS))
    busiest = _busiest_destinations(
        stays[(state == State.TIME_WAIT) & (server[stays] == 0)], host, stays, moves, theirs, time_wait_ns
    )
    columns: dict[str, Any] = {
        f"host_{part}": mine[part][stays][host_row][found // _STATES] for part in ("hi", "lo", "version")
    }
    of_time_wait = {
        name: np.array(
            [values.get(number // _STATES, missing) if number % _STATES == State.TIME_WAIT else missing
             for number in found.tolist()],
            dtype,
        )
        for name, (values, missing, dtype) in busiest.items()
    }  # fmt: skip
    return {
        **columns,
        "state": found % _STATES,
        "state_names": STATE_NAMES,
        "connections": np.bincount(group, minlength=len(found)),
        "peak": most,
        "peak_ns": when_ns,
        "still_open": _count(group, len(found), open_still),
        "longest_ns": longest_ns,
        "assumed": _count(group, len(found), moves.assumed[stays]),
        "stuck": np.where(can_be_stuck, stuck, NULL),
        **of_time_wait,
    }


def _count(group: NDArray[np.int64], groups: int, which: NDArray[np.bool_]) -> NDArray[np.int64]:
    return np.bincount(group[which], minlength=groups).astype(np.int64)


def _busiest_destinations(  # noqa: PLR0913, PLR0917 - what it is asked about, and what it looks at
    waits: NDArray[np.int64],
    host: NDArray[np.int64],
    stays: NDArray[np.int64],
    moves: Moves,
    theirs: Mapping[str, NDArray[Any]],
    time_wait_ns: int,
) -> dict[str, tuple[dict[int, int], int, Any]]:
    """Where each host's ports wait most: of its connections as a client, in TIME-WAIT.

    Args:
        waits: rows of moves into TIME-WAIT.
        host: number of the host of each of ``stays``.
        stays: rows of moves.
        moves: all moves.
        theirs: address and port of each move's peer.
        time_wait_ns: how long TIME-WAIT lasts.

    Returns:
        For each column its values by host, the value of those that have none, and its type.
    """
    parts = ("hi", "lo", "version")
    peer, peer_row = address_ranks(*(theirs[part][waits] for part in parts))
    mine = host[np.searchsorted(stays, waits)]
    # Numbers of hosts and peers together with a port might not fit in a word: destinations get numbers.
    destinations, destination = np.unique(peer * 65536 + theirs["port"][waits], return_inverse=True)
    pair_of, pair = np.unique(mine * len(destinations) + destination, return_inverse=True)
    start_ns = moves.time_ns[waits]
    _, most, _ = peaks(pair, start_ns, moves.until_ns[waits])
    first_ns, last_ns = np.full(len(pair_of), np.iinfo(np.int64).max), np.full(len(pair_of), NULL)
    np.minimum.at(first_ns, pair, start_ns)
    np.maximum.at(last_ns, pair, start_ns)
    entries = np.bincount(pair, minlength=len(pair_of))
    values: dict[str, dict[int, int]] = {name: {} for name in _MISSING}
    order = np.argsort(most, kind="stable").tolist()  # the busiest comes last and stays
    for place in order:
        number, which = divmod(int(pair_of[place]), len(destinations))
        busiest, port = divmod(int(destinations[which]), 65536)
        row = waits[peer_row[busiest]]
        for part in parts:
            values[f"busiest_server_{part}"][number] = int(theirs[part][row])
        values["busiest_server_port"][number] = port
        values["busiest_peak"][number] = int(most[place])
        values["ports_percent"][number] = int(most[place]) * _PERCENT // EPHEMERAL_PORTS
        values["ports_last_ns"][number] = _ports_last_ns(
            int(entries[place]) - 1, int(last_ns[place]) - int(first_ns[place]), time_wait_ns
        )
    return {name: (values[name], *kind) for name, kind in _MISSING.items()}


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
