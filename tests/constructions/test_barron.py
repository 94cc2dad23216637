"""Few ReLUs, drawn or chosen."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest

from nnapprox import constructions
from nnapprox.constructions.barron import KINKS, chosen, drawn, kink_network, mean_square_error
from nnapprox.errors import UsageError

EXP = np.exp(KINKS)


def build(function="exp(x)", neurons=16, **options):
    return constructions.build("barron", function=function, neurons=neurons, **options)


def error(line, weights):
    values = line[0] + line[1] * KINKS
    for place, weight in weights.items():
        values = values + weight * np.maximum(KINKS - KINKS[place], 0)
    return values - EXP


def test_the_mean_square_error_is_known():
    assert mean_square_error(EXP) == pytest.approx(0.0860811, abs=1e-6)
    assert "0.0860811 / n" in build().theorem.statement
    means = [np.mean(error(*drawn(EXP, 8, np.random.default_rng(seed))) ** 2) for seed in range(4000)]
    assert 8 * np.mean(means) == pytest.approx(0.0861, abs=0.006)


def test_other_functions():
    assert mean_square_error(KINKS * 3 + 1) == pytest.approx(0, abs=1e-9)
    # x^2: f'' = 2 and V = 2 make V int 2 (1 - t)^3 / 3 dt - int x^4 dx = 1/3 - 1/5
    assert mean_square_error(KINKS**2) == pytest.approx(2 / 15, abs=1e-6)


def test_greedy_is_better_and_improves():
    errors = [np.sqrt(np.mean(error(*chosen(EXP, n)) ** 2)) for n in (1, 2, 4, 8, 16, 32)]
    assert all(after < before / 3 for before, after in pairwise(errors[1:]))
    assert errors[-2] < np.sqrt(mean_square_error(EXP) / 16) / 200


@pytest.mark.parametrize("method", ["random", "greedy"])
@pytest.mark.parametrize("function", ["exp(x)", "sin(9*x)", "abs(x - 1/2)", "x^2", "1 + x"])
def test_the_certificate_is_that_of_the_network(method, function):
    made = build(function, 12, method=method)
    assert made.certificate.certified
    assert made.certificate.norm == "L2"
    x = (np.arange(40_000) + 0.5) / 40_000
    difference = made.network.astype("float64")(x[:, None])[:, 0] - made.target.value(x[:, None])
    root = np.sqrt(np.mean(difference**2))
    assert float(made.certificate.lower) <= root + 1e-7
    assert root <= float(made.certificate.upper) + 1e-7
    assert made.network.neurons <= 13


def test_what_is_affine_needs_no_kink():
    made = build("1 + x", 5)
    assert made.network.neurons == 1
    assert made.certificate.upper < Fraction(1, 10**9)


@pytest.mark.parametrize("function", ["0", "x", "2 - 3*x"])
@pytest.mark.parametrize("method", ["random", "greedy"])
def test_nothing_to_bend(function, method):
    assert build(function, 5, method=method).certificate.upper < Fraction(1, 10**9)


def test_a_kink_is_found():
    made = build("abs(x - 1/2)", 1, method="greedy")
    assert made.certificate.upper < Fraction(1, 10**6)


def test_seeds():
    assert build(seed=3).network == build(seed=3).network
    assert build(seed=3).network != build(seed=4).network


def test_networks_are_of_dyadic_numbers():
    network = kink_network(np.array([0.1, 1 / 3]), {5: 0.7})
    assert all(number.denominator <= 2**40 for layer in network.layers for number in layer.weight.flat)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"function": "1/x"}, "not finite"),
        ({"function": "x*y"}, "is a function of x, y"),
        ({"neurons": 0}, "--neurons must be at least 1"),
        ({"neurons": 10**9}, "--neurons must be at most"),
        ({"method": "best"}, "--method"),
        ({"seed": -1}, "--seed must be at least 0"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(UsageError, match=message):
        build(**options)
