"""What is remembered of a half-stream at one moment, copied out of the kernels' arrays to be looked at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct

from netanalyze.tcp import sequence_fields as fields
from netanalyze.tcp import wireshark_fields
from netanalyze.tcp.timers import timeout_ns

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from netanalyze.tcp.sequence import Sequences

MASK32 = 0xFFFFFFFF
HALF = 1 << 31
_MOST_NODES = 20_000
"""No list is longer; a limit all the same, so that a broken list cannot make a loop."""


def later(one: int, other: int) -> bool:
    """Whether one sequence number comes after another (RFC 9293 section 3.4)."""
    return (other - one) & MASK32 >= HALF


class HalfStream(Struct, frozen=True):
    """The state of one half-stream by our own rules; numbers as in the header.

    Attributes:
        words: its row of ``sequence_fields``.
        unacked: segments sent and not acknowledged, as rows of node words, in sequence order.
        recent: the last segments that were acknowledged.
        sacked: what the other side has reported with SACK, as (first, end).
        holes: what was not captured, as rows of node words.
    """

    words: tuple[int, ...]
    unacked: tuple[tuple[int, ...], ...]
    recent: tuple[tuple[int, ...], ...]
    sacked: tuple[tuple[int, int], ...]
    holes: tuple[tuple[int, ...], ...]

    def __getitem__(self, word: int) -> int:
        """One of the words."""
        return self.words[word]

    def has(self, flag: int) -> bool:
        """Whether a bit of ``FLAGS`` is set."""
        return bool(self.words[fields.FLAGS] & flag)

    @property
    def seen(self) -> bool:
        """Whether a segment of it was captured."""
        return self.has(fields.SEEN)

    @property
    def acked(self) -> bool:
        """Whether it has acknowledged anything."""
        return self.has(fields.ACKED)

    @property
    def edge_known(self) -> bool:
        """Whether it is known how far the other side may send."""
        return self.has(fields.EDGE_KNOWN)

    @property
    def window(self) -> int | None:
        """Its receive window as in the header; None before any."""
        return self.words[fields.WINDOW] - 1 if self.words[fields.WINDOW] else None

    @property
    def window_bytes(self) -> int | None:
        """Its receive window in bytes; None before any and where the scale is not known."""
        window, scale = self.window, self.words[fields.SCALE]
        if window is None or self.has(fields.UNSCALED) or scale == 1:
            return window
        return None if scale == 0 else window << (scale - 2)

    @property
    def next_frame(self) -> int | None:
        """The frame that ended where its next new sequence number is; None if that is not known any more."""
        for nodes in (self.unacked, self.recent):
            for node in reversed(nodes):
                if node[fields.END] == self.words[fields.NEXT]:
                    return node[fields.FRAME]
        return None

    @property
    def opened(self) -> bool:
        """Whether it has offered a window again of which the other side may not know."""
        return self.has(fields.OPENED)

    @property
    def timeout_ns(self) -> int:
        """Its retransmission timer as estimated."""
        return timeout_ns(self.words[fields.SRTT], self.words[fields.RTTVAR])


class WiresharkHalf(Struct, frozen=True):
    """The same by Wireshark's rules.

    Attributes:
        words: its row of ``wireshark_fields``.
        unacked: segments sent and not acknowledged, as rows of node words, in the order of their frames.
    """

    words: tuple[int, ...]
    unacked: tuple[tuple[int, ...], ...]

    def __getitem__(self, word: int) -> int:
        """One of the words."""
        return self.words[word]

    @property
    def window(self) -> int | None:
        """The window of its last segment as in the header; None before any."""
        return self.words[wireshark_fields.WINDOW] - 1 if self.words[wireshark_fields.WINDOW] else None


def half_stream(sequences: Sequences, half: int) -> HalfStream:
    """Copy a half-stream; ``half`` is its row."""
    words = tuple(sequences.halves(np.array([half]))[0].tolist())

    def chain(head: int) -> tuple[tuple[int, ...], ...]:
        return _chain(sequences.node, words[head], fields.AFTER)

    return HalfStream(
        words,
        chain(fields.OLDEST),
        chain(fields.RECENT),
        tuple((node[fields.SEQ], node[fields.END]) for node in chain(fields.SACKED)),
        chain(fields.HOLES),
    )


def wireshark_half(state: NDArray[np.int64], nodes: NDArray[np.int64], half: int) -> WiresharkHalf:
    """Copy a half-stream as Wireshark's rules know it."""
    words = tuple(state[half].tolist())
    chain = _chain(
        lambda node: tuple(nodes[node].tolist()), words[wireshark_fields.OLDEST], wireshark_fields.AFTER
    )
    return WiresharkHalf(words, chain)


def _chain(node: Callable[[int], tuple[int, ...]], head: int, after: int) -> tuple[tuple[int, ...], ...]:
    found: list[tuple[int, ...]] = []
    while head and len(found) < _MOST_NODES:
        found.append(node(head))
        head = found[-1][after]
    return tuple(found)
