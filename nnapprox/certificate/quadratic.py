"""Quadratic functions on polytopes: their largest absolute value, exactly.

In homogeneous coordinates a quadratic function is a symmetric matrix, and an affine one is a matrix whose only nonzero
row and column are the last. The largest value is taken at a vertex, or inside a face at a point that is critical for
the restriction to it, and then the only such point: else the restriction is constant along a line, which leaves the
face through its boundary. So all faces, each with its one critical point, tell the maximum, whatever the Hessian is.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import pairwise, product
from math import factorial, lcm, prod

from nnapprox.exact import Integer, IntegerMatrix, Rational
from nnapprox.functions.polynomials import SparsePolynomial
from nnapprox.regions.polytope import Form, Polytope, Vertex, simplex_volume


@dataclass(frozen=True, slots=True)
class Quadratic:
    """The function x -> (x, 1) matrix (x, 1) / (2 scale) of d variables.

    Attributes
    ----------
    matrix : IntegerMatrix
        Symmetric, shape (d + 1, d + 1).
    scale : Integer
        Above 0.
    reach : int
        The largest dimension of a face inside which it can have a strict extremum: the larger of the numbers of
        positive and of negative eigenvalues of its Hessian. 0 where it is affine.
    """

    matrix: IntegerMatrix
    scale: Integer
    reach: int

    @classmethod
    def of_form(cls, form: Form, scale: Integer) -> Quadratic:
        """The affine function form / scale."""
        return cls(_bordered(form), scale, 0)

    @classmethod
    def of_polynomial(cls, polynomial: SparsePolynomial, dimension: int) -> Quadratic:
        """A polynomial of degree at most 2."""
        scale = lcm(*(int(coefficient.q) for coefficient in polynomial.coefficients.values()))
        rows = [[0] * (dimension + 1) for _ in range(dimension + 1)]
        for monomial, coefficient in polynomial.coefficients.items():
            i, j = (*monomial, dimension, dimension)[:2]
            rows[i][j] += int(coefficient * scale)
            rows[j][i] += int(coefficient * scale)
        return cls(IntegerMatrix(rows), Integer(scale), _reach([row[:dimension] for row in rows[:dimension]]))

    def minus(self, form: Form, scale: Integer) -> Quadratic:
        """The difference to the affine function form / scale."""
        return Quadratic(self.matrix * scale - _bordered(form) * self.scale, self.scale * scale, self.reach)

    @property
    def form(self) -> Form:
        """The form, a multiple of it by a positive number, that an affine function is."""
        *slope, constant = self.matrix.tolist()[-1]
        return [*(2 * number for number in slope), constant]

    def at_vertices(self, vertices: Sequence[Vertex]) -> list[Rational]:
        """Values at points."""
        rows = (IntegerMatrix(vertices) * self.matrix).tolist()
        return [
            Rational(_product(row, vertex), 2 * self.scale * vertex[-1] ** 2)
            for row, vertex in zip(rows, vertices, strict=True)
        ]

    def integral(self, corners: Sequence[Vertex]) -> Rational:
        """The integral over the simplex with d + 1 vertices."""
        return _mean(self._bernstein(corners), len(corners), 2) * simplex_volume(corners)

    def integral_of_square(self, corners: Sequence[Vertex]) -> Rational:
        """The integral of its square over the simplex with d + 1 vertices."""
        coefficients = self._bernstein(corners)
        squared = [a * b for a in coefficients for b in coefficients]
        return _mean(squared, len(corners), 4) * simplex_volume(corners)

    def _bernstein(self, corners: Sequence[Vertex]) -> list[Rational]:
        """b_ij, row by row, so that it is the sum of b_ij t_i t_j at the point with barycentric coordinates t."""
        frame = IntegerMatrix(corners)
        products = (frame * self.matrix * frame.transpose()).tolist()
        weights = [corner[-1] for corner in corners]
        return [
            Rational(number, 2 * self.scale * w * v)
            for row, w in zip(products, weights, strict=True)
            for number, v in zip(row, weights, strict=True)
        ]

    def extrema(self, polytope: Polytope) -> Iterator[tuple[Rational, Vertex]]:
        """Give values, each with a point of a polytope at which it is taken; among them is the largest absolute one."""
        yield from zip(self.at_vertices(polytope.vertices), polytope.vertices, strict=True)
        if self.reach:
            for faces in polytope.faces()[1 : self.reach + 1]:
                for face in faces:
                    yield from self._inside(polytope, face)

    def _inside(self, polytope: Polytope, face: int) -> Iterator[tuple[Rational, Vertex]]:
        """Give the critical point of the restriction to the plane of a face, where its value is not 0.

        Only if there is just one, and it lies in the polytope. The plane is that of points t B with last coordinate 1,
        where the rows of B are vertices; the point is critical where B matrix B' t' is a multiple of the last column
        of B. Where that is not solved by one t alone, the value is 0, or there is a line of such points, or none.
        """
        corners = polytope.frame(face)
        frame = IntegerMatrix(corners)
        weights = IntegerMatrix([[corner[-1]] for corner in corners])
        try:
            solution = (frame * self.matrix * frame.transpose()).solve(weights).entries()
        except ZeroDivisionError:
            return
        *coordinates, weight = (
            sum((t * number for t, number in zip(solution, column, strict=True)), start=Rational(0))
            for column in zip(*corners, strict=True)
        )
        if weight == 0:
            return
        point = [coordinate / weight for coordinate in coordinates]
        common = lcm(*(int(coordinate.q) for coordinate in point))
        vertex = (*(Integer(int(coordinate * common)) for coordinate in point), Integer(common))
        if all(_product(form, vertex) >= 0 for form in polytope.facets.values()):
            yield 1 / (2 * self.scale * weight), vertex


def _mean(coefficients: Sequence[Rational], corners: int, degree: int) -> Rational:
    """The mean over a simplex of a homogeneous polynomial in its barycentric coordinates."""
    return sum((a * m for a, m in zip(coefficients, _monomial_means(corners, degree), strict=True)), start=Rational(0))


@cache
def _monomial_means(corners: int, degree: int) -> list[Rational]:
    """Means over a simplex of t_i t_j ... for all tuples (i, j, ...) of indices below `corners`, in order.

    Dirichlet's formula: the mean of t^a is d! a! / (d + |a|)!.
    """
    d = corners - 1
    return [
        Rational(factorial(d) * prod(factorial(indices.count(i)) for i in set(indices)), factorial(d + degree))
        for indices in product(range(corners), repeat=degree)
    ]


def _product(first: Sequence[Integer], second: Sequence[Integer]) -> Integer:
    return sum((a * b for a, b in zip(first, second, strict=True)), start=Integer(0))


def _bordered(form: Form) -> IntegerMatrix:
    """The matrix of twice an affine form: it is the last row and column, where they meet twice."""
    *slope, constant = form
    zeros = [Integer(0)] * len(slope)
    return IntegerMatrix([*[[*zeros, number] for number in slope], [*slope, 2 * constant]])


def _reach(hessian: list[list[int]]) -> int:
    """The larger of the numbers of positive and of negative eigenvalues, by Descartes' rule: all roots are real."""
    coefficients = [int(c) for c in IntegerMatrix(hessian).charpoly().coeffs()]
    mirrored = [-c if power % 2 else c for power, c in enumerate(coefficients)]
    return max(_sign_changes(coefficients), _sign_changes(mirrored))


def _sign_changes(numbers: list[int]) -> int:
    return sum(a * b < 0 for a, b in pairwise(number for number in numbers if number))
