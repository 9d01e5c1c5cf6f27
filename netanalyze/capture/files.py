"""``open_capture``: capture files and standard input as one stream of batches."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Self

from netanalyze.capture.batch import BATCH_FRAMES, BUFFER_BYTES
from netanalyze.capture.formats import reader_for
from netanalyze.capture.info import FileInfo
from netanalyze.capture.merge import Merge
from netanalyze.capture.notices import Notices
from netanalyze.capture.source import STANDARD_INPUT, open_input, shown
from netanalyze.errors import NetanalyzeError, UsageError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from types import TracebackType

    from netanalyze.capture.batch import Batch
    from netanalyze.capture.info import Interface
    from netanalyze.capture.reader import Reader
    from netanalyze.capture.source import RawFile

PROBE_BYTES = 1 << 16
PROBE_FRAMES = 1
"""A look at one of several files reads so much of it."""


def open_capture(
    paths: Sequence[str | os.PathLike[str]],
    *,
    on_warning: Callable[[str], None] | None = None,
    should_stop: Callable[[], bool] | None = None,
) -> Capture:
    """Open capture files as one capture, in time order.

    The header of every file is read at once, so that what cannot be read shows before any output.

    Args:
        paths: pcap, pcapng and snoop files, plain or compressed, and named pipes; ``-`` is standard
            input. Several are read as one capture: frames are numbered over all of them.
        on_warning: called with each warning, one line, as it comes up.
        should_stop: asked now and then while nobody writes into a pipe; True ends the capture there.

    Returns:
        The capture; iterate over it for batches, and close it.

    Raises:
        CaptureError: a file cannot be opened, is empty, or is no capture that can be read.
        PermissionDeniedError: a file may not be read.
        UsageError: no file is named, or standard input is named twice.
    """
    names = [os.fsdecode(path) for path in paths]
    if not names:
        message = "no capture file is named"
        raise UsageError(message)
    if names.count(STANDARD_INPUT) > 1:
        message = "-: standard input can be read only once"
        raise UsageError(message)
    notices = Notices(on_warning)
    inputs: list[Input] = []
    try:
        for name in names:
            inputs.append(Input(name, notices, should_stop))
            inputs[-1].open(alone=len(names) == 1)
    except BaseException:
        for opened in inputs:
            opened.close()
        raise
    # The sort is stable: files that begin at the same time stay in the order given.
    inputs.sort(key=lambda item: (item.first_ns is None, item.first_ns))
    return Capture(inputs, notices)


class Capture:
    """Frames of one or several files; iterate over it for batches.

    A batch is valid until the next but one is asked for. A live interface offers the same attributes.

    Attributes:
        files: one for each input, filled while reading, in time order.
        interfaces: of all files, in order of appearance; the column ``interface`` is an index here.
        warnings: what was noticed so far, one line each.
        total_bytes: size on disk of all inputs; None where one has no size (a pipe).
    """

    def __init__(self, inputs: Sequence[Input], notices: Notices) -> None:
        """Read ``inputs``, which are open and stand in time order."""
        self._inputs = inputs
        self.files: list[FileInfo] = [item.info for item in inputs]
        self.interfaces: list[Interface] = notices.interfaces
        self.warnings: list[str] = notices.warnings
        sizes = [item.size for item in inputs]
        self.total_bytes: int | None = None if None in sizes else sum(size or 0 for size in sizes)
        self._closed = False
        self._batches = self._read()

    @property
    def position_bytes(self) -> int:
        """How many of ``total_bytes`` were read so far."""
        return sum(item.consumed for item in self._inputs)

    def __iter__(self) -> Iterator[Batch]:
        """The batches not read yet: frames are numbered from 1 over all files."""
        return self._batches

    def _read(self) -> Iterator[Batch]:
        number = 1
        for batch in self._in_time_order():
            batch.first_frame = number
            number += batch.count
            yield batch
            if self._closed:
                return

    def _in_time_order(self) -> Iterator[Batch]:
        if len(self._inputs) > 1:
            yield from Merge(self._inputs).batches()
            return
        reader = self._inputs[0].begin(BUFFER_BYTES, BATCH_FRAMES)
        while reader is not None and (batch := reader.next_batch()) is not None:
            yield batch

    def close(self) -> None:
        """Close the files. Reading on gives nothing."""
        self._closed = True
        for item in self._inputs:
            item.close()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Close the files."""
        self.close()


class Input:
    """One file of a capture, from the first look at it to its end.

    Attributes:
        info: what is known about it.
        first_ns: time of its first frame; None if it has none, or is the only file.
        size: bytes on disk; None if it has no size.
    """

    def __init__(self, path: str, notices: Notices, should_stop: Callable[[], bool] | None = None) -> None:
        """A file that is not open yet; for ``should_stop`` see ``open_capture``."""
        self._should_stop = should_stop
        self.info = FileInfo(shown(path))
        self.first_ns: int | None = None
        self.size: int | None = None
        self._path = path
        self._notices = notices
        self._raw: RawFile | None = None
        self._reader: Reader | None = None
        self._closed = False

    @property
    def consumed(self) -> int:
        """Bytes on disk that were read so far."""
        return self._raw.consumed if self._raw is not None else 0

    def open(self, *, alone: bool) -> None:
        """Open the file and read its header, and its first frame unless it is the only file.

        Raises:
            CaptureError: it cannot be opened, or is no capture that can be read.
            PermissionDeniedError: it may not be read.
        """
        if alone or self._path == STANDARD_INPUT or not Path(self._path).is_file():
            self._reader, self._raw = self._open(self.info, self._notices, BUFFER_BYTES, BATCH_FRAMES)
            self.size = self._raw.size
            self.first_ns = None if alone else self._reader.first_ns()
            return
        # There may be thousands of files: this one is closed again until its turn comes.
        seen = FileInfo(self.info.file)
        reader, raw = self._open(seen, Notices(), PROBE_BYTES, PROBE_FRAMES)
        self.size = raw.size
        self.first_ns = reader.first_ns()
        self.info.format, self.info.compression = seen.format, seen.compression
        reader.close()

    def begin(self, buffer_bytes: int, frames: int) -> Reader | None:
        """The reader of the file, now that its turn has come.

        Args:
            buffer_bytes: size of its buffer, if it must be opened again.
            frames: rows of its batch, likewise.

        Returns:
            None if the file can no longer be opened, which its ``cut_short`` then says.
        """
        if self._reader is None and not self._closed:
            try:
                self._reader, self._raw = self._open(self.info, self._notices, buffer_bytes, frames)
            except NetanalyzeError as error:
                self.info.cut_short = "could not be opened when its turn came"
                self._notices.warn(str(error))
        return self._reader

    def close(self) -> None:
        """Close the file; it is not opened again."""
        self._closed = True
        if self._reader is not None:
            self._reader.close()

    def _open(
        self, info: FileInfo, notices: Notices, buffer_bytes: int, frames: int
    ) -> tuple[Reader, RawFile]:
        opened = open_input(self._path, buffer_bytes, self._should_stop)
        try:
            info.compression = opened.compression
            reader = reader_for(opened.buffer, info.file, self._path)(opened.buffer, info, notices, frames)
            reader.open()
        except BaseException:
            opened.raw.close()
            raise
        return reader, opened.raw
