"""Cardinal B-splines."""

from __future__ import annotations

from fractions import Fraction
from math import comb, factorial
from typing import Annotated

from nnapprox import calculus
from nnapprox.certificate import Certificate
from nnapprox.constructions.assembly import Assembly
from nnapprox.constructions.construction import Construction, Option, Theorem, construction, prove
from nnapprox.constructions.memory import require_memory
from nnapprox.constructions.polynomial import pieces_of_chain, polynomial_network
from nnapprox.constructions.sizes import Eps, SquareDepth, size_for
from nnapprox.constructions.square import square_network
from nnapprox.constructions.text import linear_sum
from nnapprox.network import Network

SCHOENBERG = "Schoenberg (1946); powers by Yarotsky (2017)"


@construction(group="indicators, splines and wavelets", source=SCHOENBERG, example="--order 3 --depth 4")
def b_spline(
    order: Annotated[int, Option("The order, r: a spline of degree r - 1 on [0, r].", at_least=2, at_most=16)],
    depth: SquareDepth = None,
    eps: Eps = None,
) -> Construction:
    """The cardinal B-spline of order r; exact for r = 2, where it is the hat.

    With t = |x - r/2| it is the sum of (-1)^i C(r, i) (r/2 - i - t)_+^(r-1) / (r - 1)! over i < r/2, each power by
    products: 0 outside of [0, r] exactly, and even around r/2. The error is at most
    (r - 2) 4^-(m+1) times the sum of C(r, i) (r/2 - i)^(r-1) / (r - 1)!.
    """
    factor = b_spline_error(order)
    m = size_for("--depth", depth, eps, lambda m: factor / 4 ** (m + 1)) if order > 2 else 1
    require_memory("--depth", m, lambda m: 60 * order**3 * m)
    domain = ((Fraction(0), Fraction(order)),)
    bound = factor / 4 ** (m + 1)
    return prove(
        b_spline_network(order, m),
        b_spline_text(order),
        domain,
        pieces=order * pieces_of_chain([Fraction(1)] * order, m),
        otherwise=Certificate("sup", domain, "bound", bound, None, "the errors of the powers, added up"),
        theorem=Theorem(bound, f"sup |error| <= {factor} 4^-(m+1)", SCHOENBERG),
    )


def b_spline_network(order: int, depth: int) -> Network:
    """The B-spline of order r >= 2 on all of R, with powers made of squares of depth m."""
    assembly = Assembly(1)
    (x,) = assembly.variables
    middle = Fraction(order, 2)
    distance = assembly.relu(x - middle) + assembly.relu(middle - x)
    assembly.close()
    bases = [assembly.relu(middle - i - distance) for i in range((order + 1) // 2)]
    assembly.close()
    network = assembly.network([base * (1 / (middle - i)) for i, base in enumerate(bases)])
    if order > 2:
        network = calculus.compose(calculus.parallel([_power(order - 1, depth)] * len(bases)), network)
    return calculus.compose(calculus.affine([_weights(order)]), network)


def b_spline_text(order: int, variable: str = "x") -> str:
    """The B-spline as an expression in a variable."""
    middle = Fraction(order, 2)
    return linear_sum(
        (
            Fraction((-1) ** i * comb(order, i), factorial(order - 1)),
            f"relu({middle - i} - abs({variable} - {middle}))^{order - 1}",
        )
        for i in range((order + 1) // 2)
    )


def b_spline_error(order: int) -> Fraction:
    """What bounds the error of `b_spline_network` in units of 4^-(m+1)."""
    return (order - 2) * sum(map(abs, _weights(order)), start=Fraction(0))


def _weights(order: int) -> list[Fraction]:
    """Of the powers of ((r/2 - i - t)_+ / (r/2 - i)), which lie in [0, 1]."""
    return [
        Fraction((-1) ** i * comb(order, i), factorial(order - 1)) * (Fraction(order, 2) - i) ** (order - 1)
        for i in range((order + 1) // 2)
    ]


def _power(exponent: int, depth: int) -> Network:
    """t^exponent on [0, 1]."""
    if exponent == 2:
        return square_network(depth)
    return polynomial_network([Fraction(0)] * exponent + [Fraction(1)], depth)
