"""Each rule on small tables: what shows it, and its healthy twin."""

from __future__ import annotations

from typing import Any

import pytest
from fake_tables import findings

from netanalyze.findings.catalog import RULES, rule_of
from netanalyze.findings.finding import Severity

S = 10**9
MS = 10**6
SERVICE = {"server": "10.0.0.1", "server_port": 80, "client": "10.0.0.2", "client_port": 40000}


def stream(number: int = 0, **more: object) -> dict[str, Any]:
    return {
        "stream": number,
        **SERVICE,
        "completeness": 31,
        "client_packets": 1000,
        "server_packets": 1000,
        "first_frame": 1,
        "last_frame": 900,
        "history": "ShADadFf",
        "conn_state": "SF",
        **more,
    }


def again(frame: int, cause: str, ago_ns: int | None, **more: object) -> dict[str, Any]:
    return {
        "stream": 0,
        "sender": "server",
        "kind": "retransmission",
        "frame": frame,
        "time_ns": frame * S,
        "cause": cause,
        "ago_ns": ago_ns,
        "other_frame": frame - 1,
        "payload_bytes": 1448,
        "seq": frame * 10_000,
        **more,
    }


def listener(verdict: str, **more: object) -> dict[str, Any]:
    return {
        "server": "10.0.0.1",
        "server_port": 80,
        "attempts": 5,
        "established": 5,
        "verdict": verdict,
        "first_frame": 3,
        **more,
    }


def exchange(**more: object) -> dict[str, Any]:
    return {
        "stream": 0,
        "frame": 4,
        "response_frame": 6,
        "time_ns": 100 * S,
        "host": "shop.example",
        "server": "10.0.0.1",
        "server_port": 80,
        "method": "GET",
        "target": "/",
        "status": 200,
        "ttfb_ns": 20 * MS,
        "duration_ns": 30 * MS,
        "end": "complete",
        "request_of_connection": 1,
        **more,
    }


def connection(number: int, **more: object) -> dict[str, Any]:
    """Connections that follow one another, a request each."""
    return {
        "stream": number,
        "client": "10.0.0.2",
        "server": "10.0.0.1",
        "server_port": 80,
        "host": "shop.example",
        "requests": 1,
        "first_frame": 10 * number + 1,
        "start_ns": number * S,
        "duration_ns": S // 2,
        "setup_ns": 50 * MS,
        "close_reason": "client_done",
        "websocket": False,
        **more,
    }


def question(**more: object) -> dict[str, Any]:
    return {
        "frame": 4,
        "response_frame": 5,
        "time_ns": 10 * S,
        "client": "10.0.0.2",
        "server": "10.0.0.53",
        "name": "shop.example",
        "rcode": "NOERROR",
        "latency_ns": 3 * MS,
        "attempts": 1,
        "protocol": "dns",
        "transport": "udp",
        "first_frame": more.get("frame", 4),
        "end": "answered",
        "type": "A",
        "server_ns": 3 * MS,
        "query_flags": "RD",
        **more,
    }


OPEN: dict[str, Any] = {
    "frame": 9, "response_frame": None, "latency_ns": None, "server_ns": None, "end": "open",
}  # fmt: skip
UNANSWERED: dict[str, Any] = question(response_frame=None, latency_ns=None, server_ns=None, end="unanswered")
FAILED_OVER: list[dict[str, Any]] = [
    {**UNANSWERED, "end": "retried", "server": "10.0.0.9", "wait_ns": 5 * S},
    question(frame=8, first_frame=4, response_frame=9, time_ns=15 * S, latency_ns=5003 * MS, attempts=2),
]


def told_of(name: str, **more: object) -> dict[str, Any]:
    """A name that a client was told addresses of."""
    return {
        "client": "10.0.0.2",
        "name": name,
        "protocol": "dns",
        "answers": 50,
        "addresses": 1,
        "connections": 0,
        "of_others": 0,
        "time_ns": 10 * S,
        "last_ns": 10 * S,
        "first_frame": 5,
        "last_frame": 5,
        **more,
    }


RESOLVED: dict[str, Any] = {
    "dns": [question()],
    "streams": [stream(client="10.0.0.2", start_ns=58 * S)],
    "capture": [{"file": "a", "last_ns": 60 * S}],
}

STALL: dict[str, Any] = {"stream": 0, "sender": "client", "kind": "nagle", "duration_ns": 41 * MS}
STUCK: dict[str, Any] = {
    "stream": 0, "sender": "client", "messages": 9, "framing": "length=u32be", "coalesced": 4, "split": 1,
    "misread_segments": 3, "misread_frame": 12,
}  # fmt: skip
DIRECTIONS: list[dict[str, Any]] = [{"sender": "client"}, {"sender": "server"}]
HELD: dict[str, Any] = {"stream": 0, "sender": "server", "bytes": 100_000, "active_ns": 2 * S}

CASES: list[tuple[str, dict[str, Any], dict[str, Any]]] = [
    (
        "TCP001",
        {"streams": [stream()], "events": [again(5, "fast", 30 * MS), again(50, "fast", 40 * MS)]},
        {"streams": [stream(server_packets=10_000)], "events": [again(5, "fast", 30 * MS)]},
    ),
    (
        "TCP002",
        {
            "streams": [stream()],
            "events": [again(5 + n, "fast", 30 * MS, seq=1448 * n) for n in range(4)],
        },
        {"streams": [stream()], "events": [again(5 * n, "fast", 30 * MS) for n in range(1, 5)]},
    ),
    (
        "TCP003",
        {"streams": [stream()], "events": [again(5, "timeout", 250 * MS)]},
        {"streams": [stream()], "events": [again(5, "after_timeout", 250 * MS)]},
    ),
    (
        "TCP004",
        {"streams": [stream()], "events": [again(5, "tail_loss_probe", 60 * MS)]},
        {"streams": [stream()], "events": [again(5, "tail_loss_probe", MS)]},
    ),
    (
        "TCP005",
        {"streams": [stream()], "events": [again(5, "fast", 30 * MS, later_frame=9)] * 2},
        {"streams": [stream()], "events": [again(5, "fast", 30 * MS)] * 2},
    ),
    (
        "TCP006",
        {"streams": [stream()], "events": [again(n, "soon", 2 * MS, kind="out_of_order") for n in (5, 9)]},
        {"streams": [stream()], "events": [again(n, "soon", 20 * S, kind="out_of_order") for n in (5, 9)]},
    ),
    (
        "TCP007",
        {
            "streams": [stream()],
            "directions": [{"sender": "client"}, {"sender": "server", "full_rtt_bytes": 300}],
            "events": [again(n, "timeout", n * 200 * MS, seq=1) for n in (5, 6, 8)],
        },
        {
            "streams": [stream()],
            "directions": [{"sender": "client"}, {"sender": "server", "full_rtt_bytes": 1448}],
            "events": [again(n, "timeout", n * 200 * MS, seq=1) for n in (5, 6, 8)],
        },
    ),
    (
        "TCP008",
        {"streams": [stream(conn_state="RSTR", history="ShADadr", client_bytes=9, server_bytes=9)]},
        {"streams": [stream(conn_state="RSTR", history="ShADadFfr", client_bytes=9, server_bytes=9)]},
    ),
    (
        "TCP009",
        {
            "streams": [stream(history="ShADadr", duration_ns=400 * S, last_frame=20)],
            "directions": [
                {"silent_max_ns": 350 * S, "silent_max_frame": 19},
                {"silent_max_ns": 350 * S, "silent_max_frame": 20, "resets": 1},
            ],
        },
        {
            "streams": [stream(history="ShADadr", duration_ns=400 * S, last_frame=20)],
            "directions": [
                {"silent_max_ns": 350 * S, "silent_max_frame": 19, "keep_alives": 3},
                {"silent_max_ns": 350 * S, "silent_max_frame": 20, "resets": 1},
            ],
        },
    ),
    (
        "TCP009",
        {
            "streams": [stream(history="ShADadT", duration_ns=400 * S, last_frame=30)],
            "directions": [{"silent_max_ns": 350 * S, "silent_max_frame": 20}, {"silent_max_ns": 350 * S}],
            "events": [again(n, "timeout", S, sender="client", other_frame=20) for n in (25, 30)],
        },
        {  # an answer came after all
            "streams": [stream(history="ShADadTd", duration_ns=400 * S, last_frame=40)],
            "directions": [{"silent_max_ns": 350 * S, "silent_max_frame": 20}, {"silent_max_ns": 350 * S}],
            "events": [again(n, "timeout", S, sender="client", other_frame=20) for n in (25, 30)],
        },
    ),
    (
        "TCP010",
        {
            "streams": [stream()],
            "checksums": [{"host": "10.0.0.1", "protocol": "TCP", "packets": 90, "verdict": "corrupt"}],
            "damaged": [{"frame": 7, "host": "10.0.0.1", "protocol": "TCP"}],
            "events": [again(9, "fast", 30 * MS, other_frame=7)],
        },
        {
            "streams": [stream()],
            "checksums": [{"host": "10.0.0.1", "protocol": "TCP", "packets": 90, "verdict": "ok"}],
            "events": [again(9, "fast", 30 * MS, other_frame=7)],
        },
    ),
    (
        "CAP011",
        {
            "checksums": [
                {"host": "10.0.0.1", "protocol": "TCP", "wrong": 9, "first_frame": 1, "verdict": "offload"}
            ]
        },
        {"checksums": [{"host": "10.0.0.1", "protocol": "TCP", "wrong": 0, "verdict": "ok"}]},
    ),
    (
        "WIN001",
        {
            "streams": [stream()],
            "limits": [{**HELD, "receiver_window_ns": S, "verdict": "receiver_window"}],
            "directions": [{"zero_window_ns": S}, {}],
            "events": [{"stream": 0, "frame": 9, "kind": "zero_window"}],
        },
        {
            "streams": [stream()],
            "limits": [{**HELD, "receiver_window_ns": 50 * MS, "verdict": "receiver_window"}],
            "directions": [{"zero_window_ns": 40 * MS}, {}],
        },
    ),
    (
        "WIN002",
        {
            "streams": [stream()],
            "limits": [{**HELD, "receiver_window_ns": 3 * S // 2, "verdict": "receiver_window"}],
            "directions": [{"max_window": 8192}, {"rtt_min_ns": 50 * MS}],
        },
        {
            "streams": [stream()],
            "limits": [{**HELD, "receiver_window_ns": 3 * S // 2, "verdict": "receiver_window"}],
            "directions": [{"max_window": 8192, "zero_window_ns": S}, {"rtt_min_ns": 50 * MS}],
        },
    ),
    (
        "WIN003",
        {
            "streams": [stream()],
            "limits": [{**HELD, "send_buffer_ns": S, "verdict": "send_buffer"}],
            "directions": [{"max_window": 65536}, {"max_bytes_in_flight": 8192}],
        },
        {
            "streams": [stream()],
            "limits": [{**HELD, "send_buffer_ns": S, "verdict": "path_rate"}],
            "directions": [{"max_window": 65536}, {"max_bytes_in_flight": 8192}],
        },
    ),
    (
        "WIN004",
        {
            "streams": [stream()],
            "limits": [{**HELD, "application_ns": 2 * S, "verdict": "application"}],
            "directions": [{"data_packets": 1}, {"data_packets": 70}],
        },
        {  # requests and answers: the pauses are the client's
            "streams": [stream()],
            "limits": [{**HELD, "application_ns": 2 * S, "verdict": "application"}],
            "directions": [{"data_packets": 50}, {"data_packets": 70}],
        },
    ),
    (
        "WRT001",
        {"streams": [stream()], "stalls": [{**STALL, "frame": n} for n in (5, 9, 14)]},
        {
            "streams": [stream()],
            "stalls": [{**STALL, "kind": "server_thinking", "frame": n} for n in (5, 9, 14)],
        },
    ),
    (
        "WRT002",
        {"streams": [stream()], "writes": [{**STUCK, "framing_source": "inferred"}]},
        {"streams": [stream()], "writes": [{**STUCK, "framing_source": "protocol"}]},
    ),
    (
        "DNS001",
        {"dns": [UNANSWERED]},
        {"dns": [{**UNANSWERED, "end": "open"}]},
    ),
    (
        "DNS001",
        {"dns": FAILED_OVER},
        {"dns": [{**FAILED_OVER[0], "note": "an ICMP error says that it did not arrive"}, FAILED_OVER[1]]},
    ),
    (  # it goes on asking until the capture ends
        "DNS001",
        {"dns": [{**FAILED_OVER[0], "wait_ns": 6 * S}, question(first_frame=4, **OPEN)]},
        {"dns": [{**FAILED_OVER[0], "wait_ns": S}, question(first_frame=4, **OPEN)]},
    ),
    ("DNS002", {"dns": [question(rcode="SERVFAIL")]}, {"dns": [question(rcode="NXDOMAIN")]}),
    (
        "DNS003",
        {"dns": [question(server_ns=S)]},
        {"dns": [question(server_ns=100 * MS, latency_ns=5 * S, wait_ns=4900 * MS)]},
    ),
    ("DNS003", {"dns": [question(server_ns=2 * S, wait_ns=S, end="late")]}, {"dns": FAILED_OVER}),
    (
        "DNS004",
        {"dns": [question(attempts=2, wait_ns=5 * S)]},
        {"dns": FAILED_OVER},
    ),
    (
        "DNS004",
        {"dns": [{**FAILED_OVER[0], "server": "10.0.0.53"}, FAILED_OVER[1]]},
        {"dns": [question(wait_ns=5 * S, pattern="lost_twin")]},
    ),
    (
        "DNS006",
        {"dns": [question(wait_ns=5 * S, pattern="lost_twin")]},
        {"dns": [question(wait_ns=5 * S, pattern="lost_twin", response_frame=None, end="unanswered")]},
    ),
    (
        "DNS007",
        {**RESOLVED, "lookups": [told_of("a.example", answers=19), told_of("b.example", answers=1)]},
        {**RESOLVED, "lookups": [told_of("a.example", answers=19)]},
    ),
    (
        "DNS007",
        {**RESOLVED, "lookups": [told_of("a.example"), told_of("b.example", connections=1)]},
        {**RESOLVED, "lookups": [told_of("a.example"), told_of("b.example", answers=51, connections=1)]},
    ),
    (  # nothing but DNS was captured
        "DNS007",
        {**RESOLVED, "lookups": [told_of("a.example")]},
        {**RESOLVED, "lookups": [told_of("a.example")], "streams": []},
    ),
    (  # somebody else went there: the client may be a resolver, or have another address
        "DNS007",
        {**RESOLVED, "lookups": [told_of("a.example")]},
        {**RESOLVED, "lookups": [told_of("a.example", of_others=1)]},
    ),
    (
        "DNS007",
        {**RESOLVED, "lookups": [told_of("a.example", time_ns=54 * S)]},
        {**RESOLVED, "lookups": [told_of("a.example", time_ns=56 * S)]},
    ),
    (  # a server asks for others
        "DNS007",
        {**RESOLVED, "lookups": [told_of("a.example")], "dns": [question(server="10.0.0.3")]},
        {**RESOLVED, "lookups": [told_of("a.example")], "dns": [question(server="10.0.0.2")]},
    ),
    (  # and a resolver asks without wanting recursion
        "DNS007",
        {**RESOLVED, "lookups": [told_of("a.example")], "dns": [question(query_flags="RD AD")]},
        {**RESOLVED, "lookups": [told_of("a.example")], "dns": [question(query_flags="AD")]},
    ),
    (
        "DNS007",
        {**RESOLVED, "lookups": [told_of("a.example")]},
        {
            **RESOLVED,
            "lookups": [told_of("a.example", client="127.0.0.1")],
            "streams": [stream(client="127.0.0.1", start_ns=20 * S)],
        },
    ),
    (
        "DNS005",
        {
            "dns": [
                question(name="api.example.net"),
                *(
                    question(name=f"api.example.net.{more}", rcode="NXDOMAIN")
                    for more in ("default.svc.cluster.local", "svc.cluster.local", "cluster.local")
                ),
            ]
        },
        {
            "dns": [
                question(name="api.example.net"),
                *(question(name=f"{more}.example.net", rcode="NXDOMAIN") for more in ("a", "b", "c")),
            ]
        },
    ),
    (
        "FSM001",
        {
            "populations": [
                {
                    "host": "10.0.0.2",
                    "state": "TIME-WAIT",
                    "peak": 15_000,
                    "busiest_server": "10.0.0.1",
                    "busiest_server_port": 80,
                    "busiest_peak": 14_500,
                    "ports_percent": 51,
                    "ports_last_ns": 28 * S,
                }
            ]
        },
        {
            "populations": [
                {
                    "host": "10.0.0.2",
                    "state": "TIME-WAIT",
                    "peak": 900,
                    "busiest_server": "10.0.0.1",
                    "busiest_server_port": 80,
                    "busiest_peak": 900,
                    "ports_percent": 3,
                }
            ]
        },
    ),
    (
        "FSM002",
        {
            "streams": [stream(server_state="CLOSE-WAIT"), stream(1, server_state="CLOSE-WAIT")],
            "closers": [{"server": "10.0.0.1", "server_port": 80, "connections": 2, "server_leaks": 2}],
            "transitions": [
                {"stream": n, "endpoint": "server", "frame": 9 + n, "to_state": "CLOSE-WAIT"} for n in (0, 1)
            ],
        },
        {
            "streams": [stream(server_state="CLOSE-WAIT")],
            "closers": [
                {
                    "server": "10.0.0.1",
                    "server_port": 80,
                    "connections": 2,
                    "server_leaks": 2,
                    "leaks_ended_by_exit": 2,
                }
            ],
        },
    ),
    (
        "FSM003",
        {"populations": [{"host": "10.0.0.2", "state": "LAST-ACK", "stuck": 2, "longest_ns": 9 * S}]},
        {"populations": [{"host": "10.0.0.2", "state": "LAST-ACK", "stuck": 0, "longest_ns": MS}]},
    ),
    (
        "LSN001",
        {"listeners": [listener("accept queue full", overflows=4, signs="SYNs dropped", first_drop=2)]},
        {"listeners": [listener("ok")]},
    ),
    (
        "LSN002",
        {"listeners": [listener("SYN queue full", overflows=4, established=1)]},
        {"listeners": [listener("ok")]},
    ),
    (
        "LSN003",
        {
            "streams": [stream()],
            "listeners": [listener("packet loss", syn_retries=1, connect_max_ns=S)],
            "events": [again(5, "handshake", S, sender="client", payload_bytes=0)],
        },
        {"listeners": [listener("packet loss")]},
    ),
    (
        "LSN004",
        {"listeners": [listener("refused", refused=5, established=0)]},
        {"listeners": [listener("ok")]},
    ),
    (
        "LSN005",
        {"listeners": [listener("filtered", unanswered=1, syn_retries=2, established=0)]},
        {"listeners": [listener("no answer", unanswered=1, established=0)]},
    ),
    (
        "LSN006",
        {"listeners": [listener("host unreachable", established=0)]},
        {"listeners": [listener("ok")]},
    ),
    ("LSN007", {"listeners": [listener("ok", refused=1)]}, {"listeners": [listener("ok")]}),
    (
        "HTTP001",
        {"http_connections": [connection(n, close_reason="announced") for n in range(5)]},
        {"http_connections": [connection(n, close_reason="announced", start_ns=0) for n in range(5)]},
    ),
    (
        "HTTP002",
        {"http_connections": [connection(n) for n in range(5)]},
        {"http_connections": [connection(n, requests=4) for n in range(5)]},
    ),
    (
        "HTTP003",
        {"http": [exchange(hang_up="crossing_fin", end="unanswered", request_of_connection=3)]},
        {"http": [exchange()]},
    ),
    (
        "HTTP004",
        {"http": [exchange(hang_up="reset_mid_response", end="reset")]},
        {"http": [exchange(hang_up="capture_ended", end="truncated")]},
    ),
    (
        "HTTP005",
        {"http": [exchange(hang_up="client_gave_up", end="unanswered", status=None, hang_up_ns=3 * S)]},
        {"http": [exchange(hang_up="client_gave_up", end="truncated", status=403)]},
    ),
    ("HTTP006", {"http": [exchange(status=502)]}, {"http": [exchange(status=200)]}),
    ("HTTP007", {"http": [exchange(status=404)]}, {"http": [exchange(status=401)]}),
    (
        "HTTP008",
        {
            "streams": [stream()],
            "directions": [{"rtt_min_ns": 20 * MS}, {}],
            "http": [exchange(ttfb_ns=2 * S, duration_ns=2 * S + 30 * MS)],
        },
        {  # the request was lost and came again: that is no server's fault
            "streams": [stream()],
            "directions": [{"rtt_min_ns": 20 * MS}, {}],
            "http": [exchange(ttfb_ns=2 * S, duration_ns=2 * S + 30 * MS)],
            "events": [again(102, "timeout", 2 * S, time_ns=102 * S)],
        },
    ),
    (
        "HTTP009",
        {
            "streams": [stream()],
            "directions": DIRECTIONS,
            "http": [exchange(duration_ns=3 * S)],
        },
        {"streams": [stream()], "directions": DIRECTIONS, "http": [exchange()]},
    ),
    (
        "HTTP010",
        {"http": [exchange(compressible=True, wire_bytes=50_000, content_type="text/html; charset=utf-8")]},
        {"http": [exchange(compressible=True, wire_bytes=9_000, content_type="text/html")]},
    ),
    (
        "HTTP011",
        {"http": [exchange(body_verdict="not_coded", content_encoding="gzip", missing_bytes=0)]},
        {"http": [exchange(body_verdict="cut", content_encoding="gzip", missing_bytes=500)]},
    ),
    (
        "HTTP012",
        {
            "cors": [
                {
                    "stream": 0,
                    "frame": n,
                    "host": "api",
                    "origin": "http://a",
                    "avoidable": True,
                    "cost_ns": MS,
                }
                for n in (3, 9)
            ]
        },
        {"cors": [{"stream": 0, "frame": 3, "host": "api", "origin": "http://a", "avoidable": True}]},
    ),
    (
        "HTTP013",
        {"cors": [{"stream": 0, "frame": 3, "host": "api", "origin": "http://a", "allowed": False}]},
        {"cors": [{"stream": 0, "frame": 3, "host": "api", "origin": "moz-extension://a", "allowed": False}]},
    ),
    (
        "HTTP014",
        {
            "http_cookies": [
                {
                    "host": "a",
                    "name": "id",
                    "set": 1,
                    "first_set_frame": 4,
                    "secure": False,
                    "http_only": True,
                }
            ]
        },
        {
            "http_cookies": [
                {
                    "host": "a",
                    "name": "id",
                    "set": 1,
                    "first_set_frame": 4,
                    "secure": True,
                    "http_only": True,
                },
                {"host": "a", "name": "sent", "set": 0},
            ]
        },
    ),
    (
        "UDP001",
        {"udp": [{"server": "10.0.0.1", "server_port": 514, "client_datagrams": 5, "icmp_errors": 5}]},
        {  # an ICMP error about time that ran out for fragments
            "udp": [
                {
                    "server": "10.0.0.1",
                    "server_port": 514,
                    "client_datagrams": 5,
                    "icmp_errors": 1,
                    "fragments": 9,
                }
            ]
        },
    ),
    (
        "UDP002",
        {"udp": [{"server": "10.0.0.1", "server_port": 53, "fragments": 4, "first_frame": 2}]},
        {"udp": [{"server": "10.0.0.1", "server_port": 53}]},
    ),
    (
        "UDP003",
        {
            "ledger": [
                {"reason": "fragment of a datagram that never was complete", "frames": 2, "first_frame": 4}
            ]
        },
        {"ledger": [{"reason": "fragment, its datagram was put together", "frames": 2, "first_frame": 4}]},
    ),
    (
        "CAP001",
        {"capture": [{"file": "a.pcapng", "frames": 90, "dropped": 10}]},
        {"capture": [{"file": "a.pcapng", "frames": 90, "dropped": 0}]},
    ),
    (
        "CAP002",
        {
            "streams": [stream()],
            "events": [again(5, "", None, kind="ack_lost_segment", missing_bytes=2896)],
        },
        {  # of which only one side was captured at all
            "streams": [stream(server_packets=0)],
            "events": [again(5, "", None, kind="ack_lost_segment", missing_bytes=2896)],
        },
    ),
    (
        "CAP003",
        {"capture": [{"file": "a.pcap", "frames": 9, "bytes": 900, "wire_bytes": 9000}]},
        {"capture": [{"file": "a.pcap", "frames": 9, "bytes": 9000, "wire_bytes": 9000}]},
    ),
    (
        "CAP004",
        {"capture": [{"file": "a.pcap", "frames": 9, "cut_short": "ends inside its frame 10"}]},
        {"capture": [{"file": "a.pcap", "frames": 9}]},
    ),
    (
        "CAP005",
        {"ledger": [{"reason": "captured before (duplicate frame)", "frames": 2, "first_frame": 4}]},
        {"ledger": [{"reason": "TCP segment", "frames": 2, "first_frame": 4, "analysed": True}]},
    ),
    (
        "CAP006",
        {"ledger": [{"reason": "damaged IP header", "frames": 2, "first_frame": 4}]},
        {"ledger": [{"reason": "not IP: ARP", "frames": 2, "first_frame": 4}]},
    ),
    (
        "CAP007",
        {"streams": [stream(server_packets=0, completeness=12)]},
        {"streams": [stream(server_packets=0, completeness=1)]},
    ),
    ("CAP008", {"streams": [stream(completeness=8)]}, {"streams": [stream(completeness=9)]}),
    (
        "CAP009",
        {"capture": [{"file": "a.pcap", "clock_steps": 1, "clock_step_ns": 3600 * S, "clock_step_frame": 9}]},
        {"capture": [{"file": "a.pcap", "clock_steps": 0}]},
    ),
    (
        "CAP010",
        {"streams": [stream()], "directions": [{"mss": 1460}, {"mss": 1460, "max_segment": 28_960}]},
        {"streams": [stream()], "directions": [{"mss": 9000}, {"mss": 1460, "max_segment": 8_960}]},
    ),
]


@pytest.mark.parametrize(("code", "ill", "healthy"), CASES, ids=[case[0] for case in CASES])
def test_shows_what_is_wrong_and_only_that(code: str, ill: dict[str, Any], healthy: dict[str, Any]) -> None:
    rule = rule_of(code)
    found = findings(rule, **ill)
    assert [finding.code for finding in found] == [code]
    assert findings(rule, **healthy) == []
    finding = found[0]
    assert finding.evidence
    assert finding.counter
    assert finding.advice.endswith(".")
    assert finding.count > 0


def test_every_rule_is_tried() -> None:
    assert {code for code, _, _ in CASES} == {rule.code for rule in RULES}


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.code)
def test_nothing_comes_of_nothing(rule: Any) -> None:  # noqa: ANN401 - any rule
    assert findings(rule) == []


def test_waits_at_the_same_time_count_once() -> None:
    events = [
        again(5, "timeout", 300 * MS, time_ns=S),
        again(6, "timeout", 200 * MS, time_ns=S),
        again(7, "timeout", 400 * MS, time_ns=2 * S),
    ]
    (found,) = findings(rule_of("TCP003"), streams=[stream()], events=events)
    assert found.cost_ns == 700 * MS
    assert found.frames == (5, 6, 7)


def test_a_segment_that_was_sent_three_times_has_one_cause() -> None:
    events = [
        again(5, "tail_timer", 300 * MS, seq=1, time_ns=S),
        again(6, "timeout", 900 * MS, seq=1, time_ns=S + 600 * MS),
    ]
    (timer,) = findings(rule_of("TCP003"), streams=[stream()], events=events)
    assert (timer.count, timer.cost_ns) == (2, 900 * MS)
    assert findings(rule_of("TCP004"), streams=[stream()], events=events) == []


def test_both_directions_are_two_findings() -> None:
    events = [again(5, "fast", 30 * MS), again(6, "fast", 30 * MS, sender="client")]
    found = findings(rule_of("TCP001"), streams=[stream(client_packets=90, server_packets=90)], events=events)
    assert sorted(finding.subject for finding in found) == ["from 10.0.0.1:80", "to 10.0.0.1:80"]
    assert {finding.severity for finding in found} == {Severity.WARNING}


def test_data_that_a_full_queue_ignored_was_not_lost() -> None:
    events = [again(5, "tail_timer", 300 * MS, sender="client", seq=1)]
    full = [listener("accept queue full")]
    assert findings(rule_of("TCP004"), streams=[stream()], events=events, listeners=full) == []
    assert findings(rule_of("TCP004"), streams=[stream()], events=events, listeners=[listener("ok")])


def test_news_that_trickle_are_no_transfer() -> None:
    idle = [{**HELD, "active_ns": 2000 * S, "application_ns": 2000 * S, "verdict": "application"}]
    sides = [{"data_packets": 1}, {"data_packets": 70}]
    assert findings(rule_of("WIN004"), streams=[stream()], limits=idle, directions=sides) == []


def test_a_reset_that_http_explains_is_told_once() -> None:
    reset = [stream(conn_state="RSTR", history="ShADadr")]
    broken = [exchange(hang_up="reset_mid_response", end="reset")]
    assert findings(rule_of("TCP008"), streams=reset, http=broken) == []
    assert findings(rule_of("TCP008"), streams=reset, http=[exchange()])


def test_the_same_port_of_many_servers_is_one_finding() -> None:
    scanned = [
        listener("filtered", server=f"10.0.1.{n}", unanswered=1, syn_retries=1, established=0, attempts=1)
        for n in range(40)
    ]
    (found,) = findings(rule_of("LSN005"), listeners=scanned)
    assert (found.subject, found.count) == ("port 80 of 40 servers", 40)


def test_the_parts_of_slow_exchanges_add_up() -> None:
    (found,) = findings(
        rule_of("HTTP008"),
        streams=[stream()],
        directions=[{"rtt_min_ns": 20 * MS}, {}],
        http=[exchange(ttfb_ns=2 * S, duration_ns=2 * S + 300 * MS)],
        events=[again(102, "fast", 100 * MS, time_ns=101 * S)],
    )
    assert "took 2.3 s together: server 1.88 s, lost segments 100 ms, round trip 20 ms, transfer 300 ms" in (
        found.evidence
    )
    assert found.cost_ns == 1880 * MS


def test_flaws_of_the_capture_make_findings_uncertain() -> None:
    (found,) = findings(
        rule_of("LSN004"),
        listeners=[listener("refused", refused=1)],
        capture=[{"file": "a", "frames": 9, "dropped": 3}],
    )
    assert found.uncertain == "3 packets were lost while capturing"
    assert found.confidence == "medium"


def test_many_clients_of_a_server_are_one_finding() -> None:
    rows = [
        connection(10 * client + n, client=f"10.0.0.{client}", start_ns=n * S)
        for client in range(2, 6)
        for n in range(5)
    ]
    (found,) = findings(rule_of("HTTP002"), http_connections=rows)
    assert found.subject == "4 clients to 10.0.0.1:80 (shop.example)"
    assert (found.count, found.cost_ns) == (20, 16 * 50 * MS)
    assert "20 of 20 connections" in found.evidence


def test_a_and_aaaa_that_waited_together_cost_one_wait() -> None:
    twins = [{**row, "type": kind} for kind in ("A", "AAAA") for row in FAILED_OVER]
    for row, frame in zip(twins, (4, 8, 14, 18), strict=True):
        row |= {"frame": frame, "first_frame": 4 if frame < 10 else 14}
    other = {**FAILED_OVER[0], "frame": 24, "first_frame": 24, "name": "other.example", "wait_ns": 2 * S}
    (found,) = findings(rule_of("DNS001"), dns=[*twins, other])
    assert (found.subject, found.count) == ("10.0.0.9", 3)
    assert found.cost_ns == 7 * S


def test_who_was_not_answered_by_anybody_is_told() -> None:
    (failed,) = findings(rule_of("DNS001"), dns=[UNANSWERED])
    assert failed.severity.label == "error"
    assert "not answered" in failed.evidence or "none answered" in failed.evidence
    answered = question(server="10.0.0.9", frame=20, response_frame=21)
    (late,) = findings(rule_of("DNS001"), dns=[*FAILED_OVER, answered])
    assert (late.severity.label, late.subject) == ("warning", "10.0.0.9")
    (dead,) = findings(rule_of("DNS001"), dns=FAILED_OVER)
    assert dead.severity.label == "error"


@pytest.mark.parametrize(("other", "blank"), [(20, True), (0, False)])
def test_checksums_that_both_sides_lack_were_left_to_no_card(other: int, *, blank: bool) -> None:
    sums = [
        {"host": host, "protocol": "TCP", "checked": 20, "wrong": zero, "zero": zero, "first_frame": 1}
        for host, zero in (("10.0.0.1", 20), ("10.0.0.2", other))
    ]
    for row in sums:
        row["verdict"] = "offload" if row["zero"] else "ok"
    (found,) = findings(rule_of("CAP011"), checksums=sums)
    assert (found.title == "Checksums blank throughout") == blank
