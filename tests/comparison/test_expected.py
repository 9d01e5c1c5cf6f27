"""Whole comparisons of recordings, as they were looked at.

``pytest tests/comparison/test_expected.py --update-golden`` writes them anew.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from netanalyze.comparison.packets import read_tap
from netanalyze.comparison.two_sided import compare_taps
from netanalyze.report.json_object import lines

CAPTURES = Path(__file__).parent.parent.parent / "captures"
EXPECTED = Path(__file__).parent / "expected"
PAIRS = (
    ("lossy-transfer-client", "lossy-transfer-server"),
    ("rtt-delays-client", "rtt-delays-middle"),
    ("rtt-delays-client", "rtt-delays-server"),
    ("injected-faults-receiver", "injected-faults-sender"),
    ("http-hang-ups-client", "http-hang-ups-server"),
    ("sticky-waits-client", "sticky-waits-server"),
)


@pytest.mark.parametrize(("client", "server"), PAIRS)
def test_all_tables(client: str, server: str, update_golden: bool) -> None:  # noqa: FBT001 - a fixture
    found = compare_taps(*(read_tap([str(CAPTURES / f"{name}.pcap")]) for name in (client, server)))
    tables = ([found.clock], found.totals, list(found.ways), list(found.traces), list(found.differences))
    text = b"".join(lines(rows) for rows in tables if rows)
    path = EXPECTED / f"{client}+{server}.jsonl"
    if update_golden:
        EXPECTED.mkdir(exist_ok=True)
        path.write_bytes(text)
    assert text == path.read_bytes()
