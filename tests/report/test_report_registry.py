from __future__ import annotations

import json
import re

import jsonschema
import pytest
from sample_reports import sample_report

from netanalyze.errors import UsageError
from netanalyze.report.names import unknown
from netanalyze.report.record import NUMBERS, Unit, fields, find_field
from netanalyze.report.registry import ALWAYS, TABLES, USUAL, TableKind, table_kind, wanted
from netanalyze.report.report import Report
from netanalyze.report.schema import json_schema
from netanalyze.report.tables import empty_table

COLUMNS = {
    "findings": "code severity title subject stream frame count cost_ns cost_bytes cost_requests confidence"
    " evidence advice wireshark_filter frames counter_evidence uncertain",
    "capture": "file format compression link_types interfaces frames bytes wire_bytes first_ns last_ns"
    " duration_ns received dropped cut_short clock_steps clock_step_ns clock_step_frame",
    "ledger": "reason analysed frames bytes first_frame",
    "protocols": "path frames bytes",
    "streams": "stream client client_port server server_port app start_ns duration_ns client_packets"
    " server_packets client_bytes server_bytes retransmissions out_of_order duplicate_acks"
    " zero_windows handshake_ns completeness conn_state history client_state server_state"
    " client_process server_process first_frame last_frame tap tap_evidence",
    "directions": "stream sender packets bytes unique_bytes retransmitted_bytes missed_bytes"
    " stream_bytes retransmissions fast_retransmissions spurious_retransmissions"
    " out_of_order lost_segments ack_lost_segments duplicate_acks zero_windows"
    " zero_window_probes zero_window_probe_acks windows_full window_updates keep_alives"
    " keep_alive_acks reused_ports differing_retransmissions out_of_window network_copies"
    " data_packets retransmitted_packets timeouts tail_loss_probes tail_timers"
    " most_retransmissions triple_duplicate_acks probe_bytes min_segment avg_segment"
    " max_segment mss window_scale sack_permitted timestamps acks pure_acks sacks d_sacks"
    " max_sack_blocks pushed syns fins resets urgent_packets urgent_bytes"
    " truncated_packets truncated_bytes min_window avg_window max_window zero_window_ns"
    " min_bytes_in_flight avg_bytes_in_flight weighted_bytes_in_flight"
    " max_bytes_in_flight initial_window_bytes initial_window_packets rtt_samples"
    " rtt_path rtt_min_ns rtt_avg_ns rtt_max_ns rtt_dev_ns rtt_histogram syn_rtt_ns"
    " full_rtt_samples full_rtt_bytes full_rtt_min_ns full_rtt_avg_ns full_rtt_max_ns"
    " full_rtt_dev_ns ambiguous_rtt_samples ambiguous_rtt_min_ns ambiguous_rtt_avg_ns"
    " ambiguous_rtt_max_ns ambiguous_rtt_dev_ns rtt_by_timestamp rtt_after_loss"
    " acked_cumulatively srtt_ns rto_ns retransmission_wait_samples"
    " retransmission_wait_min_ns retransmission_wait_avg_ns retransmission_wait_max_ns"
    " retransmission_wait_dev_ns data_ns silent_max_ns silent_max_frame throughput_bps"
    " goodput_bps",
    "limits": "stream sender verdict active_ns busy_ns bytes application_ns receiver_window_ns recovery_ns"
    " congestion_window_ns slow_start_ns path_rate_ns send_buffer_ns application_percent"
    " receiver_window_percent recovery_percent congestion_window_percent slow_start_percent"
    " path_rate_percent send_buffer_percent",
    "waits": "stream total_ns network_ns client_thinking_ns server_thinking_ns nagle_delayed_ack_ns nagle_ns"
    " zero_window_ns window_full_ns retransmission_timeout_ns fast_recovery_ns handshake_retry_ns idle_ns",
    "stalls": "stream sender kind frame end_frame time_ns duration_ns awaited cause_frame saving_ns advice",
    "nagle": "stream sender nodelay small_behind_small small_behind_small_frame held held_frame held_ns"
    " quick_acks delayed_acks delayed_ack_frame quick_acks_first quick_phases delay_min_ns delay_avg_ns"
    " delay_max_ns system system_percent stalls stall_ns",
    "events": "frame time_ns elapsed_ns stream sender kind detail cause other_frame ago_ns number"
    " missing_bytes window_bytes seq payload_bytes ack later_frame",
    "windows": "stream sender frame time_ns elapsed_ns flags seq payload_bytes ack sack window_bytes"
    " bytes_in_flight peer_window_bytes rtt_ns events",
    "listeners": "server server_port attempts established refused unanswered syn_retries syn_ack_retries"
    " retry_schedule max_half_open max_waiting first_drop first_drop_frame overflows connect_avg_ns"
    " connect_max_ns cost_ns verdict signs first_frame",
    "transitions": "stream endpoint frame time_ns from_state to_state trigger dwell_ns assumed proof_frame"
    " proof_ns earliest_ns latest_ns likely_earliest_ns likely_latest_ns tap_rtt_ns",
    "populations": "host state connections peak peak_ns still_open longest_ns assumed stuck busiest_server"
    " busiest_server_port busiest_peak ports_percent ports_last_ns",
    "closers": "server server_port connections client_first server_first simultaneous client_resets"
    " server_resets refused not_closed client_leaks server_leaks leaks_ended_by_exit leaks_per_minute"
    " leak_interval_ns",
    "writes": "stream sender framing framing_source confidence messages segments aligned split coalesced"
    " mixed stalls stall_ns case_a case_b case_c case_d bytes unframed_bytes min_message_bytes"
    " median_message_bytes max_message_bytes message_segments max_message_segments mss cause_mss"
    " cause_receiver_window cause_congestion_window cause_nagle cause_one_write"
    " cause_several_writes cause_offload cause_retransmission misread_segments misread_frame"
    " misread_bytes misread_messages framing_fault framing_fault_frame first_frame verdict",
    "messages": "stream sender number frame last_frame time_ns offset bytes segments kind case cause",
    "udp": "flow client client_port server server_port app start_ns duration_ns client_datagrams"
    " server_datagrams client_bytes server_bytes conn_state client_process server_process"
    " first_frame last_frame icmp_errors"
    " fragments senders cast min_client_bytes avg_client_bytes max_client_bytes min_server_bytes"
    " avg_server_bytes max_server_bytes client_bps server_bps silence_ns silence_frame"
    " icmp_error icmp_frame fragmented aligned coalesced",
    "dns": "frame response_frame time_ns transport client server id name type rcode answers"
    " latency_ns attempts end answer ttl_s pattern protocol flow client_port server_port"
    " first_frame other_frame response_ns server_ns wait_ns responses opcode qclass questions"
    " truncated query_flags response_flags query_bytes response_bytes edns_bytes dnssec_ok"
    " edns_options server_edns_bytes server_edns_options extended_error note",
    "dns_servers": "server server_port protocol transport queries sent answered unanswered open retried late"
    " duplicate unasked announced truncated noerror nxdomain servfail refused other_errors"
    " malformed response_p50_ns response_p95_ns response_p99_ns response_max_ns top_nxdomain"
    " first_frame",
    "dns_names": "name protocol types queries clients answered unanswered nxdomain errors retries"
    " ttl_min_s latency_p50_ns latency_p95_ns latency_p99_ns answer first_frame",
    "dns_patterns": "pattern client server count wait_ns longest_ns example first_frame last_frame advice",
    "names": "transport stream client client_port server server_port start_ns name chain resolved"
    " said_name answer_frame age_ns ttl_s",
    "http": "stream frame response_frame time_ns method host target version status content_type"
    " content_encoding wire_bytes body_bytes body_sha256 ttfb_ns duration_ns"
    " request_of_connection end uncertain hang_up hang_up_ns body_verdict promised_bytes"
    " missing_bytes compressible request_last_frame last_frame request_complete request_type"
    " request_encoding request_wire_bytes request_body_bytes request_body_sha256"
    " request_body_verdict interim expects_continue upgrade through inside user_agent location"
    " mended client client_port server server_port",
    "http_hosts": "host connections requests complete client_errors server_errors hang_ups gave_up"
    " single_request_connections setup_avg_ns setup_total_ns ttfb_p50_ns ttfb_p95_ns ttfb_p99_ns"
    " duration_p50_ns duration_p95_ns duration_p99_ns wire_bytes body_bytes saved_bytes"
    " compressible compressible_bytes server_idle_timeout_ns server_idle_closes"
    " longest_reused_idle_ns advice",
    "checksums": "host protocol packets checked wrong partial zero headers headers_wrong headers_zero"
    " first_frame verdict",
    "damaged": "frame time_ns host receiver protocol part checksum right_checksum",
    "lookups": "client name protocol answers addresses connections of_others time_ns last_ns"
    " first_frame last_frame",
    "http_methods": "method requests idempotent answered errors hang_ups repeated request_bytes ttfb_p50_ns"
    " ttfb_p95_ns ttfb_p99_ns duration_p50_ns duration_p95_ns duration_p99_ns",
    "http_statuses": "status responses wire_bytes body_bytes first_frame ttfb_p50_ns ttfb_p95_ns ttfb_p99_ns"
    " duration_p50_ns duration_p95_ns duration_p99_ns",
    "http_connections": "stream host first_frame start_ns duration_ns requests responses reused pipelined"
    " websocket setup_ns idle_gaps idle_avg_ns idle_max_ns closed_by close_reason idle_at_close_ns"
    " keep_alive server_idle_timeout_ns hang_ups client client_port server server_port",
    "http_headers": "stream frame request_of_connection message part name value",
    "http_cookies": "host name set values first_set_frame domain path secure http_only same_site max_age_s"
    " expires_ns session deleted sent first_sent_frame connections problems",
    "cors": "stream frame response_frame time_ns method host target origin preflight asked_method"
    " asked_headers credentials status allow_origin allow_credentials allow_methods"
    " allow_headers max_age_s allowed reason cost_ns avoidable since_last_ns",
    "websocket": "stream sender frame time_ns opcode message fin masked compressed payload_bytes"
    " captured_bytes close_code anomaly",
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
    assert tuple(report) == USUAL
    for kind in TABLES:
        assert kind.name not in USUAL or report[kind.name].record is kind.record
        assert list(empty_table(kind.name, kind.record)) == []


def test_names_of_tables() -> None:
    assert wanted(["udp", "streams", "udp"]) == ("udp", "streams")
    assert table_kind("udp").rows == "UDP flows"
    with pytest.raises(
        UsageError, match=r"no table 'stream' \(did you mean streams\?\); there are: findings"
    ):
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
        "uncertain_if_lost": True,
    }
    assert "uncertain_if_lost" not in stream["properties"]["start_ns"]
    assert stream["properties"]["start_ns"]["unit"] == "ns since 1970-01-01 UTC"
    assert stream["properties"]["handshake_ns"]["anyOf"] == [{"type": "integer"}, {"type": "null"}]
    assert stream["properties"]["client_bytes"]["unit"] == "bytes"
    for record in schema["$defs"].values():
        assert all("description" in field for field in record["properties"].values())
