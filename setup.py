"""Compile the kernels when a C compiler is there; install without them when it is not.

Everything else about the package stands in pyproject.toml. The kernels are the ordinary Python
files named ``*_kernel.py``; the same files run as they are where they could not be compiled.
``NETANALYZE_BUILD=interpreted`` in the environment skips the compilation.
"""

import os
import sys
from pathlib import Path

from setuptools import Extension, setup

DIRECTIVES = {
    "language_level": 3,
    "boundscheck": True,  # captured bytes are hostile: a wrong index raises, it never reads on
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "embedsignature": True,
    "show_performance_hints": False,  # they only ask for the bounds checks to go
}


def kernels() -> list[Extension]:
    """The kernels as optional extensions: one that fails to compile is left out with a warning."""
    if os.environ.get("NETANALYZE_BUILD") == "interpreted":
        return []
    try:
        from Cython.Build import cythonize  # noqa: PLC0415 - may be absent
    except ImportError:
        return []
    flags = [] if sys.platform == "win32" else ["-O3", "-Wno-unused-function"]
    sources = sorted(Path("netanalyze").glob("*/*_kernel.py"))
    extensions = cythonize(
        [
            Extension(".".join(source.with_suffix("").parts), [source.as_posix()], extra_compile_args=flags)
            for source in sources
        ],
        compiler_directives=DIRECTIVES,
        build_dir="build/cython",  # keeps the generated C out of the source tree and of the wheel
        quiet=True,
    )
    for extension in extensions:
        extension.optional = True  # cythonize() makes new Extension objects and forgets this
    return extensions


setup(ext_modules=kernels())
