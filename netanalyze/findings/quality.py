"""What the capture itself lacks, and which findings that makes uncertain."""

from __future__ import annotations

from enum import StrEnum
from typing import TYPE_CHECKING

import numpy as np

from netanalyze.findings.words import counted, percent

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from netanalyze.findings.facts import Facts, Rows

SYN, SYN_ACK, ACK, DATA = 1, 2, 4, 8
"""Bits of ``completeness``."""


class Flaw(StrEnum):
    """A way in which a capture is less than what was on the wire."""

    DROPS = "drops"
    ONE_SIDED = "one-sided"
    CUT = "cut"
    MIDSTREAM = "midstream"


QUALITY_NEEDS = {
    "capture": ("dropped", "received", "bytes", "wire_bytes", "cut_short"),
    "streams": ("completeness", "client_packets", "server_packets"),
}
"""The columns that the quality is judged by, by table; a table that is missing tells nothing."""


def one_sided(streams: Rows) -> NDArray[np.bool_]:
    """Streams of which only one side was captured.

    An attempt to connect that nobody answered is no such stream: what a lone side sends must acknowledge
    something that the capture does not have.
    """
    alone = (streams.numbers("client_packets") == 0) | (streams.numbers("server_packets") == 0)
    found: NDArray[np.bool_] = alone & (streams.numbers("completeness") & (SYN_ACK | ACK | DATA) != 0)
    return found


def midstream(streams: Rows) -> NDArray[np.bool_]:
    """Streams whose handshake was not captured."""
    found: NDArray[np.bool_] = (streams.numbers("completeness") & (SYN | SYN_ACK)) == 0
    return found


def flaws(facts: Facts) -> dict[Flaw, str]:
    """The flaws of a capture, each with a sentence about how bad it is."""
    return dict(_flaws(facts))


def _flaws(facts: Facts) -> Iterator[tuple[Flaw, str]]:
    if "capture" in facts:
        capture = facts["capture"]
        dropped = int(capture.amounts("dropped").sum())
        if dropped:
            yield Flaw.DROPS, f"{counted(dropped, 'packet was', 'packets were')} lost while capturing"
        captured, wire = int(capture.numbers("bytes").sum()), int(capture.numbers("wire_bytes").sum())
        if captured < wire:
            yield Flaw.CUT, f"frames were cut: {percent(wire - captured, wire)} of their bytes are missing"
    if "streams" in facts and len(facts["streams"]):
        streams = facts["streams"]
        for flaw, rows, what in (
            (Flaw.ONE_SIDED, one_sided(streams), "were captured from one side only"),
            (Flaw.MIDSTREAM, midstream(streams), "were captured without a handshake"),
        ):
            count = int(np.count_nonzero(rows))
            if count:
                yield flaw, f"{count} of {counted(len(streams), 'connection')} {what}"
