"""What the kernel that tries framings on a stream reports of each one that is possible: a row of words."""

from __future__ import annotations

from netanalyze.tcp.writes import framing_fields

KIND = 0
"""``LENGTH``, ``VARINT`` or ``DELIMITER`` of ``framing_fields``."""
SIZE = 1
LITTLE = 2
OFFSET = 3
BEHIND = 4
"""A message's length is the field's value and this; of a delimiter, its bytes as a number."""
SKIPPED = 5
"""Bytes at the beginning of side 0, and in the next word of side 1, that are left out."""
SIDE = 7
"""The words of side 0, then those of side 1."""
# Of a side:
ENDS = 0
"""Messages that end in the sample."""
HITS = 1
"""How many of these end where a write does."""
TURNS = 2
"""How many end where the other side begins to speak."""
CHANGES = 3
"""How often the length differs from the one before."""
COVERED = 4
"""Bytes up to the last end."""
WRITES = 5
"""Ends of writes in what was looked at."""
ALL_TURNS = 6
ALONE = 7
"""Turns, or where there are none writes, before which exactly one message ends since the one before."""
EMPTY = 8
"""Messages with nothing behind their length field."""
LATEST = 9
"""Length of the last message."""
LOOKED = 10
"""Bytes that were looked at."""
SIDE_WORDS = 11
WORDS = SIDE + 2 * SIDE_WORDS

MARK_WRITE = 1
MARK_TURN = 2

LENGTH = framing_fields.LENGTH
VARINT = framing_fields.VARINT
DELIMITER = framing_fields.DELIMITER
OFFSETS = (0, 1, 2, 3, 4, 5, 6, 7, 8, 16)
"""Where a length field may begin; 16 for protocols that begin with a marker of that length."""
MORE = 9
"""Bytes between a length field and what it counts: fewer than these."""
