"""What the flow table remembers of each conversation: one row of 64-bit words.

A conversation is a TCP connection or the UDP datagrams between two endpoints. *Side* 0 is the
endpoint that sent the first packet of it that was seen, side 1 the other. Everything a packet
touches lies in one row, so that a hundred thousand interleaved connections cost
little more than one.
"""

from __future__ import annotations

WORDS = 24
"""64-bit words in a row: three cache lines."""

A_HI = 0
A_LO = 1
B_HI = 2
B_LO = 3
PORTS = 4
"""Port of side 0 times 2**32, port of side 1 times 2**16, IP version."""
FLAGS = 5
FIRST_FRAME = 6
LAST_FRAME = 7
FIRST_NS = 8
LAST_NS = 9
PACKETS = 10
"""Packets of side 0; side 1 in the word behind, as in all pairs below."""
PAYLOAD = 12
"""Payload bytes on the wire, everything sent counted, retransmitted or not."""
BASE = 14
"""TCP: the initial sequence number, or for want of it one less than the first one seen."""
SYN_NS = 16
HANDSHAKE_NS = 17
"""TCP: when the first SYN and the ACK that completed the handshake were seen.

Times are two's complement; which of these two are set is told by ``FLAGS``.
"""
COMPLETENESS = 18
"""TCP: Wireshark's ``tcp.completeness``."""
FRAGMENTS = 19
"""IP fragments that its packets were put together from."""
ICMP_ERRORS = 20
"""ICMP errors that quote a packet of this conversation."""
HASH = 21
"""Hash of the endpoints, kept for when the table grows."""
NEXT = 22
"""TCP: place of the next stream between the same ports, 0 for none."""

# Bits of FLAGS.
BASE_KNOWN = 1
"""Times 2 for side 1, as in all of these."""
SYN_SENT = 4
SYN_ACK_SENT = 16
HANDSHAKE_DONE = 64
"""Once for both sides: ``HANDSHAKE_NS`` is set (0 is a time like any other)."""

# Bits of COMPLETENESS, as Wireshark has them.
HAS_SYN = 1
HAS_SYN_ACK = 2
HAS_ACK = 4
HAS_DATA = 8
HAS_FIN = 16
HAS_RST = 32
