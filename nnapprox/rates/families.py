"""The families of networks whose rates are measured, with the rates that the literature gives for their classes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction

from nnapprox.certificate import Certificate
from nnapprox.constructions import build
from nnapprox.constructions.construction import UNIT, prove
from nnapprox.constructions.cpwl import shallow
from nnapprox.constructions.interpolation import interpolant
from nnapprox.functions import parse
from nnapprox.network import Network

QUOTED = "Bölcskei, Grohs, Kutyniok and Petersen (2019); Elbrächter, Perekrestenko, Grohs and Bölcskei (2021)"
KOLMOGOROV = "Kolmogorov and Tikhomirov (1959)"


@dataclass(frozen=True)
class Family:
    """Networks of growing size for one function.

    Attributes
    ----------
    summary : str
        What is approximated, by what.
    function_class : str
        The class whose exponent is quoted.
    exponent : float or None
        gamma* = 1 / s(C) of that class, quoted; None where every power is beaten.
    source : str
        Who is quoted for it.
    sizes : sequence of int
    build : callable
        From a size to a network and the certificate of its error.
    code : callable, optional
        Where the network is the same for all functions of the class but for one number: from a size to the bits of
        that number, whose length a decoder of codes of one length knows.
    """

    summary: str
    function_class: str
    exponent: float | None
    source: str
    sizes: Sequence[int]
    build: Callable[[int], tuple[Network, Certificate]]
    code: Callable[[int], int] | None = None


def _constructed(name: str, **options: Callable[[int], object] | str) -> Callable[[int], tuple[Network, Certificate]]:
    """Build a construction of the catalogue; options that depend on the size are functions of it."""

    def made(size: int) -> tuple[Network, Certificate]:
        given = {key: value if isinstance(value, str) else value(size) for key, value in options.items()}
        construction = build(name, **given)
        return construction.network, construction.certificate

    return made


def _spline(pieces: int) -> tuple[Network, Certificate]:
    function = parse("exp(x)")
    network = shallow(interpolant(function, Fraction(0), Fraction(1), pieces, 3 * pieces.bit_length() + 8))
    return network, prove(network, function, UNIT).certificate


def _takagi_shallow(terms: int) -> tuple[Network, Certificate]:
    """The sum of the first sawtooths by one hidden layer, a neuron a piece."""
    deep, certificate = FAMILIES["sawtooth"].build(terms)
    knots = [Fraction(j, 2**terms) for j in range(2**terms + 1)]
    values = deep([[x] for x in knots])[:, 0]
    return shallow(list(zip(knots, values, strict=True))), certificate


def _directions(cells: int) -> int:
    """A bit for every cell but the first."""
    return cells - 1


FAMILIES: dict[str, Family] = {
    "square": Family(
        "x^2 by sums of sawtooths", "analytic functions", None, QUOTED, range(2, 13),
        _constructed("square", depth=lambda m: m),
    ),
    "exp": Family(
        "exp on [-1, 1] by its power series", "analytic functions", None, QUOTED, range(2, 8),
        _constructed("exp", eps=lambda j: Fraction(1, 4**j)),
    ),
    "sqrt-dictionary": Family(
        "sqrt by its m largest Faber-Schauder hats", "Besov functions of smoothness 2, where hats end", 2.0, QUOTED,
        (4, 6, 8, 12, 16, 24, 32, 48, 64),
        _constructed("dictionary", function="sqrt(x)", terms=lambda m: m),
    ),
    "bv-haar": Family(
        "sqrt by its m largest Haar wavelets, in L2", "functions of bounded variation", 1.0, QUOTED,
        (4, 6, 8, 12, 16, 24, 32, 48, 64, 96),
        _constructed("dictionary", function="sqrt(x)", dictionary="haar", terms=lambda m: m),
    ),
    "lipschitz-code": Family(
        "sin(3 x) / 3 in one number, which one network for all functions decodes",
        "Lipschitz functions", 1.0, KOLMOGOROV, (16, 24, 32, 48, 64, 96, 128, 192, 256),
        _constructed("one-weight", function="sin(3*x)/3", eps=lambda n: Fraction(1, n), lipschitz="1"),
        _directions,
    ),
    "spline": Family(
        "exp on [0, 1] by linear splines on equal pieces", "functions of smoothness 2", 2.0, QUOTED,
        (4, 8, 16, 32, 64, 128, 256, 512), _spline,
    ),
    "sawtooth": Family(
        "Takagi's function by sums of sawtooths, deep", "this function alone", None,
        "the rest of the series, 2/3 2^-K, Kahane (1959); its class, see sawtooth-shallow, has gamma* = 1",
        range(2, 13), _constructed("takagi", terms=lambda k: k),
    ),
    "sawtooth-shallow": Family(
        "the same sums of sawtooths in one hidden layer", "Hölder functions of every smoothness below 1", 1.0, QUOTED,
        range(2, 10), _takagi_shallow,
    ),
}  # fmt: skip
"""By the name that the command line has for them."""

CLASSES = {
    "analytic": "square", "besov": "sqrt-dictionary", "bounded-variation": "bv-haar", "hoelder": "sawtooth-shallow",
    "lipschitz": "lipschitz-code", "piecewise-smooth": "sqrt-dictionary", "smooth": "spline",
}  # fmt: skip
"""The families by which classes are measured."""
