"""Reads how SOCKS 4, 4A and 5 agree on a connection (RFC 1928, RFC 1929), and hands over what it carries."""

from __future__ import annotations

from ipaddress import ip_address
from typing import TYPE_CHECKING

from msgspec import Struct
from msgspec.structs import replace

from netanalyze.apps.transcript import Plain
from netanalyze.apps.tunnel import Names, Tunnel
from netanalyze.apps.tunnel_transcript import Inside

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence
    from typing import Any

    from netanalyze.apps.reading import Application
    from netanalyze.apps.transcript import Passage
    from netanalyze.apps.tunnel import OpenInside
    from netanalyze.model import Gap
    from netanalyze.tcp.byte_streams import Ending, StreamFacts

_MOST_BYTES = 4096  # of an agreement, with what a client says without waiting
_CONNECT = 1
_GRANTED_4 = 0x5A
_NO_METHOD, _PASSWORD = 0xFF, 2
_IP4, _NAME, _IP6 = 1, 3, 4


class Agreed(Struct, frozen=True):
    """What client and proxy have agreed on.

    Attributes:
        version: of SOCKS.
        host, port: what the client is connected to.
        sizes: bytes of the agreement, of client and proxy.
    """

    version: int
    host: str
    port: int
    sizes: tuple[int, int]


class _Cursor:
    """Takes bytes from the beginning on; ``short`` when there were not enough."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.place = 0
        self.short = False

    def take(self, count: int) -> bytes:
        end = self.place + count
        if end > len(self.data):
            self.short = True
            return bytes(count)
        taken = self.data[self.place : end]
        self.place = end
        return taken

    def number(self) -> int:
        return self.take(1)[0]

    def text(self) -> str:
        """Up to a zero byte."""
        end = self.data.find(b"\0", self.place)
        if end < 0:
            self.short = True
            return ""
        taken = self.data[self.place : end]
        self.place = end + 1
        return taken.decode("latin-1")

    def address(self) -> str | None:
        """As version 5 writes them; None for a kind there is none of."""
        kind = self.number()
        if kind in (_IP4, _IP6):
            return str(ip_address(self.take(4 if kind == _IP4 else 16)))
        return self.take(self.number()).decode("latin-1") if kind == _NAME else None


def agree(client: bytes, proxy: bytes) -> Agreed | bool:
    """What was agreed: False if nothing will be, True if more has to be seen."""
    if not client or not proxy:
        return True
    ours, theirs = _Cursor(client), _Cursor(proxy)
    version = ours.number()
    found = _agree_5(ours, theirs) if version == 5 else _agree_4(ours, theirs) if version == 4 else False  # noqa: PLR2004
    return True if ours.short or theirs.short else found


def _agree_4(ours: _Cursor, theirs: _Cursor) -> Agreed | bool:
    command = ours.number()
    port = int.from_bytes(ours.take(2), "big")
    address = ours.take(4)
    ours.text()  # the user
    # SOCKS 4A: an address that cannot be stands for a name behind the user.
    host = ours.text() if address[:3] == b"\0\0\0" and address[3] else str(ip_address(address))
    reply = theirs.take(8)
    if command != _CONNECT or reply[1] != _GRANTED_4:
        return False
    return Agreed(4, host, port, (ours.place, theirs.place))


def _agree_5(ours: _Cursor, theirs: _Cursor) -> Agreed | bool:
    ours.take(ours.number())
    theirs.take(1)
    method = theirs.number()
    if theirs.short:
        return True
    if method == _PASSWORD:
        ours.take(1)
        ours.take(ours.number())
        ours.take(ours.number())
        if theirs.take(2)[1]:
            return theirs.short
    elif method:
        return False  # GSSAPI wraps what follows
    _, command, _ = ours.take(3)
    host = ours.address()
    port = int.from_bytes(ours.take(2), "big")
    _, reply, _ = theirs.take(3)
    bound = theirs.address()
    theirs.take(2)
    if ours.short or theirs.short:
        return True
    if reply or command != _CONNECT or host is None or bound is None:
        return False
    return Agreed(5, host, port, (ours.place, theirs.place))


class Socks:
    """Reads one stream of SOCKS; a ``Consumer``.

    Attributes:
        tunnel: what it carries, None while there is no agreement.
        over: whether there will be none.
        sizes: bytes of the agreement, by side.
    """

    def __init__(self, facts: StreamFacts, names: Names, open_inside: OpenInside) -> None:
        """Nothing has been said yet; see ``Tunnel``."""
        self._facts = facts
        self._names = names
        self._open_inside = open_inside
        self._said: tuple[bytearray, bytearray] = (bytearray(), bytearray())
        self._moments: list[tuple[int, int]] = [(0, 0), (0, 0)]
        self._client = facts.client_side or 0
        self.tunnel: Tunnel | None = None
        self.over = False
        self.sizes = [0, 0]

    def data(self, side: int, data: memoryview, offset: int, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        del offset
        if self.tunnel is not None:
            self.tunnel.data(side, data, frame, time_ns)
        elif not self.over:
            if not self._said[1 - side]:
                self._client = side  # who speaks first
            self._said[side].extend(data)
            self._moments[side] = frame, time_ns
            self._look()

    def _look(self) -> None:
        client = self._client
        ours, theirs = self._said[client], self._said[1 - client]
        found = agree(bytes(ours), bytes(theirs))
        if isinstance(found, Agreed):
            self._begin(found, client)
        elif not found or max(len(ours), len(theirs)) > _MOST_BYTES:
            self.over = True

    def _begin(self, agreed: Agreed, client: int) -> None:
        host = f"[{agreed.host}]" if ":" in agreed.host else agreed.host
        through = f"SOCKS{agreed.version} {host}:{agreed.port}"
        self.tunnel = tunnel = Tunnel(
            through,
            replace(self._facts, client_side=client),
            self._names,
            self._open_inside,
            agreed.port,
        )
        for side, size in ((client, agreed.sizes[0]), (1 - client, agreed.sizes[1])):
            tunnel.offsets[side] = self.sizes[side] = size
            rest = bytes(self._said[side][size:])
            if rest:
                tunnel.data(side, memoryview(rest), *self._moments[side])
        self._said[0].clear()
        self._said[1].clear()

    def gap(self, side: int, gap: Gap, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        if self.tunnel is not None:
            self.tunnel.gap(side, gap.length, frame, time_ns)
        else:
            self.over = True

    def end(self, side: int, ending: Ending, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        if self.tunnel is not None:
            self.tunnel.end(side, ending, frame, time_ns)

    def finish(self, last_ns: int) -> None:
        """See ``Consumer``."""
        if self.tunnel is not None:
            self.tunnel.finish(last_ns)


class Carrier:
    """SOCKS for a run: what it carries goes to the applications of the protocols that are read."""

    def __init__(self, applications: Mapping[str, Application]) -> None:
        """Take the applications of the run by protocol."""
        self._applications = dict(applications)
        self._names: Names | None = None

    def open(self, stream: StreamFacts) -> Socks:
        """A reader for a stream."""
        self._names = self._names or Names()
        return Socks(stream, self._names, self._inside)

    def _inside(self, name: str, stream: StreamFacts, through: str) -> Any:  # noqa: ANN401 - a Consumer or None
        found = self._applications.get(name)
        opener = getattr(found, "open_inside", None)
        return opener(name, stream, through) if opener is not None else None

    def columns(self) -> Mapping[str, Mapping[str, Sequence[Any]]]:
        """It has no tables of its own."""
        return {}


def CARRIER(applications: Mapping[str, Application]) -> Carrier:  # noqa: N802 - as APPLICATION
    """SOCKS for a run."""
    return Carrier(applications)


class SocksTranscriber:
    """Shows the agreement as it was sent, and behind it what the connection carries."""

    def __init__(self, stream: StreamFacts, max_body_bytes: int) -> None:
        """Nothing has been said yet."""
        self._inside = Inside(max_body_bytes)
        self._socks = Socks(stream, Names(), self._inside.open)
        self._bytes = Plain()
        self._open = True  # it is not known yet where what is carried begins
        self._kept: list[tuple[int, bytes, int, int, int]] = []

    def data(self, side: int, data: memoryview, offset: int, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        if self._open:
            self._kept.append((side, bytes(data), offset, frame, time_ns))
        self._socks.data(side, data, offset, frame, time_ns)
        self._look()

    def _look(self, *, last: bool = False) -> None:
        """Show what is known by now to be part of the agreement, or never to be followed by one."""
        if not self._open:
            return
        agreed = self._socks.tunnel is not None
        if not (agreed or self._socks.over or last):
            return
        self._open = not agreed
        kept, self._kept = self._kept, []
        for side, data, offset, frame, time_ns in kept:
            part = data[: max(self._socks.sizes[side] - offset, 0)] if agreed else data
            if part:
                self._bytes.data(side, memoryview(part), offset, frame, time_ns)

    def gap(self, side: int, gap: Gap, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        self._socks.gap(side, gap, frame, time_ns)
        self._look()
        if self._open:
            self._bytes.gap(side, gap, frame, time_ns)

    def end(self, side: int, ending: Ending, frame: int, time_ns: int) -> None:
        """See ``Consumer``."""
        self._socks.end(side, ending, frame, time_ns)

    def finish(self, last_ns: int) -> None:
        """See ``Consumer``."""
        self._look(last=True)
        self._socks.finish(last_ns)

    def take(self) -> Iterator[Passage]:
        """See ``Transcriber``."""
        yield from self._bytes.take()
        yield from self._inside.take()


def TRANSCRIBER(stream: StreamFacts, max_body_bytes: int) -> SocksTranscriber:  # noqa: N802 - as above
    """What shows a stream of SOCKS."""
    return SocksTranscriber(stream, max_body_bytes)
