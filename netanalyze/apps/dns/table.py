"""The table ``dns``: columns of the rows that are asked for."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.apps.dns import fields
from netanalyze.apps.dns.texts import class_name, opcode_name, rcode_name, type_name
from netanalyze.apps.dns.waits import served_ns
from netanalyze.apps.reading import ManyRows
from netanalyze.model import NULL

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from numpy.typing import NDArray

    from netanalyze.apps.dns.queries import Rows
    from netanalyze.apps.dns.texts import Texts
    from netanalyze.apps.reading import Rows as Which

OPEN_NS = 5_000_000_000
"""A query less than this before the end of the capture may have been answered after it."""
TRANSPORTS = ("udp", "tcp")
PATTERNS: tuple[str | None, ...] = (
    None, "lost_twin", "search_list", "failover", "retry_over_tcp", "ttl_0",
)  # fmt: skip
"""See ``patterns``."""
NO_PATTERN, LOST_TWIN, SEARCH_LIST, FAILOVER, RETRY_OVER_TCP, TTL_0 = range(6)

_FLAG_BITS = 0x7F
_FLAG_NAMES = ("CD", "AD", "Z", "RA", "RD", "TC", "AA")
"""Bits 4 to 10 of the header's second word (RFC 1035 section 4.1.1, RFC 4035 section 3)."""
_NETBIOS_FLAG_NAMES = ("B", "Z", "Z", "RA", "RD", "TC", "AA")
"""The same bits of NetBIOS names (RFC 1002 section 4.2.1.1)."""
_FLAG_TEXTS = tuple(
    " ".join(names[bit] for bit in reversed(range(7)) if flags >> bit & 1) or None
    for names in (_FLAG_NAMES, _NETBIOS_FLAG_NAMES)
    for flags in range(_FLAG_BITS + 1)
)
_NOTES = (
    (fields.AFTER_TRUNCATED, "asked again over TCP because the answer was truncated"),
    (fields.AFTER_FAILURE, "asked again after an error"),
    (fields.OTHER_SERVER, "the attempt before went to another server"),
    (fields.OTHER_PORT, "the attempt before came from another port"),
    (fields.NAME_DIFFERS, "the question differs from the one that this port asked with this id"),
    (fields.SERVER_DIFFERS, "comes from another address than the query went to"),
    (fields.CONTENT_DIFFERS, "says something else than the answer before"),
    (fields.ASKED_AGAIN, "asked again after it was answered"),
    (fields.AT_ONCE, "asked of another server at the same time"),
    (fields.REFUSED_BY_ICMP, "an ICMP error says that it did not arrive"),
)
_PATTERN_NOTES = {
    LOST_TWIN: "A and AAAA from one socket, one answer lost: the client waited and asked again",
    SEARCH_LIST: "a name of the search list, tried because the name has few dots (ndots)",
}


def ordered(rows: Rows) -> Rows:
    """The rows in order of their first frames."""
    frames = rows.word(fields.FRAME)
    frames = np.where(frames == NULL, rows.word(fields.RESPONSE_FRAME), frames)
    if (frames[1:] >= frames[:-1]).all():
        return rows
    return rows.pick(np.argsort(frames, kind="stable"))


def settle_ends(rows: Rows, last_ns: int, refused: NDArray[np.bool_]) -> None:
    """Tell queries that may have been answered after the end of the capture from those that were not.

    Args:
        rows: the queries.
        last_ns: time of the last message.
        refused: of which rows an ICMP error came back.
    """
    end = rows.number(fields.END)
    waits = end == fields.UNANSWERED
    end[waits & ~refused & (rows.word(fields.LAST_NS) > last_ns - OPEN_NS)] = fields.OPEN
    rows.number(fields.NOTE)[refused & (waits | (end == fields.RETRIED))] |= fields.REFUSED_BY_ICMP


def latency_ns(rows: Rows, since: int) -> NDArray[np.int64]:
    """From a time of the query to the answer, ``NULL`` where one of the two is missing."""
    response, query = rows.word(fields.RESPONSE_NS), rows.word(since)
    known = (response != NULL) & (query != NULL) & (rows.word(fields.FRAME) != NULL)
    return np.where(known, response - np.where(known, query, 0), NULL)


def _or_null(values: NDArray[Any]) -> NDArray[np.int64]:
    return np.where(values < 0, NULL, values)


class QueryTable:
    """Makes the columns of some rows."""

    def __init__(self, rows: Rows, patterns: NDArray[Any], waits: NDArray[np.int64], texts: Texts) -> None:
        """Take the rows in order, the pattern and the wait in vain of each, and the texts."""
        self._rows, self._patterns, self._waits, self._texts = rows, patterns, waits, texts
        self._types = _Coded(_type_key(rows), _type_of)
        self._rcodes = _Coded(_rcode_key(rows), _rcode_of)
        self._opcodes = _Coded(_opcode_key(rows), _opcode_of)
        self._classes = _Coded(rows.number(fields.QCLASS), _class_of)
        self._notes = _Coded(_note_key(rows, patterns), _note_of)

    def many_rows(self) -> ManyRows:
        """The table."""
        pool = self._texts.pool()
        return ManyRows(
            len(self._rows),
            self.columns,
            texts={
                "transport": TRANSPORTS,
                "protocol": fields.PROTOCOLS,
                "end": fields.ENDS,
                "pattern": PATTERNS,
                "type": self._types.names,
                "rcode": self._rcodes.names,
                "opcode": self._opcodes.names,
                "qclass": self._classes.names,
                "note": self._notes.names,
                "query_flags": _FLAG_TEXTS,
                "response_flags": _FLAG_TEXTS,
            },
            pooled={"name": pool, "answer": pool},
            worded={
                "edns_options": self._texts.options,
                "server_edns_options": self._texts.options,
                "extended_error": self._texts.extended_errors,
            },
        )

    def columns(self, which: Which) -> Mapping[str, NDArray[Any]]:
        """The columns of some rows."""
        rows = self._rows.pick(which)
        number = partial(_number, rows)
        asked = rows.word(fields.FRAME) != NULL
        answered = rows.word(fields.RESPONSE_FRAME) != NULL
        edns = number(fields.EDNS_FLAGS)
        response_flags, query_flags = number(fields.RESPONSE_FLAGS), number(fields.QUERY_FLAGS)
        return {
            "frame": rows.word(fields.FRAME),
            "response_frame": rows.word(fields.RESPONSE_FRAME),
            "time_ns": rows.word(fields.TIME),
            "transport": number(fields.TRANSPORT),
            **_address("client", rows, fields.CLIENT_HI),
            **_address("server", rows, fields.SERVER_HI),
            "id": _or_null(number(fields.ID)),
            "name": number(fields.NAME),
            "type": self._types.codes(_type_key(rows)),
            "rcode": self._rcodes.codes(_rcode_key(rows)),
            "answers": _or_null(number(fields.ANSWERS_COUNT)),
            "latency_ns": latency_ns(rows, fields.FIRST_NS),
            "attempts": np.where(asked, number(fields.ATTEMPTS), NULL),
            "end": number(fields.END),
            "answer": number(fields.ANSWER_TEXT),
            "ttl_s": _or_null(number(fields.MIN_TTL)),
            "pattern": np.where(self._patterns[which] > 0, self._patterns[which], -1),
            "protocol": number(fields.PROTOCOL),
            "flow": rows.word(fields.FLOW),
            "client_port": number(fields.CLIENT_PORT),
            "server_port": number(fields.SERVER_PORT),
            "first_frame": rows.word(fields.FIRST_FRAME),
            "other_frame": rows.word(fields.OTHER_FRAME),
            "response_ns": latency_ns(rows, fields.ASKED_NS),
            "server_ns": served_ns(rows),
            "wait_ns": self._waits[which],
            "responses": np.where(asked, number(fields.RESPONSES), NULL),
            "opcode": self._opcodes.codes(_opcode_key(rows)),
            "qclass": self._classes.codes(rows.number(fields.QCLASS)),
            "questions": number(fields.QUESTIONS),
            "truncated": (answered & ((response_flags & 0x0200) != 0)),
            "query_flags": _flag_codes(rows, query_flags),
            "response_flags": _flag_codes(rows, response_flags),
            "query_bytes": _or_null(number(fields.QUERY_SIZE)),
            "response_bytes": _or_null(number(fields.RESPONSE_SIZE)),
            "edns_bytes": _or_null(number(fields.PAYLOAD_SIZE)),
            "dnssec_ok": (edns >= 0) & ((edns & 0x8000) != 0),
            "edns_options": number(fields.QUERY_OPTIONS),
            "server_edns_bytes": _or_null(number(fields.SERVER_PAYLOAD)),
            "server_edns_options": number(fields.SERVER_OPTIONS),
            "extended_error": number(fields.SERVER_OPTIONS),
            "note": self._notes.codes(_note_key(rows, self._patterns[which])),
        }


def _flag_codes(rows: Rows, flags: NDArray[np.int64]) -> NDArray[np.int64]:
    """The places of the texts of flags."""
    netbios = rows.number(fields.PROTOCOL) == fields.NBNS
    return np.where(flags < 0, -1, (flags >> 4 & _FLAG_BITS) + netbios * (_FLAG_BITS + 1))


def _number(rows: Rows, field: int) -> NDArray[np.int64]:
    return rows.number(field).astype(np.int64)


def _address(name: str, rows: Rows, field: int) -> dict[str, NDArray[Any]]:
    return {
        f"{name}_hi": rows.addresses[:, field],
        f"{name}_lo": rows.addresses[:, field + 1],
        f"{name}_version": rows.number(fields.VERSION),
    }


class _Coded:
    """Small numbers of which few are different, and the text of each."""

    def __init__(self, values: NDArray[Any], text: Callable[[int], str | None]) -> None:
        shifted = values.astype(np.int64) + 1  # they begin with -1
        counts = np.bincount(shifted) if len(values) else np.zeros(1, np.int64)
        distinct = np.flatnonzero(counts)
        self._place = np.zeros(len(counts), np.int64)
        self._place[distinct] = np.arange(len(distinct))
        self.names = [text(value - 1) for value in distinct.tolist()]

    def codes(self, values: NDArray[Any]) -> NDArray[np.int64]:
        """The place of each value's text."""
        found: NDArray[np.int64] = self._place[values + 1]
        return found


_NETBIOS = 1 << 20


def _with_netbios(rows: Rows, values: NDArray[Any]) -> NDArray[np.int64]:
    """Values that mean something else in NetBIOS names; those below 0 stay."""
    netbios = rows.number(fields.PROTOCOL) == fields.NBNS
    return np.where((values >= 0) & netbios, values + _NETBIOS, values)


def _type_key(rows: Rows) -> NDArray[np.int64]:
    return _with_netbios(rows, rows.number(fields.QTYPE))


def _type_of(key: int) -> str | None:
    return None if key < 0 else type_name(key % _NETBIOS, netbios=key >= _NETBIOS)


def _rcode_key(rows: Rows) -> NDArray[np.int64]:
    return _with_netbios(rows, rows.number(fields.RCODE))


def _rcode_of(key: int) -> str | None:
    return None if key < 0 else rcode_name(key % _NETBIOS, netbios=key >= _NETBIOS)


def _opcode_key(rows: Rows) -> NDArray[np.int64]:
    query, response = rows.number(fields.QUERY_FLAGS), rows.number(fields.RESPONSE_FLAGS)
    flags = np.where(query >= 0, query, response)
    return _with_netbios(rows, np.where(flags < 0, -1, flags >> 11 & 15))


def _opcode_of(key: int) -> str | None:
    return None if key < 0 else opcode_name(key % _NETBIOS, netbios=key >= _NETBIOS)


def _class_of(key: int) -> str | None:
    return None if key < 0 else class_name(key)


def _note_key(rows: Rows, patterns: NDArray[Any]) -> NDArray[np.int64]:
    noted = rows.number(fields.NOTE).astype(np.int64) | rows.number(fields.PROBLEM).astype(np.int64) << 12
    return noted | patterns.astype(np.int64) << 18


def _note_of(key: int) -> str | None:
    said = [text for bit, text in _NOTES if key & bit]
    problem = fields.PROBLEMS[key >> 12 & 63]
    if problem is not None:
        said.append(f"malformed: {problem}" if key >> 12 & 63 != fields.CUT_CAPTURE else problem)
    pattern = _PATTERN_NOTES.get(key >> 18)
    if pattern is not None:
        said.append(pattern)
    return "; ".join(said) or None
