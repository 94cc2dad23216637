"""Rigorous derivatives of expressions: power series with balls for coefficients.

A series that is known up to t^(n-1) only, for want of derivatives, has the precision n: beyond a jump or a root of 0
nothing but the value is known, beyond a kink nothing but the value and the slope, which there means every difference
quotient (Clarke's generalised derivative). Operations keep the least of the precisions of what they take.
"""

from __future__ import annotations

from functools import reduce

from nnapprox.exact import Ball, BallSeries, Rational
from nnapprox.functions.algebra import Algebra
from nnapprox.functions.balls import Balls, nearest_integer

_BALLS = Balls()


class TaylorSeries(Algebra[BallSeries]):
    """Enclosures of Taylor coefficients at every point of a ball."""

    def number(self, value: Rational) -> BallSeries:
        return BallSeries(Ball(value))

    def constant(self, name: str) -> BallSeries:
        return BallSeries(_BALLS.constant(name))

    def add(self, *terms: BallSeries) -> BallSeries:
        return reduce(lambda a, b: a + b, terms)

    def multiply(self, *factors: BallSeries) -> BallSeries:
        return reduce(lambda a, b: a * b, factors)

    def negate(self, value: BallSeries) -> BallSeries:
        return -value

    def invert(self, value: BallSeries) -> BallSeries:
        _BALLS.invert(value[0])  # refuses it where it may be 0
        return 1 / value

    def power(self, base: BallSeries, exponent: Rational) -> BallSeries:
        if exponent < 0:
            return self.invert(self.power(base, -exponent))
        if exponent.q == 1:
            power = base ** int(exponent.p)
            power[0] = _BALLS.power(base[0], exponent)  # what a series gives is too large, or nan around 0
            return power
        if base[0] > 0:
            return base.sqrt() ** exponent.p if exponent.q == 2 else (base.log() * exponent).exp()
        return _series(_BALLS.power(base[0], exponent))

    def variable_power(self, base: BallSeries, exponent: BallSeries) -> BallSeries:
        return self.exp(exponent * self.log(base))

    def exp(self, value: BallSeries) -> BallSeries:
        return value.exp()

    def log(self, value: BallSeries) -> BallSeries:
        _BALLS.log(value[0])  # refuses it where it may not be positive
        return value.log()

    def sin(self, value: BallSeries) -> BallSeries:
        return value.sin()

    def cos(self, value: BallSeries) -> BallSeries:
        return value.cos()

    def absolute(self, value: BallSeries) -> BallSeries:
        if value[0] > 0 or value[0] < 0:
            return value if value[0] > 0 else -value
        return _kink(_BALLS.absolute(value[0]), value, -value)

    def maximum(self, *values: BallSeries) -> BallSeries:
        return reduce(_larger, values)

    def tri(self, value: BallSeries) -> BallSeries:
        integer = nearest_integer(value[0])
        if integer is not None and not (value[0] - integer).contains(0):
            distance = self.absolute(value - integer)
            return distance if integer % 2 == 0 else 1 - distance
        return _kink(_BALLS.tri(value[0]), value, -value)

    def floor(self, value: BallSeries) -> BallSeries:
        below = value[0].lower().floor()
        if below < value[0] < below + 1:
            return BallSeries(below)
        return _series(_BALLS.floor(value[0]))

    def sign(self, value: BallSeries) -> BallSeries:
        return _step(_BALLS.sign(value[0]), value)

    def step(self, value: BallSeries) -> BallSeries:
        return _step(_BALLS.step(value[0]), value)


def _step(value: Ball, argument: BallSeries) -> BallSeries:
    """What is constant but where the argument is 0."""
    return _series(value) if argument[0].contains(0) else BallSeries(value)


def _larger(first: BallSeries, second: BallSeries) -> BallSeries:
    difference = first[0] - second[0]
    if difference > 0 or difference < 0:
        return first if difference > 0 else second
    return _kink(first[0].max(second[0]), first, second)


def _kink(value: Ball, one: BallSeries, other: BallSeries) -> BallSeries:
    """What lies, with its slope, between two series."""
    slopes = [one[1].union(other[1])] if min(one.prec, other.prec) > 1 else []
    return _series(value, *slopes)


def _series(*coefficients: Ball) -> BallSeries:
    """A series of which no more is known."""
    return BallSeries(list(coefficients), len(coefficients))
