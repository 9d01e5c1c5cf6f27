"""Which stream of one tap is which of the other.

Streams are found by their addresses and ports; behind a NAT by their initial sequence numbers; where a
middlebox changes these as well, by how both sides begin to speak.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from msgspec import Struct

from netanalyze.comparison.join import same
from netanalyze.comparison.join_kernel import ALL

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.comparison.packets import Tap

MASK32 = 0xFFFFFFFF

BY_ADDRESSES = "addresses"
BY_NUMBERS = "sequence_numbers"
BY_PAYLOAD = "payload"
HOWS = (BY_ADDRESSES, BY_NUMBERS, BY_PAYLOAD)

_ADDRESSES, _ISN, _SPEECH = range(5), (5, 6), (7, 8)
_WORDS = 9


class _Search(NamedTuple):
    """One way to find streams.

    Attributes:
        how: its place in ``HOWS``.
        words: of the key (``_keys``) that must be the same.
        known: words that must be known, all of them.
        only_alike: pair streams only if both taps have as many with this key.
    """

    how: int
    words: tuple[int, ...]
    known: tuple[int, ...] = ()
    only_alike: bool = False


_SEARCHES = (
    _Search(0, (*_ADDRESSES, _ISN[0])),
    _Search(0, (*_ADDRESSES,), only_alike=True),
    _Search(1, _ISN, known=_ISN),
    _Search(1, _ISN[:1], known=_ISN[:1]),
    _Search(2, _SPEECH, only_alike=True),
)


class Pairs(Struct, frozen=True):
    """Streams that both taps have, in the order of the near one.

    Attributes:
        near, far: their numbers at the client's and the server's tap.
        how: how each was found, a place in ``HOWS``.
        shifts: what the sequence numbers of client and server are higher by at the far tap, modulo 2**32.
        bases: sequence numbers of the near tap from which offsets count, of client and server.
    """

    near: NDArray[np.int64]
    far: NDArray[np.int64]
    how: NDArray[np.int64]
    shifts: NDArray[np.int64]
    bases: NDArray[np.int64]

    def __len__(self) -> int:
        """How many there are."""
        return len(self.near)


def _keys(tap: Tap) -> NDArray[np.uint64]:
    """For each stream what it may be found by: addresses and ports in five words, numbers, speech."""
    streams = tap.streams
    ports = streams["client_port"].astype(np.int64) << 32 | streams["server_port"].astype(np.int64) << 16
    keys = np.empty((len(ports), _WORDS), np.uint64)
    for word, name in enumerate(("client_hi", "client_lo", "server_hi", "server_lo")):
        keys[:, word] = streams[name]
    keys[:, 4] = (ports | streams["client_version"]).astype(np.uint64)
    keys[:, _ISN] = tap.isn.astype(np.uint64)
    keys[:, _SPEECH] = tap.speech.astype(np.uint64)
    return keys


def pair_streams(near: Tap, far: Tap) -> Pairs:
    """Find the streams that both taps have."""
    ours, theirs = _keys(near), _keys(far)
    keys = np.concatenate((ours, theirs))
    count = len(ours)
    numbered = np.concatenate((near.isn, far.isn)) >= 0
    said = (keys[:, _SPEECH] != 0).any(axis=1)
    free = np.ones(len(keys), np.bool_)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], int]] = []
    for search in _SEARCHES:
        masks = [ALL if word in search.words else 0 for word in range(_WORDS)]
        fit = free.copy()
        for word in search.known:
            fit &= numbered[:, word - _ISN[0]]
        if search.words == _SPEECH:
            fit &= said
        rows = np.flatnonzero(fit)
        begin = np.searchsorted(rows, count)
        one, other = same(keys, masks, rows[:begin], rows[begin:], only_alike=search.only_alike)
        free[one] = free[other] = False
        found.append((one, other - count, search.how))
    one = np.concatenate([part for part, _, _ in found])
    other = np.concatenate([part for _, part, _ in found])
    how = np.concatenate([np.full(len(part), number) for part, _, number in found])
    order = np.argsort(one)
    return _pairs(near, far, one[order], other[order], how[order])


def _pairs(
    near: Tap, far: Tap, one: NDArray[np.int64], other: NDArray[np.int64], how: NDArray[np.int64]
) -> Pairs:
    """Streams that were found, with what their numbers differ by."""
    ours, theirs = near.isn[one], far.isn[other]
    first = near.first[one]
    # Where numbers are changed and a stream is not seen from its beginning, first packets stand for it.
    by_payload: NDArray[np.bool_] = how == HOWS.index(BY_PAYLOAD)
    cut = by_payload[:, None] & ((ours < 0) | (theirs < 0))
    begins, comes = np.where(cut, first, ours), np.where(cut, far.first[other], theirs)
    shifts = np.where((begins >= 0) & (comes >= 0), (comes - begins) & MASK32, 0)
    bases = np.where(ours >= 0, ours, np.maximum(first, 0))
    return Pairs(one, other, how, shifts, bases)
