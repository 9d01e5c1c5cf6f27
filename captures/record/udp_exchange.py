"""UDP: requests and answers of many sizes, a one-way flow, broadcast and multicast.

A server answers each datagram with one of twice its size, up to a limit; the largest ones go in IP
fragments, and the smallest has no payload. Twenty measurements go one way without an answer. One
datagram is broadcast, and some go to a multicast group that the server has joined with IGMP.
"""

from __future__ import annotations

import socket
from typing import Any

from capturing import Capture
from lab import Lab, run
from measure import counted

TRY = "netanalyze analyze captures/udp-exchange.pcap --report udp"

CLIENT, SERVER, BROADCAST, GROUP = "10.6.0.2", "10.6.0.1", "10.6.0.255", "239.6.0.1"
SIZES = (0, 1, 18, 100, 512, 736, 1200, 1472, 1473, 4000)
LARGEST_ANSWER = 5000


def record(lab: Lab) -> None:
    """Record it."""
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, (f"{CLIENT}/24", f"{SERVER}/24"))
    client.ip("route", "add", "224.0.0.0/4", "dev", "eth0")
    capture = Capture(lab, client, "eth0", "udp-exchange.pcap")
    flows: list[dict[str, Any]] = []

    def send(
        name: str, sender: socket.socket, receiver: socket.socket, to: tuple[str, int], size: int
    ) -> None:
        sender.sendto(bytes(number % 251 for number in range(size)), to)
        data, source = receiver.recvfrom(65536)
        flows.append(
            {
                "exchange": name,
                "source": list(source),
                "destination": list(to),
                "sent_bytes": size,
                "received_bytes": len(data),
            }
        )

    with counted(client) as client_counters, counted(server) as server_counters:
        asking, answering = client.datagrams(CLIENT), server.datagrams(SERVER, 6001)
        for size in SIZES:
            send("request", asking, answering, (SERVER, 6001), size)
            send("answer", answering, asking, asking.getsockname(), min(2 * size, LARGEST_ANSWER))

        metrics, collector = client.datagrams(CLIENT), server.datagrams(SERVER, 8125)
        for number in range(20):
            send("one-way", metrics, collector, (SERVER, 8125), 30 + number % 7)

        shouting, hearing = client.datagrams(CLIENT), server.datagrams("", 6002)
        shouting.setsockopt(socket.SOL_SOCKET, socket.SO_BROADCAST, 1)
        send("broadcast", shouting, hearing, (BROADCAST, 6002), 50)

        capture.settle()
        before = capture.frames()
        member = server.datagrams("", 6003)
        membership = socket.inet_aton(GROUP) + socket.inet_aton(SERVER)
        member.setsockopt(socket.IPPROTO_IP, socket.IP_ADD_MEMBERSHIP, membership)
        # The kernel reports the membership at a random moment of the first second.
        capture.expect(lambda frames: frames > before, "the IGMP report")
        for _ in range(3):
            send("multicast", shouting, member, (GROUP, 6003), 80)
        member.setsockopt(socket.IPPROTO_IP, socket.IP_DROP_MEMBERSHIP, membership)
        capture.finish()
    for one in (asking, answering, metrics, collector, shouting, hearing, member):
        one.close()
    lab.truth = {"datagrams": flows, "client_counters": client_counters, "server_counters": server_counters}


if __name__ == "__main__":
    run(record, __file__)
