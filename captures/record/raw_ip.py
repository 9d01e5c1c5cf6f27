"""Bare IP packets of a TUN device: frames without any link header (LINKTYPE_RAW), IPv4 and IPv6 mixed.

Two HTTP requests over each of IPv4 and IPv6, and pings, between two TUN devices joined in user space.
"""

from __future__ import annotations

from capturing import Capture
from lab import Lab, run
from measure import undisturbed
from relay import DELAY_S, Relay
from web import curl, nginx

TRY = "netanalyze analyze captures/raw-ip.pcap --report capture --report streams"


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("ping")
    client, server = lab.namespace("client", ipv6=True), lab.namespace("server", ipv6=True)
    relay = Relay(lab, lambda port, packet: [("server" if port == "client" else "client", packet, DELAY_S)])
    relay.device("client", client, "tun0", "10.17.0.2/24", "fd00:17::2/64", ethernet=False)
    relay.device("server", server, "tun0", "10.17.0.1/24", "fd00:17::1/64", ethernet=False)
    nginx(lab, server, "10.17.0.1:80", "[fd00:17::1]:80")
    capture = Capture(lab, client, "tun0", "raw-ip.pcap")
    relay.start()
    with undisturbed(client, server):
        transfers = [
            *curl(lab, client, ("http://10.17.0.1/notes.txt",), ("http://10.17.0.1/small.txt",)),
            *curl(lab, client, ("http://[fd00:17::1]/notes.txt",), ("http://[fd00:17::1]/small.txt",)),
        ]
        pings = [client.run("ping", "-c", "1", address).stdout for address in ("10.17.0.1", "fd00:17::1")]
        capture.settle(client.quiet, server.quiet, relay.idle)
    capture.stop()
    received = sum(ping.count("bytes from") for ping in pings)
    lab.truth = {"curl": transfers, "ping": {"sent": 2, "received": received}}


if __name__ == "__main__":
    run(record, __file__)
