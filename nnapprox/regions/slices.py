"""A network on a line or a plane through its input space: a network of one or two inputs, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

import numpy as np

from nnapprox.errors import UsageError
from nnapprox.exact import Integers, integers, matrix_product, sum_of_products
from nnapprox.network import Affine, Array, Network

MARGIN = Fraction(1, 2)

_BITS = 32
"""Weights are multiplied in parts of so many bits: sums of products with pixels fit into 64."""


def restrict(network: Network, points: Sequence[Sequence[int | Fraction]]) -> Network:
    """The network s, t -> f(p_0 + s (p_1 - p_0) + t (p_2 - p_0)) on the plane through three points, or the line of two.

    Parameters
    ----------
    network : Network
        Floats are taken as the dyadic rationals that they are.
    points : sequence of points
        Two or three, of as many coordinates as the network has inputs.

    Returns
    -------
    Network
        Rational.

    Raises
    ------
    UsageError
        There are not as many points or coordinates, two points are equal, or three are on a line.
    """
    if len(points) not in (2, 3):
        raise UsageError(f"a line goes through two points and a plane through three, not {len(points)}")
    for point in points:
        if len(point) != network.widths[0]:
            raise UsageError(f"a point has {len(point)} coordinates, but the network takes {network.widths[0]}")
    scale = lcm(*{number.denominator for point in points for number in point})
    start, *others = (integers([number.numerator * (scale // number.denominator) for number in p]) for p in points)
    directions = [other - start for other in others]
    _require_independent(directions)
    columns = np.stack([*directions, start]).T
    first, *later = network.layers
    image, divisor = _product(first.weight, columns)
    fractions = [[Fraction(int(number), divisor * scale) for number in row] for row in image]
    exact = np.array(fractions, dtype=object)
    bias = exact[:, -1] + [Fraction(number) for number in first.bias.tolist()]
    rest = [] if not later else Network(later, network.activation).astype("rational").layers
    return Network([Affine(exact[:, :-1], bias), *rest], network.activation)


def box(points: int) -> list[tuple[Fraction, Fraction]]:
    """In the coordinates of `restrict`, a box that holds so many points, with a margin around them."""
    return [(-MARGIN, 1 + MARGIN)] * (points - 1)


def _require_independent(directions: list[Integers]) -> None:
    if not all(direction.any() for direction in directions):
        raise UsageError("two points of the slice are equal: choose different ones")
    if len(directions) == 2:
        u, v = directions
        place = int(np.flatnonzero(u)[0])
        if not sum_of_products(u[place : place + 1], v, -v[place : place + 1], u).any():
            raise UsageError("the three points of the slice lie on a line: choose others, or take the line")


def _product(weight: Array, columns: Integers) -> tuple[Integers, int]:
    """The product with integers as integers, and the number that they are to be divided by."""
    if weight.dtype == object:
        scale = lcm(*{number.denominator for number in weight.flat})
        rows = integers([[n.numerator * (scale // n.denominator) for n in row] for row in weight])
        return matrix_product(rows, columns), scale
    rest = weight.astype(np.float64)
    _, exponent = np.frexp(np.abs(rest).max())
    shift, total = _BITS - int(exponent), np.zeros((len(weight), columns.shape[1]), dtype=object)
    power = 0
    while rest.any():
        part = np.trunc(np.ldexp(rest, shift + power))  # exact, as is what is left
        total = (
            (total << _BITS) + matrix_product(part.astype(np.int64), columns)
            if power
            else matrix_product(part.astype(np.int64), columns).astype(object)
        )
        rest = rest - np.ldexp(part, -(shift + power))
        power += _BITS
    exponent = shift + power - _BITS
    return (total, 2**exponent) if exponent >= 0 else (total << -exponent, 1)
