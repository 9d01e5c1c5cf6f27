"""The stage that finds the messages of every stream and lays them over the segments.

Who says where a message ends, the first of these that knows: a framing that the user gave for the server's
port; the reader of the protocol that the stream carries, or the framing that its file declares; a framing
that the user gave for all ports; one that fits the stream's own bytes (``tcp.writes.guess``); the segments,
as far as they tell what was written at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from netanalyze.apps.boundaries.http import HttpHalf, HttpMessages
from netanalyze.apps.boundaries.stream import StreamMessages
from netanalyze.columns import GrowingRows
from netanalyze.tcp.assembler import FIRST
from netanalyze.tcp.reassembly import Reassembly
from netanalyze.tcp.reassembly_fields import ASKED
from netanalyze.tcp.writes.framing import StreamFraming
from netanalyze.tcp.writes.guess import guess
from netanalyze.tcp.writes.layout import Layout
from netanalyze.wire.packets import CARRIER

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from netanalyze.apps.boundaries.halves import HalfMessages
    from netanalyze.apps.identify import Identifier
    from netanalyze.capture.batch import Batch
    from netanalyze.tcp.byte_streams import Consumer, StreamFacts
    from netanalyze.tcp.segments import Segments
    from netanalyze.tcp.writes.framing import Framing
    from netanalyze.wire.packets import Packets

TOTAL_BYTES = 64 << 20
"""What may wait in all until it is known how messages are told apart."""
_TCP = 6


class Boundaries:
    """Finds and lays out the messages of all streams.

    Attributes:
        layout: what was found.
        taken: memory that waits.
    """

    def __init__(  # noqa: PLR0913 - what it works with, by name
        self,
        capacity: int,
        identifier: Identifier,
        segments: Segments,
        *,
        framings: Mapping[int | None, Framing],
        keep_messages: bool,
        streams: Collection[int] = (),
        policy: str = FIRST,
        use_protocols: bool = True,
    ) -> None:
        """Nothing seen yet.

        Args:
            capacity: how many packets a batch holds at most.
            identifier: which sees every batch before.
            segments: what the sequence analysis finds out about each batch.
            framings: given by the user, by server port; None for all others.
            keep_messages: whether a row of each message is wanted.
            streams: only these, all if empty.
            policy: which copy of bytes counts that came twice (``tcp.assembler``).
            use_protocols: whether what is known of protocols counts.
        """
        self.layout = Layout(capacity, segments, keep_messages=keep_messages)
        self.taken = 0
        self._identifier = identifier
        self._framings = framings
        self._only = np.array(sorted(streams), np.int64)
        self._use_protocols = use_protocols
        self._policy = policy
        self._declared: dict[str, StreamFraming | None] = {}
        ports = identifier.service_ports["tcp"]
        self._reassembly = Reassembly(capacity, self._open, policy=policy, service_ports=ports)
        self._asked = GrowingRows(1, "u1")
        self._marked = 0
        self._undecided: dict[int, StreamMessages] = {}
        self._last_ns = 0

    @property
    def full(self) -> bool:
        """Whether no more may wait."""
        return self.taken > TOTAL_BYTES

    def feed(self, batch: Batch, packets: Packets, streams: int) -> None:
        """Take a batch that the identifier and the sequence analysis have seen."""
        asked = self._asked.reach(streams)
        if streams > self._marked:
            self._asked.array[self._marked : streams, 0] = 0 if self._only.size else ASKED & 2
            self._marked = streams
            self._asked.array[self._only[self._only < streams], 0] = ASKED & 2
        if batch.count:
            self._last_ns = max(self._last_ns, int(batch.arrays["time_ns"][: batch.count].max()))
        self.layout.feed(batch, packets, streams)
        self._decide(packets)
        self._reassembly.feed(batch, packets, streams, asked)

    def _decide(self, packets: Packets) -> None:
        """Go on with streams whose protocol has become known."""
        if not self._undecided:
            return
        arrays, count = packets.arrays, packets.count
        tcp = (arrays["protocol"][:count] == _TCP) & (arrays["role"][:count] <= CARRIER)
        for stream in set(arrays["stream"][:count][tcp].tolist()) & self._undecided.keys():
            consumer = self._undecided[stream]
            if self._told(consumer):
                consumer.decide()

    def finish(self) -> None:
        """Nothing more comes."""
        self._reassembly.finish(self._last_ns)

    def warnings(self) -> list[str]:
        """What was left out, a line each."""
        return self._reassembly.losses.lines(self._policy)

    def _open(self, facts: StreamFacts) -> Consumer:
        consumer = StreamMessages(self, facts)
        self._undecided[facts.number] = consumer
        if self._told(consumer):
            consumer.decide()
        return consumer

    def over(self, consumer: StreamMessages) -> None:
        """A stream is over."""
        self._undecided.pop(consumer.facts.number, None)

    def _told(self, consumer: StreamMessages) -> bool:
        """Whether something better than its own bytes says how its messages are told apart."""
        if self._by_port(consumer) is not None:
            return True
        stream = consumer.facts.number
        name = self._identifier.tcp_app(stream) if self._use_protocols else ""
        if not bool(self._identifier.tcp_settled(np.array([stream], np.int64))[0]):
            return False
        return name == "http" or self._of_protocol(name) is not None or None in self._framings

    def halves_of(self, consumer: StreamMessages) -> list[HalfMessages]:
        """What takes the two sides of a stream."""
        self._undecided.pop(consumer.facts.number, None)
        given = self._by_port(consumer)
        if given is not None:
            return consumer.framed(StreamFraming((given,), (given,)), "option")
        name = self._identifier.tcp_app(consumer.facts.number) if self._use_protocols else ""
        if name == "http":
            return self._http(consumer)
        declared = self._of_protocol(name)
        if declared is not None and consumer.fits(declared):
            return consumer.framed(declared, "protocol")
        general = self._framings.get(None)
        if general is not None:
            return consumer.framed(StreamFraming((general,), (general,)), "option")
        found = guess(consumer.pieces) if consumer.facts.from_the_start else None
        if found is not None:
            return consumer.framed(found.framing, "inferred", found.confidence)
        return consumer.written()

    def _http(self, consumer: StreamMessages) -> list[HalfMessages]:
        layouts = consumer.open_layouts("protocol", "http")
        messages = HttpMessages(consumer.facts)
        return [HttpHalf(messages, side, self.layout, half) for side, half in enumerate(layouts)]

    def _by_port(self, consumer: StreamMessages) -> Framing | None:
        """The framing given for the server's port, or for that of either side if none is for it."""
        ports = consumer.facts.ports
        server = ports[1 - consumer.client_side()]
        return self._framings.get(server) or self._framings.get(ports[consumer.client_side()])

    def _of_protocol(self, name: str) -> StreamFraming | None:
        if not name:
            return None
        if name not in self._declared:
            from netanalyze.apps.registry import protocol_by_name  # noqa: PLC0415 - imports all of them

            protocol = protocol_by_name(name)
            self._declared[name] = None if protocol is None else protocol.framing
        return self._declared[name]
