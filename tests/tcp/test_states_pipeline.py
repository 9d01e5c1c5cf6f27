"""The state machines as a stage: run only when asked, and at one with the other tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from frames import write_pcapng
from tcp_steps import CLIENT_CLOSES, frames_of

import netanalyze
from netanalyze.errors import CaptureError, UsageError
from netanalyze.pipeline import Engine, Options, run
from netanalyze.tcp.states import State

if TYPE_CHECKING:
    from pathlib import Path

STATES = {state.label for state in State if state}
TABLES = ("streams", "transitions", "populations", "closers")


@pytest.mark.parametrize(
    ("tables", "runs", "records"),
    [
        (("capture", "udp", "protocols"), False, False),
        (("streams",), True, False),
        (("transitions",), True, True),
        (("populations", "streams"), True, True),
        (("closers",), True, True),
    ],
)
def test_it_runs_when_asked(tables: tuple[str, ...], runs: bool, records: bool) -> None:  # noqa: FBT001
    stages = Engine(Options(tables=tables))._tcp
    machines = None if stages is None else stages._machines
    assert (machines is not None) == runs
    assert machines is None or machines._record == records


def test_tables_without_states_do_not_need_it(tmp_path: Path) -> None:
    path = tmp_path / "many.pcapng"
    frames = [
        frame for port in range(1_100) for frame in frames_of(CLIENT_CLOSES[:1], ports=(20_000 + port, 80))
    ]
    write_pcapng(path, frames)
    assert len(netanalyze.analyze(path, reports=["udp"])["udp"]) == 0
    assert len(netanalyze.analyze(path, reports=["closers"])["closers"]) == 1


@pytest.mark.parametrize(("time_wait_ns", "state"), [(10**9, "CLOSED"), (10**11, "TIME-WAIT")])
def test_how_long_time_wait_lasts(tmp_path: Path, time_wait_ns: int, state: str) -> None:
    path = tmp_path / "later.pcapng"
    frames = frames_of(CLIENT_CLOSES)
    write_pcapng(path, [*frames, frames[0]._replace(data=bytes(60), time_ns=frames[-1].time_ns + 10**10)])
    report = netanalyze.analyze(path, reports=["streams"], time_wait_ns=time_wait_ns)
    assert report["streams"][0].client_state == state
    with pytest.raises(UsageError, match="TIME-WAIT lasts"):
        netanalyze.analyze(path, reports=["streams"], time_wait_ns=-1)


def test_a_stream_that_continues_after_a_report() -> None:
    """A report in between changes nothing: live captures will make many."""
    from frames import batches  # noqa: PLC0415
    from tcp_steps import fastest  # noqa: PLC0415

    made = fastest()
    frames = frames_of(CLIENT_CLOSES)
    decoder = made.kernels.decode.Decoder(1)
    flows = made.kernels.table.FlowTable(decoder.facts, keep_duplicates=True)
    machines = made.machines.Machines()
    lengths = []
    for batch in batches(frames, 1):
        packets = decoder.decode(batch)
        flows.add(batch, packets)
        machines.add(batch, packets, flows.tcp.count)
        lengths.append(len(machines.finish(flows.tcp).moves))
        assert len(machines.finish(flows.tcp).moves) == lengths[-1]
    assert lengths == [1, 2, 4, 4, 4, 6, 7, 9, 10]


def test_the_corpus(corpus: Path) -> None:
    found = 0
    for path in sorted((corpus / "captures").iterdir()):
        try:
            report = run([str(path)], Options(tables=TABLES))
        except CaptureError:
            continue
        last: dict[tuple[int, str], str] = {}
        rows: list[dict[str, Any]] = report["transitions"].to_dicts()
        for row in rows:
            key = row["stream"], row["endpoint"]
            if key in last:
                assert row["from_state"] == last[key]
            last[key] = row["to_state"]
        for stream in report["streams"].to_dicts():
            for end in ("client", "server"):
                final = stream[f"{end}_state"]
                assert final is None or final in STATES
                assert last.get((stream["stream"], end), final) == final
        counted = sum(row["still_open"] for row in report["populations"].to_dicts())
        open_still = [state for state in last.values() if state not in {"CLOSED", "LISTEN"}]
        assert counted <= len(open_still)
        assert sum(row["connections"] for row in report["closers"].to_dicts()) == len(report["streams"])
        found += len(rows)
    assert found > 1_000
