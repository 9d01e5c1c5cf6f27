"""What is remembered of each half-stream whose messages are laid over its segments: a row of 64-bit words."""

from __future__ import annotations

BYTES = 0
SEGMENTS = 1
"""Pieces that were read: segments that brought something new, in the order of their bytes."""
MESSAGES = 2
"""Those that ended."""
CLASSES = ("aligned", "split", "coalesced", "mixed")
ALIGNED = 3
"""How many of each class; a message that a hole is in has none."""
SPLIT = 4
COALESCED = 5
MIXED = 6
CASES = ("A", "B", "C", "D")
CASE_A = 7
CASE_D = 10
CAUSES = (
    "mss",
    "receiver_window",
    "congestion_window",
    "nagle",
    "one_write",
    "several_writes",
    "offload",
    "retransmission",
)
"""Why a message was split over segments or merged with others in one."""
CAUSE = 11
"""How many messages of each cause."""
MESSAGE_SEGMENTS = 19
"""Segments that messages lay in, added up over messages."""
MOST_SEGMENTS = 20
SMALLEST = 21
LARGEST = 22
MESSAGE_BYTES = 23
FAILS = 24
"""Segments that are not exactly one message."""
FAIL_FRAME = 25
FAIL_BYTES = 26
FAIL_WHOLE = 27
"""Whole messages in the first of these."""
FAIL_PART = 28
"""1: it begins in the middle of a message; plus 2: it ends in one."""
FAIL_NUMBER = 29
"""The message at whose beginning it fails, or in which."""
FAIL_MESSAGE = 30
"""Bytes of that message; 0 while it has not ended."""
FIRST_FRAME = 31

# The message in hand.
START = 32
START_FRAME = 33
START_NS = 34
MY_SEGMENTS = 35
SHARED = 36
"""1: it shares a segment with others."""
SPLIT_CAUSE = 37
HOLED = 38
"""1: bytes of it are missing."""
FIRST_SEGMENT = 39
"""Number of its first segment."""

# The message before.
LAST_CLASS = 40
"""Its class and one; 0 for none."""
LAST_FIRST = 41
LAST_LAST = 42
"""Numbers of its first and last segment."""

# The segment before.
PIECE_BYTES = 43
"""Payload; 0 before any."""
PIECE_ROOM = 44
"""Window left behind it, -1 if that is not known."""
PIECE_NS = 45
PIECE_PUSHED = 46
MSS = 47
"""Payload of a full segment as the handshake tells; below zero the largest so far, where it does not."""
OPEN = 48
"""1: a message has begun."""
UNFRAMED = 49
"""Bytes that belong to no message."""
LAST_FRAME = 50
EAGER = 51
"""1: it has sent a small segment while another was not acknowledged, which Nagle's algorithm does not."""
WORDS = 52

# Words of a message, for the table of messages.
HALF = 0
LENGTH = 1
NUMBER = 2
FRAME = 3
END_FRAME = 4
TIME_NS = 5
OFFSET = 6
PIECES = 7
CLASS = 8
"""-1 for none."""
WHY = 9
"""Number in ``CAUSES``, -1 for none."""
CASE = 10
"""Number in ``CASES``, with the message before; -1 for none."""
ROW_WORDS = 11
SHORT_ROW_WORDS = 2
"""Where only lengths are wanted."""

# Facts about a segment.
PUSH = 1
REPACKED = 2
PROMPTED = 4
"""It left as soon as an acknowledgement without payload had come of what was sent before it."""
