"""``nnapprox train --function``."""

from __future__ import annotations

import json
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

import nnapprox

QUICK = ("--samples", "300", "--epochs", "2", "--hidden", "6", "--quiet")


def test_what_was_found_is_certified_and_checked_from_its_file(cli):
    status, out, _ = cli("train", "--function", "sin(3*x)/3", "--domain=-2,2", *QUICK, "--json")
    assert status == 0
    told = json.loads(out)
    assert told["network"]["path"] == "function-1-6-1.npz"
    assert told["dataset"] == "sin(3*x)/3 on [-2, 2]"
    assert told["history"][-1]["test_loss"] > 0
    certificate = told["certificate"]
    assert (certificate["norm"], certificate["kind"], certificate["domain"]) == ("sup", "enclosure", [["-2", "2"]])
    low, high = map(Fraction, certificate["value"])
    points = np.linspace(-2, 2, 10_001)[:, None]
    network = nnapprox.load("function-1-6-1.npz").astype("float64")
    worst = np.abs(network(points)[:, 0] - np.sin(3 * points[:, 0]) / 3).max()
    assert worst <= float(high) * (1 + 1e-9)
    assert worst >= float(low) * 0.999
    assert cli("check", "function-1-6-1.npz").status == 0


@pytest.mark.parametrize("function", ["x*y - x^2", "abs(x - y)", "max(x, y, 2*z)"])
def test_several_variables(cli, function):
    """Where the function is piecewise affine or quadratic, the largest error is exact, and is attained."""
    status, out, _ = cli("train", "--function", function, *QUICK, "-o", "a.npz", "--json")
    assert status == 0
    certificate = json.loads(out)["certificate"]
    assert (certificate["norm"], certificate["kind"]) == ("sup", "exact")
    point = [Fraction(x) for x in certificate["argmax"]]
    network, target = nnapprox.load("a.npz"), nnapprox.parse(function)
    value = Fraction(certificate["value"])
    assert abs(network.astype("rational")(point)[0] - target.at(point)) == value
    points = np.random.default_rng(0).random((10_000, target.inputs))
    errors = np.abs(network.astype("float64")(points)[:, 0] - target.value(points))
    assert errors.max() <= float(value) * (1 + 1e-9)
    assert cli("check", "a.npz").status == 0


def test_the_error_is_shown(cli):
    status, out, _ = cli("train", "--function", "x^2", *QUICK)
    assert status == 0
    assert "x^2 on [0, 1]: 300 training and 60 test samples" in out
    assert "sup error" in out
    assert "test loss" in out


def test_seeds_draw_their_own_samples(cli):
    for seed in (3, 3, 4):
        assert cli("train", "--function", "x^2", *QUICK, "--seed", seed, "-o", "a.npz").status == 0
        Path("a.npz").rename(f"{seed}.npz" if not Path(f"{seed}.npz").exists() else "again.npz")
    assert nnapprox.load("3.npz") == nnapprox.load("again.npz") != nnapprox.load("4.npz")


@pytest.mark.parametrize(
    "arguments",
    [("--function", "sin(x+y)"), ("--function", "x^2", "--activation", "tanh"), ("--function", "x1*x9")],
)
def test_without_a_proof_the_network_is_written_all_the_same(cli, arguments):
    status, out, _ = cli("train", *arguments, *QUICK, "-o", "a.npz", "--json")
    assert status == 0
    assert "certificate" not in json.loads(out)
    assert Path("a.npz").exists()


def test_a_run_goes_on_from_its_checkpoint(cli):
    whole = ("train", "--function", "x^2", "--domain", "0,2", *QUICK)
    assert cli(*whole, "-o", "whole.npz", "--checkpoint", "a.checkpoint.npz").status == 0
    assert (
        cli(
            "train",
            "--function",
            "x^2",
            "--domain",
            "0,2",
            "--samples",
            "300",
            "--resume",
            "a.checkpoint.npz",
            "--quiet",
            "-o",
            "again.npz",
        ).status
        == 0
    )
    assert nnapprox.load("whole.npz") == nnapprox.load("again.npz")
    line = cli("train", "--function", "x^2", "--samples", "300", "--resume", "a.checkpoint.npz", "--quiet").failed(1)
    assert "belongs to other data (x^2 on [0, 2]) than x^2 on [0, 1]" in line


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--function", ""], "the expression is empty"),
        (["--function", "sni(x)"], "did you mean sin? (at character 1"),
        (["--function", "1/x", "--domain=-1,1"], "1/x is a division by 0, at x = 0"),
        (["--function", "log(x)"], "log(x) is not defined, as 0 is not positive, at x = 0"),
        (["--function", "tan(x)", "--domain", "0,2"], "near x = 1.570796327"),
        (["--function", "exp(1000*x)"], "no finite value in floating point"),
        (["--function", "x", "--domain", "1,0"], "empty"),
        (["--function", "x", "--domain", "0"], "no domain"),
        (["--function", "x", "--domain", "0,a"], "is not a number"),
        (["--function", "x+y", "--domain", "0,1"], "one of 1 variables is needed"),
        (["--function", "x", "--samples", "0"], "at least 1, not 0"),
        (["--function", "x", "--samples", "10**9"], "--samples"),
        (["--function", "x", "--loss", "cross-entropy"], "use --loss squared"),
        (["--function", "x", "--dataset", "digits"], "leave --dataset out"),
        (["--function", "x", "--data-dir", "."], "leave --data-dir out"),
        (["--domain", "0,1"], "give --function too"),
        (["--samples", "5"], "give --function too"),
    ],
)
def test_bad_options_are_refused_and_nothing_is_written(cli, arguments, message):
    before = sorted(Path().iterdir())
    assert message in cli("train", *arguments).failed(2)
    assert sorted(Path().iterdir()) == before
