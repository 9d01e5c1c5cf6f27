"""What a reader of an application protocol is told of a stream, and what it gives back.

The reassembly of TCP hands over the bytes of both half-streams in their order, each once, as soon as
they are in order; what is missing comes as a ``Gap``. A protocol's file has an ``Application``: one
for a run, which opens a ``Reader`` for each stream that speaks the protocol and makes tables of what
the readers found.

Rules of a reader: it never raises because of what it reads; it keeps no view of the data it was
given beyond the call; what it keeps is bounded; after a gap it says what it does not know any more,
and starts again where a message provably begins.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from netanalyze.model import Gap


class Ending(IntEnum):
    """How a half-stream ended."""

    FIN = 1
    """Its sender closed, and every byte up to there has been handed over or named as a gap."""
    RESET = 2
    """Its sender broke off with a RST."""


@dataclass(frozen=True, slots=True)
class StreamFacts:
    """What is known of a stream when its first byte is handed over.

    Attributes:
        number: of the stream.
        client_side: the side (0 or 1) that opened it, or that the ports make the client; None if
            unknown. The bytes may tell better.
        ports: of side 0 and side 1.
        first_frame: of the stream.
        first_ns: its time.
        from_the_start: whether the SYN was captured, so that offset 0 is where the conversation began.
        client_rtt_ns: between the SYN and ACK of the handshake and the client's answer: the round trip
            between the capture point and the client. None if that was not captured.
        server_rtt_ns: between the SYN and the server's answer, likewise.
    """

    number: int
    client_side: int | None
    ports: tuple[int, int]
    first_frame: int
    first_ns: int
    from_the_start: bool
    client_rtt_ns: int | None = None
    server_rtt_ns: int | None = None


class Reader(Protocol):
    """Reads one stream. Calls come in the order of the frames that made each byte deliverable."""

    def data(self, side: int, data: memoryview, offset: int, frame: int, time_ns: int) -> None:
        """Take the next bytes of a side: those of one segment.

        Args:
            side: that sent them.
            data: the bytes; valid only during the call.
            offset: of the first one in the half-stream.
            frame: that carried them.
            time_ns: when it was captured; earlier than that of the call before where a hole was filled.
        """

    def gap(self, side: int, gap: Gap, frame: int, time_ns: int) -> None:
        """Take note of bytes that will not come; ``frame`` proved that."""

    def end(self, side: int, ending: Ending, frame: int, time_ns: int) -> None:
        """Take note that a side sends no more."""

    def finish(self, last_ns: int) -> None:
        """Take note that nothing more will come of either side; ``last_ns`` is the time by then."""


class Application(Protocol):
    """What a run keeps of one protocol."""

    def open(self, stream: StreamFacts) -> Reader:
        """A reader for a stream."""

    def columns(self) -> Mapping[str, Mapping[str, Sequence[Any]]]:
        """What the readers found, by table and column; called after every reader's ``finish``.

        A column has an element for each row, None where there is no value. ``stream`` is among the
        columns wherever rows belong to one, so that the report can name the endpoints.
        """
