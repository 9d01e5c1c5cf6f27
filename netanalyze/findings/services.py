"""Streams by the service that they go to: what most findings are about."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from netanalyze.columns import distinct
from netanalyze.findings.facts import grouped
from netanalyze.findings.words import endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from netanalyze.findings.facts import Facts, Rows

SERVICE = ("stream", "server", "server_port")
"""Columns of ``streams`` that tell the service."""

_FILTERED_STREAMS = 12
"""Streams that a filter names one by one; beyond them it names the service."""


class Service(Struct, frozen=True):
    """A server's port, and those of some rows that are about connections to it.

    Attributes:
        server: its address.
        port: its port.
        places: of the rows, ascending.
        streams: numbers of the streams concerned, ascending.
        key: what else the rows have in common.
    """

    server: str
    port: int
    places: NDArray[np.int64]
    streams: NDArray[np.int64]
    key: int

    @property
    def name(self) -> str:
        """Address and port."""
        return endpoint(self.server, self.port)

    @property
    def stream(self) -> int | None:
        """The stream, if it is one."""
        return int(self.streams[0]) if len(self.streams) == 1 else None

    @property
    def filter(self) -> str:
        """Shows these streams, or all of the service's if there are many."""
        return stream_filter(self.streams) or f"{address_filter(self.server)} && tcp.port == {self.port}"


def stream_filter(streams: NDArray[np.int64]) -> str:
    """Shows some streams; empty if they are many."""
    if len(streams) > _FILTERED_STREAMS:
        return ""
    if len(streams) == 1:
        return f"tcp.stream == {streams[0]}"
    return "tcp.stream in {" + ", ".join(map(str, streams.tolist())) + "}"


def address_filter(address: str) -> str:
    """Shows packets from and to an address."""
    return f"{'ipv6' if ':' in address else 'ip'}.addr == {address}"


def rows_of(streams: Rows, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where in the table ``streams`` the streams of these numbers are."""
    found: NDArray[np.int64] = np.searchsorted(streams.numbers("stream"), numbers)
    return found


def by_service(
    facts: Facts,
    numbers: NDArray[np.int64],
    rows: NDArray[np.bool_] | None = None,
    key: NDArray[np.int64] | None = None,
) -> Iterator[Service]:
    """Rows of any table, put together that are about connections to the same service.

    Args:
        facts: has ``streams``.
        numbers: of each row the stream.
        rows: which rows count; all of them unless given.
        key: of each row what it must have in common with others.
    """
    streams = facts["streams"]
    places = np.arange(len(numbers)) if rows is None else np.flatnonzero(rows)
    if not len(places):
        return
    at = rows_of(streams, numbers[places])
    keys = np.zeros(len(places), np.int64) if key is None else key[places]
    servers, names = streams.codes("server")
    ports = streams.numbers("server_port")
    for some in grouped(np.stack((servers[at], ports[at], keys))):
        first = some[0]
        yield Service(
            names[servers[at[first]]],
            int(ports[at[first]]),
            places[some],
            distinct(numbers[places[some]]),
            int(keys[first]),
        )
