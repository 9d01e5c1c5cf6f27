"""Names and the connections that come of them: getaddrinfo in Python, dns.lookup and dns.resolve in Node.

A Python program looks names up with the C library's getaddrinfo and connects: a plain name, one with two
CNAMEs on the way, one that stands in its hosts file, an address as it is, one whose time to live (1 s) is
over when the address is used again, one that does not exist, one with TTL 0 three times. A Node program does
the same with ``dns.lookup`` (getaddrinfo in a thread), ``dns.resolve4`` (c-ares, which does not look into
the hosts file) and ``net.connect``. Neither keeps answers. Recorded at the client; dnsmasq answers.
"""

from __future__ import annotations

import sys

from capturing import Capture
from lab import Lab, run
from origin import Answer, serve
from resolving import HERE, NSSWITCH, dnsmasq, log_of, told

TRY = "netanalyze analyze captures/dns-lookups.pcap --report names"

CLIENT, RESOLVER, WEB, OTHER = "10.40.0.2", "10.40.0.1", "10.40.0.80", "10.40.0.81"

RECORDS = (
    "no-resolv",
    "local=/lab.test/",
    f"host-record=www.lab.test,{WEB},300",
    "host-record=edge.cdn.lab.test,10.40.0.82,60",
    "cname=shop.cdn.lab.test,edge.cdn.lab.test,120",
    "cname=shop.lab.test,shop.cdn.lab.test,120",
    "host-record=short.lab.test,10.40.0.83,1",
    "host-record=zero.lab.test,10.40.0.84",
)

PYTHON_STEPS = (
    "connect:www.lab.test:8080",
    "get:shop.lab.test:8080",
    "connect:known.lab.test:8080",
    "get:known.lab.test:8080",
    f"connect:{WEB}:8080",
    "get:10.40.0.85:8080",
    "connect:10.40.0.85:8080",
    "connect:short.lab.test:8080",
    "sleep:1.5",
    "reconnect:8080",
    "lookup:nothing.lab.test",
    "connect:zero.lab.test:8080",
    "connect:zero.lab.test:8080",
    "connect:zero.lab.test:8080",
)

NODE_STEPS = (
    "lookup:www.lab.test",
    "lookup:www.lab.test",
    "resolve:www.lab.test",
    "lookup:known.lab.test",
    "resolve:known.lab.test",
    "lookup:nothing.lab.test",
    "resolve:nothing.lab.test",
    "connect:www.lab.test:8080",
    "connect:known.lab.test:8080",
    "reach:shop.lab.test:8080",
)


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("dnsmasq", "node")
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, (f"{CLIENT}/24", f"{RESOLVER}/24"))
    for last in (80, 81, 82, 83, 84, 85):
        server.address("eth0", f"10.40.0.{last}/24")
    client.etc("nsswitch.conf", NSSWITCH)
    client.etc("hosts", f"127.0.0.1 localhost\n{OTHER} known.lab.test\n")
    client.resolver(RESOLVER)
    program = dnsmasq(lab, server, (RESOLVER,), *RECORDS)
    # It listens on every address.
    serve(lab, server, "0.0.0.0", 8080, lambda _: Answer(body=b"hello\n"))
    capture = Capture(lab, client, "eth0", "dns-lookups.pcap")
    python = told(client, sys.executable, HERE / "lookups.py", *PYTHON_STEPS)
    node = told(client, "node", HERE / "lookups.mjs", *NODE_STEPS)
    capture.finish(client.quiet, server.quiet)
    lab.truth = {"python": python, "node": node, "dnsmasq": log_of(program)}


if __name__ == "__main__":
    run(record, __file__)
