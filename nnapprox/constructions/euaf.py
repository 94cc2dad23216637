"""A network of fixed size that comes arbitrarily close to every continuous function: only its numbers grow."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import ceil, log2, prod
from typing import Annotated

from nnapprox.certificate import Certificate, certify
from nnapprox.constructions.assembly import Assembly, inner, total
from nnapprox.constructions.construction import UNIT, Construction, Option, Theorem, construction
from nnapprox.constructions.cpwl import shallow
from nnapprox.constructions.float64 import float_error
from nnapprox.constructions.targets import continuous
from nnapprox.errors import UsageError
from nnapprox.functions import Expression
from nnapprox.network import Network

HALF = Fraction(1, 2)

SHEN = (
    "Shen, Yang and Zhang (2022), Deep network approximation: achieving arbitrary accuracy with fixed number of neurons"
)

MOST_CELLS = 1024
"""Cells up to which the four numbers stay within about 100,000 bits."""


@construction(group="coefficients against bits", source=SHEN, example="--function sin(3*x)/3 --eps 1/16")
def euaf(
    function: Annotated[Expression, Option("The function, of x in [0, 1]; continuous.")],
    eps: Annotated[Fraction, Option("The error to stay below.", above=0)],
) -> Construction:
    """A network of fixed size, whatever the function and the error: depth 6, widths 3, 8, 8, 17, 9.

    Its activation is the distance to the nearest even integer for t >= 0 and t / (1 + |t|) below. Four numbers w hold
    the values y_k of the function on a mesh: the activation of w / (b + k) is near y_k for all k at once. In the paper
    b = pi, and w exists by density; here b is rational, and w comes from the Chinese remainder theorem.
    """
    function = continuous(function)
    values = mesh_values(function, eps * 3 / 4)
    network, codes = coded_network(values, eps / 4)
    spread = max(values) - min(values)
    statement = "a network of fixed size comes within every eps > 0 of every continuous function"
    notes = {
        "values held": len(values),
        "bits of the four numbers": sum(code.numerator.bit_length() for code in codes),
        "bits that density lets expect": round(len(values) * log2(max(2 * spread / eps, Fraction(1)))),
        "float64 is off by": float_error(network),
    }
    certificate = certify_coded(network, len(values) - 1, function)
    return Construction(network, function, certificate, Theorem(None, statement, SHEN), notes)


def mesh_values(function: Expression, eps: Fraction) -> list[Fraction]:
    """The values of a function on a mesh of [0, 1] so fine that its interpolant is within eps.

    Raises
    ------
    UsageError
        More than `MOST_CELLS` cells are needed.
    """
    cells = 4
    while True:
        values = [function.approximate((Fraction(k, cells),)) for k in range(cells + 1)]
        error = certify_interpolant(values, function).upper
        if error <= eps:
            return values
        cells *= 2
        if cells > MOST_CELLS:
            raise UsageError(
                f"--eps takes more than {MOST_CELLS} cells, which leave {float(error):.3g}: ask for a larger one"
            )


@dataclass(frozen=True)
class Remainders:
    """Sequences of numbers in [0, 1] as one number each, by the Chinese remainder theorem.

    With tri(t) the distance of t to the nearest even integer and the moduli n_k = 1 + step (k + 3), pairwise coprime
    for k = 1..length, tri(encode(values) / (base + k)) is the k-th value up to 1 / n_k.

    Parameters
    ----------
    length : int
        How many numbers a sequence has.
    step : int
        A multiple of all primes below `length`.
    """

    length: int
    step: int

    @classmethod
    def within(cls, length: int, error: Fraction) -> Remainders:
        """The code with the smallest moduli that are good for sequences of a length and for an error."""
        primes = [p for p in range(2, length) if all(p % q for q in range(2, p))]
        common = prod(primes)
        return cls(length, common * ceil(1 / (4 * common * error)))

    @property
    def base(self) -> Fraction:
        """The number b for which b + k = n_k / step."""
        return 3 + Fraction(1, self.step)

    def encode(self, values: Sequence[Fraction]) -> Fraction:
        """The number w >= 0 with tri(w / (base + k)) close to values[k - 1]."""
        code, modulus = 0, 1
        for place, value in enumerate(values, start=1):
            n = 1 + self.step * (place + 3)
            code += modulus * ((round(value * n / 2) - code) * pow(modulus, -1, n) % n)
            modulus *= n
        return Fraction(2 * code, self.step)


def coded_network(values: Sequence[Fraction], error: Fraction) -> tuple[Network, list[Fraction]]:
    """The network that interpolates values at k / n, k = 0..n, up to an error, and the four numbers that hold them."""
    low = min(values)
    scale = max(values) - low or Fraction(1)
    remainders = Remainders.within((len(values) + 3) // 4, error / scale)
    codes = [remainders.encode([(value - low) / scale for value in values[first::4]]) for first in range(4)]
    return reader_network(codes, remainders.base, len(values) - 1, low, scale), codes


def certify_coded(network: Network, cells: int, function: Expression) -> Certificate:
    """Certify a `reader_network` on [0, 1]: it is affine between k / cells and (k + 1) / cells, as its products are."""
    values = [value for (value,) in network([[Fraction(k, cells)] for k in range(cells + 1)])]
    found = certify_interpolant(values, function)
    return replace(found, source=f"affine on {cells} cells by its formula, exact values at their ends: {found.source}")


def certify_interpolant(values: Sequence[Fraction], function: Expression) -> Certificate:
    """Certify the function that is affine between its values at k / n, k = 0..n."""
    return certify(shallow([(Fraction(k, len(values) - 1), value) for k, value in enumerate(values)]), function, UNIT)


def reader_network(codes: Sequence[Fraction], base: Fraction, cells: int, low: Fraction, scale: Fraction) -> Network:
    """Interpolate low + scale tri(codes[j mod 4] / (base + j div 4 + 1)) at x = j / cells, j = 0..cells, on [0, 1].

    L = 6, hidden widths (3, 8, 8, 17, 9), whatever the codes and the number of cells.

    Every node has a hat h around it; those of every fourth node share a reader y, which is constant where their hats
    are not 0, and moves from a value to the next in between. The network is the sum of the four products h y.
    """
    net = Assembly(1)
    neuron = net.relu  # of another activation; the neurons are counted alike
    (x,) = net.variables
    time = Fraction(cells, 2) * x
    waves = neuron(time + 5 * HALF), neuron(time + 2)
    time = Fraction(cells, 2) * neuron(x)
    net.close()

    # time + (5 - i) / 2 less its distance to the nearest even integer is 2k where the hats of reader i are not 0
    places = [
        HALF * (time + (5 - i) * HALF - wave) for i, wave in enumerate((waves[0], waves[1], 1 - waves[0], 1 - waves[1]))
    ]
    shares = [neuron(1 - base - place) + 1 for place in places]  # 1 / (base + k)
    absolute = [neuron(2 * wave + 1) for wave in waves]  # |2 wave - 1|
    waves = neuron(waves[0]), neuron(waves[1])
    net.close()

    signed = [1 - 2 * waves[1], 2 * waves[0] - 1, 2 * waves[1] - 1, 1 - 2 * waves[0]]
    hats = [neuron(HALF * (part + absolute[(i + 1) % 2])) for i, part in enumerate(signed)]
    values = [neuron(code * share) for code, share in zip(codes, shares, strict=True)]
    net.close()

    # 4 h y = (h + y)^2 - (h - y)^2, from z^2 + 3 z + 2 = 1 / (1 / (z + 1) - 1 / (z + 2)) with z = h + y, h - y + 1
    pairs = list(zip(hats, values, strict=True))
    gaps = [neuron(-z) - neuron(-z - 1) for h, y in pairs for z in (h + y, h - y + 1)]
    average = neuron(Fraction(1, 4) * total(values))
    net.close()
    squares = [neuron(1 - 12 * gap) for gap in gaps]
    average = neuron(average)
    net.close()
    products = inner([3, -3] * 4, squares) - 8 * average + 9 * HALF
    return Network(net.network([scale * products + low]).layers, "euaf")
