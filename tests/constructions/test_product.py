"""Products of two factors, exactly certified, and of many."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox.constructions.product import multi_product_network, product_network


@pytest.mark.parametrize(("m", "bound"), [(1, 1), (2, 1), (4, 2), (3, Fraction(1, 10))])
def test_product(construct, m, bound):
    made = construct(f"product --depth {m} --bound {bound}")
    assert made.sizes == (m + 2, 16 * m + 6)
    assert made.hidden == (4, 4, *[6] * (m - 1))
    if m >= 2:
        assert made.network.max_weight == max(4, 1 / (2 * Fraction(bound)), Fraction(bound) ** 2)
    assert (made.kind, made.upper, made.bound) == ("exact", *[Fraction(bound) ** 2 / 4 ** (m + 1)] * 2)
    x, y = map(Fraction, made.told["certificate"]["argmax"])
    assert abs(made.at(x, y) - x * y) == made.upper
    assert made.at(x, -y) + x * y == -made.upper


@settings(max_examples=60)
@given(st.integers(1, 4), st.fractions(-2, 2, max_denominator=64), st.fractions(-2, 2, max_denominator=64))
def test_values(m, x, y):
    network = product_network(m, Fraction(2))
    value = network([x, y])[0]
    assert abs(value - x * y) <= Fraction(4, 4 ** (m + 1))
    assert abs(value) <= 4
    assert network([x, Fraction(0)])[0] == network([Fraction(0), y])[0] == 0


@pytest.mark.parametrize("n", [2, 3, 4, 5, 7, 8])
def test_many_factors(construct, n):
    m = 2
    made = construct(f"multi-product --factors {n} --depth {m}")
    assert made.network.depth == math.ceil(math.log2(n)) * (m + 1) + 1
    assert made.upper <= made.bound == Fraction(n - 1, 4 ** (m + 1))
    assert made.told["certificate"]["kind"] == "bound"


@settings(max_examples=40)
@given(st.lists(st.fractions(-1, 1, max_denominator=32), min_size=2, max_size=6))
def test_many_factors_values(xs):
    assert abs(multi_product_network(len(xs), 3)(xs)[0] - math.prod(xs)) <= Fraction(len(xs) - 1, 4**4)


def test_eps(construct):
    assert construct("product --eps 1/100 --bound 3").upper <= Fraction(1, 100)
    assert construct("multi-product --factors 5 --eps 1/100").upper <= Fraction(1, 100)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("product --depth 3 --bound 0", "--bound must be above 0"),
        ("multi-product --factors 1 --depth 2", "--factors must be at least 2"),
        ("multi-product --factors 99999999 --depth 2", "needs more memory than there is"),
    ],
)
def test_refused(refused, words, message):
    assert message in refused(words)
