"""HTTP inside a VXLAN tunnel between two hosts, made by the Linux kernel's VXLAN device.

Recorded on the network that carries the tunnel: UDP to port 4789, in it Ethernet frames of network 42,
with ARP, two requests to nginx on one connection, and ping. Compressed with Zstandard.
"""

from __future__ import annotations

from capturing import Capture
from lab import Lab, run
from web import curl, nginx

TRY = "netanalyze analyze captures/vxlan.pcapng.zst --report protocols --report streams --report udp"


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("ping")
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, ("192.0.2.2/24", "192.0.2.1/24"))
    for host, local, remote, inside in (
        (client, "192.0.2.2", "192.0.2.1", "10.9.0.2/24"),
        (server, "192.0.2.1", "192.0.2.2", "10.9.0.1/24"),
    ):
        ends = ("local", local, "remote", remote, "dev", "eth0")
        lab.device(host, "vxlan42", "vxlan", "id", "42", "dstport", "4789", *ends)
        host.ip("link", "set", "vxlan42", "mtu", "1450", "address", lab.mac())
        host.no_offload("vxlan42")
        host.address("vxlan42", inside)
        host.ip("link", "set", "vxlan42", "up")
    nginx(lab, server, "10.9.0.1:80")
    capture = Capture(lab, client, "eth0", "vxlan.pcapng.zst")
    transfers = curl(
        lab, client, ("--compressed", "http://10.9.0.1/index.html"), ("http://10.9.0.1/notes.txt",)
    )
    ping = client.run("ping", "-c", "2", "-i", "0.2", "10.9.0.1").stdout
    capture.finish(client.quiet, server.quiet)
    lab.truth = {"curl": transfers, "ping": {"sent": 2, "received": ping.count("bytes from")}}


if __name__ == "__main__":
    run(record, __file__)
