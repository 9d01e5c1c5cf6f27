"""The capture formats that are read, by their first bytes."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.capture import foreign, pcap, pcapng, snoop
from netanalyze.errors import DamagedCaptureError, UnknownFormatError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netanalyze.capture.buffer import Buffer
    from netanalyze.capture.reader import Reader

READERS: Mapping[bytes, type[Reader]] = {
    **dict.fromkeys(pcap.MAGICS, pcap.PcapReader),
    pcapng.MAGIC: pcapng.PcapngReader,
    snoop.MAGIC: snoop.SnoopReader,
}
"""A new format is a file with its reader and a line here."""


def reader_for(buffer: Buffer, file: str, path: str) -> type[Reader]:
    """The reader for the file that ``buffer`` stands at the beginning of.

    Args:
        buffer: the file's bytes, uncompressed; nothing of them is used.
        file: its name for people.
        path: its name for a command.

    Raises:
        DamagedCaptureError: reading it failed before that showed.
        UnknownFormatError: it is in no format that is read; the message says what it looks like.
    """
    buffer.fill(max(map(len, READERS)))
    start = buffer.data[buffer.start : min(buffer.start + foreign.START_BYTES, buffer.end)].tobytes()
    for magic, reader in READERS.items():
        if start.startswith(magic):
            return reader
    if len(start) < foreign.START_BYTES:
        buffer.fill(foreign.START_BYTES)
        start = buffer.data[buffer.start : min(buffer.start + foreign.START_BYTES, buffer.end)].tobytes()
    if len(start) < foreign.START_BYTES and buffer.source.damage:
        message = f"{file}: {buffer.source.damage}, before it shows what it is"
        raise DamagedCaptureError(message)
    raise UnknownFormatError(foreign.explain(file, path, start))
