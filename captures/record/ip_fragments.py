"""UDP datagrams in IPv4 and IPv6 fragments: in order, in reverse, one missing, one twice.

Datagrams larger than the MTU go both ways through a relay that plays tricks on the client's: for one the
fragments arrive in reverse order, of one the second fragment is lost (the server's kernel gives up after
two seconds and says so with ICMP "fragment reassembly time exceeded"), of one the second fragment comes
twice. The server answers what it gets with a datagram of the same size. Recorded at the server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from capturing import Capture
from lab import Lab, run
from measure import counted
from namespace import wait_until
from relay import Relay

if TYPE_CHECKING:
    from namespace import Namespace

TRY = "netanalyze analyze captures/ip-fragments.pcap --report udp --report ledger"

CASES = (
    ("in order", 3000),
    ("reversed", 5000),
    ("second lost", 4000),
    ("second twice", 4000),
    ("whole", 600),
)
IPV6_FRAGMENT = 44


class Tricks:
    """The relay's rule: what to do with the fragments of one datagram from the client."""

    def __init__(self) -> None:
        """Carry frames as they are."""
        self.case = "in order"
        self.fragments = 0
        self.seen: list[bytes] = []

    def begin(self, case: str, fragments: int) -> None:
        """The next ``fragments`` fragments from the client are to be treated as ``case`` says."""
        self.case, self.fragments, self.seen = case, fragments, []

    def __call__(self, port: str, frame: bytes) -> list[tuple[str, bytes, float]]:
        """Where frames go."""
        if (
            port == "server"
            or not is_fragment(frame)
            or self.case not in ("reversed", "second lost", "second twice")
        ):
            return [("client" if port == "server" else "server", frame, 0.0)]
        self.seen.append(frame)
        if self.case == "reversed":
            held = self.seen[::-1] if len(self.seen) == self.fragments else []
            return [("server", one, 0.0) for one in held]
        copies = 1 if len(self.seen) != 2 else 0 if self.case == "second lost" else 2
        return [("server", frame, 0.0)] * copies


def is_fragment(frame: bytes) -> bool:
    """Whether an Ethernet frame holds an IPv4 or IPv6 fragment."""
    if frame[12:14] == b"\x08\x00":
        return (int.from_bytes(frame[20:22], "big") & 0x3FFF) != 0
    return frame[12:14] == b"\x86\xdd" and frame[20] == IPV6_FRAGMENT


def complaints(host: Namespace) -> int:
    """How many times the kernel of ``host`` has said that fragments did not come in time."""
    counters = host.counters()
    return counters["IcmpOutTimeExcds"] + counters["Icmp6OutTimeExcds"]


def await_complaint(host: Namespace, before: int) -> None:
    """Wait until the kernel of ``host`` has said it once more than ``before``."""
    wait_until(lambda: complaints(host) > before, "ICMP time exceeded")


def record(lab: Lab) -> None:
    """Record it."""
    client, server = lab.namespace("client", ipv6=True), lab.namespace("server", ipv6=True)
    tricks = Tricks()
    relay = Relay(lab, tricks)
    relay.device("client", client, "eth0", "10.11.0.2/24", "fd00:11::2/64")
    relay.device("server", server, "eth0", "10.11.0.1/24", "fd00:11::1/64")
    relay.start()
    server.sysctl("net/ipv4/ipfrag_time", 2)
    server.sysctl("net/ipv6/ip6frag_time", 2)
    capture = Capture(lab, server, "eth0", "ip-fragments.pcap")
    datagrams: list[dict[str, Any]] = []
    with counted(server) as server_counters, counted(client) as client_counters:
        for address, own, header in (("10.11.0.1", "10.11.0.2", 20), ("fd00:11::1", "fd00:11::2", 48)):
            answering, asking = server.datagrams(address, 8300), client.datagrams(own)
            for case, size in CASES:
                # Each fragment but the last carries a multiple of eight bytes of the datagram.
                room = (1500 - header) // 8 * 8
                tricks.begin(case, -(-(size + 8) // room))
                lost = case == "second lost"
                before = complaints(server)
                asking.sendto(bytes(number % 253 for number in range(size)), (address, 8300))
                got = 0
                if lost:
                    await_complaint(server, before)
                else:
                    data, source = answering.recvfrom(65536)
                    got = len(data)
                    answering.sendto(data, source)
                    asking.recv(65536)
                datagrams.append({"to": address, "case": case, "sent_bytes": size, "received_bytes": got})
            asking.close()
            answering.close()
        capture.finish(relay.idle)
    lab.truth = {
        "datagrams": datagrams,
        "server_counters": server_counters,
        "client_counters": client_counters,
    }


if __name__ == "__main__":
    run(record, __file__)
