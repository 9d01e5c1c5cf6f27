"""Content codings: what can be decoded is decoded, what is wrong is said, nothing grows without a limit."""

from __future__ import annotations

import gzip
import tracemalloc
import zlib
from hashlib import sha256

import brotli
import pytest
import zstandard
from apps.http_play import CLIENT, SERVER, get, ok, only, play
from hypothesis import given, settings
from hypothesis import strategies as st

from netanalyze.apps.http import codings
from netanalyze.apps.http.bodies import RATIO_FROM_BYTES, Body, Limits, measure, parse_codings

TEXT = b"".join(b"line %d of a text that compresses well\n" % number for number in range(3000))
LIMITS = Limits()
MIB = 1 << 20


def raw_deflate(data: bytes) -> bytes:
    return zlib.compress(data)[2:-4]


ENCODERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "deflate": zlib.compress,
    "raw deflate": raw_deflate,
    "br": brotli.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}
CODED = [(name.removeprefix("raw "), encode(TEXT)) for name, encode in ENCODERS.items()]
IDS = list(ENCODERS)


def decode(
    data: bytes, *names: str, cut: int = 1 << 30, limits: Limits = LIMITS
) -> tuple[int, bytes | None, str | None]:
    body = Body(names, limits)
    for place in range(0, len(data), cut):
        body.write(data[place : place + cut])
    return body.close()


def alike(data: bytes, *names: str) -> tuple[int, bytes | None, str | None]:
    """Decode a body in pieces of several sizes, which must not matter."""
    found = {decode(data, *names, cut=cut) for cut in (1, 7, 1000, 1 << 30)} | {measure(data, names, LIMITS)}
    assert len(found) == 1
    return found.pop()


@pytest.mark.parametrize(("name", "data"), CODED, ids=IDS)
def test_each_coding(name: str, data: bytes) -> None:
    assert alike(data, name) == (len(TEXT), sha256(TEXT).digest(), codings.DECODED)


@pytest.mark.parametrize(("name", "data"), CODED, ids=IDS)
def test_trailing_bytes(name: str, data: bytes) -> None:
    assert alike(data + b"<!-- junk -->", name) == (len(TEXT), sha256(TEXT).digest(), codings.TRAILING)


@pytest.mark.parametrize(("name", "data"), CODED, ids=IDS)
def test_cut_bodies_give_what_there_is(name: str, data: bytes) -> None:
    size, digest, verdict = alike(data[:-9], name)
    assert verdict == codings.CUT
    assert digest == (sha256(TEXT[:size]).digest() if size else None)
    if name in ("gzip", "x-gzip"):
        assert size > len(TEXT) // 2


@pytest.mark.parametrize(("name", "data"), CODED, ids=IDS)
def test_damaged_bodies_give_what_comes_before(name: str, data: bytes) -> None:
    place = len(data) * 3 // 4
    bad = data[:place] + bytes(255 - byte for byte in data[place : place + 40]) + data[place + 40 :]
    size, _, verdict = decode(bad, name) if name == "br" else alike(bad, name)
    assert verdict in (codings.DAMAGED, codings.CUT, codings.TRAILING, codings.NOT_CODED, codings.DECODED)
    if name in ("gzip", "x-gzip"):
        assert verdict in (codings.DAMAGED, codings.CUT)
        assert size > 0


@pytest.mark.parametrize("name", ["gzip", "deflate", "br", "zstd"])
def test_declared_but_not_coded(name: str) -> None:
    plain = b"<html>not compressed at all, whatever the header says</html>" * 40
    assert alike(plain, name) == (len(plain), sha256(plain).digest(), codings.NOT_CODED)


def test_members_one_after_the_other() -> None:
    two = gzip.compress(TEXT) + gzip.compress(b"more")
    assert alike(two, "gzip") == (len(TEXT) + 4, sha256(TEXT + b"more").digest(), codings.DECODED)


def test_stacks() -> None:
    coded = brotli.compress(gzip.compress(zlib.compress(TEXT)))
    names = parse_codings(b"deflate , GZIP,br")
    assert names == ("deflate", "gzip", "br")
    assert alike(coded, *names) == (len(TEXT), sha256(TEXT).digest(), codings.DECODED)
    assert alike(TEXT, *(["gzip"] * 6))[2] == codings.UNKNOWN


def test_unknown_coding_is_left_as_it_is() -> None:
    assert alike(TEXT, "sdch") == (len(TEXT), sha256(TEXT).digest(), codings.UNKNOWN)
    assert parse_codings(b"identity, chunked") == ()


def test_hole_ends_the_decoding() -> None:
    body = Body(("gzip",), LIMITS)
    coded = gzip.compress(TEXT, 0)
    body.write(coded[:40_000])
    body.hole()
    body.write(coded[50_000:])
    size, digest, verdict = body.close()
    assert (digest, verdict) == (None, codings.HOLE)
    assert 39_000 < size < 40_000


def bomb(name: str, mebibytes: int) -> bytes:
    zeros = bytes(MIB)
    if name == "br":
        made = brotli.Compressor(quality=1)
        return b"".join([*(made.process(zeros) for _ in range(mebibytes)), made.finish()])
    if name == "zstd":
        maker = zstandard.ZstdCompressor().compressobj()
        return b"".join([*(maker.compress(zeros) for _ in range(mebibytes)), maker.flush()])
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    first = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)
    again = packer.compress(zeros) + packer.flush(zlib.Z_FULL_FLUSH)
    return first + again * (mebibytes - 1)


@pytest.mark.parametrize(("name", "mebibytes"), [("gzip", 10_240), ("br", 1024), ("zstd", 1024)])
def test_bombs_stop_in_flat_memory(name: str, mebibytes: int) -> None:
    """10 GB of zeros in 10 MB of gzip: decoding stops at the ratio, with little memory taken."""
    data = bomb(name, mebibytes)
    twice = gzip.compress(data, 9)
    tracemalloc.start()
    for coded, names in ((data, (name,)), (twice, (name, "gzip"))):
        tracemalloc.reset_peak()
        size, digest, verdict = decode(coded, *names, cut=1460)
        assert (digest, verdict) == (None, codings.LIMIT)
        assert size <= RATIO_FROM_BYTES + 8 * MIB
        assert tracemalloc.get_traced_memory()[1] < 20 * MIB
    tracemalloc.stop()


def test_size_limit_is_exact() -> None:
    size, digest, verdict = decode(gzip.compress(TEXT), "gzip", limits=Limits(max_bytes=1000))
    assert (size, digest, verdict) == (1000, None, codings.LIMIT)
    assert measure(gzip.compress(TEXT), ("gzip",), Limits(max_bytes=1000))[0] == 1000


@settings(deadline=None, max_examples=200)
@given(
    st.binary(max_size=400),
    st.lists(st.sampled_from(["gzip", "deflate", "br", "zstd", "sdch"]), max_size=3),
    st.integers(1, 50),
)
def test_random_bytes_never_raise(data: bytes, names: list[str], cut: int) -> None:
    assert decode(data, *names, cut=cut) == decode(data, *names)


@settings(deadline=None, max_examples=200)
@given(st.sampled_from(CODED), st.integers(0, 2000), st.binary(min_size=1, max_size=8), st.integers(1, 400))
def test_damage_anywhere_is_found_alike(coded: tuple[str, bytes], place: int, junk: bytes, cut: int) -> None:
    name, data = coded
    place %= len(data)
    bad = data[:place] + junk + data[place + len(junk) :]
    cut_up, whole = decode(bad, name, cut=cut), decode(bad, name)
    if name == "br":  # gives nothing out of the byte that it raises at, which may stand for many
        assert cut_up[2] == whole[2] or abs(cut_up[0] - whole[0]) < 1 << 12
    else:
        assert cut_up == whole


def test_in_an_exchange() -> None:
    row = only(play([(CLIENT, get("/")), (SERVER, ok(gzip.compress(TEXT), "Content-Encoding: gzip"))]))
    assert (row.size, row.hash, row.verdict) == (len(TEXT), sha256(TEXT).digest(), codings.DECODED)
    transfer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n%x\r\n" % len(gzip.compress(TEXT))
    row = only(play([(CLIENT, get("/")), (SERVER, transfer + gzip.compress(TEXT) + b"\r\n0\r\n\r\n")]))
    assert (row.size, row.verdict) == (len(TEXT), codings.DECODED)
