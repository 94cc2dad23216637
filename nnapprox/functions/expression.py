"""Target functions: an expression is parsed once, and evaluated exactly, rigorously or quickly."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from typing import TYPE_CHECKING, Any

from nnapprox.errors import UsageError
from nnapprox.exact import (
    Ball,
    Rational,
    RationalPolynomial,
    ball_around,
    bounds,
    precision,
    to_fraction,
    to_rational,
)
from nnapprox.functions.algebra import NoValueError, Step, UndefinedError, evaluate, shortened
from nnapprox.functions.branches import BENT, JUMPS, branch_on
from nnapprox.functions.enclosures import Branch, Enclosures, is_moderate
from nnapprox.functions.parsing import parse_tree
from nnapprox.functions.polylines import PiecewiseLinear, Polyline
from nnapprox.functions.polynomials import Polynomials, SparsePolynomial
from nnapprox.functions.rationals import Rationals
from nnapprox.functions.singular import doubtful_intervals, simplest_between
from nnapprox.functions.steps import compile_steps
from nnapprox.functions.tree import Node, text_of

if TYPE_CHECKING:
    from numpy.typing import ArrayLike, NDArray

MOST_DEGREE = 10_000
"""Of an expression that is taken as a polynomial."""

_GUARD_BITS = (32, 256, 2048, 16384)
"""Precision beyond that of the result, which is tried in turn."""

_BITS = 96
"""Precision that singular points are searched for with."""


def parse(text: str, variables: Sequence[str] | None = None) -> Expression:
    """Read an expression.

    Rational numbers (``1/3``, ``0.25``), ``pi``, ``e``; variables ``x``, or ``x, y, z``, or ``x1, x2, ...``;
    ``+ - * / ^`` (also ``**``) and parentheses; ``sin cos tan exp log sqrt abs sign step floor``; ``relu``, ``max``,
    ``min``, ``clip(x, low, high)``; ``tri(x)``, the distance to the nearest even integer; ``factorial(n)``;
    ``sum(k, first, last, body)``.

    Parameters
    ----------
    text : str
    variables : sequence of str, optional
        Names of the coordinates, where they are not those of the grammar.

    Raises
    ------
    UsageError
        The text is no expression, or a constant part of it is not defined or too large; the message says where.

    Examples
    --------
    >>> parse("x^2 - 1/3").at([1])
    Fraction(2, 3)
    """
    tree, names = parse_tree(text, None if variables is None else tuple(variables))
    expression = Expression(tree, names)
    _ = expression.steps  # what is wrong with it is said here
    return expression


@dataclass(frozen=True)
class Expression(Enclosures):
    """A function of one or several real variables, as `parse` makes it.

    Attributes
    ----------
    tree : Node
        As it was written; ``str`` gives text that is read as the same tree again.
    variables : tuple of str
        Names of the coordinates.
    """

    tree: Node
    variables: tuple[str, ...]

    def __str__(self) -> str:
        return text_of(self.tree)

    @property
    def inputs(self) -> int:
        """Number of coordinates it takes."""
        return len(self.variables)

    @cached_property
    def steps(self) -> tuple[Step, ...]:
        """The operations it is made of."""
        return compile_steps(self.tree, self.variables)

    @cached_property
    def is_continuous(self) -> bool:
        """Whether it is continuous where it is defined: floor, sign and step are taken to jump."""
        return not any(step.operation in JUMPS for step in self.steps)

    @cached_property
    def is_bent(self) -> bool:
        """Whether it may have kinks or jumps."""
        return any(step.operation in BENT for step in self.steps)

    def on(self, low: Rational, high: Rational) -> Enclosures:
        """The function of one variable inside an interval: without kinks and jumps that lie elsewhere or at its ends.

        At the ends it has the limits from inside. Kinks and jumps are left where arguments are not affine with
        rational coefficients.
        """
        self._require_one_variable()
        return Branch(branch_on(self.steps, low, high)) if self.is_bent else self

    def of_inputs(self, inputs: int) -> Expression:
        """The same function of so many coordinates, of which it uses the first.

        Raises
        ------
        UsageError
            It uses more, or its variables have names that cannot go on.
        """
        uses = [step.parameter for step in self.steps if step.operation == "coordinate"]
        if inputs == self.inputs:
            return self
        letters, numbered = ("x", "y", "z"), tuple(f"x{i}" for i in range(1, inputs + 1))
        for names in (letters[:inputs], numbered):
            if len(names) == inputs and (not uses or set(self.variables) <= set(names)):
                return Expression(self.tree, names)
        raise UsageError(
            f"{shortened(str(self))} is a function of {', '.join(self.variables)}, where one of {inputs} variables is "
            f"needed: write {', '.join(letters[:inputs] if inputs <= 3 else ('x1', '...', f'x{inputs}'))}"
        )

    def at(self, point: Sequence[Fraction | int | float]) -> Fraction:
        """Evaluate exactly, where the value is rational.

        Parameters
        ----------
        point : sequence of Fraction, int or float
            One number for every variable; a float is the dyadic rational it is.

        Raises
        ------
        UsageError
            The function is not defined there, or its value is not known to be rational.
        """
        value = self._exact_value(point)
        if isinstance(value, NoValueError):
            raise UsageError(f"{value}, at {self._where(point)}")
        return value

    def approximate(self, point: Sequence[Fraction | int | float], bits: int = 64) -> Fraction:
        """A rational within 2^-bits of the value; the value itself where it is known to be rational.

        Raises
        ------
        UsageError
            The function is not defined there.
        """
        exact = self._exact_value(point)
        if isinstance(exact, Fraction):
            return exact
        if isinstance(exact, UndefinedError):
            raise UsageError(f"{exact}, at {self._where(point)}")
        for guard_bits in _GUARD_BITS:
            with precision(bits + guard_bits):
                value = self.enclose([Ball(to_rational(coordinate)) for coordinate in point])
            if is_moderate(value) and bounds(value.rad())[1] <= Rational(1, 2**bits):
                return to_fraction(bounds(value.mid())[0])
        raise UsageError(f"{shortened(str(self))} is not defined, or too large, at {self._where(point)}")

    def value(self, points: ArrayLike) -> NDArray[Any]:
        """Evaluate in floating point.

        Parameters
        ----------
        points : array, shape (m, d)

        Returns
        -------
        array, shape (m,), float64
            Not finite where the function is not defined or too large.
        """
        import numpy as np

        from nnapprox.functions.floats import Floats

        columns = np.asarray(points, dtype=np.float64).T
        with np.errstate(all="ignore"):
            values = evaluate(self.steps, Floats(), list(columns))
        return np.broadcast_to(values, columns.shape[1:]).copy()

    def series(self, ball: Ball, order: int) -> list[Ball]:
        """Enclose the Taylor coefficients of a function of one variable, as `Enclosures.series` does."""
        self._require_one_variable()
        return super().series(ball, order)

    def polynomial(self) -> list[Fraction] | None:
        """Coefficients, that of the constant first, of a polynomial in one variable; None where it is none."""
        self._require_one_variable()
        one = RationalPolynomial([1])
        algebra = Polynomials(one, MOST_DEGREE)
        try:
            found = evaluate(self.steps, algebra, [RationalPolynomial([0, 1])])
        except NoValueError:
            return None
        return [to_fraction(coefficient) for coefficient in found.coeffs()]

    def quadratic(self) -> tuple[list[list[Fraction]], list[Fraction], Fraction] | None:
        """A symmetric, b and c with f(x) = x A x + b x + c; None where the function is no polynomial of that degree."""
        variables = [SparsePolynomial({(i,): Rational(1)}) for i in range(self.inputs)]
        try:
            found = evaluate(self.steps, Polynomials(SparsePolynomial({(): Rational(1)}), 2), variables)
        except NoValueError:
            return None
        matrix = [[Fraction(0)] * self.inputs for _ in variables]
        vector, constant = [Fraction(0)] * self.inputs, Fraction(0)
        for monomial, coefficient in found.coefficients.items():
            match monomial:
                case ():
                    constant = to_fraction(coefficient)
                case (i,):
                    vector[i] = to_fraction(coefficient)
                case (i, j):
                    matrix[i][j] += to_fraction(coefficient) / 2
                    matrix[j][i] += to_fraction(coefficient) / 2
        return matrix, vector, constant

    def affine_pieces(self, low: Fraction, high: Fraction) -> Polyline | None:
        """Knots and values on [low, high] of a function of one variable that is continuous and piecewise linear.

        None where it is not, or where its slopes are not rational.

        Raises
        ------
        UsageError
            It has more than `nnapprox.functions.polylines.MOST_PIECES` pieces.
        """
        self._require_one_variable()
        algebra = PiecewiseLinear(to_rational(low), to_rational(high))
        try:
            return evaluate(self.steps, algebra, [algebra.coordinate()])
        except NoValueError:
            return None

    def singular_points(self, low: Fraction, high: Fraction) -> list[Fraction]:
        """Rational points of [low, high] where a function of one variable is not analytic: kinks, jumps, roots of 0.

        They increase, and are exact. One that is not rational, or that has too large a denominator to be found, is
        not among them; where there are more than about `nnapprox.functions.singular.MOST_INTERVALS`, none is.

        Raises
        ------
        UsageError
            The function is not defined at a point of the interval, as at a pole.
        """
        self._require_one_variable()

        def is_analytic(left: Rational, right: Rational) -> bool:
            coefficients = self.series(ball_around(left, right), 2)
            if not coefficients:
                self._require_defined((left + right) / 2)
            return len(coefficients) == 3

        found = []
        with precision(_BITS):
            for left, right in doubtful_intervals(is_analytic, to_rational(low), to_rational(high)):
                point = simplest_between(left, right)
                self._require_defined(point)
                if not self.series(ball_around(left, right), 0):
                    raise UsageError(
                        f"{shortened(str(self))} has no finite enclosure near {self.variables[0]} = "
                        f"{float(to_fraction(point)):.10g}, where it may have a pole: take a domain without this point"
                    )
                if len(self.series(Ball(point), 2)) < 3:
                    found.append(to_fraction(point))
        return found

    def _require_defined(self, point: Rational) -> None:
        """Refuse a function that is not defined at a point."""
        if not self.enclose([Ball(point)]).is_finite():
            self.approximate([to_fraction(point)])

    def _exact_value(self, point: Sequence[Fraction | int | float]) -> Fraction | NoValueError:
        if len(point) != self.inputs:
            raise UsageError(f"{shortened(str(self))} takes {self.inputs} coordinates, not {len(point)}")
        try:
            value = evaluate(self.steps, Rationals(), [to_rational(coordinate) for coordinate in point])
        except NoValueError as error:
            return error
        if isinstance(value, Rational):
            return to_fraction(value)
        return NoValueError(f"{shortened(str(self))} is not rational")

    def _where(self, point: Sequence[Fraction | int | float]) -> str:
        return ", ".join(f"{name} = {shortened(str(x))}" for name, x in zip(self.variables, point, strict=True))

    def _require_one_variable(self) -> None:
        if self.inputs != 1:
            raise UsageError(
                f"{shortened(str(self))} has the variables {', '.join(self.variables)}, where one is needed"
            )
