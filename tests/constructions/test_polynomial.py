"""Monomials, polynomials, Chebyshev polynomials, and power series."""

from __future__ import annotations

import math
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox.constructions.polynomial import (
    chebyshev_coefficients,
    chebyshev_error,
    chebyshev_network,
    on_unit_interval,
    polynomial_error,
    polynomial_network,
    polynomial_on,
)

rationals = st.fractions(-3, 3, max_denominator=8)


def value_of(coefficients, x):
    return sum(c * x**k for k, c in enumerate(coefficients))


@settings(max_examples=40)
@given(st.lists(rationals, min_size=1, max_size=6), st.integers(1, 4), st.fractions(-1, 1, max_denominator=99))
def test_values(coefficients, m, x):
    network = polynomial_network(coefficients, m)
    assert abs(network([x])[0] - value_of(coefficients, x)) <= polynomial_error(coefficients) / 4 ** (m + 1)
    assert max(network.widths) <= 8


@settings(max_examples=40)
@given(st.lists(rationals, min_size=1, max_size=5), rationals, st.fractions(1, 3), st.fractions(0, 1))
def test_values_on_other_intervals(coefficients, low, length, share):
    domain, x = (low, low + length), low + share * length
    moved = on_unit_interval(coefficients, domain)
    assert value_of(moved, 2 * share - 1) == value_of(coefficients, x)
    network = polynomial_on(coefficients, domain, 3)
    assert abs(network([x])[0] - value_of(coefficients, x)) <= polynomial_error(moved) / 4**4


@pytest.mark.parametrize(("n", "m", "nonzeros"), [(2, 3, 60), (3, 3, 162), (4, 4, 324), (6, 5, 670)])
def test_sizes(construct, n, m, nonzeros):
    made = construct(f"polynomial --depth {m} --coefficients {','.join(str(k + 1) for k in range(n + 1))}")
    assert made.network.depth == (n - 1) * (m + 1) + 1
    assert made.network.nonzeros <= nonzeros
    assert made.upper <= made.bound == sum((k - 1) * Fraction(k + 1) for k in range(2, n + 1)) / 4 ** (m + 1)


@pytest.mark.parametrize(("m", "scaled", "pieces"), [(1, 1.4186, 5), (2, 1.3729, 13), (3, 1.4427, 27), (4, 1.7372, 63)])
def test_cube(construct, m, scaled, pieces):
    """The certificate of x^3, in units of 4^-(m+1)."""
    made = construct(f"monomial --power 3 --depth {m}")
    assert float(made.upper) * 4 ** (m + 1) == pytest.approx(scaled, abs=1e-4)
    assert made.told["linear_regions"] == pieces
    assert made.kind == "enclosure"
    assert made.upper <= made.bound


def test_eighth_power(construct):
    made = construct("monomial --power 8 --depth 6")
    assert float(made.upper) * 4**7 == pytest.approx(3.72, abs=0.01)
    assert made.bound == Fraction(7, 4**7)


def test_affine_and_constant_polynomials_are_exact(construct):
    for coefficients, x in (("1/3,2", "5/7"), ("1/3", "1/2"), ("0,1,0,0", "-1/3")):
        made = construct(f"polynomial --depth 1 --coefficients {coefficients}")
        assert made.network.depth == 1
        assert made.at(x) == value_of([Fraction(c) for c in coefficients.split(",")], Fraction(x))
        assert (made.kind, made.upper) == ("exact", 0)


def test_chebyshev_coefficients():
    assert chebyshev_coefficients(5) == [0, 5, 0, -20, 0, 16]
    for n in range(2, 12):
        assert sum(chebyshev_coefficients(n)) == 1


@pytest.mark.parametrize("j", [1, 2, 3])
def test_chebyshev_powers_of_two(construct, j):
    made = construct(f"chebyshev --degree {2**j} --depth 4")
    assert made.bound == Fraction(2, 3) * (4**j - 1) / 4**5
    assert made.upper <= made.bound
    if j == 1:
        assert made.upper == made.bound


@settings(max_examples=30)
@given(st.integers(2, 13), st.fractions(-1, 1, max_denominator=99))
def test_chebyshev_values(n, x):
    value = chebyshev_network(n, 4)([x])[0]
    assert abs(value - value_of(chebyshev_coefficients(n), x)) <= chebyshev_error(n) / 4**5
    assert abs(value) <= 1 + chebyshev_error(n) / 4**5


def test_exp(construct):
    made = construct("exp --degree 9 --square-depth 7")
    assert float(made.upper) == pytest.approx(1.3642e-5, rel=1e-3)
    assert float(made.bound) == pytest.approx(1.6008e-5, rel=1e-4)
    assert made.network.depth == 8 * 8 + 1


@pytest.mark.parametrize("n", [3, 4, 5])
def test_sin(construct, n):
    made = construct(f"sin --degree {n} --square-depth 5")
    odd = n - (n % 2 == 0)
    assert float(made.bound) == pytest.approx(1 / math.factorial(odd + 2) + 4**-6 / math.e)
    assert made.upper <= made.bound


@pytest.mark.parametrize("words", ["exp", "sin"])
@pytest.mark.parametrize("eps", ["1/10", "1e-4"])
def test_eps_of_the_series(construct, words, eps):
    assert construct(f"{words} --eps {eps}").upper <= Fraction(eps)


def test_a_power_series_against_its_sum(construct):
    made = construct(
        'power-series --coefficient "(-1)^k/(k+1)" --degree 8 --square-depth 6 --domain=1/8,1/2 --function "log(1+x)/x"'
    )
    assert made.told["target"] == "log(1 + x)/x"
    assert made.upper < Fraction(1, 1000)


def test_a_power_series_against_its_partial_sum(construct):
    made = construct('power-series --coefficient "1/2^k" --degree 3 --square-depth 4')
    assert made.bound == (Fraction(1, 4) + Fraction(2, 8)) / 4**5
    assert made.upper <= made.bound


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("polynomial --depth 2 --coefficients ''", "'' is not a number"),
        ("polynomial --depth 2 --coefficients 1,,2", "'' is not a number"),
        ("monomial --power 1 --depth 2", "--power must be at least 2"),
        ("monomial --power 999999 --depth 2", "--power must be at most"),
        ("chebyshev --degree 1 --depth 2", "--degree must be at least 2"),
        ("exp --degree 3", "give --degree and --square-depth, or --eps alone"),
        ("exp --degree 3 --eps 1/2", "or --eps alone"),
        ("exp --degree 3 --square-depth 2 --eps 1/2", "or --eps alone"),
        ("power-series --coefficient 1/k --degree 3 --square-depth 2", "k = 0"),
        ("power-series --coefficient j --degree 3 --square-depth 2", "'j'"),
        ("power-series --coefficient 1 --degree 3 --square-depth 2 --function 1/x", "division by 0, at x = 0"),
    ],
)
def test_refused(refused, words, message):
    assert message in refused(words)
