"""Which protocols are not only recognised but read, and where their readers are.

A protocol is read once its file has an ``APPLICATION``: what makes the ``Application`` of a run
(``reading``), called with what is ``Asked``. It may also have a ``TRANSCRIBER``, which makes what shows its
messages in ``netanalyze follow`` (``transcript``), called with the stream and the size that one body may
grow to. Files are imported when a table asks for them.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from netanalyze.apps.reading import Application, Asked
    from netanalyze.apps.transcript import Transcriber
    from netanalyze.tcp.byte_streams import StreamFacts

READERS: dict[str, str] = {
    "dns": "netanalyze.apps.dns.application",
    "http": "netanalyze.apps.http.application",
}
"""The module of each protocol that is read, by the protocol's name."""

ALIKE: dict[str, tuple[str, ...]] = {"dns": ("mdns", "llmnr", "nbns")}
"""Other protocols whose messages the reader of one reads, into the same tables."""

SPOKEN: dict[str, str] = dict.fromkeys(("dns", "mdns", "llmnr", "nbns"), "netanalyze.apps.dns.spoken")
"""Protocols whose datagrams ``netanalyze follow`` shows in words: modules that have ``say_message``."""

CARRIERS: dict[str, str] = {"socks": "netanalyze.apps.socks_tunnel"}
"""Protocols that have no tables of their own and carry others: their modules have a ``CARRIER``."""


def with_carriers(applications: Mapping[str, Application]) -> dict[str, Application]:
    """These applications by protocol, and those that hand over to them what they carry."""
    carriers = {name: import_module(module).CARRIER(applications) for name, module in CARRIERS.items()}
    return {**carriers, **applications}


def application(protocol: str, asked: Asked) -> Application:
    """A new ``Application`` of a protocol that is read."""
    made: Application = _module(protocol).APPLICATION(asked)
    return made


def transcriber(protocol: str, stream: StreamFacts, max_body_bytes: int) -> Transcriber | None:
    """What shows the messages of a stream of this protocol; None if nothing does but showing its bytes.

    Args:
        protocol: its name.
        stream: what is known of the stream.
        max_body_bytes: what one body may grow to when it is decoded.
    """
    module = READERS.get(protocol) or CARRIERS.get(protocol)
    make = getattr(import_module(module), "TRANSCRIBER", None) if module else None
    return make(stream, max_body_bytes) if make is not None else None


def datagram_words(protocol: str, data: bytes, wire_bytes: int) -> str | None:
    """A datagram in words, lines that end in LF; None if nothing shows its protocol but its bytes.

    Args:
        protocol: its name.
        data: the bytes that were captured.
        wire_bytes: how many it had.
    """
    if protocol not in SPOKEN:
        return None
    said: str = import_module(SPOKEN[protocol]).say_message(data, wire_bytes, protocol)
    return said


def _module(protocol: str) -> Any:  # noqa: ANN401 - a module's attribute can be anything
    return import_module(READERS[protocol])
