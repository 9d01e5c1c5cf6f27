"""The name of the server that a client says when it begins: in TLS the server name, in HTTP the host.

Only the beginning of what the first speaker of a stream sends is looked at, and only while its segments come
in order: a name that is not found is one that is not known.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import numpy as np

from netanalyze.columns import found_in
from netanalyze.wire.packets import IN_BATCH, INNERMOST

if TYPE_CHECKING:
    from netanalyze.capture.batch import Batch
    from netanalyze.wire.packets import Packets

_TCP = 6
MOST_BYTES = 1 << 14
"""A ClientHello is one TLS record at most (RFC 8446 section 5.1), and heads of HTTP are shorter."""
WAITING = 4096
"""Streams of which more than a segment is needed, at a time."""
_REQUEST = re.compile(rb"[A-Z]{3,16} [^\r\n]{1,8000} HTTP/1\.[01]\r?\n")
_HOST = re.compile(rb"\r?\n[Hh][Oo][Ss][Tt]:[ \t]*([^\r\n]{1,300}?)[ \t]*\r?\n")
_NAME = re.compile(r"[\x21-\x7e]{1,253}")


class SaidNames:
    """Looks at the first payload of each stream.

    Attributes:
        names: by number of the stream, in lower case and without a port.
    """

    def __init__(self) -> None:
        """Nothing said yet."""
        self.names: dict[int, str] = {}
        self._waiting: dict[int, tuple[int, bytes]] = {}
        self._seen = np.zeros(1024, np.bool_)

    def feed(self, batch: Batch, packets: Packets, streams: int) -> None:
        """Look at the packets of a batch; ``streams`` is how many streams there are with it."""
        if streams > len(self._seen):
            self._seen = np.concatenate([self._seen, np.zeros(max(streams, len(self._seen)), np.bool_)])
        column = {name: packets.arrays[name][: packets.count] for name in packets.FIELDS}
        ours = (column["protocol"] == _TCP) & (column["payload_captured"] > 0) & (column["stream"] >= 0)
        ours &= (column["role"] == INNERMOST) & (column["duplicate"] == 0)
        rows = np.flatnonzero(ours)
        numbers = column["stream"][rows]
        wanted = ~self._seen[numbers]
        if self._waiting:
            wanted |= found_in(numbers, list(self._waiting))
        for row in rows[wanted].tolist():
            stream = int(column["stream"][row])
            if not self._seen[stream] or stream in self._waiting:
                self._seen[stream] = True
                begin = int(column["payload_offset"][row])
                source = batch.data if column["source"][row] == IN_BATCH else packets.arena
                payload = bytes(source[begin : begin + int(column["payload_captured"][row])])
                whole = column["payload_captured"][row] == column["payload_bytes"][row]
                self._take(stream, int(column["seq"][row]), payload, whole=bool(whole))

    def _take(self, stream: int, seq: int, payload: bytes, *, whole: bool) -> None:
        if stream in self._waiting:
            expected, before = self._waiting[stream]
            if seq != expected:
                return
            payload = before + payload
            del self._waiting[stream]
            seq -= len(before)
        name, more = said_name(payload)
        if name is not None:
            self.names[stream] = name
        elif more and whole and len(payload) < MOST_BYTES and len(self._waiting) < WAITING:
            self._waiting[stream] = ((seq + len(payload)) & 0xFFFFFFFF, payload)


def said_name(data: bytes) -> tuple[str | None, bool]:
    """The name in the first bytes of a client, and whether more bytes could have one."""
    if data[:2] == b"\x16\x03":
        return _server_name(data)
    if _REQUEST.match(data):
        host = _HOST.search(data)
        if host is None:
            return None, b"\r\n\r\n" not in data
        return _clean(host[1]), False
    return None, False


def _clean(raw: bytes) -> str | None:
    """Without a port, in lower case; None if it cannot be a name or an address."""
    text = raw.decode("latin-1").lower()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    return text.rstrip(".") if _NAME.fullmatch(text) else None


def _server_name(data: bytes) -> tuple[str | None, bool]:
    """Of a ClientHello (RFC 8446 section 4.1.2) the first host name of its extension (RFC 6066 section 3)."""
    hello = _handshake(data)
    at = 4 + 2 + 32
    if hello[:1] not in (b"", b"\x01"):
        return None, False
    for width in (1, 2, 1):  # session, cipher suites, compression methods
        at += width + int.from_bytes(hello[at : at + width], "big")
    end = at + 2 + int.from_bytes(hello[at : at + 2], "big")
    at += 2
    while at + 4 <= min(end, len(hello)):
        kind = int.from_bytes(hello[at : at + 2], "big")
        size = int.from_bytes(hello[at + 2 : at + 4], "big")
        body = hello[at + 4 : at + 4 + size]
        if kind == 0 and len(body) == size and body[2:3] == b"\0":
            return _clean(body[5 : 5 + int.from_bytes(body[3:5], "big")]), False
        at += 4 + size
    return None, len(hello) < 4 + int.from_bytes(hello[1:4], "big")


def _handshake(data: bytes) -> bytes:
    """The bytes of handshake messages in the TLS records at the beginning."""
    parts, at = [], 0
    while data[at : at + 2] == b"\x16\x03" and at + 5 <= len(data):
        size = int.from_bytes(data[at + 3 : at + 5], "big")
        parts.append(data[at + 5 : at + 5 + size])
        at += 5 + size
    return b"".join(parts)
