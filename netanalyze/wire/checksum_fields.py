"""Places in the tables of the checksum kernel, and what became of one sum."""

KIND, HI, LO, PACKETS, CHECKED, WRONG, PARTIAL, ZERO, HEADERS, HEADERS_WRONG, HEADERS_ZERO, FIRST = range(12)
"""A line for each sender and protocol: which (0 for a free line), its address, what was counted, and the
first frame with a wrong sum of any kind."""
LISTED = 12
"""How many of its frames with a sum that nothing explains are in the list."""
WORDS = 13

L_FRAME, L_TIME, L_LINE, L_HEADER, L_FOUND, L_RIGHT, L_HI, L_LO = range(8)
"""A line of the list of such frames: frame, time, line of the sender, whether it is the IP header's sum,
what it was and what it should be, and the address of the receiver."""
L_WORDS = 8

UNKNOWN = 0
"""Not checked: not whole, not used, or of a kind that has none."""
RIGHT = 1
IS_WRONG = 2
"""By nothing that a sender does on purpose."""
IS_PARTIAL = 3
"""The sum of the pseudo-header alone, which a network card adds to."""
IS_ZERO = 4
"""Nothing at all where there must be a sum."""
