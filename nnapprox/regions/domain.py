"""Where regions are counted: boxes, convex polygons, and all of R^d."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from math import factorial
from typing import Literal, TypeAlias

import numpy as np

from nnapprox.errors import UsageError
from nnapprox.exact import largest
from nnapprox.network import Network
from nnapprox.regions.polytope import MOST_DIMENSIONS, Bounds, Point, Polytope, bounding_box

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

    So the count in the box is that of all of R^d. On any cell, the neurons are integer forms whose coefficients are
    bounded. A least face of a cell is where at most d of them vanish that are independent; by Cramer's rule it has a
    point whose coordinates are quotients of integer determinants.

    Raises
    ------
    UsageError
        The activation is not piecewise linear, or there are too many inputs.
    """
    dimension = network.widths[0]
    if dimension > MOST_DIMENSIONS:
        raise UsageError(f"cells are enumerated in 1 to {MOST_DIMENSIONS} dimensions, not in {dimension}")
    exact = network.astype("rational")
    slope = exact.negative_slope
    steepest = max(slope.denominator, abs(slope.numerator))
    values = np.eye(dimension, dimension + 1, dtype=object)
    coefficient = constant = 1
    for number, layer in enumerate(exact.integer_layers[:-1]):
        matrix = np.abs(layer.matrix.astype(object))
        values = matrix[:, :-1] @ (values * steepest if number else values)
        values[:, -1] += matrix[:, -1]
        coefficient = max(coefficient, largest(values[:, :-1]))
        constant = max(constant, largest(values[:, -1]))
    bound = factorial(dimension) * coefficient ** (dimension - 1) * constant
    end = Fraction(2 ** (bound.bit_length() + 1))
    return Polytope.box([(-end, end)] * dimension)
