"""Records about the input itself: the captures, what became of their frames, the protocols in them."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import WIDE, Record, Unit, column


class Capture(Record, frozen=True):
    """One input file."""

    file: Annotated[
        str,
        column(
            "Path of the file as it was given, what cannot be shown escaped; - for standard input; of live"
            " traffic the names of the interfaces",
            Unit.FILE,
            show=0,
        ),
    ]
    format: Annotated[str, column("File format, such as pcap or pcapng; live for live traffic", show=0)]
    compression: Annotated[str | None, column("How the file is compressed, null if it is not", show=5)]
    link_types: Annotated[
        str,
        column("Link types of its interfaces, separated by commas: names of tcpdump's registry", show=2),
    ]
    interfaces: Annotated[int, column("Interfaces that it describes", Unit.COUNT, show=WIDE, suffers=False)]
    frames: Annotated[int, column("Frames read", Unit.COUNT, show=0, suffers=False)]
    bytes: Annotated[int, column("Captured bytes of these frames", Unit.BYTES, show=1, suffers=False)]
    wire_bytes: Annotated[
        int, column("Length of these frames on the wire", Unit.BYTES, show=5, suffers=False)
    ]
    first_ns: Annotated[int | None, column("Earliest time of a frame", Unit.TIME, show=3)]
    last_ns: Annotated[int | None, column("Latest time of a frame", Unit.TIME, show=7)]
    duration_ns: Annotated[int | None, column("From the earliest time to the latest", Unit.DURATION, show=2)]
    received: Annotated[
        int | None,
        column(
            "Frames that the interfaces received, where the capture says so",
            Unit.COUNT,
            show=WIDE,
            suffers=False,
        ),
    ]
    dropped: Annotated[
        int | None,
        column("Frames lost while capturing, where the capture says so", Unit.COUNT, show=4, suffers=False),
    ]
    cut_short: Annotated[
        str | None, column("What of the file could not be read and why, null if it is whole", show=3)
    ]
    clock_steps: Annotated[
        int,
        column(
            "Frames whose time is a second or more before that of the frame before",
            Unit.COUNT,
            show=WIDE,
            suffers=False,
        ),
    ]
    clock_step_ns: Annotated[
        int | None, column("The longest of these ways back, null if there is none", Unit.DURATION, show=WIDE)
    ]
    clock_step_frame: Annotated[
        int | None,
        column("Number in its file of the first such frame, null if there is none", Unit.FRAME, show=WIDE),
    ]


class Ledger(Record, frozen=True):
    """One reason why frames were analysed or were not; the frames of all rows are all frames read."""

    reason: Annotated[str, column("What became of these frames", show=0)]
    analysed: Annotated[bool, column("Whether they count as analysed", Unit.TRUTH, show=0)]
    frames: Annotated[int, column("Frames of which this is true", Unit.COUNT, show=0, suffers=False)]
    bytes: Annotated[int, column("Length of these frames on the wire", Unit.BYTES, show=1, suffers=False)]
    first_frame: Annotated[int, column("Number of the first such frame", Unit.FRAME, show=2)]


class Protocol(Record, frozen=True):
    """One path of protocols, from the link layer up."""

    path: Annotated[str, column("Names of the protocols, outermost first, as eth.ip.tcp", show=0)]
    frames: Annotated[int, column("Frames with this path, duplicates not counted", Unit.COUNT, show=0)]
    bytes: Annotated[int, column("Length of these frames on the wire", Unit.BYTES, show=1)]
