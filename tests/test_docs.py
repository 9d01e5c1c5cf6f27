"""The documentation says what the program does."""

from __future__ import annotations

import importlib.util
import re
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from netanalyze.cli.app import app
from netanalyze.report.registry import NAMES

if TYPE_CHECKING:
    from types import ModuleType

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def generate() -> ModuleType:
    spec = importlib.util.spec_from_file_location("generate", ROOT / "docs" / "generate.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("page", ["tables", "cli", "findings", "states"])
def test_generated_pages_are_current(generate: ModuleType, page: str) -> None:
    written = (ROOT / "docs" / f"{page}.md").read_text(encoding="utf-8")
    assert written == getattr(generate, f"{page}_page")(), "run python docs/generate.py"


def test_the_generated_picture_is_current(generate: ModuleType) -> None:
    written = (ROOT / "docs" / "states.svg").read_text(encoding="utf-8")
    assert written == generate.states_picture(), "run python docs/generate.py"


def test_the_readme_names_every_table() -> None:
    for name in NAMES:
        assert f"| `{name}` |" in README


def test_links_lead_somewhere() -> None:
    for page in [*ROOT.glob("*.md"), *ROOT.glob("docs/*.md"), *ROOT.glob("benchmarks/*.md")]:
        for target in re.findall(r"\]\(([^)#:]+?)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def commands_of_samples() -> list[list[str]]:
    """What the samples' README suggests to try."""
    text = (ROOT / "captures" / "README.md").read_text(encoding="utf-8")
    return [shlex.split(line)[1:] for line in re.findall(r"netanalyze analyze [^`\n]+", text)]


@pytest.mark.parametrize("arguments", commands_of_samples(), ids=" ".join)
def test_what_the_samples_suggest_works(arguments: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output


def test_the_readme_shows_what_its_first_command_prints(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    monkeypatch.setenv("COLUMNS", "120")
    first = commands_in_readme()[0]
    shown = re.search(r"^```text$\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    assert shown is not None
    assert CliRunner().invoke(app, first).output == shown.group(1)


def commands_in_readme() -> list[list[str]]:
    """The arguments of every command line of ours in the README's examples."""
    blocks = re.findall(r"^```(?:sh|console)$(.*?)^```$", README, re.MULTILINE | re.DOTALL)
    lines = [line.split(" #")[0] for block in blocks for line in block.splitlines()]
    found = []
    for line in lines:
        for part in re.split(r"[|]", line.removeprefix("$ ")):
            for step in part.split("&&"):
                words = shlex.split(step) if step.count("'") % 2 == 0 else []
                if words and words[0].endswith("netanalyze") and len(words) > 1:
                    found.append(words[1:])
    return found


def test_the_readme_has_examples() -> None:
    assert len(commands_in_readme()) >= 6


@pytest.mark.parametrize("arguments", commands_in_readme(), ids=" ".join)
def test_examples_in_the_readme_work(arguments: list[str], tmp_path: Path) -> None:
    sample = str(ROOT / "captures" / "http-keepalive.pcapng")
    stand_ins = {
        **{name: [sample] for name in ("capture.pcap", "before.pcap", "after.pcap")},
        "lookups.pcap": [str(ROOT / "captures" / "dns-lookups.pcap")],
        "-": [sample],
        "report.json": [str(tmp_path / "report.json")],
        "bodies": [str(tmp_path / "bodies")],
        **{name: [str(tmp_path / name)] for name in ("ladder.svg", "states.svg", "stream.html")},
        "captures/http-keepalive.pcapng": [sample],
        "rotated_*.pcap": [str(path) for path in sorted((ROOT / "captures").glob("rotated_*.pcap"))],
    }
    words = [word for argument in arguments for word in stand_ins.get(argument, [argument])]
    if words == ["--install-completion"]:
        return  # it would write to the home folder
    result = CliRunner().invoke(app, words)
    assert result.exit_code == 0, result.output


CHECK = (ROOT / "docs" / "check.md").read_text(encoding="utf-8")


def test_limits_of_the_documentation_are_limits() -> None:
    from netanalyze.report.checks.limit import RATES, parse_limit  # noqa: PLC0415 - for these tests only

    examples = re.findall(r"^(\S+\.\S+[<>=]\S+) {3,}", CHECK, re.MULTILINE)
    assert len(examples) >= 5
    for text in examples:
        parse_limit(text)
    rates = set(re.findall(r"^\| `(\w+\.\w+_rate)` \|", CHECK, re.MULTILINE))
    assert rates == {f"{table}.{name}" for table, name in RATES}


def test_the_projects_file_of_the_documentation_is_one(tmp_path: Path) -> None:
    from netanalyze.report.checks.project import read_project  # noqa: PLC0415 - for these tests only

    text = re.search(r"^```toml$\n(.*?)^```$", CHECK, re.MULTILINE | re.DOTALL)
    assert text is not None
    path = tmp_path / "netanalyze.toml"
    path.write_text(text.group(1), encoding="utf-8")
    assert read_project(path).severity == {"HTTP001": "error", "HTTP010": "info"}
