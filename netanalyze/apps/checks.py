"""What a signature may ask of the first bytes of a stream, a segment or a datagram.

A signature is a list of checks that must all hold. Checks are facts, not code: each becomes one row
of numbers for the kernel (``identify_kernel``); patterns and byte sets lie in one pool of bytes.

Offsets count from the first byte looked at. Of a TCP direction at most ``HEAD_BYTES`` are looked at.
Of a datagram any captured byte is, but searches stop after ``HEAD_BYTES``.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec import Struct

from netanalyze.apps.codes import (
    BYTES,
    FIND,
    LABELS,
    LENGTH,
    NUMBER,
    ONE_OF,
    PRINTABLE,
    SAME,
    SIZE,
    STEP,
    WORD,
)

Row: TypeAlias = tuple[int, int, int, int, int, int, int, int]
"""A check as the kernel reads it: operation, offset, size, low, high, mask, little endian, pool offset."""

ANY_BYTE = frozenset(range(256))

_LETTER_MASK = 0xDF  # clears the bit that tells small ASCII letters from capital ones
_ALL_32_BITS = 0xFFFFFFFF
_LARGEST_NUMBER = 4
_QUESTION_BYTES = 5  # of the shortest: the root's empty name, type, class


class Check(Struct, frozen=True):
    """One condition on some bytes; the subclasses are the conditions there are."""

    @property
    def reach(self) -> int:
        """Bytes that must be there before the check can hold."""
        raise NotImplementedError

    def row(self, pool: bytearray) -> Row:
        """The check for the kernel; what does not fit into a row is appended to ``pool``."""
        raise NotImplementedError

    def first_bytes(self) -> frozenset[int]:
        """Values of byte 0 with which the check can hold."""
        return ANY_BYTE


def _pooled(pattern: bytes, mask: bytes, *, fold: bool, pool: bytearray) -> int:
    """Append the masked pattern, then its mask, to ``pool``; returns where they begin."""
    mask = _full_mask(pattern, mask, fold=fold)
    at = len(pool)
    pool += bytes(byte & bits for byte, bits in zip(pattern, mask, strict=True))
    pool += mask
    return at


def _full_mask(pattern: bytes, mask: bytes, *, fold: bool) -> bytes:
    if fold:
        return bytes(_LETTER_MASK if bytes((byte,)).isalpha() else 0xFF for byte in pattern)
    return mask or b"\xff" * len(pattern)


class Bytes(Check, frozen=True):
    """These bytes, here.

    Attributes:
        pattern: the bytes.
        offset: where.
        mask: bits of each byte that are compared; all of them if empty.
        fold: whether ASCII letters match in either case (instead of a mask).
    """

    pattern: bytes
    offset: int = 0
    mask: bytes = b""
    fold: bool = False

    def __post_init__(self) -> None:
        """Refuse a definition that makes no sense."""
        if not self.pattern or (self.mask and (self.fold or len(self.mask) != len(self.pattern))):
            msg = f"{self}: needs a pattern, and either a mask as long as it or fold"
            raise ValueError(msg)

    @property
    def reach(self) -> int:
        """Bytes that must be there before the check can hold."""
        return self.offset + len(self.pattern)

    def row(self, pool: bytearray) -> Row:
        """The check for the kernel."""
        at = _pooled(self.pattern, self.mask, fold=self.fold, pool=pool)
        return (BYTES, self.offset, len(self.pattern), 0, 0, 0, 0, at)

    def first_bytes(self) -> frozenset[int]:
        """Values of byte 0 with which the check can hold."""
        if self.offset:
            return ANY_BYTE
        if not (self.mask or self.fold):
            return frozenset(self.pattern[:1])
        bits = _full_mask(self.pattern, self.mask, fold=self.fold)[0]
        return frozenset(byte for byte in ANY_BYTE if byte & bits == self.pattern[0] & bits)


class Number(Check, frozen=True):
    """An unsigned number in a range.

    Attributes:
        offset: where it is.
        size: its bytes, 1 to 4.
        low: smallest value, after masking.
        high: largest value.
        mask: bits that count.
        little: whether its least significant byte comes first.
    """

    offset: int
    size: int
    low: int
    high: int
    mask: int = _ALL_32_BITS
    little: bool = False

    def __post_init__(self) -> None:
        """Refuse a size that the kernel does not read, and a range with nothing in it."""
        if not 1 <= self.size <= _LARGEST_NUMBER or not 0 <= self.low <= self.high:
            msg = f"{self}: needs a size of 1 to {_LARGEST_NUMBER} and low <= high"
            raise ValueError(msg)

    @property
    def reach(self) -> int:
        """Bytes that must be there before the check can hold."""
        return self.offset + self.size

    def row(self, pool: bytearray) -> Row:
        """The check for the kernel."""
        del pool
        return (NUMBER, self.offset, self.size, self.low, self.high, self.mask, int(self.little), 0)

    def first_bytes(self) -> frozenset[int]:
        """Values of byte 0 with which the check can hold."""
        if self.offset or (self.little and self.size > 1):
            return ANY_BYTE
        # Whatever the bytes after it, the first one is this part of the number.
        shift = 8 * (self.size - 1)
        bits = (self.mask >> shift) & 0xFF
        return frozenset(byte for byte in ANY_BYTE if self.low >> shift <= byte & bits <= self.high >> shift)


class OneOf(Check, frozen=True):
    """One byte out of a set.

    Attributes:
        offset: where.
        allowed: the set.
    """

    offset: int
    allowed: bytes

    @property
    def reach(self) -> int:
        """Bytes that must be there before the check can hold."""
        return self.offset + 1

    def row(self, pool: bytearray) -> Row:
        """The check for the kernel; its pool entry is a bitmap of 32 bytes."""
        at = len(pool)
        bitmap = bytearray(32)
        for byte in self.allowed:
            bitmap[byte >> 3] |= 1 << (byte & 7)
        pool += bitmap
        return (ONE_OF, self.offset, 1, 0, 0, 0, 0, at)

    def first_bytes(self) -> frozenset[int]:
        """Values of byte 0 with which the check can hold."""
        return ANY_BYTE if self.offset else frozenset(self.allowed)


class Printable(Check, frozen=True):
    """ASCII text: ``size`` bytes that are printable, tab, carriage return or line feed.

    Attributes:
        offset: where the text begins.
        size: its bytes.
    """

    offset: int
    size: int

    @property
    def reach(self) -> int:
        """Bytes that must be there before the check can hold."""
        return self.offset + self.size

    def row(self, pool: bytearray) -> Row:
        """The check for the kernel."""
        del pool
        return (PRINTABLE, self.offset, self.size, 0, 0, 0, 0, 0)

    def first_bytes(self) -> frozenset[int]:
        """Values of byte 0 with which the check can hold."""
        return ANY_BYTE if self.offset else frozenset((*b"\t\n\r", *range(0x20, 0x7F)))


class Find(Check, frozen=True):
    """These bytes, anywhere in the first ``HEAD_BYTES``.

    Attributes:
        pattern: the bytes.
        offset: where the search begins.
        fold: whether ASCII letters match in either case.
    """

    pattern: bytes
    offset: int = 0
    fold: bool = False

    @property
    def reach(self) -> int:
        """Bytes that must be there before the check can hold."""
        return self.offset + len(self.pattern)

    def row(self, pool: bytearray) -> Row:
        """The check for the kernel."""
        at = _pooled(self.pattern, b"", fold=self.fold, pool=pool)
        return (FIND, self.offset, len(self.pattern), 0, 0, 0, 0, at)


class Length(Check, frozen=True):
    """A number that says how long the datagram is. Not for TCP: a segment's length says nothing.

    Attributes:
        offset: where it is.
        size: its bytes, 1 to 4.
        add: bytes of the datagram that it does not count.
        slack: how many bytes may follow what it counts.
        little: whether its least significant byte comes first.
    """

    offset: int
    size: int
    add: int = 0
    slack: int = 0
    little: bool = False

    @property
    def reach(self) -> int:
        """Bytes that must be there before the check can hold."""
        return self.offset + self.size

    def row(self, pool: bytearray) -> Row:
        """The check for the kernel."""
        del pool
        return (LENGTH, self.offset, self.size, self.add, self.slack, _ALL_32_BITS, int(self.little), 0)


class Size(Check, frozen=True):
    """How long the datagram is. Not for TCP.

    Attributes:
        low: fewest bytes.
        high: most bytes.
        every: the length is ``low`` plus a multiple of this.
    """

    low: int
    high: int = 65535
    every: int = 1

    @property
    def reach(self) -> int:
        """Bytes that must be there before the check can hold."""
        return 0

    def row(self, pool: bytearray) -> Row:
        """The check for the kernel."""
        del pool
        return (SIZE, 0, 0, self.low, self.high, self.every, 0, 0)


class Labels(Check, frozen=True):
    """A question of DNS: the labels of a name, a type, a class (RFC 1035 section 4.1.2).

    The name of a first question is never compressed. What lies after ``HEAD_BYTES`` is not looked at.

    Attributes:
        offset: where its first label begins.
    """

    offset: int

    @property
    def reach(self) -> int:
        """Bytes that must be there before the check can hold."""
        return self.offset + _QUESTION_BYTES

    def row(self, pool: bytearray) -> Row:
        """The check for the kernel."""
        del pool
        return (LABELS, self.offset, 0, 0, 0, 0, 0, 0)


class Word(Check, frozen=True):
    """A string after its big-endian length, without spaces: graphic ASCII characters only.

    All of it must be there; of one that ends after ``HEAD_BYTES``, what lies before.

    Attributes:
        offset: where the length is.
        size: bytes of the length, 1 to 4.
        low: length of the shortest string.
        high: length of the longest.
    """

    offset: int
    size: int
    low: int
    high: int

    @property
    def reach(self) -> int:
        """Bytes that must be there before the check can hold."""
        return self.offset + self.size + self.low

    def row(self, pool: bytearray) -> Row:
        """The check for the kernel."""
        del pool
        return (WORD, self.offset, self.size, self.low, self.high, _ALL_32_BITS, 0, 0)


class Same(Check, frozen=True):
    """Bytes that do not change from one datagram of the sender to the next.

    For signatures that several datagrams must match; with the first there is nothing to compare.

    Attributes:
        offset: where they are, within ``HEAD_BYTES``.
        size: how many.
    """

    offset: int
    size: int

    @property
    def reach(self) -> int:
        """Bytes that must be there before the check can hold."""
        return self.offset + self.size

    def row(self, pool: bytearray) -> Row:
        """The check for the kernel."""
        del pool
        return (SAME, self.offset, self.size, 0, 0, 0, 0, 0)


class Step(Check, frozen=True):
    """A big-endian counter that grows by 1 to ``most`` from one datagram of the sender to the next.

    Attributes:
        offset: where it is, within ``HEAD_BYTES``.
        size: its bytes, 1 to 4; it wraps around.
        most: the largest step; above 1 it allows for loss.
    """

    offset: int
    size: int
    most: int

    @property
    def reach(self) -> int:
        """Bytes that must be there before the check can hold."""
        return self.offset + self.size

    def row(self, pool: bytearray) -> Row:
        """The check for the kernel."""
        del pool
        return (STEP, self.offset, self.size, 1, self.most, (1 << (8 * self.size)) - 1, 0, 0)


DATAGRAM_ONLY = (Length, Size, Same, Step)
"""Checks that mean nothing for a byte stream."""
REPEATED_ONLY = (Same, Step)
"""Checks that compare a datagram with the one before."""
