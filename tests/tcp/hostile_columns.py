"""Columns of segments that no capture has, for kernels that must bear them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.tcp.segments import Segments
from netanalyze.wire.packets import Packets

if TYPE_CHECKING:
    from collections.abc import Iterable


def random_columns(
    rng: np.random.Generator, names: Iterable[str], rows: int, times: tuple[int, int]
) -> dict[str, Any]:
    """Columns of every value that their types allow, the usual ones more often.

    ``times`` are the first and the last that there may be.
    """
    found: dict[str, Any] = {}
    for name in names:
        kind = np.dtype(Packets.FIELDS.get(name, Segments.FIELDS.get(name, "i8")))
        limits = np.iinfo(kind)
        wild = rng.integers(limits.min, limits.max, rows, dtype=kind, endpoint=True)
        tame = rng.integers(0, 8, rows).astype(kind)
        found[name] = np.where(rng.random(rows) < 0.3, wild, tame)
    found["frame"] = np.arange(rows, dtype="i4")
    found["stream"] = rng.integers(0, 3, rows)
    found["side"] = rng.integers(0, 2, rows).astype("u1")
    for name in ("seq", "ack"):
        found[name] = rng.choice([0, 1460, 2920, 4380, 1 << 31, (1 << 32) - 1], rows) & 0xFFFFFFFF
    found["payload_bytes"] = rng.choice([0, 0, 1, 1460, 65_535, 1 << 40], rows)
    usual = [0x10, 0x10, 0x10, 0x18, 0x18, 0x18, 0x11, 0x12, 0x02, 0x04]
    found["flags"] = rng.choice(usual, rows).astype("i4")
    found["labels"] = np.where(rng.random(rows) < 0.5, 0, 1 << rng.integers(0, 17, rows)).astype("i4")
    found["rtt_ns"] = rng.choice([-1, 0, 50_000, 40_000_000, (1 << 63) - 1], rows)
    found["time_ns"] = np.cumsum(rng.choice([-1000, 0, 3000, 30_000_000], rows)) + 10**15
    wild = rng.random(rows) < 0.02
    found["time_ns"][wild] = rng.integers(*times, int(wild.sum()), endpoint=True)
    return found
