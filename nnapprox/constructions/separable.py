"""Sums of one function in every coordinate: networks of d variables whose proofs are one-dimensional."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from nnapprox import calculus
from nnapprox.certificate import Certificate
from nnapprox.constructions.proofs import cube, variable_names
from nnapprox.network import Network


@dataclass(frozen=True)
class Sum:
    """The function x -> w_1 f(x_1) + ... + w_d f(x_d) + c, for one f.

    Parameters
    ----------
    factor : Network
        f, of one variable and one output.
    weights : sequence of int
        w, each at least 1.
    constant : Fraction
        c.
    """

    factor: Network
    weights: Sequence[int]
    constant: Fraction = Fraction(0)

    @property
    def network(self) -> Network:
        """The networks of the coordinates in parallel, and their sum: as deep as f."""
        together = calculus.parallel([self.factor] * len(self.weights))
        return calculus.compose(calculus.affine([list(self.weights)], [self.constant]), together)

    def text(self, factor: str) -> str:
        """The sum as an expression, of f as an expression with ``{x}`` for its variable."""
        names = variable_names(len(self.weights))
        terms = [factor.format(x=name) for name in names]
        weighted = [term if w == 1 else f"{w}*{term}" for w, term in zip(self.weights, terms, strict=True)]
        return " + ".join(weighted) + (f" - {-self.constant}" if self.constant < 0 else "")

    def certificate(self, proof: Certificate) -> Certificate:
        """What a certificate of f on [0, 1] says of the sum on the cube: errors add up at most."""
        box, error = cube(len(self.weights), nonnegative=True), sum(self.weights) * proof.upper
        source = f"each coordinate by itself: {proof.source}"
        if error:
            return Certificate("sup", box, "bound", error, None, source)
        return Certificate("sup", box, "exact", error, (Fraction(0),) * len(box), source)
