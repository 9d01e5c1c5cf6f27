"""The kernel's checks against the same checks written down plainly."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from app_streams import Row, make_packets, talk
from hypothesis import given, settings
from hypothesis import strategies as st

from netanalyze.apps.checks import (
    ANY_BYTE,
    Bytes,
    Check,
    Find,
    Labels,
    Length,
    Number,
    OneOf,
    Printable,
    Same,
    Size,
    Step,
    Word,
)
from netanalyze.apps.codes import HEAD_BYTES
from netanalyze.apps.identify import Identifier
from netanalyze.apps.protocol import TCP, UDP, Protocol, Sender, Signature, Strength, signature

if TYPE_CHECKING:
    from collections.abc import Callable

TEXT = frozenset((9, 10, 13, *range(32, 127)))


def equal(pattern: bytes, there: bytes, mask: bytes, *, fold: bool) -> bool:
    if len(there) != len(pattern):
        return False
    if fold:
        return all(
            a == b or (chr(a).isalpha() and chr(a).isascii() and a ^ b == 0x20)
            for a, b in zip(pattern, there, strict=True)
        )
    mask = mask or b"\xff" * len(pattern)
    return all(a & m == b & m for a, b, m in zip(pattern, there, mask, strict=True))


def question(data: bytes, at: int, *, more: bool = False) -> bool:
    """Whether a DNS question is at ``at``, as far as can be seen; ``more`` if more may follow."""
    seen = data[:HEAD_BYTES]
    whole = len(data) <= HEAD_BYTES and not more
    while at < len(seen):
        if seen[at] > 63:
            return False
        if seen[at] == 0:
            if at + 5 > len(seen):
                return not whole
            kind, group = seen[at + 1 : at + 3], seen[at + 3 : at + 5]
            return kind != b"\0\0" and int.from_bytes(group) & 0x7FFF in {1, 3, 4, 254, 255}
        at += seen[at] + 1
    return not whole


def word(check: Word, data: bytes) -> bool:
    begin = check.offset + check.size
    length = int.from_bytes(data[check.offset : begin])
    end = min(begin + length, HEAD_BYTES)
    there = data[begin : max(begin, end)]
    return check.low <= length <= check.high and end <= len(data) and all(33 <= byte <= 126 for byte in there)


PLAIN: dict[type[Check], Callable[..., bool]] = {
    Bytes: lambda c, d: equal(c.pattern, d[c.offset : c.offset + len(c.pattern)], c.mask, fold=c.fold),
    Number: lambda c, d: (
        c.low
        <= int.from_bytes(d[c.offset : c.offset + c.size], "little" if c.little else "big") & c.mask
        <= c.high
    ),
    OneOf: lambda c, d: d[c.offset] in c.allowed,
    Printable: lambda c, d: TEXT.issuperset(d[c.offset : c.offset + c.size]),
    Find: lambda c, d: any(
        equal(c.pattern, d[:HEAD_BYTES][at : at + len(c.pattern)], b"", fold=c.fold)
        for at in range(c.offset, HEAD_BYTES)
    ),
    Length: lambda c, d: (
        0
        <= len(d) - int.from_bytes(d[c.offset : c.offset + c.size], "little" if c.little else "big") - c.add
        <= c.slack
    ),
    Size: lambda c, d: c.low <= len(d) <= c.high and (len(d) - c.low) % c.every == 0,
    Labels: lambda c, d: question(d, c.offset),
    Word: word,
}

offsets = st.integers(0, 6)
sizes = st.integers(1, 4)
small = st.binary(min_size=1, max_size=3)


@st.composite
def numbers(draw: st.DrawFn) -> Number:
    low, high = sorted((draw(st.integers(0, 2**32)), draw(st.integers(0, 300))))
    mask = draw(st.sampled_from([0xFFFFFFFF, 0xF0, 0x8001, 0xFF00FF]))
    return Number(draw(offsets), draw(sizes), low, high, mask, draw(st.booleans()))


@st.composite
def bytes_checks(draw: st.DrawFn) -> Bytes:
    pattern = draw(small)
    mask = draw(st.just(b"") | st.binary(min_size=len(pattern), max_size=len(pattern)))
    return Bytes(pattern, draw(offsets), mask, fold=not mask and draw(st.booleans()))


any_check = st.one_of(
    bytes_checks(),
    numbers(),
    st.builds(OneOf, offsets, st.binary(min_size=1, max_size=200)),
    st.builds(Printable, offsets, st.integers(1, 5)),
    st.builds(Find, small, offsets, st.booleans()),
    st.builds(Length, offsets, sizes, st.integers(0, 9), st.integers(0, 40), st.booleans()),
    st.builds(Size, st.integers(0, 20), st.integers(0, 90), st.integers(1, 4)),
    st.builds(Labels, offsets),
    st.builds(Word, offsets, sizes, st.integers(0, 3), st.integers(3, 300)),
)
# Bytes that short patterns, numbers, labels and text are made of, so that checks do hold now and then.
likely = st.one_of(
    st.binary(min_size=1, max_size=90),
    st.lists(st.sampled_from(b"\0\1\2\3\5aAbB:\xff"), min_size=1, max_size=90).map(bytes),
    st.builds(
        lambda head, labels, tail: head + b"".join(bytes((len(x),)) + x for x in labels) + b"\0" + tail,
        st.binary(max_size=6),
        st.lists(st.binary(min_size=1, max_size=30), max_size=4),
        st.sampled_from([b"\0\1\0\1", b"\0\0\0\1", b"\0\1\x80\1", b"\0\1\0\2", b"\0", b""]),
    ),
    st.builds(
        lambda head, text: head + len(text).to_bytes(2) + text,
        st.binary(max_size=5),
        st.text("azAZ-~! ", max_size=80).map(str.encode),
    ),
)


def matches(entry: Signature, transport: str, *payloads: bytes) -> bool:
    protocol = Protocol("it", "It", (transport,), frozenset(), (entry,))
    identifier = Identifier(protocols=(protocol,))
    packets, data = make_packets(talk(transport, [(0, payload) for payload in payloads]))
    identifier.feed(packets, data)
    codes, names = identifier.tcp_apps() if transport == TCP else identifier.udp_apps()
    return bool(names[codes[0]])


@settings(max_examples=600, deadline=None)
@given(check=any_check, data=likely)
def test_a_check_says_what_it_says(check: Check, data: bytes) -> None:
    expected = len(data) >= max(1, check.reach) and PLAIN[type(check)](check, data)
    assert matches(signature(check), UDP, data) == expected
    if expected:
        assert data[0] in check.first_bytes()


@settings(max_examples=150, deadline=None)
@given(checks=st.lists(any_check, min_size=2, max_size=3), data=likely)
def test_all_checks_of_a_signature_must_hold(checks: list[Check], data: bytes) -> None:
    expected = all(len(data) >= max(1, c.reach) and PLAIN[type(c)](c, data) for c in checks)
    assert matches(signature(*checks), UDP, data) == expected


@settings(max_examples=200, deadline=None)
@given(
    checks=st.lists(any_check.filter(lambda c: not isinstance(c, Length | Size)), min_size=1, max_size=2),
    data=likely,
    cuts=st.lists(st.integers(1, 20), max_size=5),
)
def test_a_stream_matches_as_soon_as_enough_of_it_is_there(
    checks: list[Check], data: bytes, cuts: list[int]
) -> None:
    """It matches if some beginning of it does; which beginnings are seen depends on the cuts."""
    parts = []
    rest = data
    for cut in cuts:
        parts.append(rest[:cut])
        rest = rest[cut:]
    parts = [part for part in (*parts, rest) if part]
    begins = [b"".join(parts[: i + 1])[:HEAD_BYTES] for i in range(len(parts))]
    expected = any(all(holds_so_far(check, begin) for check in checks) for begin in begins)
    assert matches(signature(*checks), TCP, *parts) == expected


def holds_so_far(check: Check, begin: bytes) -> bool:
    """Whether it holds for the beginning of a stream of which more may follow."""
    if len(begin) < max(1, check.reach):
        return False
    if isinstance(check, Labels):
        return question(begin, check.offset, more=True)
    return PLAIN[type(check)](check, begin)


def test_same_and_step_compare_datagrams() -> None:
    entry = signature(Bytes(b"R"), Same(1, 1), Step(2, 2, 3), repeat=3)
    assert matches(entry, UDP, b"Ra\0\1", b"Ra\0\2", b"Ra\0\5")
    assert matches(entry, UDP, b"Ra\xff\xfe", b"Ra\xff\xff", b"Ra\0\1")  # the counter wraps
    assert not matches(entry, UDP, b"Ra\0\1", b"Ra\0\2")
    assert not matches(entry, UDP, b"Ra\0\1", b"Ra\0\2", b"Rb\0\3")
    assert not matches(entry, UDP, b"Ra\0\1", b"Ra\0\2", b"Ra\0\2")
    assert not matches(entry, UDP, b"Ra\0\1", b"Ra\0\5", b"Ra\0\6")
    # The count begins anew with a datagram that does not follow the one before.
    assert matches(entry, UDP, b"Ra\0\1", b"Rb\0\2", b"Rb\0\3", b"Rb\0\4")
    # Others may come between.
    assert matches(entry, UDP, b"Ra\0\1", b"xx\0\2", b"Ra\0\2", b"Rx", b"Ra\0\3")


def test_two_repeated_signatures_do_not_mix() -> None:
    one = signature(Bytes(b"R"), Same(1, 1), repeat=3)
    two = signature(Bytes(b"R"), Step(1, 1, 1), repeat=2)
    protocol = Protocol("it", "It", (UDP,), frozenset(), (one, two))
    identifier = Identifier(protocols=(protocol,))
    rows = [Row(b"Ra", transport=UDP), Row(b"Rb", transport=UDP), Row(b"Rb", transport=UDP)]
    packets, data = make_packets(rows)
    identifier.feed(packets, data)
    assert identifier.udp_apps()[0].tolist() == [0]


@pytest.mark.parametrize(
    "make",
    [
        lambda: Bytes(b""),
        lambda: Bytes(b"ab", mask=b"\xff"),
        lambda: Bytes(b"a", mask=b"\xff", fold=True),
        lambda: Number(0, 5, 0, 1),
        lambda: Number(0, 0, 0, 1),
        lambda: Number(0, 1, 2, 1),
        lambda: Protocol("x", "X", (), frozenset()),
        lambda: Protocol("x", "X", ("sctp",), frozenset()),
        lambda: Protocol("x", "X", (TCP,), frozenset(), (Signature(()),)),
        lambda: Protocol("x", "X", (TCP,), frozenset(), (signature(Bytes(b"a"), over=UDP),)),
        lambda: Protocol("x", "X", (TCP,), frozenset(), (signature(Size(1)),)),
        lambda: Protocol("x", "X", (TCP,), frozenset(), (signature(Length(0, 2)),)),
        lambda: Protocol("x", "X", (TCP,), frozenset(), (signature(Bytes(b"a", HEAD_BYTES)),)),
        lambda: Protocol("x", "X", (TCP,), frozenset(), (signature(Bytes(b"a"), repeat=2),)),
        lambda: Protocol("x", "X", (UDP,), frozenset(), (signature(Same(0, 2)),)),
        lambda: Protocol("x", "X", (UDP,), frozenset(), (signature(Step(HEAD_BYTES, 1, 1), repeat=2),)),
    ],
)
def test_definitions_that_make_no_sense_are_refused(make: Callable[[], object]) -> None:
    with pytest.raises(ValueError, match=r"need|not for|transports|compares"):
        make()


def test_the_base_has_nothing_to_say() -> None:
    assert Check().first_bytes() == ANY_BYTE
    with pytest.raises(NotImplementedError):
        _ = Check().reach
    with pytest.raises(NotImplementedError):
        Check().row(bytearray())


def test_strengths_and_senders_are_in_order() -> None:
    assert list(Strength) == sorted(Strength) == [Strength.PORT, Strength.PAIRED, Strength.ALONE]
    assert Sender.EITHER == 0
