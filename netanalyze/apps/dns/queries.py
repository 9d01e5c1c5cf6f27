"""Queries with their answers, collected over a run: what the kernels find, in arrays that grow."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import numpy as np

from netanalyze.apps.dns import answers, fields
from netanalyze.apps.dns.answers import Answers
from netanalyze.apps.dns.message_kernel import read_messages
from netanalyze.apps.dns.pairing_kernel import Pairs, pair
from netanalyze.apps.dns.texts import Texts
from netanalyze.columns import GrowingRows, view_of
from netanalyze.model import NULL

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from netanalyze.apps.reading import Datagrams

WINDOW = 65536
"""Rows that an answer may belong to, as in ``pairing_kernel``."""
_SLOTS = 2 * WINDOW
_LOOKUPS = 1 << 14
"""Places for lookups that have no answer yet."""
_MESSAGE_ROWS = 8192
_SPANS = 65, 7
_WANT_ANSWERS = 1
_WANT_ADDRESSES = 2
_AT_ONCE = 2 * WINDOW
"""Rows that are handed over at a time where they are not kept."""
_READ = (
    *("source", "offset", "captured", "wire", "protocol", "frame", "time_ns", "version", "dst_hi", "dst_lo"),
)
_PAIRED = (
    *("frame", "time_ns", "flow", "side", "transport", "protocol", "version"),
    *("src_hi", "src_lo", "dst_hi", "dst_lo", "sport", "dport"),
)


class Rows:
    """Some rows: words, addresses and numbers as ``fields`` has them."""

    def __init__(
        self, words: NDArray[np.int64], addresses: NDArray[np.uint64], numbers: NDArray[np.int32]
    ) -> None:
        """Take the arrays."""
        self.words, self.addresses, self.numbers = words, addresses, numbers

    def __len__(self) -> int:
        """How many rows there are."""
        return len(self.words)

    def word(self, field: int) -> NDArray[np.int64]:
        """One field of all rows."""
        return self.words[:, field]

    def number(self, field: int) -> NDArray[np.int32]:
        """Likewise."""
        return self.numbers[:, field]

    def pick(self, rows: NDArray[np.int64] | slice) -> Rows:
        """Some of them."""
        return Rows(self.words[rows], self.addresses[rows], self.numbers[rows])


def _row(numbers: int, unknown: frozenset[int]) -> NDArray[np.int32]:
    """A row of which nothing is known."""
    row = np.zeros(numbers, np.int32)
    row[sorted(unknown)] = -1
    return row


class Queries:
    """Takes messages; rows are kept, or handed over once nothing changes them any more.

    Attributes:
        texts: of names and answers.
        last_ns: time of the latest message.
    """

    def __init__(
        self,
        *,
        want_answers: bool = True,
        want_addresses: bool = False,
        hand_over: Callable[[Rows], None] | None = None,
    ) -> None:
        """Nothing seen yet.

        Args:
            want_answers: put answers in words.
            want_addresses: keep the address records of answers.
            hand_over: takes rows that are final, which are not kept; without it all are.
        """
        self.texts = Texts()
        self.last_ns = -(1 << 63)
        self._want = _WANT_ANSWERS * want_answers | _WANT_ADDRESSES * want_addresses
        self._hand_over = hand_over
        messages = np.zeros((_MESSAGE_ROWS, fields.M_NUMBERS), np.int32)
        messages[-1] = _row(fields.M_NUMBERS, fields.M_UNKNOWN)
        self._messages = view_of(messages)
        self._spans = view_of(np.zeros(_SPANS, np.int64))
        self._record_words = GrowingRows(answers.WORDS, "u8")
        self._record_numbers = GrowingRows(answers.NUMBERS, "i4")
        self._pairs = Pairs(
            int.from_bytes(os.urandom(8), "little"),
            view_of(np.full(fields.WORDS, NULL, np.int64)),
            view_of(_row(fields.NUMBERS, fields.UNKNOWN)),
        )
        self._words = GrowingRows(fields.WORDS)
        self._addresses = GrowingRows(fields.ADDRESS_WORDS, "u8")
        self._numbers = GrowingRows(fields.NUMBERS, "i4")
        self._refused = GrowingRows(1, "u1")
        self._tables = (
            view_of(np.zeros(_SLOTS, np.int64)),
            view_of(np.zeros(_LOOKUPS, np.int64)),
            view_of(np.zeros((_MESSAGE_ROWS, 2), np.uint64)),
            self._messages,
        )

    def refuse(self, flows: NDArray[np.int64]) -> None:
        """ICMP errors say that what was sent in these UDP flows did not arrive."""
        if len(flows):
            self._refused.reach(int(flows.max()) + 1)
            self._refused.array[flows, 0] = 1

    def is_refused(self, rows: Rows) -> NDArray[np.bool_]:
        """Of which rows an ICMP error came back."""
        flows = rows.word(fields.FLOW)
        known = (rows.number(fields.TRANSPORT) == 0) & (flows < len(self._refused.array))
        found: NDArray[np.bool_] = known & (self._refused.array[np.where(known, flows, 0), 0] != 0)
        return found

    def take(self, datagrams: Datagrams) -> None:
        """Read messages."""
        count, first = datagrams.count, 0
        if not count:
            return
        self.last_ns = max(self.last_ns, int(datagrams.arrays["time_ns"][:count].max()))
        counters = self.texts.counters
        columns = datagrams.pick(*_READ)
        while first < count:
            self.texts.make_room()
            counters[fields.MESSAGES] = 0
            records = int(counters[fields.ADDRESSES]) + _MESSAGE_ROWS
            words, numbers = self._record_words.reach(records), self._record_numbers.reach(records)
            arguments = (
                self.texts.store, first, count, datagrams.data, datagrams.arena, *columns,
                self._want,
            )  # fmt: skip
            self.texts.store.use_rows(self._messages, self._spans, words, numbers)
            first = read_messages(*arguments)
            self._pair(datagrams, int(counters[fields.MESSAGES]))
        self.texts.store.let_go_of_data(memoryview(b""))

    def _pair(self, datagrams: Datagrams, rows: int) -> None:
        pairs = self._pairs
        have = pairs.rows()
        if self._hand_over is not None and have > _AT_ONCE:
            self._let_go(have - WINDOW)
            have = pairs.rows()
        pairs.use(
            self._words.reach(have + rows), self._addresses.reach(have + rows),
            self._numbers.reach(have + rows), *self._tables, self._refused.view,
        )  # fmt: skip
        pair(pairs, 0, rows, *datagrams.pick(*_PAIRED))

    def _let_go(self, rows: int) -> None:
        """Hand over rows that no message can belong to any more."""
        assert self._hand_over is not None  # noqa: S101 - what the caller asked
        self._hand_over(self.rows().pick(slice(rows)))
        self._drop(rows)

    def forget(self, most: int) -> int:
        """Keep the newest rows only; returns how many of the oldest are gone.

        Args:
            most: how many to keep; those that an answer may still belong to stay in any case.
        """
        beyond = self._pairs.rows() - max(most, WINDOW)
        if beyond < WINDOW:  # moving the others takes time
            return 0
        self._drop(beyond)
        return int(beyond)

    def _drop(self, rows: int) -> None:
        used = self._pairs.rows()
        for table in (self._words, self._addresses, self._numbers):
            table.array[: used - rows] = table.array[rows:used]
        self._pairs.let_go(rows)

    def rows(self) -> Rows:
        """The rows that there are now."""
        used = self._pairs.rows()
        return Rows(self._words.array[:used], self._addresses.array[:used], self._numbers.array[:used])

    def finish(self) -> None:
        """Hand over the rest."""
        if self._hand_over is not None and self._pairs.rows():
            self._let_go(self._pairs.rows())

    def answers(self) -> Answers:
        """The address records."""
        count = int(self.texts.counters[fields.ADDRESSES])
        return Answers(self._record_words.array[:count], self._record_numbers.array[:count], self.texts.words)
