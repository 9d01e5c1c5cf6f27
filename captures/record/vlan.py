"""802.1Q trunks: two VLANs on one cable, and the same with a provider's tag around (QinQ).

Two pairs of hosts, in VLAN 10 and in VLAN 20, reach each other over one cable, where a relay in user
space puts the tags on and takes them off as switches do: VLAN 10 with HTTP, VLAN 20 with ping and UDP of
a higher priority. In the second file each frame has an 802.1ad tag (VLAN 100) before the 802.1Q tag.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING

from capturing import Capture
from lab import Lab, run
from measure import undisturbed
from relay import DELAY_S, Relay
from web import curl, nginx

if TYPE_CHECKING:
    from namespace import Namespace

TRY = "netanalyze analyze captures/vlan-8021q.pcap --report protocols --report streams"

DOT1Q, DOT1AD = 0x8100, 0x88A8
PRIORITY = {10: 0, 20: 5}
"""Priority code point of each VLAN's frames."""


def exchange(lab: Lab, outer: bytes, name: str) -> None:
    """Record one trunk, whose frames have the bytes ``outer`` before their 802.1Q tag."""
    left, right = lab.namespace(f"{name}-left"), lab.namespace(f"{name}-right")
    lab.cable(left, right, names=("trunk0", "trunk1"))
    for host, interface in ((left, "trunk0"), (right, "trunk1")):
        # Room for the tags: the hosts do not know of them.
        host.ip("link", "set", interface, "mtu", "1508")

    def route(port: str, frame: bytes) -> list[tuple[str, bytes, float]]:
        side, _, place = port.partition(" ")
        if place != "trunk":
            tag = struct.pack("!HH", DOT1Q, PRIORITY[int(place)] << 13 | int(place))
            return [(f"{side} trunk", frame[:12] + outer + tag + frame[12:], DELAY_S)]
        at = 12 + len(outer)
        protocol, tag_control = struct.unpack_from("!HH", frame, at)
        vlan = tag_control & 0xFFF
        known = protocol == DOT1Q and vlan in PRIORITY
        return [(f"{side} {vlan}", frame[:12] + frame[at + 4 :], DELAY_S)] if known else []

    relay = Relay(lab, route)
    relay.plug("left trunk", left, "trunk0")
    relay.plug("right trunk", right, "trunk1")
    hosts: dict[str, Namespace] = {}
    for vlan in PRIORITY:
        for side, number in (("left", 2), ("right", 1)):
            host = hosts[f"{side} {vlan}"] = lab.namespace(f"{name}-{side}{vlan}")
            relay.device(f"{side} {vlan}", host, "eth0", f"10.8.{vlan}.{number}/24")
    relay.start()
    nginx(lab, hosts["right 10"], "10.8.10.1:80")

    capture = Capture(lab, left, "trunk0", f"{name}.pcap")
    urls = ("http://10.8.10.1/notes.txt",), ("http://10.8.10.1/logo.png",)
    with undisturbed(hosts["left 10"], hosts["right 10"]):
        transfers = curl(lab, hosts["left 10"], *urls)
        capture.settle(hosts["left 10"].quiet, hosts["right 10"].quiet, relay.idle)
    ping = hosts["left 20"].run("ping", "-c", "2", "-i", "0.2", "10.8.20.1").stdout
    asking, answering = (
        hosts["left 20"].datagrams("10.8.20.2"),
        hosts["right 20"].datagrams("10.8.20.1", 8310),
    )
    for number in range(3):
        asking.sendto(b"sample %d" % number, ("10.8.20.1", 8310))
        data, source = answering.recvfrom(100)
        answering.sendto(data.upper(), source)
        asking.recv(100)
    capture.finish(relay.idle)
    asking.close()
    answering.close()
    lab.truth[name] = {
        "curl": transfers,
        "ping": {"sent": 2, "received": ping.count("bytes from")},
        "udp": {"requests": 3, "answers": 3},
    }


def record(lab: Lab) -> None:
    """Record both trunks."""
    lab.require("ping")
    exchange(lab, b"", "vlan-8021q")
    exchange(lab, struct.pack("!HH", DOT1AD, 100), "vlan-qinq")


if __name__ == "__main__":
    run(record, __file__)
