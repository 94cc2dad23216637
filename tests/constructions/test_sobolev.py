"""Smooth functions by local Taylor polynomials."""

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox import constructions
from nnapprox.constructions.sobolev import expand, local_polynomial, product_error, sobolev_network
from nnapprox.errors import UsageError
from nnapprox.functions import parse

WAVE = "sin(2*x+y)/4"


def build(function=WAVE, cells=4, square_depth=8, **options):
    return constructions.build("sobolev", function=function, cells=cells, square_depth=square_depth, **options)


def samples(dim, count=20_000):
    points = np.random.default_rng(0).random((count, dim))
    points[: count // 10] = np.round(points[: count // 10] * 12) / 12
    return points


def trapezoid(t):
    return np.clip(2 - np.abs(t), 0, 1)


def exact_sum(function, cells, order, points):
    """The sum of psi_m T_m without products that are networks, in floating point."""
    total = np.zeros(len(points))
    for m in itertools.product(range(cells + 1), repeat=function.inputs):
        rest = points - np.array(m) / cells
        taylor = local_polynomial(function, m, cells, order).polynomial
        values = sum(float(c) * np.prod(rest ** np.array(power), axis=1) for power, c in taylor.items())
        total += np.prod(trapezoid(3 * cells * rest), axis=1) * values
    return total


@pytest.mark.parametrize(
    ("cells", "found", "bound"), [(2, 0.0358, 2), (4, 0.00945, 0.5), (8, 0.00242, 0.125), (16, 0.000608, 0.03125)]
)
def test_rates(cells, found, bound):
    made, points = build(cells=cells, square_depth=12), samples(2)
    target = made.target.value(points)
    assert np.abs(exact_sum(parse(WAVE), cells, 2, points) - target).max() == pytest.approx(found, rel=0.01)
    error = np.abs(made.network.astype("float64")(points)[:, 0] - target).max()
    assert error == pytest.approx(found, rel=0.02)
    assert error <= float(made.certificate.upper) < float(made.theorem.bound) / 10
    assert float(made.theorem.bound) == pytest.approx(bound, rel=0.01)


@pytest.mark.parametrize(
    ("function", "cells", "order"),
    [
        (WAVE, 5, 1),
        (WAVE, 5, 3),
        ("x*y*z", 3, 2),
        ("exp(x)", 8, 2),
        ("exp(-x^2)", 4, 4),
        ("abs(x-y)", 6, 1),
        ("3", 2, 2),
        ("0", 2, 1),
    ],
)
def test_certificates_hold(function, cells, order):
    made = build(function, cells, 9, order=order)
    points = samples(made.target.inputs, 5000)
    error = np.abs(made.network.astype("float64")(points)[:, 0] - made.target.value(points)).max()
    assert made.certificate.certified
    assert error <= float(made.certificate.upper) + 1e-12
    assert made.certificate.upper <= made.theorem.bound


def test_products_add_what_they_may():
    function, points = parse(WAVE), samples(2)
    for order, depth in itertools.product((2, 3), (3, 6)):
        local = {m: local_polynomial(function, m, 4, order).polynomial for m in itertools.product(range(5), repeat=2)}
        network = sobolev_network(local, 4, depth).astype("float64")
        off = np.abs(network(points)[:, 0] - exact_sum(function, 4, order, points)).max()
        assert off <= float(product_error(local, 4, depth))


def test_few_products_are_needed():
    """Twice as many cells cost gates, not products."""
    coarse, fine = build(cells=8).network, build(cells=16).network
    assert fine.depth == coarse.depth
    assert fine.nonzeros - coarse.nonzeros < 20 * (17**2 - 9**2)


@given(
    coefficients=st.lists(st.fractions(-9, 9, max_denominator=9), min_size=6, max_size=6),
    centre=st.lists(st.fractions(-2, 2, max_denominator=9), min_size=2, max_size=2),
    x=st.lists(st.fractions(-2, 2, max_denominator=9), min_size=2, max_size=2),
)
def test_expansion(coefficients, centre, x):
    taylor = dict(zip([(0, 0), (1, 0), (0, 1), (2, 0), (1, 1), (0, 2)], coefficients, strict=True))
    around = sum(c * (x[0] - centre[0]) ** i * (x[1] - centre[1]) ** j for (i, j), c in taylor.items())
    assert sum(c * x[0] ** i * x[1] ** j for (i, j), c in expand(taylor, centre).items()) == around


def test_taylor_polynomials():
    taylor = local_polynomial(parse("x^3*y + 2*x*y"), (1, 2), 2, 3)
    assert taylor.polynomial == {
        (0, 0): Fraction(9, 8), (1, 0): Fraction(11, 4), (0, 1): Fraction(9, 8),
        (2, 0): Fraction(3, 2), (1, 1): Fraction(11, 4), (0, 2): 0,
    }  # fmt: skip
    assert taylor.derivative >= 6


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"function": "abs(x-y)", "order": 2}, "no derivatives of order 2"),
        ({"function": "1/(x+y)"}, "x"),
        ({"function": "sqrt(x)", "order": 1}, "no derivatives of order 1"),
        ({"cells": 0}, "--cells must be at least 1"),
        ({"cells": 10**6}, "--cells"),
        ({"function": "x1*x9"}, "9 variables"),
        ({"order": 9}, "--order must be at most 5"),
        ({"square_depth": 10**6}, "--square-depth must be at most"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(UsageError, match=message):
        build(**options)
