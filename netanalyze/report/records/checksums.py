"""Records about checksums."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import WIDE, Record, Unit, column


class SenderChecksums(Record, frozen=True):
    """The checksums of what one host sent with one protocol."""

    host: Annotated[
        str | None,
        column("Address of the sender; null for all that came after too many others", Unit.ADDRESS, show=0),
    ]
    protocol: Annotated[str | None, column("Protocol of the packets: TCP, UDP, ICMP, ICMPv6, others", show=0)]
    packets: Annotated[
        int, column("Packets of it, duplicates and quotes in ICMP not counted", Unit.COUNT, show=0)
    ]
    checked: Annotated[
        int,
        column(
            "Those whose sum was checked: captured whole, with a checksum (UDP over IPv4 may have none), on"
            " no source route",
            Unit.COUNT,
            show=0,
        ),
    ]
    wrong: Annotated[int, column("Those of them whose sum is wrong for whatever reason", Unit.COUNT, show=0)]
    partial: Annotated[
        int,
        column(
            "Wrong ones with the sum of the pseudo-header alone: the card was to do the rest",
            Unit.COUNT,
            show=1,
        ),
    ]
    zero: Annotated[int, column("Wrong ones with nothing in the field", Unit.COUNT, show=2)]
    headers: Annotated[int, column("IPv4 headers whose sum was checked", Unit.COUNT, show=WIDE)]
    headers_wrong: Annotated[int, column("Those of them that are wrong", Unit.COUNT, show=1)]
    headers_zero: Annotated[int, column("Wrong ones with nothing in the field", Unit.COUNT, show=WIDE)]
    first_frame: Annotated[
        int | None, column("Number of the first frame with a wrong sum", Unit.FRAME, show=1)
    ]
    verdict: Annotated[
        str | None,
        column(
            "One of ok; offload: sums that the sender left to its network card; corrupt: few are wrong, which"
            " were damaged on the way; wrong: most are, or all by the same, and not as by offload: the"
            " packets were changed after they were sent, or the sender is mistaken. Null where nothing could"
            " be checked",
            show=0,
        ),
    ]


class DamagedFrame(Record, frozen=True):
    """A frame with a wrong checksum from a sender whose other packets are right: damaged on the way."""

    frame: Annotated[int, column("Number of the frame", Unit.FRAME, show=0)]
    time_ns: Annotated[int, column("When it was captured", Unit.TIME, show=2)]
    host: Annotated[str | None, column("Address of the sender", Unit.ADDRESS, show=0)]
    receiver: Annotated[str | None, column("Address of the receiver", Unit.ADDRESS, show=0)]
    protocol: Annotated[str | None, column("Protocol of the packet", show=0)]
    part: Annotated[str, column("Whose sum is wrong: transport or IP header", show=0)]
    checksum: Annotated[int, column("The checksum in the packet", Unit.HEXADECIMAL, show=1)]
    right_checksum: Annotated[int, column("What it should be, as the bytes are", Unit.HEXADECIMAL, show=1)]
