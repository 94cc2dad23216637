"""Power series, cut off and built as polynomials: the exponential, the sine, and any other."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Annotated, TypeAlias

from nnapprox.certificate import Certificate
from nnapprox.constructions.construction import (
    MOST_SMOOTH_PIECES,
    Construction,
    Interval,
    Kind,
    Option,
    Theorem,
    construction,
    prove,
)
from nnapprox.constructions.polynomial import (
    SYMMETRIC,
    on_unit_interval,
    pieces_of_chain,
    polynomial_error,
    polynomial_on,
    power_sum,
    require_chain_memory,
)
from nnapprox.constructions.sizes import DEEPEST, SquareDepth, size_for
from nnapprox.constructions.square import YAROTSKY
from nnapprox.errors import UsageError
from nnapprox.functions import Expression, parse

E_ABOVE, INVERSE_E_ABOVE = Fraction(2_718_281_829, 10**9), Fraction(3_678_794_412, 10**10)
"""e and 1 / e, rounded up."""

Degree: TypeAlias = Annotated[int | None, Option("Degree of the polynomial, n.", at_least=1, at_most=400)]
EpsAlone: TypeAlias = Annotated[Fraction | None, Option("The error to stay below, instead of the other two.", above=0)]


@construction(group="analytic functions", source=YAROTSKY, example="--degree 4 --square-depth 5")
def exp(degree: Degree = None, square_depth: SquareDepth = None, eps: EpsAlone = None) -> Construction:
    """The exponential function on [-1, 1], by its Taylor polynomial.

    The sum of x^k / k! over k = 0..n: the error is at most e / (n+1)! + 4^-(m+1), as the sum of (k - 1) / k! is 1.
    """

    def rest(n: int) -> Fraction:
        return E_ABOVE / math.factorial(n + 1)

    n, m = _sizes(degree, square_depth, eps, rest, Fraction(1))
    coefficients = [Fraction(1, math.factorial(k)) for k in range(n + 1)]
    theorem = Theorem(rest(n) + Fraction(1, 4 ** (m + 1)), "sup |P - exp| <= e / (n+1)! + 4^-(m+1)", YAROTSKY)
    return _series(coefficients, m, "exp(x)", SYMMETRIC, theorem)


@construction(group="analytic functions", source=YAROTSKY, example="--degree 5 --square-depth 5")
def sin(degree: Degree = None, square_depth: SquareDepth = None, eps: EpsAlone = None) -> Construction:
    """The sine on [-1, 1], by its Taylor polynomial.

    The sum of (-1)^((k-1)/2) x^k / k! over odd k up to n: for odd n, the error is at most 1 / (n+2)! + 4^-(m+1) / e.
    """

    def rest(n: int) -> Fraction:
        return Fraction(1, math.factorial(n + 1 + n % 2))

    n, m = _sizes(degree, square_depth, eps, rest, INVERSE_E_ABOVE)
    coefficients = [Fraction((0, 1, 0, -1)[k % 4], math.factorial(k)) for k in range(n + 1)]
    bound = rest(n) + INVERSE_E_ABOVE / 4 ** (m + 1)
    return _series(
        coefficients, m, "sin(x)", SYMMETRIC, Theorem(bound, "sup |P - sin| <= 1 / (n+2)! + 4^-(m+1) / e", YAROTSKY)
    )


@construction(
    group="analytic functions",
    source=YAROTSKY,
    example="--coefficient (-1)^k/(k+1) --degree 6 --square-depth 5 --domain=-1/2,1/2",
)
def power_series(
    coefficient: Annotated[
        Expression,
        Kind("EXPR", lambda text: text if isinstance(text, Expression) else parse(text, ("k",))),
        Option("c_k as an expression in k, as (-1)^k/(2*k+1); rational at every k."),
    ],
    degree: Annotated[int, Option("Degree at which the series is cut, n.", at_least=0, at_most=400)],
    square_depth: Annotated[int, Option("Halvings of the mesh of the squares, m.", at_least=1, at_most=DEEPEST)],
    domain: Annotated[Interval, Option("The interval.")] = SYMMETRIC,
    function: Annotated[Expression | None, Option("What the whole series sums up to, to certify against.")] = None,
) -> Construction:
    """A power series with rational coefficients, cut after the power n.

    The sum of c_k x^k over k = 0..n. Without --function it is certified against this polynomial.
    """
    coefficients = [coefficient.at((Fraction(k),)) for k in range(degree + 1)]
    if function is not None:
        return _series(coefficients, square_depth, function, domain, None)
    bound = polynomial_error(on_unit_interval(coefficients, domain)) / 4 ** (square_depth + 1)
    theorem = Theorem(bound, "sup |P - p| <= 4^-(m+1) sum of (k - 1) |c_k|, on [-1, 1]", YAROTSKY)
    return _series(coefficients, square_depth, power_sum(coefficients), domain, theorem)


def _sizes(
    degree: int | None, square_depth: int | None, eps: Fraction | None,
    rest: Callable[[int], Fraction], factor: Fraction,
) -> tuple[int, int]:  # fmt: skip
    """Degree and depth as they are given, or so that the rest of the series and the products take half of eps each."""
    given = (degree is not None) + (square_depth is not None)
    if given != (2 if eps is None else 0):
        raise UsageError("give --degree and --square-depth, or --eps alone")
    half = None if eps is None else eps / 2
    return (
        size_for("--degree", degree, half, rest),
        size_for("--square-depth", square_depth, half, lambda m: factor / 4 ** (m + 1)),
    )


def _series(
    coefficients: Sequence[Fraction], m: int, target: Expression | str, domain: Interval, theorem: Theorem | None
) -> Construction:
    require_chain_memory(len(coefficients), m)
    otherwise = None
    if theorem is not None and theorem.bound is not None:
        otherwise = Certificate("sup", (domain,), "bound", theorem.bound, None, "the errors of the products, added up")
    return prove(
        polynomial_on(coefficients, domain, m),
        target,
        (domain,),
        pieces=pieces_of_chain(coefficients, m),
        most=MOST_SMOOTH_PIECES,
        otherwise=otherwise,
        theorem=theorem,
    )
