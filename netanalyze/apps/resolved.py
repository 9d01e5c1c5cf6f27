"""Which answer gave a connection its address: the columns of the table ``names``.

For each TCP stream and UDP flow, the latest answer with the server's address that was captured before it
began: one that its own client got before one that another host got. Where there is none, the name was
resolved elsewhere (hosts file, a cache, an answer before the capture), or nobody resolved any because the
address was written as it is. Packets do not tell these apart, unless the client says a name when it begins.
"""

from __future__ import annotations

import ipaddress
from typing import TYPE_CHECKING, Any

import numpy as np

from netanalyze.model import NULL, known

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from netanalyze.apps.dns.answers import Answers

TRANSPORTS = ("tcp", "udp")
WAYS = ("answer", "expired", "other_host", "elsewhere", "literal", "group", "unknown")
_ANSWER, _EXPIRED, _OTHER, _ELSEWHERE, _LITERAL, _GROUP, _UNKNOWN = range(7)
_SECOND_NS = 1_000_000_000
_ENDS = tuple(
    f"{end}_{part}" for end in ("client", "server") for part in ("hi", "lo", "version", "port")
)  # fmt: skip


def name_columns(
    tcp: Mapping[str, Any], udp: Mapping[str, Any], answers: Answers | None, said: Mapping[int, str]
) -> dict[str, Any]:
    """The columns of the table ``names``: TCP streams first, then UDP flows.

    Args:
        tcp: columns of ``streams``.
        udp: columns of ``udp``.
        answers: the addresses that answers had.
        said: the name that the client of a TCP stream said, by number of the stream.
    """
    both = {name: np.concatenate([tcp[name], udp[name]]) for name in (*_ENDS, "start_ns")}
    streams, flows = len(tcp["start_ns"]), len(udp["start_ns"])
    count = streams + flows
    index = np.full(count, -1, np.int64)
    if answers is not None and answers.count:
        index = answers.find(
            both["server_hi"], both["server_lo"], both["server_version"], both["start_ns"],
            both["client_hi"], both["client_lo"],
        )  # fmt: skip
    found = index >= 0
    facts = _of_answers(both, answers, index, found)
    words = [said.get(number) for number in range(streams)] + [None] * flows
    way = _ways(both, facts, found, words)
    names = list(facts["names"])
    return {
        "transport": np.repeat([0, 1], [streams, flows]),
        "transport_names": TRANSPORTS,
        "stream": np.concatenate([np.arange(streams), np.arange(flows)]),
        **both,
        "resolved": way,
        "resolved_names": WAYS,
        **_coded("name", names),
        **_coded("chain", facts["chains"]),
        **_coded("said_name", words),
        "answer_frame": facts["frame"],
        "age_ns": facts["age_ns"],
        "ttl_s": facts["ttl_s"],
    }


def _of_answers(
    both: Mapping[str, Any], answers: Answers | None, index: NDArray[np.int64], found: NDArray[np.bool_]
) -> dict[str, Any]:
    nothing = np.full(len(index), NULL, np.int64)
    if answers is None or not answers.count:
        none: list[str | None] = [None] * len(index)
        told = np.zeros(len(index), np.bool_)
        numbers = dict.fromkeys(("frame", "age_ns", "ttl_s"), nothing)
        return {**numbers, "names": none, "chains": none, "told": told}
    place = np.maximum(index, 0)
    return {
        "frame": known(answers.frame[place], found),
        "age_ns": known(both["start_ns"] - answers.time_ns[place], found),
        "ttl_s": known(answers.ttl_s[place], found),
        "told": answers.told(place, both["client_hi"], both["client_lo"]),
        "names": answers.names(index),
        "chains": answers.chains(index),
    }


def _ways(
    both: Mapping[str, Any], facts: Mapping[str, Any], found: NDArray[np.bool_], words: Sequence[str | None]
) -> NDArray[np.int64]:
    """How the address came about, as a number of ``WAYS``."""
    way = np.full(len(found), _UNKNOWN, np.int64)
    for row, text in enumerate(words):
        if text is not None:
            way[row] = _LITERAL if _is_address(text) else _ELSEWHERE
    hi, lo, version = (both[f"server_{part}"] for part in ("hi", "lo", "version"))
    four = (version == 4) & ((lo >> np.uint64(28) == 0xE) | (lo == 0xFFFFFFFF))  # noqa: PLR2004
    way[four | ((version == 6) & (hi >> np.uint64(56) == 0xFF))] = _GROUP  # noqa: PLR2004
    # Times to live are whole seconds, and one of 0 is good for the use at hand (RFC 1035 section 3.2.1).
    expired = facts["age_ns"] > np.maximum(facts["ttl_s"], 1) * _SECOND_NS
    way[found] = np.where(expired, _EXPIRED, _ANSWER)[found]
    way[found & ~facts["told"]] = _OTHER
    return way


def _is_address(text: str) -> bool:
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def _coded(name: str, texts: Sequence[str | None]) -> dict[str, Any]:
    """A column of text as numbers, each distinct text once."""
    numbers: dict[str, int] = {}
    codes = [-1 if text is None else numbers.setdefault(text, len(numbers)) for text in texts]
    return {name: np.array(codes, np.int64), f"{name}_names": list(numbers)}
