"""X11: windows over the network (X Window System Protocol, version 11)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, OneOf
from netanalyze.apps.protocol import TCP, Protocol, Sender, signature

PROTOCOL = Protocol(
    name="x11",
    title="X Window System",
    transports=(TCP,),
    ports=frozenset(range(6000, 6064)),
    signatures=(
        # Chapter 8: byte order, unused, version 11.0, lengths of authorization name and data, unused.
        signature(
            Bytes(b"l"),
            Bytes(b"\x0b\x00\x00\x00", 2),
            Number(6, 2, 0, 64, little=True),
            OneOf(9, b"\x00\x01"),
            sender=Sender.CLIENT,
        ),
        signature(
            Bytes(b"B"),
            Bytes(b"\x00\x0b\x00\x00", 2),
            Number(6, 2, 0, 64),
            OneOf(8, b"\x00\x01"),
            sender=Sender.CLIENT,
        ),
    ),
)
