"""Records about messages and the segments that carried them."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import WIDE, Record, Unit, column

_CAUSES = "Messages split over segments, or merged with others in one,"


class Write(Record, frozen=True):
    """The messages that one side of a TCP connection sent, laid over the segments that carried them.

    Each whole message is aligned, split, coalesced or mixed; one with missing bytes is none of these.
    """

    stream: Annotated[int, column("Number of the connection, as Wireshark's tcp.stream", Unit.NUMBER, show=0)]
    sender: Annotated[str, column("Who sent it: client or server", show=0)]
    framing: Annotated[
        str,
        column(
            "How messages are told apart: the protocol or the framing, as --framing takes it; writes where"
            " the segments themselves have to tell what was written at once",
            show=1,
        ),
    ]
    framing_source: Annotated[
        str,
        column(
            "Who says so: protocol (recognised, or read), option (--framing), inferred (it fits the bytes of"
            " both sides), writes (nobody: PSH, short segments and pauses)",
            show=6,
        ),
    ]
    confidence: Annotated[
        int | None,
        column("How sure an inferred framing is; null for all others", Unit.SHARE, show=8, suffers=False),
    ]
    messages: Annotated[int, column("Messages that came to their end", Unit.COUNT, show=0)]
    segments: Annotated[
        int,
        column("Segments that brought new payload", Unit.COUNT, show=0),
    ]
    aligned: Annotated[int, column("Messages alone in a single segment", Unit.COUNT, show=1)]
    split: Annotated[int, column("Messages over several segments that hold nothing else", Unit.COUNT, show=1)]
    coalesced: Annotated[
        int, column("Messages in a segment with others, all of them whole", Unit.COUNT, show=1)
    ]
    mixed: Annotated[int, column("Messages in a segment with a part of another one", Unit.COUNT, show=1)]
    stalls: Annotated[int | None, column("Waits with a cause (table stalls)", Unit.COUNT, show=2)]
    stall_ns: Annotated[int | None, column("How long these took", Unit.DURATION, show=2)]
    case_a: Annotated[
        int,
        column("Messages in case A with the one before: each alone in its segment", Unit.COUNT, show=3),
    ]
    case_b: Annotated[
        int, column("In case B with the one before: both whole in one segment", Unit.COUNT, show=3)
    ]
    case_c: Annotated[
        int,
        column(
            "In case C with the one before: that one and the head of this in one segment, the rest behind",
            Unit.COUNT,
            show=3,
        ),
    ]
    case_d: Annotated[
        int,
        column(
            "In case D with the one before: the head of that one in a segment, its tail and this in the next",
            Unit.COUNT,
            show=3,
        ),
    ]
    bytes: Annotated[int, column("Payload, each byte counted once", Unit.BYTES, show=5)]
    unframed_bytes: Annotated[
        int,
        column(
            "Payload that belongs to no whole message: before the first beginning that is known, behind the"
            " last end, or where the framing did not fit",
            Unit.BYTES,
            show=7,
        ),
    ]
    min_message_bytes: Annotated[int | None, column("The smallest message", Unit.BYTES, show=7)]
    median_message_bytes: Annotated[int | None, column("The median of their lengths", Unit.BYTES, show=4)]
    max_message_bytes: Annotated[int | None, column("The largest message", Unit.BYTES, show=5)]
    message_segments: Annotated[
        int, column("Segments that messages lay in, added up over all messages", Unit.COUNT, show=WIDE)
    ]
    max_message_segments: Annotated[
        int, column("Segments that a single message lay in at most", Unit.COUNT, show=8)
    ]
    mss: Annotated[
        int | None,
        column(
            "Payload of a full segment by the handshake, null if not captured",
            Unit.BYTES,
            show=8,
            suffers=False,
        ),
    ]
    cause_mss: Annotated[int, column(f"{_CAUSES} because no more fits into a segment", Unit.COUNT, show=WIDE)]
    cause_receiver_window: Annotated[
        int, column(f"{_CAUSES} because the receiver's window was full", Unit.COUNT, show=WIDE)
    ]
    cause_congestion_window: Annotated[
        int,
        column(f"{_CAUSES} because the congestion window was full", Unit.COUNT, show=WIDE),
    ]
    cause_nagle: Annotated[
        int,
        column(
            f"{_CAUSES} because a small segment was held until the acknowledgement of the one before",
            Unit.COUNT,
            show=WIDE,
        ),
    ]
    cause_one_write: Annotated[
        int,
        column(
            f"{_CAUSES} although nothing held the segment up: written at once, or corked",
            Unit.COUNT,
            show=WIDE,
        ),
    ]
    cause_several_writes: Annotated[
        int,
        column(f"{_CAUSES} because the sender wrote them in parts", Unit.COUNT, show=WIDE),
    ]
    cause_offload: Annotated[
        int,
        column(
            f"{_CAUSES} in segments above the MSS, which were captured before they were cut (TSO) or after"
            " they were joined (GRO)",
            Unit.COUNT,
            show=WIDE,
        ),
    ]
    cause_retransmission: Annotated[
        int,
        column(f"{_CAUSES} because what was sent again was cut in another way", Unit.COUNT, show=WIDE),
    ]
    misread_segments: Annotated[
        int,
        column(
            "Segments that are not exactly one message: a reader that takes one recv() for one message fails;"
            " null where only the segments tell messages apart",
            Unit.COUNT,
            show=2,
        ),
    ]
    misread_frame: Annotated[int | None, column("Frame of the first of these", Unit.FRAME, show=6)]
    misread_bytes: Annotated[int | None, column("Bytes that such a reader gets there", Unit.BYTES, show=8)]
    misread_messages: Annotated[int | None, column("How many whole messages that are", Unit.COUNT, show=8)]
    framing_fault: Annotated[
        str | None,
        column("Why the bytes are no messages of this framing from some frame on", show=8),
    ]
    framing_fault_frame: Annotated[int | None, column("That frame", Unit.FRAME, show=8)]
    first_frame: Annotated[int, column("Frame of its first payload", Unit.FRAME, show=7)]
    verdict: Annotated[
        str | None,
        column("How a reader fares that takes one recv() for one message, in words", show=0, note=True),
    ]


class Message(Record, frozen=True):
    """A message, and the segments that carried it."""

    stream: Annotated[int, column("Number of the connection, as Wireshark's tcp.stream", Unit.NUMBER, show=0)]
    sender: Annotated[str, column("Who sent it: client or server", show=0)]
    number: Annotated[int, column("Its number among those of its sender, from 1", Unit.NUMBER, show=0)]
    frame: Annotated[int, column("Frame with its first byte", Unit.FRAME, show=0)]
    last_frame: Annotated[int, column("Frame with its last byte", Unit.FRAME, show=1)]
    time_ns: Annotated[int, column("Time of its first byte", Unit.TIME, show=4)]
    offset: Annotated[
        int, column("Place of its first byte among all that its sender sent, from 0", Unit.NUMBER, show=2)
    ]
    bytes: Annotated[int, column("Its length", Unit.BYTES, show=0)]
    segments: Annotated[
        int | None, column("Segments that it lay in; null if bytes of it are missing", Unit.COUNT, show=1)
    ]
    kind: Annotated[
        str | None,
        column(
            "How it lies: aligned (alone in one segment), split (alone in several), coalesced (in one with"
            " other whole messages) or mixed (with a part of another); null if bytes of it are missing",
            show=0,
        ),
    ]
    case: Annotated[
        str | None,
        column(
            "Which of the four cases it makes with the message before: A (each alone in a segment), B (both"
            " in one), C (that one and the head of this, then the rest), D (the head of that one, then its"
            " tail and this); null for others",
            show=1,
        ),
    ]
    cause: Annotated[
        str | None,
        column(
            "Why it is split or merged: mss, receiver_window, congestion_window, nagle, one_write,"
            " several_writes, offload or retransmission, as counted in writes",
            show=1,
        ),
    ]
