"""Lengths in ASN.1 BER, which several protocols begin with (ITU-T X.690 section 8.1.3).

Shared by protocol files: a length is one byte, or ``0x80 + n`` and ``n`` bytes, so that what follows it
lies at one of a few offsets; a signature is written once for each of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.apps.checks import Bytes, Number

if TYPE_CHECKING:
    from netanalyze.apps.checks import Check

LENGTH_SIZES = (1, 2, 3, 4, 5)
"""Bytes that a length takes; lengths of four bytes are what Active Directory always writes."""

SHORT_LENGTH_SIZES = (1, 2, 3)
"""The sizes used for lengths below 64 KiB by senders that write them as DER."""


def length_check(offset: int, size: int) -> Check:
    """A BER length of ``size`` bytes at ``offset``."""
    if size == 1:
        return Number(offset, 1, 0, 0x7F)
    return Bytes(bytes((0x80 + size - 1,)), offset)
