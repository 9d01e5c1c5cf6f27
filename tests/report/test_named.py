"""Names beside addresses in text."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

import netanalyze
from netanalyze.cli.app import app
from netanalyze.report.named import Book, names_by_address, with_names

CAPTURE = Path(__file__).resolve().parents[2] / "captures" / "dns-lookups.pcap"


def test_names_beside_addresses() -> None:
    report = netanalyze.analyze(CAPTURE, reports=["streams", "names"])
    names = names_by_address(report["names"])
    assert names["10.40.0.80"] == "www.lab.test"
    assert names["10.40.0.81"] == "known.lab.test"  # as the client says: its hosts file had it
    assert "10.40.0.85" not in names
    plain = report["streams"]
    (named,) = with_names([plain], names)
    shown = {row.server for row in named}
    assert {"www.lab.test (10.40.0.80)", "10.40.0.85"} <= shown
    assert all("(" not in row.server for row in plain)
    assert [row.stream for row in named] == [row.stream for row in plain]


@pytest.mark.parametrize(
    ("options", "status", "said"),
    [
        (["--report", "streams"], 0, "www.lab.test (10.40.0.80)"),
        ([], 2, "choose some with --report"),
        (["--report", "streams", "--format", "json"], 2, "--report names"),
    ],
)
def test_option(options: list[str], status: int, said: str) -> None:
    done = CliRunner().invoke(app, ["analyze", "--names", "--wide", *options, str(CAPTURE)])
    assert done.exit_code == status
    assert said in done.output


def test_a_book_of_names_from_queries() -> None:
    book = Book(most=3)
    report = netanalyze.analyze(CAPTURE, reports=["dns"])
    book.hear(row for row in report["dns"] if row.name in {"www.lab.test", "shop.lab.test"})
    assert book.names == {"10.40.0.80": "www.lab.test", "10.40.0.82": "shop.lab.test"}
    book.note("10.40.0.80", "other.lab.test")
    assert book.names["10.40.0.80"] == "www.lab.test +1"
    book.note("10.40.0.80", "10.40.0.80")
    book.note("TXT something", "x.lab.test")
    assert len(book.names) == 2
    book.note("192.0.2.1", "a.test")
    book.note("192.0.2.2", "b.test")
    assert set(book.names) == {"10.40.0.80", "192.0.2.1", "192.0.2.2"}  # the oldest has left


def test_names_instead_of_addresses_and_of_rows_that_are_objects() -> None:
    plain = netanalyze.analyze(CAPTURE, reports=["streams"])["streams"]
    rows = type(plain).from_rows("streams", plain.record, list(plain))
    (named,) = with_names([rows], {"10.40.0.80": "www.lab.test"}, alone=True)
    assert "www.lab.test" in {row.server for row in named}
    assert "10.40.0.80" not in {row.server for row in named}
