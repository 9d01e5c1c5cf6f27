"""Fixtures of the report tests."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from sample_reports import sample_report

if TYPE_CHECKING:
    from netanalyze.report.report import Report


@pytest.fixture
def report() -> Report:
    return sample_report()
