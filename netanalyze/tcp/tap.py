"""Where a connection was captured: at its client, at its server, or between them.

``client`` means at the client or next to it, before the first router on the way; ``server`` likewise;
``both`` that client and server are one host, or that no way worth the name lies between them and the
capture point; ``between`` that routers, or time, lie on either side.

What tells it:

- *Hops*: how far the TTL (hop limit) of a side's first segment is below the next usual initial value: 32,
  64, 128 or 255. 64 is what IANA recommends (RFC 1700 and the registry "IP TIME TO LIVE PARAMETER"), the
  others are what older and other systems send. More than ``MOST_HOPS`` below it tells nothing: hardly a way
  is longer. Each router takes one off (RFC 791 section 3.2, RFC 8200 section 3).
- *Times*: SYN to SYN-ACK is the round trip between capture point and server, SYN-ACK to ACK that between
  capture point and client, for both are answered by kernels at once. Where a SYN or SYN-ACK was repeated,
  the latest SYN before the first SYN-ACK counts, and the latest SYN-ACK before the ACK. A short time proves
  that a side is near; a long one does not prove that it is far, for the answer may have been delayed. Times
  say ``client`` if the ACK came within ``NEAR_NS``, and the SYN-ACK took at least ``NEAR_NS`` and
  ``CLEARLY`` times as long; ``server`` the other way round; *near* if both came within ``NEAR_NS``; *far*
  if both took longer. They say nothing without all three segments, after a simultaneous open, if time ran
  backwards or more than ``LONGEST_NS`` passed, or if a later ACK carried data: it may have waited for them.
- *Checksums* of SYN and SYN-ACK: one that was left to the network card (see ``tap_kernel``) has not been
  on a wire: the capture was made on its sender's host, or on one that hosts it as a virtual machine.
- *Large segments*: payload larger than the other side's MSS never is on the way (RFC 9293 section 3.7.1).
  The card cuts it (TSO, GSO) or has joined it (GRO, LRO), so the capture was made on the host of one end
  (Linux, Documentation/networking/segmentation-offloads.rst). Sizes up to ``tap_fields.ORDINARY_BYTES``
  are not looked at, nor segments of connections whose MSS was not captured.
- *Addresses*: equal, or both of the loopback network.

Rules; the first that applies decides:

1. Addresses are equal or loopback: ``both``.
2. One side alone left its checksum to the card, and its hops are 0: that side. (Segments that a router on
   the same computer has forwarded may still lack their checksums, and have hops.)
3. There are large segments, times name a side, and hops do not name the other: that side. (A host whose
   initial TTL is none of the usual ones has hops.)
4. Hops are 0 on one side and more on the other: the former.
5. Hops are more than 0 on both sides: ``between``.
6. Times name a side, and its hops are 0 or not known: that side. (Tunnels, and networks of virtual machines,
   take nothing off the TTL; an address translator may set it anew.)
7. Times are near, and no side has hops: ``both``.
8. Times are far: ``between``.
9. Both sides left checksums to the card, and no side has hops: ``both``. Both ends are on one computer; the
   rules before come first because the way between them may be a simulated one.

Otherwise it is not known.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.columns import ALL, GrowingRows
from netanalyze.model import IPV4, NULL
from netanalyze.tcp import tap_fields as fields
from netanalyze.tcp.tap_kernel import note_taps

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.columns import Rows
    from netanalyze.tcp.segments import Segments
    from netanalyze.tcp.streams import Streams
    from netanalyze.wire.packets import Packets

NEAR_NS = 1_000_000
"""A side that answers within this time is near."""
CLEARLY = 16
"""How many times longer the other side has to take."""
LONGEST_NS = 120_000_000_000
"""No attempt to connect lasts longer: Linux gives up after six repetitions, 127 s, macOS after 75 s."""
MOST_HOPS = 32

CLIENT, SERVER, BOTH, BETWEEN = 0, 1, 2, 3
UNKNOWN = -1
TAPS = ("client", "server", "both", "between")
"""Name of each."""

WHOLE_WAY, TO_SERVER, TO_CLIENT, RECEIVER_SIDE = 0, 1, 2, 3
PATHS = ("whole way", "tap to server", "tap to client", "receiver side")
"""What part of the way round trips cover that are measured at the capture point."""
_PATHS_BY_TAP = np.array(
    [
        [WHOLE_WAY, RECEIVER_SIDE],
        [RECEIVER_SIDE, WHOLE_WAY],
        [WHOLE_WAY, WHOLE_WAY],
        [TO_SERVER, TO_CLIENT],
        [UNKNOWN, UNKNOWN],
    ],
    np.int64,
)
"""A row for each tap, the last for one that is not known: of the client's segments, of the server's."""

_PACKET_COLUMNS = (
    "frame", "source", "ip_version", "src_hi", "src_lo", "dst_hi", "dst_lo", "ttl", "stream", "side",
    "transport_offset", "payload_offset", "payload_bytes", "seq", "ack", "flags", "checksum", "mss",
)  # fmt: skip
_NEAR, _FAR, _NOTHING = 2, 3, -1
_INITIAL_TTLS = (32, 64, 128, 255)


class Taps:
    """Gathers what batch after batch tells about the capture point, and says where it is."""

    def __init__(self, segments: Segments) -> None:
        """Nothing known yet; ``segments`` are of the sequence analysis that has seen each batch before."""
        self._facts = GrowingRows(fields.WORDS)
        self._stages = GrowingRows(1, "u1")
        self._analysed = segments.views["analysed"]

    def prepare(self, streams: int) -> None:
        """Make room for so many streams before ``feed``, on another thread if that has time."""
        self._facts.prepare(streams)

    def feed(self, batch: Batch, packets: Packets, streams: int) -> None:
        """Take the segments of a batch; ``streams`` is how many streams there are with it."""
        arguments = (
            packets.count, packets.order, *batch.pick("time_ns", "offset", "captured_bytes"), batch.data,
            packets.arena, *packets.pick(*_PACKET_COLUMNS), self._analysed, self._stages.reach(streams),
            self._facts.reach(streams),
        )  # fmt: skip
        note_taps(*arguments)

    def keep(self, streams: NDArray[np.int64], count: int) -> None:
        """Let go of all streams but these of the first ``count``, in ascending order."""
        for rows in (self._facts, self._stages):
            rows.reach(count)
            rows.keep(streams, count)

    def evidence(self, streams: Streams, rows: Rows = ALL) -> dict[str, NDArray[Any]]:
        """What is known about each stream's capture point, and the conclusion ``tap``.

        Args:
            streams: all of them, whose addresses are looked at.
            rows: of which of them.

        Returns:
            ``tap``: index into ``TAPS``, -1 where it is not known. ``syn_ack_ns``, ``ack_ns``: times of the
            handshake, ``NULL`` where they cannot be used. ``syns``, ``syn_acks``: how many there were.
            ``ack_with_data``: the ACK carried payload. ``one_host``: the addresses are equal or of the
            loopback network. For each side, with ``client_`` or ``server_`` before:
            ``ttl`` of its first segment, ``hops`` that follow from it, ``NULL`` where they are not known;
            ``left``: its checksum was left to the card; ``mss`` that the other side announced, 0 for none;
            ``large``: its largest payload if that is more.
        """
        client = streams.sides(rows)
        facts = self._facts.array[: streams.count][rows]
        word = facts.T
        bits = word[fields.BITS]
        usable = (bits & (fields.SYN_SEEN | fields.CROSSED | fields.ABSURD)) == fields.SYN_SEEN
        usable &= ((bits & fields.SYN_SIDE) != 0) == (client != 0)
        found: dict[str, NDArray[Any]] = {
            "syns": word[fields.SYNS],
            "syn_acks": word[fields.SYN_ACKS],
            "ack_with_data": (bits & fields.ACK_WITH_DATA) != 0,
            "one_host": _one_host(streams.ends(rows)),
        }
        for name, bit, field in (
            ("syn_ack_ns", fields.ANSWERED, fields.TO_SERVER),
            ("ack_ns", fields.ACKED, fields.TO_CLIENT),
        ):
            known = usable & ((bits & bit) != 0) & (word[field] >= 0) & (word[field] <= LONGEST_NS)
            found[name] = np.where(known, word[field], NULL)
        each = np.arange(len(client))
        for name, side in (("client", client), ("server", 1 - client)):
            ttl = facts[each, fields.TTL + side] - 1
            mss = facts[each, fields.MSS + 1 - side]
            largest = facts[each, fields.LARGEST + side]
            found[f"{name}_ttl"] = np.where(ttl >= 0, ttl, NULL)
            found[f"{name}_hops"] = _hops(ttl)
            found[f"{name}_left"] = (bits & (fields.LEFT << side)) != 0
            found[f"{name}_mss"] = mss
            found[f"{name}_large"] = np.where((mss > 0) & (largest > mss), largest, 0)
        found["tap"] = _conclude(found)
        return found


def paths_of(tap: NDArray[np.int64], sender: NDArray[np.int64]) -> NDArray[np.int64]:
    """The part of the way that round trips of segments cover, by tap and by sender (0 for the client)."""
    found: NDArray[np.int64] = _PATHS_BY_TAP[tap, sender]
    return found


def _hops(ttl: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many routers took one off it, ``NULL`` where that is not known."""
    initial = np.array(_INITIAL_TTLS, np.int64)
    hops = initial[np.minimum(np.searchsorted(initial, ttl), len(initial) - 1)] - ttl
    return np.where((ttl > 0) & (hops <= MOST_HOPS), hops, NULL)


def _one_host(streams: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Streams between equal addresses or of the loopback network (RFC 1122, 3.2.1.3; RFC 4291, 2.5.3)."""
    hi, lo = streams["client_hi"], streams["client_lo"]
    equal = (hi == streams["server_hi"]) & (lo == streams["server_lo"])
    loopback = streams["client_version"] == IPV4
    for low in (lo, streams["server_lo"]):
        loopback = loopback & ((low >> np.uint64(24)) == 127)  # noqa: PLR2004 - 127.0.0.0/8
    found: NDArray[np.bool_] = equal | loopback
    return found


def _side_by_times(evidence: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
    """``CLIENT``, ``SERVER``, ``_NEAR``, ``_FAR`` or ``_NOTHING``."""
    to_server, to_client = evidence["syn_ack_ns"], evidence["ack_ns"]
    usable = (to_server != NULL) & (to_client != NULL)
    usable &= ~(evidence["ack_with_data"] & (to_client > NEAR_NS))
    near = [to_client <= NEAR_NS, to_server <= NEAR_NS]
    # No clock is finer than the microsecond that most captures have.
    much = [
        other > CLEARLY * np.maximum(time, 1000)
        for time, other in ((to_client, to_server), (to_server, to_client))
    ]
    return np.select(
        [
            ~usable,
            near[0] & ~near[1] & much[0],
            near[1] & ~near[0] & much[1],
            near[0] & near[1],
            ~near[0] & ~near[1],
        ],
        [_NOTHING, CLIENT, SERVER, _NEAR, _FAR],
        _NOTHING,
    )


def _conclude(evidence: Mapping[str, NDArray[Any]]) -> NDArray[np.int64]:
    """The rules at the top of this file, for all streams at once."""
    times = _side_by_times(evidence)
    hops = [evidence["client_hops"], evidence["server_hops"]]
    left = [evidence["client_left"], evidence["server_left"]]
    away = [side > 0 for side in hops]  # NULL is below all numbers
    here = [side == 0 for side in hops]
    large = (evidence["client_large"] > 0) | (evidence["server_large"] > 0)
    no_hops = ~away[0] & ~away[1]
    rules: list[tuple[NDArray[np.bool_], int]] = [(evidence["one_host"], BOTH)]
    rules += [(left[side] & ~left[1 - side] & here[side], side) for side in (CLIENT, SERVER)]
    rules += [(large & (times == side) & ~(here[1 - side] & away[side]), side) for side in (CLIENT, SERVER)]
    rules += [(here[side] & away[1 - side], side) for side in (CLIENT, SERVER)]
    rules.append((away[0] & away[1], BETWEEN))
    rules += [((times == side) & ~away[side], side) for side in (CLIENT, SERVER)]
    rules += [
        ((times == _NEAR) & no_hops, BOTH),
        (times == _FAR, BETWEEN),
        (left[0] & left[1] & no_hops, BOTH),
    ]
    return np.select([where for where, _ in rules], [tap for _, tap in rules], UNKNOWN)
