"""A pipeline without an analysis."""

from __future__ import annotations

import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

sys.path.insert(0, str(Path(__file__).parent.parent / "report"))

from sample_reports import sample_report

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from netanalyze.report.report import Report


@dataclass(frozen=True, slots=True)
class Options:
    """What the command line asks of the pipeline."""

    tables: tuple[str, ...]
    filter: str | None = None
    start: str | None = None
    stop: str | None = None
    keep_duplicates: bool = False
    like_wireshark: bool = False
    streams: tuple[int, ...] = ()
    decode_as: Mapping[tuple[str, int], str] | None = None
    time_wait_ns: int = 0
    max_body_bytes: int = 0
    overlap: str = "first"
    looked_into: frozenset[str] | None = None
    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    framings: tuple[str, ...] = ()


@dataclass
class Pipeline:
    """Notes what it is asked and gives a report that was made before."""

    report: Report = field(default_factory=sample_report)
    warnings: tuple[str, ...] = ()
    error: Exception | None = None
    paths: list[str] = field(default_factory=list)
    options: Options | None = None
    during: Callable[..., None] | None = None

    def run(self, paths: list[str], options: Options, **callbacks: Any) -> Report:  # noqa: ANN401 - whatever comes
        self.paths, self.options = list(paths), options
        for line in self.warnings:
            if callbacks.get("on_warning"):
                callbacks["on_warning"](line)
        if self.during:
            self.during(**callbacks)
        if self.error:
            raise self.error
        return self.report


@dataclass
class Result:
    """What a command did."""

    status: int
    out: str
    err: str
