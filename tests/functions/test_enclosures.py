"""Enclosures hold what they should: values, derivatives, kinks, jumps, poles."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox.errors import UsageError
from nnapprox.exact import Ball, Rational, ball_around, bounds, precision, to_rational
from nnapprox.functions import parse
from nnapprox.functions.tree import text_of
from tests.functions.trees import polynomial_trees, rational_trees, smooth_trees, value_of

rationals = st.fractions(-2, 2, max_denominator=1000)


def ball(low, high):
    return ball_around(to_rational(Fraction(low)), to_rational(Fraction(high)))


def holds(enclosure, value):
    """Whether a rational is in a ball; `contains` asks that for all of a ball around it."""
    low, high = bounds(enclosure)
    return low <= to_rational(Fraction(value)) <= high


def point(x):
    return Ball(to_rational(Fraction(x)))


@st.composite
def intervals_with_points(draw):
    low, x, high = sorted(draw(st.lists(rationals, min_size=3, max_size=3)))
    return low, x, high


@given(rational_trees(), intervals_with_points())
@settings(max_examples=200)
def test_enclosures_hold_exact_values(tree, interval):
    low, x, high = interval
    expression, value = parse(text_of(tree)), value_of(tree, x)
    assert holds(expression.enclose([ball(low, high)]), value)
    assert holds(expression.enclose([point(x)]), value)
    assert holds(expression.series(ball(low, high), 0)[0], value)


@given(smooth_trees(), intervals_with_points())
@settings(max_examples=200)
def test_enclosures_hold_precise_values_and_derivatives(tree, interval):
    low, x, high = interval
    expression = parse(text_of(tree))
    with precision(400):
        value, fine = expression.enclose([point(x)]), expression.series(point(x), 4)
    assert expression.enclose([ball(low, high)]).overlaps(value)
    wide = expression.series(ball(low, high), 4)
    assert 1 <= len(wide) <= 5
    for narrow, coefficient in zip(fine, wide, strict=False):
        assert coefficient.overlaps(narrow)
    assert math.isclose(float(value), float(value_of(tree, float(x))), rel_tol=1e-6, abs_tol=1e-6)


@given(polynomial_trees(), rationals, st.integers(0, 6))
@settings(max_examples=150)
def test_series_of_polynomials_are_their_derivatives(tree, x, order):
    expression = parse(text_of(tree))
    coefficients = expression.polynomial()
    found = expression.series(point(x), order)
    assert len(found) == order + 1
    for k, enclosure in enumerate(found):
        exact = sum((c * math.comb(n, k) * x ** (n - k) for n, c in enumerate(coefficients) if n >= k), Fraction(0))
        assert holds(enclosure, exact)


@given(smooth_trees(), intervals_with_points())
@settings(max_examples=100)
def test_slopes_hold_difference_quotients_even_across_kinks(tree, interval):
    low, x, high = interval
    expression = parse(text_of(tree))
    series = expression.series(ball(low, high), 1)
    if len(series) == 2 and low < x:
        with precision(300):
            rise = expression.enclose([point(x)]) - expression.enclose([point(low)])
            assert series[1].overlaps(rise / to_rational(x - low))


@pytest.mark.parametrize(
    ("text", "low", "high", "known"),
    [
        ("abs(x)", -1, 1, 2),
        ("max(x, -x)", -1, 1, 2),
        ("tri(x)", Fraction(1, 2), Fraction(3, 2), 2),
        ("exp(-abs(x))", -1, 1, 2),
        ("sqrt(x)", 0, 1, 1),
        ("floor(x)", Fraction(1, 2), Fraction(3, 2), 1),
        ("sign(x) + x", -1, 1, 1),
        ("step(x)", -1, 1, 1),
        ("1/x", -1, 1, 0),
        ("log(x)", 0, 1, 0),
        ("sqrt(x - 5)", 0, 1, 0),
        ("tan(x)", 1, 2, 0),
        ("x^x", 0, 1, 0),
        ("0*x^-1", -1, 1, 0),
        ("(1/x)^0", -1, 1, 0),
        ("tri(1/x)", -1, 1, 0),
        ("sign(log(x))", 0, 1, 0),
        ("step(1/x)*x", -1, 1, 0),
        ("sin(1/x)", 0, 1, 0),
        ("(x - x)^(x^0 + log(x))", 0, 1, 0),
        ("abs(x)", 1, 2, 5),
        ("floor(x)", Fraction(1, 4), Fraction(3, 4), 5),
        ("tri(x)", Fraction(5, 4), Fraction(7, 4), 5),
        ("sqrt(x)", 1, 2, 5),
        ("x^(-2/3)", 1, 2, 5),
        ("x^-3", 1, 2, 5),
        ("2^x*x^x", 1, 2, 5),
    ],
)
def test_series_end_where_nothing_more_is_known(text, low, high, known):
    expression = parse(text)
    assert len(expression.series(ball(low, high), 4)) == known
    assert expression.enclose([ball(low, high)]).is_finite() == (known > 0)


def test_roots_near_zero_are_finite_and_of_negatives_are_not():
    circle = parse("sqrt(1 - x^2)")
    assert circle.enclose([ball(-1, 1)]).is_finite()
    assert circle.enclose([point(1)]).contains(0)
    assert not circle.enclose([ball(Fraction(11, 10), 2)]).is_finite()
    assert parse("x^-2").enclose([ball(1, 2)]).is_finite()
    assert not parse("x^-2").enclose([ball(-1, 1)]).is_finite()
    assert parse("sqrt(x^2)").enclose([ball(-1, 1)]).is_finite()


def test_precision_is_what_was_asked_for():
    with precision(1000):
        assert parse("sin(x)").enclose([point(1)]).rel_accuracy_bits() > 950
    assert parse("sin(x)").enclose([point(1)]).rel_accuracy_bits() < 60


@pytest.mark.parametrize(
    ("text", "low", "high", "points"),
    [
        ("abs(x - 1/3)", 0, 1, [Fraction(1, 3)]),
        ("relu(x - 12345/67891)^2", 0, 1, [Fraction(12345, 67891)]),
        ("sqrt(x)", 0, 1, [0]),
        ("sqrt(1 - x^2)", -1, 1, [-1, 1]),
        ("floor(3*x) + exp(x)", Fraction(1, 10), Fraction(9, 10), [Fraction(1, 3), Fraction(2, 3)]),
        ("tri(4*x)*x", 0, 1, [0, Fraction(1, 4), Fraction(1, 2), Fraction(3, 4), 1]),
        ("sqrt(abs(x))", -1, 1, [0]),
        ("abs(x^2 - 2)", 0, 2, []),
        ("exp(-x^2)", -4, 4, []),
        ("1/x", Fraction(1, 10**12), 1, []),
        ("tri(2^30*x)*x", 0, 1, []),
        ("x^x", Fraction(1, 100), 1, []),
    ],
)
def test_singular_points(text, low, high, points):
    assert parse(text).singular_points(Fraction(low), Fraction(high)) == points


@pytest.mark.parametrize(
    ("text", "low", "high", "message"),
    [
        ("1/x", -1, 1, "1/x is a division by 0, at x = 0"),
        ("x/(x - 1/3)", 0, 1, "is a division by 0, at x = 1/3"),
        ("log(x)", 0, 1, "log(x) is not defined, as 0 is not positive, at x = 0"),
        ("log(x)", -1, 1, "is not positive"),
        ("log(x - 10^-30)", 0, 1, "at x = 0"),
        ("sqrt(x)", -1, 1, "is negative"),
        ("sqrt(x - 10^-30)", 0, 1, "is negative, at x = 0"),
        ("tan(x)", 0, 2, "near x = 1.570796327, where it may have a pole"),
        ("1/(x^2 - 2)", 0, 2, "near x = 1.414213562"),
        ("sin(x)/x", -1, 1, "1/x is a division by 0, at x = 0"),
        ("x^x", 0, 1, "near x = 0"),
    ],
)
def test_poles_are_refused_by_name(text, low, high, message):
    with pytest.raises(UsageError) as caught:
        parse(text).singular_points(Fraction(low), Fraction(high))
    assert message in str(caught.value)


@pytest.mark.parametrize(
    ("text", "low", "high"),
    [
        ("abs(x)", 0, 1),
        ("abs(x - 1/3)*exp(x)", 0, Fraction(1, 3)),
        ("floor(3*x)", Fraction(1, 3), Fraction(2, 3)),
        ("sign(x - 1/7) + step(1/7 - x)", Fraction(1, 7), 1),
        ("tri(5*x)*x", Fraction(3, 5), Fraction(4, 5)),
        ("tri(5*x)*x", Fraction(-1, 5), 0),
        ("max(x, 1/3, 2/3 - x)", Fraction(1, 3), 1),
        ("min(x, abs(-2*x), 1)", 0, Fraction(1, 3)),
        ("clip(x, 1/3, 2/3)", Fraction(1, 3), Fraction(2, 3)),
    ],
)
def test_branches_have_no_kinks_at_the_ends_of_their_interval(text, low, high):
    expression, ends = parse(text), (to_rational(Fraction(low)), to_rational(Fraction(high)))
    assert len(expression.series(ball_around(*ends), 3)) < 4
    branch = expression.on(*ends)
    assert len(branch.series(ball_around(*ends), 3)) == 4
    for k in range(1, 8):
        x = ends[0] + (ends[1] - ends[0]) * k / 8
        assert branch.enclose([Ball(x)]).overlaps(expression.enclose([Ball(x)]))


def test_branches_keep_what_is_inside():
    assert len(parse("abs(x)").on(Rational(-1), Rational(1)).series(ball(-1, 1), 3)) == 2
    assert len(parse("abs(sin(x))").on(Rational(0), Rational(1)).series(ball(0, 1), 3)) == 2
    assert parse("sin(x)").on(Rational(0), Rational(1)) == parse("sin(x)")


def test_factorials_are_of_constants():
    with pytest.raises(UsageError, match="factorial"):
        parse("factorial(x)").enclose([point(3)])
    with pytest.raises(UsageError, match="factorial"):
        parse("factorial(x)").series(point(3), 1)


def test_series_along_a_line():
    expression = parse("x^2*y + sin(y)")
    found = expression.series_along([point(2), point(0)], [point(1), point(3)], 3)
    for enclosure, exact in zip(found, [0, 4 * 3 + 3, 2 * 2 * 3, 3 - Fraction(27, 6)], strict=True):
        assert holds(enclosure, exact)
    assert parse("log(x*y)").series_along([ball(-1, 1), point(1)], [point(1), point(0)], 2) == []
    assert len(parse("max(x, y)").series_along([point(1), point(1)], [point(1), point(0)], 2)) == 2
