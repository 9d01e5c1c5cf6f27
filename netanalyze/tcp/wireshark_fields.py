"""What Wireshark's rules remember of each half-stream: one row of 64-bit words.

Row ``2 * stream + side``. Sequence numbers as they stand in the header, 0 for none: Wireshark has it so.
"""

from __future__ import annotations

NEXT = 0
"""Highest sequence number sent and one; 0 before any."""
NEXT_NS = 1
NEXT_FRAME = 2
"""When and in which frame that was."""
CONTIGUOUS = 3
"""The same without a hole before it."""
LAST_ACK = 4
LAST_NS = 5
WINDOW = 6
"""Of the last segment, whatever it was, and one; 0 before any."""
SCALE = 7
"""0 not known, 1 not used, else the shift count and 2."""
DUPLICATES = 8
DUPLICATE_OF = 9
LABELS = 10
BEFORE_ACK = 11
"""1 after a SYN until the first segment with ACK alone."""
BASE_KNOWN = 12
BASE = 13
OLDEST = 14
NEWEST = 15
"""Segments that are not acknowledged, in the order in which they were sent: numbers of nodes, 0 for none."""
UNACKED = 16
DISORDERED = 17
"""How many nodes do not begin where the one before ends: while there are none, the list is sorted."""
SYN_NS = 18
"""Side 0: time of the latest SYN of the stream. Side 1: the first round trip time."""
WORDS = 19

# Words of a node.
SEQ = 0
END = 1
FRAME = 2
NS = 3
AFTER = 4
"""Number of the next node; of a free one, of the next free one."""
ODD = 5
NODE_WORDS = 6

OUT_OF_ORDER_NS = 3_000_000
"""How late a segment may be that was overtaken, while the first round trip time is not known."""
FAST_NS = 20_000_000
"""How long after the other side's last segment a fast retransmission may come."""
