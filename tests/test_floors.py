"""The import rule of CONTRIBUTING, "Layout": a room imports only from lower floors."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import nnapprox

ROOT = Path(nnapprox.__file__).parent

FLOORS = [
    {"errors"},
    {"exact", "notation", "_kernels", "_plane", "_space", "_coder"},
    {"activation", "atomic", "dense"},
    {"network"},
    {"calculus", "functions", "files", "datasets", "regions"},
    {"certificate", "training"},
    {"constructions", "quantization"},
    {"rates", "plots"},
    {"rate_plots", "region_plots", "quantization_plots"},
    {"cli"},
    {"__init__", "__main__"},
]
"""The rooms, from the ground up. The package's own names and its entry point stand above all."""

ONLY = {"click": "cli/", "rich": "cli/output.py", "flint": "exact.py"}
"""Where alone each of these may be imported."""

FLOOR_OF = {room: number for number, floor in enumerate(FLOORS) for room in floor}


def imports(source: str, package: list[str]) -> Iterator[str]:
    """Full dotted names of all that a module imports, wherever in it; names after ``from`` are part of them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            yield from (".".join([*base, *filter(None, [node.module]), alias.name]) for alias in node.names)


def violations(path: str, source: str) -> list[str]:
    """What a module, whose path is relative to the package, imports against the rule."""
    *folders, file = path.split("/")
    room = folders[0] if folders else file.removesuffix(".py")
    found = []
    for name in imports(source, ["nnapprox", *folders]):
        package, *rest = name.split(".")
        if package == "nnapprox" and rest != ["__version__"]:
            other = rest[0] if rest else "__init__"
            if other != room and FLOOR_OF.get(other, len(FLOORS)) >= FLOOR_OF[room]:
                found.append(f"{path} imports {name}")
        elif not path.startswith(ONLY.get(package, "")) or {"pyplot", "pylab"} & {package, *rest}:
            found.append(f"{path} imports {name}")
    return found


MODULES = sorted(path.relative_to(ROOT).as_posix() for path in ROOT.rglob("*.py"))


@pytest.mark.parametrize("path", MODULES)
def test_modules_import_from_lower_floors_only(path):
    assert violations(path, (ROOT / path).read_text(encoding="utf-8")) == []


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("files/npz.py", "from nnapprox.datasets import idx"),
        ("files/npz.py", "from nnapprox import training"),
        ("files/npz.py", "from ..training import sgd"),
        ("files/npz.py", "import nnapprox"),
        ("files/npz.py", "from nnapprox import load"),
        ("files/npz.py", "import nnapprox.cli"),
        ("network.py", "def f():\n    import nnapprox.regions.line"),
        ("network.py", "from nnapprox.unheard_of import x"),
        ("plots.py", "import matplotlib.pyplot as plt"),
        ("plots.py", "from matplotlib import pyplot"),
        ("plots.py", "import pylab"),
        ("training/sgd.py", "import click"),
        ("cli/show.py", "from rich.table import Table"),
        ("regions/line.py", "import flint"),
    ],
)
def test_the_rule_is_seen_broken(path, source):
    assert len(violations(path, source)) == 1


@pytest.mark.parametrize(
    ("path", "source"),
    [
        ("files/npz.py", "from nnapprox.files.atomic import write_atomically"),
        ("files/npz.py", "from . import atomic"),
        ("files/npz.py", "from nnapprox import __version__"),
        ("cli/show.py", "import click, numpy\nfrom nnapprox import files, plots\nfrom nnapprox.cli import output"),
        ("cli/output.py", "from rich.table import Table"),
        ("plots.py", "from matplotlib.figure import Figure"),
        ("exact.py", "import flint"),
    ],
)
def test_the_rule_is_seen_kept(path, source):
    assert violations(path, source) == []
