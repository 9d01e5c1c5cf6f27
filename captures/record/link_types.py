"""One pcapng file with eleven interfaces, each of another link type and all with an HTTP conversation.

The conversations are real, recorded on a TUN device (so without a link header); this script put the
header of one link type before the packets of each, and wrote them as frames of one interface: Ethernet,
BSD loopback (both byte orders), PPP (both framings), Cisco HDLC, raw IP, IPv4, IPv6 and both "cooked"
headers of Linux. Every second interface counts time in nanoseconds, the others in microseconds.
"""

from __future__ import annotations

import struct
from typing import TYPE_CHECKING, Any

from capturing import Capture
from lab import Lab, run
from measure import undisturbed
from relay import DELAY_S, Relay
from web import curl, nginx

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

TRY = "netanalyze analyze captures/link-types.pcapng --report capture --report streams"

IPV4, IPV6 = 0x0800, 0x86DD
MACOS_AF_INET6 = 30

LINKS: dict[str, tuple[int, int]] = {
    "ethernet": (1, 4),
    "null": (0, 6),
    "loop": (108, 4),
    "ppp": (9, 4),
    "ppp-hdlc": (50, 4),
    "c-hdlc": (104, 4),
    "raw": (101, 6),
    "ipv4": (228, 4),
    "ipv6": (229, 6),
    "linux-sll": (113, 4),
    "linux-sll2": (276, 6),
}
"""Interface name → its LINKTYPE_ number (registry of tcpdump.org) and the IP version of its conversation."""


def header(kind: str, ethertype: int, macs: tuple[bytes, bytes], *, outgoing: bool) -> bytes:
    """What the link type ``kind`` has before an IP packet."""
    source, destination = macs if outgoing else macs[::-1]
    direction = 4 if outgoing else 0
    headers = {
        "ethernet": destination + source + struct.pack("!H", ethertype),
        # In the byte order of the machine that captured; here as macOS on x86 writes it.
        "null": struct.pack("<I", MACOS_AF_INET6),
        "loop": struct.pack("!I", 2),
        "ppp": struct.pack("!H", 0x0021),
        "ppp-hdlc": struct.pack("!BBH", 0xFF, 0x03, 0x0021),
        "c-hdlc": struct.pack("!BBH", 0x0F, 0x00, ethertype),
        "linux-sll": struct.pack("!HHH6s2xH", direction, 1, 6, source, ethertype),
        "linux-sll2": struct.pack("!H2xIHBB6s2x", ethertype, 3, 1, direction, 6, source),
    }
    return headers.get(kind, b"")


def block(kind: int, body: bytes) -> bytes:
    """A pcapng block."""
    body += bytes(-len(body) % 4)
    size = len(body) + 12
    return struct.pack("<II", kind, size) + body + struct.pack("<I", size)


def option(code: int, value: bytes) -> bytes:
    """A pcapng option."""
    return struct.pack("<HH", code, len(value)) + value + bytes(-len(value) % 4)


def packets(path: Path) -> Iterator[tuple[int, bytes]]:
    """Time in nanoseconds and bytes of each frame of a nanosecond pcap file."""
    data, at = path.read_bytes(), 24
    while at < len(data):
        seconds, nanoseconds, size = struct.unpack_from("<III", data, at)
        yield seconds * 1_000_000_000 + nanoseconds, data[at + 16 : at + 16 + size]
        at += 16 + size


def record(lab: Lab) -> None:
    """Record it."""
    client, server = lab.namespace("client", ipv6=True), lab.namespace("server", ipv6=True)
    relay = Relay(lab, lambda port, packet: [("server" if port == "client" else "client", packet, DELAY_S)])
    addresses = {4: ("10.18.0.2", "10.18.0.1"), 6: ("fd00:18::2", "fd00:18::1")}
    for place, (name, host) in enumerate((("client", client), ("server", server))):
        own = (f"{addresses[4][place]}/24", f"{addresses[6][place]}/64")
        relay.device(name, host, "tun0", *own, ethernet=False)
    nginx(lab, server, "10.18.0.1:80", "[fd00:18::1]:80")
    relay.start()
    macs = tuple(bytes.fromhex(lab.mac().replace(":", "")) for _ in range(2))

    written = [block(0x0A0D0D0A, struct.pack("<IHHq", 0x1A2B3C4D, 1, 0, -1))]
    for number, (kind, (link_type, _)) in enumerate(LINKS.items()):
        resolution = option(9, b"\x09") if number % 2 else b""
        options = option(2, kind.encode()) + resolution + option(0, b"")
        written.append(block(1, struct.pack("<HHI", link_type, 0, 0) + options))

    transfers: list[dict[str, Any]] = []
    frames = 0
    for number, (kind, (link_type, version)) in enumerate(LINKS.items()):
        capture = Capture(lab, client, "tun0", f"{kind}.pcap", nano=True)
        address = f"[{addresses[6][1]}]" if version == 6 else addresses[4][1]
        with undisturbed(client, server):
            [transfer] = curl(lab, client, (f"http://{address}/small.txt",))
            capture.settle(client.quiet, server.quiet, relay.idle)
        capture.end()
        transfers.append({"interface": number, "link_type": link_type, "name": kind, **transfer})
        for time_ns, packet in packets(capture.path):
            # The destination port lies after the source port, behind 20 or 40 bytes of IP header.
            outgoing = packet[20 + 20 * (version == 6) + 2 :][:2] == struct.pack("!H", 80)
            frame = (
                header(kind, IPV6 if version == 6 else IPV4, (macs[0], macs[1]), outgoing=outgoing) + packet
            )
            ticks = time_ns if number % 2 else time_ns // 1000
            fixed = struct.pack("<IIIII", number, ticks >> 32, ticks & 0xFFFFFFFF, len(frame), len(frame))
            written.append(block(6, fixed + frame))
            frames += 1
    path = lab.folder / "link-types.pcapng"
    path.write_bytes(b"".join(written))
    lab.keep(path, path.name, frames)
    lab.truth = {"curl": transfers}


if __name__ == "__main__":
    run(record, __file__)
