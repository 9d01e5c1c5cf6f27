"""Framings: how a receiver finds out where a message ends. As users write them, and for the kernel.

The terms are those of netty's LengthFieldBasedFrameDecoder: a length field of 1, 2, 3, 4 or 8 bytes (and
here any number up to 8) at ``offset``; the message ends as many bytes behind the field as it says, and
``adjust`` more. ``include_header`` is for lengths that count the bytes up to the field's end as well, and is
short for an ``adjust`` that takes them off again.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from netanalyze.errors import UsageError
from netanalyze.tcp.writes import framing_fields as fields

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from numpy.typing import NDArray

MOST_BYTES = 1 << 30
"""A longer message is not believed, unless the user says so."""
_REACH = 1 << 31
_LONGEST_DELIMITER = 7
_LONGEST_FIELD = 8
_LAST_PORT = 65535


class Framing(Struct, frozen=True):
    """One way to tell where messages end; the attributes are the words of ``framing_fields``.

    Attributes:
        text: as a user would write it.
        once: whether only one message has it, and the next framing of a list follows.
    """

    kind: int
    text: str
    size: int = 0
    offset: int = 0
    adjust: int = 0
    little: bool = False
    mask: int = 0
    final: int = 0
    value: int = 0
    most: int = MOST_BYTES
    only_text: bool = False
    type_at: int = -1
    last_type: int = -1
    short_zero: bool = False
    once: bool = False

    @property
    def resynchronises(self) -> bool:
        """Whether a message's end can be seen without having seen its beginning."""
        return self.kind == fields.DELIMITER

    def words(self) -> NDArray[np.int64]:
        """For the kernel."""
        words = np.zeros(fields.WORDS, np.int64)
        words[fields.KIND] = self.kind
        words[fields.SIZE] = self.size
        words[fields.OFFSET] = self.offset
        words[fields.ADJUST] = self.adjust
        words[fields.LITTLE] = self.little
        words[fields.MASK] = self.mask
        words[fields.FINAL] = self.final
        words[fields.VALUE] = self.value
        words[fields.MOST] = self.most
        words[fields.TEXT] = self.only_text
        words[fields.TYPE_AT] = self.type_at
        words[fields.LAST_TYPE] = self.last_type
        words[fields.SHORT_ZERO] = self.short_zero
        words[fields.ONCE] = self.once
        return words

    def first_only(self) -> Framing:
        """The same for a single message."""
        return replace(self, once=True)


class StreamFraming(Struct, frozen=True):
    """The framings of both sides of a stream.

    Attributes:
        client, server: of what each sends; all but the last are for a single message each.
    """

    client: tuple[Framing, ...]
    server: tuple[Framing, ...]

    @property
    def text(self) -> str:
        """What it is called: by the framing that stays."""
        return self.client[-1].text


def both(*framings: Framing) -> StreamFraming:
    """The same for both sides."""
    return StreamFraming(framings, framings)


def start_state() -> NDArray[np.int64]:
    """A half-stream whose next byte begins a message."""
    state = np.zeros(fields.STATE_WORDS, np.int64)
    state[fields.NEED] = state[fields.TYPE] = -1
    return state


def length(  # noqa: PLR0913 - options, given by name
    field: str,
    *,
    offset: int = 0,
    adjust: int = 0,
    include_header: bool = False,
    most: int = MOST_BYTES,
    mask: int = 0,
    final: int = 0,
    type_at: int = -1,
    last_type: int = -1,
    short_zero: bool = False,
) -> Framing:
    """A length field, ``field`` being such as ``u32be``, ``u24le`` or ``u8``.

    Args:
        field: bits and byte order.
        offset: where it begins in the message.
        adjust: what its value has to be corrected by to be the number of bytes behind it.
        include_header: whether it counts the bytes up to its own end.
        most: bytes of the longest message.
        mask: bits of it that are the length; 0 for all.
        final: a bit of it without which the message goes on in the next record.
        type_at: see ``framing_fields.TYPE_AT``.
        last_type: see ``framing_fields.LAST_TYPE``.
        short_zero: see ``framing_fields.SHORT_ZERO``.

    Raises:
        ValueError: there is no such field.
    """
    bits, little = _field(field)
    text = f"length={field}"
    text += f",offset={offset}" if offset else ""
    text += f",adjust={adjust}" if adjust else ""
    text += ",include_header" if include_header else ""
    text += f",max={most}" if most != MOST_BYTES else ""
    size = bits // 8
    return Framing(
        fields.LENGTH,
        text,
        size,
        offset,
        adjust - (offset + size if include_header else 0),
        little,
        mask=mask,
        final=final,
        most=most,
        type_at=type_at,
        last_type=last_type,
        short_zero=short_zero,
    )


def varint(*, offset: int = 0, adjust: int = 0, most: int = MOST_BYTES) -> Framing:
    """A length as base 128 number, the lowest seven bits first."""
    text = "varint" + (f",offset={offset}" if offset else "") + (f",adjust={adjust}" if adjust else "")
    text += f",max={most}" if most != MOST_BYTES else ""
    return Framing(fields.VARINT, text, 0, offset, adjust, most=most)


def delimiter(end: bytes, *, text: str = "", only_text: bool = False, most: int = MOST_BYTES) -> Framing:
    """Messages that end with these bytes.

    Args:
        end: the bytes, at most 7.
        text: what to call it.
        only_text: whether control characters end the framing.
        most: bytes of the longest message.
    """
    name = text or f"delimiter={end.hex()}"
    name += f",max={most}" if most != MOST_BYTES else ""
    return Framing(
        fields.DELIMITER, name, len(end), value=int.from_bytes(end, "big"), only_text=only_text, most=most
    )


def fixed(size: int, *, once: bool = False) -> Framing:
    """Messages of one size."""
    return Framing(fields.FIXED, f"fixed={size}", size, most=max(size, 1), once=once)


LINE = delimiter(b"\n", text="line")
CRLF = delimiter(b"\r\n", text="crlf")
NULL = delimiter(b"\0", text="null")
TEXT_LINES = delimiter(b"\n", text="line", only_text=True)
"""Lines of protocols of text, which may become TLS: that ends it."""
BER = Framing(fields.BER, "ber", value=0x30)
"""Sequences by the basic encoding rules."""
RESP = Framing(fields.RESP, "resp")
WEBSOCKET = Framing(fields.WEBSOCKET, "websocket")

_NAMED = {"line": LINE, "crlf": CRLF, "null": NULL}


def _field(text: str) -> tuple[int, bool]:
    """Bits and whether the lowest byte comes first, of ``u16le``."""
    digits = text[1:].removesuffix("be").removesuffix("le")
    order = text[1 + len(digits) :]
    if not (text[:1] == "u" and digits.isascii() and digits.isdecimal()):
        raise ValueError(text)
    bits = int(digits)
    if bits % 8 or not 8 <= bits <= 8 * _LONGEST_FIELD or (order == "" and bits != 8):  # noqa: PLR2004 - a byte
        raise ValueError(text)
    return bits, order == "le"


def parse_framing(text: str) -> Framing:
    """A framing as a user writes it.

    Raises:
        UsageError: it is no framing, or one that cannot be.
    """
    head, *options = [part.strip() for part in text.split(",")]
    name, _, value = head.partition("=")
    if name in _NAMED and not value:
        most = _most(text, _options(text, options, {"max"}))
        plain = _NAMED[name]
        return plain if most is None else replace(plain, most=most, text=f"{plain.text},max={most}")
    if name == "delimiter":
        most = _most(text, _options(text, options, {"max"}))
        return delimiter(_hex(text, value), most=MOST_BYTES if most is None else most)
    if name == "fixed":
        _options(text, options, set())
        return fixed(_whole(text, "fixed", value, 1, MOST_BYTES))
    if name == "varint" and not value:
        given = _options(text, options, {"offset", "adjust", "max"})
        return varint(
            offset=_offset(text, given), adjust=_adjust(text, given), most=_most(text, given) or MOST_BYTES
        )
    if name == "length":
        given = _options(text, options, {"offset", "adjust", "include_header", "max"})
        try:
            return length(
                value,
                offset=_offset(text, given),
                adjust=_adjust(text, given),
                include_header="include_header" in given,
                most=_most(text, given) or MOST_BYTES,
            )
        except ValueError:
            message = f"--framing {text}: length takes u8, or u16, u24 … u64 with be or le, such as u32be"
            raise UsageError(message) from None
    message = (
        f"--framing {text}: write line, crlf, null, delimiter=0d0a, length=u32be, fixed=64 or varint;"
        " after length and varint may follow offset=2, adjust=4, include_header, max=65536"
    )
    raise UsageError(message)


def parse_framings(texts: Iterable[str]) -> Mapping[int | None, Framing]:
    """Framings by server port, None for all others, from ``9000=length=u32be`` or ``line``.

    Raises:
        UsageError: a text is no framing, or there are two for the same.
    """
    found: dict[int | None, Framing] = {}
    for text in texts:
        first, _, rest = text.strip().partition("=")
        port: int | None = None
        if first.isascii() and first.isdecimal():
            port, text = int(first), rest  # noqa: PLW2901 - what is left of it
            if port > _LAST_PORT:
                message = f"--framing {port}={rest}: {port} is no port"
                raise UsageError(message)
        if port in found:
            where = "all ports" if port is None else f"port {port}"
            message = f"--framing {text}: there is one for {where} already"
            raise UsageError(message)
        found[port] = parse_framing(text.strip())
    return found


def _options(text: str, options: Iterable[str], known: set[str]) -> dict[str, str]:
    given: dict[str, str] = {}
    for option in options:
        name, equals, value = option.partition("=")
        if name not in known or name in given or (name == "include_header") == bool(equals):
            allowed = ", ".join(sorted(known)) or "nothing"
            message = f"--framing {text}: {option!r} does not belong there; {allowed} may, once each"
            raise UsageError(message)
        given[name] = value
    return given


def _offset(text: str, given: Mapping[str, str]) -> int:
    return _whole(text, "offset", given.get("offset", "0"), 0, 65535)


def _adjust(text: str, given: Mapping[str, str]) -> int:
    return _whole(text, "adjust", given.get("adjust", "0"), -_REACH, _REACH)


def _most(text: str, given: Mapping[str, str]) -> int | None:
    return _whole(text, "max", given["max"], 1, 1 << 50) if "max" in given else None


def _whole(text: str, name: str, value: str, least: int, most: int) -> int:
    try:
        number: int | None = int(value)
    except ValueError:
        number = None
    if number is None or not least <= number <= most or len(value) > 20:  # noqa: PLR2004 - digits of 64 bits
        message = f"--framing {text}: {name} takes a whole number from {least} to {most}"
        raise UsageError(message)
    return number


def _hex(text: str, value: str) -> bytes:
    try:
        found = bytes.fromhex(value)
    except ValueError:
        found = b""
    if not 1 <= len(found) <= _LONGEST_DELIMITER:
        message = f"--framing {text}: delimiter takes 1 to 7 bytes in hexadecimal, such as 0d0a"
        raise UsageError(message)
    return found
