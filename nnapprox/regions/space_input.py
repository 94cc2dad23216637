"""What the kernel of `space` reads: a network and a domain as forms in doubles with their errors, and in integers.

Coordinates are those of `kernel_input`, in which the domain lies in the cube [-1, 1]^d.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from functools import cached_property
from typing import Any

import numpy as np

from nnapprox import _space
from nnapprox.dense import INSTRUCTION_SETS, instruction_set
from nnapprox.network import Array, Network
from nnapprox.regions import limbs
from nnapprox.regions.kernel_input import (
    EPSILON,
    Entries,
    bounded,
    denominator,
    frame,
    hidden_layers,
    integer_rows,
    later_entries,
    matrix_entries,
    nearest,
    on_frame,
    times,
)
from nnapprox.regions.polytope import Polytope
from nnapprox.regions.residues import Residues, residues

AT_ONCE = 1 << 14
"""Room for so many cells in a block."""


class SpaceInput:
    """A network on a convex polytope and on parts of it: what all counts there have in common is prepared once.

    Parameters
    ----------
    network : Network
        A relu or leaky-relu network of one hidden layer or more.
    domain : Polytope
        Of as many dimensions as the network has inputs.
    """

    def __init__(self, network: Network, domain: Polytope) -> None:
        self._network = network
        self._frame = frame(domain)
        first = on_frame(network.layers[0], *self._frame)
        hidden = [first, *network.layers[1:-1]]
        slope = network.negative_slope
        known = np.column_stack([first.weight, first.bias])
        later: Iterator[Entries]
        if network.dtype == "rational":
            forms, *matrices = (rows.matrix for rows in Network(hidden, network.activation).integer_layers)
            later = map(matrix_entries, matrices)
        else:
            factor = denominator(known)
            forms = times(known, factor)
            later = later_entries(hidden, slope, factor)
        slope_parts = np.array([slope.numerator, slope.denominator], dtype=object)
        self._given, self._first = bounded(known), limbs.limbs(forms)
        self._later = hidden_layers(_space.Layer, hidden, later, forms, slope_parts)
        self._slope = nearest(*slope.as_integer_ratio()), limbs.limbs(slope_parts)

    @cached_property
    def _residues(self) -> Residues:
        return residues(self._network)

    def counter(self, part: Polytope) -> _space.Counter:
        """Begin to count the regions of a part of the domain."""
        sides = np.array([_side(form, *self._frame) for form in part.facets.values()], dtype=object)
        planes = len(sides) + sum(self._network.widths[1:-1])
        return _space.Counter(
            INSTRUCTION_SETS.index(instruction_set()),
            np.ascontiguousarray(np.vstack([bounded(sides), self._given]).T),
            integer_rows(sides),
            self._first,
            self._later,
            *self._slope,
            _corners(part, *self._frame),
            _incidence(part, -(-planes // 64)),
        )

    def with_fingerprints(self, part: Polytope) -> _space.Counter:
        """Begin to count, and have the fingerprint of every region given."""
        return self.with_listing(part, np.empty(0, dtype=np.uint64))

    def with_listing(self, part: Polytope, wanted: Array) -> _space.Counter:
        """Begin to list the regions whose fingerprints are wanted, which are in order and not repeated."""
        begun = self.counter(part)
        begun.give_cells(*self._residues, AT_ONCE, np.ascontiguousarray(wanted))
        return begun

    @staticmethod
    def sides(part: Polytope) -> list[int]:
        """The labels of a polytope's facets, in the order that the kernel numbers them in."""
        return list(part.facets)


def _side(form: Any, centre: list[Fraction], scale: list[Fraction]) -> list[Fraction]:
    """A side of the domain as a form of the coordinates in the frame."""
    *normal, constant = (Fraction(int(number)) for number in form)
    moved = constant + sum(n * c for n, c in zip(normal, centre, strict=True))
    return [*(n * s for n, s in zip(normal, scale, strict=True)), moved]


def _corners(domain: Polytope, centre: list[Fraction], scale: list[Fraction]) -> Array:
    """The vertices of the domain in the frame, with a bound on their error."""
    rows = [
        [float((x - c) / s) for x, c, s in zip(point, centre, scale, strict=True)] + [2 * EPSILON]
        for point in domain.points
    ]
    return np.array(rows)


def _incidence(domain: Polytope, words: int) -> Array:
    """Which vertices of the domain lie on which sides: masks, a row a vertex."""
    masks = np.zeros((len(domain.vertices), words), dtype=np.uint64)
    for row, on in zip(masks, domain.incidence, strict=True):
        for side, label in enumerate(domain.facets):
            row[side // 64] |= np.uint64((on >> label & 1) << side % 64)
    return masks
