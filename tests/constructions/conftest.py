"""Constructions as the command writes them."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import pytest

import nnapprox
from nnapprox.cli import run


class Written(NamedTuple):
    """A network file that ``nnapprox construct`` wrote, read again, and what the command printed as JSON."""

    network: nnapprox.Network
    told: dict[str, Any]
    path: Path

    @property
    def sizes(self) -> tuple[int, int]:
        """L and M, counted in the file's network."""
        return self.network.depth, self.network.nonzeros

    @property
    def hidden(self) -> tuple[int, ...]:
        return self.network.widths[1:-1]

    @property
    def upper(self) -> Fraction:
        """The upper end of the certificate."""
        value = self.told["certificate"]["value"]
        return Fraction(value[-1] if isinstance(value, list) else value)

    @property
    def kind(self) -> str:
        return str(self.told["certificate"]["kind"])

    @property
    def bound(self) -> Fraction:
        """The theorem's."""
        return Fraction(self.told["theorem"]["bound"])

    def at(self, *point: int | str | Fraction) -> Fraction:
        """The value at a point, by arithmetic that is written out here once more."""
        return evaluate(self.network, [Fraction(x) for x in point])[0]


def evaluate(network: nnapprox.Network, values: list[Fraction]) -> list[Fraction]:
    """A ReLU network at a point, independently of `Network`."""
    for number, layer in enumerate(network.layers):
        values = [max(v, Fraction(0)) for v in values] if number else values
        values = [
            sum((w * v for w, v in zip(row, values, strict=True) if w), start=b)
            for row, b in zip(layer.weight, layer.bias, strict=True)
        ]
    return values


def write(folder: Path, words: str) -> Written:
    path, printed = folder / "network.npz", io.StringIO()
    with contextlib.redirect_stdout(printed):
        assert run(["construct", *shlex.split(words), "--json", "-o", str(path)]) == 0, words
    return Written(nnapprox.load(path), json.loads(printed.getvalue()), path)


@pytest.fixture
def construct(tmp_path: Path) -> Callable[[str], Written]:
    """Run ``nnapprox construct WORDS`` and read the file that it wrote."""
    return lambda words: write(tmp_path, words)


@pytest.fixture
def refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[[str], str]:
    """Run ``nnapprox construct WORDS``, which must fail as wrong usage, write nothing, and say why in one line."""

    def call(words: str) -> str:
        monkeypatch.chdir(tmp_path)
        capfd.readouterr()
        status = run(["construct", *shlex.split(words)])
        out, err = capfd.readouterr()
        assert (status, out, err.count("\n")) == (2, "", 1), (status, out, err)
        assert not list(tmp_path.iterdir())
        return err

    return call
