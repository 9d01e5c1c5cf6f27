"""HTTP over IPv6, from the address being new on the link to the end of the connection.

The capture begins before the client has its address: duplicate address detection, multicast listener
reports, then neighbour solicitation and advertisement, three requests to nginx on one connection, and an
ICMPv6 echo.
"""

from __future__ import annotations

from capturing import Capture
from lab import Lab, run
from measure import counted
from namespace import wait_until
from web import curl, nginx

TRY = "netanalyze analyze captures/ipv6-http.pcap --report streams"


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("ping")
    client, server = lab.namespace("client", ipv6=True), lab.namespace("server", ipv6=True)
    lab.cable(client, server)
    server.address("eth0", "2001:db8:7::1/64")
    nginx(lab, server, "[2001:db8:7::1]:80")
    wait_until(lambda: "tentative" not in server.run("ip", "-6", "address").stdout, "the server's address")
    capture = Capture(lab, client, "eth0", "ipv6-http.pcap")
    with counted(client) as client_counters:
        client.ip("address", "add", "2001:db8:7::2/64", "dev", "eth0")
        wait_until(
            lambda: "tentative" not in client.run("ip", "-6", "address").stdout, "the client's address"
        )
        url = "http://[2001:db8:7::1]"
        transfers = curl(
            lab, client, ("--compressed", f"{url}/index.html"), (f"{url}/notes.txt",), (f"{url}/missing",)
        )
        ping = client.run("ping", "-6", "-c", "2", "-i", "0.2", "2001:db8:7::1").stdout
        capture.finish(client.quiet, server.quiet)
    lab.truth = {
        "curl": transfers,
        "ping": {"sent": 2, "received": ping.count("bytes from")},
        "client_counters": client_counters,
    }


if __name__ == "__main__":
    run(record, __file__)
