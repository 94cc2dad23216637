"""x^2, as a sum of sawtooths."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from nnapprox import calculus
from nnapprox.calculus import layer
from nnapprox.certificate import Certificate
from nnapprox.constructions.construction import UNIT, Construction, Interval, Option, Theorem, construction, prove
from nnapprox.constructions.sawtooth import hat_series
from nnapprox.constructions.sizes import DEEPEST, size_for
from nnapprox.constructions.text import linear_sum
from nnapprox.network import Network

ABSOLUTE = Network([layer([[1], [-1]]), layer([[1, 1]])])
"""|x| = ReLU(x) + ReLU(-x)."""

DEEPEST_CERTIFIED = 16
"""Squares on finer meshes are not certified piece by piece."""

YAROTSKY = "Yarotsky (2017), Error bounds for approximations with deep ReLU networks, Proposition 2"


@construction(group="polynomials", source=YAROTSKY, example="--depth 4")
def square(
    depth: Annotated[int | None, Option("Halvings of the mesh, m.", at_least=1, at_most=DEEPEST)] = None,
    eps: Annotated[Fraction | None, Option("The error to stay below, instead of --depth.", above=0)] = None,
    domain: Annotated[Interval, Option("The interval.")] = UNIT[0],
    centred: Annotated[bool, Option("Shift it by half its error, which halves it; 0 goes to another value.")] = False,
) -> Construction:
    """x^2 on an interval, interpolated at equally spaced points.

    f_m(x) = x - sum of 4^-s g^s(x) over s = 1..m interpolates x^2 at j / 2^m. The error on [0, 1] is 4^-(m+1) exactly,
    reached in the middle of every piece; on [-D, D] it is D^2 4^-(m+1), by D^2 f_m(|x| / D).
    """
    low, high = domain
    scale = _scale(low, high) ** 2 / (2 if centred else 1)
    m = size_for("--depth", depth, eps, lambda m: scale / 4 ** (m + 1))
    bound = scale / 4 ** (m + 1)
    network = square_on(low, high, m)
    if centred:
        network = calculus.combine([network], [1], -bound)
    return prove(
        network,
        "x^2",
        (domain,),
        pieces=2 ** (m + 1),
        otherwise=Certificate("sup", (domain,), "bound", bound, None, "the interpolation error of x^2 on a mesh"),
        theorem=Theorem(bound, f"sup |f_m - x^2| = {linear_sum([(scale, '4^-(m+1)')])}", YAROTSKY),
    )


def square_network(depth: int) -> Network:
    """f_m on [0, 1] with m = depth >= 1: L = m + 1, M = 8 m - 3, f_m(0) = 0, f_m(1) = 1, and x^2 <= f_m <= x.

    Its weights have at most 2 m - 1 fractional bits.
    """
    return hat_series(Fraction(1), [Fraction(-1, 4**s) for s in range(1, depth + 1)])


def square_on(low: Fraction, high: Fraction, depth: int) -> Network:
    """x^2 on [low, high]: by its distance from 0 where 0 lies inside, else by its distance from the nearer end."""
    width = _scale(low, high)
    if low < 0 < high:
        return scaled(calculus.compose(calculus.precompose(square_network(depth), [[1 / width]]), ABSOLUTE), width**2)
    start, sign = (low, 1) if low >= 0 else (-high, -1)
    # x^2 = start^2 + 2 start width t + width^2 t^2 with t = (|x| - start) / width in [0, 1]
    inner = hat_series(1 + 2 * start / width, [Fraction(-1, 4**s) for s in range(1, depth + 1)])
    moved = calculus.precompose(inner, [[sign / width]], [-start / width])
    return scaled(moved, width**2, start**2)


def scaled(network: Network, factor: Fraction, constant: Fraction = Fraction(0)) -> Network:
    """A network of one output times a factor, plus a constant."""
    return calculus.compose(calculus.affine([[factor]], [constant]), network)


def _scale(low: Fraction, high: Fraction) -> Fraction:
    """The length that is stretched to [0, 1]; the error is its square times 4^-(m+1)."""
    return max(-low, high) if low < 0 < high else high - low
