"""``nnapprox compose``, ``parallel`` and ``add``."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import pytest

import nnapprox
from nnapprox import calculus, files

THIRD = Fraction(1, 3)


def told(result):
    assert (result.status, result.err) == (0, "")
    return json.loads(result.out)


def test_compose(cli):
    network = told(cli("compose", "exact.npz", "hat.npz", "--json"))["network"]
    assert network["path"] == "exact-compose-hat.npz"
    assert (network["depth"], network["widths"], network["dtype"], network["exact"]) == (
        3,
        [1, 2, 2, 1],
        "rational",
        True,
    )
    assert nnapprox.load("exact-compose-hat.npz")([Fraction(1, 5)]) == [Fraction(4, 5)]
    assert files.read("exact-compose-hat.npz").metadata == {"command": "compose", "networks": ["exact.npz", "hat.npz"]}


def test_the_last_network_is_applied_first(cli):
    nnapprox.save(calculus.affine([[1]], [1]), "next.npz")
    cli("compose", "hat.npz", "next.npz", "-o", "a.npz")
    cli("compose", "next.npz", "hat.npz", "-o", "b.npz")
    assert nnapprox.load("a.npz")([Fraction(-3, 4)]) == [Fraction(1, 2)]
    assert nnapprox.load("b.npz")([THIRD]) == [Fraction(5, 3)]


def test_sparse_composition_of_three(cli):
    network = told(cli("compose", *["hat.npz"] * 3, "--sparse", "-o", "a.npz", "--json"))["network"]
    assert (network["depth"], network["nonzeros"]) == (6, 5 + 2 * (5 + 2 + 2))
    assert nnapprox.load("a.npz")([Fraction(1, 7)]) == [Fraction(6, 7)]


def test_parallel(cli):
    cli("compose", "hat.npz", "hat.npz", "-o", "twice.npz")
    assert told(cli("parallel", "hat.npz", "twice.npz", "-o", "a.npz", "--json"))["network"]["widths"][0] == 2
    assert nnapprox.load("a.npz")([THIRD, Fraction(1, 5)]).tolist() == [Fraction(2, 3), Fraction(4, 5)]
    assert (
        told(cli("parallel", "hat.npz", "twice.npz", "--shared", "-o", "a.npz", "--json"))["network"]["widths"][0] == 1
    )
    assert nnapprox.load("a.npz")([Fraction(1, 5)]).tolist() == [Fraction(2, 5), Fraction(4, 5)]


def test_add(cli):
    words = ["--coefficients", "1,-1/2", "--constant", "1/7", "-o", "a.npz", "--json"]
    assert told(cli("add", "hat.npz", "exact.npz", *words))["network"]["depth"] == 2
    assert nnapprox.load("a.npz")([THIRD]) == [Fraction(1, 3) + Fraction(1, 7)]
    cli("add", "hat.npz", "exact.npz", "-o", "a.npz")
    assert nnapprox.load("a.npz")([THIRD]) == [Fraction(4, 3)]


def test_floats_are_said_to_be_exact_or_not(cli):
    words = ["add", "hat.npz", "hat.npz", "--coefficients", "1,1/3", "-o"]
    assert told(cli(*words, "a.onnx", "--json"))["network"]["exact"] is False
    assert told(cli(*words[:3], "-o", "a.onnx", "--json"))["network"]["exact"] is True
    assert nnapprox.load("a.onnx").dtype == "float64"
    assert "exact" in cli(*words, "a.npz").out


@pytest.mark.parametrize(
    ("words", "status", "message"),
    [
        (["compose", "hat.npz"], 2, "name two networks or more"),
        (["compose"], 2, "FILE"),
        (["compose", "hat.npz", "gone.npz"], 1, "gone.npz is not there"),
        (["compose", "hat.npz", "network.npz"], 2, "gives 10 values, but the outer one takes 1"),
        (["parallel", "hat.npz", "network.npz", "--shared"], 2, "not 1 and 64"),
        (["add", "hat.npz", "network.npz"], 2, "not 1 and 64"),
        (["add", "hat.npz", "hat.npz", "--coefficients", "1"], 2, "2 networks need as many coefficients, not 1"),
        (["add", "hat.npz", "hat.npz", "--coefficients", "1,x"], 2, "'x' is not a number"),
        (["add", "hat.npz", "-o", "nowhere/a.npz"], 2, "its folder is not there"),
        (["add", "hat.npz", "-o", "a.onnx", "--dtype", "rational"], 2, "ONNX holds no rationals"),
        (["add", "tanh.npz"], 2, "activation tanh"),
    ],
)
def test_refused(cli, words, status, message):
    nnapprox.save(nnapprox.Network(nnapprox.load("hat.npz").layers, "tanh"), "tanh.npz")
    before = sorted(Path().iterdir())
    assert message in cli(*words).failed(status)
    assert sorted(Path().iterdir()) == before
