"""What the kernels of `plane` and `space` both read: numbers in doubles with bounds on their errors, and in integers.

Coordinates are such that the domain lies in the cube [-1, 1]^d: the centre and the scale are dyadic, nothing is lost.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from fractions import Fraction
from math import lcm
from typing import NamedTuple, TypeVar

import numpy as np

from nnapprox import _plane, _space
from nnapprox.network import Affine, Array, Network
from nnapprox.regions import limbs
from nnapprox.regions.polytope import Polytope, bounding_box

Layer = TypeVar("Layer", _plane.Layer, _space.Layer)

BLOCK = _plane.BLOCK
"""Forms and neurons are padded to a multiple of this, for both kernels."""

MOST_FLIPS = max(_plane.FLIPS, _space.FLIPS)
"""Neurons that may change state before a layer is computed from scratch."""

COMFORTABLE = (1e-100, 1e100)
"""Weights of this size are filtered in doubles; with others, every decision is taken in integers."""

UNDERFLOW = 1e-200
"""More than all that is lost where products become too small for a double."""

EPSILON = float(np.finfo(np.float64).eps)


def frame(domain: Polytope) -> tuple[list[Fraction], list[Fraction]]:
    """Dyadic centre and scale such that (x - centre) / scale lies in [-1, 1] for every coordinate."""
    centre, scale = [], []
    for low, high in bounding_box(domain.points):
        # Half a side is at most 7/8 of the scale, and the centre at most 1/8 off the middle.
        extent = (high - low) * Fraction(4, 7)
        power = Fraction(2) ** (extent.numerator.bit_length() - extent.denominator.bit_length())
        scale.append(power if power >= extent else 2 * power)
        centre.append(round((low + high) / 2 / (scale[-1] / 4)) * (scale[-1] / 4))
    return centre, scale


def on_frame(layer: Affine, centre: list[Fraction], scale: list[Fraction]) -> Affine:
    """A map of the coordinates as a rational map of those in the frame."""
    [exact] = Network([layer]).astype("rational").layers
    return Affine(exact.weight * np.array(scale), exact.bias + exact.weight @ np.array(centre))


class Entries(NamedTuple):
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


def later_entries(hidden: Sequence[Affine], slope: Fraction, scale: int) -> Iterator[Entries]:
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
        yield Entries(row, column, integers, weight_bits, limbs.bits(biases))
        scale *= 2 ** -int(least)


def _odd_parts(numbers: Array) -> tuple[Array, Array]:
    """Write doubles, none of them 0, as m * 2^e with odd integers m."""
    fractions, exponents = np.frexp(numbers)
    mantissas = np.ldexp(fractions, 53).astype(np.int64)
    zeros = np.frexp((mantissas & -mantissas).astype(np.float64))[1] - 1
    return mantissas >> zeros, exponents - 53 + zeros


def matrix_entries(matrix: Array) -> Entries:
    """The entries of a matrix of integers, whose last column is the bias."""
    row, column = np.nonzero(matrix)
    return Entries(row, column, limbs.limbs(matrix[row, column]), limbs.bits(matrix[:, :-1]), limbs.bits(matrix[:, -1]))


def hidden_layers(
    kind: type[Layer], hidden: Sequence[Affine], later: Iterable[Entries], forms: Array, slope_parts: Array
) -> list[Layer]:
    """The hidden layers after the first, for a kernel.

    Parameters
    ----------
    kind : type
        The kernel's layers.
    hidden : sequence of Affine
        All hidden layers.
    later : iterable of Entries
        Those after the first, in integers.
    forms : array of int
        The first, in integers.
    slope_parts : array of int, shape (2,)
        Numerator and denominator.
    """
    bits = limbs.bits(forms)
    layers = []
    for affine, entries in zip(hidden[1:], later, strict=True):
        # of sums over the inputs and the bias
        bits += entries.weight_bits + limbs.bits(slope_parts) + affine.inputs.bit_length()
        bits = max(bits, entries.bias_bits) + 1
        layers.append(_layer(kind, affine, entries, bits))
    return layers


def _layer(kind: type[Layer], affine: Affine, entries: Entries, bits: int) -> Layer:
    """A hidden layer after the first, whose integer forms have at most so many bits."""
    neurons, inputs = affine.weight.shape
    missing = -neurons % BLOCK
    weight, bias = (_rounded(numbers) for numbers in (affine.weight, affine.bias))
    rounding = (inputs + MOST_FLIPS + 16) * EPSILON
    bias_error = np.where(_comfortable(np.column_stack([weight, bias])), rounding * np.abs(bias) + UNDERFLOW, np.inf)
    return kind(
        inputs,
        neurons,
        _on_cache_lines(weight.T, missing),
        padded(bias, neurons + missing),
        padded(bias_error, neurons + missing),
        rounding,
        np.searchsorted(entries.row, np.arange(neurons + 1)),
        np.append(entries.column, 0).astype(np.int32),  # one more: not even a layer of zeros has none
        padded(entries.integers, len(entries.integers) + 1),
        limbs.words(bits),
    )


def padded(rows: Array, count: int) -> Array:
    """The same rows, and zeros up to so many; quicker than `numpy.pad`, which small networks would notice."""
    longer = np.zeros((count, *rows.shape[1:]), dtype=rows.dtype)
    longer[: len(rows)] = rows
    return longer


def _on_cache_lines(rows: Array, missing: int) -> Array:
    """The same rows, with so many zeros after each, at an address from which whole vectors are read quickest."""
    count, length = rows.shape
    raw = np.zeros(count * (length + missing) * 8 + 64, dtype=np.uint8)
    start = -raw.ctypes.data % 64
    aligned = raw[start : start + raw.size - 64].view(np.float64).reshape(count, length + missing)
    aligned[:, :length] = rows
    return aligned


def bounded(forms: Array, factor: int = 1) -> Array:
    """Forms over a factor in doubles, a row each with a bound on the error of values in the cube, in whole blocks."""
    rows = _rounded(forms, factor)
    error = np.where(_comfortable(rows), 8 * EPSILON * np.abs(rows).sum(axis=1), np.inf)
    return padded(np.column_stack([rows, error]), len(rows) + -len(rows) % BLOCK)


def _rounded(numbers: Array, factor: int = 1) -> Array:
    """Doubles next to numbers over a factor; infinite where there are none so large, and 0 only for 0."""
    if numbers.dtype != object:
        return numbers.astype(np.float64)
    each = np.frompyfunc(lambda number: nearest(number.numerator, number.denominator * factor), 1, 1)
    return np.asarray(each(numbers), dtype=np.float64)


def nearest(numerator: int, denominator: int) -> float:
    """The double next to a ratio; infinite where there is none so large, and 0 only for 0."""
    try:
        quotient = numerator / denominator
    except OverflowError:
        return math.inf
    return quotient if quotient or not numerator else math.ulp(0.0)


def _comfortable(rows: Array) -> Array:
    """Whether sums of products of the numbers in a row neither overflow nor lose all digits."""
    sizes = np.abs(rows)
    low, high = COMFORTABLE
    return np.asarray(((sizes == 0) | ((sizes > low) & (sizes < high))).all(axis=1))


def integer_rows(forms: Array) -> Array:
    """Rational forms, a row each, times positive factors: integers in limbs."""
    return limbs.limbs(np.vstack([times(form, denominator(form)) for form in forms]))


def times(numbers: Array, factor: int) -> Array:
    """Fractions times a multiple of their denominators, as Python integers."""
    return np.asarray(np.frompyfunc(lambda number: int(number * factor), 1, 1)(numbers))


def denominator(numbers: Array) -> int:
    """The least common one of fractions."""
    return lcm(*(number.denominator for number in numbers.flat))
