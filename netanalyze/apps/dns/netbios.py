"""What answers about NetBIOS names say (RFC 1002 sections 4.2.13 and 4.2.18).

Their record types have other meanings in DNS (32 is NB and not NIMLOC, 33 is NBSTAT and not SRV), and whose
record it is only its row tells. So texts of these answers are made again once the rows are known.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from netanalyze.apps.dns import fields
from netanalyze.model import format_address

if TYPE_CHECKING:
    from netanalyze.apps.dns.queries import Rows
    from netanalyze.apps.dns.texts import Texts

_NB, _NBSTAT = 32, 33
_GROUP = 0x8000
"""The flag G: a name that many hosts have."""
_ENTRY = 6
_STATUS = 18
"""Bytes of a name with its flags in a status."""
_LETTERS = 15
_RECORD = re.compile(rb"(?:\x03[0-9]+\x02)?\x01([0-9]+)\x02")
_BEHIND_TYPE = 5


class NetbiosAnswers:
    """Puts answers in words; each text once."""

    def __init__(self, texts: Texts) -> None:
        """None yet; ``texts`` has their bytes and gets their words."""
        self._texts = texts
        self._known: dict[int, int] = {}

    def put_in_words(self, rows: Rows) -> None:
        """Let rows of NetBIOS have texts that say what their answers mean."""
        codes = rows.number(fields.ANSWER_TEXT)
        places = np.flatnonzero((rows.number(fields.PROTOCOL) == fields.NBNS) & (codes > 0))
        for place in places.tolist():
            code = int(codes[place])
            if code not in self._known:
                self._known[code] = self._reworded(code)
            codes[place] = self._known[code]

    def _reworded(self, code: int) -> int:
        kept = self._texts.kept(code)
        if not self._texts.refers(code):
            return code
        words = _RECORD.sub(self._record, kept)
        return code if words == kept else self._texts.add(words)

    def _record(self, match: re.Match[bytes]) -> bytes:
        record = self._texts.kept(int(match[1]))
        kind, data = int.from_bytes(record[1:3], "big"), record[_BEHIND_TYPE:]
        said = addresses(data) if kind == _NB else names(data) if kind == _NBSTAT else None
        return match[0] if said is None else ", ".join(said).encode()


def addresses(data: bytes) -> list[str] | None:
    """The addresses that have a name, ``group`` behind those of groups; None if it is not such data."""
    if not data or len(data) % _ENTRY:
        return None
    return [
        format_address(0, int.from_bytes(data[at + 2 : at + _ENTRY], "big"), 4) + _group(data[at : at + 2])
        for at in range(0, len(data), _ENTRY)
    ]


def names(data: bytes) -> list[str] | None:
    """The names that a host has, as ``NAME<20>``; None if it is not such data."""
    if not data or len(data) < 1 + data[0] * _STATUS:
        return None
    return [
        letters_text(data[at : at + _LETTERS])
        + f"<{data[at + _LETTERS]:02x}>"
        + _group(data[at + _LETTERS + 1 :][:2])
        for at in range(1, 1 + data[0] * _STATUS, _STATUS)
    ]


def letters_text(letters: bytes) -> str:
    """The letters of a name without what fills it up."""
    kept = letters.rstrip(b" \0")
    return "".join(chr(byte) if 32 <= byte < 127 and byte != 92 else f"\\{byte:03d}" for byte in kept)  # noqa: PLR2004 - ASCII


def _group(flags: bytes) -> str:
    return " group" if int.from_bytes(flags, "big") & _GROUP else ""
