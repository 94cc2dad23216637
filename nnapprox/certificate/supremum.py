"""The largest error on stretches, enclosed by branch and bound.

The errors at the two ends of a stretch, with enclosures of the slope and the curvature of the error everywhere
between them, bound the error. The stretch with the largest bound is looked at next: where the error is convex or
concave, Newton's method finds the extremum; else the stretch is cut in two. It ends as soon as the largest bound is
close enough to the largest error that was met.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from heapq import heappop, heappush

from nnapprox.certificate.stretch import Stretch, largest, smallest
from nnapprox.exact import Ball, Rational

MOST_CUTS = 10_000
"""Where so many cuts are not enough, the enclosure stays wider than was asked for."""

MOST_HALVINGS = 100
"""What is not narrow after so many halvings of a stretch never is: there is a jump at its end."""

_NEWTON_STEPS = 8
_GRID = 2**48
"""Newton's method looks at a stretch through so many points, so that its numbers have few digits."""


@dataclass(order=True, slots=True)
class _Task:
    """A stretch whose error may be larger than any that was met; the one with the largest bound comes first.

    Attributes
    ----------
    negative_bound : Rational
        The negative of what the absolute error is at most.
    stretch : Stretch
    ends : tuple of Rational
        What the absolute errors at its two ends are at most.
    curvature : Ball or None
        The second Taylor coefficient, where it is not 0 anywhere and Newton's method was not tried.
    """

    negative_bound: Rational
    stretch: Stretch = field(compare=False)
    ends: tuple[Rational, Rational] = field(compare=False)
    curvature: Ball | None = field(compare=False)


class Supremum:
    """The supremum of the absolute error on stretches that adjoin, in order.

    Parameters
    ----------
    stretches : iterable of Stretch
    tolerance : Rational
        How far apart `low` and `high` may be, relative to `high`. They are further apart where rounding wants it or
        `MOST_CUTS` are not enough.

    Attributes
    ----------
    low : Rational
        The absolute error is at least this at `argmax`.
    argmax : Rational
    """

    def __init__(self, stretches: Iterable[Stretch], tolerance: Rational) -> None:
        self.low, self.argmax = Rational(-1), Rational(0)
        self._tolerance, self._noise = tolerance, Rational(0)
        self._tasks: list[_Task] = []
        self._cuts = 0
        for stretch in stretches:
            self._add(stretch, (self._meet(stretch, stretch.left), self._meet(stretch, stretch.right)))
        shortest = max(task.stretch.radius for task in self._tasks) / 2**MOST_HALVINGS
        while self._cuts < MOST_CUTS and self._tasks[0].stretch.radius > shortest and not self._is_narrow:
            self._look_closer(heappop(self._tasks))

    @property
    def high(self) -> Rational:
        """The absolute error is at most this everywhere."""
        return max(self.low, -self._tasks[0].negative_bound)

    @property
    def is_rounded(self) -> bool:
        """Whether rounding keeps `low` and `high` further apart than they should be."""
        return self._tolerance * self.high < self.high - self.low <= 2 * self._noise

    @property
    def _is_narrow(self) -> bool:
        """Whether `low` and `high` are as close as they should be, or as rounding lets them be."""
        return self.high - self.low <= max(self._tolerance * self.high, 2 * self._noise)

    def _meet(self, stretch: Stretch, x: Rational) -> Rational:
        """Look at the error at a point; gives what its absolute value is at most, there and next to it."""
        size = self._note(x, stretch.at(x))
        return max(size, largest(stretch.limit(x))) if stretch.may_jump else size

    def _note(self, x: Rational, error: Ball) -> Rational:
        least, most = smallest(error), largest(error)
        self._noise = max(self._noise, most - least)
        if least > self.low:
            self.low, self.argmax = least, x
        return most

    def _add(self, stretch: Stretch, ends: tuple[Rational, Rational]) -> None:
        """Bound the error on a stretch, or on parts of it that are short enough for an enclosure."""
        pending = [(stretch, ends)]
        while pending:
            stretch, ends = pending.pop()
            coefficients = stretch.series(2)
            if coefficients:
                heappush(self._tasks, _bound(stretch, ends, coefficients))
            elif self._cuts < MOST_CUTS:
                pending += self._cut(stretch, ends)
            else:
                raise stretch.unbounded

    def _cut(
        self, stretch: Stretch, ends: tuple[Rational, Rational]
    ) -> Iterator[tuple[Stretch, tuple[Rational, Rational]]]:
        self._cuts += 1
        middle = self._meet(stretch, stretch.middle)
        return zip(stretch.split(stretch.middle), ((ends[0], middle), (middle, ends[1])), strict=True)

    def _look_closer(self, task: _Task) -> None:
        if task.curvature is None:
            for part, ends in self._cut(task.stretch, task.ends):
                self._add(part, ends)
        else:
            extremum = self._extremum(task.stretch, smallest(task.curvature))
            bound = -task.negative_bound if extremum is None else max(*task.ends, extremum)
            heappush(self._tasks, replace(task, negative_bound=-bound, curvature=None))

    def _extremum(self, stretch: Stretch, least_bend: Rational) -> Rational | None:
        """Find the extremum of an error that is convex or concave; gives what its absolute value is at most there.

        From a point where the error is e and has the slope s, it goes on towards the extremum by no more than
        s^2 / (4 m), where m > 0 is the least absolute value of the second Taylor coefficient.
        """
        width = stretch.right - stretch.left
        left, place, right = 0, _GRID // 2, _GRID
        bound = None
        for _ in range(_NEWTON_STEPS):
            x = stretch.left + width * Rational(place, _GRID)
            coefficients = stretch.series_at(x, 2)
            if len(coefficients) < 3:
                break
            error, slope, bend = coefficients
            size, overshoot = self._note(x, error), largest(slope) ** 2 / (4 * least_bend)
            bound = size + overshoot if bound is None else min(bound, size + overshoot)
            if 16 * overshoot <= self._tolerance * size:
                break
            if slope * bend < 0:
                left = place
            else:
                right = place
            step = float((slope / (-2 * bend * width)).mid()) * _GRID
            place = place + round(step) if left < place + step < right else (left + right) // 2
        return bound


def _bound(stretch: Stretch, ends: tuple[Rational, Rational], coefficients: Sequence[Ball]) -> _Task:
    """Bound the error on a stretch by its Taylor coefficients there, up to the second, as many as are known."""
    value, *derivatives = coefficients
    bound, curvature = largest(value), None
    if derivatives:
        slope = derivatives[0]
        steepest = largest(slope) if slope.contains(0) else Rational(0)  # if it does not, the error is monotone
        bound = min(bound, max(ends) + stretch.radius * steepest)
    if len(derivatives) == 2:
        bend = derivatives[1]
        bound = min(bound, max(ends) + stretch.radius**2 * largest(bend))
        curvature = None if bend.contains(0) else bend
    return _Task(-bound, stretch, ends, curvature)
