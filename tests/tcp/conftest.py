"""Each test that asks for ``kernels`` runs with the compiled and with the interpreted ones."""

from __future__ import annotations

import pytest
from frames import COMPILED, INTERPRETED, Kernels, load


@pytest.fixture(params=[COMPILED, INTERPRETED])
def kernels(request: pytest.FixtureRequest) -> Kernels:
    modules = load(request.param)
    if modules is None:
        pytest.skip("the kernels are not compiled here")
    return modules


@pytest.fixture
def fastest() -> Kernels:
    """The compiled kernels if there are any: for tests of many packets."""
    modules = load(COMPILED) or load(INTERPRETED)
    assert modules is not None
    return modules
