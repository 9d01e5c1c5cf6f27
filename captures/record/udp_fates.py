"""What becomes of datagrams: nobody listens, nobody answers, several handed over at once, some joined again.

Datagrams to a port where nobody listens, over IPv4 and IPv6, whose kernel answers with ICMP "port
unreachable"; log lines that ``logger`` sends to a collector which never says anything (one-way). With
UDP_SEGMENT a program gives its kernel ten datagrams in one call: where the card is to cut them (GSO) both
captures show one large packet, which recv() gives in ten parts, or whole to a program that wants UDP_GRO.
Where the card cannot, the kernel cuts before the capture, and ten datagrams are seen. Recorded at both ends.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from capturing import Capture
from lab import Lab, run
from namespace import wait_until

if TYPE_CHECKING:
    import socket

TRY = "netanalyze analyze captures/udp-fates-client.pcap --report udp --wide"

CLIENT, SERVER = "10.42.0.2", "10.42.0.1"
CLIENT6, SERVER6 = "fd00:42::2", "fd00:42::1"
NOBODY, LOG, BULK = 7777, 514, 4433
SOL_UDP, UDP_SEGMENT, UDP_GRO = 17, 103, 104
SEGMENT_BYTES, SEGMENTS = 1200, 10
LINES = 6


def to_nobody(client: socket.socket, address: str) -> dict[str, Any]:
    """Send a datagram to a closed port; what the kernel tells the program then."""
    client.connect((address, NOBODY))
    client.send(b"is anybody there?")
    error = None
    try:
        client.recv(100)
    except ConnectionRefusedError as refused:
        error = refused.strerror
    return {"to": address, "local_port": client.getsockname()[1], "error_of_recv": error}


def received(server: socket.socket, total: int) -> list[int]:
    """The sizes that recv() gave."""
    sizes: list[int] = []
    while sum(sizes) < total:
        sizes.append(len(server.recv(65536)))
    return sizes


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("logger", "ping")
    client, server = lab.namespace("client", ipv6=True), lab.namespace("server", ipv6=True)
    lab.cable(
        client, server, (f"{CLIENT}/24", f"{SERVER}/24"), (f"{CLIENT6}/64", f"{SERVER6}/64"), offload=True
    )
    for host in (client, server):
        host.run("ethtool", "-K", "eth0", "tx-udp-segmentation", "on", check=False)
    captures = [
        Capture(lab, host, "eth0", f"udp-fates-{name}.pcap")
        for name, host in (("client", client), ("server", server))
    ]
    # Routers' questions and answers about neighbours are over before.
    wait_until(lambda: not client.run("ping", "-c1", "-W1", SERVER6, check=False).returncode, "IPv6")
    collector = server.datagrams(SERVER, LOG)
    bulk = server.datagrams(SERVER, BULK)
    four, six, sender = client.datagrams(CLIENT), client.datagrams(CLIENT6), client.datagrams(CLIENT)
    nobody = [to_nobody(four, SERVER), to_nobody(six, SERVER6)]
    lines = [f"measurement {number}: {'x' * number * 10}" for number in range(LINES)]
    for line in lines:
        client.run("logger", "-d", "-n", SERVER, "-P", str(LOG), "--rfc3164", "-t", "lab", line)
    logged = [len(collector.recv(4096)) for _ in lines]
    # Ten datagrams, one call.
    ancillary = [(SOL_UDP, UDP_SEGMENT, struct.pack("=H", SEGMENT_BYTES))]
    payload = bytes(number % 251 for number in range(SEGMENT_BYTES * SEGMENTS))
    sender.sendmsg([payload], ancillary, 0, (SERVER, BULK))
    plain = received(bulk, len(payload))
    bulk.setsockopt(SOL_UDP, UDP_GRO, 1)
    sender.sendmsg([payload], ancillary, 0, (SERVER, BULK))
    joined = received(bulk, len(payload))
    client.run("ethtool", "-K", "eth0", "tx-udp-segmentation", "off")
    cutter = client.datagrams(CLIENT)
    cutter.sendmsg([payload], ancillary, 0, (SERVER, BULK))
    cut = received(bulk, len(payload))
    for capture in captures:
        capture.finish()
    lab.truth = {
        "nobody": nobody,
        "log_bytes": logged,
        "segmented": {
            "local_port": sender.getsockname()[1],
            "sent_bytes": len(payload),
            "segment_bytes": SEGMENT_BYTES,
            "received_without_gro": plain,
            "received_with_gro": joined,
            "local_port_without_offload": cutter.getsockname()[1],
            "received_without_offload": cut,
        },
    }
    for one in (collector, bulk, four, six, sender, cutter):
        one.close()


if __name__ == "__main__":
    run(record, __file__)
