"""What the kernel of `plane` reads: a network and a domain as lines in doubles with their errors, and in integers.

Coordinates are those of `kernel_input`, in which the domain lies in the square [-1, 1]^2.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from math import lcm

import numpy as np

from nnapprox import _plane
from nnapprox.dense import INSTRUCTION_SETS, instruction_set
from nnapprox.network import Affine, Array, Network
from nnapprox.regions import limbs
from nnapprox.regions.kernel_input import (
    Entries,
    bounded,
    frame,
    hidden_layers,
    integer_rows,
    later_entries,
    matrix_entries,
    nearest,
    on_frame,
)
from nnapprox.regions.polytope import Polytope
from nnapprox.regions.residues import Residues, residues

FINGERPRINTS = 1 << 16
"""Room for so many in a block, or for those of a wide layer's chord."""

LISTED = 1 << 12
"""Room for so many regions in a block."""


class PlaneInput:
    """A network on a convex polygon and on parts of it: what all counts there have in common is prepared once.

    Parameters
    ----------
    network : Network
        A relu or leaky-relu network of two inputs and one hidden layer or more.
    polygon : Polytope
    """

    def __init__(self, network: Network, polygon: Polytope) -> None:
        self._network = network
        self._frame = centre, scale = frame(polygon)
        slope = network.negative_slope
        later: Iterator[Entries]
        if network.dtype == "rational":
            first = on_frame(network.layers[0], centre, scale)
            known = np.column_stack([first.weight, first.bias])
            hidden = [first, *network.layers[1:-1]]
            forms, *matrices = (rows.matrix for rows in Network(hidden, network.activation).integer_layers)
            self._given, later = bounded(known), map(matrix_entries, matrices)
        else:
            forms, factor = _dyadic_on_frame(network.layers[0], centre, scale)
            hidden = list(network.layers[:-1])
            self._given, later = bounded(forms, factor), later_entries(hidden, slope, factor)
        slope_parts = np.array([slope.numerator, slope.denominator], dtype=object)
        self._first = limbs.limbs(forms)
        self._later = hidden_layers(_plane.Layer, hidden, later, forms, slope_parts)
        self._slope = nearest(*slope.as_integer_ratio()), limbs.limbs(slope_parts)

    @cached_property
    def _residues(self) -> Residues:
        return residues(self._network)

    def counter(self, part: Polytope, output: _plane.Output | None = None) -> _plane.Counter:
        """Begin to count the regions of a part of the polygon."""
        (u, v), (width, height) = self._frame
        rows = [[a * width, b * height, a * u + b * v + c] for a, b, c in _sides(part)]
        sides = np.array(rows, dtype=object)
        return _plane.Counter(
            INSTRUCTION_SETS.index(instruction_set()),
            np.ascontiguousarray(np.vstack([bounded(sides), self._given]).T),
            integer_rows(sides),
            self._first,
            self._later,
            *self._slope,
            output,
        )

    def with_fingerprints(self, part: Polytope) -> _plane.Counter:
        """Begin to count, and have the fingerprint of every region given."""
        at_once = max(self._network.widths[1:-1]) + 2 * _plane.BLOCK
        prints = np.empty(max(FINGERPRINTS, at_once), dtype=np.uint64)
        return self.counter(part, _plane.Output(*self._residues, prints))

    def with_listing(self, part: Polytope, wanted: Array) -> _plane.Counter:
        """Begin to list the regions whose fingerprints are wanted, which are in order and not repeated."""
        neurons = sum(self._network.widths[1:-1])
        most_sides = len(part.facets) + neurons
        listing = _plane.Output(
            *self._residues,
            np.empty(1, dtype=np.uint64),
            np.ascontiguousarray(wanted, dtype=np.uint64),
            np.empty((LISTED, -(-neurons // 64)), dtype=np.uint64),
            np.zeros(LISTED + 1, dtype=np.int32),
            np.empty(max(8 * LISTED, most_sides), dtype=np.int32),
        )
        return self.counter(part, listing)

    @staticmethod
    def sides(part: Polytope) -> list[int]:
        """The labels of a polygon's sides, in the order that the kernel numbers them in."""
        return ring(part)


def _sides(polygon: Polytope) -> list[list[Fraction]]:
    return [[Fraction(int(number)) for number in polygon.facets[label]] for label in ring(polygon)]


def ring(polygon: Polytope) -> list[int]:
    """The labels of a polygon's sides, in order around it."""
    beside: dict[int, list[int]] = {label: [] for label in polygon.facets}
    for on in polygon.incidence:
        one, other = (label for label in polygon.facets if on >> label & 1)
        beside[one].append(other)
        beside[other].append(one)
    order = [next(iter(beside))]
    order.append(beside[order[0]][0])
    while len(order) < len(beside):
        order.append(next(label for label in beside[order[-1]] if label != order[-2]))
    return order


def _dyadic_on_frame(layer: Affine, centre: list[Fraction], scale: list[Fraction]) -> tuple[Array, int]:
    """The same of floats, as rows (a, b, c) of integers and what they are to be divided by: much quicker."""
    numbers = np.column_stack([layer.weight, layer.bias]).astype(np.float64)
    fractions, exponents = np.frexp(numbers)
    least = exponents.min(initial=53, where=numbers != 0)
    mantissas = np.ldexp(fractions, 53).astype(np.int64).astype(object)
    integers = mantissas << np.maximum(exponents - least, 0).astype(object)
    common = lcm(*(number.denominator for number in [*centre, *scale]))
    (x, y), (width, height) = ([int(number * common) for number in pair] for pair in (centre, scale))
    frame = np.array([[width, 0, x], [0, height, y], [0, 0, common]], dtype=object)
    return integers @ frame, common << int(53 - least)
