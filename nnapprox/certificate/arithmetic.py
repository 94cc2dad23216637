"""Sums and square roots of long rationals."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction
from math import isqrt

from nnapprox.exact import Rational, to_fraction


def total(terms: Iterable[Rational]) -> Fraction:
    """Add rationals up, long ones to long ones: sums of 1, 2, 4, ... terms are kept, as a binary counter keeps bits."""
    sums: list[tuple[int, Rational]] = []
    for term in terms:
        count = 1
        while sums and sums[-1][0] == count:
            count, term = 2 * count, term + sums.pop()[1]  # noqa: PLW2901 -- the term carries over
        sums.append((count, term))
    return to_fraction(sum((partial for _, partial in reversed(sums)), start=Rational(0)))


def rounded_outward(low: Fraction, high: Fraction, tolerance: Fraction) -> tuple[Fraction, Fraction]:
    """Move two numbers apart to dyadic ones of few digits, each by less than a share of the larger one."""
    most = high * tolerance
    step = Fraction(2) ** (most.numerator.bit_length() - most.denominator.bit_length() - 1)
    return low // step * step, -(-high // step) * step


def root_bounds(square: Fraction, tolerance: Fraction) -> tuple[Fraction, Fraction]:
    """Enclose a square root to a relative width; both ends are the root where it is rational."""
    product = square.numerator * square.denominator
    bits = max(0, int(1 + 1 / tolerance).bit_length() - (product.bit_length() - 1) // 2)
    scaled = product << 2 * bits
    root = isqrt(scaled)
    unit = Fraction(1, square.denominator << bits)
    return root * unit, (root if root * root == scaled else root + 1) * unit
