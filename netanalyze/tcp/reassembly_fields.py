"""What is remembered of the half-streams that are put together, and what the kernel reports of a batch.

A stream that somebody asked for has a *slot* while it lasts, and two rows of words: row ``2 * slot``
for side 0, the next one for side 1. The number of the row is the *key* of the half-stream.
"""

from __future__ import annotations

FLAGS = 0
BASE = 1
"""Sequence number of offset 0."""
NEXT = 2
"""Offset of the next byte to hand over; of a half-stream with ``HELD`` as of the end of the last batch."""
ACKED = 3
"""Offset up to which the other side acknowledged last."""
PROVEN = 4
"""With ``HELD``: up to where it has been reported that nothing will come any more."""
FIRST_FRAME = 5
FIRST_NS = 6
LAST_FRAME = 7
LAST_NS = 8
"""The first two of the stream (in the row of side 0), the last two of the half-stream."""
STREAM = 9
"""Number of the stream, -1 where the slot is free."""
SYN_NS = 10
"""With ``SYN_ONCE``: when this side sent its SYN."""
RTT_NS = 11
"""With ``TIMED``: from the SYN of the other side to this side's answer, the round trip between the capture
point and this side."""
WORDS = 12

# Bits of FLAGS.
KNOWN = 1
"""``BASE`` is known."""
STARTED = 2
"""It is known from a SYN."""
OPENER = 4
"""This side opened the connection."""
OPENED = 8
"""There is something to tell about this stream and it has been told (in the row of side 0)."""
HELD = 16
"""Segments wait behind a hole: they, and what concerns them, are reported and not decided here."""
FINISHED = 32
"""The FIN has been reached."""
RESET = 64
"""A RST has been reported."""
SYN_ONCE = 128
"""This side sent a SYN."""
SYN_AGAIN = 256
"""And another one: which of them was answered is not known."""
TIMED = 512
"""``RTT_NS`` is known."""

# What a stream is to the kernel.
ASKED = 3
"""A stream with one of these bits is put together."""

# Columns of a report.
KIND = 0
KEY = 1
OFFSET = 2
LENGTH = 3
"""Bytes; of a segment that has to wait those on the wire."""
AT = 4
"""Where they begin in the buffer."""
CAPTURED = 5
"""Of a segment that has to wait: how many of them were captured."""
FRAME = 6
TIME = 7
REPORT_COLUMNS = 8

# Kinds of reports.
DATA = 0
"""The next bytes, in the batch's buffer; ``DATA + IN_ARENA`` in that of the packets put together."""
IN_ARENA = 1
GAP = 2
"""The next bytes are missing."""
OPEN = 3
"""The first report of a stream. ``OFFSET`` and ``AT`` are its first frame and time, ``LENGTH`` the row of the
packet that is told of next, ``CAPTURED`` the bits ``STARTED`` and ``OPENER`` of side 0 and, ``SIDE_SHIFT``
higher, of side 1."""
SIDE_SHIFT = 8
FIN = 4
"""The sender closed here."""
RST = 5
"""The sender broke off."""
CLOSE = 6
"""Both sides have ended: the slot is free."""
SEGMENT = 7
"""A segment of a half-stream with ``HELD``, as the next ones; ``SEGMENT + IN_ARENA`` as above."""
LOST = 9
"""What comes before this offset and is not there has been acknowledged, and its sender went on."""
FIN_AT = 10
"""The sender closes at this offset."""
RST_AT = 11
"""The sender broke off while bytes are waited for."""
TRIPS = 12
"""Comes before ``OPEN``: ``OFFSET`` and ``LENGTH`` are the round trips to side 0 and side 1 in nanoseconds,
-1 where it is not known."""
REPORTS_A_PACKET = 7

# Counters.
SLOTS = 0
"""How many slots have ever been used."""
FREE = 1
"""How many of those are free."""
REPORTS = 2
IMPLAUSIBLE = 3
"""Segments whose sequence number is further from the others than any window."""
BEYOND = 4
"""Bytes after a FIN."""
EARLY = 5
"""Bytes before the first one that is known."""
COUNTERS = 6
