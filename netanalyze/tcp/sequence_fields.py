"""What the sequence analysis remembers of each half-stream: a row of 64-bit words and one of 32-bit words.

Row ``2 * stream + side``. Sequence numbers are below 2**32, as they stand in the header. Lists are
numbers of nodes in one pool, 0 for none. Words are numbered through both tables.
"""

from __future__ import annotations

(
    # 64-bit words.
    NEXT_NS, ACK_NS, ACK_FRAME, LATEST_NS, SRTT, RTTVAR, HANDSHAKE_NS, SYN_NS, REPAIR_NS, NEWS_NS, MISSED,
    OPENED_NS,
    # 32-bit words, in a table of their own: what most segments touch comes first, in one cache line.
    FLAGS, NEXT, HIGH_ACK, WINDOW, SCALE, EDGE, LABELS, OLDEST, NEWEST, UNACKED, RECENT, RECENT_NEWEST,
    RECENT_COUNT, HOLES, DUPLICATES, NEXT_ID,
    BASE, MARK, MARK_NEWEST, MARK_STEPS, SACKED, SACKED_BYTES, SACKED_COUNT, HOLE_COUNT, RECOVERY,
    RECOVERY_END, STEADY, FIN_END, PAST_DUPLICATES,
) = range(41)  # fmt: skip
LONG_WORDS = 12
SHORT_WORDS = 32
"""How many words a row has in the table of 64-bit words, and in that of 32-bit words: two cache lines."""

# NEXT: highest sequence number sent, and one. NEXT_NS: when that was.
# NEXT_ID: IP identification, and one, of the segment that moved it; 0 for none. STEADY: how often in a row
# these have grown by a little.
# BASE: its initial sequence number, or for want of it one less than the first one seen.
# REPAIR_NS: when it last sent anything again.
# HIGH_ACK: highest acknowledgement number sent, at ACK_NS. ACK_FRAME: the first frame with it: what
# duplicates repeat, of which there were DUPLICATES. PAST_DUPLICATES: how many the last number had that had
# any, before the present one.
# NEWS_NS: when it last sent a duplicate acknowledgement or one with news in SACK.
# WINDOW: of the last segment that was not older than the one before, as in the header, and one; 0 before any.
# SCALE: 0 not known, 1 not used, else the shift count and 2.
# EDGE: the furthest sequence number that it has offered to take, of the other side's.
# OPENED_NS: when it offered a window again after none; see OPENED.
# LABELS: of its last segment.
# OLDEST, NEWEST, UNACKED: segments sent and not acknowledged, in order of their sequence numbers. MARK,
# MARK_NEWEST: of these every MARK_EVERY-th, the first and the last. MARK_STEPS: how many segments were sent
# since the last mark.
# RECENT, RECENT_NEWEST, RECENT_COUNT: the last segments that were acknowledged, in case they are sent again.
# LATEST_NS: when the last of the segments that are acknowledged by now was captured last; see TIMED.
# SACKED, SACKED_BYTES, SACKED_COUNT: ranges of what it sent that the other side has reported with SACK, in
# order.
# HOLES, HOLE_COUNT: ranges of what it sent that were not captured, in order. MISSED: how many sequence
# numbers lie in holes, those included that are given up.
# RECOVERY: 0, or what began the repair of losses that goes on until RECOVERY_END is acknowledged.
# SRTT, RTTVAR: smoothed round trip time and its variation by RFC 6298, in ns, of segments that it sent.
# FIN_END: sequence number behind its FIN.
# SYN_NS: side 0: when the latest SYN without ACK was seen, by either side.
# HANDSHAKE_NS: side 0: first round trip, from the latest SYN to the first segment with ACK alone; 0 if not
# known.

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
TSVAL = 6
IP_ID = 7
DATA = 8
"""Where its payload begins in the ring of recent payloads, counted over all time."""
CAPTURED = 9
"""How much of its payload was put there."""
SKIP = 10
"""Of a mark, the next one: so that nobody has to walk through ten thousand segments."""

NODE_WORDS = 11

# In a table of their own, as few nodes have them: of what was sent more than once.
AGAIN_FRAME = 11
AGAIN_NS = 12
"""Where it was captured last."""
AGAIN_TSVAL = 13
AGAIN_END = 14
"""Where the range that was sent again last ends: its bytes may be sent again in several pieces."""
AGAIN_WORDS = 4
