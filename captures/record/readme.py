"""Write the README of the captures from what the recording scripts and the truth files say.

Each script says in its docstring what its captures show and in ``TRY`` what to try first; the truth file
that its recording left behind has the programs' versions and the number of frames.
"""

from __future__ import annotations

import ast
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from programs import HOMES

HERE = Path(__file__).resolve().parent
CAPTURES = HERE.parent

HEAD = """\
# Sample captures

Small captures of real traffic to try `netanalyze` on, and to test it with. Real programs and the Linux
kernel made the traffic, in network namespaces on one computer: no capture has ever been near a network
that somebody uses. Addresses are private ones (10.0.0.0/8, fd00::/8) or reserved for documentation
(192.0.2.0/24, 2001:db8::/32, Ethernet 00:00:5e:00:53:xx).

Where a script or a relay in user space has made headers or played tricks, the description says so;
everything else is as kernel and programs sent it, and as tcpdump or dumpcap wrote it. From dumpcap's files
only the description of the recording computer was removed.

Beside the captures of each script lies `NAME.truth.json`: what the programs and kernels that took part
reported (sizes, statuses and timings from curl, packets dropped by the firewall, kernel counters,
`TCP_INFO`). It is there to compare a report with.

To record everything again, as root: `python captures/record/all.py`, or one of the scripts alone. They
need Linux and scapy, and say which program is missing. A recording differs from the last one in times,
port numbers and sequence numbers, and where chance is its subject also in more. This page is written by
`record/readme.py` from the scripts and the truth files.

"""


@dataclass
class Recording:
    """One recording script and what it left behind.

    Attributes:
        script: path of the script.
        summary: one sentence, the first line of its docstring.
        description: the rest of the docstring.
        first_try: a command line to try.
        truth: its truth file, empty if there is none.
    """

    script: Path
    summary: str
    description: str
    first_try: str
    truth: dict[str, Any]

    @property
    def captures(self) -> dict[str, int]:
        """Names of the captures and their number of frames."""
        return {name: facts["frames"] for name, facts in self.truth.get("captures", {}).items()}


def constant(tree: ast.Module, name: str) -> str | None:
    """The string that a module binds to ``name`` at its top level."""
    for node in tree.body:
        if (
            isinstance(node, ast.Assign)
            and isinstance(node.targets[0], ast.Name)
            and node.targets[0].id == name
        ):
            return str(ast.literal_eval(node.value))
    return None


def recordings() -> list[Recording]:
    """All recording scripts, by name: those modules beside this one that define ``TRY``."""
    found = []
    for script in sorted(HERE.glob("*.py")):
        tree = ast.parse(script.read_text())
        first_try = constant(tree, "TRY")
        if first_try is None:
            continue
        summary, _, description = (ast.get_docstring(tree) or "").partition("\n\n")
        path = CAPTURES / f"{script.stem.replace('_', '-')}.truth.json"
        truth = json.loads(path.read_text()) if path.exists() else {}
        found.append(Recording(script, summary, description, first_try, truth))
    return found


def table(found: list[Recording]) -> str:
    """One line for each capture."""
    lines = ["| capture | frames | bytes | shows |", "|---|---:|---:|---|"]
    for recording in found:
        anchor = recording.script.stem.replace("_", "-")
        for name, frames in recording.captures.items():
            size = (CAPTURES / name).stat().st_size
            lines.append(f"| [{name}](#{anchor}) | {frames} | {size} | {recording.summary} |")
    return "\n".join(lines) + "\n"


def section(recording: Recording) -> str:
    """What there is to say about one recording."""
    versions = [
        f"[{name}]({HOMES[name]}) {version}" if name in HOMES else f"{name} {version}"
        for name, version in recording.truth.get("programs", {}).items()
    ]
    files = ", ".join(f"`{name}` ({frames} frames)" for name, frames in recording.captures.items())
    name = recording.script.name
    truth = f"{recording.script.stem.replace('_', '-')}.truth.json"
    return "\n".join(
        [
            f"## {recording.script.stem.replace('_', '-')}",
            "",
            recording.summary,
            "",
            recording.description.strip(),
            "",
            f"- Captures: {files}",
            f"- Recorded by [record/{name}](record/{name}) with {', '.join(versions)}",
            f"- Truth: [{truth}]({truth})",
            "",
            "```sh",
            recording.first_try,
            "```",
            "",
        ]
    )


def text() -> str:
    """The whole README."""
    found = [recording for recording in recordings() if recording.captures]
    return HEAD + table(found) + "\n" + "\n".join(section(recording) for recording in found)


if __name__ == "__main__":
    (CAPTURES / "README.md").write_text(text())
