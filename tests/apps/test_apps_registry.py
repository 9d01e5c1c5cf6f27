"""The list of protocols holds together."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import netanalyze.apps
from netanalyze.apps import compiled
from netanalyze.apps.flatten import PAIR_BITS, flatten
from netanalyze.apps.protocol import TRANSPORTS, Strength
from netanalyze.apps.registry import PROTOCOLS, protocol_by_name
from netanalyze.apps.signature_tables import SignatureTables

_SHARED = {
    "__init__",
    "backlog",
    "ber",
    "checks",
    "codes",
    "compiled",
    "flatten",
    "identify",
    "identify_kernel",
    "messages",
    "protocol",
    "readers",
    "datagrams",
    "resolved",
    "said_names",
    "looked_up",
    "watch_flow",
    "reading",
    "registry",
    "signature_tables",
    "socks_tunnel",
    "transcript",
    "tunnel",
    "tunnel_transcript",
    "watch",
}


def test_names_are_unique_and_short() -> None:
    names = [protocol.name for protocol in PROTOCOLS]
    assert len(set(names)) == len(names)
    assert all(re.fullmatch(r"[a-z][a-z0-9_-]{1,15}", name) for name in names)
    titles = [protocol.title for protocol in PROTOCOLS]
    assert len(set(titles)) == len(titles)


def test_every_file_is_listed() -> None:
    folder = Path(netanalyze.apps.__file__).parent
    files = {file.stem for file in folder.glob("*.py")} - _SHARED
    packages = {file for file in folder.glob("*/__init__.py") if "\nPROTOCOL =" in file.read_text("utf-8")}
    assert len(files) + len(packages) == len(PROTOCOLS)


def test_by_name() -> None:
    for protocol in PROTOCOLS:
        assert protocol_by_name(protocol.name) is protocol
    assert protocol_by_name("gopher") is None
    assert protocol_by_name("") is None


def test_ports_suggest_one_protocol() -> None:
    """So that what a port suggests does not hang on the order of the list."""
    for transport in TRANSPORTS:
        owners: dict[int, list[str]] = {}
        for protocol in PROTOCOLS:
            if transport in protocol.transports:
                for port in protocol.ports:
                    owners.setdefault(port, []).append(protocol.name)
        assert all(0 < port < 65536 for port in owners)
        shared = {port: names for port, names in owners.items() if len(names) > 1}
        assert shared == ({2123: ["gtp", "gtpv2"]} if transport == "udp" else {})


def test_every_protocol_can_be_found() -> None:
    for protocol in PROTOCOLS:
        alone = any(entry.strength != Strength.PORT for entry in protocol.signatures)
        assert alone or protocol.ports, protocol.name
        assert protocol.signatures or not protocol.confirmable, protocol.name


def test_codes_are_positions_in_the_list() -> None:
    tables = SignatureTables(flatten(PROTOCOLS))
    assert tables.names == ["", *(protocol.name for protocol in PROTOCOLS)]
    assert tables.bucket[-1] == len(tables.listed)
    assert len(tables.bucket) == 2 * 256 + 1
    http = tables.names.index("http")
    ports = tables.ports[tables.port_start[http] : tables.port_start[http + 1]]
    assert set(ports.tolist()) == {80, *ports.tolist()} == set(PROTOCOLS[http - 1].ports)
    assert tables.hint[0, 80] == http
    assert tables.hint[1, 80] == 0
    assert not tables.forced.any()


def test_nothing_at_all() -> None:
    tables = SignatureTables(flatten(()))
    assert tables.names == [""]
    assert not tables.hint.any()


def test_there_is_a_limit_to_paired_protocols() -> None:
    pop = protocol_by_name("pop")
    assert pop is not None
    flatten([pop] * PAIR_BITS)
    with pytest.raises(ValueError, match="more than"):
        flatten([pop] * (PAIR_BITS + 1))


def test_the_compiled_signatures_are_those_of_the_protocols() -> None:
    assert compiled.load() == compiled.make(), "run python -m netanalyze.apps.compiled"
