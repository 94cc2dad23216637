"""Continuous functions by logistic steps, one hidden layer of sigmoids."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from itertools import accumulate, pairwise
from typing import Annotated

from nnapprox import calculus
from nnapprox.certificate import TOLERANCE, Certificate
from nnapprox.certificate.stretch import Stretch
from nnapprox.certificate.supremum import Supremum
from nnapprox.constructions.construction import UNIT, Construction, Option, Theorem, construction
from nnapprox.constructions.targets import continuous
from nnapprox.errors import UsageError
from nnapprox.exact import Ball, Rational, ball_around, bounds, precision, to_fraction, to_rational
from nnapprox.functions import Expression
from nnapprox.network import Network

CYBENKO = "after Cybenko (1989), Approximation by superpositions of a sigmoidal function"

FAR = 80
"""Where its argument is this large, a logistic function is within e^-80 of 0 or 1."""

BITS = 128
"""Precision of the balls."""


@construction(group="classes of functions", source=CYBENKO, example="--function sin(3*x) --neurons 20 --steepness 10")
def cybenko(
    function: Annotated[Expression, Option("The function f, of x in [0, 1]; continuous.")],
    neurons: Annotated[int, Option("How many sigmoids, N.", at_least=1, at_most=1000)],
    steepness: Annotated[
        Fraction, Option("lambda: a step takes a cell by about 1 / lambda.", above=0, at_most=10**9)
    ] = Fraction(10),
) -> Construction:
    """A function by N logistic steps, with a certificate by its modulus of continuity; weights are float64.

    f(0) + sum of (f(i/N) - f((i-1)/N)) sigma(lambda N (x - (i - 1/2) / N)): the error is at most omega_f(1/N)
    (1 + 2 e^(-lambda/2) / (1 - e^-lambda)), where |f(x) - f(y)| <= omega_f(h) for |x - y| <= h.
    """
    function = continuous(function)
    network = step_network(function, neurons, steepness)
    with precision(BITS):
        ball = Ball(to_rational(steepness))
        factor = 1 + 2 * (-ball / 2).exp() / (1 - (-ball).exp())
        bound = to_fraction(bounds(factor)[1]) * modulus_of_continuity(function, neurons)
    statement = "sup |f - f_N| <= omega_f(1/N) (1 + 2 e^(-lambda/2) / (1 - e^-lambda))"
    certificate = certify_steps(network, function)
    return Construction(network, function, certificate, Theorem(bound, statement, "a sum over the steps"))


def step_network(function: Expression, neurons: int, steepness: Fraction) -> Network:
    """The network of logistic steps, in float64: M = 3 N + 1 where no increment and no bias is 0."""
    values = [function.approximate((Fraction(i, neurons),)) for i in range(neurons + 1)]
    heights = [after - before for before, after in pairwise(values)]
    biases = [steepness * (Fraction(1, 2) - i) for i in range(1, neurons + 1)]
    first = calculus.layer([[steepness * neurons]] * neurons, biases)
    return Network([first, calculus.layer([heights], values[:1])], "sigmoid").astype("float64")


def modulus_of_continuity(function: Expression, cells: int) -> Fraction:
    """A bound of |f(x) - f(y)| for |x - y| <= 1 / cells in [0, 1], by values and slopes on pairs of neighbouring cells.

    Raises
    ------
    UsageError
        The function is not known to be bounded.
    """
    h = Fraction(1, cells)
    return max(_oscillation(function, i * h, min((i + 2) * h, Fraction(1)), h) for i in range(max(cells - 1, 1)))


def _oscillation(function: Expression, low: Fraction, high: Fraction, distance: Fraction) -> Fraction:
    coefficients = function.series(ball_around(to_rational(low), to_rational(high)), 1)
    if not coefficients:
        raise UsageError(f"{function} is not known to be bounded between {low} and {high}")
    below, above = map(to_fraction, bounds(coefficients[0]))
    steepest = [max(abs(to_fraction(end)) for end in bounds(slope)) * distance for slope in coefficients[1:]]
    return min([above - below, *steepest])


@dataclass(frozen=True)
class Steps:
    """A sum of logistic steps from left to right, evaluated in balls.

    Attributes
    ----------
    slope : Rational
        Of the arguments, above 0.
    places : sequence of Rational
        Where the arguments are 0, times the slope; increasing.
    heights : sequence of Rational
        Of the steps.
    start : Rational
        The value far left.
    """

    slope: Rational
    places: Sequence[Rational]
    heights: Sequence[Rational]
    start: Rational

    @classmethod
    def of(cls, network: Network) -> Steps:
        """Read a network with one hidden layer of logistic steps off."""
        first, last = network.astype("rational").layers
        places = [to_rational(-bias) for bias in first.bias]
        heights = [to_rational(weight) for weight in last.weight[0]]
        return cls(to_rational(first.weight[0, 0]), places, heights, to_rational(last.bias[0]))

    def enclose(self, x: Ball) -> Ball:
        """Enclose the values on a ball."""
        return self.series(x, 0)[0]

    def series(self, x: Ball, order: int) -> list[Ball]:
        """Enclose the Taylor coefficients up to `order` <= 2, at every point of a ball.

        A step that is far away is within e^-80 of 0 or 1, and its derivatives are within that of 0.
        """
        low, high = bounds(self.slope * x)
        passed, near = bisect_right(self.places, low - FAR), bisect_left(self.places, high + FAR)
        sums = [Ball(self._levels[passed]), Ball(0), Ball(0)]
        for place, height in zip(self.places[passed:near], self.heights[passed:near], strict=True):
            value = _logistic(low - place).union(_logistic(high - place))
            rise = value * (1 - value) * self.slope
            bend = rise * (1 - 2 * value) * self.slope / 2
            sums = [a + height * b for a, b in zip(sums, (value, rise, bend), strict=True)]
        rest = Ball(0, self._variation) * Ball(-FAR).exp()
        return [total + rest * self.slope**k for k, total in enumerate(sums[: order + 1])]

    @cached_property
    def _levels(self) -> list[Rational]:
        """The value between steps, after 0, 1, ... of them."""
        return list(accumulate(self.heights, initial=self.start))

    @cached_property
    def _variation(self) -> Rational:
        return sum(map(abs, self.heights), start=Rational(0))


def _logistic(argument: Rational) -> Ball:
    return 1 / (1 + Ball(-argument).exp())


@dataclass(frozen=True)
class Rest:
    """What logistic steps leave of a function."""

    function: Expression
    steps: Steps

    def enclose(self, box: Sequence[Ball]) -> Ball:
        """Enclose its values on a ball."""
        return self.function.enclose(box) - self.steps.enclose(box[0])

    def series(self, ball: Ball, order: int) -> list[Ball]:
        """Enclose its Taylor coefficients up to `order` <= 2, as `Expression.series` does."""
        steps = self.steps.series(ball, order)
        return [a - b for a, b in zip(self.function.series(ball, order), steps, strict=False)]


def certify_steps(network: Network, function: Expression, tolerance: Fraction = TOLERANCE) -> Certificate:
    """Certify a network of logistic steps on [0, 1], its weights taken exactly and its sigmoids in balls.

    Raises
    ------
    UsageError
        The function is not defined on all of [0, 1].
    """
    rest = Rest(function, Steps.of(network))
    cells = len(rest.steps.places)
    cuts = sorted({Fraction(i, cells) for i in range(cells + 1)} | set(function.singular_points(*UNIT[0])))
    ends = [to_rational(cut) for cut in cuts]
    with precision(BITS):
        stretches = [Stretch(rest, Rational(0), Rational(0), a, b) for a, b in pairwise(ends)]
        found = Supremum(stretches, to_rational(tolerance))
    value = (to_fraction(found.low), to_fraction(found.high))
    source = "balls: values, slopes and curvatures of the network and of the function"
    return Certificate("sup", UNIT, "enclosure", value, (to_fraction(found.argmax),), source)
