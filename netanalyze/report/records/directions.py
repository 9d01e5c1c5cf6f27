"""Records about half-streams: one direction of a TCP connection."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import WIDE, Record, Unit, column


class Direction(Record, frozen=True):
    """What one side of a TCP connection sent, and what became of it.

    Round trip times are those from the capture point to the other side and back: of segments that passed
    it, and of their acknowledgements. What part of the way that is stands in rtt_path.
    """

    stream: Annotated[
        int, column("Number of the connection, counted from 0 as Wireshark's tcp.stream", Unit.NUMBER, show=0)
    ]
    sender: Annotated[str, column("Whose segments these are: client or server", show=0)]
    packets: Annotated[int, column("Segments", Unit.COUNT, show=2)]
    bytes: Annotated[int, column("Payload, with what was sent again", Unit.BYTES, show=1)]
    unique_bytes: Annotated[int, column("Payload, each byte counted once", Unit.BYTES, show=5)]
    retransmitted_bytes: Annotated[int, column("Payload that had been captured before", Unit.BYTES, show=4)]
    missed_bytes: Annotated[
        int,
        column(
            "What the numbers of later segments or acknowledgements show to have been sent, and was never"
            " captured",
            Unit.BYTES,
            show=3,
        ),
    ]
    stream_bytes: Annotated[
        int | None,
        column(
            "Length of the whole byte stream, captured or not, null unless both SYN and FIN were captured",
            Unit.BYTES,
            show=WIDE,
        ),
    ]
    retransmissions: Annotated[int, column("Segments with bytes that were sent before", Unit.COUNT, show=1)]
    fast_retransmissions: Annotated[
        int,
        column("Those of them that duplicate acknowledgements or SACK asked for", Unit.COUNT, show=6),
    ]
    spurious_retransmissions: Annotated[
        int, column("Those of them whose bytes had been acknowledged", Unit.COUNT, show=6)
    ]
    out_of_order: Annotated[int, column("Segments overtaken by later ones", Unit.COUNT, show=3)]
    lost_segments: Annotated[
        int, column("Segments before which bytes are missing in the capture", Unit.COUNT, show=5)
    ]
    ack_lost_segments: Annotated[
        int,
        column("Acknowledgements of bytes that were not captured", Unit.COUNT, show=7),
    ]
    duplicate_acks: Annotated[
        int,
        column("Acknowledgements that repeat the one before while data is on its way", Unit.COUNT, show=3),
    ]
    zero_windows: Annotated[int, column("Segments that offer no window", Unit.COUNT, show=3)]
    zero_window_probes: Annotated[
        int, column("Questions whether the other side has room again", Unit.COUNT, show=7)
    ]
    zero_window_probe_acks: Annotated[int, column("Answers to such questions", Unit.COUNT, show=WIDE)]
    windows_full: Annotated[
        int, column("Segments that use the offered window to the last byte", Unit.COUNT, show=6)
    ]
    window_updates: Annotated[
        int, column("Segments that say nothing but a new window", Unit.COUNT, show=WIDE)
    ]
    keep_alives: Annotated[int, column("TCP keep-alives", Unit.COUNT, show=7)]
    keep_alive_acks: Annotated[int, column("Answers to keep-alives", Unit.COUNT, show=WIDE)]
    reused_ports: Annotated[
        int, column("SYNs on ports that had another connection before", Unit.COUNT, show=WIDE)
    ]
    differing_retransmissions: Annotated[
        int,
        column("Retransmissions with other bytes than the first time", Unit.COUNT, show=8),
    ]
    out_of_window: Annotated[int, column("Segments that the other side has to refuse", Unit.COUNT, show=8)]
    network_copies: Annotated[
        int, column("Packets that came once more, copied on the way", Unit.COUNT, show=8)
    ]
    data_packets: Annotated[int, column("Segments with payload", Unit.COUNT, show=WIDE)]
    retransmitted_packets: Annotated[
        int, column("Segments with payload that had been captured before", Unit.COUNT, show=WIDE)
    ]
    timeouts: Annotated[
        int, column("Retransmissions for which a retransmission timer ran out", Unit.COUNT, show=6)
    ]
    tail_loss_probes: Annotated[
        int, column("Retransmissions that are tail loss probes (RFC 8985)", Unit.COUNT, show=7)
    ]
    tail_timers: Annotated[
        int,
        column(
            "Retransmissions of the only segment on its way, the first time: a tail loss probe and the"
            " retransmission timer look alike there",
            Unit.COUNT,
            show=7,
        ),
    ]
    most_retransmissions: Annotated[
        int, column("How often one segment was sent again at most", Unit.COUNT, show=WIDE)
    ]
    triple_duplicate_acks: Annotated[
        int, column("Acknowledgement numbers with three duplicates", Unit.COUNT, show=WIDE)
    ]
    probe_bytes: Annotated[int, column("Payload of window probes", Unit.BYTES, show=WIDE)]
    min_segment: Annotated[int | None, column("Least payload of a segment with any", Unit.BYTES, show=WIDE)]
    avg_segment: Annotated[int | None, column("Mean of these payloads", Unit.BYTES, show=WIDE)]
    max_segment: Annotated[
        int | None,
        column("Most payload; more than mss where the card cuts or joins segments", Unit.BYTES, show=WIDE),
    ]
    mss: Annotated[
        int | None,
        column("Segment size that it is ready to take, as in its SYN", Unit.BYTES, show=7, suffers=False),
    ]
    window_scale: Annotated[
        int | None, column("Window scale in its SYN: bits to shift by", Unit.NUMBER, show=WIDE)
    ]
    sack_permitted: Annotated[bool, column("Whether its SYN permits SACK", Unit.TRUTH, show=WIDE)]
    timestamps: Annotated[bool, column("Whether its SYN has timestamps", Unit.TRUTH, show=WIDE)]
    acks: Annotated[int, column("Segments with ACK", Unit.COUNT, show=WIDE)]
    pure_acks: Annotated[int, column("Those with nothing else", Unit.COUNT, show=WIDE)]
    sacks: Annotated[int, column("Segments with SACK blocks", Unit.COUNT, show=WIDE)]
    d_sacks: Annotated[
        int, column("Segments whose SACK blocks report a duplicate (RFC 2883)", Unit.COUNT, show=WIDE)
    ]
    max_sack_blocks: Annotated[int, column("Most SACK blocks in a segment", Unit.COUNT, show=WIDE)]
    pushed: Annotated[int, column("Segments with payload and PSH", Unit.COUNT, show=WIDE)]
    syns: Annotated[int, column("Segments with SYN", Unit.COUNT, show=WIDE)]
    fins: Annotated[int, column("Segments with FIN", Unit.COUNT, show=WIDE)]
    resets: Annotated[int, column("Segments with RST", Unit.COUNT, show=WIDE)]
    urgent_packets: Annotated[int, column("Segments with URG", Unit.COUNT, show=WIDE)]
    urgent_bytes: Annotated[int, column("Sum of their urgent pointers", Unit.BYTES, show=WIDE)]
    truncated_packets: Annotated[
        int, column("Segments whose payload a snap length cut", Unit.COUNT, show=WIDE)
    ]
    truncated_bytes: Annotated[int, column("What it cut off", Unit.BYTES, show=WIDE)]
    min_window: Annotated[
        int | None,
        column(
            "Smallest receive window that it offered, scaled; null where the scale is not known",
            Unit.BYTES,
            show=4,
        ),
    ]
    avg_window: Annotated[int | None, column("Mean of the windows", Unit.BYTES, show=WIDE)]
    max_window: Annotated[int | None, column("Largest window", Unit.BYTES, show=4)]
    zero_window_ns: Annotated[
        int, column("How long it offered no window", Unit.DURATION, show=4, suffers=True)
    ]
    min_bytes_in_flight: Annotated[
        int | None,
        column("Least that was on its way, unacknowledged and not reported with SACK", Unit.BYTES, show=WIDE),
    ]
    avg_bytes_in_flight: Annotated[
        int | None, column("Mean over segments with payload", Unit.BYTES, show=WIDE)
    ]
    weighted_bytes_in_flight: Annotated[int | None, column("Mean over time", Unit.BYTES, show=WIDE)]
    max_bytes_in_flight: Annotated[int | None, column("Most that was on its way", Unit.BYTES, show=3)]
    initial_window_bytes: Annotated[
        int | None,
        column("Payload that it sent before the first of it was acknowledged", Unit.BYTES, show=WIDE),
    ]
    initial_window_packets: Annotated[int | None, column("In how many segments", Unit.COUNT, show=WIDE)]
    rtt_samples: Annotated[
        int,
        column(
            "Round trips measured: a segment sent once, acknowledged at its very end, and nothing before it"
            " was sent again after it (Karn's rule)",
            Unit.COUNT,
            show=7,
        ),
    ]
    rtt_path: Annotated[
        str | None,
        column(
            "The part of the way that the round trips cover, from where the connection was captured: whole"
            " way, tap to server, tap to client, or receiver side (only the receiver's own delay); null where"
            " that is not known",
            show=2,
        ),
    ]
    rtt_min_ns: Annotated[int | None, column("Shortest", Unit.DURATION, show=2)]
    rtt_avg_ns: Annotated[int | None, column("Mean", Unit.DURATION, show=2)]
    rtt_max_ns: Annotated[int | None, column("Longest", Unit.DURATION, show=3)]
    rtt_dev_ns: Annotated[int | None, column("Standard deviation", Unit.DURATION, show=WIDE)]
    rtt_histogram: Annotated[
        str | None,
        column(
            "How many took how long, by powers of two: '1.05ms:12' are 12 below 1.05 ms and not below half of"
            " it",
            show=WIDE,
        ),
    ]
    syn_rtt_ns: Annotated[int | None, column("Round trip of its SYN", Unit.DURATION, show=WIDE)]
    full_rtt_samples: Annotated[
        int, column("Round trips of segments of the largest size", Unit.COUNT, show=WIDE)
    ]
    full_rtt_bytes: Annotated[
        int | None, column("That size: most payload of a segment so measured", Unit.BYTES, show=WIDE)
    ]
    full_rtt_min_ns: Annotated[int | None, column("Shortest of them", Unit.DURATION, show=WIDE)]
    full_rtt_avg_ns: Annotated[int | None, column("Their mean", Unit.DURATION, show=WIDE)]
    full_rtt_max_ns: Annotated[int | None, column("Longest of them", Unit.DURATION, show=WIDE)]
    full_rtt_dev_ns: Annotated[int | None, column("Their standard deviation", Unit.DURATION, show=WIDE)]
    ambiguous_rtt_samples: Annotated[
        int,
        column(
            "Acknowledgements of segments sent more than once, where nothing tells which copy arrived",
            Unit.COUNT,
            show=WIDE,
        ),
    ]
    ambiguous_rtt_min_ns: Annotated[
        int | None, column("Shortest time since the last copy", Unit.DURATION, show=WIDE)
    ]
    ambiguous_rtt_avg_ns: Annotated[int | None, column("Mean of that", Unit.DURATION, show=WIDE)]
    ambiguous_rtt_max_ns: Annotated[int | None, column("Longest of that", Unit.DURATION, show=WIDE)]
    ambiguous_rtt_dev_ns: Annotated[
        int | None, column("Standard deviation of that", Unit.DURATION, show=WIDE)
    ]
    rtt_by_timestamp: Annotated[
        int,
        column(
            "Acknowledgements of segments sent more than once, where the echoed timestamp tells which copy"
            " arrived; they count for srtt and the histogram",
            Unit.COUNT,
            show=WIDE,
        ),
    ]
    rtt_after_loss: Annotated[
        int,
        column(
            "Acknowledgements that may have waited for an earlier segment to be sent again",
            Unit.COUNT,
            show=WIDE,
        ),
    ]
    acked_cumulatively: Annotated[
        int,
        column("Segments acknowledged together with a later one", Unit.COUNT, show=WIDE),
    ]
    srtt_ns: Annotated[
        int | None, column("Smoothed round trip time at the end (RFC 6298)", Unit.DURATION, show=WIDE)
    ]
    rto_ns: Annotated[
        int | None,
        column(
            "Retransmission timer that follows from it, at least 200 ms above it as in Linux",
            Unit.DURATION,
            show=WIDE,
        ),
    ]
    retransmission_wait_samples: Annotated[
        int, column("Retransmissions whose bytes had been captured before", Unit.COUNT, show=WIDE)
    ]
    retransmission_wait_min_ns: Annotated[
        int | None, column("Shortest time since these were sent last", Unit.DURATION, show=WIDE)
    ]
    retransmission_wait_avg_ns: Annotated[int | None, column("Mean of that", Unit.DURATION, show=WIDE)]
    retransmission_wait_max_ns: Annotated[int | None, column("Longest of that", Unit.DURATION, show=WIDE)]
    retransmission_wait_dev_ns: Annotated[
        int | None, column("Standard deviation of that", Unit.DURATION, show=WIDE)
    ]
    data_ns: Annotated[
        int | None, column("From its first segment with payload to its last", Unit.DURATION, show=WIDE)
    ]
    silent_max_ns: Annotated[
        int | None, column("Longest time between two of its segments", Unit.DURATION, show=6, suffers=True)
    ]
    silent_max_frame: Annotated[int | None, column("Frame that ended it", Unit.FRAME, show=WIDE)]
    throughput_bps: Annotated[
        int | None,
        column("Payload, what was sent again included, in bits a second of data_ns", Unit.RATE, show=6),
    ]
    goodput_bps: Annotated[
        int | None,
        column("Payload counted once, in bits a second of the whole connection", Unit.RATE, show=5),
    ]
