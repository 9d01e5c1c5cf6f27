"""A message of DNS in words, as dig shows it: header, EDNS, and the records of each section, a line each.

Nothing is believed: a name or record that does not lie in the message ends it with a line that says so, and
what is left is shown in hexadecimal. dnspython reads names (pointers only backwards) and the data of records.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from msgspec import Struct, field

from netanalyze.apps.dns import netbios
from netanalyze.apps.dns.texts import class_name, opcode_name, options_text, rcode_name, shown, type_name

if TYPE_CHECKING:
    from collections.abc import Iterator

_HEADER = 12
_SECTIONS = ("QUESTION", "ANSWER", "AUTHORITY", "ADDITIONAL")
_UPDATE_SECTIONS = ("ZONE", "PREREQUISITE", "UPDATE", "ADDITIONAL")
_UPDATE = 5
# RFC 1035 section 4.1.1, RFC 4035 section 3; RFC 1002 section 4.2.1.1 has B in the place of the lowest two.
_FLAGS = ((0x8000, "qr"), (0x0400, "aa"), (0x0200, "tc"), (0x0100, "rd"), (0x0080, "ra"), (0x0040, "z"))
_SECURITY = ((0x0020, "ad"), (0x0010, "cd"))
_BROADCAST = 0x0010
_DO = 0x8000
_UPPER = 0x8000
"""Of a class in multicast DNS: answer to me alone, or forget what else there was (RFC 6762 section 18)."""
_OPT, _NB, _NBSTAT = 41, 32, 33
_WIDEST = 40
_HEX_BYTES = 32
_ENCODED = re.compile(r"[A-P]{32}")


class _MalformedError(Exception):
    """The message cannot be read on; says why."""


class _Record(Struct):
    """A line of a section."""

    name: str
    ttl: str
    kind: str
    data: str


class _Message(Struct):
    """What was read so far.

    Attributes:
        data: the bytes.
        app: ``dns``, ``mdns``, ``llmnr`` or ``nbns``.
        at: where the next byte to read is.
        sections: lines of each section.
        edns: the line about it, empty if there is no such record.
        upper_rcode: upper bits of the response code that EDNS has.
    """

    data: bytes
    app: str
    at: int = _HEADER
    sections: list[list[_Record]] = field(default_factory=lambda: [[], [], [], []])
    edns: str = ""
    upper_rcode: int = 0

    def number(self, size: int, what: str) -> int:
        if self.at + size > len(self.data):
            message = f"{what} is cut off"
            raise _MalformedError(message)
        self.at += size
        return int.from_bytes(self.data[self.at - size : self.at], "big")

    def name(self, what: str) -> str:
        import dns.exception  # noqa: PLC0415 - few look at messages
        import dns.name  # noqa: PLC0415

        try:
            name, used = dns.name.from_wire(self.data, self.at)
        except (dns.exception.DNSException, ValueError) as error:
            message = f"the name of {what} at byte {self.at} cannot be read ({type(error).__name__})"
            raise _MalformedError(message) from error
        self.at += used
        text = shown(name.to_text())
        return _netbios_name(text) if self.app == "nbns" else text


def say_message(data: bytes, wire_bytes: int, app: str) -> str:
    """A message in words, lines that end in LF.

    Args:
        data: the bytes that were captured.
        wire_bytes: how many it had.
        app: whose it is: ``dns``, ``mdns``, ``llmnr`` or ``nbns``.
    """
    return "".join(f"{line}\n" for line in _lines(data, wire_bytes, app))


def _lines(data: bytes, wire_bytes: int, app: str) -> Iterator[str]:
    if len(data) < _HEADER:
        yield f";; no message: {len(data)} of the {_HEADER} bytes of a header"
        yield from _hex(data)
        return
    message = _Message(data, app)
    words = [int.from_bytes(data[at : at + 2], "big") for at in range(0, _HEADER, 2)]
    problem = ""
    try:
        _read(message, words[2:])
    except _MalformedError as error:
        problem = str(error)
    yield from _head(message, words)
    for name, records in zip(_section_names(message, words[1]), message.sections, strict=True):
        if records:
            yield f";; {name}"
            yield from _aligned(records)
    left = data[message.at :]
    if len(data) < wire_bytes:
        yield f";; cut short: {len(data)} of {wire_bytes} bytes were captured"
    elif problem:
        yield f";; malformed: {problem}"
    elif left:
        yield f";; {len(left)} bytes behind the message"
    if not problem and not left:
        return
    yield from _hex(left)


def _read(message: _Message, counts: list[int]) -> None:
    """Read all sections.

    Raises:
        _MalformedError: something cannot be read; what came before is in the message.
    """
    for place in range(counts[0]):
        what = f"question {place + 1}"
        name = message.name(what)
        kind, group = message.number(2, what), message.number(2, what)
        message.sections[0].append(_Record(f";{name}", "", _kind(message, kind, group, "QU"), ""))
    for section, count in enumerate(counts[1:], 1):
        for place in range(count):
            _read_record(message, section, f"{_SECTIONS[section].lower()} {place + 1}")


def _read_record(message: _Message, section: int, what: str) -> None:
    begin = message.at
    name = message.name(what)
    kind, group = message.number(2, what), message.number(2, what)
    ttl, size = message.number(4, what), message.number(2, what)
    left = len(message.data) - message.at
    if size > left:
        message.at = begin
        text = f"{what} ({shown(name)} {type_name(kind)}) has {size} bytes of data, of which {left} are there"
        raise _MalformedError(text)
    if kind == _OPT:
        message.edns = _edns(group, ttl, message.data[message.at : message.at + size])
        message.upper_rcode = ttl >> 24
    else:
        data = _data(message, kind, group, size)
        flag = "cache-flush"
        message.sections[section].append(_Record(name, str(ttl), _kind(message, kind, group, flag), data))
    message.at += size


def _kind(message: _Message, kind: int, group: int, flag: str) -> str:
    """Class and type; in multicast DNS what the upper bit of the class means."""
    multicast = message.app == "mdns"
    name = class_name(group) if multicast or not group & _UPPER else f"CLASS{group}"
    mark = f" ({flag})" if multicast and group & _UPPER else ""
    return f"{name} {type_name(kind, netbios=message.app == 'nbns')}{mark}"


def _data(message: _Message, kind: int, group: int, size: int) -> str:
    """The data of a record in words: as master files have it, or in the form of RFC 3597."""
    import dns.exception  # noqa: PLC0415 - few look at messages
    import dns.rdata  # noqa: PLC0415
    import dns.rdataclass  # noqa: PLC0415
    import dns.rdatatype  # noqa: PLC0415

    raw = message.data[message.at : message.at + size]
    if not size:
        return ""  # deletions of UPDATE have none
    if message.app == "nbns" and kind in (_NB, _NBSTAT):
        said = netbios.addresses(raw) if kind == _NB else netbios.names(raw)
        if said is not None:
            return ", ".join(said)
    if message.app == "mdns":
        group &= ~_UPPER
    names = dns.rdataclass.RdataClass.make(group), dns.rdatatype.RdataType.make(kind)
    try:
        return shown(dns.rdata.from_wire(*names, message.data, message.at, size).to_text())
    except (dns.exception.DNSException, ValueError):  # not as its type demands
        return shown(f"\\# {size} {raw.hex()}")


def _edns(group: int, ttl: int, data: bytes) -> str:
    """The line about EDNS (RFC 6891 section 6.1.3)."""
    flags = "do" if ttl & _DO else "none"
    line = f";; EDNS: version {ttl >> 16 & 0xFF}, flags {flags}, udp {group}"
    options = options_text(data)
    return f"{line}; {options}" if options else line


def _section_names(message: _Message, bits: int) -> tuple[str, ...]:
    """What the sections are called; the opcode that UPDATE has is another one of NetBIOS."""
    return _UPDATE_SECTIONS if bits >> 11 & 15 == _UPDATE and message.app != "nbns" else _SECTIONS


def _head(message: _Message, words: list[int]) -> Iterator[str]:
    netbios_name = message.app == "nbns"
    bits = words[1]
    opcode = opcode_name(bits >> 11 & 15, netbios=netbios_name).upper()
    rcode = rcode_name(message.upper_rcode << 4 | bits & 15, netbios=netbios_name)
    flags = [name for bit, name in _FLAGS if bits & bit]
    if not netbios_name:
        flags += [name for bit, name in _SECURITY if bits & bit]
    elif bits & _BROADCAST:
        flags.append("b")
    names = ["QUERY" if name == "QUESTION" else name for name in _section_names(message, bits)]
    counts = ", ".join(f"{name} {count}" for name, count in zip(names, words[2:], strict=True))
    yield f";; opcode {opcode}, status {rcode}, id {words[0]}; flags: {' '.join(flags) or 'none'}; {counts}"
    if message.edns:
        yield message.edns


def _aligned(records: list[_Record]) -> Iterator[str]:
    """Records as lines whose columns stand below each other."""
    name, ttl, kind = (
        min(max(len(getattr(record, part)) for record in records), _WIDEST)
        for part in ("name", "ttl", "kind")
    )
    for record in records:
        parts = [record.name.ljust(name), record.ttl.rjust(ttl), record.kind.ljust(kind), record.data]
        yield "  ".join(part for part in parts if part).rstrip()


def _hex(data: bytes) -> Iterator[str]:
    for at in range(0, len(data), _HEX_BYTES):
        yield f";;   {data[at : at + _HEX_BYTES].hex(' ', 2)}"


def _netbios_name(text: str) -> str:
    """A name whose first label is one of NetBIOS (RFC 1001 section 14.1), written as NAME<20>."""
    label, _, scope = text.partition(".")
    if not _ENCODED.fullmatch(label):
        return text
    numbers = [ord(letter) - ord("A") for letter in label]
    letters = bytes(high << 4 | low for high, low in zip(numbers[::2], numbers[1::2], strict=True))
    name = netbios.letters_text(letters[:-1])
    return f"{name}<{letters[-1]:02x}>" + (f".{scope}" if scope else "")
