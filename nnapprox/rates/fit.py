"""A straight line through points by least squares, with an interval for its slope."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt
from statistics import linear_regression, mean

STUDENT = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
)  # fmt: skip
"""The 97.5 % points of Student's distribution with 1, 2, ... degrees of freedom."""


@dataclass(frozen=True)
class Fit:
    """The line slope * x + intercept.

    Attributes
    ----------
    slope, intercept : float
    half_width : float or None
        Of the 95 % interval of the slope, if what is off the line were independent normal noise; None for two points.
        The points of a family lie on a smooth curve: it tells how straight they lie, not how sure the rate is.
    """

    slope: float
    intercept: float
    half_width: float | None


def fit(x: Sequence[float], y: Sequence[float]) -> Fit:
    """Fit a line through at least two points with different x."""
    slope, intercept = linear_regression(x, y)
    freedom = len(x) - 2
    if not freedom:
        return Fit(slope, intercept, None)
    squares = sum((b - slope * a - intercept) ** 2 for a, b in zip(x, y, strict=True))
    spread = sum((a - mean(x)) ** 2 for a in x)
    quantile = STUDENT[min(freedom, len(STUDENT)) - 1]
    return Fit(slope, intercept, quantile * sqrt(squares / freedom / spread))
