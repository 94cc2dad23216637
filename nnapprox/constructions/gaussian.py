"""The Gaussian bell, and the Gaussian bell times a cosine."""

from __future__ import annotations

import math
from fractions import Fraction
from typing import Annotated

from nnapprox import calculus
from nnapprox.certificate import Certificate
from nnapprox.constructions.construction import (
    MOST_SMOOTH_PIECES,
    Construction,
    Kind,
    Option,
    Theorem,
    construction,
    prove,
)
from nnapprox.constructions.cosine import ELBRAECHTER, cosine_bound, cosine_points
from nnapprox.constructions.cpwl import shallow
from nnapprox.constructions.interpolation import PI_ABOVE, Bits, dyadic, interpolant
from nnapprox.constructions.product import product_network
from nnapprox.constructions.sawtooth import sawtooth_network
from nnapprox.constructions.sizes import DEEPEST, size_for
from nnapprox.constructions.square import ABSOLUTE
from nnapprox.errors import UsageError
from nnapprox.functions import Expression, parse
from nnapprox.network import Network

HalfWidth = Annotated[Fraction, Option("T: the interval is [-T, T].", above=0)]


@construction(group="analytic functions", source="interpolation error h^2/8 max |f''|", example="--pieces 32")
def gaussian(
    pieces: Annotated[int | None, Option("How many pieces, N.", at_least=1, at_most=MOST_SMOOTH_PIECES)] = None,
    eps: Annotated[Fraction | None, Option("The error to stay below, instead of --pieces.", above=0)] = None,
    half_width: HalfWidth = Fraction(4),
    bits: Bits = 53,
) -> Construction:
    """exp(-x^2) on [-T, T], interpolated at equally spaced points.

    With N pieces of length h = 2T / N, the error is at most h^2 / 4.
    """
    n = size_for("--pieces", pieces, eps, lambda n: gaussian_bound(n, half_width, bits))
    theorem = Theorem(gaussian_bound(n, half_width, bits), "sup |P - exp(-x^2)| <= h^2 / 4", "Taylor")
    return prove(gaussian_network(n, half_width, bits), "exp(-x^2)", ((-half_width, half_width),), theorem=theorem)


@construction(
    group="analytic functions", source=ELBRAECHTER, example="--frequency 5 --half-width 2 --pieces 32 --square-depth 4"
)
def gabor(
    frequency: Annotated[
        Expression,
        Kind("EXPR", lambda text: text if isinstance(text, Expression) else parse(text, ())),
        Option("w, a number such as 5 or 2*pi."),
    ],
    pieces: Annotated[
        int, Option("Pieces of exp(-x^2), and of cos(pi x) on [0, 1], N.", at_least=1, at_most=MOST_SMOOTH_PIECES)
    ],
    square_depth: Annotated[int, Option("Halvings of the mesh of the squares, m.", at_least=1, at_most=DEEPEST)],
    half_width: HalfWidth = Fraction(4),
    bits: Bits = 53,
) -> Construction:
    """The Gabor atom exp(-x^2) cos(w x) on [-T, T], at any frequency.

    The product of the bell and of the folded cosine; the error is at most h^2 / 4 + pi^2 / (8 N^2) + 4^-(m+1).
    """
    cosine, octaves = folded_cosine(frequency, pieces, half_width, bits)
    bell = gaussian_network(pieces, half_width, bits)
    bell = calculus.compose(calculus.identity(1, cosine.depth - bell.depth + 1, low=0), bell)
    bound = (
        gaussian_bound(pieces, half_width, bits)
        + cosine_bound(pieces, bits)
        + Fraction(1, 4 ** (square_depth + 1))
        + PI_ABOVE * half_width / 2**bits  # w / pi is rounded, too
    )
    domain = ((-half_width, half_width),)
    return prove(
        calculus.compose(product_network(square_depth), calculus.parallel([bell, cosine], shared=True)),
        f"exp(-x^2)*cos(({frequency})*x)",
        domain,
        pieces=2**octaves * (2 * pieces + 2 ** (square_depth + 2)),
        most=MOST_SMOOTH_PIECES,
        otherwise=Certificate("sup", domain, "bound", bound, None, "the errors of both factors and of the product"),
        theorem=Theorem(bound, "sup |P - exp(-x^2) cos(w x)| <= h^2 / 4 + pi^2 / (8 N^2) + 4^-(m+1)", ELBRAECHTER),
    )


def gaussian_network(pieces: int, half_width: Fraction, bits: int) -> Network:
    """The interpolant of exp(-x^2) on [-half_width, half_width]; its values are in [0, 1]."""
    return shallow(interpolant(parse("exp(-x^2)"), -half_width, half_width, pieces, bits))


def gaussian_bound(pieces: int, half_width: Fraction, bits: int) -> Fraction:
    """Its error, and that of the rounding of its values; the second derivative is 2 at most."""
    return (2 * half_width / pieces) ** 2 / 4 + Fraction(1, 2**bits)


def folded_cosine(frequency: Expression, pieces: int, half_width: Fraction, bits: int) -> tuple[Network, int]:
    """cos(w x) on [-half_width, half_width] as cos(pi g^s(w |x| / (2^s pi))), and s, the number of folds.

    Raises
    ------
    UsageError
        The frequency is not above 0.
    """
    turns = dyadic(parse(f"({frequency})/pi"), (Fraction(0),), bits)  # a constant, at any point
    if turns <= 0:
        raise UsageError(f"--frequency must be above 0 (and above 2^-{bits}), not {frequency}")
    octaves = max(0, (math.ceil(turns * half_width) - 1).bit_length())
    block = shallow(cosine_points(pieces, bits))
    folded = calculus.compose(block, sawtooth_network(octaves)) if octaves else block
    return calculus.compose(calculus.precompose(folded, [[turns / 2**octaves]]), ABSOLUTE), octaves
