"""Each test that asks for ``made`` runs with the compiled and with the interpreted kernels."""

from __future__ import annotations

import pytest
from frames import COMPILED, INTERPRETED
from tcp_steps import Machinery, machinery


@pytest.fixture(params=[COMPILED, INTERPRETED])
def made(request: pytest.FixtureRequest) -> Machinery:
    found = machinery(request.param)
    if found is None:
        pytest.skip("the kernels are not compiled here")
    return found
