from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import netanalyze
from netanalyze import errors

if TYPE_CHECKING:
    from fake_pipeline import Pipeline


def test_analyze_one_file(pipeline: Pipeline) -> None:
    report = netanalyze.analyze("web.pcapng")
    assert report is pipeline.report
    assert pipeline.paths == ["web.pcapng"]
    assert pipeline.options is not None
    assert pipeline.options.tables == ("capture", "ledger", "protocols", "streams", "listeners", "udp")
    assert [row.stream for row in report["streams"].where("app=http", "duration>1s").top(10, by="bytes")] == [
        0
    ]


def test_analyze_several_files_for_some_tables(pipeline: Pipeline) -> None:
    netanalyze.analyze(
        (Path("a.pcap"), "b.pcap"),
        reports=["udp"],
        filter="udp",
        start="#1",
        stop="#9",
        keep_duplicates=True,
    )
    options = pipeline.options
    assert pipeline.paths == ["a.pcap", "b.pcap"]
    assert options is not None
    assert (options.tables, options.filter, options.start, options.stop, options.keep_duplicates) == (
        ("udp",),
        "udp",
        "#1",
        "#9",
        True,
    )
    netanalyze.analyze(Path("a.pcap"), reports="streams")
    assert pipeline.paths == ["a.pcap"]
    assert pipeline.options is not None
    assert pipeline.options.tables == ("streams",)


def test_unknown_tables(pipeline: Pipeline) -> None:
    with pytest.raises(netanalyze.UsageError, match="did you mean streams"):
        netanalyze.analyze("x", reports=["streem"])
    assert pipeline.options is None


def test_everything_promised_is_there() -> None:
    for name in netanalyze.__all__:
        assert getattr(netanalyze, name) is not None
    assert set(netanalyze.__all__) <= set(dir(netanalyze))
    with pytest.raises(AttributeError, match="has no attribute 'nonsense'"):
        _ = netanalyze.nonsense


def test_every_error_is_exported() -> None:
    tree = ast.parse(Path(errors.__file__).read_text(encoding="utf-8"))
    defined = {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    assert defined <= set(netanalyze.__all__)
