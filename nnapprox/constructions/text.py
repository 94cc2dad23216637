"""Sums as people write them."""

from __future__ import annotations

from collections.abc import Iterable
from fractions import Fraction


def linear_sum(terms: Iterable[tuple[int | Fraction, str]]) -> str:
    """Write a linear combination: 1 - 1/2*x^2 of (1, ""), (0, "x"), (-1/2, "x^2"); an empty text stands for 1."""
    written = ""
    for coefficient, text in terms:
        if not coefficient:
            continue
        sign = ("-" if coefficient < 0 else "") if not written else (" - " if coefficient < 0 else " + ")
        size = abs(coefficient)
        written += sign + (f"{size}*{text}" if text and size != 1 else text or str(size))
    return written or "0"
