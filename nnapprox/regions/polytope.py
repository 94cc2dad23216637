"""Convex polytopes of any dimension, exactly: vertices, facets, and which vertex lies on which facet."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import combinations, product
from math import factorial, gcd, lcm, prod
from typing import TypeAlias

from nnapprox.errors import UsageError
from nnapprox.exact import Integer, IntegerMatrix, Rational, inverse, to_fraction

Vertex: TypeAlias = tuple[Integer, ...]
"""(w x_1, ..., w x_d, w): a rational point by coprime integers, w > 0."""

Form: TypeAlias = Sequence[Integer]
"""(a_1, ..., a_d, c): the affine form a.x + c. Its product with a vertex has the sign of its value there."""

Point: TypeAlias = tuple[Fraction, ...]
Bounds: TypeAlias = Sequence[tuple[int | Fraction, int | Fraction]]

MOST_DIMENSIONS = 8
"""A box has 2^d vertices, and every split looks at pairs of them."""


def bounding_box(points: Iterable[Point]) -> tuple[tuple[Fraction, Fraction], ...]:
    """The smallest box around points, of which there is one at least: its sides."""
    return tuple((min(ends), max(ends)) for ends in zip(*points, strict=True))


def box_ends(bounds: Bounds) -> list[tuple[Fraction, Fraction]]:
    """The sides of a box as rationals.

    Raises
    ------
    UsageError
        An end is not finite, a side has no length, or there are none or too many.
    """
    if not 1 <= len(bounds) <= MOST_DIMENSIONS:
        raise UsageError(f"cells are enumerated in 1 to {MOST_DIMENSIONS} dimensions, not in {len(bounds)}")
    try:
        ends = [(Fraction(low), Fraction(high)) for low, high in bounds]
    except (ValueError, OverflowError):
        raise UsageError(f"a domain must have finite ends, not {bounds}") from None
    for low, high in ends:
        if low >= high:
            raise UsageError(f"a domain must have a low end below its high end, not {low},{high}")
    return ends


@dataclass(frozen=True, slots=True)
class Polytope:
    """A bounded convex polytope of full dimension with rational vertices.

    Attributes
    ----------
    vertices : tuple of Vertex
        In no order.
    incidence : tuple of int
        One a vertex: bit k is set where it lies on the facet with the label k.
    facets : dict of int to Form
        By label, a form that is 0 on the facet and positive inside. There is no other inequality: none is redundant.
    """

    vertices: tuple[Vertex, ...]
    incidence: tuple[int, ...]
    facets: dict[int, Form]

    @classmethod
    def box(cls, bounds: Bounds) -> Polytope:
        """The box with these sides; its facets are labelled 2 i (where x_i is least) and 2 i + 1.

        Raises
        ------
        UsageError
            As `box_ends`.
        """
        ends = box_ends(bounds)
        dimension = len(ends)
        facets: dict[int, Form] = {}
        for axis, (low, high) in enumerate(ends):
            for label, end, sign in ((2 * axis, low, 1), (2 * axis + 1, high, -1)):
                form = [0] * dimension + [-sign * end.numerator]
                form[axis] = sign * end.denominator
                facets[label] = tuple(map(Integer, form))
        corners = list(product((0, 1), repeat=dimension))
        return cls(
            tuple(_integers([*(end[c] for end, c in zip(ends, corner, strict=True)), 1]) for corner in corners),
            tuple(sum(1 << (2 * axis + c) for axis, c in enumerate(corner)) for corner in corners),
            facets,
        )

    @classmethod
    def of(cls, domain: Polytope | Bounds) -> Polytope:
        """A polytope as it is, or the box with these sides; raises as `box`."""
        return domain if isinstance(domain, Polytope) else cls.box(domain)

    @property
    def dimension(self) -> int:
        """Number of coordinates, d."""
        return len(self.vertices[0]) - 1

    @property
    def next_label(self) -> int:
        """A label that is larger than those of all facets."""
        return max(self.facets) + 1

    @property
    def points(self) -> list[Point]:
        """The vertices as rational points."""
        return [to_point(vertex) for vertex in self.vertices]

    @property
    def centre(self) -> Point:
        """The mean of the vertices, a point inside."""
        return tuple(sum(column, Fraction(0)) / len(self.vertices) for column in zip(*self.points, strict=True))

    def cut(self, normal: Sequence[int | Fraction], offset: int | Fraction) -> Polytope:
        """The part where normal.x <= offset.

        Raises
        ------
        UsageError
            There are not as many coordinates, or nothing is left that has a volume.
        """
        if len(normal) != self.dimension:
            raise UsageError(f"a half-space in {self.dimension} dimensions has a normal of as many, not {len(normal)}")
        form = _integers([*(-Fraction(n) for n in normal), offset])
        [values] = self.values([form])
        if max(values) <= 0:
            raise UsageError(f"no part of the domain lies strictly in the half-space below {offset}: cut off less")
        return self if min(values) >= 0 else self.split(form, values, self.next_label)[1]

    def transformed(self, matrix: IntegerMatrix) -> Polytope:
        """The same in other coordinates, whose product with a matrix are these; both with 1 after them, up to a factor.

        The matrix is invertible; the factor is positive all over the polytope.
        """
        back, _ = inverse(matrix)
        vertices = IntegerMatrix(self.vertices) * back.transpose()
        forms = IntegerMatrix(list(self.facets.values())) * matrix
        return Polytope(
            tuple(map(_coprime, vertices.tolist())),
            self.incidence,
            dict(zip(self.facets, map(_coprime, forms.tolist()), strict=True)),
        )

    def values(self, forms: Sequence[Form]) -> list[list[Integer]]:
        """Products of forms with all vertices: row by row one form, in each one number a vertex."""
        if not forms:
            return []
        return (IntegerMatrix(forms) * IntegerMatrix(self.vertices).transpose()).tolist()

    def split(self, form: Form, values: Sequence[Integer], label: int) -> tuple[Polytope, Polytope]:
        """The parts where a form is negative and where it is positive.

        Parameters
        ----------
        form : Form
        values : sequence of Integer
            Its products with the vertices, of both signs.
        label : int
            That of the new facet of both parts; no facet has it yet.
        """
        new = 1 << label
        below: list[tuple[int, Vertex, int, Integer]] = []
        above: list[tuple[int, Vertex, int, Integer]] = []
        between: list[tuple[Vertex, int]] = []
        for place, (vertex, on, value) in enumerate(zip(self.vertices, self.incidence, values, strict=True)):
            if value == 0:
                between.append((vertex, on | new))
            else:
                (above if value > 0 else below).append((place, vertex, on, value))
        for one, u, on_one, above_by in above:
            for other, v, on_other, below_by in below:
                common = on_one & on_other
                if self._is_edge(common, one, other):
                    between.append((_meet(u, above_by, v, -below_by), common | new))
        return (
            self._part(below, between, label, [-a for a in form]),
            self._part(above, between, label, form),
        )

    def _is_edge(self, common: int, one: int, other: int) -> bool:
        """Whether the facets that two vertices share meet in no third vertex: then they are joined by an edge."""
        return common.bit_count() >= self.dimension - 1 and not any(
            on & common == common and place not in (one, other) for place, on in enumerate(self.incidence)
        )

    def _part(
        self, kept: list[tuple[int, Vertex, int, Integer]], between: list[tuple[Vertex, int]], label: int, form: Form
    ) -> Polytope:
        # A facet of the whole with a vertex strictly on this side keeps its dimension; any other one loses it.
        facets = 0
        for _, _, on, _ in kept:
            facets |= on
        remaining = facets | 1 << label
        inside = {k: f for k, f in self.facets.items() if facets >> k & 1}
        inside[label] = form
        return Polytope(
            (*(vertex for _, vertex, _, _ in kept), *(vertex for vertex, _ in between)),
            (*(on for _, _, on, _ in kept), *(on & remaining for _, on in between)),
            inside,
        )

    def edges(self) -> Iterator[tuple[Vertex, Vertex]]:
        """The edges by their ends; of an interval, it is the one edge."""
        corners = list(enumerate(zip(self.vertices, self.incidence, strict=True)))
        for (one, (u, on_one)), (other, (v, on_other)) in combinations(corners, 2):
            if self._is_edge(on_one & on_other, one, other):
                yield u, v

    @property
    def body(self) -> int:
        """The whole polytope as a face: a mask with one bit a vertex."""
        return (1 << len(self.vertices)) - 1

    def facets_of(self, face: int) -> list[int]:
        """The facets of a face; faces are masks, with bit k where they hold vertex k."""
        smaller = {face & self._vertices_on(label) for label in self.facets} - {face, 0}
        return [one for one in smaller if not any(one != other and one & other == one for other in smaller)]

    def _vertices_on(self, label: int) -> int:
        return sum((on >> label & 1) << place for place, on in enumerate(self.incidence))

    def faces(self) -> list[set[int]]:
        """All faces by their dimension, as masks of vertices: vertices, edges, ..., the whole."""
        levels = [{self.body}]
        while len(levels) <= self.dimension:
            levels.append({smaller for face in levels[-1] for smaller in self.facets_of(face)})
        return levels[::-1]

    def corners(self, face: int) -> list[Vertex]:
        """The vertices of a face."""
        return [vertex for place, vertex in enumerate(self.vertices) if face >> place & 1]

    def frame(self, face: int) -> list[Vertex]:
        """Of a face of dimension k, k + 1 vertices that lie in no smaller plane."""
        return next(self._simplices(face))

    def simplices(self) -> Iterator[list[Vertex]]:
        """A triangulation without new vertices, as d + 1 vertices a simplex."""
        return self._simplices(self.body)

    def _simplices(self, face: int) -> Iterator[list[Vertex]]:
        # Pulling: every face is a pyramid over those of its facets that do not hold its first vertex.
        apex = face & -face
        start = self.corners(apex)
        if face == apex:
            yield start
        for facet in self.facets_of(face):
            if not facet & apex:
                yield from (start + base for base in self._simplices(facet))

    def volume(self) -> Fraction:
        """The d-dimensional volume."""
        return to_fraction(sum(map(simplex_volume, self.simplices()), Rational(0)))


def simplex_volume(corners: Sequence[Vertex]) -> Rational:
    """The volume of the simplex with d + 1 vertices."""
    weights = prod(corner[-1] for corner in corners)
    return Rational(abs(IntegerMatrix(corners).det()), factorial(len(corners) - 1) * weights)


def to_point(vertex: Vertex) -> Point:
    """The point that homogeneous coordinates stand for."""
    *coordinates, weight = map(int, vertex)
    return tuple(Fraction(c, weight) for c in coordinates)


def _integers(numbers: Sequence[int | Fraction]) -> Vertex:
    """The multiple by coprime integers, of the same sign."""
    common = lcm(*(number.denominator for number in numbers))
    scaled = [int(number.numerator) * (common // number.denominator) for number in numbers]
    divisor = gcd(*scaled) or 1
    return tuple(Integer(number // divisor) for number in scaled)


def _coprime(numbers: Sequence[Integer]) -> Vertex:
    """Divide integers, not all of them 0, by what they have in common."""
    divisor = numbers[-1]
    for number in numbers[:-1]:
        divisor = number.gcd(divisor)
    return tuple(numbers) if divisor == 1 else tuple(number // divisor for number in numbers)


def _meet(u: Vertex, above_by: Integer, v: Vertex, below_by: Integer) -> Vertex:
    """Where the edge from u to v crosses the zeros of a form; its products with them are above_by and -below_by."""
    scaled = [below_by * a + above_by * b for a, b in zip(u, v, strict=True)]
    return _coprime(scaled)
