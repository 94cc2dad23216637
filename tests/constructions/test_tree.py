"""Compositions along a binary tree."""

import re
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox import constructions
from nnapprox.constructions.tree import Quadratic, tree_text
from nnapprox.errors import UsageError
from nnapprox.functions import parse

FUNCTIONS = ["x*y", "x + y - x*y", "(x + y)/2", "(x - y)^2", "x^2/2 + y^2/3", "1/2", "x - x^2 + y/2", "1 - x*y", "x^2"]


def build(function="x*y", dim=8, square_depth=5):
    return constructions.build("tree", dim=dim, function=function, square_depth=square_depth)


@pytest.mark.parametrize("square_depth", [1, 4, 7])
def test_the_product_of_eight(square_depth):
    made = build(square_depth=square_depth)
    assert made.certificate.upper == Fraction(7, 4 ** (square_depth + 1))
    points = np.random.default_rng(0).random((3000, 8)) ** 0.2
    error = np.abs(made.network.astype("float64")(points)[:, 0] - points.prod(axis=1)).max()
    assert float(made.certificate.upper) / 50 < error <= float(made.certificate.upper)
    assert made.notes["nodes"] == 7


@pytest.mark.parametrize("function", FUNCTIONS)
@pytest.mark.parametrize("dim", [2, 3, 5, 8])
def test_certificates_hold(function, dim):
    made = build(function, dim, 4)
    rng = np.random.default_rng(1)
    points = np.vstack([rng.random((2000, dim)), rng.integers(0, 9, (1000, dim)) / 8])
    error = np.abs(made.network.astype("float64")(points)[:, 0] - made.target.value(points)).max()
    assert made.certificate.certified
    assert error <= float(made.certificate.upper) + 1e-12


@pytest.mark.parametrize(("dim", "nested"), [(2, "(x1*x2)"), (3, "((x1*x2)*x3)"), (5, "(((x1*x2)*(x3*x4))*x5)")])
def test_the_tree_as_text(dim, nested):
    text = tree_text(parse("x*y"), [f"x{i}" for i in range(1, dim + 1)])
    assert re.sub(r"\((x\d)\)", r"\1", text.replace(" ", "")) == nested
    assert build(dim=dim).target.variables == tuple(f"x{i}" for i in range(1, dim + 1))


@given(st.lists(st.fractions(-2, 2, max_denominator=6), min_size=6, max_size=6))
def test_range_and_slope_of_a_quadratic(coefficients):
    quadratic = Quadratic(*coefficients)
    low, high = quadratic.range
    mesh = [Fraction(i, 12) for i in range(13)]
    values = {(x, y): quadratic(x, y) for x in mesh for y in mesh}
    assert low <= min(values.values())
    assert max(values.values()) <= high
    gap = quadratic.lipschitz / 24 + Fraction(1, 100)
    assert min(values.values()) - low <= gap
    assert high - max(values.values()) <= gap
    steepest = max(abs(values[x, y] - values[x - mesh[1], y - mesh[1]]) for x in mesh[1:] for y in mesh[1:])
    assert steepest <= quadratic.lipschitz * mesh[1]


def test_affine_nodes_are_exact():
    assert build("(x + y)/2").certificate.upper == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"function": "x + y"}, "from 0 to 2"),
        ({"function": "x - y"}, "from -1 to 1"),
        ({"function": "sin(x*y)"}, "no polynomial of degree 2"),
        ({"function": "x*y*x"}, "no polynomial of degree 2"),
        ({"function": "x*y*z"}, "x, y, z"),
        ({"dim": 1}, "--dim must be at least 2"),
        ({"dim": 10**9}, "--dim"),
        ({"square_depth": 0}, "--square-depth must be at least 1"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(UsageError, match=message):
        build(**options)
