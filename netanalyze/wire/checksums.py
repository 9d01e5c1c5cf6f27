"""Whose checksums are right, not filled in yet, or wrong: sums of senders and a list of damaged frames.

A card that fills in checksums (offload) has not done so where the host itself captures: then all or nearly
all that it sends has the sum of the pseudo-header in the field, or nothing. What a wire, a card or a device
on the way has damaged are few packets with a sum that nothing explains, and their receiver throws them away.
"""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.columns import distinct, view_of
from netanalyze.model import known
from netanalyze.wire import checksum_fields as fields
from netanalyze.wire import codes
from netanalyze.wire.checksum_kernel import verify_checksums

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.capture.batch import Batch
    from netanalyze.wire.packets import Packets

_LINES = 1 << 16
_MOST_LISTED, _MOST_OF_ONE = 1 << 16, 1 << 10
_PACKET_COLUMNS = (
    "frame", "role", "source", "ip_version", "protocol", "src_hi", "src_lo", "dst_hi", "dst_lo",
    "network_offset", "transport_offset", "payload_offset", "payload_bytes", "payload_captured", "checksum",
    "duplicate",
)  # fmt: skip

_MODULUS = 0xFFFF
_ALIKE = 3
"""Frames whose sums are off by the same: whoever changed them did so on purpose."""

VERDICTS = ("ok", "offload", "corrupt", "wrong")
_OK, _OFFLOAD, _CORRUPT, _WRONG = range(4)
PARTS = ("transport", "IP header")


def words_of(data: memoryview) -> memoryview:
    """As many whole words of 64 bits of this machine as a buffer has."""
    octets = data.cast("B") if data.format != "B" else data
    return octets[: len(octets) // 8 * 8].cast("Q")


class Checksums:
    """Checks batch after batch.

    Attributes:
        of_header, of_transport: what became of the sums of each row of the last batch (``checksum_fields``).
    """

    def __init__(self, capacity: int) -> None:
        """Nothing checked yet; batches have up to ``capacity`` rows of packets."""
        self.of_header = np.zeros(capacity, np.uint8)
        self.of_transport = np.zeros(capacity, np.uint8)
        self._states = view_of(self.of_header), view_of(self.of_transport)
        self._table = np.zeros((_LINES + 1, fields.WORDS), np.uint64)
        self._listed = np.zeros((_MOST_LISTED, fields.L_WORDS), np.uint64)
        self._views = view_of(self._table), view_of(self._listed)
        self._used = 0

    def feed(self, batch: Batch, packets: Packets) -> None:
        """Check the packets of a batch."""
        table, listed = self._views
        arguments = (
            packets.count, packets.order, batch.first_frame,
            *batch.pick("time_ns", "offset", "captured_bytes"), batch.data, words_of(batch.data),
            packets.arena, words_of(packets.arena), int(sys.byteorder == "little"),
            *packets.pick(*_PACKET_COLUMNS),
            *self._states, table, listed, self._used, _MOST_OF_ONE,
        )  # fmt: skip
        self._used = verify_checksums(*arguments)

    def columns(self) -> dict[str, Any]:
        """The columns of the table ``checksums``: a row for each sender and protocol, by address."""
        order = self._order()
        table = self._table[order].astype(np.int64)
        word = table.T
        return {
            **self._senders(table),
            "packets": word[fields.PACKETS],
            "checked": word[fields.CHECKED],
            "wrong": word[fields.WRONG],
            "partial": word[fields.PARTIAL],
            "zero": word[fields.ZERO],
            "headers": word[fields.HEADERS],
            "headers_wrong": word[fields.HEADERS_WRONG],
            "headers_zero": word[fields.HEADERS_ZERO],
            "verdict_names": VERDICTS,
            "first_frame": known(word[fields.FIRST], word[fields.FIRST] > 0),
            "verdict": self._verdicts()[order],
        }

    def damaged(self) -> dict[str, Any]:
        """The columns of the table ``damaged``: a row for each frame, of senders whose others are right."""
        listed = self._listed[: self._used]
        line = listed[:, fields.L_LINE].astype(np.int64)
        listed = listed[self._verdicts()[line] == _CORRUPT]
        word = listed.T
        senders = self._senders(self._table[word[fields.L_LINE].astype(np.int64)])
        return {
            "frame": word[fields.L_FRAME].astype(np.int64),
            "time_ns": word[fields.L_TIME].astype(np.int64),
            **senders,
            "receiver_hi": word[fields.L_HI],
            "receiver_lo": word[fields.L_LO],
            "receiver_version": senders["host_version"],
            "part": word[fields.L_HEADER].astype(np.int64),
            "part_names": PARTS,
            "checksum": word[fields.L_FOUND].astype(np.int64),
            "right_checksum": word[fields.L_RIGHT].astype(np.int64),
        }

    def _verdicts(self) -> NDArray[np.int64]:
        """What the counts of each line say; damage is never the same from frame to frame."""
        found = _verdicts(self._table.astype(np.int64).T)
        listed = self._listed[: self._used].astype(np.int64)
        line = listed[:, fields.L_LINE]
        change = (listed[:, fields.L_FOUND] - listed[:, fields.L_RIGHT]) % _MODULUS
        least, most = np.full(len(found), _MODULUS), np.full(len(found), -1)
        np.minimum.at(least, line, change)
        np.maximum.at(most, line, change)
        alike = (np.bincount(line, minlength=len(found)) >= _ALIKE) & (least == most)
        found[alike & (found == _CORRUPT)] = _WRONG
        return found

    def _order(self) -> NDArray[np.int64]:
        """Lines in use, by address and protocol; that of all others last."""
        kind, hi, lo = (self._table[:_LINES, word] for word in (fields.KIND, fields.HI, fields.LO))
        lines = np.flatnonzero(kind)
        lines = lines[np.lexsort((kind[lines], lo[lines], hi[lines], kind[lines] >> np.uint64(8)))]
        others = self._table[_LINES, fields.PACKETS] > 0
        return np.append(lines, _LINES) if others else lines

    def _senders(self, table: NDArray[Any]) -> dict[str, Any]:
        """Addresses and protocols of some lines, null for the others."""
        kind = table[:, fields.KIND].astype(np.int64)
        numbers = kind & 0xFF
        names = tuple(dict.fromkeys(protocol_name(number) for number in distinct(numbers).tolist()))
        places = {number: names.index(protocol_name(number)) for number in distinct(numbers).tolist()}
        return {
            "host_hi": table[:, fields.HI].view(np.uint64),
            "host_lo": table[:, fields.LO].view(np.uint64),
            "host_version": (kind >> 8).astype(np.uint8),
            "protocol": np.array([places[number] for number in numbers.tolist()], np.int64),
            "protocol_names": names,
        }


def protocol_name(number: int) -> str | None:
    """A protocol of IP as users know it; None for 0, which stands for various."""
    if number == 0:
        return None
    usual = {1: "ICMP", 6: "TCP", 17: "UDP", 58: "ICMPv6"}
    return usual.get(number) or codes.IP_PROTOCOL_NAMES.get(number) or f"IP protocol {number}"


def _verdicts(word: NDArray[np.int64]) -> NDArray[np.int64]:
    """What the counts of each line say."""
    checked, headers = word[fields.CHECKED], word[fields.HEADERS]
    strange = word[fields.WRONG] - word[fields.PARTIAL] - word[fields.ZERO]
    strange_headers = word[fields.HEADERS_WRONG] - word[fields.HEADERS_ZERO]
    few = (2 * strange <= checked) & (2 * strange_headers <= headers)
    found = np.full(checked.shape, -1)
    found[(checked > 0) | (headers > 0)] = _OK
    found[(word[fields.WRONG] > 0) | (word[fields.HEADERS_ZERO] > 0)] = _OFFLOAD
    bad = (strange > 0) | (strange_headers > 0)
    found[bad & few] = _CORRUPT
    found[bad & ~few] = _WRONG
    return found
