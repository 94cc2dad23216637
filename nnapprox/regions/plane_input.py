"""What the kernel of `plane` reads: a network and a domain as lines in doubles with their errors, and in integers.

Coordinates are such that the domain lies in the square [-1, 1]^2: the centre and the scale are dyadic, nothing is lost.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from fractions import Fraction
from math import lcm
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnapprox import _plane
from nnapprox.dense import INSTRUCTION_SETS, instruction_set
from nnapprox.network import Affine, Network
from nnapprox.regions import limbs
from nnapprox.regions.polytope import Polytope
from nnapprox.regions.residues import residues

Array: TypeAlias = NDArray[Any]

MOST_FLIPS = 64
"""Neurons that may change state before a layer is computed from scratch (as in ``_plane.h``)."""

COMFORTABLE = (1e-100, 1e100)
"""Weights of this size are filtered in doubles; with others, every decision is taken in integers."""

UNDERFLOW = 1e-200
"""More than all that is lost where products become too small for a double."""

EPSILON = float(np.finfo(np.float64).eps)


FINGERPRINTS = 1 << 16
"""Room for so many in a block, or for those of a wide layer's chord."""

LISTED = 1 << 12
"""Room for so many regions in a block."""


def counter(network: Network, polygon: Polytope, output: _plane.Output | None = None) -> _plane.Counter:
    """Begin to count the regions of a relu or leaky-relu network of two inputs and one hidden layer or more."""
    centre, scale = _frame(polygon)
    slope = network.negative_slope
    rows = [[a * scale[0], b * scale[1], a * centre[0] + b * centre[1] + c] for a, b, c in _sides(polygon)]
    sides = np.array(rows, dtype=object)
    later: Iterator[_Entries]
    if network.dtype == "rational":
        first = _on_frame(network.layers[0], centre, scale)
        known = np.column_stack([first.weight, first.bias])
        hidden = [first, *network.layers[1:-1]]
        forms, *matrices = (rows.matrix for rows in Network(hidden, network.activation).integer_layers)
        given, later = _given(known), map(_entries, matrices)
    else:
        forms, factor = _dyadic_on_frame(network.layers[0], centre, scale)
        hidden = list(network.layers[:-1])
        given, later = _given(forms, factor), _later_layers(hidden, slope, factor)
    slope_parts = np.array([slope.numerator, slope.denominator], dtype=object)
    bits = limbs.bits(forms)
    layers = []
    for affine, entries in zip(hidden[1:], later, strict=True):
        # of sums over the inputs and the bias
        bits += entries.weight_bits + limbs.bits(slope_parts) + affine.inputs.bit_length()
        bits = max(bits, entries.bias_bits) + 1
        layers.append(_layer(affine, entries, bits))
    return _plane.Counter(
        INSTRUCTION_SETS.index(instruction_set()),
        np.ascontiguousarray(np.vstack([_given(sides), given]).T),
        limbs.limbs(np.vstack([_times(side, _denominator(side)) for side in sides])),
        limbs.limbs(forms),
        layers,
        _nearest(slope.numerator, slope.denominator),
        limbs.limbs(slope_parts),
        output,
    )


def fingerprints(network: Network) -> _plane.Output:
    """Have a count give the fingerprint of every region."""
    at_once = max(network.widths[1:-1]) + 2 * _plane.BLOCK
    return _plane.Output(*residues(network), np.empty(max(FINGERPRINTS, at_once), dtype=np.uint64))


def listing(network: Network, polygon: Polytope, wanted: Array) -> _plane.Output:
    """Have a count give the regions whose fingerprints are wanted, which are in order and not repeated."""
    neurons = sum(network.widths[1:-1])
    most_sides = len(polygon.facets) + neurons
    return _plane.Output(
        *residues(network),
        np.empty(1, dtype=np.uint64),
        np.ascontiguousarray(wanted, dtype=np.uint64),
        np.empty((LISTED, -(-neurons // 64)), dtype=np.uint64),
        np.zeros(LISTED + 1, dtype=np.int32),
        np.empty(max(8 * LISTED, most_sides), dtype=np.int32),
    )


def _sides(polygon: Polytope) -> list[list[Fraction]]:
    return [[Fraction(int(number)) for number in polygon.facets[label]] for label in ring(polygon)]


def ring(polygon: Polytope) -> list[int]:
    """The labels of a polygon's sides, in order around it, which is the order that the kernel numbers them in."""
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


def _frame(polygon: Polytope) -> tuple[list[Fraction], list[Fraction]]:
    """Dyadic centre and scale such that (x - centre) / scale lies in [-1, 1] for both coordinates."""
    centre, scale = [], []
    for coordinates in zip(*polygon.points, strict=True):
        low, high = min(coordinates), max(coordinates)
        # Half a side is at most 7/8 of the scale, and the centre at most 1/8 off the middle.
        extent = (high - low) * Fraction(4, 7)
        power = Fraction(2) ** (extent.numerator.bit_length() - extent.denominator.bit_length())
        scale.append(power if power >= extent else 2 * power)
        centre.append(round((low + high) / 2 / (scale[-1] / 4)) * (scale[-1] / 4))
    return centre, scale


def _on_frame(layer: Affine, centre: list[Fraction], scale: list[Fraction]) -> Affine:
    """A map of the coordinates as a rational map of those in the frame."""
    [exact] = Network([layer]).astype("rational").layers
    return Affine(exact.weight * np.array(scale), exact.bias + exact.weight @ np.array(centre))


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


class _Entries(NamedTuple):
    """The numbers of an affine map that are not zero, in integers: row k times a positive factor.

    Attributes
    ----------
    row, column : array of int64, shape (entries,)
        Sorted by rows; the column after the weights' is the bias.
    integers : array, shape (entries, words)
    weight_bits, bias_bits : int
        Sizes of the largest.
    """

    row: Array
    column: Array
    integers: Array
    weight_bits: int
    bias_bits: int


def _later_layers(hidden: list[Affine], slope: Fraction, scale: int) -> Iterator[_Entries]:
    """The maps after the first of a float network; the first one's values are integers over scale.

    Floats are dyadic. All neurons of a layer get one factor in common, which is much quicker to find.
    """
    for layer in hidden[1:]:
        scale *= slope.denominator
        numbers = np.column_stack([layer.weight, layer.bias]).astype(np.float64)
        row, column = np.nonzero(numbers)
        mantissas, exponents = _odd_parts(numbers[row, column])
        least = exponents.min(initial=0)
        is_bias = column == layer.inputs
        weights = limbs.shifted(mantissas[~is_bias], exponents[~is_bias] - least)
        biases = np.array(
            [scale * int(m) << int(e - least) for m, e in zip(mantissas[is_bias], exponents[is_bias], strict=True)],
            dtype=object,
        )
        packed = limbs.limbs(biases)
        width = max(weights.shape[1], packed.shape[1])
        integers = np.empty((len(row), width), dtype=packed.dtype)
        integers[~is_bias], integers[is_bias] = limbs.widened(weights, width), limbs.widened(packed, width)
        weight_bits = 8 * _plane.LIMB_BYTES * (weights.shape[1] - 1)
        yield _Entries(row, column, integers, weight_bits, limbs.bits(biases))
        scale *= 2 ** -int(least)


def _odd_parts(numbers: Array) -> tuple[Array, Array]:
    """Write doubles, none of them 0, as m * 2^e with odd integers m."""
    fractions, exponents = np.frexp(numbers)
    mantissas = np.ldexp(fractions, 53).astype(np.int64)
    zeros = np.frexp((mantissas & -mantissas).astype(np.float64))[1] - 1
    return mantissas >> zeros, exponents - 53 + zeros


def _entries(matrix: Array) -> _Entries:
    """The entries of a matrix of integers, whose last column is the bias."""
    row, column = np.nonzero(matrix)
    return _Entries(
        row, column, limbs.limbs(matrix[row, column]), limbs.bits(matrix[:, :-1]), limbs.bits(matrix[:, -1])
    )


def _layer(affine: Affine, entries: _Entries, bits: int) -> _plane.Layer:
    """A hidden layer after the first, whose integer forms have at most so many bits."""
    neurons, inputs = affine.weight.shape
    missing = -neurons % _plane.BLOCK
    weight, bias = (_rounded(numbers) for numbers in (affine.weight, affine.bias))
    rounding = (inputs + MOST_FLIPS + 16) * EPSILON
    bias_error = np.where(_comfortable(np.column_stack([weight, bias])), rounding * np.abs(bias) + UNDERFLOW, np.inf)
    return _plane.Layer(
        inputs,
        neurons,
        np.ascontiguousarray(np.pad(weight, ((0, missing), (0, 0))).T),
        np.pad(bias, (0, missing)),
        np.pad(bias_error, (0, missing)),
        rounding,
        np.searchsorted(entries.row, np.arange(neurons + 1)),
        np.append(entries.column, 0).astype(np.int32),  # one more: not even a layer of zeros has none
        np.pad(entries.integers, ((0, 1), (0, 0))),
        limbs.words(bits),
    )


def _given(forms: Array, factor: int = 1) -> Array:
    """Forms over a factor in doubles, a row each with a bound on the error of values in the square, in whole blocks."""
    rows = _rounded(forms, factor)
    error = np.where(_comfortable(rows), 8 * EPSILON * np.abs(rows).sum(axis=1), np.inf)
    return np.pad(np.column_stack([rows, error]), ((0, -len(rows) % _plane.BLOCK), (0, 0)))


def _rounded(numbers: Array, factor: int = 1) -> Array:
    """Doubles next to numbers over a factor; infinite where there are none so large, and 0 only for 0."""
    if numbers.dtype != object:
        return numbers.astype(np.float64)
    nearest = np.frompyfunc(lambda number: _nearest(number.numerator, number.denominator * factor), 1, 1)
    return np.asarray(nearest(numbers), dtype=np.float64)


def _nearest(numerator: int, denominator: int) -> float:
    try:
        nearest = numerator / denominator
    except OverflowError:
        return math.inf
    return nearest if nearest or not numerator else math.ulp(0.0)


def _comfortable(rows: Array) -> Array:
    """Whether sums of products of the numbers in a row neither overflow nor lose all digits."""
    sizes = np.abs(rows)
    low, high = COMFORTABLE
    return np.asarray(((sizes == 0) | ((sizes > low) & (sizes < high))).all(axis=1))


def _times(numbers: Array, factor: int) -> Array:
    """Fractions times a multiple of their denominators, as Python integers."""
    return np.asarray(np.frompyfunc(lambda number: int(number * factor), 1, 1)(numbers))


def _denominator(numbers: Array) -> int:
    return lcm(*(number.denominator for number in numbers.flat))
