"""What the sequence analysis remembers of each half-stream: one row of 64-bit words.

Row ``2 * stream + side``. Sequence numbers are below 2**32, as they stand in the header. Lists are
numbers of nodes in one pool, 0 for none.
"""

from __future__ import annotations

FLAGS = 0
NEXT = 1
"""Highest sequence number sent, and one."""
NEXT_NS = 2
REPAIR_NS = 3
"""When it last sent anything again."""
HIGH_ACK = 4
"""Highest acknowledgement number sent."""
ACK_FRAME = 5
"""First frame with that number: what duplicates repeat."""
ACK_NS = 6
DUPLICATES = 7
NEWS_NS = 8
"""When it last sent a duplicate acknowledgement or one with news in SACK."""
WINDOW = 9
"""Of the last segment that was not older than the one before, as in the header, and one; 0 before any."""
SCALE = 10
"""0 not known, 1 not used, else the shift count and 2."""
EDGE = 11
"""The furthest sequence number that it has offered to take, of the other side's."""
LABELS = 12
"""Of its last segment."""
OLDEST = 13
NEWEST = 14
"""Segments sent and not acknowledged, in order of their sequence numbers."""
UNACKED = 15
RECENT = 16
RECENT_NEWEST = 17
RECENT_COUNT = 18
"""The last segments that were acknowledged, in case they are sent again."""
SACKED = 19
"""Ranges of what it sent that the other side has reported with SACK, in order."""
SACKED_BYTES = 20
SACKED_COUNT = 21
HOLES = 22
"""Ranges of what it sent that were not captured, in order."""
HOLE_COUNT = 23
RECOVERY = 24
"""0, or what began the repair of losses that goes on until ``RECOVERY_END`` is acknowledged."""
RECOVERY_END = 25
SRTT = 26
RTTVAR = 27
"""Smoothed round trip time and its variation by RFC 6298, in ns, of segments that it sent."""
NEXT_TSVAL = 28
NEXT_ID = 29
"""Timestamp and IP identification of the segment that moved ``NEXT``, -1 for none."""
STEADY = 30
"""How often in a row its IP identifications have grown by a little."""
BASE = 31
"""Its initial sequence number, or for want of it one less than the first one seen."""
LATEST_NS = 32
"""When the last of the segments that are acknowledged by now was captured last; see ``TIMED``."""
MAX_PAYLOAD = 33
FIN_END = 34
"""Sequence number behind its FIN."""
SYN_NS = 35
"""Side 0: when the latest SYN without ACK was seen, by either side."""
HANDSHAKE_NS = 36
"""Side 0: first round trip, from the latest SYN to the first segment with ACK alone; 0 if not known."""
PAST_DUPLICATES = 37
"""How many duplicates the last acknowledgement number had that had any, before the present one."""
MISSED = 38
"""How many sequence numbers lie in holes, those included that are given up."""
OPENED_NS = 39
"""When it offered a window again after none; see ``OPENED``."""
MARK = 40
MARK_NEWEST = 41
"""Of the segments sent and not acknowledged, every ``MARK_EVERY``-th: the first and the last of these."""
MARK_STEPS = 42
"""How many segments were sent since the last mark."""

WORDS = 43

# Bits of FLAGS.
SEEN = 1
"""``NEXT`` and ``BASE`` are set."""
ACKED = 2
"""``HIGH_ACK`` is set."""
EDGE_KNOWN = 4
CLOSING = 8
"""``FIN_END`` is set."""
CLOSED = 16
"""Its FIN was acknowledged."""
SYN_SEEN = 32
"""Its SYN was captured."""
TIMED = 64
"""``LATEST_NS`` is set."""
UNSCALED = 128
"""``WINDOW`` is that of a SYN, which is never scaled (RFC 7323 section 2.2)."""
DONE = 256
"""Both sides have closed and acknowledged it: only the last segment of each is still known."""
OPENED = 512
"""It has offered a window again, and the other side has sent nothing since but probes: it does not know."""
SACK_OK = 1024
"""Its SYN permits SACK."""

# Words of a node.
SEQ = 0
END = 1
FRAME = 2
"""Where it was captured first; of a hole, the segment behind it."""
NS = 3
AFTER = 4
"""Next node of the list; of a free one, next free one."""
COUNT = 5
"""How often it was sent; of a hole, 1 once it is acknowledged."""
AGAIN_FRAME = 6
AGAIN_NS = 7
"""Where it was captured last."""
TSVAL = 8
AGAIN_TSVAL = 9
IP_ID = 10
DATA = 11
"""Where its payload begins in the ring of recent payloads, counted over all time."""
CAPTURED = 12
"""How much of its payload was put there."""
AGAIN_END = 13
"""Where the range that was sent again last ends: its bytes may be sent again in several pieces."""
SKIP = 14
"""Of a mark, the next one: so that nobody has to walk through ten thousand segments."""

NODE_WORDS = 15
