"""Exact values of expressions: rational numbers, and rational multiples of pi on the way to a sine or a cosine."""

from __future__ import annotations

from dataclasses import dataclass
from math import factorial, prod
from typing import NoReturn, TypeAlias

from nnapprox.exact import Rational
from nnapprox.functions.algebra import Algebra, NoValueError, UndefinedError, shortened

MOST_BITS = 1_000_000
"""Of a number that a power or a factorial makes."""

_SINES: dict[Rational, Rational | int] = {
    Rational(0): 0, Rational(1, 6): Rational(1, 2), Rational(1, 2): 1, Rational(5, 6): Rational(1, 2),
    Rational(1): 0, Rational(7, 6): Rational(-1, 2), Rational(3, 2): -1, Rational(11, 6): Rational(-1, 2),
}  # fmt: skip
"""All rational values of sin(pi t) at rationals t in [0, 2) (Niven's theorem)."""


@dataclass(frozen=True)
class PiMultiple:
    """A rational, not 0, times pi."""

    factor: Rational


Value: TypeAlias = Rational | PiMultiple


class Rationals(Algebra[Value]):
    """Arithmetic without rounding; what is not known to be rational has no value here."""

    lacking = "is not known to be rational"

    def number(self, value: Rational) -> Value:
        return value

    def constant(self, name: str) -> Value:
        return PiMultiple(Rational(1)) if name == "pi" else self.refuse()

    def add(self, *terms: Value) -> Value:
        if any(isinstance(term, PiMultiple) for term in terms):
            return _multiple(sum(map(_factor, terms), Rational(0)))
        return sum(map(_rational, terms), Rational(0))

    def multiply(self, *factors: Value) -> Value:
        product = prod(map(_without_pi, factors), start=Rational(1))
        multiples = sum(isinstance(factor, PiMultiple) for factor in factors)
        if multiples > 1 and product != 0:
            self.refuse()
        return _multiple(product) if multiples else product

    def negate(self, value: Value) -> Value:
        return PiMultiple(-value.factor) if isinstance(value, PiMultiple) else -value

    def invert(self, value: Value) -> Value:
        number = _rational(value)
        if number == 0:
            raise UndefinedError("is a division by 0")
        return 1 / number

    def power(self, base: Value, exponent: Rational) -> Value:
        number = _rational(base)
        if number == 0 and exponent < 0:
            raise UndefinedError("is a division by 0")
        if exponent.q != 1:
            number = _root(number, int(exponent.q))
        if number not in (-1, 0, 1) and number.height_bits() * abs(exponent.p) > MOST_BITS:
            raise UndefinedError(f"has more than {MOST_BITS:,} bits")
        return number ** int(exponent.p)

    def variable_power(self, base: Value, exponent: Value) -> Value:
        return self.power(base, _rational(exponent))

    def exp(self, value: Value) -> Value:
        return Rational(1) if value == 0 else self.refuse()

    def log(self, value: Value) -> Value:
        number = _rational(value)
        if number <= 0:
            raise UndefinedError(f"is not defined, as {shortened(str(number))} is not positive")
        return Rational(0) if number == 1 else self.refuse()

    def sin(self, value: Value) -> Value:
        return _sine(value, Rational(0))

    def cos(self, value: Value) -> Value:
        return _sine(value, Rational(1, 2))

    def absolute(self, value: Value) -> Value:
        return PiMultiple(abs(value.factor)) if isinstance(value, PiMultiple) else abs(value)

    def maximum(self, *values: Value) -> Value:
        return max(map(_rational, values))

    def tri(self, value: Value) -> Value:
        number = _rational(value)
        return abs(number - 2 * ((number + 1) / 2).floor())

    def floor(self, value: Value) -> Value:
        return Rational(_rational(value).floor())

    def sign(self, value: Value) -> Value:
        number = _without_pi(value)
        return Rational((number > 0) - (number < 0))

    def step(self, value: Value) -> Value:
        return Rational(int(_without_pi(value) >= 0))

    def factorial(self, value: Value) -> Value:
        number = _rational(value)
        if number.q != 1 or number < 0:
            raise UndefinedError(f"is not defined, as {shortened(str(number))} is no whole number")
        if number > MOST_BITS // 16:
            raise UndefinedError(f"has more than {MOST_BITS:,} bits")
        return Rational(factorial(int(number.p)))


def _sine(value: Value, shift: Rational) -> Value:
    """sin(value + shift pi)."""
    if value == 0 or isinstance(value, PiMultiple):
        turns = _factor(value) + shift
        sine = _SINES.get(turns - 2 * (turns / 2).floor())
        if sine is not None:
            return Rational(sine)
    return _irrational()


def _root(number: Rational, degree: int) -> Rational:
    if number < 0:
        raise UndefinedError(f"is not defined, as {shortened(str(number))} is negative")
    root = Rational(number.p.root(degree), number.q.root(degree))
    return root if root**degree == number else _irrational()


def _rational(value: Value) -> Rational:
    return _irrational() if isinstance(value, PiMultiple) else value


def _factor(value: Value) -> Rational:
    """The factor of a multiple of pi; 0 is one."""
    if isinstance(value, PiMultiple):
        return value.factor
    return value if value == 0 else _irrational()


def _without_pi(value: Value) -> Rational:
    """The number itself, or the factor of a multiple of pi."""
    return value.factor if isinstance(value, PiMultiple) else value


def _multiple(factor: Rational) -> Value:
    return PiMultiple(factor) if factor != 0 else factor


def _irrational() -> NoReturn:
    raise NoValueError(Rationals.lacking)
