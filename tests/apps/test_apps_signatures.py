"""Each protocol is told by what its specification says, and not by what merely resembles it."""

from __future__ import annotations

from random import Random
from typing import TYPE_CHECKING

import pytest
from app_streams import CLIENT, SERVER, Row, name_of, names_of, talk
from examples import COUNTEREXAMPLES, EXAMPLES, Example
from hypothesis import given, settings
from hypothesis import strategies as st

from netanalyze.apps.codes import TCP, UDP, Confidence
from netanalyze.apps.registry import PROTOCOLS, protocol_by_name

if TYPE_CHECKING:
    from collections.abc import Sequence


STREAMS = [example for example in EXAMPLES if example.transport == TCP]


def differences(
    examples: Sequence[Example], conversations: list[list[Row]], batch: int = 1 << 20
) -> list[str]:
    """The examples that are not called what they should be."""
    found = names_of(conversations, batch=batch)
    return [
        f"{example}: {name!r}"
        for example, (name, _) in zip(examples, found, strict=True)
        if name != example.name
    ]


def talks(examples: Sequence[Example], *, handshake: bool = True) -> list[list[Row]]:
    return [talk(e.transport, e.payloads, port=e.port, handshake=handshake) for e in examples]


def test_conversations_are_named() -> None:
    assert differences(EXAMPLES, talks(EXAMPLES)) == []
    # Each for itself too: nothing depends on what else there is.
    some = EXAMPLES[:: len(EXAMPLES) // 12]
    assert [name_of(rows).name for rows in talks(some)] == [example.name for example in some]


def test_names_come_from_content_where_it_tells() -> None:
    for example, (name, confidence) in zip(EXAMPLES, names_of(talks(EXAMPLES)), strict=True):
        protocol = protocol_by_name(name)
        assert protocol is not None
        by_port = not protocol.signatures or example.payloads[0][1] == b"login: "
        assert confidence == (Confidence.PORT if by_port else Confidence.CONTENT), example


def test_what_resembles_a_protocol_is_not_named_so() -> None:
    found = names_of(talks(COUNTEREXAMPLES))
    wrong = [
        f"{example}"
        for example, (name, _) in zip(COUNTEREXAMPLES, found, strict=True)
        if name == example.name
    ]
    assert wrong == []


def test_every_protocol_has_examples_for_and_against() -> None:
    names = {protocol.name for protocol in PROTOCOLS}
    assert {example.name for example in EXAMPLES} == names
    assert {example.name for example in COUNTEREXAMPLES} == names


def test_every_transport_has_an_example() -> None:
    pairs = {(protocol.name, transport) for protocol in PROTOCOLS for transport in protocol.transports}
    pairs -= {("dnp3", UDP), ("portmap", UDP), ("syslog", TCP)}  # the same signatures over both
    assert pairs <= {(example.name, example.transport) for example in EXAMPLES}


def test_names_do_not_depend_on_how_a_stream_is_cut() -> None:
    """Byte by byte, and with everything sent twice."""
    single = [
        talk(
            TCP,
            [(side, payload[i : i + 1]) for side, payload in example.payloads for i in range(len(payload))],
            port=example.port,
        )
        for example in STREAMS
    ]
    assert differences(STREAMS, single) == []
    twice = [[row for row in rows for _ in range(2)] for rows in single]
    assert differences(STREAMS, twice, batch=1000) == []


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 2**32))
def test_names_do_not_depend_on_where_a_stream_is_cut(seed: int) -> None:
    random = Random(seed)
    conversations = []
    for example in STREAMS:
        parts: list[tuple[int, bytes]] = []
        for side, payload in example.payloads:
            cuts = sorted(random.choices(range(1, len(payload) + 1), k=3))
            ends = zip([0, *cuts], [*cuts, len(payload)], strict=True)
            parts += [(side, payload[start:end]) for start, end in ends if start < end]
        conversations.append(talk(TCP, parts, port=example.port))
    assert differences(STREAMS, conversations) == []


def test_names_do_not_need_the_handshake() -> None:
    assert differences(STREAMS, talks(STREAMS, handshake=False)) == []


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
def test_ordinary_data_has_no_name(transport: str) -> None:
    for payload in _ORDINARY.values():
        conversations = []
        for turns in ([CLIENT], [SERVER], [CLIENT, SERVER]):
            said = [(side, payload) for side in turns] * 4
            conversations += [talk(transport, said, handshake=shaken) for shaken in (True, False)]
        assert set(names_of(conversations)) == {("", Confidence.NONE)}, payload
