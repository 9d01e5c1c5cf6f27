"""Where a report goes: standard output, or a file that is there whole or not at all."""

from __future__ import annotations

import errno
import os
import shutil
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Self

from netanalyze.errors import NetanalyzeError, PermissionDeniedError, UsageError

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from types import TracebackType

STDOUT = "-"


def open_output(path: str | None, inputs: Sequence[str] = ()) -> StandardOutput | OutputFile:
    """The place to write to; a file is opened at once, so that what is wrong with it shows early.

    Args:
        path: a file's path, or None or ``-`` for standard output.
        inputs: files that must not be overwritten.

    Raises:
        UsageError: the path is one of the inputs, or a folder, or in none that exists.
        PermissionDeniedError: the operating system does not allow it.
    """
    if path in (None, STDOUT):
        return StandardOutput()
    target = Path(os.path.realpath(str(path)))  # a link stays a link, what it points to is written
    for other in inputs:
        with suppress(OSError):
            if target.samefile(other):
                message = f"{path}: is one of the captures, and would be overwritten"
                raise UsageError(message)
    return OutputFile(str(path), target)


class StandardOutput:
    """Standard output, as bytes: what is written is UTF-8 or plain ASCII already."""

    def __enter__(self) -> Self:
        """Nothing has to be opened."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Nothing has to be closed."""

    def write(self, chunks: Iterable[bytes]) -> None:
        """Write everything. A reader that has gone away, as ``head`` does, is no error.

        Raises:
            NetanalyzeError: the device refuses, as a full disk does.
        """
        out = sys.stdout.buffer
        try:
            for chunk in chunks:
                out.write(chunk)
            out.flush()
        except BrokenPipeError:
            discard_stdout()
        except OSError as error:
            discard_stdout()
            message = f"cannot write to standard output: {error.strerror}"
            raise NetanalyzeError(message) from None


def discard_stdout() -> None:
    """Let what Python still holds for standard output go nowhere when it flushes at exit."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, sys.stdout.fileno())
    finally:
        os.close(nowhere)


class OutputFile:
    """A file that appears under its name when it is complete.

    It is written beside its place and then renamed. Devices and pipes are written directly.
    """

    def __init__(self, name: str, target: Path) -> None:
        """Open the file to write.

        Args:
            name: as the user gave it, for messages.
            target: where it is to be.

        Raises:
            UsageError: it is a folder, or in none that exists.
            PermissionDeniedError: the operating system does not allow it.
        """
        self._name = name
        self._target = target
        self._partial: Path | None = None
        try:
            self._file = self._open()
        except OSError as error:
            raise _failure(name, error) from None

    def _open(self) -> IO[bytes]:
        if self._target.exists() and not self._target.is_file():
            return self._target.open("wb")  # a device, a pipe; a folder fails here
        partial = self._target.with_name(f".{self._target.name}.{os.getpid()}.partial")
        try:
            file = partial.open("xb")
        except PermissionError:
            if not self._target.exists():
                raise
            return self._target.open("wb")  # the file may be written though its folder may not
        self._partial = partial
        return file

    def __enter__(self) -> Self:
        """It is open already."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Remove what was not completed."""
        with suppress(OSError):
            self._file.close()
        if self._partial is not None:
            self._partial.unlink(missing_ok=True)

    def write(self, chunks: Iterable[bytes]) -> None:
        """Write everything and put the file in its place.

        Raises:
            NetanalyzeError: the disk is full, or another error of the operating system.
        """
        try:
            for chunk in chunks:
                self._file.write(chunk)
            self._file.close()
            if self._partial is not None:
                if self._target.exists():
                    shutil.copymode(self._target, self._partial)
                self._partial.replace(self._target)
                self._partial = None
        except OSError as error:
            raise _failure(self._name, error) from None


def _failure(name: str, error: OSError) -> NetanalyzeError:
    message = f"{name}: cannot be written: {error.strerror}"
    if isinstance(error, PermissionError) or error.errno == errno.EROFS:
        return PermissionDeniedError(message)
    if error.errno in (errno.ENOENT, errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG):
        return UsageError(message)
    return NetanalyzeError(message)
