"""One neuron with a stored activation."""

from fractions import Fraction
from math import comb

import numpy as np
import pytest

from nnapprox import constructions
from nnapprox.constructions.universal import Stored, certify_stored
from nnapprox.errors import UsageError
from nnapprox.functions import parse

ABSOLUTE = "abs(x - 1/2)"


def build(function, eps):
    return constructions.build("universal", function=function, eps=eps)


@pytest.mark.parametrize(
    ("stage", "degree", "bits", "error"), [(1, 4, 20, 0.1875), (2, 16, 102, 0.0982), (3, 64, 520, 0.0497)]
)
def test_error_against_bits(stage, degree, bits, error):
    stored = Stored.of(parse(ABSOLUTE), stage)
    assert (stored.low, stored.scale) == (0, 1)
    assert stored.polynomial.degree_of(stage) == degree
    assert stored.polynomial.total_bits_of(stage) == bits
    found = certify_stored(stored.network, stored, parse(ABSOLUTE), Fraction(1, 10**5))
    assert found.kind == "enclosure"
    assert found.upper - found.lower < Fraction(1, 10**4)
    assert float(found.upper) == pytest.approx(error, abs=6e-5)


def test_the_largest_stage():
    made = build(ABSOLUTE, "1/40")
    assert made.notes["degree"] == 256
    assert made.notes["bits of N"] <= 2571
    assert float(made.certificate.upper) == pytest.approx(0.0249, abs=5e-5)
    assert "too large" in made.notes["float64 is off by"]


@pytest.mark.parametrize("function", [ABSOLUTE, "sin(3*x)", "2 - 5*x^2", "1/4", "0", "exp(x)", "sqrt(x)"])
def test_three_coefficients_are_enough(function):
    made = build(function, "1/5")
    assert made.network.widths == (1, 1, 1)
    assert made.network.nonzeros <= 4
    assert made.certificate.upper <= Fraction(1, 5)
    points = np.random.default_rng(0).random((200, 1))
    found = np.array([float(y) for (y,) in made.network(points)])
    assert np.abs(found - made.target.value(points)).max() <= float(made.certificate.upper)


def test_values_are_those_of_the_bernstein_polynomial():
    network = build(ABSOLUTE, "1/5").network
    x = Fraction(1, 3)
    expected = sum(abs(Fraction(k, 4) - Fraction(1, 2)) * comb(4, k) * x**k * (1 - x) ** (4 - k) for k in range(5))
    assert network([x])[0] == expected


def test_float64_forgets_the_point():
    """Of x + 2N nothing is left of x where N has a hundred bits."""
    made = build(ABSOLUTE, "1/10")
    assert made.notes["float64 is off by"] > 0.1
    values = made.network.astype("float64")([[0.1], [0.5], [0.9]])
    assert np.ptp(values) == 0


@pytest.mark.parametrize(
    ("function", "eps", "message"),
    [
        ("1/x", "1/5", "at x = 0"),
        (ABSOLUTE, "1/100", "degree above 256"),
        (ABSOLUTE, "-1", "--eps must be above 0"),
        ("x*y", "1/5", "is a function of x, y"),
        ("floor(2*x)", "1/5", "may jump"),
    ],
)
def test_bad_input(function, eps, message):
    with pytest.raises(UsageError, match=message):
        build(function, eps)
