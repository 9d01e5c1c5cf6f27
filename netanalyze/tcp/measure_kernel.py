"""Measures of each half-stream: counts, sizes, windows, bytes in flight, round trips, pauses.

Adds up what the sequence analysis found out about each segment. A row of ``measure_fields`` for each
half-stream. What a figure means stands beside its column of the table ``directions``.
"""
# mypy: disable-error-code="valid-type,untyped-decorator,no-any-return,misc"

from __future__ import annotations

import cython

from netanalyze.tcp import causes, kinds
from netanalyze.tcp import measure_fields as fields
from netanalyze.wire import packets

PACKETS = cython.declare(cython.int, fields.PACKETS - fields.LONG_WORDS)
PAYLOAD = cython.declare(cython.int, fields.PAYLOAD)
DATA_PACKETS = cython.declare(cython.int, fields.DATA_PACKETS - fields.LONG_WORDS)
NEW_BYTES = cython.declare(cython.int, fields.NEW_BYTES)
AGAIN_PACKETS = cython.declare(cython.int, fields.AGAIN_PACKETS - fields.USUAL_WORDS)
AGAIN_BYTES = cython.declare(cython.int, fields.AGAIN_BYTES - fields.USUAL_WORDS)
PROBE_BYTES = cython.declare(cython.int, fields.PROBE_BYTES - fields.USUAL_WORDS)
ACKS = cython.declare(cython.int, fields.ACKS - fields.LONG_WORDS)
PURE_ACKS = cython.declare(cython.int, fields.PURE_ACKS - fields.LONG_WORDS)
SACKS = cython.declare(cython.int, fields.SACKS - fields.USUAL_WORDS)
D_SACKS = cython.declare(cython.int, fields.D_SACKS - fields.USUAL_WORDS)
MOST_SACK_BLOCKS = cython.declare(cython.int, fields.MOST_SACK_BLOCKS - fields.USUAL_WORDS)
PUSHED = cython.declare(cython.int, fields.PUSHED - fields.LONG_WORDS)
SYNS = cython.declare(cython.int, fields.SYNS - fields.LONG_WORDS)
FINS = cython.declare(cython.int, fields.FINS - fields.LONG_WORDS)
RESETS = cython.declare(cython.int, fields.RESETS - fields.USUAL_WORDS)
URGENT = cython.declare(cython.int, fields.URGENT - fields.USUAL_WORDS)
URGENT_BYTES = cython.declare(cython.int, fields.URGENT_BYTES - fields.USUAL_WORDS)
CUT_PACKETS = cython.declare(cython.int, fields.CUT_PACKETS - fields.USUAL_WORDS)
CUT_BYTES = cython.declare(cython.int, fields.CUT_BYTES - fields.USUAL_WORDS)
LARGEST = cython.declare(cython.int, fields.LARGEST - fields.LONG_WORDS)
SMALLEST = cython.declare(cython.int, fields.SMALLEST - fields.LONG_WORDS)
MSS = cython.declare(cython.int, fields.MSS - fields.LONG_WORDS)
SCALE = cython.declare(cython.int, fields.SCALE - fields.LONG_WORDS)
OPTIONS = cython.declare(cython.int, fields.OPTIONS - fields.LONG_WORDS)
WINDOWS = cython.declare(cython.int, fields.WINDOWS - fields.LONG_WORDS)
WINDOW_LEAST = cython.declare(cython.int, fields.WINDOW_LEAST - fields.LONG_WORDS)
WINDOW_MOST = cython.declare(cython.int, fields.WINDOW_MOST - fields.LONG_WORDS)
WINDOW_SUM = cython.declare(cython.int, fields.WINDOW_SUM)
ZERO_SINCE = cython.declare(cython.int, fields.ZERO_SINCE - fields.USUAL_WORDS)
ZERO_NS = cython.declare(cython.int, fields.ZERO_NS - fields.USUAL_WORDS)
FLIGHTS = cython.declare(cython.int, fields.FLIGHTS - fields.LONG_WORDS)
FLIGHT_LEAST = cython.declare(cython.int, fields.FLIGHT_LEAST - fields.LONG_WORDS)
FLIGHT_MOST = cython.declare(cython.int, fields.FLIGHT_MOST - fields.LONG_WORDS)
FLIGHT_SUM = cython.declare(cython.int, fields.FLIGHT_SUM)
FLIGHT_NOW = cython.declare(cython.int, fields.FLIGHT_NOW - fields.LONG_WORDS)
FLIGHT_SINCE = cython.declare(cython.int, fields.FLIGHT_SINCE)
FLIGHT_AREA = cython.declare(cython.int, fields.FLIGHT_AREA)
INITIAL_BYTES = cython.declare(cython.int, fields.INITIAL_BYTES)
INITIAL_PACKETS = cython.declare(cython.int, fields.INITIAL_PACKETS - fields.LONG_WORDS)
FIRST_DATA_NS = cython.declare(cython.int, fields.FIRST_DATA_NS)
LAST_DATA_NS = cython.declare(cython.int, fields.LAST_DATA_NS)
LAST_NS = cython.declare(cython.int, fields.LAST_NS)
SILENT_NS = cython.declare(cython.int, fields.SILENT_NS)
SILENT_FRAME = cython.declare(cython.int, fields.SILENT_FRAME)
TRIPS = cython.declare(cython.int, fields.TRIPS - fields.LONG_WORDS)
TRIP_LEAST = cython.declare(cython.int, fields.TRIP_LEAST)
TRIP_MOST = cython.declare(cython.int, fields.TRIP_MOST)
TRIP_SUM = cython.declare(cython.int, fields.TRIP_SUM)
FULL_BYTES = cython.declare(cython.int, fields.FULL_BYTES - fields.LONG_WORDS)
FULL_TRIPS = cython.declare(cython.int, fields.FULL_TRIPS)
FULL_LEAST = cython.declare(cython.int, fields.FULL_LEAST)
FULL_MOST = cython.declare(cython.int, fields.FULL_MOST)
FULL_SUM = cython.declare(cython.int, fields.FULL_SUM)
STAMPED = cython.declare(cython.int, fields.STAMPED - fields.USUAL_WORDS)
AMBIGUOUS = cython.declare(cython.int, fields.AMBIGUOUS - fields.USUAL_WORDS)
AMBIGUOUS_LEAST = cython.declare(cython.int, fields.AMBIGUOUS_LEAST - fields.USUAL_WORDS)
AMBIGUOUS_MOST = cython.declare(cython.int, fields.AMBIGUOUS_MOST - fields.USUAL_WORDS)
AMBIGUOUS_SUM = cython.declare(cython.int, fields.AMBIGUOUS_SUM - fields.USUAL_WORDS)
AFTER_LOSS = cython.declare(cython.int, fields.AFTER_LOSS - fields.USUAL_WORDS)
CUMULATIVE = cython.declare(cython.int, fields.CUMULATIVE - fields.LONG_WORDS)
TRIPLE = cython.declare(cython.int, fields.TRIPLE - fields.USUAL_WORDS)
MOST_TIMES = cython.declare(cython.int, fields.MOST_TIMES - fields.USUAL_WORDS)
WAITS = cython.declare(cython.int, fields.WAITS - fields.USUAL_WORDS)
WAIT_LEAST = cython.declare(cython.int, fields.WAIT_LEAST - fields.USUAL_WORDS)
WAIT_MOST = cython.declare(cython.int, fields.WAIT_MOST - fields.USUAL_WORDS)
WAIT_SUM = cython.declare(cython.int, fields.WAIT_SUM - fields.USUAL_WORDS)
TIMEOUTS = cython.declare(cython.int, fields.TIMEOUTS - fields.USUAL_WORDS)
PROBES = cython.declare(cython.int, fields.PROBES - fields.USUAL_WORDS)
TAIL_TIMERS = cython.declare(cython.int, fields.TAIL_TIMERS - fields.USUAL_WORDS)
SYN_TRIP = cython.declare(cython.int, fields.SYN_TRIP)
BUCKET_COUNT = cython.declare(cython.int, fields.BUCKET_COUNT)
TRIP_SQUARES = cython.declare(cython.int, fields.TRIP_SQUARES)
FULL_SQUARES = cython.declare(cython.int, fields.FULL_SQUARES)
AMBIGUOUS_SQUARES = cython.declare(cython.int, fields.AMBIGUOUS_SQUARES - fields.SQUARES)
WAIT_SQUARES = cython.declare(cython.int, fields.WAIT_SQUARES - fields.SQUARES)
MSS_SENT = cython.declare(cython.int, fields.MSS_SENT)
SCALE_SENT = cython.declare(cython.int, fields.SCALE_SENT)
SACK_PERMITTED = cython.declare(cython.int, fields.SACK_PERMITTED)
TIMESTAMPS = cython.declare(cython.int, fields.TIMESTAMPS)
ZERO_NOW = cython.declare(cython.int, fields.ZERO_NOW)
INITIAL_OVER = cython.declare(cython.int, fields.INITIAL_OVER)
SENT = cython.declare(cython.int, fields.SENT)
SENT_DATA = cython.declare(cython.int, fields.SENT_DATA)
SYN_MEASURED = cython.declare(cython.int, fields.SYN_MEASURED)

RETRANSMISSION = cython.declare(cython.int, kinds.RETRANSMISSION)
ZERO_WINDOW = cython.declare(cython.int, kinds.ZERO_WINDOW)
ZERO_WINDOW_PROBE = cython.declare(cython.int, kinds.ZERO_WINDOW_PROBE)
DUPLICATE_ACK = cython.declare(cython.int, kinds.DUPLICATE_ACK)
TIMEOUT = cython.declare(cython.int, causes.TIMEOUT)
TAIL_TIMER = cython.declare(cython.int, causes.TAIL_TIMER)
TAIL_LOSS_PROBE = cython.declare(cython.int, causes.TAIL_LOSS_PROBE)
MEASURED = cython.declare(cython.int, causes.MEASURED)
IS_CUMULATIVE = cython.declare(cython.int, causes.CUMULATIVE)
IS_AMBIGUOUS = cython.declare(cython.int, causes.AMBIGUOUS)
IS_AFTER_LOSS = cython.declare(cython.int, causes.AFTER_LOSS)
BY_TIMESTAMP = cython.declare(cython.int, causes.BY_TIMESTAMP)

MOST_IN_WORD = cython.declare(cython.longlong, fields.CARRY)
MOST_IN_BUCKET = cython.declare(cython.longlong, fields.BUCKET_CARRY)
AHEAD = cython.declare(cython.Py_ssize_t, 64)
IN_ARENA = cython.declare(cython.int, packets.IN_ARENA)
FIN = cython.declare(cython.int, 0x01)
SYN = cython.declare(cython.int, 0x02)
RST = cython.declare(cython.int, 0x04)
PSH = cython.declare(cython.int, 0x08)
ACK = cython.declare(cython.int, 0x10)
URG = cython.declare(cython.int, 0x20)


@cython.cfunc
@cython.nogil
@cython.inline
def add(
    half: cython.Py_ssize_t,
    word: cython.int,
    amount: cython.longlong,
    small: cython.uint[:, ::1],
    carries: cython.uint[:, ::1],
) -> cython.longlong:
    """Count on."""
    total: cython.longlong = amount + small[half, word]
    if total > MOST_IN_WORD:
        total -= MOST_IN_WORD
        carries[half, word] += 1
    small[half, word] = total
    return 0


def measure_segments(
    rows: cython.Py_ssize_t,
    order: cython.int[::1],
    first_frame: cython.longlong,
    time_ns: cython.longlong[::1],
    data: cython.const[cython.uchar][::1],
    arena: cython.const[cython.uchar][::1],
    frame: cython.int[::1],
    source: cython.uchar[::1],
    stream: cython.longlong[::1],
    side: cython.uchar[::1],
    flags: cython.int[::1],
    transport_offset: cython.longlong[::1],
    payload_bytes: cython.longlong[::1],
    payload_captured: cython.longlong[::1],
    mss: cython.int[::1],
    window_scale: cython.int[::1],
    sack_permitted: cython.uchar[::1],
    sack_blocks: cython.int[::1],
    tsval: cython.longlong[::1],
    analysed: cython.uchar[::1],
    labels: cython.int[::1],
    cause: cython.uchar[::1],
    waited_ns: cython.longlong[::1],
    sent_times: cython.int[::1],
    sack_told: cython.uchar[::1],
    dup_number: cython.int[::1],
    new_bytes: cython.int[::1],
    old_bytes: cython.int[::1],
    window_bytes: cython.int[::1],
    in_flight: cython.int[::1],
    peer_in_flight: cython.int[::1],
    measured: cython.uchar[::1],
    rtt_ns: cython.longlong[::1],
    rtt_bytes: cython.int[::1],
    acked_segments: cython.int[::1],
    table: cython.longlong[:, ::1],
    small: cython.uint[:, ::1],
    carries: cython.uint[:, ::1],
    rare: cython.longlong[:, ::1],
    buckets: cython.ushort[:, ::1],
    bucket_carries: cython.uint[:, ::1],
    squares: cython.double[:, ::1],
    rare_squares: cython.double[:, ::1],
) -> cython.longlong:
    """Add the segments of a batch to the rows of their half-streams.

    Returns:
        A number that means nothing: it keeps the looks ahead from being optimised away.
    """
    index: cython.Py_ssize_t
    row: cython.Py_ssize_t
    f: cython.Py_ssize_t
    r: cython.Py_ssize_t
    at: cython.Py_ssize_t
    now: cython.longlong
    size: cython.longlong
    amount: cython.longlong
    options: cython.longlong
    tcp: cython.int
    bits: cython.int
    how: cython.int
    bucket: cython.int
    look: cython.Py_ssize_t
    ahead: cython.Py_ssize_t = 0
    warm: cython.longlong = 0
    with cython.nogil:
        for index in range(rows):
            if index == ahead:
                # A look at what the next segments will touch, as in the sequence kernel.
                ahead = min(rows, index + AHEAD)
                for look in range(index, ahead):
                    row = order[look]
                    if analysed[row]:
                        f = stream[row] * 2
                        warm ^= table[f, 0] ^ table[f, 8] ^ table[f, 16] ^ small[f, 0] ^ small[f, 16]
                        warm ^= buckets[f, 0]
                        f += 1
                        warm ^= table[f, 0] ^ table[f, 8] ^ table[f, 16] ^ small[f, 0] ^ small[f, 16]
                        if squares[f, 0] + squares[f ^ 1, 0] < 0:
                            warm += 1
            row = order[index]
            if not analysed[row]:
                continue
            f = stream[row] * 2 + side[row]
            r = f ^ 1
            tcp = flags[row]
            bits = labels[row]
            size = payload_bytes[row]
            now = time_ns[frame[row]]
            options = small[f, OPTIONS]
            add(f, PACKETS, 1, small, carries)
            if options & SENT:
                amount = now - table[f, LAST_NS]
                if amount > table[f, SILENT_NS]:
                    table[f, SILENT_NS] = amount
                    table[f, SILENT_FRAME] = first_frame + frame[row]
            else:
                options |= SENT
            table[f, LAST_NS] = now

            if size > 0:
                table[f, PAYLOAD] += size
                add(f, DATA_PACKETS, 1, small, carries)
                table[f, NEW_BYTES] += new_bytes[row]
                if bits & ZERO_WINDOW_PROBE:
                    rare[f, PROBE_BYTES] += size
                elif old_bytes[row] > 0:
                    rare[f, AGAIN_PACKETS] += 1
                    rare[f, AGAIN_BYTES] += old_bytes[row]
                if tcp & PSH:
                    add(f, PUSHED, 1, small, carries)
                if size > small[f, LARGEST]:
                    small[f, LARGEST] = size
                if size < small[f, SMALLEST] or not options & SENT_DATA:
                    small[f, SMALLEST] = size
                if payload_captured[row] < size:
                    rare[f, CUT_PACKETS] += 1
                    rare[f, CUT_BYTES] += size - payload_captured[row]
                if not options & SENT_DATA:
                    options |= SENT_DATA
                    table[f, FIRST_DATA_NS] = now
                table[f, LAST_DATA_NS] = now
                if not options & INITIAL_OVER and new_bytes[row] > 0:
                    table[f, INITIAL_BYTES] += new_bytes[row]
                    add(f, INITIAL_PACKETS, 1, small, carries)
                amount = in_flight[row]
                if amount >= 0:
                    if amount > 0 and (amount < small[f, FLIGHT_LEAST] or small[f, FLIGHTS] == 0):
                        small[f, FLIGHT_LEAST] = amount
                    if amount > small[f, FLIGHT_MOST]:
                        small[f, FLIGHT_MOST] = amount
                    add(f, FLIGHTS, 1, small, carries)
                    table[f, FLIGHT_SUM] += amount
            if tcp & (SYN | FIN | RST | URG):
                if tcp & SYN:
                    add(f, SYNS, 1, small, carries)
                    if mss[row] >= 0:
                        options |= MSS_SENT
                        small[f, MSS] = mss[row]
                    if window_scale[row] >= 0:
                        options |= SCALE_SENT
                        small[f, SCALE] = window_scale[row]
                    if sack_permitted[row]:
                        options |= SACK_PERMITTED
                    if tsval[row] >= 0:
                        options |= TIMESTAMPS
                if tcp & FIN:
                    add(f, FINS, 1, small, carries)
                if tcp & RST:
                    rare[f, RESETS] += 1
                if tcp & URG:
                    rare[f, URGENT] += 1
                    at = transport_offset[row] + 18
                    if source[row] == IN_ARENA:
                        if at + 2 <= arena.shape[0]:
                            rare[f, URGENT_BYTES] += (arena[at] << 8) | arena[at + 1]
                    elif at + 2 <= data.shape[0]:
                        rare[f, URGENT_BYTES] += (data[at] << 8) | data[at + 1]
            if tcp & ACK:
                add(f, ACKS, 1, small, carries)
                if size == 0 and not tcp & (SYN | FIN | RST):
                    add(f, PURE_ACKS, 1, small, carries)
                if sack_blocks[row] > 0:
                    rare[f, SACKS] += 1
                    if sack_told[row] & 2:
                        rare[f, D_SACKS] += 1
                    if sack_blocks[row] > rare[f, MOST_SACK_BLOCKS]:
                        rare[f, MOST_SACK_BLOCKS] = sack_blocks[row]
            if bits & DUPLICATE_ACK and dup_number[row] == 3:
                rare[f, TRIPLE] += 1
            # Labels by Wireshark's rules have no cause, and nothing to measure.
            if bits & RETRANSMISSION and cause[row] != 0:
                if cause[row] == TIMEOUT:
                    rare[f, TIMEOUTS] += 1
                elif cause[row] == TAIL_LOSS_PROBE:
                    rare[f, PROBES] += 1
                elif cause[row] == TAIL_TIMER:
                    rare[f, TAIL_TIMERS] += 1
                if sent_times[row] - 1 > rare[f, MOST_TIMES]:
                    rare[f, MOST_TIMES] = sent_times[row] - 1
                amount = waited_ns[row]
                if sent_times[row] > 0 and amount >= 0:
                    if amount < rare[f, WAIT_LEAST] or rare[f, WAITS] == 0:
                        rare[f, WAIT_LEAST] = amount
                    if amount > rare[f, WAIT_MOST]:
                        rare[f, WAIT_MOST] = amount
                    rare[f, WAITS] += 1
                    rare[f, WAIT_SUM] += amount
                    rare_squares[f, WAIT_SQUARES] += cython.cast(cython.double, amount) * amount

            # The window that it offers; that of a SYN is never scaled, and a reset offers none.
            amount = window_bytes[row]
            if not tcp & (SYN | RST):
                if amount >= 0:
                    if amount < small[f, WINDOW_LEAST] or small[f, WINDOWS] == 0:
                        small[f, WINDOW_LEAST] = amount
                    if amount > small[f, WINDOW_MOST]:
                        small[f, WINDOW_MOST] = amount
                    add(f, WINDOWS, 1, small, carries)
                    table[f, WINDOW_SUM] += amount
                if bits & ZERO_WINDOW:
                    if not options & ZERO_NOW:
                        options |= ZERO_NOW
                        rare[f, ZERO_SINCE] = now
                elif options & ZERO_NOW and amount != 0:
                    options &= ~ZERO_NOW
                    rare[f, ZERO_NS] += max(now - rare[f, ZERO_SINCE], 0)
            elif options & ZERO_NOW and tcp & RST:
                options &= ~ZERO_NOW
                rare[f, ZERO_NS] += max(now - rare[f, ZERO_SINCE], 0)
            small[f, OPTIONS] = options

            # Bytes in flight by the time for which they were: in µs, so that the sum stays in range.
            amount = now - table[f, FLIGHT_SINCE]
            if small[f, FLIGHT_NOW] > 0 and amount > 0:
                table[f, FLIGHT_AREA] += small[f, FLIGHT_NOW] * (amount // 1000)
            small[f, FLIGHT_NOW] = max(in_flight[row], 0)
            table[f, FLIGHT_SINCE] = now
            amount = now - table[r, FLIGHT_SINCE]
            if small[r, FLIGHT_NOW] > 0 and amount > 0:
                table[r, FLIGHT_AREA] += small[r, FLIGHT_NOW] * (amount // 1000)
            small[r, FLIGHT_NOW] = max(peer_in_flight[row], 0)
            table[r, FLIGHT_SINCE] = now

            # What its acknowledgement says about the other side's segments.
            how = measured[row]
            if how == 0:
                continue
            if small[r, DATA_PACKETS] == 0:
                if how == MEASURED and not small[r, OPTIONS] & SYN_MEASURED and small[r, SYNS] > 0:
                    small[r, OPTIONS] |= SYN_MEASURED
                    table[r, SYN_TRIP] = rtt_ns[row]
                elif how == IS_AMBIGUOUS:
                    continue
            else:
                small[r, OPTIONS] |= INITIAL_OVER
            add(r, CUMULATIVE, acked_segments[row], small, carries)
            amount = rtt_ns[row]
            if how == MEASURED or how == BY_TIMESTAMP:
                bucket = 0
                while bucket < BUCKET_COUNT - 1 and amount >> (16 + bucket) != 0:
                    bucket += 1
                if buckets[r, bucket] == MOST_IN_BUCKET:
                    buckets[r, bucket] = 1
                    bucket_carries[r, bucket] += 1
                else:
                    buckets[r, bucket] += 1
            if how == MEASURED:
                if amount < table[r, TRIP_LEAST] or small[r, TRIPS] == 0:
                    table[r, TRIP_LEAST] = amount
                if amount > table[r, TRIP_MOST]:
                    table[r, TRIP_MOST] = amount
                add(r, TRIPS, 1, small, carries)
                table[r, TRIP_SUM] += amount
                squares[r, TRIP_SQUARES] += cython.cast(cython.double, amount) * amount
                if cython.cast(cython.longlong, rtt_bytes[row]) > small[r, FULL_BYTES]:
                    small[r, FULL_BYTES] = rtt_bytes[row]
                    table[r, FULL_TRIPS] = 0
                    table[r, FULL_LEAST] = 0
                    table[r, FULL_MOST] = 0
                    table[r, FULL_SUM] = 0
                    squares[r, FULL_SQUARES] = 0
                if cython.cast(cython.longlong, rtt_bytes[row]) == small[r, FULL_BYTES]:
                    if amount < table[r, FULL_LEAST] or table[r, FULL_TRIPS] == 0:
                        table[r, FULL_LEAST] = amount
                    if amount > table[r, FULL_MOST]:
                        table[r, FULL_MOST] = amount
                    table[r, FULL_TRIPS] += 1
                    table[r, FULL_SUM] += amount
                    squares[r, FULL_SQUARES] += cython.cast(cython.double, amount) * amount
            elif how == BY_TIMESTAMP:
                rare[r, STAMPED] += 1
            elif how == IS_AMBIGUOUS:
                if amount < rare[r, AMBIGUOUS_LEAST] or rare[r, AMBIGUOUS] == 0:
                    rare[r, AMBIGUOUS_LEAST] = amount
                if amount > rare[r, AMBIGUOUS_MOST]:
                    rare[r, AMBIGUOUS_MOST] = amount
                rare[r, AMBIGUOUS] += 1
                rare[r, AMBIGUOUS_SUM] += amount
                rare_squares[r, AMBIGUOUS_SQUARES] += cython.cast(cython.double, amount) * amount
            elif how == IS_AFTER_LOSS:
                rare[r, AFTER_LOSS] += 1
    return warm
