"""The cosine at any frequency by folding, and Weierstrass's function as a sum of cosines."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated

from nnapprox import calculus
from nnapprox.calculus import layer
from nnapprox.certificate import Certificate, certify
from nnapprox.constructions.construction import (
    MOST_SMOOTH_PIECES,
    UNIT,
    Construction,
    Option,
    Theorem,
    construction,
    prove,
)
from nnapprox.constructions.cpwl import kinks, shallow, slopes
from nnapprox.constructions.interpolation import PI_ABOVE, Bits, interpolant
from nnapprox.constructions.memory import NUMBERS_A_LAYER, require_memory
from nnapprox.constructions.sawtooth import HALF, certify_by_induction, sawtooth_network
from nnapprox.constructions.sizes import DEEPEST, size_for
from nnapprox.functions import parse
from nnapprox.network import Network

ELBRAECHTER = "Elbrächter, Perekrestenko, Grohs and Bölcskei (2021), Deep neural network approximation theory"


@construction(group="analytic functions", source=ELBRAECHTER, example="--pieces 32 --octaves 3")
def cos(
    pieces: Annotated[
        int | None, Option("Pieces of cos(pi x) on [0, 1], N.", at_least=1, at_most=MOST_SMOOTH_PIECES)
    ] = None,
    octaves: Annotated[int, Option("How often the frequency is doubled, s.", at_least=0)] = 0,
    eps: Annotated[Fraction | None, Option("The error to stay below, instead of --pieces.", above=0)] = None,
    bits: Bits = 53,
) -> Construction:
    """cos(2^s pi x) on [0, 1]: the same error at every frequency, for 5 weights an octave.

    cos(2^s pi x) = cos(pi g^s(x)), g^s the sawtooth; cos(pi x) is interpolated, with an error of pi^2 / (8 N^2).
    """
    n = size_for("--pieces", pieces, eps, lambda n: cosine_bound(n, bits))
    require_memory("--octaves", octaves, lambda s: NUMBERS_A_LAYER * s)
    block = shallow(cosine_points(n, bits))
    theorem = Theorem(cosine_bound(n, bits), "sup |P - cos(2^s pi x)| <= pi^2 / (8 N^2)", ELBRAECHTER)
    if not octaves:
        return prove(block, "cos(pi*x)", UNIT, theorem=theorem)
    fold = sawtooth_network(octaves)
    certify_by_induction(fold, octaves, "inner")
    base = certify(block, parse("cos(pi*x)"), UNIT)
    certificate = Certificate(
        "sup",
        UNIT,
        base.kind,
        base.value,
        base.argmax and (base.argmax[0] / 2**octaves,),
        f"cos(2^{octaves} pi x) = cos(pi g^{octaves}(x)), the sawtooth is exact and onto [0, 1], cos(pi x) certified",
    )
    return Construction(calculus.compose(block, fold), parse(f"cos(2^{octaves}*pi*x)"), certificate, theorem)


@construction(
    group="sawtooth and friends", source="Weierstrass (1872); Hardy (1916)", example="--ratio 1/2 --terms 4 --pieces 16"
)
def weierstrass(
    ratio: Annotated[Fraction, Option("The factor p between a summand and the next.", above=0, below=1)],
    terms: Annotated[int, Option("The last summand, K.", at_least=0, at_most=DEEPEST)],
    pieces: Annotated[int, Option("Pieces of cos(pi x) on [0, 1], N.", at_least=1, at_most=MOST_SMOOTH_PIECES)],
    bits: Bits = 53,
) -> Construction:
    """Weierstrass's function on [0, 1], for p >= 1/2 nowhere differentiable.

    W(x) = sum of p^k cos(2^k pi x) over k >= 0, cut after k = K: every cosine is the same block after one more fold.
    """
    require_memory("--pieces", pieces, lambda n: (terms + 1) * (n + 2) ** 2)
    points = cosine_points(pieces, bits)
    delta = certify(shallow(points), parse("cos(pi*x)"), UNIT).upper
    rest = ratio ** (terms + 1) / (1 - ratio)
    total = (1 - ratio ** (terms + 1)) / (1 - ratio)
    certificate = Certificate(
        "sup", UNIT, "bound", delta * total + rest, None,
        "the block for cos(pi x) is certified, its errors add up, and so does what is cut off",
    )  # fmt: skip
    theorem = Theorem(
        cosine_bound(pieces, bits) * total + rest,
        "sup |W - W_K| <= d (1 - p^(K+1)) / (1 - p) + p^(K+1) / (1 - p), d = pi^2 / (8 N^2)",
        ELBRAECHTER,
    )
    notes = {"target": f"sum of ({ratio})^k cos(2^k pi x) over k >= 0"}
    return Construction(folded_sum(points, ratio, terms), None, certificate, theorem, notes)


def cosine_points(pieces: int, bits: int) -> list[tuple[Fraction, Fraction]]:
    """Points of the graph of cos(pi x) on [0, 1]."""
    return interpolant(parse("cos(pi*x)"), Fraction(0), Fraction(1), pieces, bits)


def cosine_bound(pieces: int, bits: int) -> Fraction:
    """The error of their interpolation, and of the rounding of their values."""
    return PI_ABOVE**2 / (8 * pieces**2) + Fraction(1, 2**bits)


def folded_sum(points: Sequence[tuple[Fraction, Fraction]], ratio: Fraction, terms: int) -> Network:
    """The sum of ratio^k f(g^k(x)) over k = 0..terms on [0, 1], f >= -1 through points of [0, 1]: L = terms + 2.

    Every layer holds the kinks of f at g^k(x), with the hat's own two among them, and the sum so far of f + 1.
    """
    jumps = {points[0][0]: slopes(points)[0], HALF: Fraction(0), **dict(kinks(points))}
    knots = sorted(jumps)
    fold = [{points[0][0]: 2, HALF: -4}.get(knot, 0) for knot in knots]
    lift = points[0][1] + 1
    layers = [layer([[1]] * len(knots), [-knot for knot in knots])]
    for k in range(terms + 1):
        carried = [1] if k else []
        total, constant = [ratio**k * jumps[knot] for knot in knots] + carried, ratio**k * lift
        if k == terms:
            layers.append(layer([total], [constant - sum(ratio**j for j in range(terms + 1))]))
        else:
            folded = fold + [0] * len(carried)
            layers.append(layer([*[folded] * len(knots), total], [*(-knot for knot in knots), constant]))
    return Network(layers)
