"""Names against tshark's, over every capture of the corpus, where there is one."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import netanalyze
from netanalyze.apps.registry import PROTOCOLS

if TYPE_CHECKING:
    from pathlib import Path

# What tshark calls a protocol, where the names differ.
_ALIASES = {
    "resp": {"redis"},
    "wg": {"wireguard"},
    "nbss": {"smb"},
    "rpc": {"rpc", "nfs", "portmap"},
    "nsh": {"vxlan"},
}

# Streams that tshark had no name for, or another: it was not told HTTP/2's, Redis' or SMTP's port, it does
# not know the protocol, or the first bytes were not captured.
_OURS_ALONE = {
    "TracePcap__free5gc.pcap": {"http2"},
    "deepflow__grpc-server-stream.pcap": {"http2"},
    "gRPC-Go-for-Professionals__Bidi_Streaming.pcapng": {"http2"},
    "gRPC-Go-for-Professionals__Unary.pcapng": {"http2"},
    "suricata-verify__http2-continuation__input.pcap": {"http2"},
    "pcap_file_ex__http2_sample.pcapng": {"http2"},
    "beats__redis_session.pcap": {"redis"},
    "zeek__django-cloud.pcapng": {"redis"},
    "deepflow__nats-headers.pcap": {"nats"},
    "deepflow__client-keep-alive.pcap": {"ssh"},
    "peafowl__stratum.pcap": {"stratum"},
    "suricata-verify__mime-stream-depth__input.pcap": {"smtp"},
    "mercury__emix.pcap": {"wsd"},
    "zeek__retransmit-fast009.pcap": {"http"},
}

# What tshark names and the first bytes of a stream cannot: files whose port another connection agreed on,
# TLS that begins within SMTP or MySQL, tunnels whose datagrams are taken for what is in them.
_TSHARK_ALONE = {
    "TracePcap__free5gc.pcap": {"gtp"},
    "deepflow__vxlan-nsh.pcap": {"nsh"},
    "fpcap__pcapng-example.pcapng.zst": {"tls"},
    "mercury__emix.pcap": {"teredo", "udpencap"},
    "suricata-verify__http2-continuation__input.pcap": {"http"},
    "zeek__smtp-starttls.pcap": {"tls"},
    "zeek__ipv4.pcap": {"ftp-data"},
    "zeek__ipv6.pcap": {"ftp-data"},
}


def tshark_names(oracle: dict[str, dict[str, int]]) -> set[str]:
    paths = [*oracle["tcp_protocols"], *oracle["udp_protocols"]]
    first = {path.split(":")[0] for path in paths}
    first |= {"isakmp" for path in paths if "isakmp" in path.split(":")}
    return first - {"(none)", "data"}


def test_names_are_those_of_tshark(corpus: Path) -> None:
    known = {protocol.name for protocol in PROTOCOLS} | set(_ALIASES)
    wrong = []
    captures = sorted(path for path in (corpus / "captures").iterdir() if path.suffix != ".keylog")
    for capture in captures:
        oracle = json.loads((corpus / "oracle" / f"{capture.name}.json").read_text())
        report = netanalyze.analyze(str(capture), reports=["streams", "udp"])
        ours = {row["app"] for table in ("streams", "udp") for row in report[table].to_dicts() if row["app"]}
        theirs = tshark_names(oracle)
        accepted = theirs | {alias for name in theirs for alias in _ALIASES.get(name, ())}
        extra = ours - accepted - _OURS_ALONE.get(capture.name, set())
        missing = {
            name
            for name in (theirs & known) - _TSHARK_ALONE.get(capture.name, set())
            if not ours & ({name} | _ALIASES.get(name, set()))
        }
        if extra or missing:
            wrong.append((capture.name, extra, missing))
    assert captures
    assert wrong == [], "\n".join(map(str, wrong))
