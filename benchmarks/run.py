"""Measure netanalyze beside its peers, all in one run, and print the ratios.

``python benchmarks/run.py [--runs N] [--cases large,small,…] [--tools tcptrace,…] [--markdown FILE]``

The tools take turns (A B C, A B C, …), so that a busy moment of a shared machine hits all of them. At each
turn a tool runs twice, and the second run counts: a virtual machine gives free memory back to its host some
seconds after it was freed, and pages that have to come from there again take up to twenty times as long: how
many do depends on what ran before. What the figures mean: ``benchmarks/README.md``.
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from measure import AbsentError, Measurement, RunError, floor_bytes, measure
from render import Environment, Outcome, Results, as_json, as_markdown
from tools import CASES, TOOLS, VERSIONS, Case

HERE = Path(__file__).parent
BLOCK_BYTES = 1 << 18


def _expand(command: str, names: dict[str, str]) -> list[list[str]]:
    """The pipeline ``command`` stands for, as lists of arguments."""
    return [[word.format_map(names) for word in shlex.split(part)] for part in command.split(" | ")]


def _warm(path: Path) -> None:
    """Read the file, so that the run finds it in memory.

    Before every run: virtual machines may take a page cache that is idle for seconds away.
    """
    with path.open("rb", buffering=0) as stream:
        while stream.read(BLOCK_BYTES):
            pass


def _version(command: str, names: dict[str, str]) -> str:
    """What a program says its version is; "absent" where there is no such program."""
    words = _expand(command, names)[0]
    if shutil.which(words[0]) is None:
        return "absent"
    done = subprocess.run(words, check=False, capture_output=True, text=True, timeout=60)
    lines = (done.stdout + done.stderr).splitlines()
    return next((line.strip() for line in lines if any(c.isdigit() for c in line)), "unknown")


def _processor() -> str:
    """The processor's name, as Linux knows it."""
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return "unknown processor"
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), "unknown")


def _run(command: str, names: dict[str, str], timeout_seconds: float) -> Measurement:
    """One run, whose file is in memory and whose folder is empty."""
    with tempfile.TemporaryDirectory(prefix="nabench-") as folder:
        if "file" in names:
            _warm(Path(names["file"]))
        return measure(_expand(command, names | {"folder": folder}), timeout_seconds)


def _run_case(
    case: Case, wanted: set[str], names: dict[str, str], arguments: argparse.Namespace
) -> list[Outcome]:
    """All runs of one case."""
    tools = [
        TOOLS[name] for name in case.tools if name in wanted or (not wanted and not TOOLS[name].optional)
    ]
    runs: dict[str, list[Measurement]] = {tool.name: [] for tool in tools}
    failures: dict[str, RunError] = {}
    for number in range(arguments.runs):
        for tool in tools:
            if tool.name in failures:
                continue
            print(f"{case.name}: run {number + 1} of {arguments.runs}: {tool.name}", file=sys.stderr)
            try:
                _run(tool.command, names, arguments.timeout)  # not counted: see the top of this file
                runs[tool.name].append(_run(tool.command, names, arguments.timeout))
            except RunError as error:
                failures[tool.name] = error
    shown = names | {"netanalyze": "netanalyze", "python": "python", "here": "benchmarks", "folder": "FOLDER"}
    if "file" in names:
        shown["file"] = Path(names["file"]).name
    return [
        Outcome(
            tool=tool.name,
            command=tool.command.format_map(shown),
            note=tool.note,
            times=tool.times,
            runs=runs[tool.name],
            failure=str(failures[tool.name]) if tool.name in failures else None,
            absent=isinstance(failures.get(tool.name), AbsentError),
        )
        for tool in tools
    ]


def _parse() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description="Measure netanalyze beside its peers.")
    parser.add_argument("--runs", type=int, default=3, help="runs of each tool (3)")
    parser.add_argument("--cases", default=",".join(CASES), help=f"which of {', '.join(CASES)} (all)")
    parser.add_argument("--tools", default="", help="only these, by comma; optional ones must be named")
    parser.add_argument("--data", type=Path, default=HERE / "data", help="where the captures are")
    parser.add_argument(
        "--netanalyze",
        default=str(Path(sys.executable).parent / "netanalyze"),
        help="program under test (the one beside this interpreter)",
    )
    parser.add_argument("--timeout", type=float, default=600, help="seconds a run may take (600)")
    parser.add_argument("--json", type=Path, help="write every run to this file")
    parser.add_argument("--markdown", type=Path, help="write what is printed to this file")
    arguments = parser.parse_args()
    if arguments.runs < 1:
        parser.error("runs must be 1 or more")
    for option, known in (("cases", CASES), ("tools", TOOLS)):
        chosen = [name for name in getattr(arguments, option).split(",") if name]
        if unknown := [name for name in chosen if name not in known]:
            parser.error(f"--{option}: no {', '.join(unknown)}; there are {', '.join(known)}")
        setattr(arguments, option, chosen)
    return arguments


def main() -> int:
    """Run as a command: 0 when everything ran, 1 when a tool failed, 2 when a capture is missing."""
    arguments = _parse()
    names = {"netanalyze": arguments.netanalyze, "python": sys.executable, "here": str(HERE)}
    results = Results(
        Environment(
            processor=_processor(),
            processors=os.cpu_count() or 1,
            kernel=os.uname().release,
            load=os.getloadavg()[0],
            versions={name: _version(command, names) for name, command in VERSIONS.items()},
        )
    )
    for name in arguments.cases:
        case = CASES[name]
        frames = 0
        if case.capture is not None:
            path = arguments.data / f"{case.capture}.pcap"
            if not path.exists():
                print(f"{path} is not there: run make_captures.py {case.capture}", file=sys.stderr)
                return 2
            frames = json.loads(path.with_suffix(".json").read_text(encoding="utf-8"))["frames"]
            names["file"] = str(path)
        results.add(case, frames, _run_case(case, set(arguments.tools), names, arguments))
    results.floor_bytes = floor_bytes()
    text = as_markdown(results)
    print(text, end="")
    if arguments.markdown is not None:
        arguments.markdown.write_text(text, encoding="utf-8")
    if arguments.json is not None:
        arguments.json.write_text(as_json(results), encoding="utf-8")
    return 1 if results.failed() else 0


if __name__ == "__main__":
    sys.exit(main())
