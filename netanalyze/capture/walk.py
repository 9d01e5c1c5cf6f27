"""What a record walk tells its reader: the slots of its state, and why it stopped.

The walks are kernels (``*_kernel.py``); each fills a batch from a buffer and writes its report into
an array of ``SLOTS`` integers. A walk stopped for any reason and called again from ``POSITION``
stops at the same place for the same reason: a reader hands out the frames first and sees to the
reason after.
"""

from __future__ import annotations

SLOTS = 10

POSITION = 0
"""Where in the buffer the walk stopped: the first byte that is not part of a delivered record."""
REASON = 1
"""Why it stopped, one of the reasons below."""
NEEDED = 2
"""How many bytes from ``POSITION`` on it wants to see; after ``BLOCK``, how long the block is."""
CAPTURED_BYTES = 3
"""Sum of ``captured_bytes`` of the batch."""
WIRE_BYTES = 4
"""Sum of ``wire_bytes`` of the batch."""
OLDEST_NS = 5
"""Least time of the batch's frames; ``NO_TIME`` if none of them has one."""
NEWEST_NS = 6
"""Greatest time of the batch's frames."""
PREVIOUS_NS = 7
"""Kept from call to call: time of the last frame delivered, to the second in formats that state every
frame's time; ``NO_TIME`` before any had one."""
ODD = 8
"""Kept from call to call: records taken although their header contradicts itself."""
DROPS = 9
"""Kept from call to call: the cumulative drop count of the last record, where records have one."""

NO_TIME = -(1 << 63)

FULL = 0
"""The batch is full."""
NEED = 1
"""``NEEDED`` bytes are wanted, the buffer has fewer."""
END = 2
"""The input ended where a record ended."""
CUT = 3
"""The input ended inside a record whose header is sound."""
DAMAGE = 4
"""No record can begin here."""
BLOCK = 5
"""A pcapng block that is not a frame: the reader's business."""
DOUBTFUL = 6
"""The input ended inside a record whose length may be wrong: others may lie within it."""
FOUND = 7
"""A search found where records go on."""

SEARCH_FRAME_BYTES = 262_144
"""A search for undamaged records believes in frames up to this size (the usual snapshot length)."""
SEARCH_RECORDS = 3
"""So many records in a row must look right before a search believes in them."""
