"""Compressed captures: whole, in several members, nested, damaged."""

from __future__ import annotations

import bz2
import gzip
import itertools
import lzma
import random
import subprocess
import sys
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import lz4.frame
import pytest
import zstandard
from crafted import SECOND, START, Frame, frames, pcap, pcapng, read, read_all, small_buffers, write

from netanalyze.errors import DamagedCaptureError, EmptyCaptureError, UnknownFormatError

if TYPE_CHECKING:
    from collections.abc import Callable


def zstd(data: bytes, *, checksum: bool = True) -> bytes:
    return zstandard.ZstdCompressor(write_checksum=checksum).compress(data)


def zstd_streamed(data: bytes) -> bytes:
    """Without the content size in the frame header, as a pipe gives it."""
    return zstandard.ZstdCompressor().compressobj().compress(data) or b""


COMPRESSORS: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "xz": lzma.compress,
    "bz2": lambda data: bz2.compress(data, 1),
    "lz4": lambda data: lz4.frame.compress(data, content_checksum=True),
    "zstd": zstd,
}
EACH = pytest.mark.parametrize(("name", "compress"), COMPRESSORS.items(), ids=COMPRESSORS)


@EACH
def test_compressed_files_read_like_plain_ones(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, compress: Callable[[bytes], bytes]
) -> None:
    made = frames(3000)
    for make in (pcap, pcapng):
        path = write(tmp_path, "misnamed.txt", compress(make(made)))
        found, capture = read_all(path)
        assert found == made
        info = capture.files[0]
        assert (info.compression, info.cut_short, capture.warnings) == (name, "", [])
        assert capture.total_bytes == path.stat().st_size == capture.position_bytes
    small_buffers(monkeypatch, 100, 7)
    path = write(tmp_path, "small", compress(pcap(made[:100])))
    assert read(path) == made[:100]


@EACH
def test_members_one_after_the_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, compress: Callable[[bytes], bytes]
) -> None:
    made = frames(300)
    content = pcap(made)
    cuts = [0, 1, 10, 5000, 5000, len(content)]
    packed = b"".join(compress(content[a:b]) for a, b in itertools.pairwise(cuts))
    path = write(tmp_path, "a", packed)
    for _ in range(2):
        found, capture = read_all(path)
        assert found == made
        assert (capture.files[0].compression, capture.warnings) == (name, [])
        small_buffers(monkeypatch, 100)


@pytest.mark.parametrize(("name", "padding"), [("gzip", bytes(100)), ("xz", bytes(8))])
def test_zeros_may_follow_a_member(tmp_path: Path, name: str, padding: bytes) -> None:
    made = frames(20)
    content = pcap(made)
    packed = COMPRESSORS[name](content[:500]) + padding + COMPRESSORS[name](content[500:]) + padding
    found, capture = read_all(write(tmp_path, "a", packed))
    assert found == made
    assert capture.warnings == []


def test_zstd_frames_to_be_skipped(tmp_path: Path) -> None:
    made = frames(20)
    skipped = b"\x5a\x2a\x4d\x18" + (1000).to_bytes(4, "little") + bytes(1000)
    for packed in (
        skipped + zstd(pcap(made)) + skipped,
        zstd_streamed(b"") + skipped + zstd(pcap(made), checksum=False),
    ):
        found, capture = read_all(write(tmp_path, "a", packed))
        assert found == made
        assert (capture.files[0].compression, capture.warnings) == ("zstd", [])


def test_compressed_within_compressed(tmp_path: Path) -> None:
    made = frames(50)
    found, capture = read_all(write(tmp_path, "a", gzip.compress(zstd(lzma.compress(pcap(made))))))
    assert found == made
    assert capture.files[0].compression == "gzip, zstd, xz"
    deeper = pcap(made)
    for _ in range(6):
        deeper = gzip.compress(deeper)
    with pytest.raises(UnknownFormatError):
        read(write(tmp_path, "b", deeper))


@EACH
def test_cut_compressed_files_give_what_they_have(
    tmp_path: Path, name: str, compress: Callable[[bytes], bytes]
) -> None:
    noise = random.Random(1)
    content = pcap(frames(10)) + noise.randbytes(1000)
    packed = compress(content)
    whole, capture = read_all(write(tmp_path, "whole", packed))
    assert len(whole) == 10
    for length in range(20, len(packed), 7):
        path = write(tmp_path, "a", packed[:length])
        try:
            found, capture = read_all(path)
        except (DamagedCaptureError, EmptyCaptureError):
            continue
        assert found == whole[: len(found)]
        assert f"its {name} data" in capture.files[0].cut_short
        assert "uncompressed" in capture.files[0].cut_short or "; " not in capture.files[0].cut_short


@EACH
def test_nothing_before_the_damage_is_lost(
    tmp_path: Path, name: str, compress: Callable[[bytes], bytes]
) -> None:
    """Of a large file with a damaged place, all but the last step before it comes out."""
    noise = random.Random(2)
    made = frames(1500, size=200)
    content = pcap(made) + noise.randbytes(3000)
    packed = bytearray(compress(content))
    place = len(packed) * 9 // 10
    packed[place : place + 20] = bytes(0xFF ^ byte for byte in packed[place : place + 20])
    found, capture = read_all(write(tmp_path, "a", bytes(packed)))
    common = sum(1 for one, other in zip(found, made, strict=False) if one == other)
    if name == "gzip":
        unpack, expected = zlib.decompressobj(31), b""
        for byte in packed:
            try:
                expected += unpack.decompress(bytes([byte]))
            except zlib.error:
                break
        assert (
            sum(len(frame.data) + 16 for frame in found)
            >= len(expected) - 24 - 300 - capture.files[0].skipped_bytes
        )
    else:
        assert common > 500
    assert name in capture.files[0].cut_short


def test_something_else_after_the_members(tmp_path: Path) -> None:
    made = frames(5)
    for name, compress in COMPRESSORS.items():
        found, capture = read_all(write(tmp_path, "a", compress(pcap(made)) + b"something else"))
        assert found == made
        assert f"follows its {name} data" in capture.files[0].cut_short


def test_thousands_of_empty_members(tmp_path: Path) -> None:
    made = frames(5)
    for compress in COMPRESSORS.values():
        assert read(write(tmp_path, "a", compress(b"") * 3000 + compress(pcap(made)))) == made


def test_compressed_files_without_a_capture(tmp_path: Path) -> None:
    for name, compress in COMPRESSORS.items():
        with pytest.raises(EmptyCaptureError, match=name):
            read(write(tmp_path, "a", compress(b"")))
        with pytest.raises(UnknownFormatError, match="text"):
            read(write(tmp_path, "a", compress(b"just a line of text\n")))
        with pytest.raises((DamagedCaptureError, EmptyCaptureError, UnknownFormatError)):
            read(write(tmp_path, "a", compress(pcap(frames(3)))[:9] + b"\xff" * 30))


ROOT = Path(__file__).parents[2]
MEMORY = """
import sys, resource
from netanalyze.capture import open_capture
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
with open_capture(sys.argv[1:]) as capture:
    frames = sum(batch.count for batch in capture)
print(frames, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="counts memory in kilobytes as Linux does")
@EACH
def test_a_bomb_takes_no_memory(tmp_path: Path, name: str, compress: Callable[[bytes], bytes]) -> None:
    """Forty megabytes in a few kilobytes."""
    content = pcap([Frame(START * SECOND, bytes(60_000), 60_000)] * 700)
    packed = compress(content)
    assert len(packed) < len(content) / 100, name
    path = write(tmp_path, "bomb", packed)
    out = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", MEMORY, str(path)], capture_output=True, text=True, check=True, cwd=ROOT
    ).stdout
    count, kilobytes = map(int, out.split())
    assert count == 700
    assert kilobytes < 20_000
