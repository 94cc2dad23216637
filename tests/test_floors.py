"""A module imports only from lower floors."""

import ast
from pathlib import Path

import pytest

import nnapprox

ROOT = Path(nnapprox.__file__).parent
FLOORS = {
    "errors": 0,
    "_kernels": 0,
    "atomic": 1,
    "dense": 1,
    "network": 2,
    "files": 3,
    "datasets": 3,
    "training": 4,
    "plots": 5,
    "cli": 6,
}
MODULES = sorted(p.relative_to(ROOT) for p in ROOT.rglob("*.py") if p.parent != ROOT or p.stem[:2] != "__")


def imported(path):
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, "imports are absolute"
            if node.module == "nnapprox":
                yield from (f"nnapprox.{alias.name}" for alias in node.names)
            else:
                yield node.module


@pytest.mark.parametrize("module", MODULES, ids=str)
def test_imports_go_down(module):
    room = module.parts[0].removesuffix(".py")
    for name in imported(ROOT / module):
        assert not name.startswith("matplotlib.pyplot")
        if name.split(".")[0] == "click":
            assert room == "cli"
        if name.split(".")[0] == "rich":
            assert module == Path("cli", "output.py")
        if name.startswith("nnapprox."):
            other = name.split(".")[1]
            assert other == room or other.startswith("__") or FLOORS[other] < FLOORS[room], f"{module} imports {name}"
