"""What a relay can do to a stream: lose, hold back, repeat and delay known segments, and keep account of it.

Here the server sends and the client receives. Segments of data are numbered from 1, each ``MSS_BYTES``
long, and so are the tries to send one; the receiver's acknowledgements without data are numbered from 0,
which is the last one of the handshake.
"""

from __future__ import annotations

import socket
from collections import Counter
from typing import TYPE_CHECKING, Any

from headers import ACK, SYN, Segment

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from relay import Rule

    Outcome = list[tuple[bytes, float]]
    """Frames that leave the relay, and the seconds after which they do."""

MSS_BYTES = 1448
"""Data in a full segment: 1500 bytes less the headers of IP and TCP and the timestamp option."""
DELAY_S = 0.015
"""What every frame waits in the relay, in each direction."""


CONGESTION_CONTROL = "cubic"
"""The usual one of Linux: others pace segments, or do not slow down when one is lost."""


def usual(made: socket.socket) -> None:
    """Have a socket, and the connections that it will accept, use the usual congestion control."""
    made.setsockopt(socket.IPPROTO_TCP, socket.TCP_CONGESTION, CONGESTION_CONTROL.encode())


class Tap:
    """What a capture on one side of the relay must have of a stream."""

    def __init__(self) -> None:
        """Nothing yet."""
        self._frames: Counter[str] = Counter()
        self._starts: Counter[int] = Counter()

    def saw(self, segment: Segment, *, sent: bool) -> None:
        """Count a segment, which was ``sent`` by the sender of the data or else by its receiver."""
        self._frames["sender" if sent else "receiver"] += 1
        if sent and segment.payload_bytes:
            self._starts[segment.sequence] += 1

    def facts(self) -> dict[str, int]:
        """The counts; a data segment is repeated if one with the same first byte has been there before."""
        return {
            "frames_from_sender": self._frames["sender"],
            "frames_from_receiver": self._frames["receiver"],
            "data_segments": self._starts.total(),
            "repeated_data_segments": self._starts.total() - len(self._starts),
        }


class Path:
    """The way of one stream through the relay; this one carries everything as it is.

    Attributes:
        injected: what was done to which segment, in the order in which it was done.
        probes: window probes that the sender has sent: no data, one byte before what is acknowledged.
        zero_windows: segments in which the receiver says that it has no room.
    """

    def __init__(self) -> None:
        """A way that nothing has gone yet."""
        self.injected: list[dict[str, Any]] = []
        self.probes = 0
        self.zero_windows = 0
        self._sender, self._receiver = Tap(), Tap()
        self._isn = 0
        self._acknowledged = 0
        self._tries: Counter[int] = Counter()
        self._acknowledgements = -1

    def taps(self) -> dict[str, dict[str, int]]:
        """What is to be seen before and behind the relay."""
        return {"sender": self._sender.facts(), "receiver": self._receiver.facts()}

    def carry(self, frame: bytes, segment: Segment, *, sent: bool) -> Outcome:
        """Say what becomes of a frame from the sender (``sent``) or the receiver."""
        before, behind = (self._sender, self._receiver) if sent else (self._receiver, self._sender)
        before.saw(segment, sent=sent)
        outcome = self._from_sender(frame, segment) if sent else self._from_receiver(frame, segment)
        for carried, _ in outcome:
            read = Segment.of(carried)
            if read is not None:
                behind.saw(read, sent=sent)
        return outcome

    def _from_sender(self, frame: bytes, segment: Segment) -> Outcome:
        if segment.flags & SYN:
            self._isn = segment.sequence
        elif segment.payload_bytes:
            number = (self.relative(segment) - 1) // MSS_BYTES + 1
            self._tries[number] += 1
            return self.data(frame, segment, number, self._tries[number])
        elif segment.flags == ACK and segment.sequence == self._acknowledged - 1:
            self.probes += 1
            self.probed()
        return [(frame, DELAY_S)]

    def _from_receiver(self, frame: bytes, segment: Segment) -> Outcome:
        if segment.flags & ACK:
            self._acknowledged = segment.acknowledgment
        if segment.flags != ACK:
            return [(frame, DELAY_S)]
        self._acknowledgements += 1
        self.zero_windows += segment.window == 0
        return self.acknowledgement(frame, segment, self._acknowledgements)

    def relative(self, segment: Segment) -> int:
        """The sequence number of the sender's segment; its first byte of data has the number 1."""
        return (segment.sequence - self._isn) % 2**32

    def note(self, kind: str, segment: Segment, number: int, tried: int, **facts: object) -> None:
        """Write down that something was done to the sender's data segment."""
        self.injected.append(
            {
                "kind": kind,
                "of": "data",
                "segment": number,
                "try": tried,
                "relative_sequence": self.relative(segment),
                "payload_bytes": segment.payload_bytes,
                "ip_id": segment.ip_id,
                **facts,
            }
        )

    def note_acknowledgement(self, kind: str, segment: Segment, number: int) -> None:
        """Write down that something was done to the receiver's acknowledgement."""
        self.injected.append(
            {
                "kind": kind,
                "of": "acknowledgements",
                "acknowledgement": number,
                "relative_acknowledgment": (segment.acknowledgment - self._isn) % 2**32,
                "window_field": segment.window,
                "ip_id": segment.ip_id,
            }
        )

    def data(self, frame: bytes, segment: Segment, number: int, tried: int) -> Outcome:  # noqa: ARG002
        """Say what becomes of the data segment ``number`` when it is sent for the ``tried``-th time."""
        return [(frame, DELAY_S)]

    def acknowledgement(self, frame: bytes, segment: Segment, number: int) -> Outcome:  # noqa: ARG002
        """Say what becomes of the receiver's acknowledgement ``number``."""
        return [(frame, DELAY_S)]

    def probed(self) -> None:
        """A window probe has come by."""


class Lost(Path):
    """Loses data segments."""

    def __init__(self, *lost: tuple[int, int]) -> None:
        """Lose those which are (segment, try)."""
        super().__init__()
        self._lost = frozenset(lost)

    def data(self, frame: bytes, segment: Segment, number: int, tried: int) -> Outcome:
        """Nothing leaves the relay if the segment is to be lost."""
        if (number, tried) not in self._lost:
            return [(frame, DELAY_S)]
        self.note("lost", segment, number, tried)
        return []


class AcknowledgementsLost(Path):
    """Loses acknowledgements."""

    def __init__(self, *lost: int) -> None:
        """Lose those with these numbers."""
        super().__init__()
        self._lost = frozenset(lost)

    def acknowledgement(self, frame: bytes, segment: Segment, number: int) -> Outcome:
        """Nothing leaves the relay if it is to be lost."""
        if number not in self._lost:
            return [(frame, DELAY_S)]
        self.note_acknowledgement("lost", segment, number)
        return []


class Overtaken(Path):
    """Has data segments overtaken by those behind them."""

    def __init__(self, overtaken: Mapping[int, int]) -> None:
        """Let each segment of ``overtaken`` wait until so many others have gone before it."""
        super().__init__()
        self._overtaken = overtaken
        self._held: dict[int, bytes] = {}

    def data(self, frame: bytes, segment: Segment, number: int, tried: int) -> Outcome:
        """Keep a segment, or let one go and what waited for it."""
        if number in self._overtaken and tried == 1:
            self._held[number + self._overtaken[number]] = frame
            self.note("overtaken", segment, number, tried, by_segments=self._overtaken[number])
            return []
        waited = self._held.pop(number, None)
        return [(frame, DELAY_S)] + ([] if waited is None else [(waited, DELAY_S)])


class HeldUntilRepeated(Path):
    """Holds a data segment back until the sender believes it to be lost and sends it again."""

    def __init__(self, number: int, *, first: bool) -> None:
        """Hold back the segment ``number``; it arrives then ``first``, or after its repetition."""
        super().__init__()
        self._number = number
        self._first = first
        self._held: bytes | None = None

    def data(self, frame: bytes, segment: Segment, number: int, tried: int) -> Outcome:
        """Keep the segment, or let it go with its repetition."""
        if number == self._number and tried == 1:
            self._held = frame
            then = "before its repetition" if self._first else "after its repetition"
            self.note("held until repeated", segment, number, tried, arrives=then)
            return []
        if number != self._number or self._held is None:
            return [(frame, DELAY_S)]
        held, self._held = self._held, None
        return [(held, 0.0), (frame, DELAY_S)] if self._first else [(frame, DELAY_S), (held, DELAY_S + 0.002)]


class AcknowledgementsHeld(Path):
    """Holds all acknowledgements back until the sender has sent the first segment again."""

    def __init__(self) -> None:
        """Hold back from the beginning."""
        super().__init__()
        self._held: list[bytes] = []
        self._over = False

    def data(self, frame: bytes, segment: Segment, number: int, tried: int) -> Outcome:
        """Note that the time has come."""
        del segment
        self._over = self._over or (number, tried) == (1, 2)
        return [(frame, DELAY_S)]

    def acknowledgement(self, frame: bytes, segment: Segment, number: int) -> Outcome:
        """Keep it while they are held back; then they go in order with the next one."""
        if number == 0:
            return [(frame, DELAY_S)]
        if not self._over:
            self.note_acknowledgement("held until the first segment is repeated", segment, number)
            self._held.append(frame)
            return []
        held, self._held = self._held, []
        return [(one, DELAY_S) for one in [*held, frame]]


class Doubled(Path):
    """Delivers frames twice."""

    def __init__(self, doubled: Mapping[int, float]) -> None:
        """Deliver each segment of ``doubled`` again after so many seconds."""
        super().__init__()
        self._doubled = doubled

    def data(self, frame: bytes, segment: Segment, number: int, tried: int) -> Outcome:
        """Once or twice."""
        if number not in self._doubled or tried > 1:
            return [(frame, DELAY_S)]
        later_s = self._doubled[number]
        self.note("doubled", segment, number, tried, again_after_ms=later_s * 1000)
        return [(frame, DELAY_S), (frame, DELAY_S + later_s)]


class Slower(Path):
    """Becomes longer on the way of the data."""

    def __init__(self, number: int, more_s: float) -> None:
        """Let every segment from ``number`` on wait ``more_s`` longer."""
        super().__init__()
        self._number = number
        self._more_s = more_s

    def data(self, frame: bytes, segment: Segment, number: int, tried: int) -> Outcome:
        """Wait as long as the way is."""
        if number < self._number:
            return [(frame, DELAY_S)]
        self.note("delayed", segment, number, tried, more_ms=self._more_s * 1000)
        return [(frame, DELAY_S + self._more_s)]


class WindowUpdatesLost(Path):
    """Loses the news that a closed window is open, until the sender asks."""

    def __init__(self) -> None:
        """Do so once."""
        super().__init__()
        self._closed = self._asked = False

    def acknowledgement(self, frame: bytes, segment: Segment, number: int) -> Outcome:
        """Lose what opens the window."""
        if segment.window == 0:
            self._closed = True
        elif self._closed and not self._asked:
            self.note_acknowledgement("lost", segment, number)
            return []
        return [(frame, DELAY_S)]

    def probed(self) -> None:
        """The answer to a probe that comes after the loss may pass."""
        self._asked = self._asked or bool(self.injected)


def through(paths: Mapping[int, Path]) -> Rule:
    """A rule for a relay between ``sender`` and ``receiver``: a path for each port of the receiver."""

    def carry(port: str, frame: bytes) -> Iterable[tuple[str, bytes, float]]:
        sent = port == "sender"
        leave = "receiver" if sent else "sender"
        segment = Segment.of(frame)
        if segment is None:
            return [(leave, frame, DELAY_S)]
        path = paths[segment.destination_port if sent else segment.source_port]
        return [(leave, one, delay_s) for one, delay_s in path.carry(frame, segment, sent=sent)]

    return carry
