"""Messages of WebSockets: fragments joined, masks taken off, permessage-deflate undone, within limits."""

from __future__ import annotations

import zlib
from itertools import pairwise
from typing import TYPE_CHECKING, Any

from hypothesis import given, settings
from hypothesis import strategies as st

from netanalyze.apps.http import codings
from netanalyze.apps.http.bodies import Limits
from netanalyze.apps.http.exchange import Exchange
from netanalyze.apps.http.sinks import message_sink
from netanalyze.apps.http.websocket import Frames
from netanalyze.apps.http.websocket_messages import NO_CONTEXT, Messages, own_contexts

if TYPE_CHECKING:
    from netanalyze.apps.http.websocket_messages import Message

TEXT, BINARY, CLOSE, PING = 1, 2, 8, 9


def frame(code: int, payload: bytes, *, fin: bool = True, rsv1: bool = False, key: bytes = b"") -> bytes:
    size = len(payload)
    if size < 126:
        length = bytes([size])
    else:
        length = b"\x7f" + size.to_bytes(8, "big") if size > 65535 else b"\x7e" + size.to_bytes(2, "big")
    masked = bytes(byte ^ key[place % 4] for place, byte in enumerate(payload)) if key else payload
    head = bytes([fin << 7 | rsv1 << 6 | code, length[0] | bool(key) << 7]) + length[1:]
    return head + key + masked


class Packer:
    """Packs messages as RFC 7692 says."""

    def __init__(self, *, own_context: bool = False) -> None:  # noqa: D107
        self._own = own_context
        self._packer = self._new()

    def _new(self) -> Any:  # noqa: ANN401 - zlib does not name its type
        return zlib.compressobj(9, zlib.DEFLATED, -12)

    def pack(self, data: bytes) -> bytes:
        if self._own:
            self._packer = self._new()
        packed = self._packer.compress(data) + self._packer.flush(zlib.Z_SYNC_FLUSH)
        assert packed.endswith(b"\x00\x00\xff\xff")
        return packed[:-4]


class Play:
    """Frames of one direction played to the reader."""

    def __init__(self, *, own_context: bool = False, most: int = 1 << 20, sender: str = "client") -> None:  # noqa: D107
        self.found: list[Message] = []
        messages = Messages(self.found.append, Limits(max_bytes=most), own_context=own_context)
        self.frames = Frames([], 0, sender, deflate=True, messages=messages)

    def write(self, data: bytes, number: int = 1) -> Play:
        self.frames.write(data, number, 0)
        return self

    def said(self) -> list[tuple[str, bytes, str | None]]:
        return [(message.kind, bytes(message.data), message.verdict) for message in self.found]


SAID = st.tuples(
    st.sampled_from([TEXT, BINARY, PING]),
    st.binary(max_size=90) | st.sampled_from([b"the same again " * 40, b"@long"]),
    st.booleans(),  # packed
    st.lists(st.integers(0, 70_000), max_size=3),  # cuts
    st.sampled_from([b"", b"\0\0\0\0", b"\x01\xfe\x80\x7f"]),
)


@settings(deadline=None, max_examples=150)
@given(st.lists(SAID, max_size=5), st.lists(st.integers(0, 200_000), max_size=8), st.booleans())
def test_messages_come_out_as_they_went_in(said: list[Any], cuts: list[int], own_context: bool) -> None:  # noqa: FBT001
    packer = Packer(own_context=own_context)
    sent = b""
    expected = []
    for code, given_data, packed, places, key in said:
        data = given_data * 14_000 if given_data == b"@long" else given_data
        if code == PING:
            sent += frame(code, data[:125], key=key)
            expected.append(("ping", data[:125], None))
            continue
        payload = packer.pack(data) if packed else data
        ends = [0, *sorted(place % (len(payload) + 1) for place in places), len(payload)]
        for place, (begin, end) in enumerate(pairwise(ends)):
            last = place == len(ends) - 2
            sent += frame(
                0 if place else code, payload[begin:end], fin=last, rsv1=packed and not place, key=key
            )
        expected.append(("text" if code == TEXT else "binary", data, None))
    play = Play(own_context=own_context)
    places = sorted({cut % (len(sent) + 1) for cut in cuts} | {0, len(sent)})
    for begin, end in pairwise(places):
        play.write(sent[begin:end])
    assert play.said() == expected
    assert play.frames.offset == len(sent)
    if PING not in [entry[0] for entry in said]:
        ends = [message.offset + message.stream_bytes for message in play.found]
        assert [message.offset for message in play.found] == [0, *ends][: len(ends)]


@settings(deadline=None)
@given(st.binary(max_size=200), st.integers(0, 200))
def test_anything_can_be_read(data: bytes, cut: int) -> None:
    play = Play().write(data[:cut]).write(data[cut:])
    play.frames.gap(5, 2, 0)
    play.write(data)
    play.frames.finish()
    for message in play.found:
        assert message.end


def test_a_control_frame_between_fragments() -> None:
    sent = frame(TEXT, b"to", fin=False) + frame(CLOSE, b"\x03\xe8bye") + frame(0, b"gether")
    assert Play().write(sent).said() == [("close", b"\x03\xe8bye", None), ("text", b"together", None)]


def test_a_bomb_stops_at_the_limit() -> None:
    packed = Packer().pack(bytes(50_000_000))
    play = Play(most=1 << 16).write(frame(BINARY, packed, rsv1=True)).write(frame(TEXT, b"x", rsv1=True))
    assert [(len(data), verdict) for _, data, verdict in play.said()] == [
        (1 << 16, codings.LIMIT),
        (0, NO_CONTEXT),
    ]


def test_a_gap_costs_the_context() -> None:
    packers = Packer(), Packer(own_context=True)
    for packer, expected in zip(packers, (NO_CONTEXT, None), strict=True):
        first, second = packer.pack(b"first " * 30), packer.pack(b"first " * 29)
        sent = frame(TEXT, first, rsv1=True)
        play = Play(own_context=expected is None).write(sent[:6])
        play.frames.gap(4, 2, 0)
        play.write(sent[10:]).write(frame(TEXT, second, rsv1=True)).write(frame(TEXT, b"plain"))
        verdicts = [verdict for _, _, verdict in play.said()]
        assert verdicts == [codings.HOLE, codings.HOLE, expected, None]


def test_a_gap_keeps_the_mask_in_step() -> None:
    sent = frame(TEXT, b"abcdefghij", key=b"\1\2\3\4")
    play = Play().write(sent[:9])
    play.frames.gap(2, 2, 0)
    said = play.write(sent[11:]).said()
    assert said == [("text", b"abc", codings.HOLE), ("text", b"fghij", codings.HOLE)]
    places = [(message.offset, message.stream_bytes) for message in play.found]
    assert places == [(0, 9), (11, 5)]


def test_damage_is_said() -> None:
    assert Play().write(frame(TEXT, b"\xff" * 30, rsv1=True)).said()[0][2] == codings.DAMAGED


def test_what_is_not_whole_is_cut() -> None:
    play = Play().write(frame(TEXT, b"abc", fin=False))
    play.frames.finish()
    assert play.said() == [("text", b"abc", codings.CUT)]


def test_contexts_by_the_header() -> None:
    assert own_contexts(b"permessage-deflate") == (False, False)
    assert own_contexts(b"permessage-deflate; Server_No_Context_Takeover; x_bits=10") == (
        False,
        True,
    )
    assert own_contexts(b"x, permessage-deflate;client_no_context_takeover") == (True, False)


class Taken:
    """A sink that remembers."""

    def __init__(self) -> None:  # noqa: D107
        self.rows: list[tuple[Exchange | None, bool]] = []
        self.data = b""

    def open(self, exchange: Exchange | None, *, request: bool) -> Taken:
        self.rows.append((exchange, request))
        return self

    def write(self, data: bytes) -> None:
        self.data += data

    def close(self, verdict: str | None) -> None:
        assert verdict is None


def test_messages_are_extracted_as_bodies() -> None:
    sinks = Taken()
    take = message_sink(sinks, Exchange(3, target="/chat"), "server")
    assert take is not None
    for message in Play(sender="server").write(frame(TEXT, b"hello") + frame(PING, b"x"), 9).found:
        take(message)
    ((row, request),) = sinks.rows
    assert row is not None
    assert (row.target, row.response_frame, row.content_type, request) == (
        "/chat",
        9,
        "websocket text",
        False,
    )
    assert sinks.data == b"hello"
    assert message_sink(sinks, None, "server") is None
