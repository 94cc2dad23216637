"""How the error of a family falls with its stored bits, and the exponent of that."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import log2

from nnapprox.certificate import Certificate, certify
from nnapprox.errors import UsageError
from nnapprox.files.grid_code import GridCode, lossless_bits
from nnapprox.network import Network
from nnapprox.quantization.grid import round_to_grid
from nnapprox.rates.families import Family
from nnapprox.rates.fit import Fit, fit

FEWEST_POINTS = 3


@dataclass(frozen=True)
class Point:
    """A network of a family, stored.

    Attributes
    ----------
    size : int
        What the family grows by.
    edges : int
        M.
    fractional_bits : int or None
        Of the grid, the coarsest on which rounding adds no more than the network errs by; None for a code.
    bits : int
        Of the string, or of the code.
    network_bits : int
        Of the string; more than `bits` where a code is enough because the rest is the same for all functions.
    error : Fraction
        Certified: of the construction, and what rounding adds at most.
    kind : str
        Of the construction's certificate.
    """

    size: int
    edges: int
    fractional_bits: int | None
    bits: int
    network_bits: int
    error: Fraction
    kind: str

    @property
    def constant(self) -> float | None:
        """C in bits = C M log2 M, of the network's string; None for fewer than two edges."""
        return self.network_bits / (self.edges * log2(self.edges)) if self.edges > 1 else None


@dataclass(frozen=True)
class Rate:
    """The exponents of a family.

    Attributes
    ----------
    points : sequence of Point
    by_bits : Fit
        Of log2 error on log2 bits: the slope is -gamma.
    by_length : Fit or None
        Of log2 error on log2 (bits / log2 bits), the factor that C M log2 M has beside M; None for a code of one
        number.
    exponential : Fit or None
        Of log2 log2 (1 / error) on log2 bits: error ~ 2^-(c bits^slope), what beats every power; None where an error
        is 1 or more.
    local : sequence of float or None
        The exponents gamma from point to point; they grow where no power is the rate. None between equal bits.
    """

    points: Sequence[Point]
    by_bits: Fit
    by_length: Fit | None
    exponential: Fit | None
    local: Sequence[float | None]


def measure(family: Family, sizes: Sequence[int] | None = None) -> Iterator[Point]:
    """Build, certify and store the networks of a family, one size after another.

    Parameters
    ----------
    family : Family
    sizes : sequence of int, optional
        Others than the family's own.

    Raises
    ------
    UsageError
        A network has no error, or is too large for its error to be certified.
    """
    for size in sizes or family.sizes:
        try:
            point = _point(family, size)
        except UsageError as error:
            raise UsageError(f"the network of size {size} cannot be measured ({error}): take smaller sizes") from error
        yield point


def _point(family: Family, size: int) -> Point:
    network, certificate = family.build(size)
    if not certificate.upper:
        raise UsageError("it has no error, so that there is no rate")
    if family.code is None:
        fractional_bits, stored, added = _store(network, certificate)
        bits = network_bits = len(GridCode.of(stored, fractional_bits).to_bits())
    else:  # its number is read bit by bit: it is stored as it is
        fractional_bits, stored, added = None, network, Fraction(0)
        bits = family.code(size)
        network_bits = len(GridCode.of(network, lossless_bits(network) or 0).to_bits())
    error = certificate.upper + added
    return Point(size, stored.nonzeros, fractional_bits, bits, network_bits, error, certificate.kind)


def rate(points: Sequence[Point]) -> Rate:
    """Fit the exponents.

    Raises
    ------
    UsageError
        There are too few points.
    """
    if len(points) < FEWEST_POINTS:
        raise UsageError(f"an exponent takes at least {FEWEST_POINTS} sizes, not {len(points)}")
    bits = [log2(point.bits) for point in points]
    errors = [log2(point.error.numerator) - log2(point.error.denominator) for point in points]
    lengths = None if points[0].fractional_bits is None else [b - log2(b) for b in bits]
    deep = [log2(-error) for error in errors] if max(errors) < 0 else None
    return Rate(
        points,
        fit(bits, errors),
        None if lengths is None else fit(lengths, errors),
        None if deep is None else fit(bits, deep),
        [(e - f) / (c - b) if b != c else None for (b, e), (c, f) in pairwise(zip(bits, errors, strict=True))],
    )


def _store(network: Network, certificate: Certificate) -> tuple[int, Network, Fraction]:
    """The coarsest grid, from about the error on, that adds no more than the error; the network on it; what it adds."""
    error = certificate.upper
    start = max(0, error.denominator.bit_length() - error.numerator.bit_length() - 4)
    last = lossless_bits(network)
    fractional_bits = start if last is None else min(start, last)
    while True:
        rounded = round_to_grid(network, fractional_bits)
        added = certify(rounded, network, certificate.domain, norm=certificate.norm).upper
        if added <= error:
            return fractional_bits, rounded, added
        fractional_bits += 1
