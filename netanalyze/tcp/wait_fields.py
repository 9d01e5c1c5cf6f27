"""What the account of waits remembers: a row for each half-stream, one for each stream, one for each wait.

Times are in ns. Rows of half-streams: ``2 * stream + side``, about what that side sends.
"""

from __future__ import annotations

# Causes, as places in a stream's sums (from ``SUMS`` on) and as kinds of stalls.
NETWORK = 0
THINKING = 1
"""Of side 0; one more: of side 1."""
NAGLE_DELAYED_ACK = 3
NAGLE = 4
ZERO_WINDOW = 5
WINDOW_FULL = 6
RETRANSMISSION_TIMEOUT = 7
FAST_RECOVERY = 8
HANDSHAKE_RETRY = 9
IDLE = 10
CAUSES = 11

# Words of a half-stream.
FLAGS = 0
NEXT = 1
"""Highest sequence number sent, and one."""
ACKED = 2
"""Highest acknowledgement that came from the other side."""
EDGE = 3
"""The furthest sequence number that the window allows."""
LARGEST = 4
"""Most payload of a segment."""
OPTION = 5
"""MSS that the other side announced; 0 for none."""
TRIP_NS = 6
"""Shortest time from a segment of the other side to the acknowledgement by this one; 0 for none."""
DATA_NS = 7
ACK_NS = 8
"""When the last acknowledgement came by that told its sender something new."""
ACK_FRAME = 9
ACK_WAIT_NS = 10
"""How long after the last data that was."""
ZERO_NS = 11
ZERO_FRAME = 12
ZERO_WAIT_NS = 13
"""How long the window has been closed, until it is known whether the sender minded."""
REPAIRED = 14
"""The acknowledgement that ends the recovery."""
EAGER = 15
"""Small segments sent while a small one was not acknowledged."""
EAGER_FRAME = 16
HELD = 17
"""Small segments that left upon the acknowledgement of the one before."""
HELD_FRAME = 18
HELD_NS = 19
STALLS = 20
STALL_NS = 21
QUICK = 22
"""Acknowledgements without payload that came at once, of all that had been sent."""
DELAYED = 23
"""Those that came later."""
QUICK_FIRST = 24
"""How many came at once before the first that did not."""
PHASES = 25
"""How many runs of quick ones there were."""
DELAY_MIN_NS = 26
DELAY_MAX_NS = 27
DELAY_SUM_NS = 28
DELAY_FRAME = 29
"""The first that was delayed."""
BUCKETS = 30
"""Delays by ``BUCKET_MS``: how many were shorter than that and not shorter than the one before."""
BUCKET_MS = (30, 60, 90, 130, 180, 225, 470, 530, 1 << 40)
HEARD_EDGE = 39
"""``EDGE`` as far as its sender must have heard of it."""
LATER_EDGE = 40
LATER_NS = 41
"""A later one that was on its way then, and since when; 0 for none."""
ACKED_BYTES = 42
"""What the last acknowledgement acknowledged."""
HALF_WORDS = 43

# Bits of FLAGS.
NUMBERED = 1
SHORT = 2
"""The last segment with payload was not full."""
PROMPTED = 4
"""``ACK_NS`` is later than that segment."""
FULL_UP = 8
"""After the last segment with payload the window had no room for another full one."""
ZERO = 16
PROBED = 32
EDGE_SET = 64
RECOVERING = 128
STAMPED = 256
LAST_QUICK = 512
"""The last acknowledgement that it sent came at once."""
LOST = 2048
"""It has sent data again: its congestion window may be a single segment."""
SPOKE = 1024
"""It has sent payload, and nothing but payload last."""

# Words of a stream.
FIRST_NS = 0
NOW_NS = 1
"""The latest time."""
MOVE_NS = 2
"""When the last segment came that was more than an acknowledgement, or up to when time is accounted for."""
MOVE_FRAME = 3
BITS = 4
SUMS = 5
STREAM_WORDS = 16

# Bits of BITS.
BEGUN = 1
MOVE_SIDE = 2
OPENING = 4
"""The last such segment had SYN."""

# Words of a wait.
STREAM = 0
SIDE = 1
KIND = 2
FRAME = 3
TIME_NS = 4
DURATION_NS = 5
END_FRAME = 6
CAUSE_FRAME = 7
WAIT_WORDS = 8
