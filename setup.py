"""Compile the kernels when a C compiler is there; install without them when it is not.

Everything else about the package stands in pyproject.toml. The kernels are the ordinary Python
files named ``*_kernel.py``; the same files run as they are where they could not be compiled.
``NETANALYZE_BUILD=interpreted`` in the environment skips the compilation.
"""

import os
import sys
from pathlib import Path

from setuptools import Extension, setup

CORES = os.cpu_count() or 1
DIRECTIVES = {
    "language_level": 3,
    "boundscheck": True,  # captured bytes are hostile: a wrong index raises, it never reads on
    "wraparound": False,
    "initializedcheck": False,
    "cdivision": True,
    "embedsignature": True,
    "show_performance_hints": False,  # they only ask for the bounds checks to go
}


UTILITY = "netanalyze._cyutility"
"""What Cython puts into every module for memoryviews, compiled once: a tenth of the time to build."""


def kernels() -> list[Extension]:
    """The kernels as optional extensions: one that fails to compile is left out with a warning."""
    if os.environ.get("NETANALYZE_BUILD") == "interpreted":
        return []
    try:
        from Cython.Build import cythonize  # noqa: PLC0415 - may be absent
    except ImportError:
        return []
    flags = [] if sys.platform == "win32" else ["-O2", "-g0", "-Wno-unused-function", "-ffp-contract=off"]
    modules = {
        ".".join(source.with_suffix("").parts): source.as_posix()
        for source in sorted(Path("netanalyze").rglob("*_kernel.py"))
    }
    modules[UTILITY] = UTILITY.replace(".", "/") + ".c"
    extensions = cythonize(
        [Extension(name, [source], extra_compile_args=flags) for name, source in modules.items()],
        compiler_directives=DIRECTIVES,
        shared_utility_qualified_name=UTILITY,
        build_dir="build/cython",  # keeps the generated C out of the source tree and of the wheel
        nthreads=CORES if sys.platform == "linux" else 0,
        quiet=True,
    )
    for extension in extensions:
        extension.optional = True  # cythonize() makes new Extension objects and forgets this
    return extensions


setup(ext_modules=kernels(), options={"build_ext": {"parallel": CORES}})
