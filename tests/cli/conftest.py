"""Ways to run commands with a pipeline that does not analyze."""

from __future__ import annotations

import sys
from types import ModuleType
from typing import TYPE_CHECKING

import pytest
from fake_pipeline import Options, Pipeline, Result
from typer.testing import CliRunner

from netanalyze.cli.app import app

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def pipeline(monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """Replace the analysis."""
    fake = Pipeline()
    module = ModuleType("netanalyze.pipeline")
    module.Options = Options  # type: ignore[attr-defined]
    module.run = fake.run  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "netanalyze.pipeline", module)
    monkeypatch.setenv("COLUMNS", "120")
    return fake


@pytest.fixture
def run(pipeline: Pipeline) -> Callable[..., Result]:
    """Run a command line."""
    del pipeline

    def invoke(*arguments: str) -> Result:
        result = CliRunner().invoke(app, list(arguments), catch_exceptions=False)
        return Result(result.exit_code, result.stdout, result.stderr)

    return invoke
