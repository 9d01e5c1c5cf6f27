"""Streams and flows as columns with a client and a server, for the tables.

Who is the client (stated rules, first that applies):

1. TCP: the endpoint that sent a SYN; if none was seen, the one that was sent a SYN-ACK.
2. The endpoint whose peer has a port below 1024 while its own is not.
3. The endpoint whose peer has the port of a known service while its own is not one.
4. The endpoint with a port of the ephemeral range (32768 and up; Linux and, from 49152, IANA) while
   the peer's is below.
5. The endpoint that sent the first packet.

A multicast or broadcast address never is a client (UDP).
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np

from netanalyze.flow import fields
from netanalyze.flow.table import TCP, ports
from netanalyze.model import NULL

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

    from numpy.typing import NDArray

    from netanalyze.flow.table import Listed

_Number: TypeAlias = "int | NDArray[Any]"
"""Of one stream, or of each."""

_WELL_KNOWN = 1024
_EPHEMERAL = 32768


def client_side(conversations: Listed, service_ports: Iterable[int]) -> NDArray[np.int64]:
    """Which side (0 or 1) is the client, by the rules at the top of this file."""
    first, second = ports(conversations)
    side = np.zeros(conversations.count, np.int64)
    decided = np.zeros(conversations.count, np.bool_)

    def decide(where: NDArray[np.bool_], value: int) -> None:
        nonlocal decided
        side[where & ~decided] = value
        decided |= where

    if conversations.transport == TCP:
        flags = conversations.word(fields.FLAGS)
        for bit, other in ((fields.SYN_SENT, 0), (fields.SYN_ACK_SENT, 1)):
            sent = [(flags & (bit << number)) != 0 for number in (0, 1)]
            # Both sides in a simultaneous open: the one that was first, which is side 0.
            decide(sent[0], other)
            decide(sent[1], 1 - other)
            if decided.all():
                return side
    else:
        group = [_is_group(conversations, low) for low in (fields.A_HI, fields.B_HI)]
        decide(group[0] & ~group[1], 1)
        decide(group[1] & ~group[0], 0)
    services = np.zeros(65536, np.bool_)
    services[list(service_ports)] = True
    for low, high in _port_signs(first, second, services[first], services[second]):
        decide(low & ~high, 0)
        decide(high & ~low, 1)
    return side


def client_by_ports(first: int, second: int, service_ports: Collection[int]) -> int | None:
    """Which side of one stream is the client by rules 2 to 4, None where they do not tell.

    Args:
        first: port of side 0.
        second: port of side 1.
        service_ports: on which servers listen.
    """
    for low, high in _port_signs(first, second, first in service_ports, second in service_ports):
        if low != high:
            return 0 if low else 1
    return None


def _port_signs(
    first: _Number, second: _Number, first_serves: _Number, second_serves: _Number
) -> tuple[tuple[Any, Any], ...]:
    """What speaks for side 0 being the client, and what for side 1, the strongest first."""
    return (
        (second < _WELL_KNOWN, first < _WELL_KNOWN),
        (second_serves, first_serves),
        (second < _EPHEMERAL, first < _EPHEMERAL),
    )


def _is_group(conversations: Listed, field: int) -> NDArray[np.bool_]:
    """Whether that side's address is a multicast or the all-ones broadcast address."""
    version = conversations.raw(fields.PORTS) & np.uint64(0xFFFF)
    high, low = conversations.raw(field), conversations.raw(field + 1)
    v4 = (version == 4) & (((low >> np.uint64(28)) == 0xE) | (low == 0xFFFFFFFF))  # noqa: PLR2004
    v6 = (version == 6) & ((high >> np.uint64(56)) == 0xFF)  # noqa: PLR2004
    found: NDArray[np.bool_] = v4 | v6
    return found


def _by_role(conversations: Listed, field: int, side: NDArray[np.int64]) -> tuple[Any, Any]:
    """A pair of fields as (client's, server's)."""
    pair = conversations.state[: conversations.count, field : field + 2].astype(np.int64)
    rows = np.arange(conversations.count)
    return pair[rows, side], pair[rows, 1 - side]


def _endpoints(conversations: Listed, side: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    flipped = side == 1
    first, second = ports(conversations)
    version = (conversations.raw(fields.PORTS) & np.uint64(0xFFFF)).astype(np.uint8)
    raw = [conversations.raw(field) for field in (fields.A_HI, fields.A_LO, fields.B_HI, fields.B_LO)]
    return {
        "client_hi": np.where(flipped, raw[2], raw[0]),
        "client_lo": np.where(flipped, raw[3], raw[1]),
        "client_version": version,
        "client_port": np.where(flipped, second, first),
        "server_hi": np.where(flipped, raw[0], raw[2]),
        "server_lo": np.where(flipped, raw[1], raw[3]),
        "server_version": version,
        "server_port": np.where(flipped, first, second),
    }


def endpoint_columns(conversations: Listed, service_ports: Iterable[int]) -> dict[str, NDArray[Any]]:
    """The endpoints of TCP streams, when each began, and a ``hash`` that tells where they are the same."""
    return {
        **_endpoints(conversations, client_side(conversations, service_ports)),
        "start_ns": conversations.word(fields.FIRST_NS),
        "hash": conversations.raw(fields.HASH),
    }


def _common(conversations: Listed, side: NDArray[np.int64]) -> dict[str, NDArray[Any]]:
    start = conversations.word(fields.FIRST_NS)
    return {
        **_endpoints(conversations, side),
        "start_ns": start,
        "duration_ns": conversations.word(fields.LAST_NS) - start,
        "first_frame": conversations.word(fields.FIRST_FRAME),
        "last_frame": conversations.word(fields.LAST_FRAME),
        "icmp_errors": conversations.word(fields.ICMP_ERRORS),
    }


def stream_columns(conversations: Listed, service_ports: Iterable[int]) -> dict[str, NDArray[Any]]:
    """TCP streams, one element each: endpoints, times, packets, payload bytes, handshake, completeness.

    ``handshake_ns`` runs from the first SYN seen to the ACK that completed the handshake: what
    connecting took, retries included; ``NULL`` where one of the three segments is missing.
    """
    side = client_side(conversations, service_ports)
    took_ns = conversations.word(fields.HANDSHAKE_NS) - conversations.word(fields.SYN_NS)
    known = (conversations.word(fields.FLAGS) & fields.HANDSHAKE_DONE) != 0
    client_packets, server_packets = _by_role(conversations, fields.PACKETS, side)
    client_bytes, server_bytes = _by_role(conversations, fields.PAYLOAD, side)
    return {
        "stream": conversations.numbers,
        "hash": conversations.raw(fields.HASH),
        **_common(conversations, side),
        "client_packets": client_packets,
        "server_packets": server_packets,
        "client_bytes": client_bytes,
        "server_bytes": server_bytes,
        "handshake_ns": np.where(known, took_ns, NULL),
        "completeness": conversations.word(fields.COMPLETENESS),
    }


def flow_columns(conversations: Listed, service_ports: Iterable[int]) -> dict[str, NDArray[Any]]:
    """UDP flows, one element each: endpoints, times, datagrams, payload bytes, fragments, ICMP errors."""
    side = client_side(conversations, service_ports)
    client_datagrams, server_datagrams = _by_role(conversations, fields.PACKETS, side)
    client_bytes, server_bytes = _by_role(conversations, fields.PAYLOAD, side)
    return {
        "flow": conversations.numbers,
        **_common(conversations, side),
        "client_datagrams": client_datagrams,
        "server_datagrams": server_datagrams,
        "client_bytes": client_bytes,
        "server_bytes": server_bytes,
        "fragments": conversations.word(fields.FRAGMENTS),
    }
