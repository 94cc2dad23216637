"""The code of Kolmogorov and Tikhomirov: a function in one number."""

from fractions import Fraction
from itertools import accumulate, pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox import constructions
from nnapprox.constructions.one_weight import coded_network, decoder_network, steepest_slope
from nnapprox.errors import UsageError
from nnapprox.functions import parse

GENERIC = "sin(3*x)/3"


def build(function, eps, **options):
    return constructions.build("one-weight", function=function, eps=eps, **options)


@pytest.mark.parametrize("cells", [5, 16, 32, 100])
def test_sizes(cells):
    network = build(GENERIC, Fraction(1, cells)).network
    assert network.depth == 2 * cells - 1
    assert max(network.widths) == 7
    assert network.nonzeros == 25 * (cells - 1)
    assert network.max_weight == 2 ** (cells - 1)


@given(bits=st.lists(st.booleans(), min_size=1, max_size=40))
def test_decoding_is_exact(bits):
    cells = len(bits) + 1
    network = coded_network(bits, Fraction(0), Fraction(1))
    heights = [Fraction(0), *accumulate([0, *(Fraction(1 if bit else -1, cells) for bit in bits)])]
    points = [[Fraction(k, 2 * cells)] for k in range(2 * cells + 1)]
    values = network(points)[:, 0]
    assert list(values[::2]) == heights
    assert list(values[1::2]) == [(a + b) / 2 for a, b in pairwise(heights)]


def test_one_decoder_for_all():
    """Two functions give networks that differ in three biases of the first layer, which theta determines."""
    one, other = (build(f, "1/20", lipschitz=1).network for f in (GENERIC, "x^2/2"))
    assert one.layers[1:] == other.layers[1:]
    assert (one.layers[0].weight == other.layers[0].weight).all()
    assert np.count_nonzero(one.layers[0].bias != other.layers[0].bias) == 3
    decoder = decoder_network(20)
    theta = Fraction(one.layers[0].bias[5])
    assert list(decoder([Fraction(1, 3), theta])) == list(one([Fraction(1, 3)]))


@pytest.mark.parametrize("function", [GENERIC, "x^2", "abs(x-1/2)", "exp(x)", "1/4", "cos(9*x)", "max(x, 1-2*x)"])
@pytest.mark.parametrize("eps", [Fraction(1, 3), Fraction(1, 30)])
def test_the_error_is_certified(function, eps):
    made = build(function, eps)
    assert made.certificate.certified
    assert made.certificate.upper <= made.theorem.bound * (1 + Fraction(1, 10**5))
    assert made.theorem.bound <= eps
    points = np.random.default_rng(0).random((300, 1))
    found = np.array([float(y) for (y,) in made.network(points)])
    assert np.abs(found - made.target.value(points)).max() <= float(made.certificate.upper) + 1e-12


def test_bits_are_as_few_as_can_be():
    notes = build(GENERIC, "1/32").notes
    assert notes["bits of theta"] == notes["bits that every code for such functions needs"] == 31


def test_float64_fails_when_the_bits_are_too_many():
    assert build(GENERIC, "1/32").notes["float64 is off by"] < 1e-6
    assert build(GENERIC, "1/64").notes["float64 is off by"] > 0.5


def test_the_error_of_32_cells():
    made = build(GENERIC, "1/32")
    assert 0.03 < float(made.certificate.lower) <= 1 / 32


@pytest.mark.parametrize(
    ("function", "slope"),
    [("x", 1), ("-2*x", 2), (GENERIC, 1), ("7", 0), ("x^2", 2), ("max(x, 1-3*x)", 3), ("exp(x)", Fraction(2719, 1000))],
)
def test_slopes(function, slope):
    assert steepest_slope(parse(function)) == slope


@pytest.mark.parametrize(
    ("function", "eps", "options", "message"),
    [
        ("1/x", "1/10", {}, "bounded slope"),
        ("sqrt(x)", "1/20", {}, "bounded slope near 0"),
        ("sqrt(x)", "1/20", {"lipschitz": 2}, "steeper"),
        ("x", "1/2000", {}, "2000 cells"),
        ("x", "0", {}, "--eps must be above 0"),
        ("x", "1/10", {"lipschitz": "-1"}, "--lipschitz must be above 0"),
        ("x*y", "1/10", {}, "is a function of x, y"),
        ("x + max(0, 1/5 - 10^5*abs(x - 1/3))", "1/20", {}, "at most 1024"),
        ("floor(2*x)", "1/20", {}, "may jump"),
    ],
)
def test_bad_input(function, eps, options, message):
    with pytest.raises(UsageError, match=message):
        build(function, eps, **options)
