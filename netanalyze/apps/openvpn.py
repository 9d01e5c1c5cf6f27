"""OpenVPN's own protocol (the network protocol page of its documentation)."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number, OneOf, Size
from netanalyze.apps.protocol import TCP, UDP, Protocol, Sender, Strength, signature
from netanalyze.tcp.writes.framing import both, length

# Opcode in the top five bits, key in the others: hard resets of client (7, 10) and server (8).
_CLIENT_RESET = b"\x38\x50"
_SERVER_RESET = b"\x40"
_DATA = bytes((*range(0x30, 0x38), *range(0x48, 0x50)))

PROTOCOL = Protocol(
    name="openvpn",
    title="OpenVPN",
    transports=(UDP, TCP),
    ports=frozenset({1194}),
    signatures=(
        # Without authentication of control packets: session, no acknowledgements, packet number 0.
        signature(OneOf(0, _CLIENT_RESET), Bytes(b"\x00\x00\x00\x00\x00", 9), Size(14, 14), over=UDP),
        # The server acknowledges packet 0 of the client's session.
        signature(
            OneOf(0, _SERVER_RESET),
            Bytes(b"\x01\x00\x00\x00\x00", 9),
            Bytes(b"\x00\x00\x00\x00", 22),
            Size(26, 26),
            over=UDP,
        ),
        signature(
            OneOf(0, _CLIENT_RESET + _SERVER_RESET + _DATA), Size(14), strength=Strength.PORT, over=UDP
        ),
        # Over TCP the packet's length comes first.
        signature(
            Number(0, 2, 14, 512),
            OneOf(2, _CLIENT_RESET),
            strength=Strength.PAIRED,
            sender=Sender.CLIENT,
            over=TCP,
        ),
        signature(
            Number(0, 2, 14, 512),
            OneOf(2, _SERVER_RESET),
            strength=Strength.PAIRED,
            sender=Sender.SERVER,
            over=TCP,
        ),
    ),
    # Over TCP the length of each packet comes first.
    framing=both(length("u16be")),
)
