"""Integrals of the absolute or the squared error over stretches, enclosed.

On a short stretch the error is a Taylor polynomial around the midpoint, and a rest whose coefficient is enclosed. The
stretch whose integral is known least well is cut next.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from heapq import heappop, heappush
from typing import TypeAlias

from nnapprox.certificate.stretch import Stretch, largest
from nnapprox.exact import Ball, Rational, bounds

MOST_CUTS = 10_000
"""And as many more as there are stretches: where they are not enough, the enclosure stays wider than was asked for."""

_ORDER = 8
_GRID = 2**48
"""Zeros of the error are looked for among so many points of a stretch, so that they have few digits."""

Integrand: TypeAlias = Callable[[Rational, Sequence[Ball], Sequence[Ball]], Ball]
"""Encloses an integral from -radius to radius. It takes the radius, Taylor coefficients of the error at 0, and those
everywhere, of which there is one more."""


def squared_error(radius: Rational, middle: Sequence[Ball], everywhere: Sequence[Ball]) -> Ball:
    """Enclose the integral of the squared error."""
    return _integral(radius, [*_squares(middle), _squares(everywhere)[-1]])


def absolute_error(radius: Rational, middle: Sequence[Ball], everywhere: Sequence[Ball]) -> Ball:
    """Enclose the integral of the absolute error.

    It is that of the error, up to a sign, and at most twice the integral of what has the rarer sign.
    """
    coefficients = [*middle, everywhere[-1]]
    integral = abs(_integral(radius, coefficients))
    variation = sum((abs(c) * radius**k for k, c in enumerate(coefficients) if k), start=Ball(0))
    if abs(coefficients[0]) > variation:
        return integral
    ends = [sum((c * x**k for k, c in enumerate(coefficients)), start=Ball(0)) for x in (-radius, radius)]
    rarer = [(largest(coefficients[0]) + largest(variation)) / 2]
    if len(everywhere) > 1 and not everywhere[1].contains(0):  # monotone: the sign of the smaller end
        rarer.append(min(map(largest, ends)))
    if len(everywhere) > 2 and not everywhere[2].contains(0):  # convex or concave: the sign to which it is bent
        outward = [end if everywhere[2] > 0 else -end for end in ends]
        rarer.append(max(Rational(0), *(bounds(end)[1] for end in outward)))
    return integral + _up_to(4 * radius * min(rarer))


def _integral(radius: Rational, coefficients: Sequence[Ball]) -> Ball:
    """Enclose the integral from -radius to radius of a Taylor polynomial, whose last coefficient varies with x."""
    *known, last = coefficients
    order = len(known)
    varying = last - last.mid() if order % 2 else last  # an odd power with a fixed coefficient has the integral 0
    terms = [(2 * radius ** (k + 1) / (k + 1)) * c for k, c in enumerate(known) if k % 2 == 0]
    return sum(terms, start=(2 * radius ** (order + 1) / (order + 1)) * varying)


def _squares(coefficients: Sequence[Ball]) -> list[Ball]:
    """Taylor coefficients of the square, as many."""
    return [
        sum((coefficients[i] * coefficients[k - i] for i in range(k + 1)), start=Ball(0))
        for k in range(len(coefficients))
    ]


def _up_to(number: Rational) -> Ball:
    """The ball of the numbers from 0 to another one."""
    return Ball(number / 2, number / 2)


@dataclass(order=True, slots=True)
class _Part:
    """The integral over a stretch, in the order of how well it is known: least well first."""

    negative_width: Rational
    low: Rational = field(compare=False)
    high: Rational = field(compare=False)
    noise: Rational = field(compare=False)
    """What rounding alone contributes to the width."""
    stretch: Stretch = field(compare=False)
    cut: Rational = field(compare=False)
    """Where to cut the stretch."""


class Integral:
    """The integral of the absolute or the squared error over stretches.

    Parameters
    ----------
    stretches : iterable of Stretch
    integrand : callable
        `absolute_error` or `squared_error`.
    tolerance : Rational
        How far apart `low` and `high` may be, relative to `high`. They are further apart where rounding wants it or
        `MOST_CUTS` are not enough.

    Attributes
    ----------
    low, high : Rational
        Between these it lies.
    """

    def __init__(self, stretches: Iterable[Stretch], integrand: Integrand, tolerance: Rational) -> None:
        self.low = self.high = self._noise = Rational(0)
        self._integrand, self._tolerance = integrand, tolerance
        self._parts: list[_Part] = []
        self._cuts_left = MOST_CUTS
        for stretch in stretches:
            self._cuts_left += 1
            self._add(stretch)
        while self._cuts_left > 0 and not self._is_narrow:
            widest = heappop(self._parts)
            self._count(widest, -1)
            self._cuts_left -= 1
            for half in widest.stretch.split(widest.cut):
                self._add(half)

    @property
    def is_rounded(self) -> bool:
        """Whether rounding keeps `low` and `high` further apart than they should be."""
        return self._tolerance * self.high < self.high - self.low <= 2 * self._noise

    @property
    def _is_narrow(self) -> bool:
        """Whether `low` and `high` are as close as they should be, or as rounding lets them be."""
        return self.high - self.low <= max(self._tolerance * self.high, 2 * self._noise)

    def _count(self, part: _Part, sign: int) -> None:
        self.low += sign * part.low
        self.high += sign * part.high
        self._noise += sign * part.noise

    def _add(self, stretch: Stretch) -> None:
        """Enclose the integral over a stretch, or over parts of it that are short enough for an enclosure."""
        pending = [stretch]
        while pending:
            stretch = pending.pop()
            middle, everywhere = stretch.series_at(stretch.middle, _ORDER - 1), stretch.series(_ORDER)
            order = min(len(middle), len(everywhere) - 1)
            if order >= 0:
                part = self._part(stretch, middle[:order], everywhere[: order + 1])
                self._count(part, 1)
                heappush(self._parts, part)
            elif self._cuts_left > 0:
                self._cuts_left -= 1
                pending += stretch.split(stretch.middle)
            else:
                raise stretch.unbounded

    def _part(self, stretch: Stretch, middle: Sequence[Ball], everywhere: Sequence[Ball]) -> _Part:
        low, high = bounds(self._integrand(stretch.radius, middle, everywhere))
        noise = 2 * stretch.radius * bounds(middle[0].rad())[1] if middle else Rational(0)
        return _Part(low - high, max(low, Rational(0)), high, noise, stretch, _zero(stretch, middle, everywhere))


def _zero(stretch: Stretch, middle: Sequence[Ball], everywhere: Sequence[Ball]) -> Rational:
    """About where the error is 0, if it is monotone and there is such a point, else the midpoint."""
    if len(middle) > 1 and not everywhere[1].contains(0):
        width = stretch.right - stretch.left
        place = _GRID // 2 - round(float((middle[0] / (middle[1] * width)).mid()) * _GRID)
        if 0 < place < _GRID:
            return stretch.left + width * Rational(place, _GRID)
    return stretch.middle
