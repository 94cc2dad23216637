"""Exact norms of errors on a line, against the slow twin and against known ones."""

from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox import Affine, Network, calculus
from nnapprox.certificate import certify, line
from nnapprox.constructions import build
from nnapprox.functions import parse
from nnapprox.regions.line import line_pieces
from tests import line_reference as reference
from tests.strategies import DYADIC, POINTS, SHORT_RATIONALS, line_networks

UNIT = ((Fraction(0), Fraction(1)),)
NORMS = ("sup", "L1", "L2")

SCALARS = line_networks(outputs=st.just(1))
LENGTHS = st.fractions(Fraction(1, 100), 20, max_denominator=100)


def error_of(network, function):
    return lambda x: reference.evaluate(network, [x])[0] - function(x)


def assert_is(certificate, squared):
    """The square of the certified norm is that number, or is enclosed as narrowly as it should be."""
    assert certificate.lower**2 <= squared <= certificate.upper**2
    if certificate.kind == "exact":
        assert certificate.value**2 == squared
    else:
        assert certificate.kind == "enclosure"
        assert certificate.upper - certificate.lower <= certificate.upper / 10**6


def assert_attained(certificate, error):
    (at,) = certificate.argmax
    ((low, high),) = certificate.domain
    assert low <= at <= high
    assert abs(error(at)) == certificate.value


@given(SCALARS, SCALARS, POINTS, LENGTHS)
def test_network_against_network(first, second, low, length):
    domain = ((low, low + length),)
    error = error_of(first, lambda x: reference.evaluate(second, [x])[0])
    knots = {x for network in (first, second) for x in reference.knots(reference.pieces(network, low, low + length))}
    knots = sorted(knots)
    sup, mean, square = (certify(first, second, domain, norm) for norm in NORMS)
    assert (sup.kind, sup.value) == ("exact", reference.sup(error, knots))
    assert_attained(sup, error)
    assert_is(mean, reference.absolute_integral(error, knots) ** 2)
    assert_is(square, reference.square_integral(error, knots))


@given(SCALARS, st.lists(SHORT_RATIONALS | DYADIC, min_size=3, max_size=3).filter(lambda c: c[2]), POINTS, LENGTHS)
def test_network_against_parabola(network, coefficients, low, length):
    domain = ((low, low + length),)
    target = parse(" + ".join(f"({c})*x^{k}" for k, c in enumerate(coefficients)))
    error = error_of(network, lambda x: sum(c * x**k for k, c in enumerate(coefficients)))
    knots = reference.knots(reference.pieces(network, low, low + length))
    sup, square = (certify(network, target, domain, norm) for norm in ("sup", "L2"))
    assert (sup.kind, sup.value) == ("exact", reference.sup(error, knots))
    assert_attained(sup, error)
    assert_is(square, reference.square_integral(error, knots))


@given(line_networks(), st.data())
def test_networks_of_several_outputs(network, data):
    other = data.draw(line_networks(outputs=st.just(network.widths[-1])))
    domain = ((Fraction(-2), Fraction(3)),)
    knots = {x for net in (network, other) for x in reference.knots(reference.pieces(net, *domain[0]))}

    def error(output):
        return lambda x: reference.evaluate(network, [x])[output] - reference.evaluate(other, [x])[output]

    errors, knots = [error(k) for k in range(network.widths[-1])], sorted(knots)
    assert certify(network, other, domain).value == max(reference.sup(e, knots) for e in errors)
    assert_is(certify(network, other, domain, "L1"), sum(reference.absolute_integral(e, knots) for e in errors) ** 2)
    assert_is(certify(network, other, domain, "L2"), sum(reference.square_integral(e, knots) for e in errors))


@given(SCALARS, st.lists(st.tuples(POINTS, SHORT_RATIONALS), min_size=2, max_size=6, unique_by=lambda pair: pair[0]))
def test_network_against_polyline(network, points):
    points.sort()
    (low, start), *_, (high, _) = points
    text, slope = f"({start})", Fraction(0)
    for (a, u), (b, v) in pairwise(points):
        steeper = (v - u) / (b - a)
        text, slope = f"{text} + ({steeper - slope})*relu(x - ({a}))", steeper
    shallow = Network(
        [Affine([[1]] * (len(points) - 1), [-a for a, _ in points[:-1]]), Affine([_jumps(points)], [start])], "relu"
    )
    for norm in NORMS:
        against_text, against_network = (certify(network, t, ((low, high),), norm) for t in (parse(text), shallow))
        assert (against_text.kind, against_text.value) == (against_network.kind, against_network.value)


def _jumps(points):
    slopes = [(v - u) / (b - a) for (a, u), (b, v) in pairwise(points)]
    return [after - before for before, after in pairwise([0, *slopes])]


@pytest.mark.parametrize("depth", range(1, 11))
def test_square(depth):
    certificate = certify(build("square", depth=depth).network, parse("x^2"), UNIT)
    assert certificate.kind == "exact"
    assert certificate.value == Fraction(1, 4 ** (depth + 1))


@pytest.mark.parametrize("depth", [1, 2, 5, 13])
@pytest.mark.parametrize("norm", NORMS)
def test_sawtooths_deep_and_shallow(depth, norm):
    deep, shallow = (build("sawtooth", depth=depth, shallow=is_shallow).network for is_shallow in (False, True))
    for target in (shallow, parse(f"tri(2^{depth}*x)")):
        certificate = certify(deep, target, UNIT, norm)
        assert (certificate.kind, certificate.value) == ("exact", 0)


def test_known_norms_of_the_hat():
    """Of x - g(x): -x on [0, 1/2], then 3 x - 2."""
    hat, identity = build("hat").network, calculus.affine([[1]])
    assert certify(identity, hat, UNIT).value == 1
    assert certify(identity, hat, UNIT, "L1").value == Fraction(1, 8) + Fraction(1, 24) + Fraction(1, 6)
    assert_is(certify(identity, parse("2*x"), UNIT, "L2"), Fraction(1, 3))
    assert certify(identity, parse("x + 1/2"), UNIT, "L2").value == Fraction(1, 2)


def test_blocks_of_pieces_add_up(monkeypatch):
    network = build("square", depth=6).network
    whole = [certify(network, target, UNIT, norm) for target, norm in _tasks()]
    monkeypatch.setattr(line, "_BLOCK", 5)
    assert [certify(network, target, UNIT, norm) for target, norm in _tasks()] == whole


def _tasks():
    return [(parse("x^2"), "sup"), (parse("x^2"), "L2"), (parse("x"), "L1"), (parse("x"), "L2")]


def trained(depth, width=8, activation="relu"):
    rng = np.random.default_rng(0)
    widths = [1, *[width] * depth, 1]
    layers = [Affine(rng.normal(size=(b, a)), rng.normal(size=b)) for a, b in pairwise(widths)]
    return Network(layers, activation)


@pytest.mark.parametrize("norm", NORMS)
@pytest.mark.parametrize("target", ["tri(3*x)", "x^2 - x/3", "x"])
def test_trained_networks(norm, target):
    """Against float64 on a grid."""
    network, domain = trained(3), ((Fraction(-2), Fraction(2)),)
    certificate = certify(network, parse(target), domain, norm)
    points = np.linspace(-2, 2, 40_001)[:, np.newaxis]
    errors = np.abs(network(points)[:, 0] - parse(target).value(points))
    seen = {"sup": errors.max(), "L1": 4 * errors.mean(), "L2": 2 * np.sqrt((errors**2).mean())}[norm]
    assert float(certificate.upper) == pytest.approx(seen, rel=1e-3)
    assert certificate.upper - certificate.lower <= certificate.upper / 10**6


@pytest.mark.parametrize("norm", NORMS)
def test_numbers_too_long_to_print_are_rounded_outwards(norm):
    network, domain = trained(300, 2, "leaky-relu"), ((Fraction(-2), Fraction(1, 3)),)
    pieces = line_pieces(network, *domain[0])
    certificate = certify(network, calculus.affine([[1]]), domain, norm, Fraction(1, 10**9))
    assert certificate.kind == "enclosure"
    assert len(str(certificate.to_json())) < 20_000
    assert 0 < certificate.upper - certificate.lower <= certificate.upper / 10**9
    exact = max(abs(y - x) for x, y in zip(pieces.knots, pieces.values(), strict=True))
    if norm == "sup":
        assert certificate.lower <= exact <= certificate.upper


def test_a_tolerance_is_kept():
    for tolerance in (Fraction(1, 3), Fraction(1, 10**30), Fraction(1, 10**300)):
        certificate = certify(calculus.affine([[1]]), parse("2*x"), UNIT, "L2", tolerance)
        assert certificate.lower**2 < Fraction(1, 3) < certificate.upper**2
        assert certificate.upper - certificate.lower <= tolerance * certificate.upper
