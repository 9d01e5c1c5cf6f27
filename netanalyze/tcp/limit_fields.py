"""What the account of limits remembers of each half-stream: a row of times, and one of smaller numbers.

Row ``2 * stream + side``, about what that side sends. Times are in ns. The first words of a row of times
are the classes, in the order of ``CLASSES``; each ns of the time in which the half-stream is active is
in one of them or, until it is known in which, in one of those that begin with ``PENDING``.
"""

from __future__ import annotations

APPLICATION = 0
WINDOW = 1
RECOVERY = 2
CONGESTION = 3
START = 4
PATH = 5
BUFFER = 6

CLASSES = (
    "application",
    "receiver_window",
    "recovery",
    "congestion_window",
    "slow_start",
    "path_rate",
    "send_buffer",
)
"""Names of the classes."""

IDLE = 7
"""How much of ``APPLICATION`` passed with nothing on its way."""
SINCE = 8
"""Up to when time has been accounted for."""
PENDING_OPEN = 9
"""Since the last segment with payload: something is on its way, and the window has room for more."""
PENDING_BLOCKED = 10
"""Something is on its way, and the window has no room for a segment."""
PENDING_DRY = 11
"""Nothing is on its way, and the window has no room for a segment."""
PENDING_IDLE = 12
"""Nothing is on its way although the window has room."""
PENDING_STILL = 13
"""Waited for acknowledgements since the flight was larger than ever before."""
DATA_NS = 14
"""When the last segment with payload was sent."""
ACK_NS = 15
"""When its sender last learned of bytes that arrived or of more window."""
GROWN_NS = 16
"""When the flight was last larger than ever before since the application paused."""
BYTES = 17
"""Payload, each byte counted once."""
DELIVERY = 18
"""How much of ``APPLICATION`` the last segments before a pause took to arrive."""
TIME_WORDS = 19

# The smaller numbers.
FLAGS = 0
"""The bits below, and above them the segment size that the other side's SYN allows; 0 for none."""
NEXT = 1
"""Highest sequence number sent, and one."""
ACKED = 2
"""Highest acknowledgement that its sender has got."""
EDGE = 3
"""The furthest sequence number that the window allows, as far as its sender knows."""
REPAIRED = 4
"""The acknowledgement that ends the recovery."""
PEAK = 5
"""Bytes of the largest flight since the application paused."""
FULL = 6
"""Payload of a full segment in the lower 24 bits, number of segments with payload above, at most 255."""
TRIP_US = 7
"""Shortest time from a segment of the other side, seen here, to the acknowledgement that this side sent
for it; 0 if none was measured."""
GAP_US = 8
"""Last time between two segments with payload that was no mere burst."""
LAST_TRIP_US = 9
"""Latest time from one of its segments to the acknowledgement."""
HEAD = 10
TAIL = 11
"""Acknowledgements that have not reached its sender, the oldest and the newest: nodes, 0 for none."""
MARK_WORDS = 12

OPTION_SHIFT = 16
COUNT_SHIFT = 24

# Bits of FLAGS.
STARTED = 1
"""It has sent payload."""
NUMBERED = 2
"""``NEXT`` and ``ACKED`` are set."""
HEARD = 4
"""An acknowledgement from the other side was seen."""
EDGE_SET = 8
BLOCKED = 16
"""The window has no room for a segment."""
ZERO = 32
"""The last window offered was zero, of whatever scale."""
RECOVERING = 64
LOST = 128
"""Something was sent again because of a loss: since then the congestion window is what that left."""
SHORT = 256
"""The last segment with payload was not full."""
PUSHED = 512
"""It had PSH set."""
PROMPTED = 1024
"""``ACK_NS`` is later than that segment."""
ANSWERED = 2048
"""What came then had payload itself."""
QUEUED = 4096
"""Segments take so long that they must be waiting in a queue."""
PROBED = 8192
"""It has asked for window since its last payload: something is waiting to be sent."""
FINISHED = 16384
"""It has sent FIN."""
STAMPED = 32768
"""Its segments have timestamps, which make them shorter."""

# Words of a node: an acknowledgement on its way from the capture point to the sender.
DUE_NS = 0
"""When it arrives there, or rather what its sender does upon it would be seen here."""
ACK = 1
NODE_EDGE = 2
"""The window's end, -1 if it is not known."""
NEWS = 3
"""1: it has payload; 2: its window is zero; 4: it is the third duplicate or a later one."""
AFTER = 4
NODE_WORDS = 5
