"""The framing of unknown streams: found where it shows, and never where there is none."""

from __future__ import annotations

import os
import random
import struct
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from message_layouts import COMPILED, INTERPRETED, kernel

from netanalyze import kernels
from netanalyze.columns import view_of
from netanalyze.model import Gap
from netanalyze.tcp.writes import guess_fields as fields
from netanalyze.tcp.writes import layout_fields
from netanalyze.tcp.writes.guess import guess, samples

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

CLIENT, SERVER = 0, 1
MSS = 1448


def conversation(*writes: tuple[int, bytes]) -> list[Any]:
    """Writes of both sides as pieces: cut into full segments, PSH with the last."""
    pieces: list[Any] = []
    offsets = [0, 0]
    for side, data in writes:
        for begin in range(0, len(data), MSS):
            part = data[begin : begin + MSS]
            bits = layout_fields.PUSH if begin + MSS >= len(data) else 0
            frame = len(pieces) + 1
            pieces.append((side, part, offsets[side], frame, frame, (bits, -1, -1, len(part), 0)))
            offsets[side] += len(part)
    return pieces


def talk(
    chance: random.Random, make: Callable[[bytes], bytes], exchanges: int = 20, *, largest: int = 300
) -> list[Any]:
    """Requests and answers of one to three messages each, with random bodies."""
    writes = []
    for _ in range(exchanges):
        for side in (CLIENT, SERVER):
            count = chance.choice([1, 1, 1, 2, 3]) if side == SERVER else 1
            writes.append(
                (side, b"".join(make(chance.randbytes(chance.randint(4, largest))) for _ in range(count)))
            )
    return conversation(*writes)


def hexadecimal(body: bytes) -> bytes:
    return body.hex().encode()


MADE: dict[str, Callable[[bytes], bytes]] = {
    "length=u8": lambda b: bytes([len(b[:200])]) + b[:200],
    "length=u16be": lambda b: struct.pack(">H", len(b)) + b,
    "length=u16le,include_header": lambda b: struct.pack("<H", len(b) + 2) + b,
    "length=u16be,offset=3": lambda b: b"\x17\x03\x03" + struct.pack(">H", len(b)) + b,
    "length=u24le,adjust=1": lambda b: len(b).to_bytes(3, "little") + b"\7" + b,
    "length=u24be,offset=1,include_header": lambda b: b"\1" + (len(b) + 4).to_bytes(3, "big") + b,
    "length=u32le": lambda b: struct.pack("<I", len(b)) + b,
    "length=u32be,offset=8": lambda b: b"\xc0\1\2\3\4\5\6\7" + struct.pack(">I", len(b)) + b,
    "length=u64be": lambda b: struct.pack(">Q", len(b)) + b,
    "length=u16be,offset=16,include_header": lambda b: b"\xff" * 16 + struct.pack(">H", len(b) + 18) + b,
    "varint": lambda b: (bytes([len(b)]) if len(b) < 128 else bytes([128 | len(b) & 127, len(b) >> 7])) + b,
    "line": lambda b: hexadecimal(b) + b"\n",
    "crlf": lambda b: hexadecimal(b) + b"\r\n",
    "null": lambda b: hexadecimal(b) + b"\0",
}


@pytest.mark.parametrize("seed", range(3))
@pytest.mark.parametrize("text", MADE)
def test_framings_are_found(text: str, seed: int) -> None:
    found = guess(talk(random.Random(seed), MADE[text]))
    assert found is not None
    assert found.framing.client[-1].text == text
    assert found.framing == type(found.framing)(found.framing.client, found.framing.client)
    assert found.confidence > 90


def test_what_comes_before_the_first_message() -> None:
    chance = random.Random(1)
    pieces = talk(chance, MADE["length=u32le"])
    writes = [(side, what) for side, what, *_ in pieces]
    found = guess(conversation((CLIENT, b"HELLO/1.0 some greeting"), (SERVER, b"HELLO"), *writes))
    assert found is not None
    assert [framing.text for framing in found.framing.client] == ["fixed=23", "length=u32le"]
    assert [framing.text for framing in found.framing.server] == ["fixed=5", "length=u32le"]


def test_messages_of_one_size() -> None:
    """Where each side has its own, a length that is right on both is believed; not zeros before it."""
    writes = []
    chance = random.Random(5)
    for _ in range(15):
        for side, size in ((CLIENT, 158), (SERVER, 56)):
            message = struct.pack(">I", size) + chance.randbytes(size)
            writes += [(side, message[:12]), (side, message[12:])] if side == CLIENT else [(side, message)]
    found = guess(conversation(*writes))
    assert found is not None
    assert found.framing.client[-1].text == "length=u32be"


def test_one_side_alone() -> None:
    chance = random.Random(2)
    messages = [MADE["length=u32le"](chance.randbytes(chance.randint(10, 200))) for _ in range(40)]
    found = guess(conversation(*((CLIENT, message) for message in messages)))
    assert found is not None
    assert found.framing.client[-1].text == "length=u32le"


def random_streams(chance: random.Random) -> Sequence[Any]:
    """Bytes without any order, said in turns, in one go, or both."""
    kind = chance.randrange(4)
    exchanges = chance.choice([1, 2, 3, 5, 10, 30, 100])
    longest = chance.choice([10, 60, 300, 1448, 20000])
    if kind == 0:
        return talk(chance, lambda body: body, exchanges, largest=longest)
    if kind == 1:  # as one encrypted download
        return conversation((CLIENT, chance.randbytes(200)), (SERVER, chance.randbytes(30 * longest)))
    if kind == 2:
        return conversation(
            *((CLIENT, chance.randbytes(chance.randint(4, longest))) for _ in range(exchanges))
        )
    size = chance.randint(1, 200)  # messages of one size, encrypted
    return conversation(*((side % 2, chance.randbytes(size)) for side in range(2 * exchanges)))


SLOWER = 50 if os.environ.get(kernels.VARIABLE) == "interpreted" else 1
"""A guess takes half a second where kernels are interpreted."""


def test_silent_on_random_streams() -> None:
    """Of 600 streams of random bytes none gets a framing."""
    for seed in range(600 // SLOWER):
        found = guess(random_streams(random.Random(seed)))
        assert found is None, (seed, found)


def constant_streams(chance: random.Random) -> Sequence[Any]:
    """What is not random and has no framing: zeros, counters, text without lines, sparse numbers."""
    kind = chance.randrange(5)
    exchanges = chance.choice([2, 10, 40])

    def body() -> bytes:
        size = chance.randint(1, 600)
        if kind == 0:
            return bytes(size)
        if kind == 1:
            return bytes(index & 0xFF for index in range(size))
        if kind == 2:
            return bytes(chance.choice(b"etaoin shrdlu") for _ in range(size))
        if kind == 3:
            return b"".join(struct.pack("<I", chance.randrange(64)) for _ in range(size // 4 + 1))
        return bytes(chance.choice([0, 0, 0, 1, 255]) for _ in range(size))

    return conversation(*((side % 2, body()) for side in range(2 * exchanges)))


def test_silent_on_what_has_no_framing() -> None:
    for seed in range(300 // SLOWER):
        found = guess(constant_streams(random.Random(seed)))
        assert found is None, (seed, found)


def test_heads_of_lines_are_not_lines() -> None:
    """Requests and answers of several lines: a line is not the message there."""
    chance = random.Random(3)
    writes = []
    for number in range(12):
        head = b"GET /%d X/1\r\nA: %b\r\nB: c\r\n\r\n" % (number, hexadecimal(chance.randbytes(5)))
        writes += [(CLIENT, head), (SERVER, b"X/1 200\r\nA: b\r\nC: d\r\n\r\n" + chance.randbytes(40))]
    assert guess(conversation(*writes)) is None


def test_samples() -> None:
    pieces = [
        (0, b"abc", 0, 1, 1, (layout_fields.PUSH, -1, -1, 3, 0)),
        (1, b"defg", 0, 2, 2, (0, -1, -1, 4, 0)),
        (1, b"hi", 4, 3, 3, (0, -1, -1, 2, 0)),
        (0, b"j", 3, 4, 4, (layout_fields.PUSH, -1, -1, 1, 0)),
        (0, Gap(4, 5), 4, 5, 5, None),
        (0, b"k", 9, 6, 6, (0, -1, -1, 1, 0)),
    ]
    one, other = samples(pieces)
    assert (one.data, one.writes, one.turns, one.whole) == (b"abcj", [3, 4], [3], False)
    assert (other.data, other.writes, other.turns, other.whole) == (b"defghi", [6], [6], True)
    assert guess([]) is None
    assert guess(pieces) is None


@pytest.mark.parametrize("seed", range(3))
def test_kernels_agree(seed: int) -> None:
    chance = random.Random(seed)
    make = chance.choice(list(MADE.values()))
    one, other = samples(talk(chance, make, 4, largest=60))
    found = []
    for kind in (COMPILED, INTERPRETED):
        made = kernel("guess_kernel", kind)
        if made is None:
            pytest.skip("the kernels are not compiled here")
        rows = np.zeros((500, fields.WORDS), np.int64)
        skips = np.array([[0, 0], [min(one.writes), 0]])
        count = made.try_framings(
            memoryview(one.data), memoryview(one.marks()), memoryview(other.data), memoryview(other.marks()),
            view_of(skips), view_of(np.zeros(fields.WORDS, np.int64)), view_of(rows),
        )  # fmt: skip
        found.append(rows[:count].tolist())
    assert found[0]
    assert found[0] == found[1]
