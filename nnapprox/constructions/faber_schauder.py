"""The largest coefficients of a function in the Faber-Schauder basis: hats on the dyadic intervals of [0, 1]."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from functools import cache
from heapq import heappop, heappush, heappushpop

from nnapprox.constructions.atoms import Atom
from nnapprox.errors import UsageError
from nnapprox.exact import Ball, Rational, ball_around, bounds, precision, to_fraction, to_rational
from nnapprox.functions import Expression

_MOST_INTERVALS = 200_000

_BITS = 64


def faber_schauder(function: Expression, terms: int, bits: int) -> tuple[Atom, list[Atom]]:
    """Give what interpolates f at 0 and 1, and the hats with the largest coefficients, the largest first.

    f(m) - (f(a) + f(b)) / 2 is the coefficient of the hat on [a, b] with its peak at the middle m. Intervals are taken
    by what bounds the coefficients inside of them, the largest bound first, until none is left that may hold a larger
    one than those found. There are fewer than `terms` hats where all other coefficients are below 2^-bits.

    Parameters
    ----------
    function : Expression
        Of one variable, defined on [0, 1].
    terms : int
        At least 1.
    bits : int
        Fractional bits of values that are not rational.

    Raises
    ------
    UsageError
        The function is not defined somewhere, or the coefficients decay too slowly.
    """

    @cache
    def value(x: Fraction) -> Fraction:
        return function.approximate((x,), bits)

    zero, one, least = Fraction(0), Fraction(1), Fraction(1, 2**bits)
    linear = Atom(one, ((zero, value(zero)), (one, value(one))), 0)
    pending = [(-_bound(function, zero, one), 0, zero)]
    found: list[tuple[Fraction, int, Fraction]] = []
    while pending and (len(found) < terms or -pending[0][0] > found[0][0]):
        _, level, left = heappop(pending)
        width = Fraction(1, 2**level)
        coefficient = _coefficient(value, left, width)
        if coefficient:
            (heappush if len(found) < terms else heappushpop)(found, (abs(coefficient), level, left))
        for start in (left, left + width / 2):
            bound = _bound(function, start, start + width / 2)
            if bound > least:
                heappush(pending, (-bound, level + 1, start))
        if len(pending) > _MOST_INTERVALS:
            raise UsageError(f"the coefficients of {function} decay too slowly to find the {terms} largest ones")
    largest = sorted(found, key=lambda entry: (-entry[0], *entry[1:]))
    return linear, [_hat(value, left, level) for _, level, left in largest]


def _coefficient(value: Callable[[Fraction], Fraction], left: Fraction, width: Fraction) -> Fraction:
    return value(left + width / 2) - (value(left) + value(left + width)) / 2


def _hat(value: Callable[[Fraction], Fraction], left: Fraction, level: int) -> Atom:
    width = Fraction(1, 2**level)
    points = ((left, Fraction(0)), (left + width / 2, Fraction(1)), (left + width, Fraction(0)))
    return Atom(_coefficient(value, left, width), points, level)


def _bound(function: Expression, left: Fraction, right: Fraction) -> Fraction:
    """A bound of all coefficients of intervals in [left, right], h wide.

    They are at most h^2 |f''| / 8, h / 2 times what f' strays from its middle, and twice what f strays from its.
    """
    with precision(_BITS):
        interval = ball_around(to_rational(left), to_rational(right))
        taylor = function.series(interval, 2)
    if not taylor:
        raise UsageError(f"{function} is not defined on all of [{left}, {right}]")
    width = to_rational(right - left)
    known = [2 * _largest(taylor[0] - taylor[0].mid())]
    if len(taylor) > 1:
        known.append(width / 2 * _largest(taylor[1] - taylor[1].mid()))
    if len(taylor) > 2:
        known.append(width**2 / 4 * _largest(taylor[2]))
    return to_fraction(min(known))


def _largest(ball: Ball) -> Rational:
    """The largest absolute value in a ball."""
    return bounds(abs(ball))[1]
