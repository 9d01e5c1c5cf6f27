"""All signatures of all protocols as arrays: what the kernel matches with.

Protocols are numbered from 1 in the order of the list; 0 means that a stream has no name. Where
several protocols match equally well, the one that stands first is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.apps.protocol import TRANSPORTS, Strength
from netanalyze.columns import view_of
from netanalyze.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from netanalyze.apps.protocol import Protocol, Signature

PORTS = 65536
PAIR_BITS = 32
"""Protocols of one transport that may have paired signatures: bits of a number kept for each side."""

# Columns of a signature's row.
CODE = 0
STRENGTH = 1
SENDER = 2
REPEAT = 3
FIRST_CHECK = 4
END_CHECK = 5
REACH = 6
PAIR = 7
SIGNATURE_COLUMNS = 8


class SignatureTables:
    """Arrays for ``identify_kernel.Matcher``; transport 0 is TCP, 1 is UDP.

    Attributes:
        names: protocol names by code; ``names[0]`` is empty.
        checks: one row a check (``checks.Row``).
        pool: patterns, masks and bitmaps of the checks.
        signatures: one row a signature and transport, by the columns above.
        bucket: for each transport and value of the first byte, where its part of ``listed`` begins; one
            more at the end.
        listed: rows of ``signatures``, by bucket.
        ports, port_start: the ports of code ``c`` are ``ports[port_start[c]:port_start[c + 1]]``.
        hint: for each transport and port the code that the port suggests, or 0.
        forced: likewise what the user decided.
        confirmable: by code, see ``Protocol.confirmable``.
    """

    def __init__(
        self, protocols: Sequence[Protocol], decode_as: Mapping[tuple[str, int], str] | None = None
    ) -> None:
        """Flatten ``protocols``.

        Args:
            protocols: the protocols; their order decides between equals.
            decode_as: protocol names by transport and port, which win over everything else.

        Raises:
            UsageError: ``decode_as`` names an unknown protocol, transport or port.
        """
        self.names = ["", *(protocol.name for protocol in protocols)]
        self._checks: list[tuple[int, ...]] = []
        self._pool = bytearray()
        self._signatures: list[tuple[int, ...]] = []
        buckets: list[list[int]] = [[] for _ in range(len(TRANSPORTS) * 256)]
        pairable = [0] * len(TRANSPORTS)
        for code, protocol in enumerate(protocols, 1):
            self._add_protocol(code, protocol, buckets, pairable)
        self.checks = np.array(self._checks or [(0,) * 8], np.int64)
        self.pool = np.frombuffer(bytes(self._pool) or b"\0", np.uint8)
        self.signatures = np.array(self._signatures or [(0,) * SIGNATURE_COLUMNS], np.int64)
        self.bucket = np.cumsum([0, *(len(rows) for rows in buckets)], dtype=np.int64)
        self.listed = np.array([row for rows in buckets for row in rows] or [0], np.int64)
        self.port_start = np.cumsum([0, 0, *(len(p.ports) for p in protocols)], dtype=np.int64)
        self.ports = np.array([port for p in protocols for port in sorted(p.ports)] or [0], np.int64)
        self.confirmable = np.array([0, *(p.confirmable for p in protocols)], np.uint8)
        self.hint = np.zeros((len(TRANSPORTS), PORTS), np.int16)
        for code, protocol in reversed(list(enumerate(protocols, 1))):
            for transport in protocol.transports:
                self.hint[TRANSPORTS.index(transport), sorted(protocol.ports)] = code
        self.forced = self._forced(protocols, decode_as or {})

    def _add_protocol(
        self, code: int, protocol: Protocol, buckets: list[list[int]], pairable: list[int]
    ) -> None:
        for transport, name in enumerate(TRANSPORTS):
            entries = [entry for entry in protocol.signatures if name in protocol.over(entry)]
            pair = 0
            if any(entry.strength is Strength.PAIRED for entry in entries):
                pair = 1 << pairable[transport]
                pairable[transport] += 1
                if pairable[transport] > PAIR_BITS:
                    msg = f"more than {PAIR_BITS} protocols over {name} have paired signatures"
                    raise ValueError(msg)
            for entry in entries:
                number = len(self._signatures)
                self._add_signature(code, entry, pair)
                for byte in entry.first_bytes():
                    buckets[transport * 256 + byte].append(number)

    def _add_signature(self, code: int, entry: Signature, pair: int) -> None:
        first = len(self._checks)
        self._checks.extend(check.row(self._pool) for check in entry.checks)
        end = len(self._checks)
        self._signatures.append(
            (code, entry.strength, entry.sender, entry.repeat, first, end, entry.reach, pair)
        )

    @staticmethod
    def _forced(protocols: Sequence[Protocol], decode_as: Mapping[tuple[str, int], str]) -> NDArray[Any]:
        forced = np.zeros((len(TRANSPORTS), PORTS), np.int16)
        for (transport, port), name in decode_as.items():
            if transport not in TRANSPORTS or not 0 <= port < PORTS:
                msg = f"cannot decode {transport} port {port}: give tcp or udp and a port below {PORTS}"
                raise UsageError(msg)
            code = next((code for code, p in enumerate(protocols, 1) if p.name == name), 0)
            if not code or transport not in protocols[code - 1].transports:
                known = ", ".join(sorted(p.name for p in protocols if transport in p.transports))
                msg = f"cannot decode {transport} port {port} as {name!r}; known over {transport}: {known}"
                raise UsageError(msg)
            forced[TRANSPORTS.index(transport), port] = code
        return forced

    def views(self) -> tuple[memoryview, ...]:
        """The arrays in the order of ``identify_kernel.Matcher``'s arguments."""
        arrays: tuple[NDArray[Any], ...] = (
            self.checks,
            self.pool,
            self.signatures,
            self.bucket,
            self.listed,
            self.ports,
            self.port_start,
            self.hint,
            self.forced,
            self.confirmable,
        )
        return tuple(view_of(array) for array in arrays)
