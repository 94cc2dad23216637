"""Piecewise linear functions through points."""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox.constructions.cpwl import narrow, shallow


@st.composite
def graphs(draw):
    xs = sorted(draw(st.sets(st.fractions(-4, 4, max_denominator=9), min_size=2, max_size=9)))
    return [(x, draw(st.fractions(-5, 5, max_denominator=4))) for x in xs]


def interpolated(points, x):
    for (a, u), (b, v) in pairwise(points):
        if a <= x <= b:
            return u + (v - u) * (x - a) / (b - a)
    raise AssertionError(x)


def probes(points):
    low, high = points[0][0], points[-1][0]
    numbers = random.Random(0)
    return [x for x, _ in points] + [low + (high - low) * Fraction(numbers.randrange(99), 98) for _ in range(8)]


@settings(max_examples=60)
@given(graphs(), st.integers(3, 6))
def test_values(points, width):
    pieces = len(points) - 1
    for network in (shallow(points), narrow(points, width)):
        assert all(network([x])[0] == interpolated(points, x) for x in probes(points))
    assert shallow(points).nonzeros <= 3 * pieces + 1
    assert max(narrow(points, width).widths) <= width
    thin = narrow(points)
    assert thin.depth <= pieces
    assert thin.nonzeros <= max(5 * pieces - 3, 2)


@settings(max_examples=60)
@given(graphs(), st.fractions(-3, 3), st.fractions(-3, 3), st.fractions(0, 5))
def test_tails(points, left, right, beyond):
    network = shallow(points, (left, right))
    (low, first), (high, last) = points[0], points[-1]
    assert all(network([x])[0] == interpolated(points, x) for x in probes(points))
    assert network([low - beyond])[0] == first - left * beyond
    assert network([high + beyond])[0] == last + right * beyond
    assert network.neurons <= len(points) + 1


def test_shallow(construct):
    made = construct("cpwl --points 0:1,1/4:-2,1:1/2")
    assert (*made.sizes, made.hidden) == (2, 3 * 2 - 1 + 1, (2,))
    assert (made.kind, made.upper, made.told["linear_regions"]) == ("exact", 0, 2)
    assert [made.at(x) for x in ("0", "1/8", "1/4", "1")] == [1, Fraction(-1, 2), -2, Fraction(1, 2)]


def test_width_3(construct):
    points = [(Fraction(j + 1, 3), Fraction((-1) ** j * (j + 2))) for j in range(9)]
    made = construct(f"cpwl --width 3 --points {','.join(f'{x}:{y}' for x, y in points)}")
    assert (*made.sizes, made.hidden) == (8, 5 * 8 - 3, (2, 3, 3, 3, 3, 3, 2))
    assert (made.kind, made.upper) == ("exact", 0)


def test_tails_on_the_command_line(construct):
    made = construct("cpwl --points 0:1,1/4:-2,1:1/2 --tails -1,2")
    assert made.hidden == (4,)
    assert made.told["certificate"]["domain"] == [["-1", "2"]]
    assert (made.at(-3), made.at(2), made.upper) == (4, Fraction(5, 2), 0)


def test_a_straight_line_and_a_constant(construct):
    assert construct("cpwl --points 0:1,1:2,2:3 --width 3").sizes == (1, 2)
    assert construct("cpwl --points 0:1,1:1").at(5) == 1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("cpwl --points 0:1", "at least two points"),
        ("cpwl --points 0:1,0:2", "knots must increase strictly, but 0 comes after 0"),
        ("cpwl --points 1:1,0:2", "knots must increase strictly"),
        ("cpwl --points 0:1,1", "write x:y,x:y"),
        ("cpwl --points 0:1,1:2:3", "write x:y,x:y"),
        ("cpwl --points 0:1,1:inf", "'inf' is not a number"),
        ("cpwl --points ''", "write x:y,x:y"),
        ("cpwl --points 0:1,1:2 --width 2", "--width must be at least 3"),
        ("cpwl --points 0:1,1:2 --tails 1", "two slopes, left and right, not 1"),
        ("cpwl --points 0:1,1:2 --tails 1,2 --width 3", "leave --width out"),
    ],
)
def test_refused(refused, words, message):
    assert message in refused(words)
