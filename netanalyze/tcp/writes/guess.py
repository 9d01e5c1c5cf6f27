"""Guesses the framing of a stream from its bytes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from netanalyze.tcp.writes.framing import StreamFraming


@dataclass(frozen=True, slots=True)
class Guess:
    """A framing that fits.

    Attributes:
        framing: the framing.
        confidence: in percent.
    """

    framing: StreamFraming
    confidence: int


def guess(pieces: Sequence[Any]) -> Guess | None:
    """The framing of a stream, None if nothing fits well enough."""
    del pieces
    return None
