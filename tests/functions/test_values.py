"""Exact and floating-point values, polynomials, against a readable twin."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nnapprox.errors import UsageError
from nnapprox.functions import parse
from nnapprox.functions.tree import text_of
from tests.functions.trees import polynomial_trees, rational_trees, smooth_trees, value_of

rationals = st.fractions(-2, 2, max_denominator=1000)


@given(rational_trees(), rationals)
@settings(max_examples=300)
def test_values_at_rationals_are_exact(tree, x):
    assert parse(text_of(tree)).at([x]) == value_of(tree, x)


@given(smooth_trees(), st.lists(st.floats(-2, 2), min_size=1, max_size=5))
@settings(max_examples=200)
def test_values_in_floating_point(tree, xs):
    exact = [value_of(tree, x) for x in xs]
    assume(max(map(abs, exact)) < 1e6)
    np.testing.assert_allclose(parse(text_of(tree)).value(np.array(xs)[:, None]), np.array(exact, float), 1e-9, 1e-9)


@given(polynomial_trees(), rationals)
@settings(max_examples=200)
def test_coefficients_of_polynomials(tree, x):
    coefficients = parse(text_of(tree)).polynomial()
    assert sum((c * x**k for k, c in enumerate(coefficients)), Fraction(0)) == value_of(tree, x)
    assert not coefficients or coefficients[-1] != 0


@pytest.mark.parametrize("text", ["sin(x)", "1/x", "x^(1/2)", "abs(x)", "pi*x", "2^x", "floor(x)", "(x^10000)^2"])
def test_what_is_no_polynomial(text):
    assert parse(text).polynomial() is None


def test_quadratics():
    matrix, vector, constant = parse("3*x^2 + x*y - (y - 1)*(y + 1)/2 - z").quadratic()
    half = Fraction(1, 2)
    assert matrix == [[3, half, 0], [half, -half, 0], [0, 0, 0]]
    assert (vector, constant) == ([0, 0, -1], half)
    for text in ("x*y*z", "sin(x) + y", "x^3 + y", "max(x, y)"):
        assert parse(text).quadratic() is None


@pytest.mark.parametrize(
    ("text", "x", "value"),
    [
        ("tri(2^60*x)", Fraction(1, 3), Fraction(2, 3)),
        ("cos(pi*x)", Fraction(1, 3), Fraction(1, 2)),
        ("sin(pi*x - pi/6)", Fraction(2, 3), 1),
        ("cos(7*pi*x)", Fraction(-1, 2), 0),
        ("sin(x)/cos(x)", 0, 0),
        ("tan(pi*x)", 1, 0),
        ("exp(x)*log(1 + x)", 0, 0),
        ("e^x", 0, 1),
        ("2^x", 3, 8),
        ("x^x", -2, Fraction(1, 4)),
        ("x^(2/3)", Fraction(1, 8), Fraction(1, 4)),
        ("sqrt(x)", Fraction(9, 4), Fraction(3, 2)),
        ("sum(k, 0, 5, x^k/factorial(k))", 1, Fraction(163, 60)),
        ("sum(i, 1, 3, sum(j, 1, i, x^j*i))", 2, 56),
        ("sum(k, 2, 1, x)", 5, 0),
        ("clip(x, 0, 1) + relu(-x)", -3, 3),
        ("sign(x) + step(x) + floor(x)", 0, 1),
        ("sign(-pi*x^0) + step(-pi)", 0, -1),
        ("0.1 + 0.2", 0, Fraction(3, 10)),
    ],
)
def test_known_values(text, x, value):
    assert parse(text).at([x]) == value
    assert parse(text).approximate([x]) == value


@pytest.mark.parametrize(
    ("text", "x", "message"),
    [
        ("exp(x)", 1, "exp(x) is not known to be rational, at x = 1"),
        ("sin(pi*x)", Fraction(1, 5), "not known to be rational"),
        ("pi*x", 1, "not rational"),
        ("1 + 1/x", 0, "1/x is a division by 0, at x = 0"),
        ("log(x)", -1, "log(x) is not defined, as -1 is not positive, at x = -1"),
        ("x^(1/3)", -8, "is not defined, as -8 is negative"),
        ("x^x", 0.5, "not known to be rational"),
        ("factorial(x)", Fraction(1, 2), "1/2 is no whole number"),
        ("x^x", 10**7, "bits"),
    ],
)
def test_what_has_no_exact_value(text, x, message):
    with pytest.raises(UsageError) as caught:
        parse(text).at([x])
    assert message in str(caught.value)


def test_points_have_as_many_coordinates_as_there_are_variables():
    with pytest.raises(UsageError, match="takes 2 coordinates, not 1"):
        parse("x+y").at([1])
    with pytest.raises(UsageError, match="has the variables x, y, where one is needed"):
        parse("x+y").polynomial()
    assert parse("x*y").value(np.array([[2.0, 3.0], [4.0, 5.0]])).tolist() == [6, 20]
    assert parse("7").value(np.zeros((3, 1))).tolist() == [7, 7, 7]
    assert parse("x").value(np.zeros((0, 1))).shape == (0,)


@pytest.mark.parametrize("bits", [0, 1, 64, 500])
def test_approximations_are_as_close_as_they_should_be(bits):
    third, sine = Fraction(1, 3), parse("sin(x)")
    fine = parse("sin(x)").approximate([third], bits + 200)
    assert abs(sine.approximate([third], bits) - fine) <= Fraction(1, 2**bits) + Fraction(1, 2 ** (bits + 200))
    assert math.isclose(fine, math.sin(1 / 3), rel_tol=1e-15)


def test_approximations_of_what_is_not_there():
    for text, x in (("1/sin(pi*x)", 1), ("log(sin(pi*x) - 1)", Fraction(1, 5)), ("exp(exp(exp(x)))", 9), ("1/x", 0)):
        with pytest.raises(UsageError, match=r"division by 0|is not defined, or too large"):
            parse(text).approximate([x])


def test_floats_without_a_value_are_not_finite():
    points = np.array([[-1.0], [0.0]])
    assert not np.isfinite(parse("log(x)").value(points)).any()
    assert not np.isfinite(parse("1/0^(x^2)").value(np.array([[1.0]]))).any()
    assert np.isinf(parse("10^1000*(x^2 + 1)").value(points)).all()
