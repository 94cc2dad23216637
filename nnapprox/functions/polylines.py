"""Expressions of one variable that are continuous and piecewise linear, exactly: their knots and the values there."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import pairwise

from nnapprox.errors import UsageError
from nnapprox.exact import Rational
from nnapprox.functions.algebra import Algebra

MOST_PIECES = 2**22

_ZERO = Rational(0)


@dataclass(frozen=True)
class Polyline:
    """A continuous function on an interval, affine between its knots.

    Attributes
    ----------
    knots : sequence of Rational
        At least two, strictly increasing; the first and the last are the ends of the interval. The slopes on the two
        sides of one need not differ.
    values : sequence of Rational
        At the knots.
    """

    knots: Sequence[Rational]
    values: Sequence[Rational]


class PiecewiseLinear(Algebra[Polyline]):
    """Continuous piecewise linear functions on an interval; nothing else has a value here."""

    lacking = "is not continuous and piecewise linear with rational slopes"

    def __init__(self, low: Rational, high: Rational) -> None:
        self._ends = [low, high]

    def coordinate(self) -> Polyline:
        """The function x."""
        return Polyline(self._ends, self._ends)

    def number(self, value: Rational) -> Polyline:
        return Polyline(self._ends, [value, value])

    def add(self, *terms: Polyline) -> Polyline:
        return reduce(_add, terms)

    def multiply(self, *factors: Polyline) -> Polyline:
        return reduce(self._scale, factors)

    def _scale(self, first: Polyline, second: Polyline) -> Polyline:
        """Multiply two functions of which one is constant."""
        if not _is_constant(first):
            first, second = second, first
        if not _is_constant(first):
            self.refuse()
        return Polyline(second.knots, [first.values[0] * v for v in second.values])

    def negate(self, value: Polyline) -> Polyline:
        return Polyline(value.knots, [-v for v in value.values])

    def power(self, base: Polyline, exponent: Rational) -> Polyline:
        return base if exponent == 1 else self.refuse()

    def absolute(self, value: Polyline) -> Polyline:
        bent = _bend(value, _zero_between)
        return Polyline(bent.knots, [abs(v) for v in bent.values])

    def maximum(self, *values: Polyline) -> Polyline:
        return reduce(self._larger, values)

    def _larger(self, first: Polyline, second: Polyline) -> Polyline:
        above = _bend(_add(first, self.negate(second)), _zero_between)
        return _add(second, Polyline(above.knots, [max(v, _ZERO) for v in above.values]))

    def tri(self, value: Polyline) -> Polyline:
        count = sum(abs(v.floor() - u.floor()) for u, v in pairwise(value.values))
        if count > MOST_PIECES:
            raise UsageError(f"the function has more than {MOST_PIECES:,} pieces on the domain: take a smaller one")
        bent = _bend(value, _integers_between)
        return Polyline(bent.knots, [abs(v - 2 * ((v + 1) / 2).floor()) for v in bent.values])


def _add(first: Polyline, second: Polyline) -> Polyline:
    if first.knots == second.knots:
        return Polyline(first.knots, [u + v for u, v in zip(first.values, second.values, strict=True)])
    knots = _merge(first.knots, second.knots)
    return Polyline(knots, [u + v for u, v in zip(_values_at(knots, first), _values_at(knots, second), strict=True)])


def _is_constant(pieces: Polyline) -> bool:
    return all(value == pieces.values[0] for value in pieces.values)


def _merge(first: Sequence[Rational], second: Sequence[Rational]) -> list[Rational]:
    """All knots of two sequences that increase; adjacent equal ones fall together."""
    merged = sorted([*first, *second])  # two ascending runs, which sorting merges in one pass
    return [merged[0], *(knot for before, knot in pairwise(merged) if knot != before)]


def _values_at(knots: Sequence[Rational], pieces: Polyline) -> Iterator[Rational]:
    """Values at knots that hold all of the function's own."""
    start, value, rest = pieces.knots[0], pieces.values[0], zip(pieces.knots[1:], pieces.values[1:], strict=True)
    end, slope = start, _ZERO
    for knot in knots:
        if knot == end:
            start, value = end, value + slope * (end - start)
            yield value
            if (following := next(rest, None)) is not None:
                end, slope = following[0], (following[1] - value) / (following[0] - start)
        else:
            yield value + slope * (knot - start)


def _bend(pieces: Polyline, levels_between: Callable[[Rational, Rational], Iterable[Rational]]) -> Polyline:
    """Insert knots where the function crosses levels."""
    knots, values = [pieces.knots[0]], [pieces.values[0]]
    for (left, u), (right, v) in pairwise(zip(pieces.knots, pieces.values, strict=True)):
        if u != v:
            slope = (right - left) / (v - u)
            for level in levels_between(u, v):
                knots.append(left + (level - u) * slope)
                values.append(level)
        knots.append(right)
        values.append(v)
    return Polyline(knots, values)


def _zero_between(u: Rational, v: Rational) -> tuple[Rational, ...]:
    return (_ZERO,) if u < 0 < v or v < 0 < u else ()


def _integers_between(u: Rational, v: Rational) -> Iterator[Rational]:
    """Integers strictly between two numbers, from the first to the second."""
    if u < v:
        return map(Rational, range(int(u.floor()) + 1, int(v.ceil())))
    return map(Rational, range(int(u.ceil()) - 1, int(v.floor()), -1))
