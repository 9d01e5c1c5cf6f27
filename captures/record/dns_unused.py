"""Names that are looked up for nothing, and the same names looked up to connect to them.

A Python program looks up 52 names with the C library's getaddrinfo (A and AAAA for each) and then sends its
requests through a proxy, which it connects to three times: no address of the 52 is ever used. In the second
capture it connects to each name instead. Of these only the IPv4 address is used, as is usual. Recorded at the
client; dnsmasq answers.
"""

from __future__ import annotations

import sys

from capturing import Capture
from lab import Lab, run
from origin import Answer, serve
from resolving import HERE, NSSWITCH, dnsmasq, log_of, told

TRY = "netanalyze analyze captures/dns-unused.pcap --report lookups"

CLIENT, RESOLVER, PROXY = "10.46.0.2", "10.46.0.1", "10.46.0.80"
NAMES = [f"host{number}.lab.test" for number in range(101, 153)]
TO_PROXY = "connect:proxy.lab.test:8080"
STEPS = {
    "dns-unused": (
        *(TO_PROXY, *(f"lookup:{name}" for name in NAMES[:26])),
        *(TO_PROXY, *(f"lookup:{name}" for name in NAMES[26:])),
        *("sleep:5.5", TO_PROXY),  # so that nobody can say that the connections came later
    ),
    "dns-unused-twin": (*(f"connect:{name}:8080" for name in NAMES), "sleep:5.5", TO_PROXY),
}


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("dnsmasq")
    client, server = lab.namespace("client"), lab.namespace("server")
    lab.cable(client, server, (f"{CLIENT}/24", f"{RESOLVER}/24"))
    records = ["no-resolv", "local=/lab.test/", f"host-record=proxy.lab.test,{PROXY},300"]
    server.address("eth0", f"{PROXY}/24")
    for name in NAMES:
        number = name.removeprefix("host").partition(".")[0]
        server.address("eth0", f"10.46.0.{number}/24")
        records.append(f"host-record={name},10.46.0.{number},fd00:46::{number},300")
    client.etc("nsswitch.conf", NSSWITCH)
    client.resolver(RESOLVER)
    program = dnsmasq(lab, server, (RESOLVER,), *records)
    serve(lab, server, "0.0.0.0", 8080, lambda _: Answer(body=b"hello\n"))
    said = {}
    for name, steps in STEPS.items():
        capture = Capture(lab, client, "eth0", f"{name}.pcap")
        said[name] = told(client, sys.executable, HERE / "lookups.py", *steps)
        capture.finish(client.quiet, server.quiet)
    questions = sum("query[" in line for line in log_of(program))
    lab.truth = {"python": said, "questions_to_dnsmasq": questions}


if __name__ == "__main__":
    run(record, __file__)
