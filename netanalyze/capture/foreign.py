"""Files that are no capture readable here: what their first bytes say they are, and what to do."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping

CAPTURES: Mapping[bytes, str] = {
    b"RTSS": "a Microsoft Network Monitor 1 capture",
    b"GMBU": "a Microsoft Network Monitor 2 capture",
    b"XCP\0": "a NetXray or Windows Sniffer capture",
    b"VL\0\0": "an old NetXray capture",
    b"TRSNIFF data": "a DOS Sniffer capture",
    b"iptrace ": "an AIX iptrace capture",
    b"\x7fver": "an OmniPeek capture",
    b"ObserverPktBuffe": "a Network Instruments Observer capture",
    b"\xaa\xaa\xaa\xaa": "an Accellent 5Views capture",
    b"\x05VNF": "a Visual Networks capture",
    b"\x00\x00\x02\x00\x12\x05\x00\x10": "a Tektronix K12xx capture",
    b"btsnoop\0": "a Bluetooth btsnoop capture",
    b"LOGG": "a Vector BLF log",
    b"\x1c\x00\x01\xab": "an Ixia lcap capture",
    b"\x1c\x00\x01\xac": "an Ixia lcap capture",
    b"\xab\x01\x00\x1c": "an Ixia lcap capture",
    b"\xac\x01\x00\x1c": "an Ixia lcap capture",
}
"""First bytes of captures in other formats that Wireshark's tools convert."""

ARCHIVES: Mapping[bytes, str] = {
    b"PK\x03\x04": "a ZIP archive",
    b"7z\xbc\xaf\x27\x1c": "a 7z archive",
    b"Rar!\x1a\x07": "a RAR archive",
}
TAR_OFFSET, TAR = 257, b"ustar"

OTHERS: Mapping[bytes, str] = {
    b"\x89PNG\r\n\x1a\n": "a PNG image",
    b"\xff\xd8\xff": "a JPEG image",
    b"GIF8": "a GIF image",
    b"%PDF-": "a PDF document",
    b"\x7fELF": "a program (ELF)",
    b"MZ": "a program for Windows",
    b"SQLite format 3\0": "an SQLite database",
}

START_BYTES = 1024
"""How much of a file it takes to tell."""

ERF_HEADER_BYTES = 16
ERF_TYPES = range(1, 49)
ERF_RECORDS = 3


def explain(file: str, path: str, start: bytes) -> str:
    """One line on a file that begins with ``start`` and is of no format that is read.

    Args:
        file: the name to show.
        path: the name to use in a command.
        start: its first bytes, ``START_BYTES`` if it has so many.
    """
    what = _look_up(CAPTURES, start) or ("an Endace ERF capture" if _is_erf(start) else "")
    if what:
        return f"{file}: is {what}; convert it first: editcap -F pcapng {shlex.quote(path)} OUT.pcapng"
    what = _look_up(ARCHIVES, start) or ("a tar archive" if start[TAR_OFFSET:].startswith(TAR) else "")
    if what:
        return f"{file}: is {what}; unpack it and name the captures inside"
    what = _look_up(OTHERS, start) or ("text" if _is_text(start) else "")
    if what:
        return f"{file}: is {what}, not a capture; pcap, pcapng and snoop files are read"
    return (
        f"{file}: begins like no capture known here (bytes {start[:8].hex(' ')}); pcap, pcapng and snoop "
        f"files are read, and Wireshark's editcap may convert others: "
        f"editcap -F pcapng {shlex.quote(path)} OUT.pcapng"
    )


def _look_up(table: Mapping[bytes, str], start: bytes) -> str:
    return next((what for magic, what in table.items() if start.startswith(magic)), "")


def _is_erf(start: bytes) -> bool:
    """Whether ERF records follow one another; the format has no magic number.

    A record header: time (8 bytes), type, flags, record length (2), loss counter (2), wire length (2).
    """
    at = 0
    for _ in range(ERF_RECORDS):
        header = start[at : at + ERF_HEADER_BYTES]
        if len(header) < ERF_HEADER_BYTES:
            return at > 0
        length = int.from_bytes(header[10:12], "big")
        wire = int.from_bytes(header[14:16], "big")
        if header[8] & 0x7F not in ERF_TYPES or length < ERF_HEADER_BYTES or not wire:
            return False
        at += length
    return True


def _is_text(start: bytes) -> bool:
    text = start.decode("utf-8", "ignore")  # the last character may be cut
    return (
        bool(text)
        and len(text.encode()) >= len(start) - 3
        and all(c.isprintable() or c.isspace() for c in text)
    )
