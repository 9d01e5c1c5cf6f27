"""Waits of every kind, on a way of 15 ms in each direction, captured at both ends.

The ports of the client, from 43101 on, tell the connections apart. In order: requests in two writes, whose
second Nagle's algorithm holds until the server's delayed acknowledgement; small writes that it holds for a
round trip, the server acknowledging at once (`TCP_QUICKACK`); a server that thinks before it answers; a
client that thinks before it asks; a client that does not read, so that the window closes, twice; an answer
lost with what the sender tries first, so that a retransmission timer has to end the wait; a segment lost
among others, which duplicate acknowledgements tell of; a request that is lost likewise; the first SYN
lost; an upload that takes several round trips of slow start. The truth file has each call of send() and
recv() with its times, which are those of the captures' clock, what was lost, and how long programs slept.
"""

from __future__ import annotations

import socket
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from capturing import Capture
from faults import CONGESTION_CONTROL, DELAY_S, Path, through, usual
from headers import ACK, SNAP_BYTES, SYN, Segment
from lab import ChanceError, Lab, run
from logged import Logged, exchange, framed, quickly_switching
from measure import counted, tcp_only
from namespace import wait_until
from relay import Relay
from sticky_writes import ANSWER, answering, asking, one_write, two_writes

if TYPE_CHECKING:
    from collections.abc import Callable

    from faults import Outcome

TRY = "netanalyze analyze captures/sticky-waits-client.pcap --report streams"

CLIENT, SERVER = "10.32.0.2", ("10.32.0.1", 9132)
THINK_S = (0.08, 0.12, 0.2)
TYPING_S = 0.005
ASLEEP_S = 0.4
SIZE = 60_000
REQUEST = framed(162, "r")


class Losing(Path):
    """Loses the n-th frames that one side sends with payload, or with SYN."""

    def __init__(self, *lost: int, from_client: bool, syn: bool = False) -> None:
        """Lose those with these numbers, counted from 1, repetitions included."""
        super().__init__()
        self._lost, self._from_client, self._syn = lost, from_client, syn
        self._count = 0

    def carry(self, frame: bytes, segment: Segment, *, sent: bool) -> Outcome:
        """Nothing leaves the relay if the frame is to be lost."""
        wanted = segment.flags & (SYN | ACK) == SYN if self._syn else segment.payload_bytes > 0
        if wanted and sent != self._from_client:
            self._count += 1
            if self._count in self._lost:
                self.injected.append(
                    {
                        "kind": "lost",
                        "number": self._count,
                        "ns": time.time_ns(),
                        "payload_bytes": segment.payload_bytes,
                        "ip_id": segment.ip_id,
                    }
                )
                return []
        return [(frame, DELAY_S)]


@dataclass
class Connection:
    """One connection and what there is to wait for.

    Attributes:
        name: short name of it.
        client: what the client does.
        server: what the server does.
        path: the way through the relay.
        options: for ``exchange``.
        slept_ns: from when to when a program slept on purpose.
    """

    name: str
    client: Callable[[Logged], None]
    server: Callable[[Logged], None]
    path: Path = field(default_factory=Path)
    options: dict[str, Any] = field(default_factory=dict)
    slept_ns: list[tuple[int, int]] = field(default_factory=list)


def sleep(slept: list[tuple[int, int]], seconds: float) -> None:
    """Sleep and write down when."""
    began = time.time_ns()
    time.sleep(seconds)
    slept.append((began, time.time_ns()))


def thinking(*, at_client: bool) -> Connection:
    """Requests and answers, one side thinking before it speaks."""
    slept: list[tuple[int, int]] = []

    def client(end: Logged) -> None:
        for seconds in THINK_S:
            if at_client:
                sleep(slept, seconds)
            end.send(REQUEST)
            end.message()

    def server(end: Logged) -> None:
        for seconds in THINK_S:
            end.message()
            if not at_client:
                sleep(slept, seconds)
            end.send(framed(ANSWER, "a"))

    return Connection(f"{'client' if at_client else 'server'} thinks", client, server, slept_ns=slept)


def typing(end: Logged) -> None:
    """Small writes every few milliseconds."""
    for _ in range(24):
        end.send(framed(20, "t"))
        time.sleep(TYPING_S)


def taking(size: int) -> Callable[[Logged], None]:
    """Receive so much."""

    def take(end: Logged) -> None:
        end.exactly(size)

    return take


def giving(size: int) -> Callable[[Logged], None]:
    """Send one message of this size."""

    def give(end: Logged) -> None:
        end.send(framed(size, "d"))

    return give


def sleepy() -> Connection:
    """A client that sleeps before it reads, and again in the middle."""
    slept: list[tuple[int, int]] = []

    def client(end: Logged) -> None:
        for _ in range(2):
            sleep(slept, ASLEEP_S)
            end.exactly(SIZE // 2)

    def small(made: socket.socket) -> None:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8000)

    return Connection("zero window", client, giving(SIZE), options={"prepare": small}, slept_ns=slept)


def connections() -> list[Connection]:
    """All of them, in order."""
    return [
        Connection("nagle, delayed ACK", asking(two_writes, 8), answering(8)),
        Connection("nagle, quick ACK", typing, taking(24 * 20), options={"server_quick": True}),
        thinking(at_client=False),
        thinking(at_client=True),
        sleepy(),
        # The answer, the tail loss probe for it, and the first that the timer sends.
        Connection("answer lost", asking(one_write, 2), answering(2), Losing(1, 2, from_client=False)),
        Connection("segment lost", taking(SIZE), giving(SIZE), Losing(15, from_client=False)),
        Connection("request lost", asking(one_write, 2), answering(2), Losing(1, 2, from_client=True)),
        Connection("SYN lost", asking(one_write, 1), answering(1), Losing(1, from_client=True, syn=True)),
        Connection("upload", giving(SIZE), taking(SIZE)),
    ]


def record(lab: Lab) -> None:
    """Record it.

    Raises:
        ChanceError: something else was lost, or sent again for want of speed.
    """
    client, server = lab.namespace("client"), lab.namespace("server")
    planned = dict(enumerate(connections(), 43101))
    relay = Relay(lab, through({port: connection.path for port, connection in planned.items()}))
    relay.device("receiver", client, "eth0", f"{CLIENT}/24")
    relay.device("sender", server, "eth0", f"{SERVER[0]}/24")
    relay.start()
    captures = [
        Capture(lab, host, "eth0", f"sticky-waits-{name}.pcap", snap=SNAP_BYTES)
        for name, host in (("client", client), ("server", server))
    ]
    streams: list[dict[str, Any]] = []
    with quickly_switching():
        for port, one in planned.items():
            given = one.options.pop("prepare", None)

            def prepare(made: socket.socket, given: Any = given) -> None:  # noqa: ANN401
                usual(made)
                if given is not None:
                    given(made)

            with counted(client) as at_client, counted(server) as at_server:
                logs = exchange(
                    (client, server),
                    ((CLIENT, port), SERVER),
                    (one.client, one.server),
                    prepare=prepare,
                    **one.options,
                )
                wait_until(lambda: client.quiet() and server.quiet() and relay.idle(), "the end")
            sent_again = at_client.get("TcpRetransSegs", 0) + at_server.get("TcpRetransSegs", 0)
            if sent_again != len(one.path.injected):
                msg = f"{one.name}: {sent_again} segments were sent again"
                raise ChanceError(msg)
            streams.append(
                {
                    "client_port": port,
                    "name": one.name,
                    **one.options,
                    "lost": one.path.injected,
                    "slept_from_ns": [begin for begin, _ in one.slept_ns],
                    "slept_to_ns": [end for _, end in one.slept_ns],
                    **logs,
                    "client_counters": tcp_only(at_client),
                    "server_counters": tcp_only(at_server),
                }
            )
    for capture, tap in zip(captures, ("client", "server"), strict=True):
        capture.finish(snap_bytes=SNAP_BYTES, tap=f"at the {tap}")
    lab.truth = {
        "delay_ms_each_way": DELAY_S * 1000,
        "congestion_control": CONGESTION_CONTROL,
        "streams": streams,
    }


if __name__ == "__main__":
    run(record, __file__)
