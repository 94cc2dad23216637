"""Piecewise linear functions of one variable, shallow or narrow."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Annotated, TypeAlias

from nnapprox.calculus import layer
from nnapprox.constructions.construction import Construction, Knots, Option, Rationals, construction, prove
from nnapprox.constructions.text import linear_sum
from nnapprox.errors import UsageError
from nnapprox.network import Network

Points: TypeAlias = Sequence[tuple[Fraction, Fraction]]

DAUBECHIES = "Daubechies, DeVore, Foucart, Hanin and Petrova (2022), Nonlinear approximation and (deep) ReLU networks"


@construction(group="piecewise linear", source=DAUBECHIES, example="--points 0:1,1/4:-2,1:1/2")
def cpwl(
    points: Annotated[Knots, Option("The knots with their values, from the left; at least two.")],
    width: Annotated[int | None, Option("Layers of so many neurons instead of one layer.", at_least=3)] = None,
    tails: Annotated[Rationals | None, Option("Slopes left and right of all knots: right on all of R.")] = None,
) -> Construction:
    """The piecewise linear function through given points.

    y_0 + s_1 ReLU(x - x_0) + sum of (s_(i+1) - s_i) ReLU(x - x_i), s_i the slope of piece i. With --width W, W - 2
    knots a layer are added to a sum that one neuron carries, beside one that carries x: for W = 3, n pieces take
    5 n - 3 weights.
    """
    if len(points) < 2:
        raise UsageError("--points needs at least two points, as 0:1,1:1/2")
    if tails is not None and len(tails) != 2:
        raise UsageError(f"--tails needs two slopes, left and right, not {len(tails)}")
    if tails is not None and width is not None:
        raise UsageError(
            "--tails goes with one layer, since a narrow network is right on a bounded interval: leave --width out"
        )
    low, high = points[0][0], points[-1][0]
    reach = high - low if tails else 0
    network = narrow(points, width) if width else shallow(points, tails)
    return prove(network, text_of(points, tails), ((low - reach, high + reach),))


def slopes(points: Points) -> list[Fraction]:
    """The slope of every piece."""
    return [(after[1] - before[1]) / (after[0] - before[0]) for before, after in pairwise(points)]


def kinks_on_line(points: Points) -> list[tuple[Fraction, Fraction]]:
    """Every knot with the jump of the slope there, where the function goes on with slope 0 on either side."""
    bent = [Fraction(0), *slopes(points), Fraction(0)]
    return [(x, after - before) for (x, _), (before, after) in zip(points, pairwise(bent), strict=True)]


def kinks(points: Points) -> list[tuple[Fraction, Fraction]]:
    """Every inner knot with the jump of the slope there."""
    return kinks_on_line(points)[1:-1]


def shallow(points: Points, tails: Sequence[Fraction] | None = None) -> Network:
    """The piecewise linear function with one hidden layer, on [x_0, x_n], or with slopes of its tails on R.

    For n pieces, n neurons and M <= 3 n + 1, with tails n + 2; a knot at which the slope stays has none.
    """
    rows = [(sign, -sign * knot, jump) for sign, knot, jump in _terms(points, tails)]
    if not rows:
        return Network([layer([[0]], [points[0][1]])])
    signs, biases, jumps = zip(*rows, strict=True)
    return Network([layer([[sign] for sign in signs], biases), layer([jumps], [points[0][1]])])


def narrow(points: Points, width: int = 3) -> Network:
    """The piecewise linear function on [x_0, x_n] with hidden layers of at most `width` >= 3 neurons.

    One neuron carries x - x_0 and one the sum so far, lifted to be nonnegative; the others are knots. With width 3,
    n >= 2 pieces take L = n and M <= 5 n - 3.
    """
    start, value = points[0]
    first = slopes(points)[0]
    knots = [(x, jump) for x, jump in kinks(points) if jump]
    if not knots:
        return Network([layer([[first]], [value - first * start])])
    groups = [knots[i : i + width - 2] for i in range(0, len(knots), width - 2)]
    lift = _lift(points, {group[-1][0] for group in groups[:-1]})
    # The neurons of a layer: x - x_0 (in all but the last layer), the knots of its group, the sum (from the second on).
    layers = [layer([[1]] * (1 + len(groups[0])), [-start, *(-x for x, _ in groups[0])])]
    total: list[Fraction | int] = [first, *(jump for _, jump in groups[0])]
    constant = value
    for number, group in enumerate(groups[1:], start=2):
        along = [1] + [0] * (len(total) - 1)  # what gives x - x_0
        carried = [along] if number < len(groups) else []
        biases = [0] * len(carried) + [start - x for x, _ in group] + [lift if number == 2 else 0]
        layers.append(layer([*carried, *[along] * len(group), total], biases))
        total, constant = [*[0] * len(carried), *(jump for _, jump in group), 1], value - lift
    return Network([*layers, layer([total], [constant])])


def text_of(points: Points, tails: Sequence[Fraction] | None = None) -> str:
    """The piecewise linear function as an expression in x."""
    terms = [
        (jump, f"relu({linear_sum([(sign, 'x'), (-sign * knot, '')])})") for sign, knot, jump in _terms(points, tails)
    ]
    return linear_sum([(points[0][1], ""), *terms])


def _terms(points: Points, tails: Sequence[Fraction] | None) -> list[tuple[int, Fraction, Fraction]]:
    """(sign, knot, factor) of every summand factor ReLU(sign (x - knot))."""
    first, last = slopes(points)[0], slopes(points)[-1]
    terms = [(1, points[0][0], first), *((1, x, jump) for x, jump in kinks(points))]
    if tails is not None:
        left, right = tails
        terms = [(-1, points[0][0], -left), *terms, (1, points[-1][0], right - last)]
    return [term for term in terms if term[2]]


def _lift(points: Points, ends: Collection[Fraction]) -> Fraction:
    """How far the sums of the kinks up to each of `ends` fall below y_0 on [x_0, x_n]: 0 or more."""
    (_, start), *inner, (last, _) = points
    deepest = Fraction(0)
    lowest_so_far = accumulate((y - start for _, y in inner), min)
    for (x, y), slope, lowest in zip(inner, slopes(points)[1:], lowest_so_far, strict=True):
        if x in ends:
            deepest = min(deepest, lowest, y - start + slope * (last - x))
    return -deepest
