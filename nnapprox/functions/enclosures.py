"""Rigorous enclosures of the values and the derivatives of a function."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from itertools import takewhile

from nnapprox.exact import Ball, BallSeries, precision
from nnapprox.functions.algebra import Step, UndefinedError, evaluate
from nnapprox.functions.balls import Balls
from nnapprox.functions.taylor import TaylorSeries

_LARGEST = Ball(2**65536)


class Enclosures(ABC):
    """A function that is given by steps, with its rigorous enclosures."""

    @property
    @abstractmethod
    def steps(self) -> Sequence[Step]:
        """The operations it is made of."""

    def enclose(self, box: Sequence[Ball]) -> Ball:
        """Enclose all values on a box.

        Parameters
        ----------
        box : sequence of Ball
            One for every variable. Precision is that of `nnapprox.exact.precision`.

        Returns
        -------
        Ball
            Not finite where the function may not be defined on all of the box, or may be beyond 2^65536.
        """
        try:
            value = evaluate(self.steps, Balls(), box)
        except UndefinedError:
            return Ball.nan()
        return value if is_moderate(value) else Ball.nan()

    def series(self, ball: Ball, order: int) -> list[Ball]:
        """Enclose the Taylor coefficients of a function of one variable, at every point of a ball.

        Parameters
        ----------
        ball : Ball
        order : int
            Of the last coefficient, at least 0.

        Returns
        -------
        list of Ball
            The k-th encloses f^(k)(x) / k! for all x in the ball. There are fewer than order + 1 where the function
            may not be differentiable so often: at kinks there are two, of which the second encloses all difference
            quotients on the ball; at jumps and at roots of 0 there is one; where it may not be defined, none.
        """
        return self.series_along([ball], [Ball(1)], order)

    def series_along(self, box: Sequence[Ball], direction: Sequence[Ball], order: int) -> list[Ball]:
        """Enclose the Taylor coefficients of t -> f(x + t direction) at 0, for every x in a box.

        Parameters and what is returned are as in `series`, with a ball for every variable.
        """
        with precision(terms=order + 1):
            line = [BallSeries([x, v], order + 1) for x, v in zip(box, direction, strict=True)]
            try:
                series = evaluate(self.steps, TaylorSeries(), line)
            except UndefinedError:
                return []
            coefficients = [series[k] for k in range(series.prec)]
        return list(takewhile(is_moderate, coefficients))


def is_moderate(ball: Ball) -> bool:
    """Whether it is finite, and its numbers are not so large that their digits fill the memory."""
    return abs(ball) < _LARGEST


class Branch(Enclosures):
    """What an `Expression` of one variable is inside an interval, and next to its ends."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps

    @property
    def steps(self) -> Sequence[Step]:
        """The operations it is made of."""
        return self._steps
