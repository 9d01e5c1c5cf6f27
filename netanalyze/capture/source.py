"""Opening an input: a file, a named pipe or standard input, plain or compressed.

Nothing is ever sought: an input is read once, from its first byte to its last.
"""

from __future__ import annotations

import errno
import os
import select
import stat
import sys
from typing import TYPE_CHECKING, NoReturn, Protocol, cast

from msgspec import Struct

from netanalyze.capture.batch import BUFFER_BYTES
from netanalyze.capture.buffer import Buffer
from netanalyze.capture.compression import CODECS, Unpacked
from netanalyze.capture.zstd import MAGIC as ZSTD
from netanalyze.capture.zstd import SKIPPABLE, Unzstd
from netanalyze.errors import CaptureError, DamagedCaptureError, EmptyCaptureError, PermissionDeniedError

if TYPE_CHECKING:
    from collections.abc import Callable
    from io import FileIO

    from netanalyze.capture.buffer import Source

STANDARD_INPUT = "-"
MAX_LAYERS = 3
"""Compressed within compressed is unpacked so many times."""
MAGIC_BYTES = 8
STOP_MILLISECONDS = 200
"""How long an interrupt may go unnoticed while nobody writes into a pipe."""
PIPE_BYTES = 1 << 20
"""Asked of the operating system for pipes, so that a batch is not limited to the usual 64 KiB."""


class _File(Protocol):
    """What is needed of a file object; standard input's has ``readinto1`` as well."""

    def fileno(self) -> int: ...

    def readinto(self, view: memoryview, /) -> int | None: ...

    def close(self) -> None: ...


class RawFile:
    """The bytes of a file, pipe or standard input as they are; a ``Source``.

    Attributes:
        damage: the error that reading ended with; empty if it did not.
        consumed: how many bytes were read so far.
        size: how many there are; None where that cannot be known.
    """

    def __init__(self, file: _File, *, owned: bool, should_stop: Callable[[], bool] | None = None) -> None:
        """Read ``file``, and close it in the end if it is ``owned``.

        ``should_stop`` is asked now and then while nobody writes into a pipe; True ends the reading.
        """
        self.damage = ""
        self.consumed = 0
        self.size: int | None = None
        self._file = file
        # Standard input is buffered; its readinto would wait until the whole view is full.
        self._readinto = getattr(file, "readinto1", file.readinto)
        self._owned = owned
        self._should_stop = should_stop
        self._may_wait = False
        self._pollable: int | None = None
        try:
            descriptor = file.fileno()
            status = os.fstat(descriptor)
        except OSError:  # something without a descriptor stands in for standard input
            return
        if stat.S_ISREG(status.st_mode):
            self.size = status.st_size
        else:
            self._may_wait = True
            self._pollable = descriptor if hasattr(select, "poll") else None
            _enlarge_pipe(descriptor)

    def readinto(self, view: memoryview) -> int:
        """Read some bytes into ``view``; 0 at the end."""
        while not self.damage:
            if self._stopped():
                break
            try:
                count: int | None = self._readinto(view)
            except OSError as error:
                self.damage = f"reading failed at byte {self.consumed} ({error.strerror or error})"
                break
            if count is None:  # non-blocking, and nothing there yet
                self._wait(None)
                continue
            self.consumed += count
            return count
        return 0

    def _stopped(self) -> bool:
        """Wait until there is something to read; True if there is nothing and nobody wants it any more."""
        if self._should_stop is None or not self._may_wait:
            return False
        while not self._wait(STOP_MILLISECONDS):
            if self._should_stop():
                return True
        return False

    def ready(self) -> bool:
        """Whether reading will not wait for somebody to write into a pipe."""
        return not self._may_wait or (self._pollable is not None and self._wait(0))

    def close(self) -> None:
        """Close the file, unless it is standard input."""
        if self._owned:
            self._file.close()

    def _wait(self, milliseconds: int | None) -> bool:
        if self._pollable is None:
            return True
        poll = select.poll()
        poll.register(self._pollable, select.POLLIN)
        return bool(poll.poll(milliseconds))


class Opened(Struct, frozen=True):
    """An input that has been opened.

    Attributes:
        raw: the file itself.
        buffer: its uncompressed bytes, none of them used yet.
        compression: what it was compressed with; empty if it was not.
    """

    raw: RawFile
    buffer: Buffer
    compression: str


def shown(path: str) -> str:
    """A file name for people: one line, whatever characters it is made of."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in path)


def open_input(
    path: str, buffer_bytes: int = BUFFER_BYTES, should_stop: Callable[[], bool] | None = None
) -> Opened:
    """Open a file, named pipe or standard input (``-``) and see whether it is compressed.

    ``should_stop`` is asked while nobody writes into a pipe; see ``RawFile``.

    Raises:
        CaptureError: it cannot be opened, is a directory or a terminal.
        EmptyCaptureError: there is nothing in it.
        PermissionDeniedError: the operating system does not allow it.
    """
    raw = (
        _standard_input(should_stop)
        if path == STANDARD_INPUT
        else RawFile(_open_file(path), owned=True, should_stop=should_stop)
    )
    buffer = Buffer(raw, buffer_bytes)
    names: list[str] = []
    try:
        while len(names) < MAX_LAYERS:
            buffer.fill(MAGIC_BYTES)
            unpacked = _unpack(buffer)
            if unpacked is None:
                break
            name, source = unpacked
            names.append(name)
            buffer = Buffer(source, buffer_bytes)
        buffer.fill(MAGIC_BYTES)
        if not buffer.available:
            _refuse_empty(shown(path), names, buffer.source.damage)
    except BaseException:
        raw.close()
        raise
    return Opened(raw, buffer, ", ".join(names))


def _unpack(buffer: Buffer) -> tuple[str, Source] | None:
    """The compression that a buffer's first bytes show, and the unpacked bytes; None if there is none."""
    start = buffer.data[buffer.start : min(buffer.start + MAGIC_BYTES, buffer.end)].tobytes()
    for codec in CODECS:
        if start.startswith(codec.magic):
            return codec.name, Unpacked(buffer, codec)
    if start.startswith((ZSTD, *SKIPPABLE)):
        return "zstd", Unzstd(buffer)
    return None


def _refuse_empty(file: str, names: list[str], damage: str) -> NoReturn:
    if damage:
        message = f"{file}: {damage}; nothing could be read"
        raise DamagedCaptureError(message)
    where = f"has {names[-1]} data with nothing in it" if names else "is empty"
    message = f"{file}: {where}; was the capture stopped before anything was written?"
    raise EmptyCaptureError(message)


def _open_file(path: str) -> FileIO:
    file = shown(path)
    try:
        return open(path, "rb", buffering=0)  # noqa: PTH123 - the path may be any text
    except PermissionError as error:
        message = f"{file}: permission denied; run as a user who may read it"
        raise PermissionDeniedError(message) from error
    except FileNotFoundError as error:
        message = f"{file}: no such file"
        raise CaptureError(message) from error
    except IsADirectoryError as error:
        message = f"{file}: is a directory; name the capture files in it, such as {file.rstrip('/')}/*.pcap"
        raise CaptureError(message) from error
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) in {errno.EMFILE, errno.ENFILE}:
            message = f"{file}: too many files are open at a time; give fewer, or raise the limit (ulimit -n)"
        else:
            message = f"{file}: cannot be opened ({getattr(error, 'strerror', None) or error})"
        raise CaptureError(message) from error


def _standard_input(should_stop: Callable[[], bool] | None) -> RawFile:
    if sys.stdin is None or sys.stdin.closed:
        message = "-: standard input is closed"
        raise CaptureError(message)
    if sys.stdin.isatty():
        message = "-: standard input is a terminal; redirect a capture into it, or name a file"
        raise CaptureError(message)
    # Without Python's buffer, whose contents nobody could wait for.
    file = getattr(sys.stdin.buffer, "raw", sys.stdin.buffer)
    return RawFile(cast("_File", file), owned=False, should_stop=should_stop)


def _enlarge_pipe(descriptor: int) -> None:
    """Make the operating system's buffer of a pipe larger, where it can be."""
    try:
        import fcntl  # noqa: PLC0415 - not there on Windows

        fcntl.fcntl(descriptor, fcntl.F_SETPIPE_SZ, PIPE_BYTES)
    except (ImportError, AttributeError, OSError):
        pass
