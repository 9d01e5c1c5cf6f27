"""What the tests of TCP share."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netanalyze.tcp import limit_kernel

if TYPE_CHECKING:
    from types import ModuleType


@pytest.fixture(scope="session")
def interpreted_limits() -> ModuleType:
    """The kernel of limits from its source, whatever the installed one is."""
    source = Path(limit_kernel.__file__).parent / "limit_kernel.py"
    spec = importlib.util.spec_from_file_location("interpreted_limit_kernel", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
