"""What a tunnel carries, as ``netanalyze follow`` shows it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from msgspec.structs import replace

from netanalyze.apps.transcript import Plain

if TYPE_CHECKING:
    from collections.abc import Iterator

    from netanalyze.apps.transcript import Passage, Transcriber
    from netanalyze.tcp.byte_streams import StreamFacts


class Inside:
    """Shows it by the transcriber of its protocol, or as bytes."""

    def __init__(self, max_body_bytes: int) -> None:
        """Nothing is known of it yet."""
        self._max_body_bytes = max_body_bytes
        self._transcriber: Transcriber | None = None
        self._note = ""

    def open(self, name: str, stream: StreamFacts, through: str) -> Transcriber:
        """See ``tunnel.OpenInside``."""
        from netanalyze.apps.readers import transcriber  # noqa: PLC0415 - which imports those who import this

        made = transcriber(name, stream, self._max_body_bytes) if name else None
        self._transcriber = made or Plain()
        self._note = f"{through}: {name or 'unknown protocol'}"
        return self._transcriber

    def take(self) -> Iterator[Passage]:
        """What it has said since the last call; the first passage has a note on what it is."""
        for passage in self._transcriber.take() if self._transcriber is not None else ():
            note, self._note = self._note, ""
            if note:
                yield replace(passage, note=f"{note}; {passage.note}" if passage.note else note)
            else:
                yield passage
