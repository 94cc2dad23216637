"""Indicators: values, sizes, and integrals of their errors that are known in closed form."""

from __future__ import annotations

import itertools
from fractions import Fraction
from math import comb, factorial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox import calculus
from nnapprox.certificate import certify
from nnapprox.constructions import build, cpwl
from nnapprox.constructions.indicators import box_error
from nnapprox.errors import UsageError
from nnapprox.functions import parse

RAMPS = st.fractions(Fraction(1, 8), 2, max_denominator=8)
NUMBERS = st.fractions(-3, 3, max_denominator=6)


def test_interval():
    made = build("interval", low="1/4", high="3/4", ramp="1/16")
    assert (made.network.neurons, made.network.nonzeros, made.network.max_weight) == (4, 12, 16)
    assert (made.certificate.norm, made.certificate.kind, made.certificate.value) == ("L1", "exact", Fraction(1, 16))
    squared = certify(made.network, made.target, made.certificate.domain, norm="L2")
    assert squared.lower**2 <= made.notes["squared L2 error"] == Fraction(1, 24) <= squared.upper**2


@given(NUMBERS, RAMPS, RAMPS)
def test_interval_anywhere(low, width, ramp):
    high = low + width
    made = build("interval", low=low, high=high, ramp=ramp)
    assert made.certificate.value == ramp
    for x, y in [(low, 1), (high, 1), (low - ramp, 0), (high + 2 * ramp, 0), (high + ramp / 2, Fraction(1, 2))]:
        assert made.network([x])[0] == y


@pytest.mark.parametrize(("dim", "error"), [(2, Fraction(25, 384)), (3, Fraction(625, 12288)), (1, Fraction(1, 16))])
def test_error_of_cubes(dim, error):
    made = build("box", dim=dim, low="0", high="1/2", ramp="1/16")
    w, delta = Fraction(1, 2), Fraction(1, 16)
    assert error == sum(comb(dim, j) * 2**j * w ** (dim - j) * delta**j / factorial(j + 1) for j in range(1, dim + 1))
    assert (made.certificate.norm, made.certificate.kind, made.certificate.value) == ("L1", "exact", error)


def test_the_integral_over_cells_is_that_of_the_formula():
    made = build("box", dim=2, low="0,1", high="1,3/2", ramp="1/4")
    target = parse("step(x1)*step(1-x1)*step(x2-1)*step(3/2-x2)")
    assert certify(made.network, target, made.certificate.domain, norm="L1").value == made.certificate.value


@given(st.lists(st.tuples(NUMBERS, RAMPS), min_size=1, max_size=3), RAMPS, st.data())
def test_box(sides, ramp, data):
    lows, highs = [a for a, _ in sides], [a + w for a, w in sides]
    made = build("box", dim=len(sides), low=lows, high=highs, ramp=ramp)
    point = [data.draw(st.fractions(a - 2 * ramp, b + 2 * ramp)) for a, b in zip(lows, highs, strict=True)]
    beyond = sum(max(a - x, x - b, Fraction(0)) for a, b, x in zip(lows, highs, point, strict=True))
    assert made.network(point)[0] == max(1 - beyond / ramp, Fraction(0))
    assert made.network.neurons == 2 * len(sides) + 1
    assert made.network.nonzeros <= 6 * len(sides) + 2


def test_a_box_of_trapezia_is_the_same_function_with_twice_the_weights():
    zero, one = Fraction(0), Fraction(1)
    low, high, ramp = Fraction(1, 4), Fraction(3, 4), Fraction(1, 16)
    points = [(low - ramp, zero), (low, one), (high, one), (high + ramp, zero)]
    trapezia = calculus.parallel([cpwl.shallow(points, (zero, zero))] * 3)
    literal = calculus.clip(calculus.compose(calculus.affine([[1, 1, 1]], [-2]), trapezia), 0, 1)
    assert literal.depth == 3
    ours = build("box", dim=3, low=[low], high=[high], ramp=ramp).network
    assert ours.nonzeros == 6 * 3 + 2 < 12 * 3 + 2
    steps = [low - ramp, low - ramp / 2, low, Fraction(1, 2), high + ramp / 4, high + ramp]
    points = list(itertools.product(steps, repeat=3))
    assert (ours(points) == literal(points)).all()


def test_a_triangle():
    made = build("polytope", faces="-1,0:0;0,-1:0;1,1:1", ramp="1/8")
    assert made.network.nonzeros == 10
    for point, value in [((0, 0), 1), ((1, 0), 1), ((Fraction(1, 3), Fraction(1, 3)), 1), ((1, 1), 0), ((2, -2), 0)]:
        assert made.network(list(map(Fraction, point)))[0] == value
    assert made.network([Fraction(-1, 16), Fraction(1, 2)])[0] == Fraction(1, 2)
    assert made.certificate.kind == "exact"


def test_a_box_is_a_polytope():
    box = build("box", dim=3, low="0", high="1/2", ramp="1/16")
    faces = "-1,0,0:0;1,0,0:1/2;0,-1,0:0;0,1,0:1/2;0,0,-1:0;0,0,1:1/2"
    polytope = build("polytope", faces=faces, ramp="1/16")
    assert polytope.network == box.network
    assert polytope.certificate.value == box.certificate.value
    assert polytope.certificate.domain == box.certificate.domain


@given(st.lists(RAMPS, min_size=1, max_size=4), RAMPS)
def test_box_error_grows_with_the_ramp(widths, ramp):
    assert 0 < box_error(widths, ramp) < box_error(widths, 2 * ramp)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("interval", {"low": 1, "high": 1, "ramp": 1}, "--low must be below --high"),
        ("interval", {"low": "0", "high": "1", "ramp": 0}, "--ramp must be above 0"),
        ("box", {"dim": 2, "low": "0,0,0", "high": "1", "ramp": 1}, "--low needs one number, or one for each of 2"),
        ("box", {"dim": 2, "low": "0,2", "high": "1,1", "ramp": 1}, "2 is not below 1"),
        ("box", {"dim": 10**7, "low": "0", "high": "1", "ramp": 1}, "needs more memory"),
        ("polytope", {"faces": "1,0:0", "ramp": 1}, "unbounded"),
        ("polytope", {"faces": "1,0:0;0,1,2:1", "ramp": 1}, "equally many"),
        ("polytope", {"faces": "1,0", "ramp": 1}, "is no row"),
        ("polytope", {"faces": "1,a:0", "ramp": 1}, "is not a number"),
        ("polytope", {"faces": "1:0;-1:-1", "ramp": "1/4"}, "half-space"),
    ],
)
def test_refused(name, options, said):
    with pytest.raises(UsageError, match=said):
        build(name, **options)
