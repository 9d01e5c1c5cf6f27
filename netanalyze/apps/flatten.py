"""Protocol descriptions as arrays of numbers: what ``compiled`` keeps and the kernel matches with.

Protocols are numbered from 1 in the order of the list; 0 means that a stream has no name. Where
several protocols match equally well, the one that stands first is taken.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import msgspec
import numpy as np

from netanalyze.apps.codes import CHECK_COLUMNS, SIGNATURE_COLUMNS, TRANSPORTS, Strength

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netanalyze.apps.protocol import Protocol, Signature

PAIR_BITS = 32
"""Protocols of one transport that may have paired signatures: bits of a number kept for each side."""


class Flat(msgspec.Struct, frozen=True):
    """All signatures of all protocols; arrays are little-endian 64-bit integers as bytes.

    Attributes:
        names: protocol names by code; ``names[0]`` is empty.
        transports: the transports of each protocol, by code.
        confirmable: by code, see ``Protocol.confirmable``.
        checks: one row a check (``checks.Row``).
        pool: patterns, masks and bitmaps of the checks.
        signatures: one row a signature and transport, by the columns in ``codes``.
        bucket: for each transport and value of the first byte, where its part of ``listed`` begins; one
            more at the end.
        listed: rows of ``signatures``, by bucket.
        ports, port_start: the ports of code ``c`` are ``ports[port_start[c]:port_start[c + 1]]``.
    """

    names: list[str]
    transports: list[list[str]]
    confirmable: list[bool]
    checks: bytes
    pool: bytes
    signatures: bytes
    bucket: bytes
    listed: bytes
    ports: bytes
    port_start: bytes


class _Flattening:
    """The lists that grow while protocol after protocol is added."""

    def __init__(self) -> None:
        self.checks: list[tuple[int, ...]] = []
        self.pool = bytearray()
        self.signatures: list[tuple[int, ...]] = []
        self.buckets: list[list[int]] = [[] for _ in range(len(TRANSPORTS) * 256)]
        self._pairable = [0] * len(TRANSPORTS)

    def add(self, code: int, protocol: Protocol) -> None:
        """Add the signatures of one protocol.

        Raises:
            ValueError: too many protocols have paired signatures.
        """
        for transport, name in enumerate(TRANSPORTS):
            entries = [entry for entry in protocol.signatures if name in protocol.over(entry)]
            pair = 0
            if any(entry.strength is Strength.PAIRED for entry in entries):
                pair = 1 << self._pairable[transport]
                self._pairable[transport] += 1
                if self._pairable[transport] > PAIR_BITS:
                    msg = f"more than {PAIR_BITS} protocols over {name} have paired signatures"
                    raise ValueError(msg)
            for entry in entries:
                number = len(self.signatures)
                self._add_signature(code, entry, pair)
                for byte in entry.first_bytes():
                    self.buckets[transport * 256 + byte].append(number)

    def _add_signature(self, code: int, entry: Signature, pair: int) -> None:
        first = len(self.checks)
        self.checks.extend(check.row(self.pool) for check in entry.checks)
        end = len(self.checks)
        self.signatures.append(
            (code, entry.strength, entry.sender, entry.repeat, first, end, entry.reach, pair)
        )


def flatten(protocols: Sequence[Protocol]) -> Flat:
    """Turn descriptions into arrays; the order of the protocols decides between equals.

    Raises:
        ValueError: too many protocols have paired signatures.
    """
    work = _Flattening()
    for code, protocol in enumerate(protocols, 1):
        work.add(code, protocol)
    return Flat(
        names=["", *(protocol.name for protocol in protocols)],
        transports=[[], *(list(protocol.transports) for protocol in protocols)],
        confirmable=[False, *(protocol.confirmable for protocol in protocols)],
        checks=_packed(work.checks or [(0,) * CHECK_COLUMNS]),
        pool=bytes(work.pool) or b"\0",
        signatures=_packed(work.signatures or [(0,) * SIGNATURE_COLUMNS]),
        bucket=_packed(np.cumsum([0, *(len(rows) for rows in work.buckets)])),
        listed=_packed([row for rows in work.buckets for row in rows] or [0]),
        ports=_packed([port for protocol in protocols for port in sorted(protocol.ports)] or [0]),
        port_start=_packed(np.cumsum([0, 0, *(len(protocol.ports) for protocol in protocols)])),
    )


def _packed(numbers: object) -> bytes:
    return np.asarray(numbers, "<i8").tobytes()
