"""The theorem's quantisation: all weights on one grid 2^-k Z, half to even, and what that does to a network.

Bölcskei, Grohs, Kutyniok and Petersen (2019) and Elbrächter, Perekrestenko, Grohs and Bölcskei (2021): a network of M
edges, whose number and weights are polynomial in 1 / eps, stays within eps of itself when its weights are rounded to
2^-(m ceil(log2 1/eps)), and is then a string of C M log2 M bits: that of
`nnapprox.files.grid_code`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import log2
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from nnapprox.certificate import Certificate, Domain, certify
from nnapprox.errors import UsageError
from nnapprox.files import grid as grid_file
from nnapprox.files.grid_code import GridCode, lossless_bits
from nnapprox.functions import Expression
from nnapprox.network import Network
from nnapprox.quantization.distance import relative_error
from nnapprox.quantization.propagation import certify_by_propagation, lipschitz_constant

MOST_EXACT_INPUTS, MOST_EXACT_NONZEROS = 2, 20_000
"""Networks of more inputs or weights are compared by a bound instead of piece by piece."""

MOST_FRACTIONAL_BITS = 4096
"""Searches for a grid end here."""

LONGEST_CURVE = 16
"""A curve has points up to so many fractional bits."""


@dataclass(frozen=True)
class Stored:
    """A network as the theorem stores it: rounded, written, read back.

    Attributes
    ----------
    fractional_bits : int
        k.
    network : Network
        As it was read back.
    bits : int
        Of the string.
    size : int
        Bytes of the file.
    lossless : bool
        Whether it is the network that was to be stored, number by number.
    """

    fractional_bits: int
    network: Network
    bits: int
    size: int
    lossless: bool

    @cached_property
    def edges(self) -> int:
        """M, the weights and biases that are left."""
        return self.network.nonzeros

    @property
    def constant(self) -> float | None:
        """C = bits / (M log2 M); None where M is below 2."""
        return self.bits / (self.edges * log2(self.edges)) if self.edges > 1 else None


def round_to_grid(network: Network, fractional_bits: int) -> Network:
    """The network with every weight rounded to the nearest multiple of 2^-k, half to even; of the same dtype.

    Raises
    ------
    UsageError
        k is negative.
    """
    return GridCode.of(network, fractional_bits).network(network.activation, network.dtype)


def store(network: Network, fractional_bits: int, path: str | Path) -> Stored:
    """Round a network to a grid, write it, and read it back: what is told of it is told of the file.

    The string is written for the grid of k bits, even where a coarser one holds all that was rounded.

    Raises
    ------
    UsageError
        k is negative.
    WriteError
        The file cannot be written.
    """
    grid_file.write_code(GridCode.of(network, fractional_bits), network.activation, network.dtype, {}, path)
    decoded, _ = grid_file.read(path)
    bits = len(grid_file.read_string(path)[1])
    lossless = all(a == b for a, b in zip(decoded.layers, network.layers, strict=True))
    return Stored(fractional_bits, decoded, bits, Path(path).stat().st_size, lossless)


def a_priori_bound(network: Network, fractional_bits: int, domain: Domain) -> Fraction | None:
    """What rounding to 2^-k changes a network by at most, from its shape alone.

    L (eta / 2) (N + 1)^L B'^(L-1) max(1, D) on [-D, D]^d, where eta = 2^-k, N is the largest fan-in, B the largest
    weight and B' = max(1, B) + eta / 2; times a^(L-1) for a leaky ReLU with a slope a of more than 1. None where the
    activation has no Lipschitz constant.
    """
    stretch = lipschitz_constant(network.activation)
    if stretch is None:
        return None
    half = Fraction(1, 2 << fractional_bits)
    depth, fan_in = network.depth, max(network.widths[:-1])
    reach = max(Fraction(1), *(abs(end) for interval in domain for end in interval))
    largest = (max(Fraction(1), Fraction(network.max_weight)) + half) * stretch
    power = Fraction((fan_in + 1) ** depth * largest ** (depth - 1))
    return depth * half * power * reach


@dataclass(frozen=True, eq=False)
class Measured:
    """A network that was stored, and its errors.

    Attributes
    ----------
    stored : Stored
    bound : Fraction or None
        What the theorem's proof promises of the sup distance to the original, see `a_priori_bound`.
    certificate : Certificate or None
        Of that distance: exact on lines and in planes, else a bound.
    target_certificate : Certificate or None
        Of the distance to what the original approximates.
    relative_error : float or None
        ||stored - original|| / ||original|| in L2 over the yardstick's points.
    """

    stored: Stored
    bound: Fraction | None
    certificate: Certificate | None
    target_certificate: Certificate | None
    relative_error: float | None


@dataclass(frozen=True, eq=False)
class Yardstick:
    """What networks that were stored are measured by.

    Attributes
    ----------
    original : Network
    domain : Domain or None
        Where sup distances are certified.
    target : Expression or None
        What the original approximates there.
    points : array, shape (m, d), or None
        Where relative errors are measured.
    """

    original: Network
    domain: Domain | None = None
    target: Expression | None = None
    points: NDArray[np.generic] | None = None

    def measure(self, stored: Stored) -> Measured:
        """Find all errors of what was stored."""
        network, domain, points = stored.network, self.domain, self.points
        relative = None
        if points is not None:
            relative = relative_error(network, self.original.astype("float64")(points), points)
        if domain is None:
            return Measured(stored, None, None, None, relative)
        bound = a_priori_bound(self.original, stored.fractional_bits, domain)
        to_target = None if self.target is None else certify_target(network, self.target, domain)
        distance = certified_distance(network, self.original, domain)
        return Measured(stored, bound, distance, to_target, relative)

    def curve(self, grids: Iterable[int], path: str | Path) -> Iterator[Measured]:
        """Store the original on one grid after another, all in one file, and measure what was stored."""
        for fractional_bits in grids:
            yield self.measure(store(self.original, fractional_bits, path))

    def coarsest(self, error: Fraction, path: str | Path) -> Measured:
        """Store the original on the coarsest grid that keeps it within an error.

        The error is the relative one where there are points, else the certified sup distance to the original. It is
        not monotone in k, so every grid is tried, from k = 0 on.

        Raises
        ------
        UsageError
            No grid does, or nothing can be measured.
        """
        for measured in self.curve(grids(self.original), path):
            found = measured.relative_error if self.points is not None else self._upper(measured)
            if found is None:
                raise UsageError("no error is known: give a --domain or a --dataset to measure it on, or the bits")
            if found <= error:
                return measured
        raise UsageError(f"no grid of fewer than {MOST_FRACTIONAL_BITS} fractional bits keeps within {error}")

    @staticmethod
    def _upper(measured: Measured) -> Fraction | None:
        return None if measured.certificate is None else measured.certificate.upper


def certified_distance(network: Network, original: Network, domain: Domain) -> Certificate | None:
    """The sup distance of two networks of one shape: exact where it is found piece by piece, else a bound or None."""
    if is_exact(original):
        try:
            return certify(network, original, domain)
        except UsageError:  # too many pieces
            pass
    return certify_by_propagation(network, original, domain)


def certify_target(network: Network, target: Expression, domain: Domain) -> Certificate | None:
    """The sup distance of a network to a target; None where nothing can be proved."""
    try:
        return certify(network, target, domain)
    except UsageError:
        return None


def is_exact(network: Network) -> bool:
    """Whether distances to the network are found piece by piece."""
    return (
        network.activation.is_piecewise_linear
        and network.widths[0] <= MOST_EXACT_INPUTS
        and network.nonzeros <= MOST_EXACT_NONZEROS
    )


def grids(network: Network) -> Iterator[int]:
    """Fractional bits from 0 on, to those that hold all weights; or, where none do, to very many."""
    last = lossless_bits(network)
    yield from range(MOST_FRACTIONAL_BITS if last is None else last + 1)


def grids_of_curve(network: Network) -> range:
    """Fractional bits for a curve: all that the network has, or as many as show how its error falls."""
    last = lossless_bits(network)
    return range(LONGEST_CURVE + 1 if last is None else min(last, LONGEST_CURVE) + 1)
