"""What an event is made of: a row of 64-bit words."""

from __future__ import annotations

FRAME = 0
TIME_NS = 1
STREAM = 2
SIDE = 3
KIND = 4
"""Number of the kind, an index into ``kinds.KINDS``."""
CAUSE = 5
OTHER_FRAME = 6
"""The frame that it repeats, or in which what it sends again was sent first."""
AGO_NS = 7
NUMBER = 8
"""Which duplicate it is; bytes missing; the new window."""
SEQ = 9
ACK = 10
PAYLOAD = 11
LATER_FRAME = 12
"""A later frame that tells more about it, and what (``scoreboard_kernel``)."""
LATER = 13
WORDS = 14
