"""A folder with network files to work on, and two ways to run a command: in this process (fast) and as a user does."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest

import nnapprox
from nnapprox.cli import run


class Result(NamedTuple):
    status: int
    out: str
    err: str

    def failed(self, status: int) -> str:
        """The one line on stderr of a command that has to fail with this status and print nothing."""
        assert (self.status, self.out) == (status, "")
        *notes, line = self.err.splitlines()
        assert all(note.startswith("nnapprox: note: ") for note in notes)
        assert line.startswith("nnapprox: error: ")
        return line


def hat(number: type = float) -> nnapprox.Network:
    """2x on [0, 1/2] and 2 - 2x on [1/2, 1]."""
    first = nnapprox.Affine([[number(1)], [number(1)]], [number(0), number(-1) / 2])
    return nnapprox.Network([first, nnapprox.Affine([[number(2), number(-4)]], [number(0)])])


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Work beside hat.npz (float64), exact.npz (the same, rational), points.csv and network.npz (the newest)."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("NNAPPROX_CACHE", str(tmp_path / "cache"))
    monkeypatch.delenv("NNAPPROX_DATA_DIR", raising=False)
    monkeypatch.delenv("NO_COLOR", raising=False)
    rng = np.random.default_rng(0)
    layers = [
        nnapprox.Affine(rng.normal(size=(out, in_)).astype("f4"), np.zeros(out, "f4"))
        for in_, out in ((64, 20), (20, 10))
    ]
    nnapprox.save(hat(), "hat.npz")
    nnapprox.save(hat(Fraction), "exact.npz")
    nnapprox.save(nnapprox.Network(layers), "network.npz", {"seed": 7, "dataset": {"name": "digits"}})
    Path("points.csv").write_text("# x\n0\n1/3\n\n0.5\n")
    for age, name in enumerate(("network.npz", "exact.npz", "hat.npz")):
        os.utime(name, (1_700_000_000 - age,) * 2)
    return tmp_path


@pytest.fixture
def cli(folder: Path, capfd: pytest.CaptureFixture[str]) -> Callable[..., Result]:
    """Run a command line in this process."""

    def call(*arguments: object) -> Result:
        capfd.readouterr()
        status = run([str(argument) for argument in arguments])
        return Result(int(status), *capfd.readouterr())

    return call


COMMAND = [sys.executable, "-m", "nnapprox"]


@pytest.fixture
def environment(folder: Path) -> dict[str, str]:
    """For processes that run the package of this process."""
    return {**os.environ, "PYTHONPATH": str(Path(nnapprox.__file__).parents[1])}


@pytest.fixture
def shell(environment: dict[str, str]) -> Callable[..., Result]:
    """Run a command line in a process of its own."""

    def call(*arguments: str, stdin: str | None = None, stdout: object = subprocess.PIPE, **variables: str) -> Result:
        done = subprocess.run(
            [*COMMAND, *arguments],
            input=stdin,
            stdout=stdout,
            stderr=subprocess.PIPE,
            text=True,
            encoding="utf-8",
            env={**environment, **variables},
            timeout=120,
            check=False,
        )
        return Result(done.returncode, done.stdout or "", done.stderr)

    return call
