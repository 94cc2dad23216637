from fractions import Fraction
from math import gcd

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox import exact
from nnapprox.exact import Ball, Rational, integers
from tests.strategies import LONG_RATIONALS, SHORT_RATIONALS

NEAR_LIMITS = st.sampled_from([0, 2**26, 2**31, 2**53, 2**62, 2**63, 2**64, 10**40]).flatmap(
    lambda size: st.builds(lambda sign, step: sign * size + step, st.sampled_from([-1, 1]), st.integers(-2, 2))
)
"""Integers around the sizes at which arithmetic changes over."""


def arrays(*shape):
    size = int(np.prod(shape))
    kinds = st.sampled_from([st.integers(-3, 3), NEAR_LIMITS, st.just(0) | NEAR_LIMITS])
    return kinds.flatmap(lambda kind: st.lists(kind, min_size=size, max_size=size)).map(
        lambda values: integers(values).reshape(shape)
    )


def listed(array):
    return array.astype(object).tolist()


@given(st.lists(NEAR_LIMITS))
def test_integers_are_as_narrow_as_they_can_be(values):
    array = integers(values)
    assert array.tolist() == values
    assert (array.dtype == np.int64) == all(abs(v) < 2**63 for v in values)
    assert exact.largest(array) == max(map(abs, values), default=0)


@given(*[arrays(4)] * 4)
def test_arithmetic_does_not_overflow(a, b, c, d):
    columns = list(zip(*map(listed, (a, b, c, d)), strict=True))
    assert listed(exact.product(a, b)) == [p * q for p, q, _, _ in columns]
    assert listed(exact.sum_of_products(a, b, c, d)) == [p * q + r * s for p, q, r, s in columns]
    assert listed(exact.minors(a, b, c, d)) == [p * s - q * r for p, q, r, s in columns]
    assert listed(exact.signs(a)) == [(p > 0) - (p < 0) for p, *_ in columns]


@given(arrays(3, 4))
def test_columns_are_reduced(columns):
    found = exact.reduced(columns)
    for before, after in zip(listed(columns.T), listed(found.T), strict=True):
        divisor = gcd(*before) or 1
        assert [divisor * k for k in after] == before


@given(st.tuples(*[st.integers(1, 9)] * 3).flatmap(lambda s: st.tuples(arrays(s[0], s[1]), arrays(s[1], s[2]))))
def test_matrix_product(matrices):
    first, second = matrices
    expected = first.astype(object) @ second.astype(object)
    assert listed(exact.matrix_product(first, second)) == expected.tolist()


@pytest.mark.parametrize("bits", [10, 20, 28, 29, 31, 40])
@pytest.mark.parametrize("density", [0.02, 1])
def test_matrix_product_in_float_in_64_bits_and_beyond(bits, density):
    rng = np.random.default_rng(bits)
    first, second = (rng.integers(-(2**bits), 2**bits, (50, 50)) for _ in range(2))
    first = first * (rng.random(first.shape) < density)
    expected = first.astype(object) @ second.astype(object)
    assert listed(exact.matrix_product(first, second)) == expected.tolist()


def test_empty_matrix_product():
    assert exact.matrix_product(np.ones((2, 3), np.int64), np.ones((3, 0), np.int64)).shape == (2, 0)


@given(LONG_RATIONALS | st.floats(allow_nan=False, allow_infinity=False) | st.integers())
def test_rationals_there_and_back(number):
    assert exact.to_fraction(exact.to_rational(number)) == Fraction(number)


@given(st.lists(st.lists(LONG_RATIONALS | SHORT_RATIONALS, min_size=3, max_size=3), min_size=1, max_size=3))
def test_rows_of_integers(rows):
    weight, bias = np.array([row[:2] for row in rows], dtype=object), np.array([row[2] for row in rows], dtype=object)
    found = exact.integer_rows(weight, bias, (6, 35))
    for row, whole, scale in zip(rows, listed(found.matrix), found.scale, strict=True):
        assert [Fraction(k, scale) for k in whole] == [row[0] / 6, row[1] / 35, row[2]]
        assert scale > 0
        assert gcd(scale, *whole) == 1


@given(SHORT_RATIONALS, SHORT_RATIONALS, st.integers(2, 200))
def test_balls_hold_what_they_are_made_of(low, high, bits):
    low, high = sorted((low, high))
    with exact.precision(bits):
        ends = exact.bounds(exact.ball_around(exact.to_rational(low), exact.to_rational(high)))
    assert exact.to_fraction(ends[0]) <= low <= high <= exact.to_fraction(ends[1])


def test_precision_holds_within_its_block():
    def width():
        low, high = exact.bounds(Ball(Rational(1, 3)))
        return high - low

    before = width()
    with exact.precision(500):
        assert width() < Rational(1, 2**490)
    assert width() == before
    with pytest.raises(ZeroDivisionError), exact.precision(500):
        Rational(1, 0)
    assert width() == before


def test_precision_of_series_only():
    with exact.precision(64), exact.precision(terms=3):
        series = exact.BallSeries([1, 1], 10).exp()
        assert series.prec == 3
        assert series[2].rel_accuracy_bits() > 50
