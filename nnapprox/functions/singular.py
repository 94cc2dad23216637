"""Where a function of one variable may not be analytic: found by halving what has no enclosure of its derivatives."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from nnapprox.exact import Rational

Interval: TypeAlias = tuple[Rational, Rational]

MOST_INTERVALS = 1_000
"""Where more are in doubt at once, the search ends with nothing."""

_HALVINGS = 40


def doubtful_intervals(
    is_analytic: Callable[[Rational, Rational], bool], low: Rational, high: Rational
) -> list[Interval]:
    """Small intervals that hold all points of [low, high] around which a function is not known to be analytic.

    Parameters
    ----------
    is_analytic : callable
        Takes the ends of an interval; says whether it is known that the function is analytic on it.
    low, high : Rational

    Returns
    -------
    list of (Rational, Rational)
        Disjoint and increasing, each about 2^-40 (high - low) long; none where they are more than `MOST_INTERVALS`.
    """
    doubtful = [(low, high)]
    for _ in range(_HALVINGS):
        halves = [half for left, right in doubtful for half in _halves(left, right)]
        doubtful = [half for half in halves if not is_analytic(*half)]
        if len(doubtful) > MOST_INTERVALS:
            return []
    joined: list[Interval] = []
    for left, right in doubtful:
        if joined and joined[-1][1] == left:
            joined[-1] = joined[-1][0], right
        else:
            joined.append((left, right))
    return joined


def _halves(left: Rational, right: Rational) -> tuple[Interval, Interval]:
    middle = (left + right) / 2
    return (left, middle), (middle, right)


def simplest_between(low: Rational, high: Rational) -> Rational:
    """The rational of the least denominator in a closed interval, by continued fractions."""
    whole = Rational(low.floor())
    if whole == low:
        return low
    if whole + 1 <= high:
        return whole + 1
    return whole + 1 / simplest_between(1 / (high - whole), 1 / (low - whole))
