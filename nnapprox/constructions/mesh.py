"""The three-direction mesh of a rectangle: its interpolants as networks, and how far they are from a function."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from itertools import product
from typing import TypeAlias

from nnapprox.constructions.assembly import Assembly, Form, inner
from nnapprox.constructions.construction import Domain
from nnapprox.constructions.normal_form import NormalForms
from nnapprox.exact import Ball, BallSeries, ball_around, bounds, precision, to_fraction, to_rational
from nnapprox.functions import Expression
from nnapprox.functions.algebra import evaluate
from nnapprox.functions.taylor import TaylorSeries
from nnapprox.network import Network

Values: TypeAlias = Mapping[tuple[int, int], Fraction]
"""By the place (i, j) of a node, from the lower left."""

_BITS = 64


@dataclass(frozen=True)
class Mesh:
    """N x N cells, each cut along the diagonal from its lower left.

    Attributes
    ----------
    domain : Domain
        The rectangle.
    cells : int
        N.
    """

    domain: Domain
    cells: int

    @property
    def sizes(self) -> tuple[Fraction, Fraction]:
        """Width and height of a cell."""
        (left, right), (low, high) = self.domain
        return (right - left) / self.cells, (high - low) / self.cells

    @property
    def nodes(self) -> list[tuple[int, int]]:
        """The places of all nodes."""
        along = range(self.cells + 1)
        return [(i, j) for i in along for j in along]

    def point(self, i: int, j: int) -> tuple[Fraction, Fraction]:
        """The node at a place."""
        (left, _), (low, _) = self.domain
        return left + i * self.sizes[0], low + j * self.sizes[1]

    def network(self, values: Values) -> Network:
        """The sum of nodal values times hats, right of and above the mesh's corner: L = 4.

        A hat is ReLU(1 - max(0, u - i, v - j) + min(0, u - i, v - j)) in coordinates u, v that count cells. All hats
        share u, v and the ReLU(v - u - k); each has 3 neurons more.
        """
        assembly = Assembly(2)
        u, v = self._counted(assembly.variables)
        above = {k: assembly.relu(v - u - k) for k in sorted({j - i for i, j in values})}
        u, v = assembly.relu(u), assembly.relu(v)
        assembly.close()
        spans = [assembly.relu(u - i + above[j - i]) + assembly.relu(above[j - i] - v + j) for i, j in values]
        assembly.close()
        hats = [assembly.relu(1 - span) for span in spans]
        assembly.close()
        return assembly.network([inner(values.values(), hats)])

    def interpolant(self, forms: NormalForms, values: Values) -> Form:
        """The normal form of the same, from the definition of the hats."""
        u, v = self._counted(forms.variables)
        hats = [
            forms.relu(1 - forms.relu(forms.max(u - i, v - j)) - forms.relu(-forms.min(u - i, v - j)))
            for i, j in values
        ]
        return inner(values.values(), hats)

    def cell(self, i: int, j: int) -> Domain:
        """The cell whose lower left node is at a place."""
        return tuple(zip(self.point(i, j), self.point(i + 1, j + 1), strict=True))

    def error(self, expression: Expression) -> tuple[Fraction, Domain] | None:
        """A bound of sup |f - I f|, I the interpolation, and the cell where it is largest.

        None where f need not have second derivatives. In a cell of h x k the bound is 1/8 (h^2 |f_xx| + 2 h k |f_xy| +
        k^2 |f_yy|): at x, a convex combination of vertices v, the error is at most that combination of all
        1/2 |f''(v - x, v - x)|, and those of (v - x)_1^2 and (v - x)_2^2 are at most h^2 / 4 and k^2 / 4.
        """
        largest, worst = Fraction(-1), self.domain
        for i, j in product(range(self.cells), repeat=2):
            bound = self._error_in(self.cell(i, j), expression)
            if bound is None:
                return None
            if bound > largest:
                largest, worst = bound, self.cell(i, j)
        return largest, worst

    def _error_in(self, cell: Domain, expression: Expression) -> Fraction | None:
        h, k = self.sizes
        along = [second_derivative(expression, cell, direction) for direction in ((h, 0), (0, k), (h, k))]
        if not all(derivative.is_finite() for derivative in along):
            return None
        xx, yy, both = along
        with precision(_BITS):
            total = abs(xx) + abs(both - xx - yy) + abs(yy)
        return to_fraction(bounds(total)[1]) / 8

    def _counted(self, variables: tuple[Form, ...]) -> list[Form]:
        """The coordinates in cells, from the corner."""
        starts = (low for low, _ in self.domain)
        return [(x - start) * (1 / size) for x, start, size in zip(variables, starts, self.sizes, strict=True)]


def second_derivative(expression: Expression, box: Domain, direction: tuple[Fraction | int, Fraction | int]) -> Ball:
    """Enclose f''(direction, direction) on a box; not finite where f need not have it."""
    with precision(_BITS, terms=3):
        line = [
            BallSeries([ball_around(to_rational(low), to_rational(high)), Ball(to_rational(step))], 3)
            for (low, high), step in zip(box, direction, strict=True)
        ]
        series = evaluate(expression.steps, TaylorSeries(), line)
        return 2 * series[2] if series.prec > 2 else Ball.nan()
