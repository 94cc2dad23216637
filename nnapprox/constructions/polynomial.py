"""Polynomials by a chain of products, and Chebyshev polynomials by doubling."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated

import numpy as np

from nnapprox import calculus
from nnapprox.certificate import Certificate
from nnapprox.constructions.construction import (
    MOST_SMOOTH_PIECES,
    Construction,
    Interval,
    Option,
    Rationals,
    Theorem,
    construction,
    prove,
)
from nnapprox.constructions.memory import NUMBERS_A_LAYER, require_memory
from nnapprox.constructions.product import OPSCHOOR, product_network
from nnapprox.constructions.sizes import Eps, SquareDepth, size_for
from nnapprox.constructions.square import YAROTSKY, scaled, square_on
from nnapprox.constructions.text import linear_sum
from nnapprox.errors import UsageError
from nnapprox.network import Network

SYMMETRIC = (Fraction(-1), Fraction(1))
"""The interval [-1, 1]."""

MOST_DEGREE = 1000


@construction(group="polynomials", source=YAROTSKY, example="--power 3 --depth 3")
def monomial(
    power: Annotated[int, Option("The power, k.", at_least=2, at_most=MOST_DEGREE)],
    depth: SquareDepth = None,
    eps: Eps = None,
) -> Construction:
    """x^k on [-1, 1], by a square and k - 2 products.

    y_(k+1) = P(x, y_k): no y_k exceeds 1, so the errors add up to (k - 1) 4^-(m+1) at most.
    """
    coefficients = (*[Fraction(0)] * power, Fraction(1))
    return _polynomial(coefficients, depth, eps, SYMMETRIC, "sup |y_k - x^k| <= (k - 1) 4^-(m+1)")


@construction(group="polynomials", source=YAROTSKY, example="--coefficients 1,0,-1/2,1/3 --depth 3")
def polynomial(
    coefficients: Annotated[Rationals, Option("c_0,c_1,...,c_n, the constant first.")],
    depth: SquareDepth = None,
    eps: Eps = None,
    domain: Annotated[Interval, Option("The interval.")] = SYMMETRIC,
) -> Construction:
    """c_0 + c_1 x + ... + c_n x^n on an interval, by a chain of n - 1 products.

    The sum is carried along. On [-1, 1] the error is at most 4^-(m+1) times the sum of (k - 1) |c_k|; other intervals
    are mapped to that one.
    """
    return _polynomial(coefficients, depth, eps, domain, "sup |P - p| <= 4^-(m+1) sum of (k - 1) |c_k|")


@construction(group="polynomials", source=OPSCHOOR, example="--degree 5 --depth 4")
def chebyshev(
    degree: Annotated[int, Option("The degree, n.", at_least=2, at_most=MOST_DEGREE)],
    depth: SquareDepth = None,
    eps: Eps = None,
) -> Construction:
    """The Chebyshev polynomial T_n on [-1, 1], with about log2 n levels of products.

    T_2k = 2 T_k^2 - 1 and T_(2k+1) = 2 T_k T_(k+1) - x, cut to [-1, 1]. For n = 2^j the error is at most
    2/3 (4^j - 1) 4^-(m+1).
    """
    factor = chebyshev_error(degree)
    m = size_for("--depth", depth, eps, lambda m: factor / 4 ** (m + 1))
    require_chain_memory(degree.bit_length(), m)
    bound = factor / 4 ** (m + 1)
    return prove(
        chebyshev_network(degree, m),
        power_sum(chebyshev_coefficients(degree)),
        (SYMMETRIC,),
        pieces=degree * 2 ** (m + 1),
        most=MOST_SMOOTH_PIECES,
        otherwise=Certificate("sup", (SYMMETRIC,), "bound", bound, None, "the errors of the products, added up"),
        theorem=Theorem(bound, f"sup |P - T_n| <= {linear_sum([(factor, '4^-(m+1)')])}", OPSCHOOR),
    )


def polynomial_network(coefficients: Sequence[Fraction], depth: int) -> Network:
    """The sum of c_k x^k on [-1, 1], the constant first: L = (n - 1) (depth + 1) + 1 for n >= 2, width at most 8.

    Products run y_2 = x^2, y_(k+1) = P(x, y_k); x and the sum so far are carried beside them, in a channel each.
    """
    constant, *rest = trimmed(coefficients)
    degree = len(rest)
    if degree < 2:
        return calculus.affine([rest or [Fraction(0)]], [constant])
    carried_x = calculus.identity(1, depth + 2, low=-1)
    largest_sum = abs(rest[0])
    if degree > 2 or rest[0]:
        network = calculus.parallel([square_on(*SYMMETRIC, depth), carried_x], shared=True)
        y, x = np.array([1, 0], dtype=object), np.array([0, 1], dtype=object)
    else:
        network, y, x = square_on(*SYMMETRIC, depth), np.array([1], dtype=object), np.array([0], dtype=object)
    sum_so_far = rest[0] * x  # as y and x, a linear form of the network's outputs
    for power, coefficient in enumerate(rest[1:-1], start=2):
        sum_so_far = sum_so_far + coefficient * y
        largest_sum += abs(coefficient)
        modules, inputs = [product_network(depth)], [x, y]
        if largest_sum:
            modules.append(calculus.identity(1, depth + 2, low=-largest_sum))
            inputs.append(sum_so_far)
        if power < degree - 1:
            modules.append(carried_x)
            inputs.append(x)
        network = calculus.compose(calculus.precompose(calculus.parallel(modules), inputs), network)
        eye = np.eye(len(modules), dtype=int).astype(object)
        y, x, sum_so_far = eye[0], eye[-1], eye[1] if largest_sum else 0 * eye[0]
    return calculus.compose(calculus.affine([sum_so_far + rest[-1] * y], [constant]), network)


def require_chain_memory(products: int, depth: int) -> None:
    """Refuse chains of products that are too long and too deep together."""
    require_memory("--depth", depth, lambda m: products * (m + 2) * (NUMBERS_A_LAYER + 72))


def pieces_of_chain(coefficients: Sequence[Fraction], depth: int) -> int:
    """About how many pieces `polynomial_network` has."""
    return int(4 * len(coefficients) * 2**depth)


def polynomial_error(coefficients: Sequence[Fraction]) -> Fraction:
    """The sum of (k - 1) |c_k|, which bounds the error of `polynomial_network` in units of 4^-(m+1)."""
    return sum((abs(c) * (k - 1) for k, c in enumerate(coefficients) if k >= 2), start=Fraction(0))


def on_unit_interval(coefficients: Sequence[Fraction], domain: Interval) -> list[Fraction]:
    """Coefficients of q(t) = p(middle + radius t), so that q on [-1, 1] is p on the domain."""
    low, high = domain
    middle, radius = (low + high) / 2, (high - low) / 2
    moved: list[Fraction] = []
    for coefficient in reversed(coefficients):  # Horner: q <- q (middle + radius t) + c
        shifted = [Fraction(0), *(radius * c for c in moved)]
        moved = [middle * c for c in (*moved, Fraction(0))]
        moved = [a + b for a, b in zip(moved, shifted, strict=True)]
        moved[0] += coefficient
    return trimmed(moved)


def polynomial_on(coefficients: Sequence[Fraction], domain: Interval, depth: int) -> Network:
    """A polynomial on an interval; see `polynomial_network`."""
    low, high = domain
    middle, radius = (low + high) / 2, (high - low) / 2
    network = polynomial_network(on_unit_interval(coefficients, domain), depth)
    return calculus.precompose(network, [[1 / radius]], [-middle / radius])


def power_sum(coefficients: Sequence[Fraction]) -> str:
    """The polynomial as an expression in x."""
    return linear_sum((c, ("", "x")[k] if k < 2 else f"x^{k}") for k, c in enumerate(coefficients))


def trimmed(coefficients: Sequence[Fraction]) -> list[Fraction]:
    """Coefficients without leading zeros (the last ones), but at least one."""
    kept = list(coefficients)
    while len(kept) > 1 and not kept[-1]:
        kept.pop()
    return kept


def chebyshev_network(degree: int, depth: int) -> Network:
    """T_degree on [-1, 1], degree >= 2, level by level from the T_k that the next level needs."""
    levels = [{degree}]
    while levels[-1] != {1}:
        levels.append(set().union(*map(_needed, levels[-1])))
    network = calculus.identity(1)
    for given, wanted in zip(levels[::-1], levels[-2::-1], strict=False):
        network = calculus.compose(_chebyshev_level(sorted(given), sorted(wanted), degree, depth), network)
    return network


def chebyshev_error(degree: int) -> Fraction:
    """What bounds the error of `chebyshev_network` in units of 4^-(m+1)."""
    if degree <= 1:
        return Fraction(0)
    half, odd = divmod(degree, 2)
    if not odd:
        return 4 * chebyshev_error(half) + 2
    return 2 * (chebyshev_error(half) + chebyshev_error(half + 1) + 1)


def chebyshev_coefficients(degree: int) -> list[Fraction]:
    """Coefficients of T_degree, the constant first."""
    before, now = [Fraction(1)], [Fraction(0), Fraction(1)]
    for _ in range(degree - 1):
        doubled = [Fraction(0), *(2 * c for c in now)]
        before, now = now, [a - b for a, b in zip(doubled, [*before, *[Fraction(0)] * 2], strict=True)]
    return now


def _needed(k: int) -> set[int]:
    """The T_j that T_k is made from in one level."""
    if k == 1:
        return {1}
    return {k // 2, k // 2 + 1, 1} if k % 2 else {k // 2}


def _chebyshev_level(given: list[int], wanted: list[int], degree: int, depth: int) -> Network:
    """Make T_k for k in `wanted` from T_k for k in `given`."""
    clipped = any(k % 2 and k > 1 and k != degree for k in wanted)
    modules, inputs = [], []
    for k in wanted:
        module, taken = _chebyshev_module(k, depth, clip=k != degree)
        rest = depth + 2 + clipped - module.depth
        modules.append(calculus.compose(calculus.identity(1, rest + 1, low=-1), module))
        inputs += [[int(j == g) for g in given] for j in taken]
    return calculus.precompose(calculus.parallel(modules), inputs)


def _chebyshev_module(k: int, depth: int, clip: bool) -> tuple[Network, list[int]]:
    """A network for T_k, and the indices of those that it takes."""
    if k == 1:
        return calculus.identity(1, depth + 2, low=-1), [1]
    half = k // 2
    if k % 2 == 0:
        return scaled(square_on(*SYMMETRIC, depth), Fraction(2), Fraction(-1)), [half]
    both = calculus.parallel([product_network(depth), calculus.identity(1, depth + 2, low=-1)])
    module = calculus.compose(calculus.affine([[2, -1]]), both)
    return calculus.clip(module, -1, 1) if clip else module, [half, half + 1, 1]


def _polynomial(
    coefficients: Sequence[Fraction], depth: int | None, eps: Fraction | None, domain: Interval, statement: str
) -> Construction:
    if len(coefficients) > MOST_DEGREE + 1:
        raise UsageError(f"--coefficients may be {MOST_DEGREE + 1} at most, not {len(coefficients)}")
    factor = polynomial_error(on_unit_interval(coefficients, domain))
    m = size_for("--depth", depth, eps, lambda m: factor / 4 ** (m + 1))
    require_chain_memory(len(coefficients), m)
    bound = factor / 4 ** (m + 1)
    return prove(
        polynomial_on(coefficients, domain, m),
        power_sum(coefficients),
        (domain,),
        pieces=pieces_of_chain(coefficients, m),
        most=MOST_SMOOTH_PIECES,
        otherwise=Certificate("sup", (domain,), "bound", bound, None, "the errors of the products, added up"),
        theorem=Theorem(bound, statement, YAROTSKY),
    )
