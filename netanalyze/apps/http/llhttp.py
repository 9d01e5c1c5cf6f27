"""llhttp as it is used here: lenient, and asked where it stopped."""

from __future__ import annotations

from typing import Any

from httptools import HttpParserError, HttpParserUpgrade


def make_parser(kind: Any, protocol: object) -> Any:  # noqa: ANN401 - httptools has no types to speak of
    """A parser of llhttp that takes what people send.

    Folded lines, control characters in values, both lengths at once (chunks count), bare line feeds,
    versions nobody has heard of, more messages after one that says it is the last.
    """
    parser = kind(protocol)
    parser.set_dangerous_leniencies(
        lenient_headers=True,
        lenient_chunked_length=True,
        lenient_keep_alive=True,
        lenient_transfer_encoding=True,
        lenient_version=True,
        lenient_data_after_close=True,
        lenient_optional_cr_before_lf=True,
        lenient_spaces_after_chunk_size=True,
    )
    return parser


class _Probe:
    """Notes where messages begin."""

    def __init__(self) -> None:
        self.at = 0
        self.begin = 0
        self.in_head = True

    def on_message_begin(self) -> None:
        self.begin = self.at
        self.in_head = True

    def on_headers_complete(self) -> None:
        self.in_head = False


def locate(kind: Any, base: bytes, text: bytes) -> tuple[int, int, bool]:  # noqa: ANN401 - as above
    """Where llhttp stops in ``text``, to the line.

    Args:
        kind: the type of the parser.
        base: what brings a new one to where it is before ``text``.
        text: what it refuses.

    Returns:
        Where the message begins that it stops in, where the line does, and whether that is in a head.
    """
    probe = _Probe()
    parser = make_parser(kind, probe)
    place = 0
    try:
        if base:
            parser.feed_data(base)
        while place < len(text):
            probe.at = place
            end = text.find(b"\n", place) + 1 or len(text)
            parser.feed_data(text[place:end])
            place = end
    except (HttpParserError, HttpParserUpgrade):
        pass
    begin = _begin_in_line(kind, base, text, probe.begin) if probe.in_head else probe.begin
    return begin, max(place, begin), probe.in_head


def _begin_in_line(kind: Any, base: bytes, text: bytes, line: int) -> int:  # noqa: ANN401 - as above
    """The byte at which the last message begins; ``line`` is where the line with it does."""
    probe = _Probe()
    parser = make_parser(kind, probe)
    end = text.find(b"\n", line) + 1 or len(text)
    try:
        if base:
            parser.feed_data(base)
        parser.feed_data(text[:line])
        probe.begin = line
        for place in range(line, end):
            probe.at = place
            parser.feed_data(text[place : place + 1])
    except (HttpParserError, HttpParserUpgrade):
        pass
    return probe.begin
