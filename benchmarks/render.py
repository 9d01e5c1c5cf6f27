"""Turn the runs into tables, ratios and verdicts on the targets."""

from __future__ import annotations

import datetime as dt
import json
import statistics
from typing import TYPE_CHECKING, NamedTuple

from tools import TARGETS

if TYPE_CHECKING:
    from measure import Measurement
    from tools import Case, Target


QUANTITIES = ("wall", "cpu", "peak")
RATIOS = ("time ratio", "cpu ratio", "memory ratio")

FEWEST_FRAMES = 1000
"""With fewer frames than this the time goes into starting up, and a time a frame would mean nothing."""


class Environment(NamedTuple):
    """Where and with what it was measured."""

    processor: str
    processors: int
    kernel: str
    load: float
    versions: dict[str, str]


class Outcome(NamedTuple):
    """All runs of one tool in one case."""

    tool: str
    command: str
    note: str
    times: int
    runs: list[Measurement]
    failure: str | None
    absent: bool

    def least(self, quantity: str) -> float | None:
        """The least of ``wall``, ``cpu`` (seconds) or ``peak`` (bytes) over all runs; None without a run."""
        if self.failure is not None or not self.runs:
            return None
        return min(
            {"wall": run.wall_seconds, "cpu": run.cpu_seconds, "peak": run.peak_bytes}[quantity]
            for run in self.runs
        )


class CaseResult(NamedTuple):
    """One table."""

    case: Case
    frames: int
    outcomes: list[Outcome]


class Results:
    """Everything one run of the benchmark found."""

    def __init__(self, environment: Environment) -> None:
        """Start with no case.

        Attributes:
            floor_bytes: no peak less than this could be measured.
        """
        self.environment = environment
        self.floor_bytes = 0
        self.made = dt.datetime.now(dt.UTC).isoformat(timespec="minutes")
        self.cases: list[CaseResult] = []

    def add(self, case: Case, frames: int, outcomes: list[Outcome]) -> None:
        """Take in one case."""
        self.cases.append(CaseResult(case, frames, outcomes))

    def failed(self) -> bool:
        """Whether a tool that is installed failed."""
        return any(
            outcome.failure is not None and not outcome.absent
            for result in self.cases
            for outcome in result.outcomes
        )

    def least(self, case: str, tool: str, quantity: str) -> float | None:
        """The least figure of a tool in a case; None where it was not measured."""
        for result in self.cases:
            for outcome in result.outcomes:
                if result.case.name == case and outcome.tool == tool:
                    return outcome.least(quantity)
        return None


def measured_for(target: Target, results: Results, quantity: str) -> float | None:
    """The figure of ``target`` taken from ``quantity``; None where one was not measured."""
    measured = results.least(target.case, target.tool, quantity)
    if target.baseline is None or measured is None:
        return measured
    baseline = results.least(target.case, target.baseline, quantity)
    return None if baseline is None else baseline / measured


def is_met(target: Target, measured: float) -> bool:
    """Whether ``measured`` is within the limits of ``target``."""
    low = target.at_least is None or measured >= target.at_least
    high = target.at_most is None or measured <= target.at_most
    return low and high


def _table(heads: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table with its columns aligned; all but the first and last are numbers."""
    widths = [max(len(row[column]) for row in [heads, *rows]) for column in range(len(heads))]

    def line(cells: list[str]) -> str:
        padded = [
            cell.ljust(width) if column in {0, len(cells) - 1} else cell.rjust(width)
            for column, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = [
        "-" * width if column in {0, len(heads) - 1} else "-" * (width - 1) + ":"
        for column, width in enumerate(widths)
    ]
    return [line(heads), line(rule), *(line(row) for row in rows)]


def _case_rows(result: CaseResult, floor_bytes: int) -> list[list[str]]:
    """The cells of one case; ratios are against its first tool."""
    first = result.outcomes[0] if result.outcomes else None
    rows = []
    for outcome in result.outcomes:
        wall, cpu, peak = (outcome.least(quantity) for quantity in QUANTITIES)
        if first is None or wall is None or cpu is None or peak is None:
            rows.append([outcome.tool, *["-"] * 8, outcome.failure or "no run"])
            continue
        ratios = (
            f"{own / base:.2f}" if own is not None and base else "-"
            for own, base in ((outcome.least(quantity), first.least(quantity)) for quantity in QUANTITIES)
        )
        frames = result.frames * outcome.times
        command = outcome.command.replace("|", "\\|")
        rows.append(
            [
                outcome.tool,
                f"{wall:.3f}",
                f"{statistics.median(run.wall_seconds for run in outcome.runs):.3f}",
                f"{cpu:.3f}",
                f"{wall / frames * 1e9:.0f}" if frames >= FEWEST_FRAMES else "-",
                f"{'≤ ' if peak <= floor_bytes else ''}{peak / 1e6:.0f}",
                *ratios,
                f"`{command}`",
            ]
        )
    return rows


def _figure(target: Target, measured: float | None, quantity: str) -> str:
    """A figure of a target with its unit."""
    if measured is None:
        return "-"
    if target.baseline is not None:
        return f"{measured:.2f} times"
    return f"{measured / 1e6:.0f} MB" if quantity == "peak" else f"{measured:.3f} s"


def _target_rows(results: Results) -> list[list[str]]:
    """The targets of the cases that ran: what was measured, what processor time says, the verdict."""
    ran = {result.case.name for result in results.cases}
    rows = []
    for target in TARGETS:
        if target.case not in ran:
            continue
        measured = measured_for(target, results, target.quantity)
        beside = measured_for(target, results, "cpu") if target.quantity == "wall" else None
        verdict = "not measured"
        if measured is not None:
            verdict = "met" if is_met(target, measured) else "missed"
        figures = [_figure(target, measured, target.quantity), _figure(target, beside, "cpu")]
        rows.append([f"{target.case}: {target.what}", *figures, verdict])
    return rows


def as_markdown(results: Results) -> str:
    """All tables, for people."""
    where = results.environment
    least = f"{results.floor_bytes / 1e6:.0f} MB"
    lines = [
        f"Measured {results.made}: {where.processors} processors ({where.processor}), Linux {where.kernel}.",
        f"Load at the start: {where.load:.1f}. The least peak that can be measured here: {least}.",
        "",
        *(f"* {name}: {version}" for name, version in where.versions.items()),
    ]
    for result in results.cases:
        frames = f" ({result.frames} frames)" if result.frames else ""
        heads = ["tool", "wall s", "median", "cpu s", "ns/frame", "peak MB", *RATIOS, "command"]
        lines += ["", f"## {result.case.title}{frames}", ""]
        lines += _table(heads, _case_rows(result, results.floor_bytes))
    targets = _target_rows(results)
    if targets:
        lines += ["", "## Targets", "", *_table(["target", "measured", "by cpu time", "verdict"], targets)]
    return "\n".join(lines) + "\n"


def as_json(results: Results) -> str:
    """Every run, for programs."""
    document = {
        "schema": 1,
        "made": results.made,
        "environment": results.environment._asdict(),
        "floor_bytes": results.floor_bytes,
        "cases": [
            {
                "case": result.case.name,
                "capture": result.case.capture,
                "frames": result.frames,
                "tools": [
                    outcome._asdict() | {"runs": [run._asdict() for run in outcome.runs]}
                    for outcome in result.outcomes
                ],
            }
            for result in results.cases
        ],
        "targets": [
            target._asdict() | {"measured": figure, "met": None if figure is None else is_met(target, figure)}
            for target, figure in ((each, measured_for(each, results, each.quantity)) for each in TARGETS)
        ],
    }
    return json.dumps(document, indent=2) + "\n"
