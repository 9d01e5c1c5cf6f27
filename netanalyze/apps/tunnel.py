"""What runs inside a connection that a proxy passes on: named like a stream of its own, and read like one.

``CONNECT`` of HTTP and SOCKS hand over here once the proxy has agreed. Until the bytes have shown what they
are they are kept (``Backlog``), as those of any stream are.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeAlias

import numpy as np
from msgspec.structs import replace

from netanalyze.apps.backlog import Backlog, Budget
from netanalyze.apps.identify import Identifier
from netanalyze.model import Gap
from netanalyze.wire.packets import IN_BATCH, Packets

if TYPE_CHECKING:
    from collections.abc import Callable

    from netanalyze.tcp.byte_streams import Consumer, Ending, StreamFacts

    OpenInside: TypeAlias = Callable[[str, StreamFacts, str], Consumer | None]
    """What reads an inner stream of a protocol that goes through a proxy; None if nothing does."""

_TCP = 6
_ACK = 0x10
_MASK32 = (1 << 32) - 1


class Names:
    """Names inner streams by their bytes and the port they are meant for, by the rules for all streams."""

    def __init__(self) -> None:
        """None yet."""
        self._identifier = Identifier()
        self._packets = Packets(1)
        self._packets.count = 1
        self._packets.views["protocol"][0] = _TCP
        self._packets.views["source"][0] = IN_BATCH
        self._packets.views["flags"][0] = _ACK
        self._count = 0
        self.budget = Budget()

    def open(self) -> int:
        """The number of a new inner stream."""
        self._count += 1
        return self._count - 1

    def look(self, number: int, side: int, data: memoryview, offset: int, ports: tuple[int, int]) -> bool:
        """Look at the next bytes of a side; whether the name stays from now on."""
        view = self._packets.views
        view["stream"][0] = number
        view["side"][0] = side
        view["sport"][0], view["dport"][0] = ports[side], ports[1 - side]
        view["seq"][0] = (offset + 1) & _MASK32
        view["payload_offset"][0] = 0
        view["payload_bytes"][0] = view["payload_captured"][0] = len(data)
        self._identifier.feed(self._packets, data)
        return bool(self._identifier.tcp_settled(np.array([number]))[0])

    def name(self, number: int) -> str:
        """What an inner stream is called as far as it is known, empty if it is not."""
        return self._identifier.tcp_app(number)


class Tunnel:
    """An inner stream: a ``Consumer`` that does not know what it consumes at first.

    Attributes:
        through: which proxy it goes through, for people: how, and where to.
        app: its name, None if it has none yet.
        offsets: of the next byte of each side; may be set to those of the outer stream.
    """

    def __init__(
        self, through: str, facts: StreamFacts, names: Names, open_inside: OpenInside, target_port: int | None
    ) -> None:
        """Nothing has been said yet.

        Args:
            through: which proxy it goes through.
            facts: of the outer stream, with its client's side.
            names: of the run.
            open_inside: gives what reads it, once it has a name.
            target_port: that the client asked for.
        """
        client = facts.client_side or 0
        ports = list(facts.ports)
        if target_port is not None:
            ports[1 - client] = target_port
        self.through = through
        self.app: str | None = None
        self.offsets = [0, 0]
        # It begins where the proxy has agreed: that is no SYN, from which connecting would be measured.
        self._facts = replace(facts, ports=(ports[0], ports[1]), from_the_start=False)
        self._names = names
        self._number = names.open()
        self._open_inside = open_inside
        self._backlog: Backlog | None = Backlog(self._facts, names.budget, self._decide)
        self._inside: Consumer | None = self._backlog

    def data(self, side: int, data: memoryview, frame: int, time_ns: int) -> None:
        """Take the next bytes of a side."""
        offset = self.offsets[side]
        self.offsets[side] += len(data)
        inside = self._inside
        if inside is None:
            return
        inside.data(side, data, offset, frame, time_ns)
        if self._backlog is not None and self._names.look(
            self._number, side, data, offset, self._facts.ports
        ):
            self._decide(self._backlog)

    def gap(self, side: int, length: int, frame: int, time_ns: int) -> None:
        """Take note of missing bytes."""
        if self._inside is not None:
            self._inside.gap(side, Gap(self.offsets[side], length), frame, time_ns)
        self.offsets[side] += length

    def end(self, side: int, ending: Ending, frame: int, time_ns: int) -> None:
        """Take note that a side sends no more."""
        if self._inside is not None:
            self._inside.end(side, ending, frame, time_ns)

    def finish(self, last_ns: int) -> None:
        """Take note that nothing more comes."""
        if self._inside is not None:
            self._inside.finish(last_ns)
            self._inside = None

    def _decide(self, backlog: Backlog) -> Consumer | None:
        """What the inner stream is called now counts."""
        if self._backlog is None:
            return self._inside
        self._backlog = None
        self.app = self._names.name(self._number) or None
        first_ns = backlog.first_ns
        facts = self._facts if first_ns is None else replace(self._facts, first_ns=first_ns)
        self._inside = self._open_inside(self.app or "", facts, self.through)
        if self._inside is not None:
            backlog.replay(self._inside)
        else:
            backlog.clear()
        return self._inside


class TunnelSide:
    """One side of a tunnel, where a half of HTTP takes other bytes to."""

    def __init__(self, tunnel: Tunnel, side: int) -> None:
        """Take the tunnel and the side of the stream."""
        self._tunnel = tunnel
        self._side = side

    def write(self, data: bytes, frame: int, time_ns: int) -> None:
        """Take the next bytes."""
        self._tunnel.data(self._side, memoryview(data), frame, time_ns)

    def gap(self, length: int, frame: int, time_ns: int) -> None:
        """Take note of missing bytes."""
        self._tunnel.gap(self._side, length, frame, time_ns)

    def lose(self) -> None:
        """Take note that what came before is not known: what comes now may be the middle of something."""
