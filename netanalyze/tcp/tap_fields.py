"""What is remembered of each stream to tell where it was captured: one row of 64-bit words.

Words of a side stand at the number given for side 0, and one further for side 1.
"""

from __future__ import annotations

BITS = 0
SYNS = 1
"""How many SYNs without ACK there were, up to the ACK that ended the handshake."""
SYN_ACKS = 2
SYN_NS = 3
"""Time of the latest SYN; what was measured from an earlier one stays."""
SYN_ACK_NS = 4
"""Time of the latest SYN-ACK before the ACK."""
SYN_ACK_END = 5
"""What that ACK has to acknowledge."""
TO_SERVER = 6
"""From the SYN to the first SYN-ACK, in ns: the round trip between capture point and server."""
TO_CLIENT = 7
"""From the latest SYN-ACK to the ACK, in ns: the round trip between capture point and client."""
TTL = 8
"""Of the first segment of each side, and one; 0 before any."""
MSS = 10
"""Of each side's SYN; 0 where there is none."""
LARGEST = 12
"""Most payload of a segment of each side, if it is more than ``ORDINARY_BYTES``."""

WORDS = 14

# Bits of BITS.
SYN_SEEN = 1
SYN_SIDE = 2
"""Side 1 sent the SYN."""
ANSWERED = 4
"""``TO_SERVER`` is set."""
ACKED = 8
"""``TO_CLIENT`` is set."""
CROSSED = 16
"""Both sides sent a SYN without ACK (simultaneous open)."""
ABSURD = 32
"""Time ran backwards in the handshake, or out of all measure."""
ACK_WITH_DATA = 64
"""The ACK that ended the handshake carried payload."""
LEFT = 128
"""A SYN of side 0 had its checksum left to the network card; twice this: of side 1."""

# Bits of a stream's stage, a byte of its own: all that most segments look at.
TTL_KNOWN = 1
"""Of side 0; twice this: of side 1."""
WAITING = 4
"""A SYN-ACK was seen and the ACK for it was not."""
SETTLED = 3
"""Both are known and nothing is waited for."""

ORDINARY_BYTES = 1460
"""Payload that an Ethernet frame of the usual size takes; only what is larger is looked at."""
