"""The bit string of the theorem's code: literal and self-delimiting, for weights on one grid; see docs/storage.md.

It holds what Bölcskei, Grohs, Kutyniok and Petersen (2019) count: how many layers, neurons and edges there are, and for
every edge a node's index in ceil(log2 M) bits and an integer q, whose weight is q 2^-k. An edge is a weight or a bias
that is not zero; M is their number. Counts stand in Elias' delta code (1975).
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnapprox.activation import Activation
from nnapprox.errors import FileFormatError, UsageError
from nnapprox.network import Affine, Network

MOST_NUMBERS, MOST_DENOMINATOR_BITS, MOST_EXPANSION = 2**24, 2**27, 100
"""A string is refused that stands for more weights, zeros included, or for more bits of denominators, than both these
and so many times its own length."""

Edge = tuple[int, int]
"""The index of the node that an edge comes from, the number of nodes for a bias; and q."""

Rows = Sequence[Sequence[Edge]]
"""The edges into every neuron of a layer, indices increasing."""


@dataclass(frozen=True)
class GridCode:
    """A network on the grid 2^-k Z, without its activation.

    Attributes
    ----------
    widths : tuple of int
        (d, N_1, ..., N_L).
    fractional_bits : int
        k >= 0.
    layers : sequence of Rows
    """

    widths: tuple[int, ...]
    fractional_bits: int
    layers: Sequence[Rows]

    @property
    def edges(self) -> int:
        """M."""
        return sum(len(row) for rows in self.layers for row in rows)

    @property
    def value_bits(self) -> int:
        """Bits of the largest |q|."""
        return max((abs(q).bit_length() for rows in self.layers for row in rows for _, q in row), default=0)

    @classmethod
    def of(cls, network: Network, fractional_bits: int) -> GridCode:
        """Round every weight to the nearest multiple of 2^-k, half to even.

        Raises
        ------
        UsageError
            k is negative.
        """
        if fractional_bits < 0:
            raise UsageError(f"a grid has at least 0 fractional bits, not {fractional_bits}")
        layers = [
            [_edges([*weights.tolist(), bias], fractional_bits) for weights, bias in zip(a.weight, a.bias, strict=True)]
            for a in network.layers
        ]
        return cls(network.widths, fractional_bits, layers)

    def network(self, activation: Activation | str, dtype: str) -> Network:
        """The network, its weights as numbers of a dtype.

        Raises
        ------
        UsageError
            A weight is no such number.
        """
        return Network(
            [
                _affine(rows, inputs, self.fractional_bits, dtype)
                for inputs, rows in zip(self.widths[:-1], self.layers, strict=True)
            ],
            activation,
        )

    def to_bits(self) -> str:
        """The string, as digits 0 and 1."""
        edges, index_bits, value_bits = self.edges, _index_bits(self.edges, self.widths), self.value_bits
        counts = [len(self.layers), *self.widths, self.fractional_bits + 1, edges + 1, value_bits + 1]
        parts = [delta(count) for count in counts]
        for rows in self.layers:
            for row in rows:
                parts.append(delta(len(row) + 1))
                parts += [f"{source:0{index_bits}b}{q < 0:d}{abs(q):0{value_bits}b}" for source, q in row]
        return "".join(parts)

    @classmethod
    def from_bits(cls, bits: str) -> GridCode:
        """Read the string back; it must be what `to_bits` writes, to the last bit.

        Raises
        ------
        FileFormatError
            It is no such string, or stands for more numbers than its length warrants.
        """
        reader = _Reader(bits)
        depth = reader.count(most=len(bits))
        widths = tuple(reader.count() for _ in range(depth + 1))
        fractional_bits, edges, value_bits = (reader.count() - 1 for _ in range(3))
        require_moderate(widths, fractional_bits * edges, len(bits))
        index_bits = _index_bits(edges, widths)
        layers = [
            [reader.row(inputs, index_bits, value_bits) for _ in range(outputs)] for inputs, outputs in pairwise(widths)
        ]
        code = cls(widths, fractional_bits, layers)
        if reader.rest or (code.edges, code.value_bits) != (edges, value_bits):
            raise FileFormatError("its bit string does not hold the edges that it promises")
        return code


def delta(number: int) -> str:
    """Elias' delta code of an integer of at least 1: its length in the gamma code, then its digits but the first."""
    digits = f"{number:b}"
    length = f"{len(digits):b}"
    return "0" * (len(length) - 1) + length + digits[1:]


def lossless_bits(network: Network) -> int | None:
    """Fractional bits of the coarsest grid that holds all weights; None where one is no dyadic rational."""
    arrays = (array.tolist() for layer in network.layers for array in (layer.weight.reshape(-1), layer.bias))
    denominators: set[int] = {number.as_integer_ratio()[1] for array in arrays for number in array}
    if any(denominator & (denominator - 1) for denominator in denominators):
        return None
    return max(denominators).bit_length() - 1


class _Reader:
    """Takes the string apart from its start."""

    def __init__(self, bits: str) -> None:
        self._bits, self._place = bits, 0

    @property
    def rest(self) -> int:
        """Bits that are left."""
        return len(self._bits) - self._place

    def number(self, size: int) -> int:
        """Take an integer of so many bits."""
        if size > self.rest:
            raise FileFormatError("its bit string ends too early")
        start, self._place = self._place, self._place + size
        return int(self._bits[start : self._place] or "0", 2)

    def count(self, most: int | None = None) -> int:
        """Take an integer in the delta code."""
        first = self._bits.find("1", self._place)
        zeros = first - self._place if first >= 0 else self.rest
        if 2 * zeros >= self.rest:
            raise FileFormatError("its bit string ends too early")
        self._place = first
        digits = self.number(zeros + 1) - 1
        if digits > self.rest:
            raise FileFormatError("its bit string ends too early")
        count = 1 << digits | self.number(digits)
        if most is not None and count > most:
            raise FileFormatError(f"its bit string of {most} bits cannot hold what it promises")
        return count

    def row(self, inputs: int, index_bits: int, value_bits: int) -> list[Edge]:
        """Take the edges into a neuron."""
        edges, last = [], -1
        for _ in range(self.count(most=inputs + 2) - 1):
            source, negative, size = self.number(index_bits), self.number(1), self.number(value_bits)
            if not last < source <= inputs or not size:
                raise FileFormatError("an edge is zero or comes from nowhere")
            edges.append((source, -size if negative else size))
            last = source
        return edges


def _edges(numbers: Sequence[float | Fraction], fractional_bits: int) -> list[Edge]:
    rounded = ((source, _nearest(number, fractional_bits)) for source, number in enumerate(numbers) if number)
    return [(source, q) for source, q in rounded if q]


def _nearest(number: float | Fraction, fractional_bits: int) -> int:
    """The integer q for which q 2^-k is nearest, the even one of two."""
    numerator, denominator = number.as_integer_ratio()
    q, rest = divmod(numerator << fractional_bits, denominator)
    return q + (2 * rest > denominator or (2 * rest == denominator and q & 1))


def _affine(rows: Rows, inputs: int, fractional_bits: int, dtype: str) -> Affine:
    exact = dtype == "rational"
    matrix: NDArray[Any] = np.zeros((len(rows), inputs + 1), dtype=object if exact else dtype)
    if exact:
        matrix[:] = Fraction(0)
    for row, edges in zip(matrix, rows, strict=True):
        for source, q in edges:
            row[source] = Fraction(q, 1 << fractional_bits) if exact else _as_float(q, fractional_bits, row)
    return Affine(matrix[:, :-1], matrix[:, -1])


def _as_float(q: int, fractional_bits: int, like: NDArray[Any]) -> float:
    with suppress(OverflowError), np.errstate(over="ignore"):  # the former of infinity, which is no ratio
        number = float(like.dtype.type(math.ldexp(q, -fractional_bits)))
        numerator, denominator = number.as_integer_ratio()
        if q * denominator == numerator << fractional_bits:
            return number
    raise UsageError(f"{q} 2^-{fractional_bits} is no {like.dtype.name}")


def _index_bits(edges: int, widths: Sequence[int]) -> int:
    """Bits of a node's index: ceil(log2 M), or what indices of neurons take where more of them are than edges."""
    return (max(edges, *(width + 1 for width in widths[:-1])) - 1).bit_length()


def require_moderate(widths: Sequence[int], denominator_bits: int, length: int) -> None:
    """Refuse, as a `FileFormatError`, a string that stands for more or longer numbers than its length warrants."""
    numbers = sum(outputs * (inputs + 1) for inputs, outputs in pairwise(widths))
    for count, most in ((numbers, MOST_NUMBERS), (denominator_bits, MOST_DENOMINATOR_BITS)):
        if count > max(most, MOST_EXPANSION * length):
            raise FileFormatError(f"{length:,} bits stand for too many numbers, or for too long ones")
