"""What the datagrams of UDP flows were like: sizes, who sent, to how many, silences, errors.

UDP keeps the boundaries of messages: one ``send()`` is one datagram, and one ``recv()`` takes one (RFC 768;
what a shorter buffer has no room for is lost, not kept for the next call). So each message is *aligned*,
in the words of the table ``writes`` of TCP, however many IP fragments it came in. Only in a capture it may
look otherwise: with UDP_SEGMENT (GSO) a program hands many datagrams to the kernel at once, and with GRO
the kernel joins some that have arrived; a capture at that end shows them as a single large one, which never
was on the wire. The sign of it is a packet above 1500 bytes that is not in fragments and does not stay on
its host. A link with larger frames looks the same.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.columns import GrowingRows
from netanalyze.flow import fields as flow_fields
from netanalyze.model import NULL, known
from netanalyze.udp import flow_fields as fields
from netanalyze.udp.flow_kernel import measure_datagrams

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.flow.table import Conversations
    from netanalyze.wire.packets import Packets

_BATCH_COLUMNS = ("time_ns", "offset", "captured_bytes", "link_type")
_PACKET_COLUMNS = (
    "frame", "role", "protocol", "sport", "dport", "ip_bytes", "payload_bytes", "fragments", "stream", "side",
    "duplicate",
)  # fmt: skip

SENDERS = ("both", "client", "server")
CASTS = ("unicast", "multicast", "broadcast")
_BOTH, _CLIENT, _SERVER = range(3)
_UNICAST, _MULTICAST, _BROADCAST = range(3)
_SECOND_NS = 1_000_000_000
_V4, _V6 = 4, 6
_MOST_BPS = 1 << 62

_ERRORS_V4 = {
    (3, 0): "net unreachable",
    (3, 1): "host unreachable",
    (3, 2): "protocol unreachable",
    (3, 3): "port unreachable",
    (3, 4): "fragmentation needed",
    (3, 9): "prohibited",
    (3, 10): "prohibited",
    (3, 13): "prohibited",
    (4, 0): "source quench",
    (11, 0): "time to live exceeded",
    (11, 1): "reassembly time exceeded",
}
"""RFC 792; RFC 1122 section 3.2.2.1 and RFC 1812 section 5.2.7.1 for codes from 6 on."""
_ERRORS_V6 = {
    (1, 0): "net unreachable",
    (1, 1): "prohibited",
    (1, 3): "host unreachable",
    (1, 4): "port unreachable",
    (2, 0): "packet too big",
    (3, 0): "hop limit exceeded",
    (3, 1): "reassembly time exceeded",
}
"""RFC 4443 section 3."""


class Datagrams:
    """Measures the datagrams of batch after batch."""

    def __init__(self) -> None:
        """Nothing measured yet."""
        self._table = GrowingRows(fields.WORDS)

    def feed(self, batch: Batch, packets: Packets, flows: int) -> None:
        """Add those of a batch; ``flows`` is how many flows there are with it."""
        arguments = (
            packets.count, packets.order, batch.first_frame, batch.data, *batch.pick(*_BATCH_COLUMNS),
            *packets.pick(*_PACKET_COLUMNS), self._table.reach(flows),
        )  # fmt: skip
        measure_datagrams(*arguments)

    def keep(self, flows: NDArray[np.int64], count: int) -> None:
        """Let go of all flows but these of the first ``count``, in ascending order."""
        self._table.reach(count)
        self._table.keep(flows, count)

    def columns(
        self, flows: Conversations, found: Mapping[str, NDArray[Any]], client: NDArray[np.int64]
    ) -> dict[str, Any]:
        """What is measured of each flow, as columns of the table ``udp``.

        Args:
            flows: all of them.
            found: their columns so far (``flow.summary.flow_columns``).
            client: which side of each is the client.
        """
        self._table.reach(flows.count)
        word = self._table.array[: flows.count].T
        rows = np.arange(flows.count)
        sides = {"client": client, "server": 1 - client}
        large = np.where(_on_one_host(found), 0, word[fields.LARGE] + word[fields.LARGE + 1])
        columns: dict[str, Any] = {
            "fragmented": word[fields.FRAGMENTED] + word[fields.FRAGMENTED + 1],
            "coalesced": large,
            "aligned": found["client_datagrams"] + found["server_datagrams"] - large,
            "silence_ns": known(word[fields.SILENCE_NS], word[fields.SILENCE_FRAME] > 0),
            "silence_frame": known(word[fields.SILENCE_FRAME], word[fields.SILENCE_FRAME] > 0),
            **_casts(flows, word),
            **_senders(found),
            **_errors(flows, word),
        }
        for name, side in sides.items():
            sent = found[f"{name}_datagrams"]
            smallest = word[fields.SMALLEST :][side, rows]
            columns[f"min_{name}_bytes"] = known(smallest - 1, smallest > 0)
            columns[f"avg_{name}_bytes"] = known(found[f"{name}_bytes"] // np.maximum(sent, 1), sent > 0)
            columns[f"max_{name}_bytes"] = known(word[fields.LARGEST :][side, rows], smallest > 0)
            columns[f"{name}_bps"] = _rate(found[f"{name}_bytes"], found["duration_ns"])
        return columns


def _rate(count: NDArray[np.int64], duration_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Bits per second; nothing where no time passed. As floats, because the product has no room."""
    bits = count.astype(np.float64) * (8 * _SECOND_NS) / np.maximum(duration_ns, 1)
    return known(np.minimum(bits, _MOST_BPS).astype(np.int64), duration_ns > 0)


def _senders(found: Mapping[str, NDArray[Any]]) -> dict[str, Any]:
    """Who sent: nothing where nobody did (only an ICMP error tells of the flow)."""
    client, server = found["client_datagrams"] > 0, found["server_datagrams"] > 0
    choices = [client & server, client, server]
    return {"senders": np.select(choices, [_BOTH, _CLIENT, _SERVER], -1), "senders_names": SENDERS}


def _on_one_host(found: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Flows that do not leave their host: both addresses the same, or the loopback network's."""
    same = (found["client_hi"] == found["server_hi"]) & (found["client_lo"] == found["server_lo"])
    loop = (found["client_version"] == _V4) & (found["client_lo"] >> np.uint64(24) == 127)  # noqa: PLR2004
    return np.asarray(same | loop)


def _casts(flows: Conversations, word: NDArray[np.int64]) -> dict[str, Any]:
    """To how many the datagrams went: by the addresses, and for a network's broadcast by the link header."""
    version = flows.raw(flow_fields.PORTS) & np.uint64(0xFFFF)
    cast = np.zeros(flows.count, np.int64)
    for high, low in ((flow_fields.A_HI, flow_fields.A_LO), (flow_fields.B_HI, flow_fields.B_LO)):
        hi, lo = flows.raw(high), flows.raw(low)
        group = (version == _V4) & (lo >> np.uint64(28) == 0xE)  # noqa: PLR2004
        group |= (version == _V6) & (hi >> np.uint64(56) == 0xFF)  # noqa: PLR2004
        cast[group] = _MULTICAST
        cast[(version == _V4) & (lo == 0xFFFFFFFF)] = _BROADCAST  # noqa: PLR2004
    by_link = word[fields.FLAGS] & (fields.LINK_BROADCAST | fields.LINK_BROADCAST << 1) != 0
    cast[(cast == _UNICAST) & by_link] = _BROADCAST
    return {"cast": cast, "cast_names": CASTS}


def _errors(flows: Conversations, word: NDArray[np.int64]) -> dict[str, Any]:
    """The first ICMP error, in words, and its frame."""
    error = word[fields.ICMP]
    there = error != 0
    six = (flows.raw(flow_fields.PORTS) & np.uint64(0xFFFF)) == _V6
    keys, numbers = np.unique(np.where(there, error << 1 | six, 0), return_inverse=True)
    return {
        "icmp_error": np.where(there, numbers.reshape(-1), -1),
        "icmp_error_names": [_words(int(key)) for key in keys],
        "icmp_frame": np.where(there, word[fields.ICMP_FRAME], NULL),
    }


def _words(key: int) -> str:
    kind, code = (key >> 9) & 0xFF, (key >> 1) & 0xFF
    known_errors = _ERRORS_V6 if key & 1 else _ERRORS_V4
    return known_errors.get((kind, code), f"ICMP type {kind} code {code}") if key else ""
