"""Which kernels run: the compiled ones, or the same files interpreted.

A leaf module. ``NETANALYZE_KERNEL=interpreted`` in the environment, before the first import, makes
Python load the kernels from their source even where compiled ones are installed: the tests use it
to compare the two.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence
    from importlib.machinery import ModuleSpec
    from types import ModuleType

VARIABLE = "NETANALYZE_KERNEL"
SUFFIX = "_kernel"
_PACKAGE = Path(__file__).parent


class _SourceKernels:
    """An import hook that finds kernels by their ``.py`` file only."""

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        del path, target
        if not (name.startswith("netanalyze.") and name.endswith(SUFFIX)):
            return None
        from importlib.util import spec_from_file_location  # noqa: PLC0415 - only where this hook is used

        source = _PACKAGE.joinpath(*name.split(".")[1:]).with_suffix(".py")
        return spec_from_file_location(name, source)


def install_hook() -> None:
    """Load kernels from source from now on, if the environment asks for it."""
    if os.environ.get(VARIABLE) == "interpreted":
        sys.meta_path.insert(0, _SourceKernels())


def kind() -> str:
    """``compiled`` if every kernel loaded so far is, ``interpreted`` if none is, else ``mixed``."""
    loaded = [
        str(getattr(module, "__file__", ""))
        for name, module in list(sys.modules.items())
        if name.startswith("netanalyze.") and name.endswith(SUFFIX)
    ]
    interpreted = sum(file.endswith(".py") for file in loaded)
    if interpreted == 0:
        return "compiled"
    return "interpreted" if interpreted == len(loaded) else "mixed"
