"""What a stream is shown as in ``netanalyze follow``: passages, one after the other, of either side.

``Plain`` shows the bytes as they came. A protocol may have a ``Transcriber`` of its own (``readers``) that
shows its messages better: a body decoded, a message of binary fields as text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

from msgspec import Struct

from netanalyze.tcp.byte_streams import Consumer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netanalyze.model import Gap
    from netanalyze.tcp.byte_streams import Ending


class Ends(Struct, frozen=True):
    """Between whom a stream is.

    Attributes:
        stream: its number.
        app: name of its application protocol, None if it is not known.
        client_side: which side is the client.
        client, server: addresses as text.
        client_port, server_port: their ports.
        first_frame: of the stream.
        start_ns: its time.
        transport: ``tcp``, or ``udp`` if it is a flow of datagrams.
    """

    stream: int
    app: str | None
    client_side: int
    client: str
    client_port: int
    server: str
    server_port: int
    first_frame: int
    start_ns: int
    transport: str = "tcp"


class Passage(Struct, frozen=True):
    """Something that one side sent, or that is known to be missing from it.

    Attributes:
        side: that sent it.
        offset: of the first byte in the half-stream.
        wire_bytes: how many bytes of the half-stream these are.
        data: the bytes to show; they need not be those on the wire. None if these are missing.
        first_frame, last_frame: that carried them, or proved them missing.
        time_ns: of the first of these frames.
        note: a line to show before them that says what was done to them, or what follows; empty if there is
            nothing to say.
        part: of a message that they are, as ``head`` or ``body``; empty if they are of none. Passages of one
            side and the same part are joined, unless the later one has a note.
        coding: what was undone to get ``data``, in the order in which it was applied; empty if nothing.
        body_offset: of ``data`` in the decoded body; None if ``data`` are the bytes on the wire.
        begins: whether it begins a message that is a turn of its own; what follows belongs to it until the
            next one begins or the other side speaks.
    """

    side: int
    offset: int
    wire_bytes: int
    data: bytes | None
    first_frame: int
    last_frame: int
    time_ns: int
    note: str = ""
    part: str = ""
    coding: str = ""
    body_offset: int | None = None
    begins: bool = False


class Transcriber(Consumer, Protocol):
    """Takes a stream and makes passages of it."""

    def take(self) -> Iterable[Passage]:
        """The passages that are complete and have not been taken yet, in order.

        All of them are taken before anything more comes; they may be made as they are taken.
        """


class Plain:
    """The bytes as they came."""

    def __init__(self) -> None:
        """Nothing said yet."""
        self._passages: list[Passage] = []

    def data(self, side: int, data: memoryview, offset: int, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        self._passages.append(Passage(side, offset, len(data), bytes(data), frame, frame, time_ns))

    def gap(self, side: int, gap: Gap, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        self._passages.append(Passage(side, gap.offset, gap.length, None, frame, frame, time_ns))

    def end(self, side: int, ending: Ending, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""

    def finish(self, last_ns: int) -> None:
        """See ``Consumer``."""

    def take(self) -> list[Passage]:
        """See ``Transcriber``."""
        taken = self._passages
        self._passages = []
        return taken
