"""Which application protocol each TCP stream and UDP flow carries.

Batches of packets go in; per stream a protocol and the reason for it come out. The rules are those
of ``identify_kernel``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.apps import identify_kernel
from netanalyze.apps.codes import HEAD_BYTES, TRANSPORTS, Confidence
from netanalyze.apps.compiled import load
from netanalyze.apps.signature_tables import SignatureTables
from netanalyze.columns import view_of
from netanalyze.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from numpy.typing import NDArray

    from netanalyze.apps.flatten import Flat
    from netanalyze.apps.protocol import Protocol
    from netanalyze.wire.packets import Packets

_FIRST_STREAMS = 1024
_BOTH_DONE = 3
"""Bits of a stream's state: nothing more is looked at from either side."""
_BY_SIDE = frozenset({"next_seq", "looks", "paired", "slot"})
"""Arrays that have two elements a stream."""
_NO_APP = view_of(np.zeros(0, np.int16))
_COLUMNS = (
    "protocol",
    "role",
    "source",
    "duplicate",
    "side",
    "stream",
    "sport",
    "dport",
    "flags",
    "seq",
    "ack",
    "payload_offset",
    "payload_bytes",
    "payload_captured",
)


class _StreamArrays:
    """The arrays behind the kernel's ``Streams``, which it cannot make grow itself."""

    def __init__(self, table: int) -> None:
        self.streams = identify_kernel.Streams(table)
        self.count = 0
        self._capacity = 0
        self._arrays: dict[str, NDArray[Any]] = {
            "state": np.zeros(0, np.uint8),
            "code": np.zeros(0, np.int16),
            "confidence": np.zeros(0, np.uint8),
            "next_seq": np.zeros(0, np.uint32),
            "looks": np.zeros(0, np.uint8),
            "paired": np.zeros(0, np.uint32),
            "slot": np.zeros(0, np.int32),
        }
        self._heads: dict[str, NDArray[Any]] = {
            "heads": np.zeros(0, np.uint8),
            "head_bytes": np.zeros(0, np.uint8),
            "head_row": np.zeros(0, np.int16),
            "head_count": np.zeros(0, np.uint8),
        }
        self._free = np.zeros(0, np.int32)
        self._grow_streams(_FIRST_STREAMS)
        self._grow_heads(0)

    def codes(self) -> NDArray[np.int16]:
        """A copy of the codes of the streams seen so far."""
        return self._arrays["code"][: self.count].copy()

    def confidences(self) -> NDArray[np.uint8]:
        """A copy of the ``Confidence`` of the streams seen so far."""
        return self._arrays["confidence"][: self.count].copy()

    def code(self, stream: int) -> int:
        """The code of one stream, 0 if nothing was seen of it."""
        return int(self._arrays["code"][stream]) if stream < self.count else 0

    def codes_of(self, streams: NDArray[np.int64]) -> NDArray[np.int16]:
        """The codes of some streams that were seen."""
        found: NDArray[np.int16] = self._arrays["code"][streams]
        return found

    def settled(self, streams: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Of which of these streams the code stays as it is; see ``Identifier.tcp_settled``."""
        seen = streams < self.count
        some = np.where(seen, streams, 0)
        done = (self._arrays["state"][some] & _BOTH_DONE) == _BOTH_DONE
        found: NDArray[np.bool_] = seen & (done | (self._arrays["confidence"][some] >= Confidence.CONTENT))
        return found

    def make_room(self, last: int, packets: int) -> None:
        """Before a kernel call: room for streams up to ``last``, and a head for each packet."""
        self.count = max(self.count, last + 1)
        if self.count > self._capacity:
            self._grow_streams(max(self.count, 2 * self._capacity))
        if self.streams.free_heads() < packets:
            self._grow_heads(packets)

    def keep(self, streams: NDArray[np.int64]) -> None:
        """Let go of all streams but these, in ascending order: they become the first ones."""
        streams = streams[streams < self.count]  # one without payload may not have come here
        gone = np.ones(self.count, np.bool_)
        gone[streams] = False
        slots = self._arrays["slot"][: 2 * self.count][np.repeat(gone, 2)]
        given_back = slots[slots >= 0]
        free_count = self.streams.free_heads()
        self._free[free_count : free_count + len(given_back)] = given_back
        for name, array in self._arrays.items():
            sides = 2 if name in _BY_SIDE else 1
            rows = array[: self.count * sides].reshape(-1, sides)
            rows[: len(streams)] = rows[streams]
            rows[len(streams) :] = -1 if name == "slot" else 0
        self.count = len(streams)
        self._use_heads(free_count + len(given_back))

    def _use_heads(self, free_count: int) -> None:
        heads, head_bytes, head_row, head_count = (view_of(array) for array in self._heads.values())
        self.streams.use_heads(heads, head_bytes, head_row, head_count, view_of(self._free), free_count)

    def _grow_streams(self, capacity: int) -> None:
        for name, array in self._arrays.items():
            sides = 2 if name in _BY_SIDE else 1
            grown = np.full(capacity * sides, -1 if name == "slot" else 0, array.dtype)
            grown[: array.size] = array
            self._arrays[name] = grown
        self._capacity = capacity
        self.streams.use_streams(*(view_of(array) for array in self._arrays.values()))

    def _grow_heads(self, more: int) -> None:
        have = self._free.size
        capacity = max(have + more, 2 * have)
        free_count = self.streams.free_heads() if have else 0
        for name, array in self._heads.items():
            grown = np.zeros(capacity * (HEAD_BYTES if name == "heads" else 1), array.dtype)
            grown[: array.size] = array
            self._heads[name] = grown
        free = np.zeros(capacity, np.int32)
        free[:free_count] = self._free[:free_count]
        free[free_count : free_count + capacity - have] = np.arange(have, capacity)
        self._free = free
        self._use_heads(free_count + capacity - have)


class Identifier:
    """Names streams from the packets of one batch after the other.

    Attributes:
        names: protocol names by code; ``names[0]`` is empty and stands for no name.
        service_ports: by transport the ports on which servers of the protocols listen.
    """

    def __init__(
        self,
        decode_as: Mapping[tuple[str, int], str] | None = None,
        protocols: Sequence[Protocol] | None = None,
    ) -> None:
        """Start with no streams.

        Args:
            decode_as: for ``("tcp", 9000)`` and the like the name of the protocol that streams with
                this port carry, whatever their bytes look like.
            protocols: the protocols to tell apart; all that are known if None.

        Raises:
            UsageError: ``decode_as`` names an unknown protocol, transport or port.
        """
        tables = SignatureTables(_flat(protocols), decode_as)
        self.names: list[str] = tables.names
        self.service_ports = {name: tables.service_ports(name) for name in TRANSPORTS}
        self._matcher = identify_kernel.Matcher(*tables.views())
        self._found = view_of(np.zeros(4, np.int64))
        self._tcp = _StreamArrays(0)
        self._udp = _StreamArrays(1)

    def feed(self, packets: Packets, batch_data: memoryview, app: memoryview | None = None) -> None:
        """Look at one batch's packets.

        Args:
            packets: the packets, with streams numbered.
            batch_data: the buffer that offsets of packets with source ``IN_BATCH`` refer to.
            app: 16-bit integers (``Packets.views["app"]``). Each packet with captured payload gets the
                code its stream has by then, every other packet 0.
        """
        columns = identify_kernel.PacketColumns(*packets.pick(*_COLUMNS))
        identify_kernel.survey(columns, packets.count, self._found)
        tcp_last, tcp_packets, udp_last, udp_packets = self._found
        self._tcp.make_room(tcp_last, tcp_packets)
        self._udp.make_room(udp_last, udp_packets)
        identify_kernel.identify(
            self._matcher,
            self._tcp.streams,
            self._udp.streams,
            columns,
            packets.count,
            batch_data,
            packets.arena,
            _NO_APP if app is None else app,
        )

    def keep_tcp(self, streams: NDArray[np.int64]) -> None:
        """Let go of all TCP streams but these (see ``flow.table.Conversations.keep``)."""
        self._tcp.keep(streams)

    def keep_udp(self, flows: NDArray[np.int64]) -> None:
        """Let go of all UDP flows but these."""
        self._udp.keep(flows)

    def tcp_apps(self) -> tuple[NDArray[np.int16], list[str]]:
        """The code of each TCP stream, and the names by code."""
        return self._tcp.codes(), self.names

    def tcp_app(self, stream: int) -> str:
        """The name of what one TCP stream carries as far as it is known, empty if it is not."""
        return self.names[self._tcp.code(stream)]

    def tcp_settled(self, streams: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Of which of these TCP streams the name stays: its bytes have shown it, or no more are looked at."""
        return self._tcp.settled(streams)

    def udp_codes(self, flows: NDArray[np.int64]) -> NDArray[np.int16]:
        """The codes of these UDP flows, of which datagrams have come."""
        return self._udp.codes_of(flows)

    def udp_settled(self, flows: NDArray[np.int64]) -> NDArray[np.bool_]:
        """Of which of these UDP flows the name stays."""
        return self._udp.settled(flows)

    def udp_apps(self) -> tuple[NDArray[np.int16], list[str]]:
        """The code of each UDP flow, and the names by code."""
        return self._udp.codes(), self.names

    def tcp_confidences(self) -> NDArray[np.uint8]:
        """Why each TCP stream has its name: a ``protocol.Confidence``."""
        return self._tcp.confidences()

    def udp_confidences(self) -> NDArray[np.uint8]:
        """Why each UDP flow has its name: a ``protocol.Confidence``."""
        return self._udp.confidences()


def _flat(protocols: Sequence[Protocol] | None) -> Flat:
    if protocols is None:
        return load()
    from netanalyze.apps.flatten import flatten  # noqa: PLC0415 - only for a list of one's own

    return flatten(protocols)


def decode_as(wanted: Iterable[str]) -> dict[tuple[str, int], str]:
    """What ``Identifier`` takes, from texts such as ``9000=http`` or ``udp/5300=dns``.

    Without a transport the port means every transport that the protocol uses.

    Raises:
        UsageError: a text has another form, or names something unknown.
    """
    flat = load()
    found: dict[tuple[str, int], str] = {}
    for text in wanted:
        where, _, name = text.partition("=")
        transport, _, port = where.rpartition("/")
        if not (port.isascii() and port.isdecimal() and name):
            message = f"--decode-as {text}: write PORT=PROTOCOL, such as 9000=http or udp/5300=dns"
            raise UsageError(message)
        if name not in flat.names:
            known = ", ".join(sorted(flat.names[1:]))
            message = f"--decode-as {text}: there is no protocol {name!r}; known are {known}"
            raise UsageError(message)
        carriers = [transport] if transport else flat.transports[flat.names.index(name)]
        found |= {(carrier, int(port)): name for carrier in carriers}
    return found
