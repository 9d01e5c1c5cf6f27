"""What ``--version`` says."""

from __future__ import annotations

import platform
from importlib import import_module
from pathlib import Path

import netanalyze
from netanalyze import kernels


def version_line() -> str:
    """Version, kind of kernels, Python; the kernels are loaded to see what they are."""
    package = Path(netanalyze.__file__).parent
    for source in sorted(package.glob(f"*/*{kernels.SUFFIX}.py")):
        import_module(".".join(("netanalyze", *source.relative_to(package).with_suffix("").parts)))
    return (
        f"netanalyze {netanalyze.__version__}, {kernels.kind()} kernels, Python {platform.python_version()}"
    )
