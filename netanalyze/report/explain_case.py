"""What the words about a frame are made of: its numbers as people read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.report import units
from netanalyze.tcp import kinds
from netanalyze.tcp import sequence_fields as fields
from netanalyze.tcp import wireshark_fields as shark
from netanalyze.tcp.half_stream import MASK32

if TYPE_CHECKING:
    from netanalyze.tcp.explain import Explained, Pair
    from netanalyze.tcp.half_stream import HalfStream, WiresharkHalf

FIN, SYN, RST, PSH, ACK, URG, ECE, CWR, AE = (1 << place for place in range(9))
_FLAG_NAMES = ("FIN", "SYN", "RST", "PSH", "ACK", "URG", "ECE", "CWR", "AE")


class Case:
    """A segment that was looked at by a set of rules.

    Attributes:
        found: everything known of it.
        packet: its columns.
        bits: its labels by these rules.
        own_base, other_base: initial sequence numbers of its sender and of the other side.
    """

    def __init__(self, found: Explained) -> None:
        """Take what was found about a frame with a TCP segment that is neither quoted nor damaged."""
        self.found = found
        self.packet = found.segment
        labels = found.ours or found.wireshark
        self.bits = labels.bits if labels is not None and found.ours is not None else 0
        self.own_base, self.other_base = _base(found, 0), _base(found, 1)

    @property
    def before(self) -> Pair:
        """Both half-streams before it."""
        assert self.found.before is not None  # noqa: S101 - words about rules are for analysed segments
        return self.found.before

    @property
    def after(self) -> Pair:
        """Both half-streams after it."""
        assert self.found.after is not None  # noqa: S101 - the same
        return self.found.after

    @property
    def ours(self) -> HalfStream:
        """Its sender's half-stream before it."""
        return self.before[0]

    @property
    def theirs(self) -> HalfStream:
        """The other half-stream before it."""
        return self.before[1]

    @property
    def shark(self) -> tuple[WiresharkHalf, WiresharkHalf]:
        """Both half-streams before it as Wireshark's rules know them."""
        assert self.found.wireshark_before is not None  # noqa: S101 - the same
        return self.found.wireshark_before

    @property
    def flags(self) -> int:
        """Of its TCP header."""
        return self.packet["flags"]

    @property
    def size(self) -> int:
        """Its payload in bytes."""
        return self.packet["payload_bytes"]

    @property
    def end(self) -> int:
        """The sequence number behind it, SYN and FIN counted."""
        return (self.packet["seq"] + self.size + bool(self.flags & SYN) + bool(self.flags & FIN)) & MASK32

    def own(self, number: int) -> str:
        """A sequence number of its sender, relative."""
        return units.count(self.own_number(number))

    def other(self, number: int) -> str:
        """A sequence number of the other side, relative."""
        return units.count(self.other_number(number))

    def own_number(self, number: int) -> int:
        """A sequence number of its sender, relative."""
        return relative(number, self.own_base)

    def other_number(self, number: int) -> int:
        """A sequence number of the other side, relative."""
        return relative(number, self.other_base)

    @property
    def seq(self) -> str:
        """Its sequence number, relative."""
        return self.own(self.packet["seq"])

    @property
    def ack(self) -> str:
        """Its acknowledgement number, relative."""
        return self.other(self.packet["ack"])

    @property
    def window_bytes(self) -> int | None:
        """The window that it offers, scaled; None if the scale is not known."""
        if self.found.ours is None:
            return scaled_by_wireshark(self.found, self.packet["window"], self.flags)
        if not self.packet["window"]:
            return 0
        offered = self.found.ours.facts["window_bytes"]
        return offered if offered >= 0 else None

    @property
    def window(self) -> str:
        """The window that it offers, in words."""
        return window_words(self.window_bytes, self.packet["window"])


def relative(number: int, base: int) -> int:
    """A sequence number counted from a base; small negative ones stay negative."""
    distance = (number - base) & MASK32
    return distance if distance < MASK32 - 0xFFFF else distance - MASK32 - 1


def window_words(window_bytes: int | None, raw: int) -> str:
    """A receive window in words."""
    if window_bytes is None:
        return f"{units.count(raw)} (as in the header, the scale is not known)"
    return units.counted(window_bytes, "byte")


def scaled_by_wireshark(found: Explained, window: int, flags: int) -> int | None:
    """A window as Wireshark shows it; None where the scale is not known."""
    if found.wireshark_before is None:
        return None
    scale = found.wireshark_before[0][shark.SCALE]
    if not window or flags & SYN or scale == 1:
        return window
    return window << (scale - 2) if scale > 1 else None


def flag_names(flags: int) -> list[str]:
    """Names of the flags, the lowest first as people say them."""
    return [name for place, name in enumerate(_FLAG_NAMES) if flags >> place & 1]


def kind_names(bits: int) -> list[str]:
    """Names of the kinds of events."""
    return [name for place, name in enumerate(kinds.KINDS) if bits >> place & 1]


def _base(found: Explained, side: int) -> int:
    """The initial sequence number of the sender (0) or of the other side (1), as Wireshark shows it."""
    if found.after is not None and found.after[side].seen:
        return found.after[side][fields.BASE]
    if found.wireshark_after is not None and found.wireshark_after[side][shark.BASE_KNOWN]:
        return found.wireshark_after[side][shark.BASE]
    return 0
