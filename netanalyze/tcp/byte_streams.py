"""What is told of the byte streams of TCP, and to whom.

``Reassembly`` puts half-streams together and tells the consumer of each stream what it finds, in the order
in which it becomes known.
"""

from __future__ import annotations

from enum import IntEnum
from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

if TYPE_CHECKING:
    from netanalyze.model import Gap


class Ending(IntEnum):
    """How a half-stream ended."""

    FIN = 1
    """Its sender closed, and every byte up to there has been handed over or named as a gap."""
    RESET = 2
    """Its sender broke off with a RST, maybe behind a FIN. More may follow all the same: it can be forged."""


class StreamFacts(Struct, frozen=True):
    """What is known of a stream when its first byte is handed over.

    Attributes:
        number: of the stream.
        client_side: the side (0 or 1) that opened it, or that the ports make the client; None if
            unknown. The bytes may tell better.
        ports: of side 0 and side 1.
        first_frame: of the stream.
        first_ns: its time.
        from_the_start: whether the SYN was captured, so that offset 0 is where the conversation began.
        client_rtt_ns: from the server's SYN and ACK to the client's answer: the round trip between the
            capture point and the client. None if that was not captured.
        server_rtt_ns: from the SYN to the server's answer, likewise.
        addresses: of side 0 and side 1, each as high and low 64 bits.
        ip_version: of both.
    """

    number: int
    client_side: int | None
    ports: tuple[int, int]
    first_frame: int
    first_ns: int
    from_the_start: bool
    client_rtt_ns: int | None = None
    server_rtt_ns: int | None = None
    addresses: tuple[tuple[int, int], tuple[int, int]] = ((0, 0), (0, 0))
    ip_version: int = 0


class Consumer(Protocol):
    """Takes one stream. Calls come in the order of the frames that made each byte deliverable."""

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
        """Take note of bytes that will not come; ``frame`` proved that. Another gap may follow at once."""

    def end(self, side: int, ending: Ending, frame: int, time_ns: int) -> None:
        """Take note that a side sends no more; ``frame`` is the one that said so."""

    def finish(self, last_ns: int) -> None:
        """Take note that nothing more will come of either side; ``last_ns`` is the time by then."""
