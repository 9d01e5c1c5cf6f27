"""What is measured of each half-stream, for the table ``directions``: words in tables of several widths.

Row ``2 * stream + side``. A minimum is 0 as long as its count is. What happens in few half-streams stands in
a table of its own: pages of it that nobody writes to take no memory. Words are numbered through all tables.
"""

from __future__ import annotations

(
    # 64-bit words. What most segments touch comes first: the fewest cache lines.
    LAST_NS, SILENT_NS, FLIGHT_SINCE, FLIGHT_AREA, WINDOW_SUM, PAYLOAD, NEW_BYTES, LAST_DATA_NS, FLIGHT_SUM,
    INITIAL_BYTES, TRIP_LEAST, TRIP_MOST, TRIP_SUM, FULL_TRIPS, FULL_LEAST, FULL_MOST, FULL_SUM,
    # Once or twice in each half-stream.
    FIRST_DATA_NS, SILENT_FRAME, SYN_TRIP,
    # 32-bit words, in a table of their own. Counts, which may be larger: see ``CARRY``.
    PACKETS, ACKS, PURE_ACKS, WINDOWS, DATA_PACKETS, FLIGHTS, PUSHED, INITIAL_PACKETS, CUMULATIVE, TRIPS,
    SYNS, FINS,
    # Others.
    OPTIONS, WINDOW_LEAST, WINDOW_MOST, FLIGHT_NOW, LARGEST, SMALLEST, FLIGHT_LEAST, FLIGHT_MOST, FULL_BYTES,
    MSS, SCALE,
    # Words of the other table: what is lost, repeated, cut or closed.
    AGAIN_PACKETS, AGAIN_BYTES, PROBE_BYTES, SACKS, D_SACKS, MOST_SACK_BLOCKS, RESETS, URGENT,
    URGENT_BYTES, CUT_PACKETS, CUT_BYTES, ZERO_SINCE, ZERO_NS, STAMPED, AMBIGUOUS, AMBIGUOUS_LEAST,
    AMBIGUOUS_MOST, AMBIGUOUS_SUM, AFTER_LOSS, TRIPLE, MOST_TIMES, WAITS, WAIT_LEAST, WAIT_MOST, WAIT_SUM,
    TIMEOUTS, PROBES, TAIL_TIMERS,
) = range(71)  # fmt: skip
LONG_WORDS = 20
SHORT_WORDS = 23
"""How many of these words stand in the first table and in that of 32-bit words; the others are counted from
here on."""
USUAL_WORDS = LONG_WORDS + SHORT_WORDS
RARE_WORDS = 71 - USUAL_WORDS
CARRY = (1 << 32) - 1
BUCKET_CARRY = (1 << 16) - 1
"""Where a count would be larger than this, it is that much less, and one more in a table of carries that is
empty as a rule. So none is 0 again."""
BUCKETS = 71
"""Round trip times by size: bucket n holds those from 2**(15+n) ns to twice that, the first and the last
also what lies beyond (32 µs to 1 s). In 16-bit words of their own."""
BUCKET_COUNT = 16

SQUARES = 2
"""Sums of squares, as floating point numbers: of round trips and full-sized ones, and, in a table of the
rare, of ambiguous ones and waits."""
TRIP_SQUARES = 0
FULL_SQUARES = 1
AMBIGUOUS_SQUARES = 2
WAIT_SQUARES = 3

# Bits of OPTIONS.
MSS_SENT = 1
SCALE_SENT = 2
SACK_PERMITTED = 4
TIMESTAMPS = 8
ZERO_NOW = 16
"""It offers no window at present, since ``ZERO_SINCE``."""
INITIAL_OVER = 32
"""The other side has acknowledged data: the initial window is over."""
SENT = 64
"""``FIRST_NS`` and ``LAST_NS`` are set."""
SENT_DATA = 128
SYN_MEASURED = 256
