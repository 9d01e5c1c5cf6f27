"""What a finding is."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import TYPE_CHECKING

from msgspec import Struct, field

if TYPE_CHECKING:
    from collections.abc import Sequence


class Severity(IntEnum):
    """How much a finding matters; a higher number matters more."""

    INFO = 0
    """A remark about the capture or what is in it; nothing went wrong."""
    NOTICE = 1
    """Something to know: it costs a little, or may cost later."""
    WARNING = 2
    """It costs time, bytes or requests that need not be lost."""
    ERROR = 3
    """Something failed."""

    @property
    def label(self) -> str:
        """Its name as users write it."""
        return self.name.lower()


SEVERITIES = tuple(severity.label for severity in Severity)
"""Names of the severities, the least first."""


class Confidence(StrEnum):
    """How sure a finding is."""

    LOW = "low"
    MEDIUM = "medium"
    HIGH = "high"

    @property
    def lowered(self) -> Confidence:
        """One step less sure."""
        return Confidence.MEDIUM if self is Confidence.HIGH else Confidence.LOW


FRAMES_NAMED = 8
"""Frames that a finding names at most; its filter shows the others."""


class Finding(Struct, frozen=True):
    """One cause of one trouble.

    Attributes:
        code: of the rule that found it.
        severity: how much it matters.
        title: what the matter is, in a few words.
        subject: what it is about, as ``10.0.0.1:80``; empty for the whole capture.
        count: how often it happened.
        evidence: what was seen, with numbers.
        counter: what else was looked at that speaks for or against it.
        advice: what to do.
        wireshark_filter: shows the frames in Wireshark; empty where no frame shows it.
        frames: the first frames that prove it.
        stream: number of the TCP stream if it is about one, else None.
        cost_ns: how long somebody waited because of it, None where that is not known.
        cost_bytes: bytes sent for nothing or lost, None where there are none.
        cost_requests: requests or connections that failed or took longer, None where there are none.
        confidence: how sure it is.
        uncertain: what about the capture makes it less sure; empty if nothing does.
    """

    code: str
    severity: Severity
    title: str
    subject: str
    count: int
    evidence: str
    counter: str
    advice: str
    wireshark_filter: str
    frames: Sequence[int] = field(default=())
    stream: int | None = None
    cost_ns: int | None = None
    cost_bytes: int | None = None
    cost_requests: int | None = None
    confidence: Confidence = Confidence.HIGH
    uncertain: str = ""

    @property
    def frame(self) -> int | None:
        """The first frame that proves it."""
        return self.frames[0] if self.frames else None
