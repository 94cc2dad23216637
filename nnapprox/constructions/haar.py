"""Haar's wavelet, with ramps for its jumps."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from nnapprox.constructions import cpwl
from nnapprox.constructions.construction import Construction, Option, Theorem, construction, prove
from nnapprox.network import Network

HALF = Fraction(1, 2)


@construction(group="indicators, splines and wavelets", source="Haar (1910)", example="--ramp 1/16")
def haar(
    ramp: Annotated[Fraction, Option("Width of the ramps at the jumps, delta.", above=0, below=HALF)],
    scale: Annotated[int, Option("j in h(2^j x - k).")] = 0,
    shift: Annotated[int, Option("k in h(2^j x - k).")] = 0,
) -> Construction:
    """Haar's wavelet h(2^j x - k), with ramps for its jumps.

    h is 1 on [0, 1/2), -1 on [1/2, 1), and 0 elsewhere. 6 neurons, 18 weights. The squared L2 error is 2^-j delta / 2
    exactly.
    """
    width = Fraction(2) ** -scale
    low, high = width * (shift - ramp / 2), width * (shift + 1 + ramp / 2)
    squared = width * ramp / 2
    return prove(
        haar_network(scale, shift, ramp),
        f"step(x-({width * shift}))-2*step(x-({width * (shift + HALF)}))+step(x-({width * (shift + 1)}))",
        ((low, high),),
        norm="L2",
        theorem=Theorem(None, f"squared L2 error = 2^-j delta / 2 = {squared}", "elementary"),
    )


def haar_points(scale: int, shift: int, ramp: Fraction) -> list[tuple[Fraction, Fraction]]:
    """The knots of h(2^j x - k) with ramps of width 2^-j delta, with its values there."""
    width, half = Fraction(2) ** -scale, ramp / 2
    knots = [-half, half, HALF - half, HALF + half, 1 - half, 1 + half]
    return [(width * (shift + x), Fraction(y)) for x, y in zip(knots, (0, 1, 1, -1, -1, 0), strict=True)]


def haar_network(scale: int, shift: int, ramp: Fraction) -> Network:
    """h(2^j x - k) with ramps of width 2^-j delta, on all of R."""
    return cpwl.shallow(haar_points(scale, shift, ramp), (Fraction(0), Fraction(0)))
