"""What is measured of each half-stream, for the table ``directions``: a row of 64-bit words.

Row ``2 * stream + side``. A minimum is 0 as long as its count is. What happens in few half-streams stands in
a table of its own: pages of it that nobody writes to take no memory.
"""

from __future__ import annotations

(
    # What most segments touch comes first: the fewest cache lines.
    OPTIONS, PACKETS, LAST_NS, SILENT_NS, ACKS, PURE_ACKS, WINDOWS, WINDOW_LEAST, WINDOW_MOST,
    WINDOW_SUM, FLIGHT_NOW, FLIGHT_SINCE, FLIGHT_AREA, DATA_PACKETS, PAYLOAD, NEW_BYTES, PUSHED,
    LARGEST, SMALLEST, LAST_DATA_NS, INITIAL_BYTES, INITIAL_PACKETS, FLIGHTS, FLIGHT_LEAST, FLIGHT_MOST,
    FLIGHT_SUM, CUMULATIVE, TRIPS, TRIP_LEAST, TRIP_MOST, TRIP_SUM, FULL_BYTES, FULL_TRIPS, FULL_LEAST,
    FULL_MOST, FULL_SUM, SYNS,
    # Once or twice in each half-stream.
    FINS, MSS, SCALE, FIRST_DATA_NS, FIRST_NS, SILENT_FRAME, SYN_TRIP,
    # Words of the other table: what is lost, repeated, cut or closed.
    AGAIN_PACKETS, AGAIN_BYTES, PROBE_BYTES, SACKS, D_SACKS, MOST_SACK_BLOCKS, RESETS, URGENT,
    URGENT_BYTES, CUT_PACKETS, CUT_BYTES, ZERO_SINCE, ZERO_NS, STAMPED, AMBIGUOUS, AMBIGUOUS_LEAST,
    AMBIGUOUS_MOST, AMBIGUOUS_SUM, AFTER_LOSS, TRIPLE, MOST_TIMES, WAITS, WAIT_LEAST, WAIT_MOST, WAIT_SUM,
    TIMEOUTS, PROBES, TAIL_TIMERS,
) = range(72)  # fmt: skip
USUAL_WORDS = 44
"""How many of these words stand in the first table; the others are counted from here on."""
RARE_WORDS = 72 - USUAL_WORDS
BUCKETS = 72
"""Round trip times by size: bucket n holds those from 2**(15+n) ns to twice that, the first and the last
also what lies beyond (32 µs to 1 s). In 32-bit words of their own."""
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
