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
