"""The one-way flow: a module imports only from layers to its left, or from leaf modules."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "netanalyze"

LEAVES = {"errors", "model", "columns", "kernels", "pages_kernel", "follower", "_version"}
ORDER = ["capture", "wire", "flow", "tcp", "udp", "apps", "findings", "report"]
ORDER += ["stages", "pipeline", "ongoing", "closeup", "comparison", "cli"]
# pipeline.py knows the order of the stages and so all of them; __init__ and __main__ offer the whole.
TOPS = {"__init__", "__main__"}

MODULES = sorted(PACKAGE.rglob("*.py"))


def layer_of(module: str) -> str:
    """The layer of ``netanalyze.wire.decode`` is ``wire``."""
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else "__init__"


def imported(path: Path) -> set[str]:
    """Every module of the package that the file imports, wherever in the file."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path}: relative import"
            if node.module == "netanalyze":
                names |= {f"netanalyze.{alias.name}" for alias in node.names}
            else:
                names.add(node.module)
    return {name for name in names if name.split(".")[0] == "netanalyze"}


def name_of(path: Path) -> str:
    return ".".join(("netanalyze", *path.relative_to(PACKAGE).with_suffix("").parts))


def test_every_part_has_its_place() -> None:
    known = LEAVES | set(ORDER) | TOPS
    assert {layer_of(name_of(path)) for path in MODULES} <= known


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_imports_point_left(path: Path) -> None:
    mine = layer_of(name_of(path))
    if mine in TOPS:
        return
    for module in imported(path):
        theirs = layer_of(module)
        if theirs in LEAVES or theirs == mine or module in {"netanalyze", "netanalyze.__version__"}:
            continue
        assert mine not in LEAVES, f"leaf module {mine} imports {module}"
        assert theirs in ORDER, f"{mine} imports {module}, which is no layer"
        assert ORDER.index(theirs) < ORDER.index(mine), f"{mine} imports {module} to its right"


@pytest.mark.parametrize("path", MODULES, ids=name_of)
def test_files_stay_small(path: Path) -> None:
    # Kernels are long loops with long argument lists, and tables of names are as long as they are.
    limit = 900 if path.stem.endswith("_kernel") else 450
    assert len(path.read_text(encoding="utf-8").splitlines()) <= limit


def test_kernels_do_without_numpy() -> None:
    for path in MODULES:
        if path.stem.endswith("_kernel"):
            assert "numpy" not in {name.split(".")[0] for name in all_imports(path)}, path


def all_imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names.add(node.module)
    return names


def test_no_heavy_imports_at_the_top() -> None:
    """Scapy and matplotlib take half a second to import, rich a tenth: only what needs them imports them."""
    for path in MODULES:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        for node in tree.body:
            names = []
            if isinstance(node, ast.Import):
                names = [alias.name for alias in node.names]
            elif isinstance(node, ast.ImportFrom):
                names = [node.module or ""]
            heavy = {name.split(".")[0] for name in names} & {
                "scapy",
                "rich",
                "dpkt",
                "tabulate",
                "matplotlib",
            }
            assert not heavy, f"{path} imports {heavy} when it is loaded"
