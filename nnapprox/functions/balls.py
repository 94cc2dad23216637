"""Rigorous enclosures of expressions in ball arithmetic.

Where something may not be defined on all of a ball, it is undefined, whatever is done with it afterwards. Only of a
root, what a ball has below 0 is left out, as rounding alone puts it there: sqrt(1 - x^2) is defined on all of [-1, 1].
A ball that is not finite holds numbers of which nothing is known.
"""

from __future__ import annotations

from functools import reduce

from nnapprox.exact import Ball, Rational
from nnapprox.functions.algebra import Algebra, UndefinedError


class Balls(Algebra[Ball]):
    """Enclosures of values."""

    def number(self, value: Rational) -> Ball:
        return Ball(value)

    def constant(self, name: str) -> Ball:
        return Ball.pi() if name == "pi" else Ball.const_e()

    def add(self, *terms: Ball) -> Ball:
        return reduce(lambda a, b: a + b, terms)

    def multiply(self, *factors: Ball) -> Ball:
        return reduce(lambda a, b: a * b, factors)

    def negate(self, value: Ball) -> Ball:
        return -value

    def invert(self, value: Ball) -> Ball:
        if not (value > 0 or value < 0):
            raise UndefinedError("may be a division by 0")
        return 1 / value

    def power(self, base: Ball, exponent: Rational) -> Ball:
        if exponent.q == 1:
            power = _whole_power(base, abs(int(exponent.p)))
            return power if exponent >= 0 else self.invert(power)
        if base > 0:
            return self.power(base.root(int(exponent.q)), Rational(exponent.p))
        highest = base.upper()
        if highest < 0 or exponent < 0:
            raise UndefinedError("may be a root of a negative number or a division by 0")
        return between_zero_and(self.power(highest, exponent)) if highest > 0 else highest

    def variable_power(self, base: Ball, exponent: Ball) -> Ball:
        return (exponent * self.log(base)).exp()

    def exp(self, value: Ball) -> Ball:
        return value.exp()

    def log(self, value: Ball) -> Ball:
        if not value > 0:
            raise UndefinedError("may be a logarithm of what is not positive")
        return value.log()

    def sin(self, value: Ball) -> Ball:
        return value.sin()

    def cos(self, value: Ball) -> Ball:
        return value.cos()

    def absolute(self, value: Ball) -> Ball:
        return nonnegative(abs(value))

    def maximum(self, *values: Ball) -> Ball:
        return reduce(lambda a, b: a.max(b), values)

    def tri(self, value: Ball) -> Ball:
        integer = nearest_integer(value)
        if integer is None:
            return between_zero_and(Ball(1))
        distance = nonnegative(abs(value - integer))
        return distance if integer % 2 == 0 else 1 - distance

    def floor(self, value: Ball) -> Ball:
        return value.lower().floor().union(value.upper().floor())

    def sign(self, value: Ball) -> Ball:
        return Ball((value > 0) - (value < 0)) if value > 0 or value < 0 or value == 0 else Ball(0, 1)

    def step(self, value: Ball) -> Ball:
        return Ball(int(value >= 0)) if value >= 0 or value < 0 else between_zero_and(Ball(1))


def _whole_power(base: Ball, exponent: int) -> Ball:
    """A power by the ends of the ball: ball arithmetic would not see that even ones are not negative."""
    if exponent % 2:
        low, high = base.lower(), base.upper()
    else:
        low, high = base.abs_lower(), base.abs_upper()
    return (low**exponent).union(high**exponent)


def nonnegative(ball: Ball) -> Ball:
    """Leave out what a ball has below 0."""
    return between_zero_and(ball.upper()) if ball.lower() < 0 else ball


def between_zero_and(number: Ball) -> Ball:
    """The ball of the numbers from 0 to another one."""
    return Ball(0).union(number)


def nearest_integer(ball: Ball) -> int | None:
    """The integer that no number of a ball is further from than 1, or None where there is none."""
    integer = (ball.mid() + 0.5).floor().unique_fmpz()
    return int(integer) if integer is not None and abs(ball - integer) <= 1 else None
