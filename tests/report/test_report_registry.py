from __future__ import annotations

import json
import re

import jsonschema
import pytest
from sample_reports import sample_report

from netanalyze.errors import UsageError
from netanalyze.report.names import unknown
from netanalyze.report.record import NUMBERS, Unit, fields, find_field
from netanalyze.report.registry import ALWAYS, NAMES, TABLES, TableKind, table_kind, wanted
from netanalyze.report.report import Report
from netanalyze.report.schema import json_schema
from netanalyze.report.tables import empty_table

COLUMNS = {
    "capture": "file format compression link_types interfaces frames bytes wire_bytes first_ns last_ns"
    " duration_ns received dropped cut_short",
    "ledger": "reason analysed frames bytes first_frame",
    "protocols": "path frames bytes",
    "streams": "stream client client_port server server_port app start_ns duration_ns client_packets"
    " server_packets client_bytes server_bytes handshake_ns completeness conn_state history first_frame"
    " last_frame",
    "listeners": "server server_port attempts established refused unanswered syn_retries syn_ack_retries"
    " retry_schedule max_half_open max_waiting first_drop first_drop_frame overflows connect_avg_ns"
    " connect_max_ns cost_ns verdict signs first_frame",
    "udp": "flow client client_port server server_port app start_ns duration_ns client_datagrams"
    " server_datagrams client_bytes server_bytes conn_state first_frame last_frame icmp_errors fragments",
}
"""The contract with users: names may be added at will, and changed or taken away only with the schema."""


def test_the_columns_of_every_table() -> None:
    found = {kind.name: " ".join(field.name for field in fields(kind.record)) for kind in TABLES}
    assert found == COLUMNS


@pytest.mark.parametrize("kind", TABLES, ids=lambda kind: kind.name)
def test_every_column_is_described(kind: TableKind) -> None:
    assert kind.record.__doc__
    assert re.fullmatch(r"[A-Z].*[^.]", kind.description)
    columns = fields(kind.record)
    assert any(field.show == 0 for field in columns)
    for field in columns:
        assert re.fullmatch(r"[A-Z].*[^.]\.", field.description), field.name
        assert field.name.endswith("_ns") == (field.unit in (Unit.TIME, Unit.DURATION)), field.name
        assert (field.kind is int) == (field.unit in NUMBERS), field.name
        assert (field.kind is bool) == (field.unit is Unit.TRUTH), field.name
        assert bool(field.flags) == (field.unit is Unit.FLAGS), field.name


def test_a_report_has_the_tables_of_the_registry(report: Report) -> None:
    assert tuple(report) == NAMES
    for kind in TABLES:
        assert report[kind.name].record is kind.record
        assert list(empty_table(kind.name, kind.record)) == []


def test_names_of_tables() -> None:
    assert wanted(["udp", "streams", "udp"]) == ("udp", "streams")
    assert table_kind("udp").rows == "UDP flows"
    with pytest.raises(UsageError, match=r"no table 'stream' \(did you mean streams\?\); there are: capture"):
        wanted(["stream"])
    assert unknown("table", "zzz", ["a", "b"]) == "no table 'zzz'; there are: a, b"


def test_a_report_needs_its_ledger(report: Report) -> None:
    assert ALWAYS == ("capture", "ledger")
    with pytest.raises(ValueError, match="a report needs capture, ledger"):
        Report([report["streams"]])
    some = Report([report["udp"], report["ledger"], report["capture"]])
    assert list(some) == ["capture", "ledger", "udp"]
    assert some.tables(["udp"]) == [report["udp"]]
    assert len(some) == len(some.tables()) == 3
    with pytest.raises(KeyError):
        some.tables(["streams"])


def test_what_was_understood() -> None:
    assert (sample_report().frames_read, sample_report().frames_analysed) == (1234, 1222)
    chosen = ("left out by the filter or the range asked for", False, 5, 5, 1)
    bad = ("not IP: ARP", False, 2, 5, 1)
    assert not sample_report().understood_nothing
    assert not sample_report(ledger=[]).understood_nothing
    assert not sample_report(ledger=[chosen]).understood_nothing
    assert sample_report(ledger=[chosen, bad]).understood_nothing
    assert [row.frames for row in sample_report(ledger=[chosen, bad]).unused] == [2]


def test_names_of_columns() -> None:
    columns = fields(table_kind("streams").record)
    for name, parts in (
        ("app", ("app",)),
        ("duration", ("duration_ns",)),
        ("duration_ns", ("duration_ns",)),
        ("bytes", ("client_bytes", "server_bytes")),
        ("packets", ("client_packets", "server_packets")),
    ):
        found = find_field(columns, name)
        assert found is not None
        assert found.parts == parts
    for name in ("port", "", "client_", "_ns", "start_ns_ns", "datagrams"):
        assert find_field(columns, name) is None


def test_a_report_fits_the_schema(report: Report) -> None:
    schema = json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)
    for made in (
        report,
        Report([report["capture"], report["ledger"]]),
        sample_report(files=[], ledger=[], protocols=[], streams=[], flows=[], complete=False),
    ):
        found = json.loads(made.to_json())
        validator.validate(found)
        assert set(found) <= set(schema["properties"])
        for name in made:
            known = schema["$defs"][table_kind(name).record_name]["properties"]
            assert all(set(row) == set(known) for row in found[name])


def test_the_schema_notices_what_is_wrong(report: Report) -> None:
    validator = jsonschema.Draft202012Validator(json_schema())
    for spoil in (
        lambda found: found.update(schema=2),
        lambda found: found.pop("ledger"),
        lambda found: found["streams"][0].update(client_bytes="many"),
        lambda found: found["streams"][0].update(client=None),
        lambda found: found["udp"][0].pop("flow"),
    ):
        found = json.loads(report.to_json())
        spoil(found)
        assert not validator.is_valid(found)


def test_the_schema_has_descriptions_and_units() -> None:
    schema = json_schema()
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert schema["properties"]["streams"]["description"].startswith("TCP connections")
    stream = schema["$defs"]["Stream"]
    assert stream["description"] == "One TCP connection."
    assert stream["properties"]["duration_ns"] == {
        "type": "integer",
        "description": "From its first packet to its last.",
        "unit": "ns",
    }
    assert stream["properties"]["start_ns"]["unit"] == "ns since 1970-01-01 UTC"
    assert stream["properties"]["handshake_ns"]["anyOf"] == [{"type": "integer"}, {"type": "null"}]
    assert stream["properties"]["client_bytes"]["unit"] == "bytes"
    for record in schema["$defs"].values():
        assert all("description" in field for field in record["properties"].values())
