"""What ``conn_kernel`` remembers of each TCP stream: one row of 64-bit words, two cache lines.

Names follow Zeek: an *endpoint* is one side of the stream, the *originator* the one that Zeek takes
for the client. Pairs of words are one for side 0 and one for side 1, as the flow table numbers them.
Sequence numbers are kept modulo 2**32; *relative* ones count from the initial one.
"""

from __future__ import annotations

WORDS = 16

META = 0
"""Both states, who is the originator, what the history has, and its last four letters; bits below."""
TALLY = 1
"""Zero windows and gaps of side 0, then of side 1: four counts of 16 bits that stop at the top."""
HISTORY = 2
"""The first twenty-four letters, twelve in each of two words, five bits a letter."""
ENDS = 4
"""Initial sequence number, and in the upper half the highest one that follows a segment seen."""
ACKED = 6
"""Highest number acknowledged, and above it the relative number after the last FIN."""
CONTROLS = 8
"""Relative sequence number of the last SYN, and above it of the last RST."""
DELIVERED = 10
"""Relative end of the bytes seen without a hole, and above it how many segments brought nothing new."""
BEYOND = 12
"""Two words for each side: stretches of bytes beyond a hole, relative begin and end; 0 for none."""

# Endpoint states, in the three bits that META has for each. Zero is an endpoint that was not seen.
INACTIVE = 0
SYN_SENT = 1
SYN_ACK_SENT = 2
PARTIAL = 3
"""It sent something, but no SYN of it was seen."""
ESTABLISHED = 4
CLOSED = 5
"""It sent a FIN."""
RESET = 6
"""It sent a RST."""

# Bits of META. Those of pairs are for side 0 (SEEN, FIRST: the originator); the other follows.
STATE_BITS = 3
PREVIOUS = 6
"""Shift of the states before the present ones."""
ORIGINATOR = 12
"""Which side is the originator."""
SEEN = 13
"""Seven bits for the originator, seven for the responder: which letters the history has of it."""
SEEN_BITS = 7
HALF = 27
"""The stream began without a SYN, or an answer to it did."""
FIRST = 28
"""The originator, the responder has been heard."""
SKIP = 30
"""So much came beyond a hole while nothing was acknowledged that gaps are not looked for any more."""
LONG = 32
"""It has sent so much that lower sequence numbers than its first are new ones."""
FIN_SEEN = 34
FULL = 36
"""There were more letters than fit."""
USED = 37
COUNT = 38
"""Letters in the history."""
COUNT_BITS = 5
REST = 44
"""The last four letters."""

LETTER_BITS = 5
WORD_LETTERS = 12
LETTERS = 28
"""The longest history that is kept."""

# Letters; a responder's has RESPONDER added and is written small.
SYN = 1
SYN_ACK = 2
ACK = 3
DATA = 4
FIN = 5
RST = 6
GAP = 7
AGAIN = 8
ZERO_WINDOW = 9
FIN_RST = 10
ODD_FLAGS = 11
FLIP = 12
RESPONDER = 16
ALPHABET = ".SHADFRGTWIQ^..." + ".shadfrgtwiq^..."
"""The letter of each number."""
