"""The parts of a polytope on which an expression is a polynomial of degree at most 2."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import reduce

from nnapprox.certificate.quadratic import Quadratic
from nnapprox.errors import UsageError
from nnapprox.exact import Integer, Rational
from nnapprox.functions import Expression
from nnapprox.functions.algebra import NoValueError, evaluate
from nnapprox.functions.polynomials import Polynomials, SparsePolynomial
from nnapprox.regions.polytope import Form, Polytope


def pieces(expression: Expression, domain: Polytope) -> Iterator[tuple[Polytope, Quadratic]]:
    """Split a polytope into parts inside which an expression is one polynomial of degree at most 2.

    Where the expression jumps, a polynomial holds inside of its part, and not on all of its boundary.

    Raises
    ------
    UsageError
        The expression is not made of such polynomials, or has kinks or jumps along curves.
    """
    coordinates = [SparsePolynomial({(axis,): Rational(1)}) for axis in range(domain.dimension)]
    pending = [domain]
    while pending:
        part = pending.pop()
        try:
            found = evaluate(expression.steps, _PolynomialsOn(part), coordinates)
        except _Crossing as crossing:
            pending += part.split(crossing.form, crossing.values, part.next_label)
        except NoValueError as error:
            raise UsageError(f"{error}: in several variables no other target can be certified") from None
        else:
            yield part, Quadratic.of_polynomial(found, domain.dimension)


class _Crossing(Exception):  # noqa: N818 -- not an error: it asks for a split
    """A form changes its sign on a polytope, and an expression is not one polynomial there."""

    def __init__(self, form: Form, values: Sequence[Integer]) -> None:
        super().__init__()
        self.form, self.values = form, values


class _PolynomialsOn(Polynomials):
    """Functions that are polynomials inside a polytope; others raise `NoValueError`, or `_Crossing` for a split."""

    def __init__(self, polytope: Polytope) -> None:
        super().__init__(SparsePolynomial({(): Rational(1)}), 2)
        self._polytope = polytope

    def absolute(self, value: SparsePolynomial) -> SparsePolynomial:
        return value if self._sign(value) >= 0 else -value

    def maximum(self, *values: SparsePolynomial) -> SparsePolynomial:
        return reduce(lambda a, b: a if self._sign(a + -b) >= 0 else b, values)

    def sign(self, value: SparsePolynomial) -> SparsePolynomial:
        return self._constant(self._sign(value))

    def step(self, value: SparsePolynomial) -> SparsePolynomial:
        return self._constant(int(self._sign(value) >= 0))

    def floor(self, value: SparsePolynomial) -> SparsePolynomial:
        return self._constant(self._floor(value))

    def tri(self, value: SparsePolynomial) -> SparsePolynomial:
        below = self._floor(value)
        return self._constant(below + 1) + -value if below % 2 else value + self._constant(-below)

    def _constant(self, value: int) -> SparsePolynomial:
        return SparsePolynomial({(): Rational(value)})

    def _sign(self, value: SparsePolynomial) -> int:
        """The sign inside of the polytope."""
        form = self._affine(value).form
        [values] = self._polytope.values([form])
        low, high = min(values), max(values)
        if low < 0 < high:
            raise _Crossing(form, values)
        return int(high > 0) - int(low < 0)

    def _floor(self, value: SparsePolynomial) -> int:
        """The largest integer that is not above, inside of the polytope."""
        affine = self._affine(value)
        values = affine.at_vertices(self._polytope.vertices)
        low, high = min(values), max(values)
        below = int(low.floor())
        if high > below + 1:
            level = max(int(((low + high) / 2).floor()), below + 1)
            self._sign(value + self._constant(-level))
        return below

    def _affine(self, value: SparsePolynomial) -> Quadratic:
        found = Quadratic.of_polynomial(value, self._polytope.dimension)
        if found.reach:
            raise NoValueError("has a kink or a jump along a curve")
        return found
