"""What the kernel of `space` reads: a network and a domain as forms in doubles with their errors, and in integers.

Coordinates are such that the domain lies in the cube [-1, 1]^d, as in `plane_input`, which says how forms are rounded.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnapprox import _space
from nnapprox.network import Affine, Network
from nnapprox.regions import limbs, plane_input
from nnapprox.regions.plane_input import EPSILON, MOST_FLIPS, UNDERFLOW
from nnapprox.regions.polytope import Polytope

Array: TypeAlias = NDArray[Any]

BLOCK = 16
"""Neurons are padded to a multiple of this, as those of the plane are."""


def counter(network: Network, domain: Polytope) -> _space.Counter:
    """Begin to count the regions of a relu or leaky-relu network of one hidden layer or more."""
    centre, scale = plane_input._frame(domain)
    first = plane_input._on_frame(network.layers[0], centre, scale)
    hidden = [first, *network.layers[1:-1]]
    slope = network.negative_slope
    sides = np.array([_side(form, centre, scale) for form in domain.facets.values()], dtype=object)
    known = np.column_stack([first.weight, first.bias])
    later: Iterator[plane_input._Entries]
    if network.dtype == "rational":
        forms, *matrices = (rows.matrix for rows in Network(hidden, network.activation).integer_layers)
        later = map(plane_input._entries, matrices)
    else:
        factor = plane_input._denominator(known)
        forms = plane_input._times(known, factor)
        later = plane_input._later_layers(hidden, slope, factor)
    slope_parts = np.array([slope.numerator, slope.denominator], dtype=object)
    bits = limbs.bits(forms)
    layers = []
    for affine, entries in zip(hidden[1:], later, strict=True):
        bits += entries.weight_bits + limbs.bits(slope_parts) + affine.inputs.bit_length()
        bits = max(bits, entries.bias_bits) + 1
        layers.append(_layer(affine, entries, bits))
    planes = len(sides) + sum(network.widths[1:-1])
    return _space.Counter(
        np.ascontiguousarray(np.vstack([plane_input._given(sides), plane_input._given(known)]).T),
        limbs.limbs(np.vstack([plane_input._times(side, plane_input._denominator(side)) for side in sides])),
        limbs.limbs(forms),
        layers,
        plane_input._nearest(*slope.as_integer_ratio()),
        limbs.limbs(slope_parts),
        _corners(domain, centre, scale),
        _incidence(domain, -(-planes // 64)),
    )


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


def _layer(affine: Affine, entries: plane_input._Entries, bits: int) -> _space.Layer:
    """A hidden layer after the first, whose integer forms have at most so many bits."""
    neurons, inputs = affine.weight.shape
    missing = -neurons % BLOCK
    weight, bias = (plane_input._rounded(numbers) for numbers in (affine.weight, affine.bias))
    rounding = (inputs + MOST_FLIPS + 16) * EPSILON
    comfortable = plane_input._comfortable(np.column_stack([weight, bias]))
    return _space.Layer(
        inputs,
        neurons,
        np.ascontiguousarray(np.pad(weight, ((0, missing), (0, 0))).T),
        np.pad(bias, (0, missing)),
        np.pad(np.where(comfortable, rounding * np.abs(bias) + UNDERFLOW, np.inf), (0, missing)),
        rounding,
        np.searchsorted(entries.row, np.arange(neurons + 1)),
        np.append(entries.column, 0).astype(np.int32),  # one more: not even a layer of zeros has none
        np.pad(entries.integers, ((0, 1), (0, 0))),
        limbs.words(bits),
    )
