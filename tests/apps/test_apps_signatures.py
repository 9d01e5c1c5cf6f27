"""Each protocol is told by what its specification says, and not by what merely resembles it."""

from __future__ import annotations

import pytest
from app_streams import ANY_PORT, CLIENT, SERVER, name_of, talk
from examples import COUNTEREXAMPLES, EXAMPLES, Example

from netanalyze.apps.protocol import TCP, UDP, Confidence
from netanalyze.apps.registry import PROTOCOLS, protocol_by_name


@pytest.mark.parametrize("example", EXAMPLES, ids=str)
def test_is_named(example: Example) -> None:
    named = name_of(talk(example.transport, example.payloads, port=example.port))
    assert named.name == example.name
    protocol = protocol_by_name(example.name)
    assert protocol is not None
    confident = Confidence.CONTENT if protocol.signatures else Confidence.PORT
    if example.payloads[0][1] != b"login: ":  # a telnet session without any option
        assert named.confidence == confident


@pytest.mark.parametrize("example", COUNTEREXAMPLES, ids=str)
def test_is_not_named(example: Example) -> None:
    assert name_of(talk(example.transport, example.payloads, port=example.port)).name != example.name


def test_every_protocol_has_examples_for_and_against() -> None:
    names = {protocol.name for protocol in PROTOCOLS}
    assert {example.name for example in EXAMPLES} == names
    assert {example.name for example in COUNTEREXAMPLES} == names


def test_every_transport_has_an_example() -> None:
    pairs = {(protocol.name, transport) for protocol in PROTOCOLS for transport in protocol.transports}
    pairs -= {("dnp3", UDP), ("portmap", UDP), ("syslog", TCP)}  # the same signatures over both
    assert pairs <= {(example.name, example.transport) for example in EXAMPLES}


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.transport == TCP], ids=str)
def test_names_do_not_depend_on_how_a_stream_is_cut(example: Example) -> None:
    """Byte by byte, and with everything sent twice."""
    single = [(side, payload[i : i + 1]) for side, payload in example.payloads for i in range(len(payload))]
    rows = talk(TCP, single, port=example.port)
    assert name_of(rows).name == example.name
    assert name_of([row for row in rows for _ in range(2)], batch=7).name == example.name


@pytest.mark.parametrize("example", [e for e in EXAMPLES if e.transport == TCP], ids=str)
def test_names_do_not_need_the_handshake(example: Example) -> None:
    assert name_of(talk(TCP, example.payloads, port=example.port, handshake=False)).name == example.name


_ORDINARY = {
    "zeros": bytes(200),
    "ones": b"\xff" * 200,
    "spaces": b" " * 200,
    "counting": bytes(range(200)),
    "prose": b"The quick brown fox jumps over the lazy dog. " * 4,
    "html": b"<!DOCTYPE html>\n<html><head><title>x</title></head><body></body></html>",
    "json": b'{"id": 1, "method": "ping", "params": []}',
    "xml": b'<?xml version="1.0"?><rss version="2.0"><channel></channel></rss>',
    "csv": b"time,value\n2024-01-01,1\n2024-01-02,2\n",
    "png": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\6\0\0\0",
    "jpeg": b"\xff\xd8\xff\xe0\0\x10JFIF\0\1\1\0\0\1\0\1\0\0" + bytes(80),
    "zip": b"PK\3\4\x14\0\0\0\x08\0" + bytes(60),
    "gzip": b"\x1f\x8b\x08\0\0\0\0\0\0\3" + bytes(60),
    "elf": b"\x7fELF\2\1\1\0\0\0\0\0\0\0\0\0\3\0\x3e\0\1\0\0\0",
    "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n",
    "email": b"Received: from mx.example.org by mail.example.org\r\nSubject: hi\r\n\r\n",
    "shell": b"#!/bin/sh\nset -e\nexec ls -l\n",
    "length and zero": b"\0\0\0\4\0\0\0\0",
    "length and text": b"\0\0\0\x0bhello world",
    "little length and text": b"\x0b\0\0\0hello world",
    "line": b"hello\r\n",
    "number": b"42\n",
    "letter": b"R",
}


@pytest.mark.parametrize("transport", [TCP, UDP])
@pytest.mark.parametrize("payload", _ORDINARY.values(), ids=_ORDINARY)
def test_ordinary_data_has_no_name(transport: str, payload: bytes) -> None:
    for sender in (CLIENT, SERVER):
        assert name_of(talk(transport, [(sender, payload)] * 4, port=ANY_PORT)).name == ""
    both = [(CLIENT, payload), (SERVER, payload)] * 4
    for handshake in (True, False):
        assert name_of(talk(transport, both, port=ANY_PORT, handshake=handshake)).name == ""
