"""Captures: files and interfaces become batches of frames.

``open_capture`` reads files, ``open_live`` interfaces. What it needs is imported when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from netanalyze.capture.batch import Batch
    from netanalyze.capture.files import Capture, open_capture
    from netanalyze.capture.info import FileInfo, Interface
    from netanalyze.capture.linktypes import link_type_name
    from netanalyze.capture.live.capture import LiveCapture, open_live

__all__ = [
    "Batch",
    "Capture",
    "FileInfo",
    "Interface",
    "LiveCapture",
    "link_type_name",
    "open_capture",
    "open_live",
]

_HOMES = {
    "Batch": "batch",
    "Capture": "files",
    "FileInfo": "info",
    "Interface": "info",
    "LiveCapture": "live.capture",
    "link_type_name": "linktypes",
    "open_capture": "files",
    "open_live": "live.capture",
}


def __getattr__(name: str) -> object:
    """Import a public name from its module."""
    if name not in _HOMES:
        message = f"module {__name__!r} has no attribute {name!r}"
        raise AttributeError(message)
    value: object = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    return value
