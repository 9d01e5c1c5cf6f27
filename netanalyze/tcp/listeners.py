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

from netanalyze.columns import GrowingRows
from netanalyze.flow import fields as flow_fields
from netanalyze.flow.table import ports
from netanalyze.model import IPV6, NULL
from netanalyze.tcp import handshake_fields as fields
from netanalyze.tcp.handshake_kernel import follow
from netanalyze.tcp.listener_verdicts import Attempts, judge

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


class Handshakes:
    """Follows the opening of every TCP stream."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._rows = GrowingRows(fields.WORDS)
        self.last_ns = NULL

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

    def rows(self, streams: int) -> Numbers:
        """A row of ``handshake_fields`` for each stream."""
        self._rows.reach(streams)
        rows: Numbers = self._rows.array[:streams]
        return rows


def listener_columns(tcp: Conversations, udp: Conversations, handshakes: Handshakes) -> dict[str, Any]:
    """The table of listeners as columns: one element for each address and port that somebody tried.

    Only streams whose SYN was seen count. ``first_drop`` is how many connections were in the queue that
    overflowed when it dropped the first one; ``cost_ns`` what clients waited for nothing but room.
    """
    rows = handshakes.rows(tcp.count)
    tried = np.flatnonzero(rows[:, fields.SYN_FRAME] > 0)
    hi, lo, version, port = _servers(tcp, tried, rows[tried, fields.META] & fields.CLIENT)
    _, first, listener = np.unique(_keys(hi, lo, port << 8 | version), return_index=True, return_inverse=True)
    listener = listener.reshape(-1)
    # In the order in which they were first tried.
    rank = np.argsort(np.argsort(first))
    listener, first = rank[listener], np.sort(first)
    judged = judge(
        Attempts(listener, rows[tried], len(first)),
        lambda some: _heard_of(tcp, udp, (hi[first][some], lo[first][some], version[first][some])),
        version[first] == IPV6,
        handshakes.last_ns,
    )
    return {
        "server_hi": hi[first],
        "server_lo": lo[first],
        "server_version": version[first].astype(np.uint8),
        "server_port": port[first].astype(np.int64),
        **judged,
    }


def _keys(*words: NDArray[Any]) -> NDArray[Any]:
    """One thing to compare instead of several words."""
    table = np.ascontiguousarray(np.column_stack(words).astype(np.uint64, copy=False))
    keys: NDArray[Any] = table.view([("", np.uint64)] * len(words))[:, 0]
    return keys


def _servers(tcp: Conversations, streams: Numbers, client: Numbers) -> tuple[NDArray[np.uint64], ...]:
    """Address (high and low half, version) and port of the side that is not the client."""
    first, second = (port[streams].astype(np.uint64) for port in ports(tcp))
    state = tcp.state[streams]
    flipped = client == 1
    return (
        np.where(flipped, state[:, flow_fields.A_HI], state[:, flow_fields.B_HI]),
        np.where(flipped, state[:, flow_fields.A_LO], state[:, flow_fields.B_LO]),
        state[:, flow_fields.PORTS] & np.uint64(0xFFFF),
        np.where(flipped, first, second),
    )


def _heard_of(
    tcp: Conversations, udp: Conversations, hosts: tuple[NDArray[np.uint64], ...]
) -> NDArray[np.bool_]:
    """Whether each host sent any packet in the whole capture."""
    senders = []
    for conversations in (tcp, udp):
        state = conversations.state[: conversations.count]
        version = state[:, flow_fields.PORTS] & np.uint64(0xFFFF)
        for side, field in enumerate((flow_fields.A_HI, flow_fields.B_HI)):
            sent = state[:, flow_fields.PACKETS + side] > 0
            senders.append(np.unique(_keys(state[sent, field], state[sent, field + 1], version[sent])))
    return np.isin(_keys(*hosts), np.concatenate(senders))
