"""Where regions are counted: boxes, convex polygons, and all of R^d."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import factorial
from typing import Literal, TypeAlias

from nnapprox.errors import UsageError
from nnapprox.exact import IntegerRows, dyadic_rows, largest
from nnapprox.network import Network
from nnapprox.regions.polytope import MOST_DIMENSIONS, Bounds, Point, Polytope, bounding_box
from nnapprox.regions.slices import float_layers

Domain: TypeAlias = Polytope | Bounds | Literal["all"]


def polytope(domain: Domain, network: Network) -> Polytope:
    """The domain for a network as a polytope.

    Raises
    ------
    UsageError
        It is empty, or has too many dimensions.
    """
    if isinstance(domain, Polytope):
        return domain
    if isinstance(domain, str):
        if domain != "all":
            raise UsageError(f"{domain!r} is no domain: give a box, a polytope, or 'all'")
        return everything(network)
    return Polytope.box(domain)


def polygon(points: Sequence[Point]) -> Polytope:
    """The convex polygon with these vertices, in order around it, either way.

    Raises
    ------
    UsageError
        There are fewer than three, not all in the plane, or they are not those of a convex polygon in order.
    """
    if len(points) < 3 or any(len(point) != 2 for point in points):
        raise UsageError("a polygon has three vertices or more, of two coordinates each")
    refused = UsageError("the points are not the vertices of a convex polygon, in order around it")
    area = sum(a * d - b * c for (a, b), (c, d) in pairwise([*points, points[0]]))
    ring = [*points, points[0]] if area > 0 else [points[0], *points[::-1]]
    if area == 0:
        raise refused
    part = Polytope.box(bounding_box(points))
    for (a, b), (c, d) in pairwise(ring):
        normal = (d - b, a - c)  # to the right, as the ring goes to the left
        offset = normal[0] * a + normal[1] * b
        if not any(normal) or any(normal[0] * x + normal[1] * y > offset for x, y in points):
            raise refused
        part = part.cut(normal, offset)
    return part


def everything(network: Network) -> Polytope:
    """A box that every activation region of a network, and every facet of one, meets in its interior.

    So the count in the box is that of all of R^d.

    Raises
    ------
    UsageError
        The activation is not piecewise linear, or there are too many inputs.
    """
    dimension = network.widths[0]
    if dimension > MOST_DIMENSIONS:
        raise UsageError(f"cells are enumerated in 1 to {MOST_DIMENSIONS} dimensions, not in {dimension}")
    layers: Sequence[IntegerRows]
    if network.dtype == "rational":
        layers = network.integer_layers
    else:
        first = network.layers[0]
        layers = float_layers(network, dyadic_rows(first.weight, first.bias, 1))
    return box_of_everything(layers, network.negative_slope)


def box_of_everything(layers: Sequence[IntegerRows], slope: Fraction) -> Polytope:
    """The same for a network in integers, whose activation has this slope at negative arguments.

    On any cell, the neurons are integer forms whose coefficients are bounded. A least face of a cell is where at most d
    of them vanish that are independent; by Cramer's rule it has a point whose coordinates are quotients of integer
    determinants.
    """
    dimension = layers[0].matrix.shape[1] - 1
    steepest = max(slope.denominator, abs(slope.numerator))
    coefficient = constant = most_coefficient = most_constant = 1
    for number, (matrix, _) in enumerate(layers[:-1]):
        weight, bias = largest(matrix[:, :-1]), largest(matrix[:, -1])
        if number:
            weight *= steepest * (matrix.shape[1] - 1)
            coefficient, constant = weight * coefficient, weight * constant + bias
        else:
            coefficient, constant = weight, bias
        most_coefficient, most_constant = max(most_coefficient, coefficient), max(most_constant, constant)
    bound = factorial(dimension) * most_coefficient ** (dimension - 1) * most_constant
    end = Fraction(2 ** (bound.bit_length() + 1))
    return Polytope.box([(-end, end)] * dimension)
