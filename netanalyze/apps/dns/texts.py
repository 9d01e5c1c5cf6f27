"""The texts of a run: names and answers, each kept once, and what makes words of records.

dnspython puts records in words that the kernel keeps as bytes; it is imported when somebody looks at one.
"""

from __future__ import annotations

import os
import re
from socket import inet_ntoa
from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.apps.dns import fields
from netanalyze.apps.dns.text_kernel import Store
from netanalyze.apps.reading import Pool
from netanalyze.columns import GrowingRows, view_of, zeros_to_look_up

if TYPE_CHECKING:
    from numpy.typing import NDArray

_FIRST_SLOTS = 4096
_MORE_BYTES = 1 << 20
_MORE_TEXTS = 4096
_REFERENCE = re.compile("\x03([0-9]+)\x02|\x01([0-9]+)\x02")
_OPT = 41
_ONE_NAME = frozenset({2, 3, 4, 5, 7, 8, 9, 12, 39})
"""Types whose data are a name: NS, MD, MF, CNAME, MB, MG, MR, PTR, DNAME."""
_NB, _NB_BYTES = 32, 6
_MOST_CHARACTERS = 1024
_MOST_RECORDS = 65536
"""Records whose words are remembered."""
_CLASS_BITS = 0x7FFF
"""Multicast DNS uses the upper bit for itself (RFC 6762 section 10.2)."""


class Texts:
    """Texts by code; 0 is none.

    Attributes:
        store: for the kernel.
        counters: its counters.
    """

    def __init__(self) -> None:
        """No texts."""
        self.store = Store(int.from_bytes(os.urandom(4), "little"))
        self.counters = np.zeros(fields.COUNTERS, np.int64)
        self.counters[fields.TEXTS] = 1
        self._pool = GrowingRows(1, "u1", _MORE_BYTES)
        self._texts = GrowingRows(fields.TEXT_WORDS, "i8", _MORE_TEXTS)
        self._slots = np.zeros(_FIRST_SLOTS, np.int32)
        self._records: dict[int, str] = {}
        self._use()

    def make_room(self) -> None:
        """So that a message fits, and many more mostly do."""
        self._pool.reach(int(self.counters[fields.POOL]) + _MORE_BYTES)
        texts = int(self.counters[fields.TEXTS]) + _MORE_TEXTS
        self._texts.reach(texts)
        rebuild = 2 * texts > len(self._slots)
        if rebuild:
            self._slots = zeros_to_look_up(1 << (2 * texts - 1).bit_length(), np.int32)
        self._use()
        if rebuild:
            self.store.rebuild()

    def _use(self) -> None:
        self.store.use(self._pool.view, self._texts.view, view_of(self._slots), view_of(self.counters))

    def words(self, codes: NDArray[Any]) -> list[str | None]:
        """The texts of some codes, None for 0."""
        rows = self._texts.array[codes]
        pool = self._pool.view
        starts, ends = rows[:, fields.START], rows[:, fields.START] + rows[:, fields.LENGTH]
        flat = memoryview(pool).cast("B")
        found: list[str | None] = [
            str(flat[start:end], "latin-1") or None
            for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
        ]
        for place in np.flatnonzero(rows[:, fields.FOLDED] < 0).tolist():
            found[place] = self.text(int(codes[place]))
        return found

    def pool(self) -> Pool:
        """All texts as they are, references put in words; nothing is read any more."""
        count = int(self.counters[fields.TEXTS])
        for code in np.flatnonzero(self._texts.array[1:count, fields.FOLDED] < 0).tolist():
            self._resolve(code + 1)
        used = int(self.counters[fields.POOL])
        rows = self._texts.array[:count]
        start, length = rows[:, fields.START].copy(), rows[:, fields.LENGTH].copy()
        return Pool(self._pool.array[:used, 0], start, length)

    def _resolve(self, code: int) -> None:
        """Put a text in words for good."""
        text = (self.text(code) or "").encode("ascii", "backslashreplace")
        start = int(self.counters[fields.POOL])
        self._pool.reach(start + len(text))
        self._pool.array[start : start + len(text), 0] = np.frombuffer(text, np.uint8)
        self._texts.array[code, : fields.FOLDED + 1] = start, len(text), code
        self.counters[fields.POOL] = start + len(text)

    def text(self, code: int) -> str | None:
        """The text of a code, None for 0."""
        if code <= 0:
            return None
        text = self._bytes(code).decode("latin-1")
        if self._texts.array[code, fields.FOLDED] < 0:
            return _REFERENCE.sub(self._refer, text)
        return text

    def options(self, codes: NDArray[Any]) -> list[str | None]:
        """What the options of EDNS say, of some codes of bytes."""
        return [self._options(code) for code in codes.tolist()]

    def extended_errors(self, codes: NDArray[Any]) -> list[str | None]:
        """The same, only extended errors (RFC 8914)."""
        return [self._options(code, error=True) for code in codes.tolist()]

    def kept(self, code: int) -> bytes:
        """What is kept of a code above 0: a text, in which references may stand, or the bytes of a record."""
        return self._bytes(code)

    def refers(self, code: int) -> bool:
        """Whether references to records stand in a text."""
        return bool(self._texts.array[code, fields.FOLDED] < 0)

    def add(self, text: bytes) -> int:
        """Keep a text that was made of another one; equal ones are not looked for. Returns its code."""
        self.make_room()
        start, code = int(self.counters[fields.POOL]), int(self.counters[fields.TEXTS])
        self._pool.reach(start + len(text))
        self._pool.array[start : start + len(text), 0] = np.frombuffer(text, np.uint8)
        row = self._texts.array[code]
        row[fields.START], row[fields.LENGTH] = start, len(text)
        row[fields.FOLDED] = -1 if b"\x01" in text else code
        row[fields.HASH] = hash(text) & 0xFFFFFFFF  # places them apart when slots are made anew
        self.counters[fields.POOL], self.counters[fields.TEXTS] = start + len(text), code + 1
        self._use()
        return code

    def _bytes(self, code: int) -> bytes:
        start, length = self._texts.array[code, : fields.LENGTH + 1].tolist()
        return self._pool.array[start : start + length, 0].tobytes()

    def _refer(self, match: re.Match[str]) -> str:
        if match[1]:
            return type_name(int(match[1])) + " "
        code = int(match[2])
        text = self._records.get(code)
        if text is None:
            if len(self._records) >= _MOST_RECORDS:
                self._records.clear()
            text = self._records[code] = _record(self._bytes(code))
        return text

    def _options(self, code: int, *, error: bool = False) -> str | None:
        if code <= 0:
            return None
        import dns.edns  # noqa: PLC0415 - few look at records

        found = _options_of(self._bytes(code)[5:])
        texts = [text for kind, text in found if not error or kind == int(dns.edns.OptionType.EDE)]
        return ", ".join(texts) or None


def _record(kept: bytes) -> str:
    """A record's data in words: as master files have it, or in the form of RFC 3597 where it is unknown."""
    import dns.exception  # noqa: PLC0415 - few look at records
    import dns.rdata  # noqa: PLC0415
    import dns.rdataclass  # noqa: PLC0415
    import dns.rdatatype  # noqa: PLC0415

    kind, group = int.from_bytes(kept[1:3], "big"), int.from_bytes(kept[3:5], "big") & _CLASS_BITS
    data = kept[5:]
    if kind == _NB and data and len(data) % _NB_BYTES == 0:
        # Flags and an address for each host of the name (RFC 1002 section 4.2.1.3).
        return ", ".join(inet_ntoa(data[at + 2 : at + 6]) for at in range(0, len(data), _NB_BYTES))
    names = dns.rdataclass.RdataClass.make(group), dns.rdatatype.RdataType.make(kind)
    try:
        text = dns.rdata.from_wire(*names, data, 0, len(data)).to_text()
    except (dns.exception.DNSException, ValueError):  # not as its type demands
        text = f"\\# {len(data)} {data.hex()}".rstrip()
    if kind in _ONE_NAME and text.endswith(".") and len(text) > 1:
        text = text[:-1]
    return shown(text)


def _options_of(data: bytes) -> list[tuple[int, str]]:
    """The options of EDNS (RFC 6891 section 6.1.2), as far as they are whole."""
    import dns.edns  # noqa: PLC0415 - few look at records
    import dns.exception  # noqa: PLC0415

    found = []
    at = 0
    while at + 4 <= len(data):
        kind, size = int.from_bytes(data[at : at + 2], "big"), int.from_bytes(data[at + 2 : at + 4], "big")
        value = data[at + 4 : at + 4 + size]
        at += 4 + size
        text = f"OPT{kind} {value.hex()}".rstrip()
        named = dns.edns.OptionType.make(kind)
        if len(value) == size:
            try:
                option = dns.edns.option_from_wire(named, value, 0, size)
            except (dns.exception.DNSException, ValueError):
                option = dns.edns.GenericOption(named, value)
            if not isinstance(option, dns.edns.GenericOption):
                text = option.to_text().rstrip()
        found.append((kind, shown(text)))
    return found


def options_text(data: bytes) -> str:
    """The options of EDNS, with commas between them; empty if there are none."""
    return ", ".join(text for _, text in _options_of(data))


def shown(text: str) -> str:
    """The text without anything that does not show, and not longer than is sensible."""
    if len(text) > _MOST_CHARACTERS:
        text = text[: _MOST_CHARACTERS - 4] + " ..."
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        char if char.isprintable() and char.isascii() else "".join(f"\\{byte:03d}" for byte in char.encode())
        for char in text
    )


_NBNS_TYPES = {10: "NULL", 32: "NB", 33: "NBSTAT"}


def type_name(kind: int, *, netbios: bool = False) -> str:
    """The name of a record type (``TYPE123`` where it has none, RFC 3597)."""
    if netbios and kind in _NBNS_TYPES:
        return _NBNS_TYPES[kind]
    import dns.rdatatype  # noqa: PLC0415 - few look at records

    try:
        return dns.rdatatype.to_text(dns.rdatatype.RdataType.make(kind))
    except ValueError:
        return f"TYPE{kind}"


_NBNS_RCODES = {
    1: "FMT_ERR",
    2: "SRV_ERR",
    3: "NAM_ERR",
    4: "IMP_ERR",
    5: "RFS_ERR",
    6: "ACT_ERR",
    7: "CFT_ERR",
}


def rcode_name(rcode: int, *, netbios: bool = False) -> str:
    """The name of a response code."""
    if netbios and rcode in _NBNS_RCODES:
        return _NBNS_RCODES[rcode]
    import dns.rcode  # noqa: PLC0415 - few look at records

    try:
        return dns.rcode.to_text(dns.rcode.Rcode.make(rcode))
    except ValueError:
        return f"RCODE{rcode}"


def class_name(number: int) -> str:
    """The name of a class, without multicast DNS's bit."""
    import dns.rdataclass  # noqa: PLC0415 - few look at records

    return dns.rdataclass.to_text(dns.rdataclass.RdataClass.make(number & _CLASS_BITS))


_OPCODES = {0: "query", 1: "iquery", 2: "status", 4: "notify", 5: "update", 6: "dso"}
_NBNS_OPCODES = {0: "query", 5: "registration", 6: "release", 7: "wait", 8: "refresh", 9: "refresh"}


def opcode_name(opcode: int, *, netbios: bool = False) -> str:
    """The name of an opcode."""
    return (_NBNS_OPCODES if netbios else _OPCODES).get(opcode, f"opcode {opcode}")
