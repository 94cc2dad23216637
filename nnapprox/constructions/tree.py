"""Functions of many variables that are compositions of functions of two, along a binary tree."""

from __future__ import annotations

import re
from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, NamedTuple

from nnapprox import calculus
from nnapprox.certificate import Certificate
from nnapprox.constructions.construction import Construction, Option, Theorem, construction
from nnapprox.constructions.memory import require_memory
from nnapprox.constructions.product import product_network
from nnapprox.constructions.proofs import cube, variable_names
from nnapprox.constructions.square import square_network
from nnapprox.errors import UsageError
from nnapprox.functions import Expression, parse
from nnapprox.network import Network

POGGIO = "Mhaskar and Poggio (2016), Deep vs. shallow networks: an approximation theory perspective"


class Quadratic(NamedTuple):
    """The function xx x^2 + xy x y + yy y^2 + x x + y y + constant on [0, 1]^2."""

    xx: Fraction
    xy: Fraction
    yy: Fraction
    x: Fraction
    y: Fraction
    constant: Fraction

    @classmethod
    def of(cls, function: Expression) -> Quadratic:
        """Read the coefficients of an expression in two variables.

        Raises
        ------
        UsageError
            It is no polynomial of degree 2.
        """
        form = function.quadratic()
        if form is None:
            raise UsageError(f"{function} is no polynomial of degree 2: take one, as x*y or x + y - x*y")
        matrix, linear, constant = form
        return cls(matrix[0][0], matrix[0][1] + matrix[1][0], matrix[1][1], linear[0], linear[1], constant)

    def __call__(self, x: Fraction, y: Fraction) -> Fraction:
        return self.xx * x * x + self.xy * x * y + self.yy * y * y + self.x * x + self.y * y + self.constant

    @property
    def range(self) -> tuple[Fraction, Fraction]:
        """Its least and its largest value on [0, 1]^2: at corners, or at critical points of edges or of the inside."""
        ends = (Fraction(0), Fraction(1))
        points = [(x, y) for x in ends for y in ends]
        points += [(x, -(self.xy * x + self.y) / (2 * self.yy)) for x in ends if self.yy]
        points += [(-(self.xy * y + self.x) / (2 * self.xx), y) for y in ends if self.xx]
        if determinant := 4 * self.xx * self.yy - self.xy**2:
            points.append(
                (
                    (self.xy * self.y - 2 * self.yy * self.x) / determinant,
                    (self.xy * self.x - 2 * self.xx * self.y) / determinant,
                )
            )
        values = [self(x, y) for x, y in points if 0 <= x <= 1 and 0 <= y <= 1]
        return min(values), max(values)

    @property
    def lipschitz(self) -> Fraction:
        """Its Lipschitz constant in the maximum norm: the largest |dh/dx| + |dh/dy|, which is at a corner."""
        corners = ((Fraction(i), Fraction(j)) for i in (0, 1) for j in (0, 1))
        return max(
            abs(2 * self.xx * x + self.xy * y + self.x) + abs(self.xy * x + 2 * self.yy * y + self.y)
            for x, y in corners
        )

    @property
    def error(self) -> Fraction:
        """What bounds the error of `network`, in units of 4^-(m+1)."""
        return abs(self.xx) + abs(self.xy) + abs(self.yy)

    def network(self, depth: int) -> Network:
        """It on [0, 1]^2 with squares and products of that depth, and cut to [0, 1]."""
        parts = [
            (self.xx, calculus.precompose(square_network(depth), [[1, 0]])),
            (self.yy, calculus.precompose(square_network(depth), [[0, 1]])),
            (self.xy, product_network(depth)),
            (Fraction(1), calculus.affine([[self.x, self.y]])),
        ]
        used = [(factor, part) for factor, part in parts if factor]
        whole = calculus.combine([part for _, part in used], [factor for factor, _ in used], self.constant)
        return calculus.clip(whole, 0, 1)


@construction(group="classes of functions", source=POGGIO, example="--dim 8 --function x*y --square-depth 5")
def tree(
    dim: Annotated[int, Option("How many variables, d.", at_least=2)],
    function: Annotated[Expression, Option("h: of x and y, quadratic, from [0, 1]^2 to [0, 1].")],
    square_depth: Annotated[int, Option("Halvings of the mesh of the squares, m.", at_least=1, at_most=1000)],
) -> Construction:
    """A function of d variables made of one of two, h(h(x1, x2), h(x3, x4)) and so on, along a binary tree.

    If a network is within delta of h, and h has the Lipschitz constant A in the maximum norm, the tree of D levels is
    within delta (A^D - 1) / (A - 1): it takes d - 1 such networks, where functions of d variables take eps^(-d/2).
    """
    function = function.of_inputs(2)
    quadratic = Quadratic.of(function)
    low, high = quadratic.range
    if low < 0 or high > 1:
        raise UsageError(f"{function} takes values from {low} to {high} on [0, 1]^2: it must stay in [0, 1]")
    require_memory("--dim", dim, lambda d: (10 * d) ** 2 * (square_depth + 3))
    node = quadratic.network(square_depth)
    delta, levels = quadratic.error / 4 ** (square_depth + 1), (dim - 1).bit_length()
    error = delta * sum(quadratic.lipschitz**level for level in range(levels))
    statement = f"sup error <= delta (A^D - 1) / (A - 1) with A = {quadratic.lipschitz}, D = {levels}"
    return Construction(
        tree_network(node, dim),
        parse(tree_text(function, variable_names(dim))),
        Certificate(
            "sup", cube(dim, True), "bound", error, None, "the errors of all nodes, times what h can enlarge them"
        ),
        Theorem(error, statement, POGGIO),
        {"nodes": dim - 1, "weights of a node": node.nonzeros},
    )


def tree_network(node: Network, leaves: int) -> Network:
    """The network of a binary tree over so many inputs in [0, 1]; one without a partner goes up a level as it is."""
    network = calculus.identity(leaves)
    while (width := network.widths[-1]) > 1:
        odd = [calculus.identity(1, node.depth, low=0)] * (width % 2)
        network = calculus.compose(calculus.parallel([node] * (width // 2) + odd), network)
    return network


def tree_text(function: Expression, leaves: Sequence[str]) -> str:
    """The tree as an expression."""
    texts = list(leaves)
    while len(texts) > 1:
        paired = len(texts) // 2 * 2
        nodes = [_substituted(function, texts[i : i + 2]) for i in range(0, paired, 2)]
        texts = nodes + texts[paired:]
    return texts[0]


def _substituted(function: Expression, arguments: Sequence[str]) -> str:
    by_name = dict(zip(function.variables, arguments, strict=True))
    return re.sub(r"[a-z]\w*", lambda word: by_name.get(word[0], word[0]), f"({function})")
