"""What can be asked of a live capture."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec import Struct

if TYPE_CHECKING:
    from netanalyze.capture.writer import Recording

MEGABYTE = 1 << 20
SNAP_BYTES = 262_144
BUFFER_BYTES = 64 * MEGABYTE


class LiveOptions(Struct, frozen=True):
    """How to capture, and when to stop.

    Attributes:
        filter: a capture filter in libpcap's language, which the kernel runs; empty for all packets.
        snap_bytes: bytes to take of each frame at most.
        buffer_bytes: size of the ring, which holds what nobody has looked at yet.
        promiscuous: take in what is for other hosts.
        duration_ns: stop after so long; None for never.
        frames: stop after so many; None for never.
        idle_ns: stop when nothing was captured for so long; None for never.
        fanout: number of a group of sockets that share the packets (packet(7)); None for none.
        drop_to: user to become once the socket is open; empty for the one who called sudo, if that was used;
            None to remain who one is.
        recording: the file to write what is captured to; None for none.
    """

    filter: str = ""
    snap_bytes: int = SNAP_BYTES
    buffer_bytes: int = BUFFER_BYTES
    promiscuous: bool = False
    duration_ns: int | None = None
    frames: int | None = None
    idle_ns: int | None = None
    fanout: int | None = None
    drop_to: str | None = None
    recording: Recording | None = None
