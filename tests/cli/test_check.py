"""``netanalyze check``: exit status, the command line and the project's own limits."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from netanalyze.cli.app import app
from netanalyze.errors import UsageError
from netanalyze.report.checks.project import Project, find_project, read_project

if TYPE_CHECKING:
    from click.testing import Result

CAPTURES = Path(__file__).parents[2] / "captures"
REFUSED = str(CAPTURES / "refused.pcapng")
CLEAN = str(CAPTURES / "framed-messages.pcap")
KEPT = str(CAPTURES / "http-keepalive.pcapng")


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a folder of no project."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("COLUMNS", "120")


def check(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["check", *arguments], catch_exceptions=False)


def test_status() -> None:
    assert check(REFUSED).exit_code == 1
    assert check(REFUSED, "--fail-on", "never").exit_code == 0
    assert check(REFUSED, "--select", "UDP002").exit_code == 0
    assert check(REFUSED, "--ignore", "LSN,UDP").exit_code == 0
    assert check(KEPT).exit_code == 0
    assert check(KEPT, "--fail-on", "notice").exit_code == 1
    assert check("nothing.pcap").exit_code == 2


def test_a_clean_capture_passes_at_any_level() -> None:
    result = check(CLEAN, "--fail-on", "info", "--select", "TCP,WIN,FSM,LSN,HTTP,UDP,CAP")
    assert (result.exit_code, result.stdout) == (0, "passed\n")


def test_rules_of_the_command_line() -> None:
    assert check(KEPT, "--rule", "http.p99_ms<200", "--rule", "http.count=11").exit_code == 0
    result = check(KEPT, "--rule", "http.p99_ms<0.01")
    assert result.exit_code == 1
    assert "broken: http.p99_ms<0.01: " in result.stdout
    assert result.stdout.splitlines()[-1].startswith("failed: 1 limit broken")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--select", "ABC"), "no rule has a code like 'ABC'"),
        (("--ignore", "TCP,WIN,WRT,FSM,LSN,DNS,HTTP,UDP,CAP"), "no rule is left to look for"),
        (("--fail-on", "fatal"), "no severity 'fatal'"),
        (("--rule", "http.p99<5"), "rule 'http.p99<5': '5' needs a unit"),
        (("--format", "xml"), "no format 'xml'"),
        (("--config", "no.toml"), "no.toml: cannot be read: No such file or directory"),
    ],
)
def test_mistakes_are_one_line_and_status_2(arguments: tuple[str, ...], message: str) -> None:
    result = check(REFUSED, *arguments)
    assert result.exit_code == 2
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
    assert result.stdout == ""


def test_output_goes_to_a_file(tmp_path: Path) -> None:
    assert check(REFUSED, "--format", "sarif", "-o", "out.sarif").exit_code == 1
    assert json.loads((tmp_path / "out.sarif").read_text(encoding="utf-8"))["version"] == "2.1.0"


def test_a_project_has_its_own_limits(tmp_path: Path) -> None:
    (tmp_path / "netanalyze.toml").write_text(
        """
        [check]
        ignore = ["LSN006"]
        fail-on = "error"
        rules = ["streams.count<100"]
        [check.severity]
        LSN004 = "notice"
        """,
        encoding="utf-8",
    )
    result = check(REFUSED, "--verbose")
    assert result.exit_code == 0
    assert "kept: streams.count<100: 5" in result.stdout
    assert "LSN006" not in result.stdout
    assert "notice  LSN004" in result.stdout
    assert check(REFUSED, "--no-config").exit_code == 1
    assert check(REFUSED, "--fail-on", "notice").exit_code == 1
    assert check(REFUSED, "--rule", "streams.count<2").exit_code == 1


def test_the_nearest_file_that_says_something_counts(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text("[tool.netanalyze.check]\nfail-on = 'never'\n", encoding="utf-8")
    (deep / "pyproject.toml").write_text("[tool.other]\n", encoding="utf-8")
    assert find_project(deep) == Project(fail_on="never")
    (tmp_path / "a" / "netanalyze.toml").write_text("[check]\nselect = ['tcp']\n", encoding="utf-8")
    assert find_project(deep) == Project(select=("tcp",))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[check", "not TOML: "),
        ("fail-on = 'error'", "no table 'fail-on'"),
        ("check = 3", "check is not a table"),
        ("[check]\nfail_on = 'error'", "no key in [check] 'fail_on' (did you mean fail-on?)"),
        ("[check]\nselect = 'TCP'", "select is not a list of texts"),
        ("[check]\nselect = ['TPC']", "no rule has a code like 'TPC'"),
        ("[check]\nfail-on = 3", "no severity '3'"),
        ("[check]\nrules = ['http.p99<5']", "rule 'http.p99<5': '5' needs a unit"),
        ("[check]\nseverity = 3", "severity is not a table"),
        ("[check.severity]\nTCP = 'info'", "no rule has the code 'TCP'"),
        ("[check.severity]\nTCP001 = 'never'", "no severity 'never'"),
    ],
)
def test_mistakes_in_the_file_are_one_line(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "netanalyze.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(UsageError) as error:
        read_project(path)
    assert str(error.value).startswith(f"{path}: ")
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert check(REFUSED).exit_code == 2
