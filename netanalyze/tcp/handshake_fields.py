"""What ``handshake_kernel`` remembers of how each TCP stream was opened: one row of 64-bit words.

Times are nanoseconds; whether one is set is told by ``META`` or by the count beside it, never by the
time. The *client* is who sent the first SYN.
"""

from __future__ import annotations

WORDS = 20

META = 0
SYN_NS = 1
SYN_FRAME = 2
"""First SYN; frame 0 if none was seen, and then the rest of the row means nothing."""
LAST_SYN_NS = 3
"""Last SYN before there was an answer: the one that was answered, if any was."""
SYN_ACK_NS = 4
LAST_SYN_ACK_NS = 5
ACK_NS = 6
"""The client's first segment after the SYN-ACK."""
COUNTS = 7
"""SYNs before there was an answer, all SYNs, SYN-ACKs: twenty bits each, which stop at the top."""
LEFT_NS = 8
"""When it no longer waited to be accepted: the server's first payload, FIN or RST, or the client's RST."""
WAITS = 9
"""Microseconds from the first SYN to the second, and in the upper half from that to the third."""
PENDING = 10
"""Client's segments since the SYN-ACK, or since it was repeated, before the server sent anything else."""
IGNORED = 11
"""Client's segments after the SYN-ACK that the server shows not to have taken."""
IGNORED_FRAME = 12
"""The first of those."""
SETTLED_NS = 13
"""The server's first segment after its SYN-ACK."""
RESET_FRAME = 14
"""RST in answer to a SYN, or to the segment that completed the handshake."""
ICMP_FRAME = 15
ICMP = 16
"""Type times 256 plus code of the first ICMP error about a SYN."""
PENDING_FRAME = 17
"""The first segment that PENDING counts."""
HIGHEST = 18
"""Sequence number after the client's last byte."""
SYN_ACK_SEQ = 19
"""Sequence number of the first SYN-ACK: one with another number begins anew."""

# Bits of META.
CLIENT = 1
"""Side 1 is the client."""
ANSWERED = 2
"""There was a SYN-ACK."""
ACKED = 4
"""The client completed the handshake."""
SETTLED = 8
"""The server sent something after its SYN-ACK."""
LEFT = 16
REFUSED = 32
"""RST in answer to a SYN."""
ABORTED = 64
"""RST in answer to the segment that completed the handshake."""
REPEATED = 128
"""The client sent data again before the server sent anything."""
AGAIN = 256
"""The server sent its SYN-ACK again although the client had completed the handshake."""
UNREACHABLE = 512
"""An ICMP error about a SYN."""
OFFER_SCALE = 1024
OFFER_SACK = 2048
"""The SYN has these options."""
TAKE_SCALE = 4096
TAKE_SACK = 8192
"""The SYN-ACK has these options."""
DONE = 16384
"""The client sent a FIN before the server had sent anything."""

COUNT_BITS = 20
"""Of each of COUNTS."""
