"""Kernels of the capture readers, compiled and interpreted, for tests that run with both."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from netanalyze.capture import merge, merge_kernel, pcap, pcap_kernel, pcapng, pcapng_kernel, snoop

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

USERS = {pcap_kernel: (pcap, snoop), pcapng_kernel: (pcapng,), merge_kernel: (merge,)}
"""The readers that use each kernel."""


def from_source(kernel: ModuleType) -> ModuleType:
    """The same kernel, interpreted."""
    source = Path(kernel.__file__ or "").parent / f"{kernel.__name__.rpartition('.')[2]}.py"
    spec = importlib.util.spec_from_file_location(f"interpreted_{source.stem}", source)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module", params=["installed", "interpreted"])
def kernels(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the module's tests with the kernels as installed, and with the same files interpreted."""
    if request.param == "installed":
        yield request.param
        return
    if all((kernel.__file__ or "").endswith(".py") for kernel in USERS):
        pytest.skip("the installed kernels are interpreted already")
    patch = pytest.MonkeyPatch()
    for kernel, users in USERS.items():
        module = from_source(kernel)
        for user in users:
            patch.setattr(user, "kernel", module)
    yield request.param
    patch.undo()
