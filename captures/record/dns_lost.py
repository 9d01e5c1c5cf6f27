"""DNS packets that are lost or late on the way to one server, which answers everything at once.

Both questions about one name are lost, and the C library asks the same server again after five seconds. The
answers about a second name are held up for 1.2 s. Of a third one nothing is lost. Recorded at the client, and
each lookup tells how long it took.
"""

from __future__ import annotations

import sys

from capturing import Capture
from lab import Lab, run
from relay import Relay
from resolving import HERE, NSSWITCH, dnsmasq, log_of, told

TRY = "netanalyze analyze captures/dns-lost.pcap --report findings"

CLIENT, RESOLVER = "10.47.0.2", "10.47.0.1"
RECORDS = (
    "no-resolv",
    "local=/test/",
    "host-record=lost.lab.test,10.47.0.80,fd00:47::80,300",
    "host-record=late.lab.test,10.47.0.81,fd00:47::81,300",
    "host-record=fine.lab.test,10.47.0.82,fd00:47::82,300",
)
CASES = (("both lost", "lost.lab.test"), ("answers late", "late.lab.test"), ("nothing", "fine.lab.test"))
LATE_S = 1.2
_LOST, _LATE = b"\x04lost\x03lab\x04test\0", b"\x04late\x03lab\x04test\0"


class Way:
    """The relay's rule: the first two questions about one name are lost, answers about another are late."""

    def __init__(self) -> None:
        """Nothing lost yet."""
        self.lost = 0

    def __call__(self, port: str, frame: bytes) -> list[tuple[str, bytes, float]]:
        """Where frames go."""
        if port == "client" and _LOST in frame and self.lost < 2:  # A and AAAA
            self.lost += 1
            return []
        late = port == "server" and _LATE in frame
        return [("client" if port == "server" else "server", frame, LATE_S if late else 0.0)]


def record(lab: Lab) -> None:
    """Record it."""
    lab.require("dnsmasq")
    client, server = lab.namespace("client"), lab.namespace("server")
    way = Way()
    relay = Relay(lab, way)
    relay.device("client", client, "eth0", f"{CLIENT}/24")
    relay.device("server", server, "eth0", f"{RESOLVER}/24")
    relay.start()
    client.etc("nsswitch.conf", NSSWITCH)
    client.etc("resolv.conf", f"nameserver {RESOLVER}\n")
    program = dnsmasq(lab, server, (RESOLVER,), *RECORDS)
    capture = Capture(lab, client, "eth0", "dns-lost.pcap")
    looked_up = []
    for case, name in CASES:
        (found,) = told(client, sys.executable, HERE / "lookups.py", f"lookup:{name}")
        looked_up.append({"case": case, **found})
    capture.finish(relay.idle)
    lab.truth = {
        "getaddrinfo": looked_up, "questions_lost": way.lost, "late_s": LATE_S, "dnsmasq": log_of(program),
    }  # fmt: skip


if __name__ == "__main__":
    run(record, __file__)
