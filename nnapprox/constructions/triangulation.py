"""Triangulations of convex polygons, checked, and their nodal hats as maxima of minima of affine forms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TypeAlias

from nnapprox.errors import UsageError

Point: TypeAlias = tuple[Fraction, Fraction]
Triangle: TypeAlias = tuple[int, int, int]
Piece: TypeAlias = tuple[tuple[Fraction, ...], Fraction]
"""An affine function of the plane, (a, b) of a.x + b."""


@dataclass(frozen=True)
class Triangulation:
    """Triangles that fill a convex polygon, edge to edge.

    Parameters
    ----------
    points : sequence of (x, y)
        The vertices.
    triangles : sequence of three ints
        Places of their vertices, counted from 0; turned counterclockwise here.

    Raises
    ------
    UsageError
        A triangle has no area, two of them overlap, they do not meet edge to edge, a vertex is in none, or all together
        are not convex.
    """

    points: Sequence[Point]
    triangles: Sequence[Triangle]

    def __post_init__(self) -> None:
        turned = [self._turned(triangle) for triangle in self.triangles]
        object.__setattr__(self, "triangles", turned)
        sides = [side for a, b, c in turned for side in ((a, b), (b, c), (c, a))]
        if len(set(sides)) < len(sides):
            raise UsageError("two triangles lie on the same side of an edge that they share: they overlap")
        if unused := set(range(len(self.points))) - {vertex for triangle in turned for vertex in triangle}:
            raise UsageError(f"vertex {min(unused) + 1} is in no triangle")
        # Where all sides but those of the convex hull are shared, all points of the hull lie in equally many triangles.
        outer = set(sides) - {(b, a) for a, b in sides}
        on_hull = all(self._area(a, b, c) >= 0 for a, b in outer for c in range(len(self.points)))
        if not on_hull or sum(self._area(*triangle) for triangle in turned) != self._hull_area():
            raise UsageError("the triangles must meet edge to edge and fill a convex polygon, each point once")

    def hat(self, vertex: int) -> tuple[tuple[Piece, ...], list[frozenset[int]]]:
        """The hat of a vertex: ReLU of the maximum over groups of the minima of their pieces.

        The pieces are those of the triangles around the vertex. The group of a triangle holds the pieces that are not
        below its own on it (Tarela and Martínez 1999); the other triangles, where the hat is 0, are left to the ReLU.
        """
        star = [triangle for triangle in self.triangles if vertex in triangle]
        pieces = tuple(self._piece(vertex, triangle) for triangle in star)
        groups = [
            frozenset(
                other
                for other, piece in enumerate(pieces)
                if all(_value(piece, self.points[v]) >= (v == vertex) for v in triangle)
            )
            for triangle in star
        ]
        return pieces, list(dict.fromkeys(groups))

    def _turned(self, triangle: Triangle) -> Triangle:
        a, b, c = triangle
        area = self._area(a, b, c)
        if not area:
            raise UsageError(f"the triangle {a + 1},{b + 1},{c + 1} has no area")
        return triangle if area > 0 else (a, c, b)

    def _area(self, a: int, b: int, c: int) -> Fraction:
        """Twice the area of a triangle; negative where it turns clockwise."""
        return _cross(self.points[a], self.points[b], self.points[c])

    def _hull_area(self) -> Fraction:
        """Twice the area of the convex hull."""
        ordered = sorted(self.points)
        hull = [*_lower_hull(ordered), *_lower_hull(ordered[::-1])]
        return sum((p[0] * q[1] - p[1] * q[0] for p, q in pairwise([*hull, hull[0]])), start=Fraction(0))

    def _piece(self, vertex: int, triangle: Triangle) -> Piece:
        """The affine function that is 1 at one vertex of a triangle and 0 at the others."""
        place = triangle.index(vertex)
        p, q = (self.points[triangle[(place + turn) % 3]] for turn in (1, 2))
        area = self._area(*triangle)
        a, b = (p[1] - q[1]) / area, (q[0] - p[0]) / area
        return (a, b), -(a * p[0] + b * p[1])


def _value(piece: Piece, point: Point) -> Fraction:
    (a, b), constant = piece
    return a * point[0] + b * point[1] + constant


def _cross(p: Point, q: Point, r: Point) -> Fraction:
    return (q[0] - p[0]) * (r[1] - p[1]) - (q[1] - p[1]) * (r[0] - p[0])


def _lower_hull(ordered: Sequence[Point]) -> list[Point]:
    """The convex hull's side from the first to the last point, the last left out."""
    hull: list[Point] = []
    for point in ordered:
        while len(hull) > 1 and _cross(hull[-2], hull[-1], point) <= 0:
            hull.pop()
        hull.append(point)
    return hull[:-1]
