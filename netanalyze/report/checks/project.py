"""A project's own limits: ``netanalyze.toml``, or ``[tool.netanalyze]`` in ``pyproject.toml``.

::

    [check]
    select = ["TCP", "HTTP"]        # codes, or their beginnings; all unless given
    ignore = ["HTTP007"]
    fail-on = "warning"             # info, notice, warning, error, or never
    rules = ["http.p99_ms<200"]     # see limit.py
    [check.severity]
    HTTP010 = "info"                # another severity for the findings of a rule
"""

from __future__ import annotations

import tomllib
from typing import TYPE_CHECKING, Any

from msgspec import Struct, field

from netanalyze.errors import UsageError
from netanalyze.findings.catalog import rule_of, select
from netanalyze.findings.finding import SEVERITIES
from netanalyze.report.checks.limit import parse_limit
from netanalyze.report.names import unknown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping
    from pathlib import Path

OWN = "netanalyze.toml"
SHARED = "pyproject.toml"
NEVER = "never"
LEVELS = (*SEVERITIES, NEVER)
"""What ``fail-on`` may say."""

DEFAULT_LEVEL = "warning"


class Project(Struct, frozen=True):
    """What a project asks of its captures.

    Attributes:
        select: codes of the rules to go by; none for all.
        ignore: codes of rules to leave out.
        fail_on: the least severity of a finding that fails a check, or ``never``.
        rules: limits, as text.
        severity: severities by code that are not the rules' own.
    """

    select: tuple[str, ...] = ()
    ignore: tuple[str, ...] = ()
    fail_on: str = DEFAULT_LEVEL
    rules: tuple[str, ...] = ()
    severity: Mapping[str, str] = field(default_factory=dict)


def find_project(folder: Path) -> Project:
    """The project that a folder belongs to: the nearest file in it or above it that says something.

    Raises:
        UsageError: the file is no TOML, or says what makes no sense.
    """
    for place in (folder, *folder.parents):
        if (place / OWN).is_file():
            return read_project(place / OWN)
        if (place / SHARED).is_file():
            shared = _table(place / SHARED)
            if shared is not None:
                return _project(place / SHARED, shared)
    return Project()


def read_project(path: Path) -> Project:
    """What a file says.

    Raises:
        UsageError: it cannot be read, is no TOML, or says what makes no sense.
    """
    return _project(path, _table(path) or {})


def _table(path: Path) -> dict[str, Any] | None:
    """What a file says about netanalyze; None if nothing."""
    try:
        said: dict[str, Any] = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        message = f"{path}: cannot be read: {error.strerror}"
        raise UsageError(message) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        message = f"{path}: not TOML: {error}"
        raise UsageError(message) from None
    if path.name != SHARED:
        return said
    tool = said.get("tool")
    found = tool.get("netanalyze") if isinstance(tool, dict) else None
    return found if isinstance(found, dict) else None


def _project(path: Path, said: Mapping[str, Any]) -> Project:
    where = "[tool.netanalyze.check]" if path.name == SHARED else "[check]"
    try:
        return _checked(said, where)
    except UsageError as error:
        message = f"{path}: {error}"
        raise UsageError(message) from None


def _checked(said: Mapping[str, Any], where: str) -> Project:
    _known("table", said, ("check",))
    check = said.get("check", {})
    if not isinstance(check, dict):
        message = "check is not a table"
        raise UsageError(message)
    _known(f"key in {where}", check, ("select", "ignore", "fail-on", "rules", "severity"))
    return Project(
        select=_texts(check, "select", _code),
        ignore=_texts(check, "ignore", _code),
        fail_on=level(check.get("fail-on", DEFAULT_LEVEL), LEVELS),
        rules=_texts(check, "rules", parse_limit),
        severity=_severities(check.get("severity", {})),
    )


def _code(text: str) -> object:
    return select([text])


def _known(what: str, said: Mapping[str, Any], names: tuple[str, ...]) -> None:
    for name in said:
        if name not in names:
            raise UsageError(unknown(what, name, names))


def _texts(said: Mapping[str, Any], name: str, check: Callable[[str], object]) -> tuple[str, ...]:
    """A list of texts that all pass a check."""
    given = said.get(name, [])
    if not isinstance(given, list) or not all(isinstance(text, str) for text in given):
        message = f"{name} is not a list of texts"
        raise UsageError(message)
    for text in given:
        check(text)
    return tuple(given)


def level(said: object, levels: tuple[str, ...]) -> str:
    """Check the name of a severity.

    Raises:
        UsageError: it is none.
    """
    if not isinstance(said, str) or said not in levels:
        raise UsageError(unknown("severity", str(said), levels))
    return said


def _severities(said: object) -> dict[str, str]:
    if not isinstance(said, dict):
        message = "severity is not a table"
        raise UsageError(message)
    return {rule_of(code).code: level(name, SEVERITIES) for code, name in said.items()}
