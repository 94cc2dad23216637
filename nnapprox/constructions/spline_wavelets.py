"""The biorthogonal spline wavelets of Cohen, Daubechies and Feauveau."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from nnapprox import calculus
from nnapprox.certificate import Certificate
from nnapprox.constructions import cpwl
from nnapprox.constructions.construction import Construction, Option, Theorem, construction, prove
from nnapprox.constructions.masks import average, daubechies_polynomial, product
from nnapprox.constructions.memory import require_memory
from nnapprox.constructions.polynomial import pieces_of_chain
from nnapprox.constructions.sizes import Eps, SquareDepth, size_for
from nnapprox.constructions.splines import b_spline_error, b_spline_network, b_spline_text
from nnapprox.constructions.text import linear_sum
from nnapprox.errors import UsageError
from nnapprox.network import Network

CDF = "Cohen, Daubechies and Feauveau (1992), Biorthogonal bases of compactly supported wavelets"


@construction(group="indicators, splines and wavelets", source=CDF, example="--dual 2")
def spline_wavelet(
    order: Annotated[int, Option("Order of the splines, p; 2 is exact.", at_least=2, at_most=8)] = 2,
    dual: Annotated[int, Option("Vanishing moments, q; p + q is even.", at_least=1, at_most=16)] = 2,
    depth: SquareDepth = None,
    eps: Eps = None,
) -> Construction:
    """The spline wavelet of order p with q vanishing moments.

    The sum of g_k B_p(2x - k), B_p the B-spline of order p around 0 or 1/2, and g_k = (-1)^k h_(1-k) with the dual
    mask h(z) = 2 ((1 + z)/2)^q sum of C(L - 1 + n, n) ((2 - z - 1/z)/4)^n over n < L = (p + q) / 2.
    """
    if (order + dual) % 2:
        raise UsageError(f"--order and --dual must be both even or both odd, not {order} and {dual}")
    notes = {"vanishing moments": dual}
    if order == 2:
        points = hat_wavelet_points(dual)
        domain = ((points[0][0], points[-1][0]),)
        theorem = Theorem(Fraction(0), "piecewise linear, so exact", CDF)
        return prove(hat_wavelet(dual), hat_wavelet_text(dual, "x"), domain, theorem=theorem, notes=notes)
    mask = wavelet_mask(order, dual)
    first, last = min(mask), max(mask)
    domain = ((Fraction(first - order // 2, 2), Fraction(last - order // 2 + order, 2)),)
    splines = (b_spline_text(order, linear_sum([(2, "x"), (order // 2 - k, "")])) for k in mask)
    text = linear_sum((g, f"({spline})") for g, spline in zip(mask.values(), splines, strict=True))
    weights = [abs(mask[k]) for k in range(first, last + 1)]
    overlapping = max(sum(weights[i : i + order], start=Fraction(0)) for i in range(len(weights)))
    factor = overlapping * b_spline_error(order)
    m = size_for("--depth", depth, eps, lambda m: factor / 4 ** (m + 1))
    require_memory("--depth", m, lambda m: 60 * order**3 * m * len(mask) ** 2)
    spline = b_spline_network(order, m)
    shifted = [calculus.precompose(spline, [[2]], [order // 2 - k]) for k in mask]
    bound = factor / 4 ** (m + 1)
    return prove(
        calculus.combine(shifted, list(mask.values())),
        text,
        domain,
        pieces=len(mask) * order * pieces_of_chain([Fraction(1)] * order, m),
        otherwise=Certificate("sup", domain, "bound", bound, None, "the errors of the splines, added up"),
        theorem=Theorem(bound, f"sup |error| <= {factor} 4^-(m+1)", CDF),
        notes=notes,
    )


def hat_wavelet(dual: int) -> Network:
    """The wavelet of hats with an even number of vanishing moments, on all of R."""
    return cpwl.shallow(hat_wavelet_points(dual), (Fraction(0), Fraction(0)))


def hat_wavelet_points(dual: int) -> list[tuple[Fraction, Fraction]]:
    """Its knots, the multiples of 1/2 in its support, with its values there."""
    mask = wavelet_mask(2, dual)
    first, last = min(mask) - 1, max(mask) + 1
    return [(Fraction(k, 2), mask.get(k, Fraction(0))) for k in range(first, last + 1)]


def hat_wavelet_text(dual: int, variable: str) -> str:
    """The wavelet as an expression in a variable, or in an expression in parentheses."""
    shifted = {k: linear_sum([(2, variable), (-k, "")]) for k in range(-dual, dual + 2)}
    return linear_sum((g, f"relu(1 - abs({shifted[k]}))") for k, g in wavelet_mask(2, dual).items())


def wavelet_mask(order: int, dual: int) -> dict[int, Fraction]:
    """Map k to g_k, for p = order and q = dual with p + q even."""
    terms = (order + dual) // 2
    dual_mask = product(average(dual), daubechies_polynomial(terms))
    first = 1 - terms - dual // 2
    return {1 - k: -2 * h if k % 2 else 2 * h for k, h in enumerate(dual_mask, start=first)}
