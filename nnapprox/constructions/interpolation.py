"""Piecewise linear interpolation of an analytic function, with values rounded to dyadic rationals."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, TypeAlias

from nnapprox.constructions.construction import Option
from nnapprox.exact import nearest_dyadic
from nnapprox.functions import Expression

Bits: TypeAlias = Annotated[int, Option("Fractional bits of the values at the knots.", at_least=1, at_most=4096)]

PI_ABOVE = Fraction(355, 113)
"""pi, rounded up."""


def dyadic(expression: Expression, point: Sequence[Fraction], bits: int) -> Fraction:
    """The value of an expression at a point, to the nearest multiple of 2^-bits or, in case of doubt, a neighbour."""
    return nearest_dyadic(expression.approximate(point, bits + 32), bits)


def interpolant(
    expression: Expression, low: Fraction, high: Fraction, pieces: int, bits: int
) -> list[tuple[Fraction, Fraction]]:
    """Equally spaced points of the graph on [low, high], one more than there are pieces; values have so many bits."""
    knots = [low + (high - low) * Fraction(j, pieces) for j in range(pieces + 1)]
    return [(x, dyadic(expression, (x,), bits)) for x in knots]
