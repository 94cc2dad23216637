"""What an expression is on an interval, without the kinks and jumps that lie elsewhere or at its ends.

abs(x) is x on [0, 1], floor(3*x) is 1 on (1/3, 2/3). Ball arithmetic does not see that, as balls reach beyond the ends
of an interval; exact arithmetic on arguments that are affine does.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import prod
from typing import TypeAlias

from nnapprox.exact import Rational
from nnapprox.functions.algebra import Step

JUMPS = {"floor", "sign", "step"}
"""Operations that are not continuous."""

BENT = {"absolute", "maximum", "minimum", "tri", *JUMPS}
"""Operations that are not analytic everywhere where they are defined, but on branches."""

Ends: TypeAlias = tuple[Rational, Rational]
"""Of what is affine on the interval, the values at the two ends."""


def branch_on(steps: Sequence[Step], low: Rational, high: Rational) -> tuple[Step, ...]:
    """Steps that give the same values inside an interval, and their limits at its ends.

    Operations of `BENT` on rational affine arguments are replaced by affine ones where they are affine inside.
    """
    writer = _Writer(low, high)
    places: list[int] = []
    for step in steps:
        places.append(writer.add(step._replace(arguments=tuple(places[place] for place in step.arguments))))
    return prune(writer.steps, places[-1])


def prune(steps: Sequence[Step], result: int) -> tuple[Step, ...]:
    """Keep the steps that a result needs."""
    needed = {result}
    for place in range(result, -1, -1):
        if place in needed:
            needed.update(steps[place].arguments)
    new_place = {old: new for new, old in enumerate(sorted(needed))}
    return tuple(
        step._replace(arguments=tuple(new_place[argument] for argument in step.arguments))
        for step in (steps[place] for place in new_place)
    )


class _Writer:
    def __init__(self, low: Rational, high: Rational) -> None:
        self.steps: list[Step] = []
        self._interval = low, high
        self._ends: list[Ends | None] = []

    def add(self, step: Step) -> int:
        """Add a step, or what it is inside the interval; gives the place of its result."""
        ends = [self._ends[place] for place in step.arguments]
        known = [pair for pair in ends if pair is not None]
        is_affine = len(known) == len(ends)
        if is_affine and step.operation in BENT:
            replaced = self._resolve(step, known)
            if replaced is not None:
                return replaced
        self._ends.append(self._ends_of(step, known) if is_affine else None)
        self.steps.append(step)
        return len(self.steps) - 1

    def _resolve(self, step: Step, ends: list[Ends]) -> int | None:
        """Write what an operation of `BENT` is, if it is affine inside the interval; gives the place of its result."""
        place, (low, high) = step.arguments[0], sorted(ends[0])
        below = low.floor()
        result = None
        match step.operation:
            case "maximum" | "minimum":
                result = _winner(step, ends)
            case "absolute" if low >= 0 or high <= 0:
                result = place if low >= 0 else self._negative(place, step)
            case "sign" if low >= 0 or high <= 0:
                result = self._number(Rational((high > 0) - (low < 0)), step)
            case "step" if low >= 0 or high <= 0:
                result = self._number(Rational(int(low >= 0)), step)
            case "floor" if high <= below + 1:
                result = self._number(Rational(below), step)
            case "tri" if high <= below + 1 and below % 2 == 0:
                result = self._sum(place, Rational(-below), step)
            case "tri" if high <= below + 1:
                result = self._sum(self._negative(place, step), Rational(below + 1), step)
        return result

    def _number(self, value: Rational, source: Step) -> int:
        return self.add(Step("number", (), value, source.source))

    def _negative(self, place: int, source: Step) -> int:
        return self.add(Step("negate", (place,), None, source.source))

    def _sum(self, place: int, constant: Rational, source: Step) -> int:
        return self.add(Step("add", (place, self._number(constant, source)), None, source.source))

    def _ends_of(self, step: Step, arguments: list[Ends]) -> Ends | None:
        """Values at the ends of what is seen to be affine."""
        low, high = [u for u, _ in arguments], [v for _, v in arguments]
        ends: Ends | None = None
        match step.operation:
            case "number" if isinstance(step.parameter, Rational):
                ends = step.parameter, step.parameter
            case "coordinate":
                ends = self._interval
            case "negate":
                ends = -low[0], -high[0]
            case "add":
                ends = sum(low, Rational(0)), sum(high, Rational(0))
            case "multiply" if sum(u != v for u, v in arguments) <= 1:
                ends = prod(low, start=Rational(1)), prod(high, start=Rational(1))
        return ends


def _winner(step: Step, ends: list[Ends]) -> int | None:
    """The argument that is the largest, or the smallest, on the whole interval."""
    order = 1 if step.operation == "maximum" else -1
    best = max(range(len(ends)), key=lambda i: order * (ends[i][0] + ends[i][1]))
    wins = all(order * (ends[best][side] - pair[side]) >= 0 for pair in ends for side in (0, 1))
    return step.arguments[best] if wins else None
