"""The error of a network of one variable against a function, on intervals where the network is affine."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Protocol

from nnapprox.errors import UsageError
from nnapprox.exact import Ball, Rational, ball_around, bounds, to_fraction, to_rational
from nnapprox.functions import Expression
from nnapprox.regions.line import Pieces

_FEW_BITS = 32
"""A ball around a value of no more bits is too wide to come from rounding alone."""

_BITS = 256
"""Of what replaces it."""


class Function(Protocol):
    """A function of one variable with rigorous enclosures, as an `Expression` is."""

    def enclose(self, box: Sequence[Ball]) -> Ball:
        """Enclose its values on a ball, the only one in the box."""

    def series(self, ball: Ball, order: int) -> list[Ball]:
        """Enclose its Taylor coefficients at all points of a ball, as far as they are known."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """The error slope * x + intercept - target(x) on an interval.

    Attributes
    ----------
    target : Function
    slope, intercept : Rational
        The network there.
    left, right : Rational
        Ends of the interval.
    branch : Function, optional
        The same function inside the interval, without kinks and jumps at the ends.
    """

    target: Function
    slope: Rational
    intercept: Rational
    left: Rational
    right: Rational
    branch: Function | None = None

    @property
    def middle(self) -> Rational:
        """The midpoint of the interval."""
        return (self.left + self.right) / 2

    @property
    def radius(self) -> Rational:
        """Half its length."""
        return (self.right - self.left) / 2

    @property
    def may_jump(self) -> bool:
        """Whether the error at the ends may be another than next to them, inside the interval."""
        return isinstance(self.target, Expression) and not self.target.is_continuous

    def at(self, x: Rational) -> Ball:
        """Enclose the error at a point: exactly, where rounding to a ball would put x across a jump."""
        value = self.target.enclose([Ball(x)])
        if isinstance(self.target, Expression) and value.rel_one_accuracy_bits() < _FEW_BITS:
            value = Ball(to_rational(self.target.approximate([to_fraction(x)], _BITS)), Rational(1, 2**_BITS))
        return Ball(self.slope * x + self.intercept) - value

    def limit(self, x: Rational) -> Ball:
        """Enclose the error next to a point, coming from inside the interval."""
        return self.series_at(x, 0)[0]

    def series(self, order: int) -> list[Ball]:
        """Enclose its Taylor coefficients at all points of the interval, as `Expression.series` does."""
        return self._series(ball_around(self.left, self.right), order)

    def series_at(self, x: Rational, order: int) -> list[Ball]:
        """Enclose its Taylor coefficients at a point."""
        return self._series(Ball(x), order)

    @property
    def unbounded(self) -> UsageError:
        """The error to raise where cutting does not lead to a finite enclosure."""
        return UsageError(f"{self.target} has no finite enclosure near x = {float(to_fraction(self.middle)):.10g}")

    def split(self, x: Rational) -> tuple[Stretch, Stretch]:
        """Cut the interval at a point inside."""
        return replace(self, right=x), replace(self, left=x)

    def _series(self, ball: Ball, order: int) -> list[Ball]:
        line = (self.slope * ball + self.intercept, Ball(self.slope))
        coefficients = (self.branch or self.target).series(ball, order)
        return [line[k] - c if k < 2 else -c for k, c in enumerate(coefficients)]


def stretches(pieces: Pieces, target: Expression) -> Iterator[Stretch]:
    """Cut the pieces of a network where the target has a rational singular point.

    Raises
    ------
    UsageError
        The target is not defined everywhere.
    """
    rows = [tuple(map(int, row)) for row in pieces.merged().rows]
    knots = [(Rational(p, t), Rational(y, t)) for p, y, t in rows]
    first, last = knots[0][0], knots[-1][0]
    singular = [to_rational(point) for point in target.singular_points(to_fraction(first), to_fraction(last))]
    for (left, u), (right, v) in pairwise(knots):
        slope = (v - u) / (right - left)
        inside = singular[bisect_right(singular, left) : bisect_left(singular, right)]
        for start, end in pairwise((left, *inside, right)):
            yield Stretch(target, slope, u - slope * left, start, end, target.on(start, end))


def largest(ball: Ball) -> Rational:
    """The largest absolute value in a finite ball."""
    return bounds(ball.abs_upper())[1]


def smallest(ball: Ball) -> Rational:
    """The smallest absolute value in a finite ball."""
    return bounds(ball.abs_lower())[0]
