"""What ``--version`` says."""

from __future__ import annotations

import platform
from importlib import import_module
from pathlib import Path

import netanalyze
from netanalyze import kernels
from netanalyze.capture.live.tap import method


def version_line() -> str:
    """Version, kind of kernels, how interfaces are captured, Python.

    The kernels are loaded to see what they are.
    """
    package = Path(netanalyze.__file__).parent
    for source in sorted(package.rglob(f"*{kernels.SUFFIX}.py")):
        import_module(".".join(("netanalyze", *source.relative_to(package).with_suffix("").parts)))
    return (
        f"netanalyze {netanalyze.__version__}, {kernels.kind()} kernels, capture by {method()}, "
        f"Python {platform.python_version()}"
    )
