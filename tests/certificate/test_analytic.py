"""Certificates against analytic expressions: catalogue values, kinks, jumps, poles, all norms."""

from __future__ import annotations

import math
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox.certificate import certify
from nnapprox.certificate.analytic import certify_analytic
from nnapprox.constructions import build
from nnapprox.errors import UsageError
from nnapprox.exact import Ball, bounds, precision, to_fraction, to_rational
from nnapprox.functions import parse
from nnapprox.network import Affine, Network

TOLERANCE = Fraction(1, 10**6)
UNIT = ((Fraction(0), Fraction(1)),)
SYMMETRIC = ((Fraction(-1), Fraction(1)),)


def network_through(knots, values):
    """The shallow network that interpolates between points, and is right from the first on."""
    points = zip(knots, values, strict=False)
    slopes = [(v - u) / (y - x) for (x, u), (y, v) in pairwise(points)]
    jumps = [slopes[0], *(after - before for before, after in pairwise(slopes))]
    return Network([Affine([[1]] * len(slopes), [-knot for knot in knots[:-1]]), Affine([jumps], [values[0]])])


def interpolant(text, knots):
    target = parse(text)
    return network_through(knots, [target.approximate([knot], 100) for knot in knots])


def evenly(low, high, pieces):
    return [Fraction(low) + (Fraction(high) - Fraction(low)) * Fraction(i, pieces) for i in range(pieces + 1)]


def sup(text, knots, tolerance=TOLERANCE):
    certificate = certify(interpolant(text, knots), parse(text), ((knots[0], knots[-1]),), tolerance=tolerance)
    assert certificate.upper - certificate.lower <= tolerance * certificate.upper
    return certificate


def error_at(network, target, point):
    """The absolute error at a rational, from 300 bits and an evaluation of the network with `Fraction`."""
    (value,) = network.astype("rational")([point])
    with precision(300):
        return abs(Ball(to_rational(value)) - target.enclose([Ball(to_rational(point))]))


def assert_attained(network, target, certificate):
    (point,) = certificate.argmax
    ((low, high),) = certificate.domain
    assert low <= point <= high
    assert to_fraction(bounds(error_at(network, target, point))[1]) >= certificate.lower


def sampled_errors(network, target, domain, count=100_000):
    ((low, high),) = domain
    points = float(low) + (float(high) - float(low)) * np.random.default_rng(0).random((count, 1))
    return np.abs(network.astype("float64")(points)[:, 0] - target.value(points))


def test_cosine_of_the_catalogue():
    certificate = sup("cos(pi*x)", evenly(0, 1, 32))
    assert float(certificate.lower) == pytest.approx(0.0012030930634, abs=2e-9)
    assert certificate.upper < Fraction(math.pi**2 / (8 * 32**2))
    assert certificate.kind == "enclosure"


def test_exponential_of_the_catalogue():
    made = build("exp", degree=4, square_depth=4)
    certificate = certify(made.network, parse("exp(x)"), SYMMETRIC)
    assert float(certificate.lower) == pytest.approx(0.0099485, abs=5e-8)
    assert_attained(made.network, parse("exp(x)"), certificate)


@pytest.mark.parametrize("pieces", [1, 5, 16, 100])
def test_root_on_even_knots_is_off_by_a_quarter_of_the_first_knots_root(pieces):
    certificate = sup("sqrt(x)", evenly(0, 1, pieces))
    exact = 1 / (4 * math.sqrt(pieces))
    assert float(certificate.lower) <= exact * (1 + 1e-12)
    assert exact <= float(certificate.upper) * (1 + 1e-12)


@pytest.mark.parametrize("pieces", [4, 16, 64])
def test_root_on_graded_knots(pieces):
    knots = [Fraction(i, pieces) ** 4 for i in range(pieces + 1)]
    exact = Fraction((2 * pieces - 1) ** 2, 4 * pieces**2 * (2 * pieces**2 - 2 * pieces + 1))
    certificate = certify(
        network_through(knots, [Fraction(i, pieces) ** 2 for i in range(pieces + 1)]), parse("sqrt(x)"), UNIT
    )
    assert certificate.lower <= exact <= certificate.upper <= exact * (1 + 2 * TOLERANCE)


def test_cubes_of_the_catalogue():
    for depth, constant in ((1, 1.4186), (2, 1.3729), (3, 1.4427), (4, 1.7372)):
        made = build("monomial", power=3, depth=depth)
        certificate = certify(made.network, parse("x^3"), SYMMETRIC)
        assert float(certificate.upper) * 4 ** (depth + 1) == pytest.approx(constant, abs=1e-4)


@pytest.mark.parametrize("tolerance", [Fraction(1, 2), Fraction(1, 10**3), Fraction(1, 10**12), Fraction(1, 10**30)])
def test_enclosures_are_as_narrow_as_asked_for(tolerance):
    wide = sup("exp(x)", evenly(-1, 1, 4), tolerance)
    narrow = sup("exp(x)", evenly(-1, 1, 4), Fraction(1, 10**40))
    assert wide.lower <= narrow.lower <= narrow.upper <= wide.upper


TARGETS = [
    ("exp(x)", -1, 1),
    ("sin(7*x)*exp(-x^2)", -2, 2),
    ("abs(sin(5*x))", 0, 3),
    ("abs(x - 1/3)*exp(x)", 0, 1),
    ("max(x^2, 1/2)", -1, 1),
    ("tri(8*x)*x", 0, 1),
    ("cos(pi*tri(8*x))", 0, 1),
    ("sqrt(1 - x^2)", -1, 1),
    ("sqrt(abs(x))", -1, 1),
    ("x^x", Fraction(1, 10), 2),
    ("log(x)", Fraction(1, 1000), 1),
    ("1/(1 + 25*x^2)", -1, 1),
    ("x^5 - x", -1, 1),
    ("step(x - 1/3)", 0, 1),
    ("floor(3*x) + x^2", 0, 1),
    ("sign(x)*exp(x)", -1, 1),
]


@pytest.mark.parametrize(("text", "low", "high"), TARGETS)
@pytest.mark.parametrize("pieces", [1, 7])
def test_no_random_point_is_worse_and_the_lower_end_is_attained(text, low, high, pieces):
    target, domain = parse(text), ((Fraction(low), Fraction(high)),)
    network = interpolant(text, evenly(low, high, pieces))
    certificate = certify(network, target, domain)
    assert sampled_errors(network, target, domain).max() <= float(certificate.upper) * (1 + 1e-9) + 1e-13
    assert certificate.upper - certificate.lower <= TOLERANCE * certificate.upper
    assert_attained(network, target, certificate)


@pytest.mark.parametrize(("text", "low", "high"), TARGETS)
@pytest.mark.parametrize("norm", ["L1", "L2"])
def test_integrals_agree_with_the_midpoint_rule(text, low, high, norm):
    target, domain = parse(text), ((Fraction(low), Fraction(high)),)
    network = interpolant(text, evenly(low, high, 7))
    certificate = certify(network, target, domain, norm)
    points = np.linspace(float(low), float(high), 200_001)
    points = ((points[1:] + points[:-1]) / 2)[:, None]
    errors = np.abs(network.astype("float64")(points)[:, 0] - target.value(points))
    length = float(domain[0][1] - domain[0][0])
    mean = errors.mean() * length if norm == "L1" else math.sqrt((errors**2).mean() * length)
    assert float(certificate.lower) == pytest.approx(mean, rel=3e-5)
    assert certificate.upper - certificate.lower <= TOLERANCE * certificate.upper
    assert certificate.argmax is None


@pytest.mark.parametrize("norm", ["sup", "L1", "L2"])
def test_exact_norms_lie_in_the_enclosures(norm):
    network, target = build("square", depth=5).network, parse("x^2")
    exact, enclosed = certify(network, target, UNIT, norm), certify_analytic(network, target, UNIT, norm, TOLERANCE)
    assert enclosed.lower <= exact.upper
    assert exact.lower <= enclosed.upper
    assert enclosed.upper - enclosed.lower <= TOLERANCE * enclosed.upper


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.fractions(0, 1, max_denominator=60), min_size=2, max_size=6, unique=True).map(sorted),
    st.lists(st.fractions(-2, 2, max_denominator=9), min_size=6, max_size=6),
    st.sampled_from(["exp(x)", "sin(9*x)", "sqrt(x)", "abs(x - 1/3)*cos(x)", "x^3", "floor(2*x) + x^3"]),
)
def test_random_networks(knots, values, text):
    network, target = network_through(knots, values), parse(text)
    domain = ((knots[0], knots[-1]),)
    certificates = {norm: certify(network, target, domain, norm) for norm in ("sup", "L1", "L2")}
    for certificate in certificates.values():
        assert certificate.upper - certificate.lower <= TOLERANCE * certificate.upper
    assert sampled_errors(network, target, domain, 1000).max() <= float(certificates["sup"].upper) * (1 + 1e-9)
    assert_attained(network, target, certificates["sup"])
    length = knots[-1] - knots[0]
    assert certificates["L1"].lower <= certificates["sup"].upper * length
    assert certificates["L2"].lower ** 2 <= certificates["sup"].upper * certificates["L1"].upper
    assert certificates["L1"].lower ** 2 <= certificates["L2"].upper ** 2 * length


def test_limits_at_jumps_count():
    certificate = certify(
        network_through([Fraction(0), Fraction(1)], [Fraction(0), Fraction(3)]), parse("floor(3*x)"), UNIT
    )
    assert certificate.lower < 1 <= certificate.upper <= 1 + TOLERANCE
    zero = Network([Affine([[0]], [0])])
    assert certify(zero, parse("1 - abs(sign(x))"), SYMMETRIC).upper == 1
    assert certify(zero, parse("1 - abs(sign(x))"), SYMMETRIC, "L1").upper == 0


@pytest.mark.parametrize("norm", ["sup", "L1", "L2"])
def test_an_error_of_zero_that_is_not_seen_to_be(norm):
    certificate = certify(
        network_through([Fraction(-1), Fraction(0), Fraction(1)], [1, 0, 1]), parse("sqrt(x^2)"), SYMMETRIC, norm
    )
    assert certificate.lower == 0
    assert certificate.upper < Fraction(1, 10**6)


def test_tiny_errors_need_more_bits():
    knots = evenly(0, Fraction(1, 10**20), 2)
    certificate = sup("exp(x)", knots)
    assert float(certificate.upper) == pytest.approx((5e-21) ** 2 / 8, rel=1e-5)


def test_a_target_on_a_scale_of_its_own():
    certificate = sup("exp(-10^7*x^2)", evenly(-1, 1, 4))
    assert certificate.upper <= 1
    assert certify(
        Network([Affine([[0]], [0])]), parse("exp(-10^12*x)"), ((Fraction(1), Fraction(2)),)
    ).upper < Fraction(1, 2**60000)


@pytest.mark.parametrize(
    ("text", "low", "high", "message"),
    [
        ("1/x", -1, 1, "division by 0, at x = 0"),
        ("log(x)", 0, 1, "0 is not positive, at x = 0"),
        ("tan(3*x)", 0, 1, "near x = 0.5235987756"),
        ("sqrt(x - 1/2)", 0, 1, "negative"),
        ("exp(exp(exp(exp(x))))", 0, 3, "or too large, at x = 9/4"),
    ],
)
@pytest.mark.parametrize("norm", ["sup", "L1", "L2"])
def test_poles_are_refused(text, low, high, message, norm):
    network = Network([Affine([[1]], [0])])
    with pytest.raises(UsageError) as caught:
        certify(network, parse(text), ((Fraction(low), Fraction(high)),), norm)
    assert message in str(caught.value)


def test_float_networks_are_taken_as_the_rationals_they_are():
    exact = interpolant("sin(x)", evenly(0, 1, 3))
    rounded = exact.astype("float32")
    certificate = certify(rounded, parse("sin(x)"), UNIT)
    assert certificate == certify(rounded.astype("rational"), parse("sin(x)"), UNIT)
    assert certificate != certify(exact, parse("sin(x)"), UNIT)


def test_what_is_left_of_the_error_is_written_with_few_digits():
    certificate = sup("sin(x)", evenly(0, 1, 7))
    assert all(len(str(end)) < 40 for end in certificate.value)
    assert certificate.source == "ball arithmetic of 128 bits on 7 pieces"
