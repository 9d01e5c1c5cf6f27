"""Bytes of heads as text, each distinct one made once."""

from __future__ import annotations

_MOST = 1 << 14
_LONGEST = 512


class Texts:
    """Makes text of bytes; what repeats, as hosts and media types do, is one object."""

    __slots__ = ("_known",)

    def __init__(self) -> None:
        """Nothing is known yet."""
        self._known: dict[bytes, str] = {}

    def of(self, data: bytes) -> str:
        """The text: UTF-8 where it is that, else Latin-1 (RFC 9110 section 5.5)."""
        text = self._known.get(data)
        return self._make(data) if text is None else text

    def _make(self, data: bytes) -> str:
        text = decode(data)
        if len(data) <= _LONGEST:
            if len(self._known) >= _MOST:
                self._known.clear()
            self._known[data] = text
        return text


def decode(data: bytes) -> str:
    """UTF-8 where it is that, else Latin-1."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data.decode("latin-1")
