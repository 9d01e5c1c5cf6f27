"""HTTP connections played to the reader, without a capture."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from netanalyze.apps.http.application import Http
from netanalyze.apps.reading import Ending, StreamFacts
from netanalyze.model import Gap

if TYPE_CHECKING:
    from collections.abc import Iterable

    from netanalyze.apps.http.exchange import Exchange
    from netanalyze.apps.reading import Consumer

CLIENT, SERVER = 0, 1
FIN, RESET = Ending.FIN, Ending.RESET
MS = 1_000_000


def get(target: str, *fields: str, method: str = "GET") -> bytes:
    return "\r\n".join((f"{method} {target} HTTP/1.1", "Host: a.example", *fields, "", "")).encode()


def ok(body: bytes, *fields: str, status: str = "200 OK") -> bytes:
    head = "\r\n".join((f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *fields, "", ""))
    return head.encode() + body


def chunked(*chunks: bytes) -> bytes:
    parts = [b"%x\r\n%b\r\n" % (len(chunk), chunk) for chunk in (*chunks, b"")]
    return b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + b"".join(parts)


def tell(  # noqa: PLR0917 - what a consumer is told
    consumer: Consumer,
    offsets: list[int],
    side: int,
    what: bytes | int | Ending,
    frame: int,
    time_ns: int,
) -> None:
    """Tell of bytes, of a gap of some length, or of an ``Ending``; ``offsets`` of both sides go on."""
    if isinstance(what, Ending):
        consumer.end(side, what, frame, time_ns)
    elif isinstance(what, int):
        consumer.gap(side, Gap(offsets[side], what), frame, time_ns)
        offsets[side] += what
    else:
        consumer.data(side, memoryview(what), offsets[side], frame, time_ns)
        offsets[side] += len(what)


def play(
    events: Iterable[tuple[Any, ...]],
    *,
    app: Http | None = None,
    stream: int = 0,
    last_ms: int = 100_000,
    client_rtt_ns: int | None = None,
    server_rtt_ns: int | None = None,
) -> Http:
    """Play events: side, then bytes, the length of a gap, or an ``Ending``, then milliseconds.

    Frames are numbered from 1; without a time events are a millisecond apart.
    """
    app = app or Http()
    facts = StreamFacts(stream, CLIENT, (40000, 80), 1, 0, True, client_rtt_ns, server_rtt_ns)  # noqa: FBT003
    reader = app.open(facts)
    offsets = [0, 0]
    for place, (side, what, *when) in enumerate(events):
        tell(reader, offsets, side, what, place + 1, (when[0] if when else place + 1) * MS)
    reader.finish(last_ms * MS)
    return app


def pairs(app: Http) -> list[tuple[str | None, int | None, str | None, str | None]]:
    """Target, status, end and doubt of each exchange."""
    return [(row.target, row.status, row.end, row.uncertain) for row in app.exchanges]


def only(app: Http) -> Exchange:
    assert len(app.exchanges) == 1
    return app.exchanges[0]
