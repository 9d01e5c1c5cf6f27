"""Every way in which an HTTP request comes to nothing ("socket hang up"), each made on purpose.

Recorded at both ends of a way of 40 ms (a relay in user space), so that requests and FINs can cross. The
server is a script that does what it is told, or Node's; the clients are Python's `http.client`, curl, and
Node's `Agent`. The truth file has for each request (`outcome`) what it became, in order of time for each
client, with its client port, method, target, place on its connection, how long the connection had been idle
(`idle_ms`), how long the client waited (`waited_ms`), the status and error that the client logged, and
whether it was `sent` at all:

- `answered`: some are there to tell the others from.
- `after-fin`: sent when the server's FIN had been received, and refused.
- `crossing-fin`, `crossing-rst`: sent while the server's FIN or RST was on its way: the keep-alive race.
- `forgotten`: the server's RST was lost on its way; the request was refused by a server that knew of nothing.
- `after-rst`: sent after the server's RST had come; the client's firewall had kept it from the kernel.
- `not-sent`: the kernel had the RST, and refused to send.
- `closed-without-answer`, `reset-without-answer`: FIN or RST where the answer should be.
- `reset-in-response`: RST in a body with a length, with chunks, or up to the end of the connection.
- `short-response`: FIN before the promised length, before the last chunk, or in the head (`noticed` is false
  where the client took that for a response).
- `client-gave-up`: after `timeout_ms`, before the first byte or in the body; `acknowledged` is false where
  nothing of the request arrived, because the way was interrupted.
- `answered-early`: the response (413) came before the whole request, and then RST; the client, which sent
  on, saw nothing but the RST.
- `request-cut-short`: the client closed before all of its request was sent.
- `behind-the-last`: pipelined behind a request that was answered with `Connection: close`.
- `unasked-408`: the server sent 408 on an idle connection, which crossed the request.
- `waiting`: there was no answer yet when the capture ended.
"""

from __future__ import annotations

import json
import socket
import time
from typing import TYPE_CHECKING, Any

from capturing import Capture
from hang_ups import CHUNKED, Scene, asked, chunk, never_answers, response, served
from headers import RST, Segment
from lab import HERE, ChanceError, Lab, run
from measure import abort, everything, undisturbed
from namespace import Namespace, wait_until
from relay import Relay

if TYPE_CHECKING:
    from collections.abc import Iterable

    from hang_ups import Script

TRY = "netanalyze analyze captures/http-hang-ups-client.pcap --report streams --report closers"

SERVER, NODE_PORT = ("10.51.0.1", 8080), 3000
DELAY_S = 0.04
"""On the way, in each direction."""
IDLE_S = 0.3
"""After this the server closes an idle connection, in the races."""
PAUSE_S = IDLE_S - DELAY_S
"""What the client waits then: it asks in the moment in which the server closes."""
REFUSE_RST = ("INPUT", "-p", "tcp", "--tcp-flags", "RST", "RST", "-j", "DROP")
BODY = b"a line of the answer\n" * 100


class Way:
    """Carries frames with a delay, and loses some when told so.

    Attributes:
        loses_rst: what the server resets is not told to the client.
        interrupted: nothing is carried.
    """

    def __init__(self) -> None:
        """All is carried."""
        self.loses_rst = self.interrupted = False

    def carry(self, port: str, frame: bytes) -> Iterable[tuple[str, bytes, float]]:
        """The rule of the relay."""
        segment = Segment.of(frame)
        reset = segment is not None and port == "server" and segment.flags & RST
        if self.interrupted or (self.loses_rst and reset):
            return []
        return [("server" if port == "client" else "client", frame, DELAY_S)]


def answers(accepted: socket.socket) -> None:
    """Answer each request until the client closes."""
    while asked(accepted):
        accepted.sendall(response(b"here you are\n"))


def closes_when_idle(accepted: socket.socket) -> None:
    """Answer, and close after a while."""
    asked(accepted)
    accepted.sendall(response(b"here you are\n"))
    time.sleep(IDLE_S)


def resets_when_idle(accepted: socket.socket) -> None:
    """Answer, and reset after a while."""
    closes_when_idle(accepted)
    abort(accepted)


def sends_408_when_idle(accepted: socket.socket) -> None:
    """Answer, and say after a while that it has waited long enough."""
    closes_when_idle(accepted)
    accepted.sendall(response(b"", status=b"408 Request Timeout", fields=b"Connection: close\r\n"))


def kept_connections(scene: Scene, way: Way) -> None:
    """The second request of a connection."""
    scene.second("answered", answers, 0.1)
    scene.second("after-fin", closes_when_idle, IDLE_S + 0.15)
    scene.second("crossing-fin", closes_when_idle, PAUSE_S)
    scene.second("crossing-fin", closes_when_idle, PAUSE_S, method="POST", body=b"name=user1")
    scene.second("crossing-rst", resets_when_idle, PAUSE_S)
    scene.second("not-sent", resets_when_idle, IDLE_S + 0.15)
    scene.second("unasked-408", sends_408_when_idle, PAUSE_S)
    wait_until(scene.host.quiet, "the refusal of the last request")
    way.loses_rst = True
    with served(scene.listener, resets_when_idle):
        client = scene.client()
        client.ask("answered", "/first")
        time.sleep(IDLE_S + 0.15)
        way.loses_rst = False
        client.ask("forgotten", "/second")
        scene.rows += client.close()
    scene.host.run("iptables", "-A", *REFUSE_RST)
    with served(scene.listener, resets_when_idle):
        client = scene.client()
        client.ask("answered", "/first")
        time.sleep(IDLE_S + 0.15)
        scene.host.run("iptables", "-D", *REFUSE_RST)
        client.ask("after-rst", "/second")
        scene.rows += client.close()


def no_answer(scene: Scene) -> None:
    """The server goes instead of answering."""

    def closes(accepted: socket.socket) -> None:
        asked(accepted)
        time.sleep(0.05)

    def resets(accepted: socket.socket) -> None:
        closes(accepted)
        abort(accepted)

    def does_not_read(accepted: socket.socket) -> None:
        accepted.recv(1, socket.MSG_PEEK)

    scene.once("closed-without-answer", closes)
    scene.by_curl("closed-without-answer", closes)
    scene.once("reset-without-answer", resets)
    scene.by_curl("reset-without-answer", resets)
    scene.once("reset-without-answer", does_not_read, method="POST", body=BODY)


def broken_answers(scene: Scene) -> None:
    """The server goes while it answers."""

    def sends(*parts: bytes, reset: bool = False) -> Script:
        def script(accepted: socket.socket) -> None:
            asked(accepted)
            for part in parts:
                accepted.sendall(part)
                time.sleep(0.06)
            if reset:
                abort(accepted)

        return script

    half = response(BODY[:1000], length=len(BODY))
    chunks = (response(b"", length=-1, fields=CHUNKED), chunk(BODY[:500]), chunk(BODY[500:900]))
    no_length = response(BODY, length=-1).replace(b"HTTP/1.1", b"HTTP/1.0")
    scene.once("reset-in-response", sends(half, reset=True), "/length")
    scene.once("reset-in-response", sends(*chunks, reset=True), "/chunks")
    scene.once("reset-in-response", sends(no_length, reset=True), "/until-close")
    scene.once("short-response", sends(half), "/length")
    scene.by_curl("short-response", sends(half), target="/length")
    scene.once("short-response", sends(*chunks), "/chunks")
    # http.client takes half a head for a whole one.
    scene.once("short-response", sends(half[:50]), "/head", noticed=False)
    scene.by_curl("short-response", sends(half[:50]), target="/head", noticed=False)
    scene.once("answered", sends(no_length), "/until-close")
    scene.once("answered", sends(*chunks, chunk(b"")), "/chunks")


def impatience(scene: Scene, way: Way) -> None:
    """The client goes first."""

    def late(accepted: socket.socket) -> None:
        asked(accepted)
        time.sleep(0.9)
        accepted.sendall(response(b"too late\n"))
        everything(accepted)

    def stalls(accepted: socket.socket) -> None:
        asked(accepted)
        accepted.sendall(response(BODY[:1000], length=len(BODY)))
        everything(accepted)

    scene.once("client-gave-up", late, timeout_ms=400, acknowledged=True)
    scene.by_curl("client-gave-up", late, "--max-time", "0.5", timeout_ms=500, acknowledged=True)
    scene.once("client-gave-up", stalls, "/length", timeout_ms=300, acknowledged=True)
    scene.by_curl(
        "client-gave-up", stalls, "--max-time", "0.4", target="/length", timeout_ms=400, acknowledged=True
    )
    with served(scene.listener, never_answers):
        client = scene.client(1.0)
        way.interrupted = True
        client.ask("client-gave-up", timeout_ms=1000, acknowledged=False)
        scene.rows += client.close()
        time.sleep(0.2)
        way.interrupted = False


def odd_ones(scene: Scene) -> None:
    """Requests by hand."""
    post = b"POST /upload HTTP/1.1\r\nHost: server\r\nContent-Length: 9000\r\n\r\n"

    def too_large(accepted: socket.socket) -> None:
        accepted.recv(len(post))
        accepted.sendall(response(b"", status=b"413 Content Too Large", fields=b"Connection: close\r\n"))
        accepted.shutdown(socket.SHUT_WR)
        time.sleep(0.02)

    scene.by_hand(("answered-early",), (post, *([BODY] * 4)), too_large)
    scene.rows[-1]["server_status"] = 413
    scene.by_hand(("request-cut-short",), (post, BODY), never_answers)

    def answers_the_first(accepted: socket.socket) -> None:
        asked(accepted)
        accepted.sendall(response(b"the last one\n", fields=b"Connection: close\r\n"))
        accepted.shutdown(socket.SHUT_WR)
        everything(accepted)

    pipeline = b"".join(b"GET /%d HTTP/1.1\r\nHost: server\r\n\r\n" % number for number in (1, 2, 3))
    scene.by_hand(("answered", "behind-the-last", "behind-the-last"), (pipeline,), answers_the_first)


def patience_of_node(client: Namespace) -> float:
    """After how many seconds Node's server closes an idle connection: it adds to what it is told."""
    with client.new_socket() as connection:
        connection.connect((SERVER[0], NODE_PORT))
        connection.sendall(b"GET / HTTP/1.1\r\nHost: server\r\n\r\n")
        connection.recv(4096)
        began = time.monotonic()
        everything(connection)
        return time.monotonic() - began


def by_node(scene: Scene, idle_s: float) -> None:
    """Node's Agent asks Node's server, which closes idle connections after ``idle_s``."""
    pause_ms = str(round((idle_s - DELAY_S) * 1000))
    program = scene.host.run("node", HERE / "hang_ups.mjs", "client", SERVER[0], str(NODE_PORT), pause_ms)
    places: dict[int, int] = {}
    for row in json.loads(program.stdout):
        places[row["client_port"]] = places.get(row["client_port"], 0) + 1
        scene.rows.append(
            row
            | {"server_port": NODE_PORT, "request_of_connection": places[row["client_port"]], "sent": True}
        )


def check(rows: list[dict[str, Any]]) -> None:
    """See that the clients logged what the outcomes mean.

    Raises:
        ChanceError: one was too early or too late.
    """
    for row in rows:
        unnoticed = not row.get("noticed", True) or row["outcome"] == "request-cut-short"
        fine = row["outcome"] in {"answered", "unasked-408", "behind-the-last", "waiting"}
        if (row["error"] is None) != (fine or unnoticed) or row.get("sent") == (row["outcome"] == "not-sent"):
            msg = f"not as meant: {row}"
            raise ChanceError(msg)


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("node", "curl", "iptables")
    client, server = lab.namespace("client"), lab.namespace("server")
    way = Way()
    relay = Relay(lab, way.carry)
    relay.device("client", client, "tap0", "10.51.0.2/24")
    relay.device("server", server, "tap0", f"{SERVER[0]}/24")
    relay.start()
    words = ("node", HERE / "hang_ups.mjs", "server", SERVER[0], str(NODE_PORT), str(round(IDLE_S * 1000)))
    program = lab.start(server, *words)
    program.ready(lambda: server.listens(NODE_PORT))
    idle_s = patience_of_node(client)
    wait_until(lambda: client.quiet() and server.quiet() and relay.idle(), "the end of the measurement")
    at_client = Capture(lab, client, "tap0", "http-hang-ups-client.pcap")
    at_server = Capture(lab, server, "tap0", "http-hang-ups-server.pcap")
    scene = Scene(lab, client, server.listener(*SERVER))
    with undisturbed(client, server):
        kept_connections(scene, way)
        no_answer(scene)
        broken_answers(scene)
    impatience(scene, way)
    odd_ones(scene)
    by_node(scene, idle_s)
    check(scene.rows)
    wait_until(lambda: client.quiet() and server.quiet() and relay.idle(), "the end of the exchanges")
    with served(scene.listener, never_answers):
        last = scene.client(0.5)
        last.ask("waiting", "/never")
        last.rows[0]["error"] = None
        at_client.settle()
        at_server.settle()
        at_client.stop(tap="at the client")
        at_server.stop(tap="at the server")
        scene.rows += last.close()
    scene.listener.close()
    lab.truth = {
        "delay_ms_each_way": DELAY_S * 1000,
        "idle_timeout_of_server_ms": IDLE_S * 1000,
        "idle_timeout_of_node_ms": round(idle_s * 1000),
        "requests": scene.rows,
    }


if __name__ == "__main__":
    run(record, __file__)
