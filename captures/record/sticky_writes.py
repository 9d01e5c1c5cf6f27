"""Where two writes become one segment, or one write several, and what Nagle's algorithm holds back.

Each message has its length in four bytes (big endian) before it. The ports of the client, from 43001 on,
tell the connections apart. In order: thirty requests, each in two writes, to a server that reads both
before it answers: from the second on the body waits for the delayed acknowledgement of the header; the
same with `TCP_NODELAY`; in one write; with `MSG_MORE`; with `TCP_CORK`; with `writev`; one-byte writes
with Nagle's algorithm and without; messages that are larger than a segment; and the four cases of two
messages: each in a segment of its own, both in one, the first with the head of the second, the head of the
first alone and its tail with the second. The truth file has each call of send() and recv() with its times,
which are those of the capture's clock.
"""

from __future__ import annotations

import socket
import time
from typing import TYPE_CHECKING, Any

from capturing import Capture
from lab import ChanceError, Lab, run
from logged import Logged, exchange, framed, quickly_switching
from namespace import wait_until

if TYPE_CHECKING:
    from collections.abc import Callable

TRY = "netanalyze analyze captures/sticky-writes.pcap --report streams"

CLIENT, SERVER = "10.31.0.2", ("10.31.0.1", 9131)
HEAD, BODY, ANSWER = 12, 150, 60
ROUNDS, FEW = 30, 8
PAUSE_S = 0.06
"""Longer than any delayed acknowledgement: what was sent before has been acknowledged."""
HELD_NS = 30_000_000


def two_writes(client: Logged, head: bytes, body: bytes) -> None:
    """Head and body in a write each."""
    client.send(head)
    client.send(body)


def one_write(client: Logged, head: bytes, body: bytes) -> None:
    """Both in one."""
    client.send(head + body)


def more(client: Logged, head: bytes, body: bytes) -> None:
    """The first write says that more will come."""
    client.send(head, socket.MSG_MORE)
    client.send(body)


def corked(client: Logged, head: bytes, body: bytes) -> None:
    """Both between setting and clearing TCP_CORK."""
    client.cork(on=True)
    two_writes(client, head, body)
    client.cork(on=False)


def together(client: Logged, head: bytes, body: bytes) -> None:
    """Both in one call of writev()."""
    client.send_together(head, body)


def answering(rounds: int) -> Callable[[Logged], None]:
    """A server that answers so many requests."""

    def serve(server: Logged) -> None:
        for _ in range(rounds):
            server.message()
            server.send(framed(ANSWER, "a"))

    return serve


def asking(way: Callable[[Logged, bytes, bytes], None], rounds: int) -> Callable[[Logged], None]:
    """A client that asks so often, in one of the ways above."""
    request = framed(HEAD + BODY, "r")

    def ask(client: Logged) -> None:
        for _ in range(rounds):
            way(client, request[:HEAD], request[HEAD:])
            client.message()

    return ask


def writing(*pieces: bytes, pause_s: float = 0.0) -> Callable[[Logged], None]:
    """A client that writes these, one after the other."""

    def write(client: Logged) -> None:
        for piece in pieces:
            client.send(piece)
            if pause_s:
                time.sleep(pause_s)

    return write


def corking(*pieces: bytes) -> Callable[[Logged], None]:
    """A client that writes these with TCP_CORK set, so that segments are filled."""

    def write(client: Logged) -> None:
        client.cork(on=True)
        writing(*pieces)(client)
        client.cork(on=False)

    return write


def reading(count: int) -> Callable[[Logged], None]:
    """A server that takes so many bytes, as much as there is with each call."""

    def read(server: Logged) -> None:
        left = count
        while left > 0 and (part := server.receive(65536)):
            left -= len(part)

    return read


def connections() -> list[tuple[str, tuple[Any, Any], dict[str, bool]]]:
    """Name, what client and server do, and options of each connection."""
    asked: list[tuple[str, Any, int, dict[str, bool]]] = [
        ("two writes", two_writes, ROUNDS, {}),
        ("two writes, TCP_NODELAY", two_writes, FEW, {"client_nodelay": True}),
        ("one write", one_write, FEW, {}),
        ("MSG_MORE", more, FEW, {}),
        ("TCP_CORK", corked, FEW, {}),
        ("writev", together, FEW, {}),
    ]
    found: list[tuple[str, tuple[Any, Any], dict[str, bool]]] = [
        (name, (asking(way, rounds), answering(rounds)), options) for name, way, rounds, options in asked
    ]
    tiny = [bytes([byte]) for byte in framed(24, "t")]
    large = [framed(size, "l") for size in (6000, 1448, 3000)]
    nodelay = {"client_nodelay": True}
    found += [
        ("one byte a write", (writing(*tiny), reading(24)), {}),
        ("one byte a write, TCP_NODELAY", (writing(*tiny), reading(24)), nodelay),
        ("large messages", (writing(*large, pause_s=PAUSE_S), reading(sum(map(len, large)))), {}),
    ]
    for name, sizes, way in (
        ("case A", (200, 300), writing),
        ("case B", (200, 300), corking),
        ("case C", (900, 1000), corking),
        ("case D", (1800, 300), corking),
    ):
        pieces = [framed(size, letter) for size, letter in zip(sizes, "xy", strict=True)]
        found.append((name, (way(*pieces), reading(sum(sizes))), nodelay if way is writing else {}))
    return found


def held(log: dict[str, list[int]]) -> int:
    """How many messages of the client took so long that something was held back."""
    calls, returns = log["receive_called_ns"], log["receive_returned_ns"]
    # Two calls a message: its length, which is what is waited for, and the rest.
    return sum(back - called > HELD_NS for called, back in zip(calls[::2], returns[::2], strict=True))


def record(lab: Lab) -> None:
    """Record it.

    Raises:
        ChanceError: other requests were held back than the kernel's rules say.
    """
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, (f"{CLIENT}/24", f"{SERVER[0]}/24"))
    capture = Capture(lab, client, "eth0", "sticky-writes.pcap")
    streams: list[dict[str, Any]] = []
    with quickly_switching():
        for port, (name, ends, options) in enumerate(connections(), 43001):
            logs = exchange((client, server), ((CLIENT, port), SERVER), ends, **options)
            streams.append({"client_port": port, "name": name, **options, **logs})
            wait_until(lambda: client.quiet() and server.quiet(), "the connection to be closed")
    capture.finish(tap="at the client")
    slow = held(streams[0]["client"])
    if slow != ROUNDS - 1 or any(held(stream["client"]) for stream in streams[1:6]):
        msg = f"{slow} of {ROUNDS} requests were held back"
        raise ChanceError(msg)
    lab.truth = {
        "head_bytes": HEAD,
        "body_bytes": BODY,
        "answer_bytes": ANSWER,
        "requests_held_back": slow,
        "streams": streams,
    }


if __name__ == "__main__":
    run(record, __file__)
