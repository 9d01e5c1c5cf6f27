"""Records about findings."""

# The annotations are read when the program runs, so they are not postponed.
from typing import Annotated

from netanalyze.report.record import WIDE, Record, Unit, column


class Finding(Record, frozen=True):
    """One cause of one trouble: what it is, what it cost, which frames prove it."""

    code: Annotated[str, column("Code of the rule that found it, see docs/findings.md", show=0)]
    severity: Annotated[str, column("How much it matters: info, notice, warning or error", show=0)]
    title: Annotated[str, column("What the matter is", show=0)]
    subject: Annotated[
        str | None, column("What it is about, as address and port; null for the whole capture", show=1)
    ]
    stream: Annotated[
        int | None,
        column("Number of the TCP connection if it is about a single one", Unit.NUMBER, show=WIDE),
    ]
    frame: Annotated[
        int | None, column("Number of the first frame that proves it, null if none does", Unit.FRAME, show=1)
    ]
    count: Annotated[int, column("How often it happened", Unit.COUNT, show=1)]
    cost_ns: Annotated[
        int | None,
        column("How long somebody waited because of it, null where that is not known", Unit.DURATION, show=0),
    ]
    cost_bytes: Annotated[
        int | None,
        column("Bytes sent for nothing, or lost, null where there are none", Unit.BYTES, show=WIDE),
    ]
    cost_requests: Annotated[
        int | None,
        column(
            "Requests or connections that failed or took longer, null where there are none",
            Unit.COUNT,
            show=WIDE,
        ),
    ]
    confidence: Annotated[str, column("How sure it is: low, medium or high", show=WIDE)]
    evidence: Annotated[str, column("What was seen", note=True)]
    advice: Annotated[str, column("What to do", note=True)]
    wireshark_filter: Annotated[
        str | None, column("Display filter that shows it in Wireshark, null where no frame does", show=WIDE)
    ]
    frames: Annotated[
        str | None,
        column("Numbers of the first frames that prove it, eight at most, separated by commas", show=WIDE),
    ]
    counter_evidence: Annotated[
        str, column("What else was looked at that speaks for or against it", show=WIDE)
    ]
    uncertain: Annotated[
        str | None,
        column("What about the capture makes it less sure, null if nothing does", show=WIDE),
    ]
