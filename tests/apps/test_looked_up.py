"""Which connections came of lookups: against what programs did, and against a slow count."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

import netanalyze
from netanalyze.apps.dns import answers as records
from netanalyze.apps.dns.answers import Answers
from netanalyze.apps.looked_up import lookup_columns

CAPTURES = Path(__file__).resolve().parents[2] / "captures"


def lookups_of(name: str) -> dict[str, dict[str, Any]]:
    report = netanalyze.analyze(CAPTURES / f"{name}.pcap", reports=["lookups"])
    return {row["name"]: row for row in json.loads(report.to_json())["lookups"]}


def test_names_that_a_program_used_and_did_not_use() -> None:
    truth = json.loads((CAPTURES / "dns-unused.truth.json").read_text())["python"]
    for name, steps in truth.items():
        rows = lookups_of(name)
        opened: dict[str, int] = {}
        for step in steps:
            if "name" in step:
                opened[step["name"]] = opened.get(step["name"], 0) + ("local_port" in step)
        assert {row["name"]: row["connections"] for row in rows.values()} == opened
        assert {row["of_others"] for row in rows.values()} == {0}
        assert rows["host101.lab.test"]["addresses"] == rows["host101.lab.test"]["answers"] == 2


CLIENT, OTHER = 1000, 1001
record = st.tuples(st.integers(1, 3), st.integers(1, 4), st.sampled_from([CLIENT, OTHER]), st.integers(0, 9))
flow = st.tuples(st.sampled_from([CLIENT, OTHER]), st.integers(1, 4), st.integers(0, 9), st.integers(0, 5))


@given(told=st.lists(record, max_size=12), flows=st.lists(flow, max_size=12))
def test_against_a_slow_count(
    told: list[tuple[int, int, int, int]], flows: list[tuple[int, int, int, int]]
) -> None:
    base = 10 << 24
    words = np.zeros((len(told), records.WORDS), np.uint64)
    numbers = np.full((len(told), records.NUMBERS), 4, np.int32)
    numbers[:, records.PROTOCOL] = 0
    for place, (name, address, client, time) in enumerate(told):
        words[place, [records.LO, records.CLIENT_LO]] = base + address, base + client
        words[place, [records.TIME, records.FRAME]] = time, place + 1
        numbers[place, records.NAME] = name
    answers = Answers(words, numbers, lambda codes: [str(code) for code in codes])

    def columns(some: list[tuple[int, int, int, int]]) -> dict[str, Any]:
        ends = {
            f"{end}_{part}": np.array(
                [{"hi": 0, "lo": base + one[at], "version": 4}[part] for one in some], np.uint64
            )
            for at, end in enumerate(("client", "server"))
            for part in ("hi", "lo", "version")
        }
        times = {name: np.array([one[at] for one in some], np.int64) for at, name in enumerate(_TIMES, 2)}
        return ends | times

    found = lookup_columns(columns(flows[::2]), columns(flows[1::2]), answers)
    got = {}
    for at in range(len(found["name"])):
        key = (int(found["name_names"][found["name"][at]]), int(found["client_lo"][at]) - base)
        got[key] = tuple(
            int(found[name][at]) for name in ("answers", "addresses", "connections", "of_others")
        )
    wanted = {}
    for name, client in {(one[0], one[2]) for one in told}:
        mine = [one for one in told if (one[0], one[2]) == (name, client)]
        since: dict[int, int] = {}
        for _, address, _, time in mine:
            since[address] = min(time, since.get(address, time))
        there = [
            (user == client)
            for user, address, start, lasts in flows
            if address in since and start + lasts >= since[address]
        ]
        wanted[name, client] = (len(mine), len(since), sum(there), len(there) - sum(there))
    assert got == wanted


_TIMES = ("start_ns", "duration_ns")


def test_addresses_that_nobody_reaches_are_none() -> None:
    words = np.zeros((2, records.WORDS), np.uint64)
    words[:, records.LO] = 0x7F000002, 0
    numbers = np.full((2, records.NUMBERS), 4, np.int32)
    empty = {
        f"{end}_{part}": np.zeros(0, np.uint64)
        for end in ("client", "server")
        for part in ("hi", "lo", "version")
    }
    empty |= {name: np.zeros(0, np.int64) for name in _TIMES}
    assert len(lookup_columns(empty, empty, Answers(words, numbers, lambda _: []))["name"]) == 0
    assert len(lookup_columns(empty, empty, None)["name"]) == 0
