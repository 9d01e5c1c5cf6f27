"""What there is to say about a frame that the analysis of TCP does not label."""

from __future__ import annotations

from typing import TYPE_CHECKING

from netanalyze.model import format_address
from netanalyze.report.units import counted, duration
from netanalyze.wire import codes
from netanalyze.wire.ledger import reason_text
from netanalyze.wire.packets import CARRIER, DAMAGED, INNERMOST, QUOTED

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netanalyze.flow.copies import Copy
    from netanalyze.tcp.explain import Explained

_TCP, _UDP = 6, 17
_TRANSPORTS = {_TCP: "TCP segment", _UDP: "UDP datagram", 1: "ICMP message", 58: "ICMPv6 message"}
_WITH_PORTS = (_TCP, _UDP)
_HELD = (codes.FRAGMENT_HELD, codes.FRAGMENT_INCOMPLETE)


def notes(found: Explained) -> list[str]:
    """Sentences about what is in the frame, and why it has no labels."""
    lines = [f"  {_described(packet)}" for packet in found.packets] if found.ours is None else []
    if found.row is not None and found.segment["role"] == INNERMOST and found.copy is not None:
        lines = []
    if found.copy is not None:
        return [*lines, *_copied(found.copy)]
    if found.verdict in _HELD:
        lines.append("Not analysed here: a segment in fragments is analysed in the frame that completes it")
    elif found.verdict == codes.REASSEMBLED and found.row is None:
        lines.append("Its datagram was put together in another frame")
    elif found.verdict > codes.LAST_ANALYSED:
        lines.append(f"Not analysed: {reason_text(found.verdict, found.detail)}")
    elif found.row is None:
        lines.append("Not a TCP segment: only those are labelled")
    elif found.segment["role"] == QUOTED:
        lines.append(
            "Not analysed as a segment: the one that it quotes was sent earlier, in another frame, and is"
            " counted there"
        )
    return lines


def _described(packet: Mapping[str, int]) -> str:
    what = _TRANSPORTS.get(packet["protocol"], f"IP protocol {packet['protocol']}")
    ends = [
        format_address(packet[f"{end}_hi"], packet[f"{end}_lo"], packet["ip_version"])
        for end in ("src", "dst")
    ]
    if packet["protocol"] in _WITH_PORTS:
        ports = (packet["sport"], packet["dport"])
        ends = [
            f"[{end}]:{port}" if ":" in end else f"{end}:{port}"
            for end, port in zip(ends, ports, strict=True)
        ]
    parts = [f"{what} {ends[0]} → {ends[1]}"]
    if packet["protocol"] in _WITH_PORTS and packet["stream"] >= 0:
        parts.append(f"{'stream' if packet['protocol'] == _TCP else 'flow'} {packet['stream']}")
    if packet["protocol"] not in _WITH_PORTS:
        parts.append(f"type {packet['sport']}, code {packet['dport']}")
    if packet["role"] == QUOTED:
        return f"quotes a {', '.join(parts)}"
    if packet["role"] == CARRIER:
        parts.append("carries a tunnel")
    if packet["role"] == DAMAGED:
        parts.append("its header cannot be right; only the ports are believed")
    elif packet["payload_bytes"] >= 0:
        parts.append(counted(packet["payload_bytes"], "byte"))
    return ", ".join(parts)


def _copied(copy: Copy) -> list[str]:
    if not copy.frame:
        first = "Not analysed: captured before, in a frame that is not known any more"
    else:
        after = (
            duration(copy.after_ns) if copy.after_ns >= 0 else f"{duration(-copy.after_ns)} (by their times)"
        )
        first = f"Not analysed: captured before, in frame {copy.frame}, {after} earlier: {_told(copy)}"
    return [first, "--keep-duplicates analyses it all the same"]


def _told(copy: Copy) -> str:
    """Which mechanism tells that it is a copy and not sent twice."""
    shown = {
        "ttl": f"TTL {copy.ttl} here, {copy.first_ttl} there",
        "interface": f"interface {copy.interface} here, {copy.first_interface} there",
        "link_hash": "other link headers",
    }
    if copy.elsewhere:
        return (
            f"the same packet captured in another place ({', '.join(shown[name] for name in copy.elsewhere)})"
        )
    if copy.instant:
        return "the same packet again, sooner than its sender could know that it was lost"
    return (
        f"the same packet with the same IP identification ({copy.ip_id}), where its sender uses a new one"
        " for each"
    )
