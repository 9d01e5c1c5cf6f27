"""What the state machines remember: a row of words for each stream, and a row for each move.

All words are unsigned. Of a pair the word of side 0 comes first, that of side 1 behind it. Sequence
numbers are as on the wire, two to a word: "high" and "low" are its halves.
"""

from __future__ import annotations

WORDS = 16
"""Words of a stream's row: two cache lines, of which an open connection needs the first only."""

BITS = 0
"""State in the lowest four bits, then what is below."""
SEQ = 2
"""High: initial sequence number. Low: the next one, after all that was sent."""
ACKS = 4
"""High: the number after its FIN. Low: the highest acknowledgement number it has sent."""
EDGE = 6
"""High: the highest sequence number that its windows allowed. Low: what its peer had sent when the
acknowledgement of its FIN, still without proof, was seen."""
CLOSE_NS = 8
"""When the newest FIN or ACK that is without proof was seen; in TIME-WAIT when that ends."""
SLOTS = 10
"""Two words a side: rows of moves for ``OPEN`` (low) and ``ACK``, for ``FIN`` (low) and ``RST``."""
SLOT_WORDS = 4

# What an endpoint may have received, seen on its way but not proven yet: a slot each.
OPEN = 0
"""SYN."""
ACK = 1
"""SYN,ACK, or the acknowledgement of its SYN or of its FIN."""
FIN = 2
RST = 3

# Bits of BITS.
PENDING = 16
"""Shifted by the slot: there is something in it."""
STALE = 256
"""Shifted by the slot: what is in it seems to have been lost."""
ASSUMED = 1 << 12
"""Its state is a guess, because the capture began after the connection."""
PASSIVE = 1 << 13
"""It was waiting for connections."""
ACK_WITH_FIN = 1 << 14
"""What is in ``ACK`` and in ``FIN`` came in one segment."""
ACK_AFTER_FIN = 1 << 15
SENT = 1 << 16
"""Its sequence numbers are known."""
ACKED = 1 << 17
"""It has acknowledged something: ``ACKS`` and ``EDGE`` are known."""
FIN_SENT = 1 << 18
SPOKE = 1 << 19
"""It has sent payload."""
SCALE_SHIFT = 20
"""Four bits from here: its window scale."""
HAS_SCALE = 1 << 24
SYN_SEEN = 1 << 25
FAST_OPEN = 1 << 26
"""It took data with the SYN, and may send before its SYN is acknowledged (RFC 7413 section 4.2.2)."""

MOVE_WORDS = 7
"""Words of a move's row."""
STREAM = 0
FRAME = 1
"""0 for none, as of a timeout."""
TIME_NS = 2
CODES = 3
"""State before, state after times 2**8, event times 2**16, side times 2**24, and 2**32 if assumed. 0: a
row that was not used in the end."""
PROOF_FRAME = 4
"""0 for none."""
PROOF_NS = 5
ORDER = 6
"""Moves of an endpoint were made in the order of these numbers."""

CODE_ASSUMED = 1 << 32
MAX_MOVES_A_SEGMENT = 10
"""Rows of moves that one segment may need: two timeouts, three guesses, two sent, three received."""
