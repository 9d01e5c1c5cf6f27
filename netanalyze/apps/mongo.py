"""MongoDB's wire protocol."""

from __future__ import annotations

from netanalyze.apps.checks import Bytes, Number
from netanalyze.apps.protocol import TCP, Protocol, Strength, signature
from netanalyze.tcp.writes.framing import both, length

_LARGEST = 48000000  # maxMessageSizeBytes
# MsgHeader: length, request, response to, opcode; all little-endian.
_LENGTH = Number(0, 4, 16, _LARGEST, little=True)

PROTOCOL = Protocol(
    name="mongo",
    title="MongoDB",
    transports=(TCP,),
    ports=frozenset({27017, 27018, 27019}),
    signatures=(
        # OP_UPDATE (2001) to OP_KILL_CURSORS (2007), OP_COMMAND (2010) to OP_MSG (2013).
        signature(_LENGTH, Number(12, 4, 2001, 2013, little=True)),
        # OP_REPLY, the answer to OP_QUERY: flags below 16, then a cursor.
        signature(
            _LENGTH,
            Bytes(b"\x01\x00\x00\x00", 12),
            Number(16, 4, 0, 15, little=True),
            strength=Strength.PAIRED,
        ),
    ),
    # Wire protocol: messageLength counts itself.
    framing=both(length("u32le", include_header=True)),
)
