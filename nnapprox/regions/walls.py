"""How cells in one or two dimensions lie side by side: the vertices and edges between them, exactly.

A side of a cell may have vertices of its neighbours inside. Cut there, all sides together are the edges of a polygonal
complex, each of them between two cells, or between one and the outside.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from itertools import pairwise
from math import gcd
from typing import NamedTuple

from nnapprox.errors import UsageError
from nnapprox.exact import Integer, Rational
from nnapprox.regions.polytope import Form, Polytope, Vertex


class Wall(NamedTuple):
    """A piece of dimension d - 1 between two cells, or between a cell and the outside of the domain.

    Attributes
    ----------
    ends : tuple of Vertex
        Two, or one where the cells are intervals.
    cells : tuple of int
        The places of the cells, two of them or one; convex cells share no more than one wall.
    """

    ends: tuple[Vertex, ...]
    cells: tuple[int, ...]


def walls(cells: Sequence[Polytope]) -> Iterator[Wall]:
    """Give the walls of cells that do not overlap and fill a convex domain of one or two dimensions.

    Raises
    ------
    UsageError
        There are more dimensions.
    """
    dimension = cells[0].dimension
    if dimension > 2:
        raise UsageError(f"what lies beside what is told in one and two dimensions, not in {dimension}")
    return _walls_of_intervals(cells) if dimension == 1 else _walls_of_polygons(cells)


def _walls_of_intervals(cells: Sequence[Polytope]) -> Iterator[Wall]:
    at: dict[Vertex, list[int]] = defaultdict(list)
    for place, cell in enumerate(cells):
        for vertex in cell.vertices:
            at[vertex].append(place)
    for vertex, places in at.items():
        yield Wall((vertex,), tuple(places))


def _walls_of_polygons(cells: Sequence[Polytope]) -> Iterator[Wall]:
    on_line: dict[Vertex, list[tuple[Vertex, Vertex, int]]] = defaultdict(list)
    for place, cell in enumerate(cells):
        corners = outline(cell)
        for (start, label), (end, _) in zip(corners, [*corners[1:], corners[0]], strict=True):
            on_line[_unsigned(cell.facets[label])].append((start, end, place))
    for line, found in on_line.items():
        yield from _walls_on_line(line, found)


def outline(polygon: Polytope) -> list[tuple[Vertex, int]]:
    """The vertices of a polygon, counter-clockwise, each with the label of the side that begins there."""
    on_side: dict[int, list[int]] = {label: [] for label in polygon.facets}
    on_vertex: list[list[int]] = [[] for _ in polygon.vertices]
    for place, on in enumerate(polygon.incidence):
        for label, found in on_side.items():
            if on >> label & 1:
                found.append(place)
                on_vertex[place].append(label)
    start, end = on_side[label := on_vertex[0][0]]
    if not _is_left(polygon.vertices[start], polygon.vertices[end], polygon.facets[label]):
        start, end = end, start
    walk = [(start, label)]
    while end != walk[0][0]:
        start = end
        [label] = (other for other in on_vertex[start] if other != label)
        [end] = (other for other in on_side[label] if other != start)
        walk.append((start, label))
    return [(polygon.vertices[place], label) for place, label in walk]


def _is_left(start: Vertex, end: Vertex, form: Form) -> bool:
    """Whether a form that is 0 in two points is positive to the left of the way from one to the other."""
    (x, y, w), (u, v, z) = start, end
    return bool((y * z - w * v) * form[0] > 0 or (w * u - x * z) * form[1] > 0)


def _walls_on_line(line: Vertex, found: Iterable[tuple[Vertex, Vertex, int]]) -> Iterator[Wall]:
    # Wherever a wall ends, a side ends: at such a vertex another line leaves, between two cells that have sides here.
    axis = 0 if line[1] else 1
    ends = {vertex for start, end, _ in found for vertex in (start, end)}
    vertices = sorted(ends, key=lambda vertex: Rational(vertex[axis], vertex[-1]))
    rank = {vertex: place for place, vertex in enumerate(vertices)}
    cells: list[list[int]] = [[] for _ in vertices]
    for start, end, place in found:
        low, high = sorted((rank[start], rank[end]))
        for between in range(low, high):
            cells[between].append(place)
    for ends_of_wall, beside in zip(pairwise(vertices), cells, strict=False):
        if beside:
            yield Wall(ends_of_wall, tuple(beside))


def _unsigned(form: Form) -> Vertex:
    """The coprime integers that stand for a line, whichever side of it is positive."""
    divisor = gcd(*map(int, form))
    first = next(number for number in form if number)
    return tuple(Integer(number) // (divisor if first > 0 else -divisor) for number in form)
