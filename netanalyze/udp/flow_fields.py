"""What is measured of each UDP flow: one row of 64-bit words, zero until its first datagram.

Of a pair, side 0 (the endpoint that sent the first packet) comes first and side 1 in the word behind.
"""

from __future__ import annotations

WORDS = 16

SMALLEST = 0
"""One more than the payload of the side's smallest datagram; 0 while it has sent none."""
LARGEST = 2
FRAGMENTED = 4
"""Datagrams of the side that came in IP fragments."""
LARGE = 6
"""Packets of the side that no link of 1500 bytes carries, and that are no fragments."""
LATEST_NS = 8
"""When the latest datagram of either side was sent."""
SILENCE_NS = 9
"""The longest time between two datagrams, whoever sent them."""
SILENCE_FRAME = 10
"""The frame that ended it."""
ICMP = 11
"""Of the first ICMP error: 1 << 24, type << 8, code; 0 while there was none."""
ICMP_FRAME = 12
FLAGS = 13

# Bits of FLAGS.
SEEN = 1
"""``LATEST_NS`` is set (0 is a time like any other)."""
LINK_BROADCAST = 2
"""A datagram was sent to every station of its link; times 2 when side 1 sent it."""

ETHERNET_MTU = 1500
"""Bytes of an IP packet that Ethernet carries (RFC 894)."""
