"""DNS and its relatives as an application: takes datagrams, opens streams, makes the tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.apps.dns import fields
from netanalyze.apps.dns.netbios import NetbiosAnswers
from netanalyze.apps.dns.patterns import pattern_rows, patterns_of
from netanalyze.apps.dns.queries import Queries
from netanalyze.apps.dns.statistics import Servers, name_rows
from netanalyze.apps.dns.stream import Pending, StreamReader
from netanalyze.apps.dns.table import QueryTable, ordered, settle_ends
from netanalyze.apps.dns.truncated import join_truncated
from netanalyze.apps.dns.waits import waits_ns
from netanalyze.model import NULL

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from numpy.typing import NDArray

    from netanalyze.apps.dns.answers import Answers
    from netanalyze.apps.dns.queries import Rows
    from netanalyze.apps.reading import Asked, Datagrams, ManyRows, StreamFacts
    from netanalyze.apps.transcript import Transcriber

TABLES = frozenset({"dns", "dns_servers", "dns_names", "dns_patterns"})
WANTED_BY = frozenset({"names", "lookups"})
"""Tables for which the addresses in answers are kept (``answers``)."""
_KEEPING = TABLES - {"dns_servers"}
GIVEN_UP_NS = 30_000_000_000
"""A query that nobody answered for so long is taken: resolvers try again for about as long."""
_AROUND = 4096
"""Queries before one that is taken among which a pattern is looked for."""


class Dns:
    """What a run keeps of DNS.

    Attributes:
        datagrams: the protocols that are read.
        answers: the addresses in answers, once all is read and if a table asks for them.
    """

    datagrams: Sequence[str] = fields.PROTOCOLS

    def __init__(self, tables: frozenset[str]) -> None:
        """Nothing read yet; ``tables`` are those wanted."""
        self._tables = tables & TABLES
        keeps = bool(tables & _KEEPING)
        self._servers = Servers() if "dns_servers" in tables else None
        self._want_addresses = bool(tables & WANTED_BY)
        self._queries = Queries(
            want_answers=keeps,
            want_addresses=self._want_addresses,
            hand_over=None if keeps else self._add,
        )
        self._keeps = keeps
        self._over = False
        self._pending = Pending(self._queries)
        self._netbios = NetbiosAnswers(self._queries.texts)
        self.answers: Answers | None = None
        self._taken = np.zeros(0, np.bool_)

    def open(self, stream: StreamFacts) -> StreamReader:
        """A reader for a stream."""
        return StreamReader(self._pending, stream)

    def take(self, datagrams: Datagrams) -> None:
        """Read some datagrams."""
        self._pending.flush()
        self._queries.take(datagrams)

    def refuse(self, flows: NDArray[np.int64]) -> None:
        """See ``DatagramApplication``."""
        self._queries.refuse(flows)

    def finish(self) -> None:
        """Nothing more comes."""
        self._pending.flush()
        self._over = True
        self._queries.finish()
        if self._want_addresses:
            self.answers = self._queries.answers()

    def _add(self, rows: Rows) -> None:
        if self._servers is not None:
            if self._over:
                settle_ends(rows, self._queries.last_ns, self._queries.is_refused(rows))
            self._servers.add(rows)

    def taken(self, over: Collection[int] = ()) -> Mapping[str, ManyRows]:
        """See ``Forgetting``; streams say nothing about queries."""
        del over
        if "dns" not in self._tables:
            return {}
        self._pending.flush()
        rows, texts = self._queries.rows(), self._queries.texts
        self._taken = np.concatenate((self._taken, np.zeros(len(rows) - len(self._taken), np.bool_)))
        answered = rows.number(fields.END) != fields.UNANSWERED
        settled = answered | (rows.word(fields.LAST_NS) <= self._queries.last_ns - GIVEN_UP_NS) | self._over
        new = np.flatnonzero(settled & ~self._taken)
        self._taken[new] = True
        # Patterns are those of queries near to each other.
        first = max(int(new[0]) - _AROUND, 0) if len(new) else len(rows)
        around = rows.pick(slice(first, None))
        if self._over:
            settle_ends(around, self._queries.last_ns, self._queries.is_refused(around))
        join_truncated(around)
        waits = waits_ns(around)
        patterns = patterns_of(around, waits, texts)
        new -= first
        new = new[np.argsort(_frames(around.pick(new)), kind="stable")]
        picked = around.pick(new)
        self._netbios.put_in_words(picked)
        return {"dns": QueryTable(picked, patterns[new], waits[new], texts).many_rows()}

    def forget(self, streams: Collection[int], most: int) -> int:
        """See ``Forgetting``."""
        del streams
        if not self._keeps:
            return 0
        gone = self._queries.forget(most)
        self._taken = self._taken[gone:]
        return gone

    def columns(self) -> Mapping[str, Mapping[str, Sequence[Any]] | ManyRows]:
        """See ``Application``."""
        found: dict[str, Any] = {}
        texts = self._queries.texts
        if self._keeps:
            rows = ordered(self._queries.rows())
            settle_ends(rows, self._queries.last_ns, self._queries.is_refused(rows))
            join_truncated(rows)
            self._netbios.put_in_words(rows)
            if self._servers is not None:
                self._servers.add(rows)
            wanted = self._tables & {"dns", "dns_patterns"}
            if wanted:
                waits = waits_ns(rows)
                patterns = patterns_of(rows, waits, texts)
                if "dns" in wanted:
                    found["dns"] = QueryTable(rows, patterns, waits, texts).many_rows()
                if "dns_patterns" in wanted:
                    found["dns_patterns"] = pattern_rows(rows, patterns, waits, texts)
            if "dns_names" in self._tables:
                found["dns_names"] = name_rows(rows, texts)
        if self._servers is not None:
            found["dns_servers"] = self._servers.columns(texts)
        return found


def _frames(rows: Rows) -> NDArray[np.int64]:
    frames = rows.word(fields.FRAME)
    return np.where(frames == NULL, rows.word(fields.RESPONSE_FRAME), frames)


def TRANSCRIBER(stream: StreamFacts, max_body_bytes: int) -> Transcriber:  # noqa: N802 - see below
    """What shows the messages of a stream."""
    from netanalyze.apps.dns.transcript import StreamTranscriber  # noqa: PLC0415 - tables do without

    del max_body_bytes
    return StreamTranscriber(stream)


def APPLICATION(asked: Asked) -> Dns:  # noqa: N802 - the name that ``readers`` looks for
    """What a run keeps of DNS, for what is asked."""
    return Dns(asked.tables)
