"""What limits transfers made here and now, against what the sending kernel says of them."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from netanalyze.pipeline import Options, run

SCRIPT = Path(__file__).parent / "live_transfers.py"
MOST_TICK_US = 10_000
"""The kernel counts time in ticks, of 10 ms at most."""

pytestmark = pytest.mark.skipif(
    not sys.platform.startswith("linux")
    or os.geteuid() != 0
    or shutil.which("unshare") is None
    or shutil.which("ip") is None,
    reason="needs root on Linux with unshare and ip",
)


@pytest.fixture(scope="module")
def transfers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[dict[str, Any], dict[str, Any]]]:
    """What the kernel says of each transfer, and the row about it."""
    capture = tmp_path_factory.mktemp("live") / "live.pcap"
    made = subprocess.run(  # noqa: S603 - our own script
        ["unshare", "--net", sys.executable, SCRIPT, capture],  # noqa: S607
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    if made.returncode:
        pytest.skip(f"no network of our own: {made.stderr.strip().splitlines()[-1:]}")
    report = run([str(capture)], Options(tables=("streams", "limits")))
    ports = {row["client_port"]: row["stream"] for row in report["streams"].to_dicts()}
    rows = {row["stream"]: row for row in report["limits"].to_dicts() if row["sender"] == "server"}
    return {name: (told, rows[ports[told["port"]]]) for name, told in json.loads(made.stdout).items()}


@pytest.mark.parametrize("limit", ["receiver_window", "application"])
def test_the_verdict_is_what_held_it_up(
    transfers: dict[str, tuple[dict[str, Any], dict[str, Any]]], limit: str
) -> None:
    _, row = transfers[limit]
    assert row["verdict"] == limit


def test_a_slow_reader_costs_the_time_that_the_kernel_says(
    transfers: dict[str, tuple[dict[str, Any], dict[str, Any]]],
) -> None:
    told, row = transfers["receiver_window"]
    assert told["rwnd_limited_us"] > told["took_us"] / 2, "the transfer went another way than meant"
    # A tick for each of the twenty times that the window fills.
    assert row["receiver_window_ns"] / 1000 == pytest.approx(
        told["rwnd_limited_us"], abs=20 * MOST_TICK_US, rel=0
    )
    assert row["busy_ns"] / 1000 == pytest.approx(told["busy_us"], rel=0.1, abs=4 * MOST_TICK_US)


def test_pauses_of_the_application_are_its_own(
    transfers: dict[str, tuple[dict[str, Any], dict[str, Any]]],
) -> None:
    told, row = transfers["application"]
    assert not told["rwnd_limited_us"]
    assert not told["sndbuf_limited_us"]
    assert row["receiver_window_ns"] == 0
    assert row["application_percent"] > 90
    # Its kernel was busy for a moment after each write: a tick or none of each.
    assert row["busy_ns"] / 1000 <= told["busy_us"] + 20 * MOST_TICK_US
