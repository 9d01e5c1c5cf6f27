"""What can be opened, what is refused and how, pipes and standard input."""

from __future__ import annotations

import io
import os
import struct
import subprocess
import sys
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from crafted import frames, pcap, pcap_header, pcapng, read, read_all, record, rows, write

import netanalyze.capture
from netanalyze.capture import foreign, link_type_name, open_capture, source
from netanalyze.errors import (
    CaptureError,
    EmptyCaptureError,
    NetanalyzeError,
    PermissionDeniedError,
    UnknownFormatError,
    UsageError,
)

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parents[2]
posix = pytest.mark.skipif(sys.platform == "win32", reason="named pipes of Unix")


def message_of(path: Path | str, kind: type[NetanalyzeError]) -> str:
    with pytest.raises(NetanalyzeError) as caught:
        open_capture([path])
    assert type(caught.value) is kind
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith(f"{source.shown(str(path))}: ")
    return text


def test_files_that_cannot_be_opened(tmp_path: Path) -> None:
    assert "no such file" in message_of(tmp_path / "none.pcap", CaptureError)
    assert "*.pcap" in message_of(tmp_path, CaptureError)
    assert "is empty" in message_of(write(tmp_path, "empty", b""), EmptyCaptureError)
    message_of("a\0b", CaptureError)
    message_of(tmp_path / "two\nlines", CaptureError)


def test_files_that_may_not_be_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> object:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("builtins.open", refuse)
    assert "permission denied" in message_of(tmp_path / "secret.pcap", PermissionDeniedError)


def test_reading_that_fails_keeps_what_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Failing(io.FileIO):
        def readinto(self, view: object, /) -> int:
            if self.tell() > 1000:
                raise OSError(5, "Input/output error")
            assert isinstance(view, memoryview)
            return super().readinto(view[:700]) or 0

    made = frames(50)
    path = write(tmp_path, "a", pcap(made))
    monkeypatch.setattr("builtins.open", lambda path, *_, **__: Failing(path))
    found, capture = read_all(path)
    assert found == made[: len(found)]
    assert len(found) > 10
    cut = capture.files[0].cut_short
    assert cut.startswith("reading failed at byte 1400 (Input/output error); ends inside its frame ")


FOREIGN = {
    "PNG": b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR",
    "JPEG": b"\xff\xd8\xff\xe0\0\x10JFIF",
    "PDF": b"%PDF-1.7\n",
    "ELF": b"\x7fELF\2\1\1",
    "text": "just a few lines of text, größer\n".encode() * 100,
    "ZIP": b"PK\x03\x04\x14\0",
    "tar": bytes(257) + b"ustar\0" + bytes(300),
    "Network Monitor 2": b"GMBU\0\2",
    "ERF": (struct.pack("<Q", 1 << 40) + struct.pack(">BBHHH", 2, 4, 16 + 64, 0, 60) + bytes(64)) * 4,
    "iptrace": b"iptrace 2.0",
    "no capture known": b"\x01\x02\x03\x04 \xff\xfe",
}


@pytest.mark.parametrize(("what", "content"), FOREIGN.items(), ids=FOREIGN)
def test_other_files_are_named(tmp_path: Path, what: str, content: bytes) -> None:
    path = write(tmp_path, "it's.pcap", content)
    message = message_of(path, UnknownFormatError)
    assert what in message
    converts = what in {"Network Monitor 2", "ERF", "iptrace", "no capture known"}
    assert ("editcap -F pcapng " in message) == converts


def test_files_are_known_by_content_not_by_name(tmp_path: Path) -> None:
    made = frames(3)
    assert read(write(tmp_path, "image.png", pcap(made))) == made
    assert read(write(tmp_path, "capture.pcap.gz", pcapng(made))) == made


def test_arguments_that_make_no_sense() -> None:
    with pytest.raises(UsageError, match="no capture file"):
        open_capture([])
    with pytest.raises(UsageError, match="only once"):
        open_capture(["-", "-"])


def test_every_file_is_checked_before_the_first_frame(tmp_path: Path) -> None:
    good = write(tmp_path, "good", pcap(frames(3)))
    with pytest.raises(UnknownFormatError):
        open_capture([good, write(tmp_path, "bad", b"\x89PNG\r\n\x1a\n")])


def test_a_file_that_grows_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    made = frames(20)
    path = write(tmp_path, "growing", pcap(made[:10]) + record(made[10])[:20])
    found, capture = read_all(path)
    assert found == made[:10]
    assert "frame 11" in capture.files[0].cut_short
    with open_capture([path]) as capture, path.open("ab") as growing:
        growing.write(record(made[10])[20:] + b"".join(map(record, made[11:])))
        growing.flush()
        assert rows(capture)[:10] == made[:10]


def piped(content: bytes, start: Callable[[int], None]) -> None:
    """Write into a pipe in uneven pieces, from a thread."""
    read_end, write_end = os.pipe()

    def pour() -> None:
        with os.fdopen(write_end, "wb", buffering=0) as pipe:
            for at in range(0, len(content), 777):
                pipe.write(content[at : at + 777])

    thread = threading.Thread(target=pour)
    thread.start()
    start(read_end)
    thread.join()


def test_standard_input(monkeypatch: pytest.MonkeyPatch) -> None:
    made = frames(2000)

    def start(read_end: int) -> None:
        with os.fdopen(read_end, "r") as standard_input:
            monkeypatch.setattr(sys, "stdin", standard_input)
            found, capture = read_all(Path("-"))
            assert found == made
            assert (capture.total_bytes, capture.files[0].file) == (None, "-")
            assert capture.position_bytes == len(pcap(made))
            assert not standard_input.closed

    piped(pcap(made), start)


def test_standard_input_of_other_kinds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    made = frames(30)
    path = write(tmp_path, "a", pcap(made))
    with path.open() as redirected:
        monkeypatch.setattr(sys, "stdin", redirected)
        found, capture = read_all(Path("-"))
        assert found == made
        assert capture.total_bytes == path.stat().st_size
    with pytest.raises(CaptureError, match="closed"):
        read(Path("-"))
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(pcapng(made))))
    assert read(Path("-")) == made
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(CaptureError, match="closed"):
        read(Path("-"))


def test_a_terminal_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    with pytest.raises(CaptureError, match="terminal"):
        read(Path("-"))


@posix
def test_named_pipes_merge_with_files(tmp_path: Path) -> None:
    made = frames(3000)
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    file = write(tmp_path, "file", pcap(made[1::2]))
    thread = threading.Thread(target=lambda: pipe.write_bytes(pcap(made[::2])))
    thread.start()
    found, capture = read_all(file, pipe)
    thread.join()
    assert found == made
    assert capture.total_bytes is None


@posix
def test_frames_of_a_live_pipe_come_at_once() -> None:
    """A writer that waits after a few frames does not keep them back."""
    made = frames(3)
    read_end, write_end = os.pipe()
    with os.fdopen(write_end, "wb", buffering=0) as pipe, os.fdopen(read_end, "rb", buffering=0) as end:
        pipe.write(pcap(made))
        raw = source.RawFile(end, owned=False)
        buffer = source.Buffer(raw)
        assert buffer.fill(100)
        assert buffer.available == len(pcap(made))
        assert not raw.ready()


def test_closing_ends_the_batches(tmp_path: Path) -> None:
    path = write(tmp_path, "a", pcap(frames(10_000)))
    for paths in ([path], [path, path]):
        with open_capture(paths) as capture:
            batches = iter(capture)
            next(batches)
        assert list(capture) == []
        capture.close()


def test_warnings_are_told_as_they_come(tmp_path: Path) -> None:
    told: list[str] = []
    path = write(tmp_path, "a", pcap_header(network=0x00010001) + record(frames(1)[0])[:-1])
    with open_capture([path], on_warning=told.append) as capture:
        assert len(told) == 1
        rows(capture)
    assert len(told) == 2
    assert told == capture.warnings


def test_names_of_link_types() -> None:
    names = [link_type_name(number) for number in (0, 1, 101, 113, 147, 162, 276, 190, 65_535, -1)]
    assert names == [
        "NULL",
        "ETHERNET",
        "RAW",
        "LINUX_SLL",
        "USER0",
        "USER15",
        "LINUX_SLL2",
        "LINKTYPE 190",
        "LINKTYPE 65535",
        "unknown",
    ]


def test_public_names_are_there() -> None:
    for name in netanalyze.capture.__all__:
        assert getattr(netanalyze.capture, name) is not None
    with pytest.raises(AttributeError, match="nothing"):
        netanalyze.capture.nothing  # noqa: B018 - raises


def test_nothing_heavy_is_imported_before_it_is_needed() -> None:
    heavy = {"numpy", "lzma", "zstandard", "lz4"}
    code = f"import sys, netanalyze.capture; print([m for m in sys.modules if m in {heavy}])"
    out = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT
    )
    assert out.stdout == "[]\n"


def test_erf_needs_records_that_follow_one_another() -> None:
    assert "ERF" not in foreign.explain("a", "a", bytes(8) + b"\2\4\0\x30\0\0\0\x20" + b"\xff" * 500)
