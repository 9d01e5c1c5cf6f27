"""The arrays that the kernel matches with, and what the user decided about ports."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.apps.codes import CHECK_COLUMNS, SIGNATURE_COLUMNS, TRANSPORTS
from netanalyze.columns import view_of
from netanalyze.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from netanalyze.apps.flatten import Flat

PORTS = 65536


class SignatureTables:
    """Arrays for ``identify_kernel.Matcher``; transport 0 is TCP, 1 is UDP.

    Attributes:
        names: protocol names by code; ``names[0]`` is empty.
        checks, pool, signatures, bucket, listed, ports, port_start, confirmable: see ``Flat``.
        hint: for each transport and port the code that the port suggests, or 0.
        forced: likewise what the user decided.
    """

    def __init__(self, flat: Flat, decode_as: Mapping[tuple[str, int], str] | None = None) -> None:
        """Unpack ``flat``.

        Args:
            flat: the signatures of all protocols.
            decode_as: protocol names by transport and port, which win over everything else.

        Raises:
            UsageError: ``decode_as`` names an unknown protocol, transport or port.
        """
        self.names = list(flat.names)
        self.checks = _unpacked(flat.checks).reshape(-1, CHECK_COLUMNS)
        self.pool: NDArray[np.uint8] = np.frombuffer(bytearray(flat.pool), np.uint8)
        self.signatures = _unpacked(flat.signatures).reshape(-1, SIGNATURE_COLUMNS)
        self.bucket = _unpacked(flat.bucket)
        self.listed = _unpacked(flat.listed)
        self.ports = _unpacked(flat.ports)
        self.port_start = _unpacked(flat.port_start)
        self.confirmable = np.array(flat.confirmable, np.uint8)
        self.hint = self._hints(flat)
        self.forced = self._forced(flat, decode_as or {})

    def _hints(self, flat: Flat) -> NDArray[np.int16]:
        """The first protocol of the list wins a port that several have."""
        hint = np.zeros((len(TRANSPORTS), PORTS), np.int16)
        for code in range(len(self.names) - 1, 0, -1):
            ports = self.ports[self.port_start[code] : self.port_start[code + 1]]
            for transport in flat.transports[code]:
                hint[TRANSPORTS.index(transport), ports] = code
        return hint

    @staticmethod
    def _forced(flat: Flat, decode_as: Mapping[tuple[str, int], str]) -> NDArray[np.int16]:
        forced = np.zeros((len(TRANSPORTS), PORTS), np.int16)
        for (transport, port), name in decode_as.items():
            if transport not in TRANSPORTS or not 0 <= port < PORTS:
                msg = f"cannot decode {transport} port {port}: give tcp or udp and a port below {PORTS}"
                raise UsageError(msg)
            code = flat.names.index(name) if name and name in flat.names else 0
            if not code or transport not in flat.transports[code]:
                over = zip(flat.names, flat.transports, strict=True)
                known = ", ".join(sorted(other for other, carriers in over if transport in carriers))
                msg = f"cannot decode {transport} port {port} as {name!r}; known over {transport}: {known}"
                raise UsageError(msg)
            forced[TRANSPORTS.index(transport), port] = code
        return forced

    def service_ports(self, transport: str) -> NDArray[np.intp]:
        """Ports on which servers of some protocol over this transport listen."""
        return np.flatnonzero(self.hint[TRANSPORTS.index(transport)])

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


def _unpacked(packed: bytes) -> NDArray[np.int64]:
    return np.frombuffer(packed, "<i8").astype(np.int64)  # a copy that kernels accept: writable
