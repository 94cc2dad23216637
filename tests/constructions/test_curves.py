"""Curves that fill the square."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox import constructions
from nnapprox.constructions.curves import (
    certify_polygon,
    hilbert_network,
    hilbert_vertices,
    polygon_network,
    serpentine_network,
)
from nnapprox.errors import UsageError


def tri(t):
    return abs(t - 2 * ((t + 1) // 2))


@pytest.mark.parametrize("depth", [1, 2, 5, 30])
def test_serpentine_sizes(depth):
    made = constructions.build("serpentine", depth=depth)
    assert made.network.widths == (1, 2, *[3] * (depth - 1), 2)
    assert made.network.nonzeros == 6 * depth
    assert (made.certificate.kind, made.certificate.upper) == ("exact", 0)
    assert made.notes["largest vertical distance from the curve"] == Fraction(1, 2**depth)


@given(depth=st.integers(1, 40), t=st.fractions(0, 1))
def test_serpentine_values(depth, t):
    assert list(serpentine_network(depth)([t])) == [tri(2**depth * t), t]


@given(depth=st.integers(1, 8), x=st.fractions(0, 1, max_denominator=50), y=st.fractions(0, 1, max_denominator=50))
def test_every_point_is_near_the_serpentine(depth, x, y):
    heights = [(k + (x if k % 2 == 0 else 1 - x)) / 2**depth for k in range(2**depth)]
    curve = serpentine_network(depth)([[t] for t in heights])
    assert all(point[0] == x for point in curve)
    assert min(abs(point[1] - y) for point in curve) <= Fraction(1, 2**depth)


@pytest.mark.parametrize("order", range(1, 6))
def test_vertices(order):
    vertices = hilbert_vertices(order)
    assert len(set(vertices)) == len(vertices) == 4**order
    assert (vertices[0], vertices[-1]) == ((0, 0), (2**order - 1, 0))
    assert all(abs(a - c) + abs(b - d) == 1 for (a, b), (c, d) in pairwise(vertices))


@pytest.mark.parametrize("order", range(1, 5))
def test_folding_gives_the_polygon(order):
    deep, shallow = hilbert_network(order), polygon_network(hilbert_vertices(order), 2**order - 1)
    assert deep.depth == 2 * order
    assert max(deep.widths) <= 3 * order + 3
    steps = 4**order - 1
    points = [[Fraction(k, 3 * steps)] for k in range(3 * steps + 1)]
    assert (deep(points) == shallow(points)).all()
    assert [tuple(p * (2**order - 1)) for p in deep(points)[::3]] == hilbert_vertices(order)


@pytest.mark.parametrize("shallow", [False, True])
def test_hilbert_is_certified(shallow):
    made = constructions.build("hilbert", order=4, shallow=shallow)
    assert (made.certificate.kind, made.certificate.upper) == ("exact", 0)
    assert made.notes["segments"] == 255
    assert made.notes["largest distance from the curve in the maximum norm"] == Fraction(1, 30)


def test_a_deep_polygon_takes_few_weights():
    deep, shallow = (constructions.build("hilbert", order=6, shallow=s).network for s in (False, True))
    assert deep.nonzeros < 600 < 10_000 < shallow.nonzeros


def test_another_polygon_is_told():
    vertices = hilbert_vertices(2)
    vertices[3] = (3, 3)
    found = certify_polygon(hilbert_network(2), vertices, 3)
    assert (found.kind, found.value, found.argmax) == ("exact", Fraction(1), (Fraction(1, 5),))


def test_absurd_sizes():
    with pytest.raises(UsageError, match="--order"):
        constructions.build("hilbert", order=8, shallow=True)
    with pytest.raises(UsageError, match="at most 8"):
        constructions.build("hilbert", order=12)
    with pytest.raises(UsageError, match="--depth"):
        constructions.build("serpentine", depth=10**8)
