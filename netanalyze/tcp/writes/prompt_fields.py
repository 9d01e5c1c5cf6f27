"""What is remembered of each half-stream to tell why a segment left when it did: a row of 64-bit words."""

from __future__ import annotations

FLIGHT = 0
"""Bytes in flight as last known, and one; 0 unknown."""
ACK_NS = 1
"""When an acknowledgement without payload came of what was sent; 0 if none did since the last segment, or if
the other side has said something since."""
TRIP_NS = 2
"""From the capture point to the sender and back, by the handshake, and one; 0 unknown."""
SYN_NS = 3
"""When it sent its SYN, and one; 0 unknown."""
SYN_ACK_NS = 4
"""The same with ACK."""
MSS = 5
"""Of the option in its SYN, and one; 0 for none seen."""
STAMPED = 6
"""1 if its segments have timestamps, which make them 12 bytes shorter (RFC 7323 appendix A)."""
WORDS = 7
