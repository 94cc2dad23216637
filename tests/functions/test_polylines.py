"""Knots and values of piecewise linear expressions."""

from __future__ import annotations

from bisect import bisect_left
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox.errors import UsageError
from nnapprox.exact import to_fraction, to_rational
from nnapprox.functions import parse
from nnapprox.functions.tree import text_of
from tests.functions.trees import piecewise_linear_trees, value_of

rationals = st.fractions(-2, 2, max_denominator=50)


def interpolate(pieces, x):
    i = max(1, bisect_left(pieces.knots, to_rational(x)))
    left, right, u, v = *pieces.knots[i - 1 : i + 1], *pieces.values[i - 1 : i + 1]
    return to_fraction(u + (v - u) * (to_rational(x) - left) / (right - left))


@given(
    piecewise_linear_trees(), rationals, st.fractions(Fraction(1, 50), 3, max_denominator=50), st.lists(st.floats(0, 1))
)
@settings(max_examples=200)
def test_pieces_interpolate_to_the_function(tree, low, width, places):
    pieces = parse(text_of(tree)).affine_pieces(low, low + width)
    assert (pieces.knots[0], pieces.knots[-1]) == (to_rational(low), to_rational(low + width))
    assert all(a < b for a, b in pairwise(pieces.knots))
    assert len(pieces.knots) == len(pieces.values)
    for x in (low + width * Fraction(place) for place in [0, 0.5, 1, *places]):
        assert interpolate(pieces, x) == value_of(tree, x)


@pytest.mark.parametrize(
    "text", ["x^2", "x*abs(x)", "sin(x)", "pi*x", "step(x)", "floor(x)", "1/x", "sqrt(2)*x", "2^x"]
)
def test_what_is_not_piecewise_linear(text):
    assert parse(text).affine_pieces(Fraction(-1), Fraction(1)) is None


def test_known_pieces():
    pieces = parse("abs(x - 1/3) - max(x, 1/2, 1 - x) + clip(3*x, 1/5, 4/5)").affine_pieces(Fraction(0), Fraction(1))
    assert [str(knot) for knot in pieces.knots] == ["0", "1/15", "4/15", "1/3", "1/2", "1"]
    assert [str(value) for value in pieces.values] == ["-7/15", "-7/15", "2/15", "2/15", "7/15", "7/15"]


def test_a_constant_has_one_piece():
    pieces = parse("x - x + 3").affine_pieces(Fraction(0), Fraction(1))
    assert (pieces.knots, pieces.values) == ([0, 1], [3, 3])


@pytest.mark.parametrize("text", ["tri(65536*x)", "tri(2*tri(2*tri(16384*x)))", "sum(k, 1, 16, tri(2^k*x)*2^-k)"])
def test_many_pieces(text):
    pieces = parse(text).affine_pieces(Fraction(0), Fraction(1))
    assert len(pieces.knots) == 2**16 + 1
    assert pieces.values[1] == to_rational(parse(text).at([Fraction(1, 2**16)]))


def test_too_many_pieces_are_refused_before_they_are_made():
    with pytest.raises(UsageError, match="more than 4,194,304 pieces"):
        parse("tri(2^60*x)").affine_pieces(Fraction(0), Fraction(1))
    assert len(parse("tri(2^60*x)").affine_pieces(Fraction(0), Fraction(1, 2**57)).knots) == 9
