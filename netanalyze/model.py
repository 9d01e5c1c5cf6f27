"""Leaf types and values that every layer may use: "no value" in a column, and addresses as text.

A leaf module. An address is three numbers: its high and low 64 bits and its IP version. An IPv4
address lies in the low half; version 0 means that there is no address.
"""

from __future__ import annotations

import socket
from typing import TYPE_CHECKING, Any

import numpy as np
from msgspec import Struct

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

NULL = -(1 << 63)
"""In a column of 64-bit integers: there is no value."""

IPV4 = 4
IPV6 = 6


class Gap(Struct, frozen=True):
    """Bytes of a half-stream that were sent and are not there: never captured, cut off, or dropped.

    Attributes:
        offset: of the first one; the first byte of a half-stream after its SYN has offset 0.
        length: how many.
    """

    offset: int
    length: int


_MASK32 = (1 << 32) - 1
_MAPPED = 0xFFFF
"""Bits 32 to 47 of an IPv4-mapped IPv6 address (RFC 4291 section 2.5.5.2); all above are zero."""


def known(values: NDArray[Any], where: NDArray[Any]) -> NDArray[Any]:
    """The values where they are known, ``NULL`` elsewhere."""
    return np.where(where, values, NULL)


def format_address(hi: int, lo: int, version: int) -> str:
    """One address as text: dotted quad, or the form of RFC 5952 for IPv6.

    Args:
        hi: its high 64 bits; not looked at for IPv4.
        lo: its low 64 bits.
        version: 4 or 6.
    """
    if version == IPV4:
        return socket.inet_ntoa((lo & _MASK32).to_bytes(4, "big"))
    if hi:  # with a bit set up there no platform writes an IPv4 address into the text
        return socket.inet_ntop(socket.AF_INET6, (hi << 64 | lo).to_bytes(16, "big"))
    if lo >> 32 == _MAPPED:
        return "::ffff:" + socket.inet_ntoa((lo & _MASK32).to_bytes(4, "big"))
    return _format_low(lo)


def _format_low(lo: int) -> str:
    """An IPv6 address whose high half is zero: the longest run of zeros is the one it begins with."""
    groups = [lo >> shift & 0xFFFF for shift in (48, 32, 16, 0)]
    while groups and groups[0] == 0:
        del groups[0]
    return "::" + ":".join(f"{group:x}" for group in groups)


def address_ranks(
    hi: NDArray[Any], lo: NDArray[Any], version: NDArray[Any]
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Number the distinct addresses of a column in ascending order: version, then value.

    Returns:
        The number of each row's address, and for each number one row that has it.
    """
    count = len(lo)
    if count == 0:
        return np.zeros(0, np.int64), np.zeros(0, np.int64)
    # lexsort takes its last key first; keys that are the same everywhere would only cost time.
    keys = [key for key in (lo, hi, version) if (key != key[0]).any()]
    if not keys:
        return np.zeros(count, np.int64), np.zeros(1, np.int64)
    order = np.lexsort(keys)
    first = np.zeros(count, bool)
    first[0] = True
    for key in keys:
        column = key[order]
        first[1:] |= column[1:] != column[:-1]
    ranks = np.empty(count, np.int64)
    ranks[order] = np.cumsum(first) - 1
    return ranks, order[first]


def format_addresses(hi: NDArray[Any], lo: NDArray[Any], version: NDArray[Any]) -> list[str | None]:
    """A column of addresses as text, each distinct one formatted once; None where the version is 0."""
    ranks, rows = address_ranks(hi, lo, version)
    texts = np.empty(len(rows), object)  # of None
    high, low, kind = hi[rows], lo[rows], version[rows]
    v4 = kind == IPV4
    texts[v4] = _each(socket.inet_ntoa, low[v4].astype(">u4").tobytes(), 4)
    plain = (kind != IPV4) & (kind != 0)
    long = plain & (high != 0)
    halves = np.stack((high[long], low[long]), axis=1)
    texts[long] = _each(_ntop6, halves.astype(">u8").tobytes(), 16)
    short = plain & (high == 0)
    texts[short] = [format_address(0, number, IPV6) for number in low[short].tolist()]
    return texts[ranks].tolist()  # type: ignore[no-any-return] # an array of objects is a list of anything


def _ntop6(packed: bytes) -> str:
    return socket.inet_ntop(socket.AF_INET6, packed)


def _each(form: Callable[[bytes], str], packed: bytes, size: int) -> list[str]:
    return [form(packed[place : place + size]) for place in range(0, len(packed), size)]
