"""Smooth functions of several variables by local Taylor polynomials."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import comb, factorial, prod
from typing import Annotated, TypeAlias

from nnapprox import calculus
from nnapprox.certificate import Certificate
from nnapprox.constructions.assembly import Assembly, Form, inner, total
from nnapprox.constructions.construction import MOST_PIECES, Construction, Option, Theorem, construction, prove
from nnapprox.constructions.memory import require_memory
from nnapprox.constructions.product import multi_product_network, product_network
from nnapprox.constructions.proofs import cube
from nnapprox.errors import UsageError
from nnapprox.exact import Ball, BallSeries, ball_around, bounds, nearest_dyadic, precision, to_fraction, to_rational
from nnapprox.functions import Expression
from nnapprox.functions.algebra import NoValueError, evaluate
from nnapprox.functions.taylor import TaylorSeries
from nnapprox.network import Network

HALF = Fraction(1, 2)

Index: TypeAlias = tuple[int, ...]
Taylor: TypeAlias = Mapping[Index, Fraction]
"""A polynomial around a point: the coefficient of every monomial by its exponents."""

YAROTSKY = "Yarotsky (2017), Error bounds for approximations with deep ReLU networks, Theorem 1"

MOST_VARIABLES = 5

BITS = 64
"""Fractional bits of the Taylor coefficients."""


@construction(
    group="classes of functions", source=YAROTSKY, example="--function sin(2*x+y)/4 --cells 4 --square-depth 6"
)
def sobolev(
    function: Annotated[Expression, Option("The function on [0, 1]^d, smooth.")],
    cells: Annotated[int, Option("Cells along every axis, N.", at_least=1)],
    square_depth: Annotated[int, Option("Halvings of the mesh of the squares in products, m.", at_least=1, at_most=64)],
    order: Annotated[
        int, Option("Derivatives that are used, n: Taylor polynomials have degree n - 1.", at_least=1, at_most=5)
    ] = 2,
) -> Construction:
    """A smooth function of d variables by Taylor polynomials of degree n - 1 at the points of a mesh.

    The sum of psi_m(x) T_m(x) over mesh points m / N, with a partition of unity psi_m of products of trapezoids. The
    error is at most (2^d d^n / n!) N^-n max |D^a f| over |a| = n, and what products add.
    """
    dim = function.inputs
    if dim > MOST_VARIABLES:
        raise UsageError(
            f"{function} has {dim} variables: the 2^d products take too much memory beyond {MOST_VARIABLES}"
        )
    require_memory("--cells", cells, lambda n: (n + 1) ** dim * (2 * dim * (n + 1) + comb(order - 1 + dim, dim)))
    local = {m: local_polynomial(function, m, cells, order) for m in itertools.product(range(cells + 1), repeat=dim)}
    polynomials = {m: taylor.polynomial for m, taylor in local.items()}
    network = sobolev_network(polynomials, cells, square_depth)
    products = product_error(polynomials, cells, square_depth)
    error = max(taylor.error for taylor in local.values()) + products
    steepest = max(taylor.derivative for taylor in local.values())
    bound = Fraction(2**dim * dim**order, factorial(order) * cells**order) * steepest + products
    return prove(
        network,
        function,
        cube(dim, nonnegative=True),
        pieces=MOST_PIECES + 1 if dim > 1 else 8 * cells * 2**square_depth,
        otherwise=Certificate(
            "sup", cube(dim, True), "bound", error, None, "Taylor remainders in balls, and the errors of products"
        ),
        theorem=Theorem(bound, "sup |f - f_N| <= (2^d d^n / n!) N^-n max |D^a f|, and products", YAROTSKY),
        notes={"products add at most": products},
    )


@dataclass(frozen=True)
class LocalPolynomial:
    """A Taylor polynomial around a mesh point.

    Attributes
    ----------
    polynomial : mapping
        Its coefficients, rounded.
    error : Fraction
        What bounds its distance from the function where the point's weight is not 0.
    derivative : Fraction
        What bounds the function's derivatives of the next order there.
    """

    polynomial: Taylor
    error: Fraction
    derivative: Fraction


def local_polynomial(function: Expression, m: Index, cells: int, order: int) -> LocalPolynomial:
    """The Taylor polynomial of degree order - 1 at m / cells, with a rigorous bound of its remainder.

    Raises
    ------
    UsageError
        The function is not known to have that many derivatives within 2 / (3 cells) of the point.
    """
    radius = Fraction(2, 3 * cells)
    centre = [Fraction(i, cells) for i in m]
    polynomial, rounding = {}, Fraction(0)
    with precision(2 * BITS, order + 1):
        thin = [Ball(to_rational(z)) for z in centre]
        for degree in range(order):
            for power, coefficient in taylor_coefficients(function, thin, degree).items():
                polynomial[power] = nearest_dyadic(to_fraction(bounds(coefficient)[0]), BITS)
                rounding += _largest(coefficient - Ball(to_rational(polynomial[power])))
        box = [
            ball_around(to_rational(max(z - radius, Fraction(0))), to_rational(min(z + radius, Fraction(1))))
            for z in centre
        ]
        remainder = _largest(along(function, box, [x - z for x, z in zip(box, thin, strict=True)], order))
        derivative = max(
            _largest(coefficient) * prod(map(factorial, power))
            for power, coefficient in taylor_coefficients(function, box, order).items()
        )
    return LocalPolynomial(polynomial, rounding + remainder, derivative)


def taylor_coefficients(function: Expression, point: Sequence[Ball], degree: int) -> dict[Index, Ball]:
    """All D^a f / a! with |a| = degree, at every point of a box.

    By polarisation: the derivative along u_1, ..., u_n is the mean, over all signs, of their product times the n-th
    Taylor coefficient along the sum of the u_i with these signs.
    """
    coefficients = {}
    for axes in itertools.combinations_with_replacement(range(len(point)), degree):
        power = tuple(axes.count(k) for k in range(len(point)))
        derivative = Ball(0)
        for signs in itertools.product((1, -1), repeat=degree):
            direction = [
                sum(sign for sign, axis in zip(signs, axes, strict=True) if axis == k) for k in range(len(point))
            ]
            derivative += prod(signs) * along(function, point, list(map(Ball, direction)), degree)
        coefficients[power] = derivative / (2**degree * prod(map(factorial, power)))
    return coefficients


def along(function: Expression, point: Sequence[Ball], direction: Sequence[Ball], degree: int) -> Ball:
    """The Taylor coefficient of that degree of t -> f(point + t direction) at 0.

    Raises
    ------
    UsageError
        The function is not known to have that many derivatives on all of the balls.
    """
    line = [BallSeries([x, v], degree + 1) for x, v in zip(point, direction, strict=True)]
    try:
        series = evaluate(function.steps, TaylorSeries(), line)
    except NoValueError as error:
        raise UsageError(str(error)) from None
    if series.prec <= degree or not series[degree].is_finite():
        where = ", ".join(f"{float(x.mid()):.3g}" for x in point)
        raise UsageError(f"{function} has no derivatives of order {degree} near {where}: take a smaller --order")
    return series[degree]


def _largest(ball: Ball) -> Fraction:
    return max(abs(to_fraction(end)) for end in bounds(ball))


def sobolev_network(polynomials: Mapping[Index, Taylor], cells: int, depth: int) -> Network:
    """The sum of psi_m(x) T_m(x) over the mesh points m / N of [0, 1]^d, nearly, with a partition of unity psi_m.

    psi_m is a product of trapezoids, 1 within 1 / 3N of m / N and 0 beyond 2 / 3N, coordinate by coordinate. Those of
    the m of one parity do not overlap. So for each of the 2^d parities the psi_m are added, which is one product of d
    periodic functions, and multiplied by a function S that is T_m where psi_m is not 0: it takes no products, since T_m
    in [0, 1] times an indicator is ReLU(T_m - (1 - indicator)). Products are `product_network`s of that depth; in all
    there are d 2^d of them beside those in the polynomials, however many mesh points there are.

    Parameters
    ----------
    polynomials : mapping
        T_m around m / N for every m in {0, ..., N}^d.
    cells : int
        N.
    depth : int
        Of the squares in the products.
    """
    dim = len(next(iter(polynomials)))
    parities = list(itertools.product((0, 1), repeat=dim))
    expanded = {m: expand(taylor, [Fraction(i, cells) for i in m]) for m, taylor in polynomials.items()}
    used = {power for polynomial in expanded.values() for power in polynomial if any(power)}
    powers = sorted(used | set(_unit_vectors(dim)), key=lambda power: (sum(power), power))
    bound = value_bound(expanded.values(), depth)
    monomials = monomial_network(dim, powers, depth)
    chosen = calculus.compose(_choice_network(expanded, powers, cells, bound), monomials)
    weights = _weight_network(dim, cells, parities, depth)
    count = len(parities)
    pairs = [[int(row % 2 * count + row // 2 == column) for column in range(2 * count)] for row in range(2 * count)]
    both = calculus.precompose(calculus.parallel([product_network(depth)] * count), pairs)
    products = calculus.compose(both, calculus.parallel([weights, chosen], shared=True))
    return calculus.compose(calculus.affine([[2 * bound] * count], [-bound]), products)


def product_error(polynomials: Mapping[Index, Taylor], cells: int, depth: int) -> Fraction:
    """A bound of what the products in `sobolev_network` add to the error of the exact sum of psi_m T_m."""
    dim = len(next(iter(polynomials)))
    expanded = [expand(taylor, [Fraction(i, cells) for i in m]) for m, taylor in polynomials.items()]
    of_weights = value_bound(expanded, depth) * (dim << dim + 1)
    of_monomials = max(_monomial_error(polynomial) for polynomial in expanded)
    return (of_weights + of_monomials) * Fraction(1, 4 ** (depth + 1))


def expand(taylor: Taylor, centre: Sequence[Fraction]) -> dict[Index, Fraction]:
    """A polynomial around a point as one around 0."""
    expanded: dict[Index, Fraction] = {}
    for exponents, coefficient in taylor.items():
        for power in itertools.product(*(range(a + 1) for a in exponents)):
            shifts = (comb(a, b) * (-z) ** (a - b) for a, b, z in zip(exponents, power, centre, strict=True))
            expanded[power] = expanded.get(power, Fraction(0)) + coefficient * prod(shifts)
    return expanded


def value_bound(polynomials: Iterable[Taylor], depth: int) -> Fraction:
    """A bound, above 0, of all polynomials around 0 on [0, 1]^d, even where their monomials are networks."""
    unit = Fraction(1, 4 ** (depth + 1))
    return max(sum(map(abs, p.values())) + _monomial_error(p) * unit for p in polynomials) or Fraction(1)


def _monomial_error(polynomial: Taylor) -> Fraction:
    """What bounds the error of a polynomial whose monomials are networks, in units of 4^-(m+1)."""
    return sum((max(sum(power) - 1, 0) * abs(c) for power, c in polynomial.items()), start=Fraction(0))


def monomial_network(dim: int, powers: Sequence[Index], depth: int) -> Network:
    """Monomials of x in [0, 1]^d, by trees of products; those of degree 1 exactly."""
    parts = []
    for power in powers:
        factors = [k for k, exponent in enumerate(power) for _ in range(exponent)]
        tree = multi_product_network(len(factors), depth)
        parts.append(calculus.precompose(tree, [[int(k == column) for column in range(dim)] for k in factors]))
    return calculus.parallel(parts, shared=True)


def _choice_network(
    polynomials: Mapping[Index, Taylor], powers: Sequence[Index], cells: int, bound: Fraction
) -> Network:
    """From all monomials, (T_m + bound) / (2 bound) where psi_m is not 0, for each parity of m."""
    net, dim = Assembly(len(powers), nonnegative=True), len(powers[0])
    values = dict(zip(powers, net.variables, strict=True))
    past = []  # by coordinate, for j = -1..N + 1: 0 up to (j - 1/3) / N, 1 from (j + 1/3) / N on
    for x in (values[unit] for unit in _unit_vectors(dim)):
        rises = [HALF * (3 * cells * x - (3 * j - 1)) for j in range(cells + 1)]
        past.append([Form(constant=1), *(net.relu(rise) - net.relu(rise - 1) for rise in rises), Form()])
    values = {power: net.relu(form) for power, form in values.items()} | {(0,) * dim: Form(constant=1)}
    net.close()
    chosen: dict[Index, list[Form]] = {}
    for m, polynomial in polynomials.items():
        value = (inner(polynomial.values(), (values[power] for power in polynomial)) + bound) * (HALF / bound)
        indicators = [rises[i] - rises[i + 2] for rises, i in zip(past, m, strict=True)]
        gated = net.relu(value - total(1 - indicator for indicator in indicators))
        chosen.setdefault(tuple(i % 2 for i in m), []).append(gated)
    net.close()
    return net.network([total(chosen[parity]) for parity in sorted(chosen)])


def _weight_network(dim: int, cells: int, parities: Sequence[Index], depth: int) -> Network:
    """For each parity, the sum of psi_m over the m of it."""
    net = Assembly(dim, nonnegative=True)
    even = []
    for x in net.variables:
        rises = [3 * cells * x - (3 * j + 1) for j in range(cells)]
        past = [Form(constant=1), *(net.relu(rise) - net.relu(rise - 1) for rise in rises), Form()]
        even.append(total(past[m] - past[m + 1] for m in range(0, cells + 1, 2)))
    net.close()
    factors = [1 - form if odd else form for parity in parities for form, odd in zip(even, parity, strict=True)]
    return calculus.compose(
        calculus.parallel([multi_product_network(dim, depth)] * len(parities)), net.network(factors)
    )


def _unit_vectors(dim: int) -> list[Index]:
    return [tuple(int(k == place) for place in range(dim)) for k in range(dim)]
