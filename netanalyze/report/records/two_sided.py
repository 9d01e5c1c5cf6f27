"""Records of ``netanalyze compare --two-sided``: what two taps of the same traffic tell together."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import Record, Unit, column


class Clock(Record, frozen=True):
    """How the clocks of the two taps go."""

    ahead_ns: Annotated[
        int | None,
        column(
            "What the server's clock shows more than the client's; null unless packets went both ways",
            Unit.DURATION,
            show=0,
        ),
    ]
    unsure_ns: Annotated[
        int | None,
        column(
            "How wrong that may be: half of the shortest round trip between the taps, were one way all of it",
            Unit.DURATION,
            show=0,
        ),
    ]
    drift_ppb: Annotated[
        int | None,
        column(
            "What the clock at the server gains, in ns each second; null if no drift can be told",
            Unit.NUMBER,
            show=0,
        ),
    ]
    at_ns: Annotated[int | None, column("When ahead_ns holds, by the clock at the client", Unit.TIME, show=1)]
    streams: Annotated[int, column("Streams that both taps have", Unit.COUNT, show=0)]
    client_only: Annotated[int, column("Streams that only the client's tap has", Unit.COUNT, show=0)]
    server_only: Annotated[int, column("Streams that only the server's tap has", Unit.COUNT, show=0)]
    packets: Annotated[int, column("TCP packets that both taps have", Unit.COUNT, show=0)]


class Way(Record, frozen=True):
    """One direction of a stream between the two taps."""

    stream: Annotated[int, column("Number of the stream at the client's tap", Unit.NUMBER, show=0)]
    server_stream: Annotated[int, column("Number of the stream at the server's tap", Unit.NUMBER, show=3)]
    direction: Annotated[str, column("to_server or to_client", show=0)]
    sent: Annotated[int, column("Packets at the tap where they come by first", Unit.COUNT, show=0)]
    arrived: Annotated[int, column("Of these, packets at the other tap as well", Unit.COUNT, show=1)]
    lost: Annotated[int, column("Packets that died between the taps", Unit.COUNT, show=0)]
    lost_bytes: Annotated[int, column("Their payload", Unit.BYTES, show=3)]
    resegmented: Annotated[
        int,
        column("Packets that another number of packets with the same bytes stands for", Unit.COUNT, show=2),
    ]
    doubled: Annotated[
        int, column("Copies of packets that came more often than they were sent", Unit.COUNT, show=3)
    ]
    injected: Annotated[
        int, column("Packets at the second tap that did not come by at the first", Unit.COUNT, show=1)
    ]
    outside: Annotated[
        int,
        column("Packets sent before the other capture began or when it was over", Unit.COUNT, show=4),
    ]
    delay_min_ns: Annotated[int | None, column("Shortest time between the taps", Unit.DURATION, show=2)]
    delay_median_ns: Annotated[int | None, column("Median of it", Unit.DURATION, show=1)]
    delay_p95_ns: Annotated[int | None, column("95th percentile of it", Unit.DURATION, show=2)]
    delay_max_ns: Annotated[int | None, column("Longest time between the taps", Unit.DURATION, show=2)]
    routers: Annotated[
        int | None, column("What the time to live is lower by at the second tap", Unit.NUMBER, show=4)
    ]
    matched_by: Annotated[
        str,
        column(
            "How the stream was found: addresses, sequence_numbers (behind a NAT), payload (where these are"
            " changed as well)",
            show=5,
        ),
    ]


class Total(Record, frozen=True):
    """One direction of all streams between the two taps; the columns are those of each."""

    direction: Annotated[str, column("to_server or to_client", show=0)]
    sent: Annotated[int, column("Packets at the tap where they come by first", Unit.COUNT, show=0)]
    arrived: Annotated[int, column("Of these, packets at the other tap as well", Unit.COUNT, show=1)]
    lost: Annotated[int, column("Packets that died between the taps", Unit.COUNT, show=0)]
    lost_percent: Annotated[float | None, column("Share of those sent", Unit.NUMBER, show=9)]
    lost_bytes: Annotated[int, column("Their payload", Unit.BYTES, show=3)]
    resegmented: Annotated[
        int,
        column("Packets that another number of packets with the same bytes stands for", Unit.COUNT, show=2),
    ]
    doubled: Annotated[int, column("One more copy of a packet", Unit.COUNT, show=3)]
    injected: Annotated[
        int, column("Packets at the second tap that did not come by at the first", Unit.COUNT, show=1)
    ]
    outside: Annotated[
        int, column("Packets sent before the other capture began or when it was over", Unit.COUNT, show=4)
    ]
    delay_min_ns: Annotated[int | None, column("Shortest time between the taps", Unit.DURATION, show=1)]
    delay_median_ns: Annotated[int | None, column("Median of it", Unit.DURATION, show=0)]
    delay_p95_ns: Annotated[int | None, column("95th percentile of it", Unit.DURATION, show=1)]
    delay_max_ns: Annotated[int | None, column("Longest time between the taps", Unit.DURATION, show=1)]


class Trace(Record, frozen=True):
    """A packet that only one of the taps has."""

    kind: Annotated[
        str,
        column(
            "lost (died between the taps), injected (came from between them), doubled (one more copy)",
            show=0,
        ),
    ]
    direction: Annotated[str, column("to_server or to_client", show=0)]
    stream: Annotated[int, column("Number of the stream at the client's tap", Unit.NUMBER, show=0)]
    client_frame: Annotated[int | None, column("Frame at the client's tap", Unit.FRAME, show=0)]
    server_frame: Annotated[int | None, column("Frame at the server's tap", Unit.FRAME, show=0)]
    time_ns: Annotated[int, column("Time, by the clock of the tap that has it", Unit.TIME, show=3)]
    flags: Annotated[str, column("SYN, FIN, RST; empty if none is set", show=1)]
    offset: Annotated[int, column("Sequence number from the sender's first one on", Unit.NUMBER, show=1)]
    payload_bytes: Annotated[int, column("Payload", Unit.BYTES, show=1)]
    answer: Annotated[
        int | None,
        column("Acknowledgement number from the other side's first one on", Unit.NUMBER, show=4),
    ]


class Difference(Record, frozen=True):
    """What was changed between the taps."""

    stream: Annotated[int, column("Number of the stream at the client's tap", Unit.NUMBER, show=0)]
    direction: Annotated[str, column("to_server or to_client", show=0)]
    what: Annotated[
        str,
        column(
            "client or server (an address or port), sequence_numbers, mss, window_scale, sack_permitted,"
            " timestamps, window, dscp, ecn, ip_id",
            show=0,
        ),
    ]
    at_client: Annotated[str, column("As it is at the client's tap", show=0)]
    at_server: Annotated[str, column("As it is at the server's tap", show=0)]
    packets: Annotated[int, column("In how many packets", Unit.COUNT, show=1)]
    client_frame: Annotated[int | None, column("First of them, at the client's tap", Unit.FRAME, show=1)]
    server_frame: Annotated[int | None, column("The same at the server's tap", Unit.FRAME, show=1)]
