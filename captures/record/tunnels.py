"""One HTTP request through each of ten encapsulations.

The conversations are real (curl and nginx over TUN devices); a relay in user space puts their packets
into GRE (plain, with a key, with Ethernet inside), IP in IP, IPv6 in IPv4, IPv4 in IPv6, GENEVE, GTP-U,
MPLS and PPPoE, with headers made by scapy, and sends them over an Ethernet cable, where they are
recorded. The order is that of the list in the truth file.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from capturing import Capture
from lab import Lab, run
from measure import undisturbed
from namespace import wait_until
from relay import DELAY_S, Relay
from web import curl, nginx

if TYPE_CHECKING:
    from scapy.packet import Packet

TRY = "netanalyze analyze captures/tunnels.pcap --report protocols --report streams"

ENCAPSULATIONS = ("gre", "gre-key", "gretap", "ipip", "6in4", "4in6", "geneve", "gtp-u", "mpls", "pppoe")
GTP_U_PORT, GTP_G_PDU = 2152, 0xFF
"""A "G-PDU" message carries a packet of the user (3GPP TS 29.281 section 5.1)."""
PPPOE_SESSION, PPP_IPV4 = 0x8864, 0x0021
"""Ethertype of PPPoE sessions (RFC 2516 section 4) and the PPP protocol number of IPv4."""


class Wrapper:
    """Puts IP packets into one encapsulation and takes them out again."""

    def __init__(self, lab: Lab) -> None:
        """Headers whose Ethernet addresses are new ones of the room."""
        lab.uses_scapy()
        self.macs = {"left": lab.mac(), "right": lab.mac()}
        self.inner_macs = {"left": lab.mac(), "right": lab.mac()}
        self.kind = ENCAPSULATIONS[0]
        self._made: dict[tuple[str, str, int], bytes] = {}

    def wrap(self, packet: bytes, side: str) -> bytes:
        """The Ethernet frame that carries ``packet``, sent by ``side``."""
        return self.headers(side, len(packet)) + packet

    def unwrap(self, frame: bytes, side: str) -> bytes:
        """The packet in a frame that ``side`` has sent."""
        return frame[len(self.headers(side, 0)) :]

    def headers(self, side: str, size: int) -> bytes:
        """What stands before a packet of ``size`` bytes; made once, because scapy is slow."""
        key = self.kind, side, size
        if key not in self._made:
            link_only = self.kind in ("mpls", "pppoe")
            layers = (self._link_headers if link_only else self._ip_headers)(side, size)
            # The packet is there for the lengths and checksums.
            self._made[key] = bytes(layers / bytes(size))[: -size or None]
        return self._made[key]

    def _ethernet(self, macs: dict[str, str], side: str) -> Packet:
        from scapy.layers.l2 import Ether  # noqa: PLC0415  (half a second)

        return Ether(src=macs[side], dst=macs["right" if side == "left" else "left"])

    def _link_headers(self, side: str, size: int) -> Packet:
        """Ethernet header and what follows it where there is no outer IP packet."""
        from scapy.contrib.mpls import MPLS  # noqa: PLC0415

        ether = self._ethernet(self.macs, side)
        if self.kind == "mpls":
            return ether / MPLS(label=1001, s=0, ttl=63) / MPLS(label=17, s=1, ttl=64)
        ether.type = PPPOE_SESSION
        return ether / struct.pack("!BBHHH", 0x11, 0, 0x0C15, size + 2, PPP_IPV4)

    def _ip_headers(self, side: str, size: int) -> Packet:  # noqa: PLR0911  (one for each kind)
        """Ethernet header, outer IP header and what stands between it and the packet."""
        from scapy.contrib.geneve import GENEVE  # noqa: PLC0415
        from scapy.layers.inet import IP, UDP  # noqa: PLC0415
        from scapy.layers.inet6 import IPv6  # noqa: PLC0415
        from scapy.layers.l2 import GRE  # noqa: PLC0415

        ours, theirs = (2, 1) if side == "left" else (1, 2)
        ether = self._ethernet(self.macs, side)
        ip = ether / IP(src=f"192.0.2.{ours}", dst=f"192.0.2.{theirs}", id=0, flags="DF")
        inner = self._ethernet(self.inner_macs, side)
        inner.type = 0x0800
        match self.kind:
            case "gre":
                return ip / GRE(proto=0x0800)
            case "gre-key":
                return ip / GRE(proto=0x0800, key_present=1, key=77)
            case "gretap":
                return ip / GRE(proto=0x6558) / inner
            case "geneve":
                return ip / UDP(sport=49301, dport=6081, chksum=0) / GENEVE(vni=7, proto=0x6558) / inner
            case "gtp-u":
                gtp = struct.pack("!BBHI", 0x30, GTP_G_PDU, size, 0x0A0B0C0D)
                return ip / UDP(sport=GTP_U_PORT, dport=GTP_U_PORT, chksum=0) / gtp
            case "4in6":
                return ether / IPv6(src=f"2001:db8:12::{ours}", dst=f"2001:db8:12::{theirs}", nh=4)
        ip[IP].proto = {"ipip": 4, "6in4": 41}[self.kind]
        return ip


def record(lab: Lab) -> None:
    """Record it."""
    client, server = lab.namespace("client", ipv6=True), lab.namespace("server", ipv6=True)
    left, right = lab.namespace("left"), lab.namespace("right")
    wrapper = Wrapper(lab)
    lab.cable(left, right, names=("wire0", "wire1"))

    def route(port: str, data: bytes) -> list[tuple[str, bytes, float]]:
        match port:
            case "client":
                return [("left", wrapper.wrap(data, "left"), DELAY_S)]
            case "server":
                return [("right", wrapper.wrap(data, "right"), DELAY_S)]
            case "left":
                return [("client", wrapper.unwrap(data, "right"), DELAY_S)]
            case _:
                return [("server", wrapper.unwrap(data, "left"), DELAY_S)]

    relay = Relay(lab, route)
    relay.plug("left", left, "wire0")
    relay.plug("right", right, "wire1")
    for name, host, number in (("client", client, 2), ("server", server, 1)):
        relay.device(name, host, "tun0", f"10.12.0.{number}/24", f"fd00:12::{number}/64", ethernet=False)
        host.ip("link", "set", "tun0", "mtu", "1400")
    nginx(lab, server, "10.12.0.1:80", "[fd00:12::1]:80")
    capture = Capture(lab, left, "wire0", "tunnels.pcap")
    for wrapper.kind in ENCAPSULATIONS:
        # scapy is slow the first time.
        wrapper.wrap(b"", "left")
    relay.start()
    transfers: list[dict[str, Any]] = []
    with undisturbed(client, server):
        for kind in ENCAPSULATIONS:
            wrapper.kind = kind
            address = "[fd00:12::1]" if kind == "6in4" else "10.12.0.1"
            [transfer] = curl(lab, client, (f"http://{address}/small.txt",))
            transfers.append({"encapsulation": kind, **transfer})
            for condition in (client.quiet, server.quiet, relay.idle):
                wait_until(condition, f"the end of the {kind} conversation")
        capture.settle()
    capture.stop()
    lab.truth = {"curl": transfers}


if __name__ == "__main__":
    run(record, __file__)
