"""Masks of refinable functions and wavelets: coefficients of Laurent polynomials, from the lowest power."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import comb


def product(left: Sequence[Fraction], right: Sequence[Fraction]) -> list[Fraction]:
    """The product of two polynomials."""
    coefficients = [Fraction(0)] * (len(left) + len(right) - 1)
    for i, a in enumerate(left):
        for j, b in enumerate(right):
            coefficients[i + j] += a * b
    return coefficients


def daubechies_polynomial(terms: int) -> list[Fraction]:
    """The sum of C(L - 1 + k, k) ((2 - z - 1/z) / 4)^k over k < L = terms, from z^(1 - L) to z^(L - 1)."""
    total = [Fraction(0)] * (2 * terms - 1)
    power = [Fraction(1)]
    for k in range(terms):
        for i, coefficient in enumerate(power, start=terms - 1 - k):
            total[i] += comb(terms - 1 + k, k) * coefficient
        power = product(power, [Fraction(-1, 4), Fraction(1, 2), Fraction(-1, 4)])
    return total


def average(order: int) -> list[Fraction]:
    """The mask ((1 + z) / 2)^order."""
    return [Fraction(comb(order, i), 2**order) for i in range(order + 1)]


def correlation(mask: Sequence[Fraction], lag: int) -> Fraction:
    """The sum of c_i c_(i + lag)."""
    return sum((c * d for c, d in zip(mask, mask[lag:], strict=False)), start=Fraction(0))
