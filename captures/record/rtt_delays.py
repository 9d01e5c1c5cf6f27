"""Requests and answers over a way of known length, seen at the client, on a router, and at the server.

Client, three routers, server. A relay before the second router waits 4 ms in each direction, and one behind
it 11 ms, so the way is 30 ms there and back; of these, 8 ms lie between the client and the capture in the
middle (on the second router, at the side of the server) and 22 ms between that and the server. Each router
takes one off the time to live. The ports of the client tell the streams apart: 43001 five requests answered
at once, 43002 five that the server thinks about for 25 ms, 43003 an answer of 40 kB, 43004 the same while
the server leaves checksums and segmentation to its "card", 43005 a request of 40 kB while the client does.
With that, the capture at that end has segments longer than any on the way, and wrong checksums. Headers
only.
"""

from __future__ import annotations

import contextlib
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from capturing import Capture
from faults import CONGESTION_CONTROL, usual
from headers import SNAP_BYTES
from lab import Lab, run
from measure import everything, exactly, sending, tcp_info, undisturbed
from namespace import wait_until
from relay import Relay
from web import prose

if TYPE_CHECKING:
    import socket
    from collections.abc import Callable

    from namespace import Namespace
    from relay import Rule

TRY = "netanalyze analyze captures/rtt-delays-middle.pcap --report streams"

SERVER = ("10.29.3.2", 9129)
CLIENT = "10.29.0.2"
NEAR_S, FAR_S = 0.004, 0.011
"""What the relays wait: the one at the side of the client, the one at the side of the server."""
THINKS_S = 0.025
SMALL, ANSWER, LARGE = 100, 300, 40_000


@dataclass
class Stream:
    """One connection.

    Attributes:
        what: short name of it.
        request: bytes of each request.
        answer: bytes of each answer.
        rounds: how many of them.
        thinks_s: seconds between the request's end and the answer's beginning.
        offload: ``client`` or ``server`` if that end leaves work to its interface.
    """

    what: str
    request: int
    answer: int
    rounds: int = 1
    thinks_s: float = 0.0
    offload: str | None = None


STREAMS = {
    43001: Stream("small answers", SMALL, ANSWER, rounds=5),
    43002: Stream("small answers after a thought", SMALL, ANSWER, rounds=5, thinks_s=THINKS_S),
    43003: Stream("large answer", SMALL, LARGE),
    43004: Stream("large answer, server offloads", SMALL, LARGE, offload="server"),
    43005: Stream("large request, client offloads", LARGE, ANSWER, offload="client"),
}


def waiting(seconds: float) -> Rule:
    """A rule for a relay between ``left`` and ``right`` in which every frame waits so long."""
    return lambda port, frame: [("left" if port == "right" else "right", frame, seconds)]


def offload(host: Namespace) -> None:
    """Leave checksums and segmentation to the interface; what comes in is not put together."""
    host.run("ethtool", "-K", "eth0", "tx", "on", "sg", "on", "tso", "on", "gso", "on")


def talk(stream: Stream, connection: socket.socket, accepted: socket.socket) -> list[int]:
    """Have all requests answered; return the microseconds from sending each to having its answer."""
    took_us = []
    request = prose(stream.request, 1).encode()[: stream.request]
    answer = prose(stream.answer, 2).encode()[: stream.answer]
    for _ in range(stream.rounds):
        began = time.monotonic()
        with sending(connection, request):
            exactly(accepted, stream.request)
            time.sleep(stream.thinks_s)
            with sending(accepted, answer):
                exactly(connection, stream.answer)
                took_us.append(round((time.monotonic() - began) * 1e6))
    return took_us


def exchange(
    port: int, stream: Stream, client: Namespace, server: Namespace, idle: Callable[[], bool]
) -> dict[str, Any]:
    """Do what one stream is to show, and say what is known of it."""
    if stream.offload:
        offload(client if stream.offload == "client" else server)
    listener = server.listener(*SERVER)
    connection = client.new_socket()
    for made in (listener, connection):
        usual(made)
    connection.bind((CLIENT, port))
    began = time.monotonic()
    connection.connect(SERVER)
    connect_us = round((time.monotonic() - began) * 1e6)
    accepted, _ = listener.accept()
    took_us = talk(stream, connection, accepted)
    info = {"client": tcp_info(connection), "server": tcp_info(accepted)}
    connection.close()
    everything(accepted)
    accepted.close()
    listener.close()
    wait_until(lambda: client.quiet() and server.quiet() and idle(), "the end of the exchange")
    for host in (client, server):
        host.no_offload("eth0")
    return {
        "client_port": port,
        "what": stream.what,
        "request_bytes": stream.request,
        "answer_bytes": stream.answer,
        "thinks_us": round(stream.thinks_s * 1e6),
        "offload": stream.offload,
        "connect_took_us": connect_us,
        "rounds_took_us": took_us,
        "tcp_info": info,
    }


def record(lab: Lab) -> None:
    """Record it."""
    client, server = lab.namespace("client"), lab.namespace("server")
    first, second, third = routers = [lab.namespace(f"router{n}", forwards=True) for n in (1, 2, 3)]
    lab.cable(client, first, (f"{CLIENT}/24", "10.29.0.1/24"))
    lab.cable(third, server, ("10.29.3.1/24", f"{SERVER[0]}/24"), names=("eth1", "eth0"))
    near, far = Relay(lab, waiting(NEAR_S)), Relay(lab, waiting(FAR_S))
    near.device("left", first, "eth1", "10.29.1.1/24")
    near.device("right", second, "eth0", "10.29.1.2/24")
    far.device("left", second, "eth1", "10.29.2.1/24")
    far.device("right", third, "eth0", "10.29.2.2/24")
    near.start()
    far.start()
    client.ip("route", "add", "default", "via", "10.29.0.1")
    first.ip("route", "add", "default", "via", "10.29.1.2")
    second.ip("route", "add", "10.29.0.0/24", "via", "10.29.1.1")
    second.ip("route", "add", "10.29.3.0/24", "via", "10.29.2.2")
    third.ip("route", "add", "default", "via", "10.29.2.1")
    server.ip("route", "add", "default", "via", "10.29.3.1")
    # All hosts know the Ethernet addresses of their neighbours then, so no SYN waits for one.
    with contextlib.closing(client.new_socket()) as stranger, contextlib.suppress(ConnectionRefusedError):
        stranger.connect(SERVER)

    def idle() -> bool:
        return near.idle() and far.idle()

    at_client = Capture(lab, client, "eth0", "rtt-delays-client.pcap", snap=SNAP_BYTES)
    in_middle = Capture(lab, second, "eth1", "rtt-delays-middle.pcap", snap=SNAP_BYTES)
    at_server = Capture(lab, server, "eth0", "rtt-delays-server.pcap", snap=SNAP_BYTES)
    with undisturbed(client, server):
        streams = [exchange(port, stream, client, server, idle) for port, stream in STREAMS.items()]
    near_ms, far_ms = NEAR_S * 1000, FAR_S * 1000
    for capture, tap, client_ms, server_ms, ttls in (
        (at_client, "at the client", 0, near_ms + far_ms, (64, 61)),
        (in_middle, "on the second router, at the side of the server", near_ms, far_ms, (62, 63)),
        (at_server, "at the server", near_ms + far_ms, 0, (61, 64)),
    ):
        capture.finish(
            snap_bytes=SNAP_BYTES,
            tap=tap,
            delay_from_client_ms=client_ms,
            delay_from_server_ms=server_ms,
            ttl_from_client=ttls[0],
            ttl_from_server=ttls[1],
        )
    lab.truth = {
        "delay_ms_each_way": near_ms + far_ms,
        "routers": len(routers),
        "congestion_control": CONGESTION_CONTROL,
        "streams": streams,
    }


if __name__ == "__main__":
    run(record, __file__)
