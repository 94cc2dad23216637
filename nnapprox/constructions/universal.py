"""One neuron that comes arbitrarily close to every continuous function: its activation has stored them all."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from math import isqrt
from typing import Annotated

from nnapprox import calculus
from nnapprox.activation import StoredPolynomial
from nnapprox.certificate import Certificate, certify
from nnapprox.constructions.construction import UNIT, Construction, Option, Theorem, construction
from nnapprox.constructions.cpwl import shallow
from nnapprox.constructions.float64 import float_error
from nnapprox.constructions.targets import continuous
from nnapprox.errors import UsageError
from nnapprox.functions import Expression
from nnapprox.network import Network

SOURCE = "Maiorov and Pinkus (1999); Guliyev and Ismailov (2016), A single hidden layer feedforward network"

LAST_STAGE = 4
"""Polynomials of this stage have degree 256; those of the next take too long to certify."""

FINEST = 4096
"""Cells of the finest mesh on which a polynomial is interpolated for its certificate."""


@construction(group="coefficients against bits", source=SOURCE, example="--function abs(x-1/2) --eps 1/5")
def universal(
    function: Annotated[Expression, Option("The function, of x in [0, 1]; continuous.")],
    eps: Annotated[Fraction, Option("The error to stay below.", above=0)],
) -> Construction:
    """One neuron with three coefficients, whose sigmoidal activation has a dense set of functions stored in it.

    c_1 sigma(x + 2N) + c_0, where sigma on [2N, 2N + 1] is an affine image of the N-th Bernstein polynomial with
    coefficients of finitely many bits. Stage s has degree 4^s and 2 s + 2 bits a coefficient: all of them are in N.
    """
    function = continuous(function)
    for stage in range(1, LAST_STAGE + 1):
        stored = Stored.of(function, stage)
        network = stored.network
        certificate = certify_stored(network, stored, function, eps / 1000)
        if certificate.upper <= eps:
            break
    else:
        raise UsageError(
            f"--eps {eps} needs a degree above {StoredPolynomial.degree_of(stage)}, and more than "
            f"{StoredPolynomial.total_bits_of(stage)} bits: ask for {float(certificate.upper):.3g}"
        )
    statement = "one neuron with three coefficients comes within every eps > 0 of every continuous function"
    notes = {
        "degree": StoredPolynomial.degree_of(stage),
        "bits of N": stored.polynomial.index.bit_length(),
        "float64 is off by": float_error(network),
    }
    return Construction(network, function, certificate, Theorem(None, statement, SOURCE), notes)


@dataclass(frozen=True)
class Stored:
    """A function on [0, 1] as low + scale u(x), with a polynomial u that the activation stores.

    Attributes
    ----------
    polynomial : StoredPolynomial
    low, scale : Fraction
    """

    polynomial: StoredPolynomial
    low: Fraction
    scale: Fraction

    @classmethod
    def of(cls, function: Expression, stage: int) -> Stored:
        """The Bernstein polynomial of a function, its coefficients rounded."""
        degree, levels = StoredPolynomial.degree_of(stage), 2 ** StoredPolynomial.bits_of(stage)
        values = [function.approximate((Fraction(k, degree),)) for k in range(degree + 1)]
        least, most = min(values), max(values)
        unit = Fraction(1, levels * 2**64)
        while most > (least // unit + levels - 1) * unit:
            unit *= 2
        low = least // unit * unit
        codes = [min(round((value - low) / unit), levels - 1) for value in values]
        return cls(StoredPolynomial(stage, codes), low, levels * unit)

    @property
    def network(self) -> Network:
        """One neuron: the shift 2N, a weight, and a constant."""
        stage = self.polynomial.stage
        weight = self.scale * 2 ** (stage + 1)
        outer = calculus.layer([[weight]], [self.low + 2 * self.scale - weight])
        return Network([calculus.layer([[1]], [2 * self.polynomial.index]), outer], "universal")


def certify_stored(network: Network, stored: Stored, function: Expression, slack: Fraction) -> Certificate:
    """Certify the network of a stored polynomial on [0, 1], up to `slack` where that takes no finer mesh than `FINEST`.

    The network is interpolated on a mesh; the second differences of the polynomial's coefficients bound its second
    derivative, and so what the interpolant leaves.
    """
    polynomial = stored.polynomial
    codes, degree = polynomial.codes, polynomial.degree_of(polynomial.stage)
    bend = max(abs(codes[k] - 2 * codes[k + 1] + codes[k + 2]) for k in range(degree - 1))
    curvature = stored.scale * degree * (degree - 1) * Fraction(bend, 2 ** polynomial.bits_of(polynomial.stage))
    mesh = min(isqrt(int(curvature / (8 * slack))) + 1, FINEST)
    points = [Fraction(k, mesh) for k in range(mesh + 1)]
    interpolant = shallow([(x, y) for x, (y,) in zip(points, network([[x] for x in points]), strict=True)])
    found = certify(interpolant, function, UNIT)
    off = curvature / (8 * mesh**2)
    ends = found.value if isinstance(found.value, tuple) else (found.value, found.value)
    return Certificate(
        "sup",
        UNIT,
        "enclosure",
        (max(ends[0] - off, Fraction(0)), ends[1] + off),
        found.argmax,
        f"its interpolant on {mesh} cells, and second differences of the Bernstein coefficients",
    )
