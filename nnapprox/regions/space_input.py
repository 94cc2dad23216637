"""What the kernel of `space` reads: a network and a domain as forms in doubles with their errors, and in integers.

Coordinates are those of `kernel_input`, in which the domain lies in the cube [-1, 1]^d.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np

from nnapprox import _space
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
from nnapprox.regions.residues import residues

AT_ONCE = 1 << 14
"""Room for so many cells in a block."""


def counter(network: Network, domain: Polytope) -> _space.Counter:
    """Begin to count the regions of a relu or leaky-relu network of one hidden layer or more."""
    centre, scale = frame(domain)
    first = on_frame(network.layers[0], centre, scale)
    hidden = [first, *network.layers[1:-1]]
    slope = network.negative_slope
    sides = np.array([_side(form, centre, scale) for form in domain.facets.values()], dtype=object)
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
    planes = len(sides) + sum(network.widths[1:-1])
    return _space.Counter(
        np.ascontiguousarray(np.vstack([bounded(sides), bounded(known)]).T),
        integer_rows(sides),
        limbs.limbs(forms),
        hidden_layers(_space.Layer, hidden, later, forms, slope_parts),
        nearest(*slope.as_integer_ratio()),
        limbs.limbs(slope_parts),
        _corners(domain, centre, scale),
        _incidence(domain, -(-planes // 64)),
    )


def with_fingerprints(network: Network, domain: Polytope) -> _space.Counter:
    """Begin to count, and have the fingerprint of every region given."""
    return with_listing(network, domain, np.empty(0, dtype=np.uint64))


def with_listing(network: Network, domain: Polytope, wanted: Array) -> _space.Counter:
    """Begin to count, and have the regions given whose fingerprints are wanted, which are in order and not repeated."""
    begun = counter(network, domain)
    begun.give_cells(*residues(network), AT_ONCE, np.ascontiguousarray(wanted))
    return begun


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
