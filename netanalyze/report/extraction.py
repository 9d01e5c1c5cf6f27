"""Bodies written to files, under names that are safe whatever was on the wire.

A name is made of the stream, the number of the request and what is harmless of host and path; so no two
are the same, none leaves the folder, and none is a device or hidden. Files are made new, never opened
through a link or over another. A body is written as it comes, 64 KiB at a time, and its file is open only
while that is done: there may be more bodies at once than a process may have files.
"""

from __future__ import annotations

import os
import re
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from netanalyze.errors import PermissionDeniedError, UsageError
from netanalyze.report.records.extracted import Extracted
from netanalyze.report.table import Table

if TYPE_CHECKING:
    from pathlib import Path

MAX_FILES = 100_000
"""Files written, unless the user asks for more or fewer."""

_FLUSH_BYTES = 1 << 16
_LONGEST_NAME = 120
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]+")
_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}\Z")

SUFFIXES = {
    "text/html": ".html",
    "text/css": ".css",
    "text/plain": ".txt",
    "text/xml": ".xml",
    "text/javascript": ".js",
    "application/javascript": ".js",
    "application/x-javascript": ".js",
    "application/json": ".json",
    "application/xml": ".xml",
    "application/pdf": ".pdf",
    "application/zip": ".zip",
    "application/gzip": ".gz",
    "application/wasm": ".wasm",
    "application/x-www-form-urlencoded": ".form",
    "image/png": ".png",
    "image/jpeg": ".jpg",
    "image/gif": ".gif",
    "image/svg+xml": ".svg",
    "image/webp": ".webp",
    "image/x-icon": ".ico",
    "image/vnd.microsoft.icon": ".ico",
    "font/woff": ".woff",
    "font/woff2": ".woff2",
    "video/mp4": ".mp4",
    "audio/mpeg": ".mp3",
    "websocket text": ".txt",
}
"""Suffixes for names that have none."""


class Folder:
    """The folder that bodies are written to; see ``apps.http.sinks.Sinks``.

    Attributes:
        files: what was written so far.
        left_out: bodies that were one too many.
    """

    def __init__(self, path: Path, *, max_files: int = MAX_FILES) -> None:
        """Make the folder, or take an empty one.

        Raises:
            UsageError: there is something in it, or it is no folder.
            PermissionDeniedError: the operating system does not allow it.
        """
        try:
            path.mkdir(parents=True, exist_ok=True)
            taken = any(path.iterdir())
        except (FileExistsError, NotADirectoryError):
            message = f"{path}: is a file, not a folder"
            raise UsageError(message) from None
        except OSError as error:
            raise _denied(path, error) from None
        if taken:
            message = f"{path}: is not empty; nothing is ever written over, so name a new folder"
            raise UsageError(message)
        self._path = path.resolve()
        self._max_files = max_files
        self._opened = 0
        self.files: list[File] = []
        self.left_out = 0

    def open(self, exchange: Any, *, request: bool) -> File | None:  # noqa: ANN401 - an Exchange
        """The file for this body."""
        if self._opened >= self._max_files:
            self.left_out += 1
            return None
        self._opened += 1
        file = File(self._path, _name(exchange, self._opened, request=request), exchange, request=request)
        self.files.append(file)
        return file

    def table(self) -> Table[Extracted]:
        """The index, in the order in which bodies began."""
        return Table.from_rows("extracted", Extracted, [file.record() for file in self.files])

    def write_index(self, texts: dict[str, bytes]) -> None:
        """Write the index files."""
        for name, content in texts.items():
            _append(self._path / name, content, new=True)


class File:
    """One body on its way to its file."""

    def __init__(self, folder: Path, name: str, exchange: Any, *, request: bool) -> None:  # noqa: ANN401
        """Nothing written yet: the file is made with its first bytes."""
        self.name = name
        self._path = folder / name
        self._exchange = exchange
        self._request = request
        self._pending = bytearray()
        self._made = False
        self._hash = sha256()
        self._size = 0
        self._verdict: str | None = None

    def write(self, data: bytes) -> None:
        """Take the next bytes."""
        self._pending += data
        if len(self._pending) >= _FLUSH_BYTES:
            self._flush()

    def close(self, verdict: str | None) -> None:
        """Take note that they were all."""
        self._verdict = verdict
        self._flush()

    def _flush(self) -> None:
        _append(self._path, bytes(self._pending), new=not self._made)
        self._made = True
        self._size += len(self._pending)
        self._hash.update(self._pending)
        self._pending.clear()

    def record(self) -> Extracted:
        """Its line of the index."""
        row, request = self._exchange, self._request
        whole = row.request_last_frame is not None if request else row.end == "complete" and not row.missing
        return Extracted(
            file=self.name,
            message="request" if request else "response",
            url=_url(row),
            method=row.method,
            status=row.status,
            content_type=row.request_type if request else row.content_type,
            content_encoding=row.request_coding if request else row.content_encoding,
            bytes=self._size,
            sha256=self._hash.hexdigest(),
            wire_bytes=row.request_wire if request else row.wire,
            verdict=self._verdict,
            complete=whole and self._verdict in (None, "decoded", "not_coded", "trailing_data"),
            stream=row.stream,
            request_of_connection=row.number,
            frame=row.frame if request else row.response_frame,
            last_frame=row.request_last_frame if request else row.last_frame,
        )


def _append(path: Path, content: bytes, *, new: bool) -> None:
    """Write to the end of a file that is new, or was made here.

    Raises:
        PermissionDeniedError: the operating system does not allow it, or the disk is full.
    """
    flags = os.O_WRONLY | (os.O_CREAT | os.O_EXCL if new else os.O_APPEND) | getattr(os, "O_NOFOLLOW", 0)
    flags |= getattr(os, "O_BINARY", 0)
    try:
        descriptor = os.open(path, flags, 0o644)
        with open(descriptor, "ab") as file:  # noqa: PTH123 - a descriptor, not a path
            file.write(content)
    except OSError as error:
        raise _denied(path, error) from None


def _denied(path: Path, error: OSError) -> PermissionDeniedError:
    return PermissionDeniedError(f"{path}: {error.strerror}")


def _url(row: Any) -> str | None:  # noqa: ANN401 - an Exchange
    """The address of a request."""
    target = row.target
    if target is None:
        return None
    if target.startswith("/"):
        return f"http://{row.host}{target}" if row.host else target
    return str(target)


def _name(row: Any, count: int, *, request: bool) -> str:  # noqa: ANN401 - an Exchange
    """A safe name: the numbers make it unique, the rest is for people."""
    begin = f"{count:06d}-{row.stream}-{row.number or 0}-{'request' if request else 'response'}"
    path = (row.target or "").split("?", 1)[0].split("#", 1)[0]
    if "://" in path:
        path = path.split("://", 1)[1].partition("/")[2]
    words = _UNSAFE.sub("_", f"{row.host or ''}-{path.strip('/')}"[-400:]).strip("._-")
    suffix = _SUFFIX.search(words)
    end = suffix[0] if suffix and "/" in (row.target or "") and "." in path.rsplit("/", 1)[-1] else ""
    if not end:
        media = (row.request_type if request else row.content_type) or ""
        end = SUFFIXES.get(media.split(";", 1)[0].strip().lower(), ".bin")
    else:
        words = words[: -len(end)]
    room = _LONGEST_NAME - len(begin) - len(end) - 1
    words = words[:room].strip("._-")
    return f"{begin}-{words}{end}" if words else f"{begin}{end}"
