"""Listening sockets: how connecting to each went, how full its queues were, and why it failed.

What the wire shows of a Linux listener's two queues (Linux 6.18, measured; ``listen(n)`` holds n + 1):

* A connection is *half-open* from the SYN-ACK to the client's ACK. More than the listener holds, and
  new SYNs are dropped, or answered with cookies.
* It *waits* from there until the server sends a byte, a FIN or a RST. A server that lets its client speak
  first has accepted it long before that, so this is the most that can have been in the accept queue.
* A full accept queue drops SYNs without a word; between SYN-ACK and ACK it may fill up, and then the ACK
  and the data behind it are ignored and the SYN-ACK comes again, or, with ``tcp_abort_on_overflow``, a RST
  without ACK answers the ACK.

A single SYN that has to be sent again says nothing of that: only one that was dropped while connections
were waiting, or half-open, speaks of a queue.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.columns import GrowingRows, found_in
from netanalyze.flow import fields as flow_fields
from netanalyze.flow.table import ports
from netanalyze.model import NULL, address_ranks
from netanalyze.tcp import handshake_fields as fields
from netanalyze.tcp.handshake_kernel import follow
from netanalyze.tcp.listener_facts import (
    SERVER,
    Attempts,
    ListenerSums,
    Queues,
    facts_of,
    lengths_of,
    odd,
)
from netanalyze.tcp.listener_verdicts import judge
from netanalyze.tcp.sums import NEVER, Sums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.flow.table import Conversations
    from netanalyze.wire.packets import Packets

    Numbers = NDArray[np.int64]

_COLUMNS = (
    "frame", "role", "protocol", "duplicate", "stream", "side", "sport", "dport", "flags", "seq",
    "payload_bytes", "window_scale", "sack_permitted",
)  # fmt: skip
_HOST = ("version", "hi", "lo")
_LENGTHS = 3
_PIECE = 1 << 15
"""Attempts that are added up together."""


class Handshakes:
    """Follows the opening of every TCP stream.

    Attributes:
        last_ns: latest time of the capture.
    """

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._rows = GrowingRows(fields.WORDS)
        self._lengths = GrowingRows(_LENGTHS)
        self._sums = ListenerSums()
        self._heard = Sums(_HOST)
        self.last_ns = NULL

    def prepare(self, streams: int) -> None:
        """Make room for so many streams before ``feed``, on another thread if that has time."""
        self._rows.prepare(streams)

    def feed(self, batch: Batch, packets: Packets, streams: int) -> None:
        """Take in a batch whose packets have their streams, of which there are ``streams`` by now."""
        rows = self._rows.reach(streams)
        arguments = (
            packets.count, packets.order, batch.first_frame, batch.views["time_ns"],
            *packets.pick(*_COLUMNS), rows,
        )  # fmt: skip
        follow(*arguments)
        if batch.count:
            self.last_ns = max(self.last_ns, int(batch.arrays["time_ns"][: batch.count].max()))

    def let_go(self, tcp: Conversations, gone: NDArray[np.bool_], until_ns: int) -> None:
        """Add up some streams, which are known no longer afterwards.

        Args:
            tcp: all streams.
            gone: which are finished; those that are in a queue still are taken out.
            until_ns: up to when what happened in all streams is known for good.
        """
        tried, attempts, servers = self._attempts(tcp)
        gone[tried] &= Queues(attempts, self.last_ns).over(until_ns)
        everywhere = np.ones(len(tried), np.bool_)
        self._sums.queues.add(self._queue_columns(tcp, tried, attempts, servers, everywhere, until_ns))
        self._lengths.array[tried] = attempts.lengths + 1
        _add_up(self._sums, attempts, servers, np.flatnonzero(gone[tried]), self.last_ns)

    def keep(self, streams: Numbers, count: int) -> None:
        """Let go of all streams but these of the first ``count``, in ascending order."""
        for rows in (self._rows, self._lengths):
            rows.reach(count)
            rows.keep(streams, count)

    def hear(self, conversations: Conversations) -> None:
        """Remember which hosts these streams or flows are known to be from."""
        self._heard.add(_senders(conversations))

    def columns(self, tcp: Conversations, udp: Conversations) -> dict[str, Any]:
        """The table of listeners as columns: one element for each address and port that somebody tried.

        Only streams whose SYN was seen count. ``first_drop`` is how many connections were in the queue that
        overflowed when it dropped the first one; ``cost_ns`` what clients waited for nothing but room.

        Args:
            tcp: all streams that were not let go of.
            udp: the same of UDP flows, which tell, too, which hosts are there at all.
        """
        tried, attempts, servers = self._attempts(tcp)
        queues = self._sums.queues.with_(
            self._queue_columns(tcp, tried, attempts, servers, odd(attempts), NEVER)
        )
        rest = ListenerSums()
        _add_up(rest, attempts, servers, np.arange(len(tried)), self.last_ns)
        facts = self._sums.facts.with_(rest.facts.total())
        lengths = self._sums.lengths.with_(rest.lengths.total())

        def alive(some: NDArray[np.bool_]) -> NDArray[np.bool_]:
            """Whether the hosts of these listeners sent any packet in the whole capture."""
            heard = [self._heard.with_(_senders(conversations)) for conversations in (tcp, udp)]
            known = np.concatenate([_keys(hosts) for hosts in heard])
            return found_in(_keys({part: facts[f"server_{part}"][some] for part in _HOST}), known)

        judged = {
            **{name: facts[name] for name in SERVER},
            **{name: queues[name] for name in ("max_half_open", "max_waiting")},
            **judge(facts, lengths, alive),
        }
        # In the order in which they were first tried.
        order = np.argsort(queues["number"], kind="stable")
        return {
            name: column[order] if isinstance(column, np.ndarray) else column
            for name, column in judged.items()
        }

    def _attempts(self, tcp: Conversations) -> tuple[Numbers, Attempts, dict[str, NDArray[Any]]]:
        """The streams whose SYN was seen, what happened, and the endpoints of their listeners."""
        for table in (self._rows, self._lengths):
            table.reach(tcp.count)
        rows = self._rows.array[: tcp.count]
        tried = np.flatnonzero(rows[:, fields.SYN_FRAME] > 0)
        rows = rows[tried]
        hi, lo, version, port = _servers(tcp, tried, rows[:, fields.META] & fields.CLIENT)
        host, _ = address_ranks(hi, lo, version)
        _, first, listener = np.unique(host * 65536 + port, return_index=True, return_inverse=True)
        servers = {
            "server_version": version[first].astype(np.uint8),
            "server_hi": hi[first],
            "server_lo": lo[first],
            "server_port": port[first],
        }
        lengths = self._lengths.array[tried] - 1  # 0 is what is not known
        return tried, Attempts(listener.reshape(-1), len(first), rows, lengths), servers

    def _queue_columns(  # noqa: PLR0913, PLR0917 - what is known of the attempts, and what is asked
        self,
        tcp: Conversations,
        tried: Numbers,
        attempts: Attempts,
        servers: dict[str, NDArray[Any]],
        asking: NDArray[np.bool_],
        until_ns: int,
    ) -> dict[str, NDArray[Any]]:
        """A part for ``ListenerSums.queues``; the lengths of the queues are known afterwards."""
        half_open, waiting = Queues(attempts, self.last_ns).measure(asking, until_ns)
        number = np.full(attempts.count, NEVER)
        np.minimum.at(number, attempts.listener, tcp.let_go + tried)
        return {**servers, "number": number, "max_half_open": half_open, "max_waiting": waiting}


def _add_up(
    sums: ListenerSums,
    attempts: Attempts,
    servers: dict[str, NDArray[Any]],
    which: Numbers,
    last_ns: int,
) -> None:
    """Add some attempts to the sums of facts and lengths: not all at once, which would take much memory."""
    for begin in range(0, max(len(which), 1), _PIECE):
        some = attempts.of(which[begin : begin + _PIECE])
        listener = {name: column[some.listener] for name, column in servers.items()}
        sums.facts.add({**listener, **facts_of(some, last_ns)})
        places, lengths = lengths_of(some)
        sums.lengths.add({**{name: column[places] for name, column in listener.items()}, **lengths})


def _keys(hosts: dict[str, NDArray[Any]]) -> NDArray[Any]:
    """One thing to compare instead of the parts of an address."""
    table = np.column_stack([hosts[part].astype(np.uint64, copy=False) for part in _HOST])
    keys: NDArray[Any] = np.ascontiguousarray(table).view([("", np.uint64)] * len(_HOST))[:, 0]
    return keys


def _servers(tcp: Conversations, streams: Numbers, client: Numbers) -> tuple[NDArray[Any], ...]:
    """Address (high and low half, version) and port of the side that is not the client."""
    first, second = (port[streams] for port in ports(tcp))
    state = tcp.state
    flipped = client == 1
    return (
        state[streams, np.where(flipped, flow_fields.A_HI, flow_fields.B_HI)],
        state[streams, np.where(flipped, flow_fields.A_LO, flow_fields.B_LO)],
        state[streams, flow_fields.PORTS] & np.uint64(0xFFFF),
        np.where(flipped, first, second),
    )


def _senders(conversations: Conversations) -> dict[str, NDArray[Any]]:
    """The hosts that sent any packet of these, each possibly several times."""
    state = conversations.state[: conversations.count]
    version = state[:, flow_fields.PORTS] & np.uint64(0xFFFF)
    sides = [
        (field, state[:, flow_fields.PACKETS + side] > 0)
        for side, field in enumerate((flow_fields.A_HI, flow_fields.B_HI))
    ]
    return {
        "version": np.concatenate([version[sent] for _, sent in sides]),
        "hi": np.concatenate([state[sent, field] for field, sent in sides]),
        "lo": np.concatenate([state[sent, field + 1] for field, sent in sides]),
    }
