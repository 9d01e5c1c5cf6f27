"""Kernels of the capture readers, compiled and interpreted, for tests that run with both."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from crafted import from_source

from netanalyze.capture import merge, merge_kernel, pcap, pcap_kernel, pcapng, pcapng_kernel, snoop

if TYPE_CHECKING:
    from collections.abc import Iterator

USERS = {pcap_kernel: (pcap, snoop), pcapng_kernel: (pcapng,), merge_kernel: (merge,)}
"""The readers that use each kernel."""


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
