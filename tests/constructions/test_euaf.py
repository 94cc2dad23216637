"""The network of fixed size of Shen, Yang and Zhang."""

from fractions import Fraction
from itertools import combinations, pairwise
from math import gcd, log2, pi

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox import constructions
from nnapprox.activation import Activation, euaf
from nnapprox.constructions.euaf import Remainders, coded_network
from nnapprox.errors import UsageError

unit = st.fractions(0, 1, max_denominator=10**6)


def build(function, eps):
    return constructions.build("euaf", function=function, eps=eps)


@given(values=st.lists(unit, min_size=1, max_size=30), error=st.fractions(Fraction(1, 10**9), Fraction(1, 2)))
def test_one_number_holds_a_sequence(values, error):
    code = Remainders.within(len(values), error)
    number = code.encode(values)
    for place, value in enumerate(values, start=1):
        assert abs(euaf(number / (code.base + place)) - value) <= error


@pytest.mark.parametrize("length", [1, 2, 3, 12, 40])
def test_moduli_are_coprime(length):
    code = Remainders.within(length, Fraction(1, 100))
    moduli = [(code.base + k) * code.step for k in range(1, length + 1)]
    assert all(n.denominator == 1 and n >= 100 for n in moduli)
    assert all(gcd(a.numerator, b.numerator) == 1 for a, b in combinations(moduli, 2))


@given(values=st.lists(unit, min_size=5, max_size=13), x=unit)
def test_the_network_interpolates(values, x):
    error = Fraction(1, 10**8)
    network, _ = coded_network(values, error)
    cells = len(values) - 1
    k = min(int(x * cells), cells - 1)
    share = x * cells - k
    between = (1 - share) * values[k] + share * values[k + 1]
    assert abs(network([x])[0] - between) <= error


def test_it_is_affine_between_nodes():
    network, _ = coded_network([Fraction(k * k % 7, 7) for k in range(20)], Fraction(1, 1000))
    values = [y for (y,) in network([[Fraction(k, 19 * 8)] for k in range(19 * 8 + 1)])]
    for cell in range(19):
        points = values[8 * cell : 8 * cell + 9]
        assert len({b - a for a, b in pairwise(points)}) == 1


@pytest.mark.parametrize("eps", [Fraction(1, 4), Fraction(1, 64)])
@pytest.mark.parametrize("function", ["sin(3*x)/3", "abs(x-1/2)", "sqrt(x)", "3*cos(9*x)"])
def test_the_size_is_fixed(function, eps):
    made = build(function, eps)
    assert made.network.widths == (1, 3, 8, 8, 17, 9, 1)
    assert made.certificate.certified
    assert made.certificate.upper <= eps
    points = np.random.default_rng(0).random((40, 1))
    found = np.array([float(y) for (y,) in made.network(points)])
    assert np.abs(found - made.target.value(points)).max() <= float(made.certificate.upper) + 1e-12


def test_bits_grow_instead():
    coarse, fine = (build("sin(3*x)/3", eps).notes for eps in ("1/10", "1/1000"))
    assert coarse["bits of the four numbers"] < fine["bits of the four numbers"]
    assert fine["bits of the four numbers"] >= fine["bits that density lets expect"]
    assert coarse["float64 is off by"] < 1e-6
    assert fine["float64 is off by"] > 0.01


@pytest.mark.parametrize(("length", "eps"), [(1, 0.01), (2, 0.05), (3, 0.1), (3, 0.05), (4, 0.1)])
def test_density(length, eps):
    """Without design, integers w with |tri(w / (pi + k)) - y_k| < eps for k = 1..K have K log2(1 / (2 eps)) bits."""
    rng, activation, found = np.random.default_rng(0), Activation("euaf"), []
    steps = np.arange(60.0 * (1 / (2 * eps)) ** length)
    waves = np.stack([np.abs(w - 2 * np.floor((w + 1) / 2)) for w in (steps / (pi + k) for k in range(1, length + 1))])
    for _ in range(30):
        values = rng.random((length, 1))
        found.append(steps[np.argmax((np.abs(waves - values) < eps).all(axis=0))])
    some = float(steps[7])
    assert activation.apply(np.array([some / (pi + 1)]))[0] == pytest.approx(waves[0][7], abs=1e-9)
    assert log2(np.mean(found)) == pytest.approx(length * log2(1 / (2 * eps)), abs=2)


@pytest.mark.parametrize(
    ("function", "eps", "message"),
    [
        ("1/x", "1/5", "at x = 0"),
        ("floor(2*x)", "1/5", "may jump"),
        ("sqrt(x)", "1/1000", "more than 1024 cells"),
        ("x", "0", "--eps must be above 0"),
        ("x*y", "1/5", "is a function of x, y"),
    ],
)
def test_bad_input(function, eps, message):
    with pytest.raises(UsageError, match=message):
        build(function, eps)
