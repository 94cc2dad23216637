"""Expressions that are polynomials: as coefficients in one variable, as a quadratic form and the rest in several."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from functools import reduce
from typing import Any

from nnapprox.exact import Rational
from nnapprox.functions.algebra import Algebra


class Polynomials(Algebra[Any]):
    """Polynomials of limited degree; nothing else has a value here.

    Parameters
    ----------
    one : object
        The polynomial 1: a `nnapprox.exact.RationalPolynomial` in one variable, a `SparsePolynomial` in several.
    most_degree : int
        Of a product or a power.
    """

    def __init__(self, one: Any, most_degree: int) -> None:
        self._one, self._most_degree = one, most_degree
        self.lacking = f"is no polynomial of degree at most {most_degree:,}"

    def number(self, value: Rational) -> Any:
        return self._one * value

    def add(self, *terms: Any) -> Any:
        return reduce(lambda a, b: a + b, terms)

    def multiply(self, *factors: Any) -> Any:
        self._check_degree(sum(factor.degree() for factor in factors))
        return reduce(lambda a, b: a * b, factors)

    def negate(self, value: Any) -> Any:
        return -value

    def power(self, base: Any, exponent: Rational) -> Any:
        if exponent.q != 1 or exponent < 0:
            self.refuse()
        self._check_degree(base.degree() * exponent.p)
        return base ** int(exponent.p)

    def _check_degree(self, degree: int) -> None:
        if degree > self._most_degree:
            self.refuse()


@dataclass(frozen=True)
class SparsePolynomial:
    """A polynomial in several variables, as coefficients by monomials: (), (i,), (i, j) with i <= j, ..."""

    coefficients: dict[tuple[int, ...], Rational]

    def degree(self) -> int:
        """The degree of the largest monomial."""
        return max(map(len, self.coefficients), default=0)

    def __add__(self, other: SparsePolynomial) -> SparsePolynomial:
        total = defaultdict(Rational, self.coefficients)
        for monomial, coefficient in other.coefficients.items():
            total[monomial] += coefficient
        return _without_zeros(total)

    def __mul__(self, other: SparsePolynomial | Rational) -> SparsePolynomial:
        if isinstance(other, Rational):
            other = SparsePolynomial({(): other})
        total: defaultdict[tuple[int, ...], Rational] = defaultdict(Rational)
        for one, first in self.coefficients.items():
            for another, second in other.coefficients.items():
                total[tuple(sorted(one + another))] += first * second
        return _without_zeros(total)

    def __pow__(self, exponent: int) -> SparsePolynomial:
        return reduce(lambda a, b: a * b, [self] * exponent, SparsePolynomial({(): Rational(1)}))

    def __neg__(self) -> SparsePolynomial:
        return self * Rational(-1)


def _without_zeros(coefficients: dict[tuple[int, ...], Rational]) -> SparsePolynomial:
    return SparsePolynomial({monomial: value for monomial, value in coefficients.items() if value != 0})
