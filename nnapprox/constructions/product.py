"""Products, by polarisation: x y = ((x + y) / 2)^2 - ((x - y) / 2)^2."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from nnapprox import calculus
from nnapprox.certificate import Certificate, certify
from nnapprox.constructions.construction import UNIT, Construction, Option, Theorem, construction
from nnapprox.constructions.memory import require_memory
from nnapprox.constructions.sizes import Eps, SquareDepth, size_for
from nnapprox.constructions.square import ABSOLUTE, DEEPEST_CERTIFIED, YAROTSKY, square_network
from nnapprox.constructions.text import linear_sum
from nnapprox.functions import parse
from nnapprox.network import Network

OPSCHOOR = "Schwab and Zech (2019); Opschoor, Petersen and Schwab (2020)"


@construction(group="polynomials", source=YAROTSKY, example="--depth 4 --bound 2")
def product(
    depth: SquareDepth = None,
    eps: Eps = None,
    bound: Annotated[Fraction, Option("D: the factors lie in [-D, D].", above=0)] = Fraction(1),
) -> Construction:
    """The product x y on [-D, D]^2, zero exactly where a factor is.

    D^2 (f_m(|x + y| / 2D) - f_m(|x - y| / 2D)), f_m the square: the error is D^2 4^-(m+1) exactly, of both signs.
    """
    m = size_for("--depth", depth, eps, lambda m: bound**2 / 4 ** (m + 1))
    theorem = Theorem(bound**2 / 4 ** (m + 1), f"sup |P - x y| = {linear_sum([(bound**2, '4^-(m+1)')])}", YAROTSKY)
    return Construction(product_network(m, bound), parse("x*y"), certify_product(m, bound), theorem)


@construction(group="polynomials", source=OPSCHOOR, example="--factors 3 --depth 3")
def multi_product(
    factors: Annotated[int, Option("How many factors, n.", at_least=2)],
    depth: SquareDepth = None,
    eps: Eps = None,
) -> Construction:
    """x1 x2 ... xn on [-1, 1]^n, by a balanced tree of products.

    The error is at most (n - 1) 4^-(m+1): every product adds its own, and no factor is larger than 1.
    """
    m = size_for("--depth", depth, eps, lambda m: Fraction(factors - 1, 4 ** (m + 1)))
    require_memory("--factors", factors, lambda n: 16 * n * n * m)
    domain = ((Fraction(-1), Fraction(1)),) * factors
    total = Fraction(factors - 1, 4 ** (m + 1))
    statement = "sup |P - x1 ... xn| <= (n - 1) 4^-(m+1)"
    return Construction(
        multi_product_network(factors, m),
        parse("*".join(f"x{i}" for i in range(1, factors + 1))),
        Certificate("sup", domain, "bound", total, None, "each product of the tree adds 4^-(m+1), no factor exceeds 1"),
        Theorem(total, statement, OPSCHOOR),
    )


def product_network(depth: int, bound: Fraction = Fraction(1)) -> Network:
    """X y on [-bound, bound]^2 with m = depth >= 1: L = m + 2, M = 16 m + 6; it maps into [-bound^2, bound^2]."""
    half = calculus.compose(calculus.precompose(square_network(depth), [[1 / (2 * bound)]]), ABSOLUTE)
    both = calculus.parallel([calculus.precompose(half, [[1, 1]]), calculus.precompose(half, [[1, -1]])], shared=True)
    return calculus.compose(calculus.affine([[bound**2, -(bound**2)]]), both)


def multi_product_network(factors: int, depth: int) -> Network:
    """The product of all inputs, in [-1, 1] each: L = ceil(log2 factors) (depth + 1) + 1."""
    network = calculus.identity(factors)
    while (width := network.widths[-1]) > 1:
        pairs = [product_network(depth)] * (width // 2)
        odd = [calculus.identity(1, depth + 2, low=-1)] * (width % 2)
        network = calculus.compose(calculus.parallel([*pairs, *odd]), network)
    return network


def certify_product(depth: int, bound: Fraction) -> Certificate:
    """Certify `product_network`, exactly, by the certificate of the squares that it is made of.

    Its error is D^2 (e(u) - e(v)) for u = |x + y| / 2D, v = |x - y| / 2D, and e >= 0 the error of the square, which is
    0 at 0. So the largest is D^2 max e, reached where v = 0: at x = y = D u.
    """
    domain = ((-bound, bound),) * 2
    if depth > DEEPEST_CERTIFIED:
        return Certificate("sup", domain, "bound", bound**2 / 4 ** (depth + 1), None, "the theorem on the square")
    square = certify(square_network(depth), parse("x^2"), UNIT)
    (at,) = square.argmax or (Fraction(0),)
    return Certificate(
        "sup",
        domain,
        "exact",
        bound**2 * square.upper,
        (bound * at, bound * at),
        "the error is D^2 (e(|x + y| / 2D) - e(|x - y| / 2D)), e >= 0 that of the square, which is certified",
    )
