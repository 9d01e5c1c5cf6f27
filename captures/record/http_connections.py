"""How HTTP/1 uses connections: kept, closed for several reasons, pipelined, upgraded in vain.

nginx, which closes a connection that is idle for a second or has had five requests, is asked by curl,
`http.client`, `ab` (HTTP/1.0, with and without keep-alive) and by hand: HEAD, OPTIONS, 204, 304, ranges (206,
multipart, 416), an upgrade that is not taken, pipelining, an absolute target, lines that end with LF alone,
no `Host` (400), and HTTP/0.9. Node's server is asked by its Agent on two connections, and by curl with
`Expect: 100-continue` (granted; refused with 413 and 417) and `OPTIONS *`; it gives an interim 103, and there
are chunks with extensions and trailers in both directions.

The truth file has each connection with its client and port, who closed it and why, and its requests (method,
target, version, status, bytes of the body as they were sent) as nginx, Node's Agent or curl logged them.
"""

from __future__ import annotations

import http.client
import itertools
import json
import time
from typing import TYPE_CHECKING, Any

from capturing import Capture
from lab import HERE, Lab, run
from measure import everything, exactly
from web import SITE_TIME, curl, nginx, nginx_log

if TYPE_CHECKING:
    from namespace import Namespace

TRY = "netanalyze analyze captures/http-connections.pcap --report streams --report closers"

SERVER, PORT, NODE_PORT, NODE_PORT_2, CHUNK_PORT = "10.52.0.1", 80, 8080, 8082, 8081
KEEPALIVE_S, KEEPALIVE_REQUESTS = 1.0, 5
EMPTY = "location = /empty { return 204; }"
EXTENDED = (
    b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n"
    b'7;name=first\r\nchunk 1\r\n7;quoted="a;b"\r\nchunk 2\r\n000;last\r\nX-Sum: 14\r\n\r\n'
)
"""Chunk extensions and a trailer: RFC 9112 sections 7.1.1 and 7.1.2."""

Request = dict[str, Any]
Closed = dict[int, tuple[str, str, str]]
"""For a client's port: which client it was, who closed the connection, and why."""


def at_leisure(client: Namespace, closed: Closed) -> list[float]:
    """Requests with pauses by http.client; nginx closes the first connection, the client the second one.

    Returns:
        Seconds from the last response to the close, and the pauses before.
    """
    pauses = [0.3, 0.6]
    for last in ("server", "client"):
        kept = http.client.HTTPConnection(SERVER, PORT)
        with client.entered():
            kept.connect()
        for pause in (0.0, *pauses):
            time.sleep(pause)
            kept.request("GET", "/small.txt")
            kept.getresponse().read()
        began = time.monotonic()
        if last == "server":
            exactly(kept.sock, 1)  # until the end of the stream
            waited = time.monotonic() - began
        why = "idle for keepalive_timeout" if last == "server" else "had enough"
        closed[kept.sock.getsockname()[1]] = ("http.client", last, why)
        kept.close()
    return [round(waited, 3), *pauses]


def by_curl(lab: Lab, client: Namespace, closed: Closed) -> None:
    """Several runs of curl; within a run the connection is kept."""
    url = f"http://{SERVER}"
    seven = curl(
        lab, client, *((f"{url}/{name}",) for name in ["notes.txt", "small.txt"] * 3 + ["index.html"])
    )
    ports = [transfer["local_port"] for transfer in seven]
    closed[ports[0]] = ("curl", "server", "keepalive_requests")
    closed[ports[-1]] = ("curl", "client", "had enough")
    for _ in range(3):
        (got,) = curl(lab, client, ("-H", "Connection: close", f"{url}/small.txt"))
        closed[got["local_port"]] = ("curl", "server", "Connection: close")
    tag = f'"{SITE_TIME:x}-{30:x}"'
    for transfers in (
        [
            ("--head", f"{url}/people.json"),
            (f"{url}/empty",),
            ("-H", f"If-None-Match: {tag}", f"{url}/small.txt"),
            ("-X", "OPTIONS", f"{url}/small.txt"),
        ],
        [
            ("-r", "0-99", f"{url}/notes.txt"),
            ("-r", "0-9,100-119,-5", f"{url}/notes.txt"),
            ("-r", "99999-", f"{url}/notes.txt"),
            ("--http2", f"{url}/small.txt"),
        ],
    ):
        for got in curl(lab, client, *transfers):
            closed[got["local_port"]] = ("curl", "client", "had enough")


def by_hand(client: Namespace, closed: Closed) -> None:
    """What no client does."""
    host = f"Host: {SERVER}\r\n"
    pipeline = "".join(
        f"{method} {target} HTTP/1.1\r\n{host}\r\n"
        for method, target in (("GET", "/notes.txt"), ("HEAD", "/people.json"), ("GET", "/missing"))
    )
    last = f"GET http://{SERVER}/small.txt HTTP/1.1\r\n{host}Connection: close\r\n\r\n"
    for data, why in (
        (pipeline + last, "Connection: close"),
        ("GET /small.txt HTTP/1.0\nUser-Agent: by hand\n\n", "HTTP/1.0"),
        ("GET /small.txt HTTP/1.1\r\nUser-Agent: by hand\r\n\r\n", "400"),
        ("GET /small.txt\r\n", "HTTP/0.9"),
    ):
        with client.new_socket() as connection:
            connection.connect((SERVER, PORT))
            connection.sendall(data.encode())
            everything(connection)
            closed[connection.getsockname()[1]] = ("socket", "server", why)


def with_node(lab: Lab, client: Namespace) -> list[dict[str, Any]]:
    """Node's Agent, and curl, ask Node's server; the connections with their requests."""
    upload = lab.folder / "upload.txt"
    upload.write_bytes(b"0123456789abcdef" * 128)
    rows = json.loads(client.run("node", HERE / "http_agent.mjs", SERVER, str(NODE_PORT)).stdout)
    found = connections(
        [row | {"server_port": NODE_PORT} for row in rows],
        {row["client_port"]: ("node", "client", "Agent destroyed") for row in rows},
    )
    url = f"http://{SERVER}:{NODE_PORT}"
    send = ("--data-binary", f"@{upload}")
    for why, transfers in (
        ("client", [("-H", "Expect: 100-continue", *send, f"{url}/upload"), (f"{url}/hints",)]),
        ("server", [("-H", "Expect: 100-continue", *send, f"{url}/small-upload")]),
        ("client", [("-X", "OPTIONS", "--request-target", "*", url)]),
        ("client", [("-H", "Expect: 200-ok", *send, f"{url}/upload")]),
        (
            "client",
            [("-H", "Transfer-Encoding: chunked", "-T", str(upload), f"{url}/upload"), (f"{url}/chunks",)],
        ),
    ):
        got = curl(lab, client, *transfers)
        requests = [
            {
                "client_port": one["local_port"],
                "server_port": NODE_PORT,
                "method": one["method"],
                "target": "*" if one["method"] == "OPTIONS" else one["url"].removeprefix(url),
                "version": f"HTTP/{one['http_version']}",
                "status": one["response_code"],
                "body_bytes": one["size_download"],
                "request_body_bytes": one["size_upload"],
            }
            for one in got
        ]
        reason = "had enough" if why == "client" else "Connection: close"
        found += connections(requests, {one["local_port"]: ("curl", why, reason) for one in got})
    return found


def extended(client: Namespace, server: Namespace) -> dict[str, Any]:
    """Chunks with extensions, from a socket to http.client."""
    listener = server.listener(SERVER, CHUNK_PORT)
    asking = http.client.HTTPConnection(SERVER, CHUNK_PORT)
    with client.entered():
        asking.connect()
    port = asking.sock.getsockname()[1]
    asking.request("GET", "/extended")
    accepted, _ = listener.accept()
    accepted.recv(4096)
    accepted.sendall(EXTENDED)
    answer = asking.getresponse()
    body = answer.read()
    asking.close()
    exactly(accepted, 1)  # until the end of the stream
    accepted.close()
    listener.close()
    row = {
        "client_port": port,
        "server_port": CHUNK_PORT,
        "method": "GET",
        "target": "/extended",
        "version": "HTTP/1.1",
        "status": answer.status,
        "body_bytes": len(body),
    }
    return connections([row], {port: ("http.client", "client", "had enough")})[0]


def connections(rows: list[Request], closed: Closed) -> list[dict[str, Any]]:
    """Requests put together by connection, in the order in which the connections were first heard of."""
    known: dict[int, dict[str, Any]] = {}
    for row in rows:
        port = row.pop("client_port")
        client, closer, why = closed[port]
        facts = {
            "client": client,
            "client_port": port,
            "server_port": row.pop("server_port"),
            "closed_by": closer,
            "why": why,
            "requests": [],
        }
        row.pop("user_agent", None)
        known.setdefault(port, facts)["requests"].append(row)
    return list(known.values())


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("node", "curl", "ab")
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, ("10.52.0.2/24", f"{SERVER}/24"))
    nginx(
        lab,
        server,
        f"{SERVER}:{PORT}",
        keepalive_s=KEEPALIVE_S,
        keepalive_requests=KEEPALIVE_REQUESTS,
        locations=EMPTY,
        access_log=True,
    )
    node = lab.start(server, "node", HERE / "http_server.mjs", SERVER, str(NODE_PORT), str(NODE_PORT_2))
    node.ready(lambda: server.listens(NODE_PORT))
    closed: Closed = {}
    capture = Capture(lab, client, "eth0", "http-connections.pcap")
    waits = at_leisure(client, closed)
    by_curl(lab, client, closed)
    by_hand(client, closed)
    for keep in ((), ("-k",)):
        client.run("ab", "-q", *keep, "-n", "4", "-c", "1", f"http://{SERVER}/small.txt")
    with_nodes = with_node(lab, client)
    chunked = extended(client, server)
    capture.finish(client.quiet, server.quiet)
    log = nginx_log(lab, server)
    kept = {
        port for port, rows in itertools.groupby(log, lambda row: row["client_port"]) if len(list(rows)) > 1
    }
    for row in log:
        if row["user_agent"].startswith("ApacheBench"):
            why = ("client", "had enough") if row["client_port"] in kept else ("server", "HTTP/1.0")
            closed[row["client_port"]] = ("ab", *why)
    lab.truth["nginx_closed_after_s"], *lab.truth["pauses_s"] = waits
    lab.truth["connections"] = [*connections(log, closed), *with_nodes, chunked]


if __name__ == "__main__":
    run(record, __file__)
