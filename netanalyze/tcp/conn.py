"""How a TCP connection began and ended, in Zeek's words: ``conn_state`` and ``history``.

The originator is the sender of the first packet that was seen, unless Zeek's rules turn that round:
the stream begins in the middle and the sender's port is a well-known server's, or it begins with a
SYN-ACK that something other than a RST follows. Both columns are seen from the originator, whoever
the other columns take for the client.

What differs from a run of Zeek, and on purpose:

* Zeek forgets a connection some seconds after it seems over, and what comes later is another one to
  it; streams are what Wireshark numbers, so late packets are in the same row.
* Checksums are not verified, as with ``zeek -C``: captures on the sending host have wrong ones, because
  the network card fills them in. So there is never a ``C``.
* A packet that was captured twice is looked at once.
* A history has at most 28 letters, then ``…``; zero windows and gaps are counted to 65535 a side.
* Of the bytes beyond a hole two stretches are remembered for each side; more holes at a time than that
  are taken for one, which matters only if they are never filled.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.columns import ALL, GrowingRows, found_in, view_of
from netanalyze.tcp import conn_fields as fields
from netanalyze.tcp.conn_kernel import follow

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from netanalyze.columns import Rows
    from netanalyze.wire.packets import Packets

SERVER_PORTS = frozenset((
    21, 22, 25, 53, 80, 81, 88, 102, 110, 135, 139, 143, 389, 443, 445, 502, 563, 585, 587, 614, 631, 636,
    989, 990, 992, 993, 995, 1080, 1434, 1812, 1883, 2811, 3128, 3268, 3269, 3306, 3389, 5222, 5223, 5269,
    5432, 6379, 6666, 6667, 6668, 6669, 8000, 8080, 8888, 20000,
))  # fmt: skip
"""TCP ports at which Zeek, with the scripts that it loads by default, expects servers."""

STATES = (
    "OTH", "S0", "S1", "S2", "S3", "SF", "SH", "SHR", "REJ", "RSTO", "RSTR", "RSTOS0", "RSTRH",
)  # fmt: skip
"""Zeek's connection states; a code is a place in here."""
_CODE = {name: code for code, name in enumerate(STATES)}

_COLUMNS = (
    "role", "protocol", "duplicate", "stream", "side", "sport", "dport", "flags", "seq", "ack", "window",
    "payload_bytes", "payload_captured",
)  # fmt: skip
_STATE = (1 << fields.STATE_BITS) - 1
_LETTER = (1 << fields.LETTER_BITS) - 1
_SPOILS = (fields.SYN_ACK, fields.ACK, fields.FIN, fields.GAP, fields.FIN_RST, fields.ODD_FLAGS)
"""Letters of the originator that may not stand between its SYN and its RST where it gave up an attempt."""


class Connections:
    """Follows every TCP stream as Zeek would."""

    def __init__(self) -> None:
        """Nothing seen yet."""
        self._rows = GrowingRows(fields.WORDS, "u8")
        self._servers = view_of(port_marks(SERVER_PORTS))
        self._scratch = view_of(np.zeros(1, np.uint64))

    def prepare(self, streams: int) -> None:
        """Make room for so many streams before ``feed``, on another thread if that has time."""
        self._rows.prepare(streams)

    def feed(self, packets: Packets, streams: int) -> None:
        """Take in a batch whose packets have their streams, of which there are ``streams`` by now."""
        rows = self._rows.reach(streams)
        columns = packets.pick(*_COLUMNS)
        arguments = (packets.count, packets.order, *columns, self._servers, rows, self._scratch)
        follow(*arguments)

    def keep(self, streams: NDArray[np.int64], count: int) -> None:
        """Let go of all streams but these of the first ``count``, in ascending order."""
        self._rows.reach(count)
        self._rows.keep(streams, count)

    def columns(self, streams: int, rows: Rows = ALL) -> dict[str, Any]:
        """The columns ``conn_state`` and ``history`` of some rows of so many streams."""
        self._rows.reach(streams)
        some = self._rows.array[:streams][rows]
        return {
            "conn_state": _states(some),
            "conn_state_names": STATES,
            "history_words": packed_histories(some),
            "history_texts": history_texts,
        }


def port_marks(ports: frozenset[int]) -> NDArray[np.uint8]:
    """An element for each port, 1 for those named."""
    marks = np.zeros(65536, np.uint8)
    marks[list(ports)] = 1
    return marks


def packed_histories(rows: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """The letters of rows of ``conn_fields`` alone: twelve in a word, and whether there were more."""
    more = (rows[:, fields.META] >> np.uint64(fields.FULL)) & np.uint64(1)
    rest = rows[:, fields.META] >> np.uint64(fields.REST)
    return np.column_stack(
        (rows[:, fields.HISTORY], rows[:, fields.HISTORY + 1], rest | more << np.uint64(63))
    )


def history_texts(words: NDArray[np.uint64]) -> list[str | None]:
    """Histories as text, None where no packet had a letter."""
    return [_history_text(*row) or None for row in words.tolist()]


def _history_text(first: int, second: int, rest: int) -> str:
    letters = []
    for word in (first, second, rest & ~(1 << 63)):
        left = word
        while left:
            letters.append(fields.ALPHABET[left & _LETTER])
            left >>= fields.LETTER_BITS
    return "".join(letters) + ("…" if rest >> 63 else "")


def _states(rows: NDArray[np.uint64]) -> NDArray[np.int64]:
    """Zeek's decision table, the first line that holds."""
    meta = rows[:, fields.META].astype(np.int64)
    originator = meta >> fields.ORIGINATOR & 1
    pair = [meta >> shift & _STATE for shift in (0, fields.STATE_BITS)]
    orig = np.where(originator == 1, pair[1], pair[0])
    resp = np.where(originator == 1, pair[0], pair[1])
    orig_absent = (orig == fields.INACTIVE) | (orig == fields.PARTIAL)
    resp_absent = (resp == fields.INACTIVE) | (resp == fields.PARTIAL)
    found = np.full(len(meta), _CODE["OTH"], np.int64)
    decided = np.zeros(len(meta), np.bool_)

    def decide(where: NDArray[np.bool_], name: str) -> None:
        found[where & ~decided] = _CODE[name]
        np.logical_or(decided, where, out=decided)

    reset = resp == fields.RESET
    refused = (orig == fields.SYN_SENT) | (orig == fields.SYN_ACK_SENT)
    both = reset & (orig == fields.RESET)
    refused[both] = _is_empty(rows[both])
    decide(reset & refused, "REJ")
    decide(reset & orig_absent, "RSTRH")
    decide(reset, "RSTR")
    reset = orig == fields.RESET
    given_up = reset & resp_absent
    given_up[given_up] = _is_given_up(packed_histories(rows[given_up]))
    decide(given_up, "RSTOS0")
    decide(reset & resp_absent, "OTH")
    decide(reset, "RSTO")
    orig_closed, resp_closed = orig == fields.CLOSED, resp == fields.CLOSED
    decide(orig_closed & resp_closed, "SF")
    decide(orig_closed & resp_absent, "SH")
    decide(orig_closed, "S2")
    decide(resp_closed & orig_absent, "SHR")
    decide(resp_closed, "S3")
    decide((orig == fields.SYN_SENT) & (resp == fields.INACTIVE), "S0")
    decide((orig == fields.ESTABLISHED) & (resp == fields.ESTABLISHED), "S1")
    return found


def _is_empty(rows: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Whether neither endpoint's sequence numbers say that it sent a byte."""
    meta = rows[:, fields.META].astype(np.int64)
    empty = np.ones(len(rows), np.bool_)
    for side in (0, 1):
        ends = rows[:, fields.ENDS + side].astype(np.int64)
        start = ends & 0xFFFFFFFF
        last = _signed((ends >> 32) - start)
        acked = _signed((rows[:, fields.ACKED + side].astype(np.int64) & 0xFFFFFFFF) - start)
        size = np.maximum(last, acked)
        octets = 1 + (meta >> (fields.FIN_SEEN + side) & 1)  # SYN and FIN
        empty &= (size >= 0) & (size <= octets) & (meta >> (fields.LONG + side) & 1 == 0)
    return empty


def _signed(difference: NDArray[np.int64]) -> NDArray[np.int64]:
    """The difference of two sequence numbers, -2**31 to 2**31 - 1."""
    return (difference + 0x80000000 & 0xFFFFFFFF) - 0x80000000


def _is_given_up(words: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Whether the originator sent a SYN, then a RST, and between them nothing that counts."""
    found = np.zeros(len(words), np.bool_)
    alive = np.ones(len(words), np.bool_)
    begun = np.zeros(len(words), np.bool_)
    for place in range(fields.LETTERS):
        word, shift = divmod(place, fields.WORD_LETTERS)
        letter = (words[:, word] >> np.uint64(fields.LETTER_BITS * shift)).astype(np.int64) & _LETTER
        found |= alive & begun & (letter == fields.RST)
        begins = ~begun & (letter == fields.SYN)
        goes_on = begun & (letter != 0) & ~found_in(letter, _SPOILS)
        alive &= (begins | goes_on | ((place == 0) & (letter == fields.FLIP))) & ~found
        begun |= begins
        if not alive.any():
            break
    return found
