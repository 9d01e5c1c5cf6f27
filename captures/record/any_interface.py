"""A router recorded on all its interfaces at once: every packet is there twice.

`tcpdump -i any` gives frames a "cooked" header instead of the Ethernet one; the two files are the same
traffic in the newer (LINUX_SLL2) and the older (LINUX_SLL) form. What the router forwards is recorded
when it comes in and when it goes out, with the time to live one less: neither a retransmission nor a
second conversation. Two HTTP requests and ping through the router, and ping to the router itself.
"""

from __future__ import annotations

from capturing import Capture
from lab import Lab, run
from web import curl, nginx

TRY = "netanalyze analyze captures/any-interface-sll2.pcap --report streams --report ledger"


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("ping")
    client, server = lab.namespace("client"), lab.namespace("server")
    router = lab.namespace("router", forwards=True)
    lab.cable(client, router, ("10.10.1.2/24", "10.10.1.1/24"), names=("eth0", "eth0"))
    lab.cable(router, server, ("10.10.2.1/24", "10.10.2.2/24"), names=("eth1", "eth0"))
    client.ip("route", "add", "default", "via", "10.10.1.1")
    server.ip("route", "add", "default", "via", "10.10.2.1")
    nginx(lab, server, "10.10.2.2:80")
    newer = Capture(lab, router, "any", "any-interface-sll2.pcap", link_type="LINUX_SLL2")
    older = Capture(lab, router, "any", "any-interface-sll.pcap", link_type="LINUX_SLL")
    transfers = curl(lab, client, ("http://10.10.2.2/notes.txt",), ("http://10.10.2.2/logo.png",))
    through = client.run("ping", "-c", "2", "-i", "0.2", "10.10.2.2").stdout
    to_router = client.run("ping", "-c", "1", "10.10.1.1").stdout
    newer.finish(client.quiet, server.quiet)
    older.finish()
    lab.truth = {
        "curl": transfers,
        "ping_through": {"sent": 2, "received": through.count("bytes from")},
        "ping_router": {"sent": 1, "received": to_router.count("bytes from")},
    }


if __name__ == "__main__":
    run(record, __file__)
