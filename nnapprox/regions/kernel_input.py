"""What the kernels of `plane` and `space` both read: numbers in doubles with bounds on their errors, and in integers.

Coordinates are those of a `Chart`, in which the domain lies in the cube [-1, 1]^d.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from fractions import Fraction
from functools import cached_property
from operator import attrgetter
from typing import Any, Generic, NamedTuple, TypeVar

import numpy as np

from nnapprox import _plane, _space
from nnapprox.dense import INSTRUCTION_SETS, instruction_set
from nnapprox.exact import IntegerRows, integer_rows
from nnapprox.network import Affine, Array, Network
from nnapprox.regions import limbs
from nnapprox.regions.chart import Chart
from nnapprox.regions.polytope import Polytope
from nnapprox.regions.residues import Residues, residues

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


class KernelInput(Generic[Layer]):
    """A network on charts: what all counts there have in common is prepared once.

    Parameters
    ----------
    kind : type
        The kernel's layers.
    network : Network
        A relu or leaky-relu network of one hidden layer or more.
    charts : sequence of Chart
        Their first layers have the same scales.
    """

    def __init__(self, kind: type[Layer], network: Network, charts: Sequence[Chart]) -> None:
        self.network = network
        self._charts = charts
        self._layers: list[Layer] = [_layer(kind, affine) for affine in network.layers[1:-1]]
        self._slope = _nearest(*network.negative_slope.as_integer_ratio())
        self._is_complete = False
        # parts of one chart have the same first layer, and mostly come one after the other
        self._first_in_doubles = _Latest(_bounded)
        self._first_in_integers = _Latest(lambda rows: limbs.limbs(rows.matrix))

    @cached_property
    def residues(self) -> Residues:
        """The network's."""
        return residues(self.network)

    def integers(self, chart: Chart) -> tuple[Array, Array, Array]:
        """Of the chart's sides, its first layer, and the slope's numerator and denominator; layers take theirs.

        A count that doubles decide may do without.
        """
        if not self._is_complete:
            for layer, (entries, bits) in zip(self._layers, _integers(self.network, self._charts), strict=True):
                layer.complete(
                    entries.starts,
                    np.append(entries.column, 0).astype(np.int32),  # one more: not even a layer of zeros has none
                    padded(entries.integers, len(entries.integers) + 1),
                    limbs.words(bits),
                )
            self._is_complete = True
        sides = limbs.limbs(_sides(chart.polytope).matrix)
        return sides, self._first_in_integers(chart.first), limbs.limbs(_slope_parts(self.network))

    def arguments(self, chart: Chart) -> dict[str, Any]:
        """What the counters of both kernels take, beside integers."""
        sides = _bounded(_sides(chart.polytope))
        return {
            "isa": INSTRUCTION_SETS.index(instruction_set()),
            "given": np.ascontiguousarray(np.vstack([sides, self._first_in_doubles(chart.first)]).T),
            "sides": len(chart.polytope.facets),
            "neurons": len(chart.first.matrix),
            "layers": self._layers,
            "unit": chart.unit,
            "slope": self._slope,
        }


class _Latest:
    """A function of rows that remembers what it gave last."""

    def __init__(self, function: Callable[[IntegerRows], Array]) -> None:
        self._function = function
        self._last: tuple[IntegerRows, Array] | None = None

    def __call__(self, rows: IntegerRows) -> Array:
        last = self._last
        if last is None or last[0] is not rows:
            last = self._last = rows, self._function(rows)  # in one step: threads may share this
        return last[1]


class Entries(NamedTuple):
    """The numbers of an affine map that are not zero, in integers: row k times a positive factor.

    Attributes
    ----------
    starts : array of int64, shape (rows + 1,)
        Where rows begin and end.
    column : array of int64, shape (entries,)
        That after the weights' is the bias.
    integers : array, shape (entries, words)
    weight_bits, bias_bits : int
        Sizes of the largest.
    """

    starts: Array
    column: Array
    integers: Array
    weight_bits: int
    bias_bits: int


def _dyadic_entries(layers: Sequence[Affine], slope: Fraction, scale: int) -> Iterator[Entries]:
    """Maps of floats, one after the other; what the first takes are integers over scale.

    Floats are dyadic. All neurons of a layer get one factor in common, which is much quicker to find.
    """
    for layer in layers:
        scale *= slope.denominator
        numbers = np.column_stack([layer.weight, layer.bias]).astype(np.float64)
        starts, column, used = _used(numbers)
        mantissas, exponents = limbs.odd_parts(numbers[used])
        least = exponents.min(initial=0)
        shifts, is_bias = exponents - least, column == layer.inputs
        bits = limbs.shifted_bits(mantissas, shifts)
        weight_bits, bias_bits = (int(bits[some].max(initial=0)) for some in (~is_bias, is_bias))
        bias_bits += scale.bit_length()
        if scale & (scale - 1):
            integers = _with_biases_times(scale, mantissas, shifts, is_bias)
        else:
            integers = limbs.shifted(mantissas, shifts + is_bias * (scale.bit_length() - 1))
        yield Entries(starts, column, integers, weight_bits, bias_bits)
        scale *= 2 ** -int(least)


def _with_biases_times(scale: int, mantissas: Array, shifts: Array, is_bias: Array) -> Array:
    """The integers mantissas * 2^shifts, of which some are multiplied with a number."""
    weights = limbs.shifted(mantissas[~is_bias], shifts[~is_bias])
    biases = np.array(
        [scale * int(m) << int(e) for m, e in zip(mantissas[is_bias], shifts[is_bias], strict=True)], dtype=object
    )
    packed = limbs.limbs(biases)
    width = max(weights.shape[1], packed.shape[1])
    integers = np.empty((len(mantissas), width), dtype=packed.dtype)
    integers[~is_bias], integers[is_bias] = limbs.widened(weights, width), limbs.widened(packed, width)
    return integers


def _used(matrix: Array) -> tuple[Array, Array, Array]:
    """Where in a list of its numbers that are not 0 rows begin and end, their columns, and where they are."""
    used = matrix != 0
    column = np.broadcast_to(np.arange(matrix.shape[1]), matrix.shape)[used]
    return np.append(0, np.cumsum(used.sum(axis=1))), column, used


def _rational_entries(layers: Sequence[Affine], slope: Fraction, scale: tuple[int, ...]) -> Iterator[Entries]:
    """Maps of rationals, one after the other; what the first takes are integers over scale."""
    for layer in layers:
        matrix, scale = integer_rows(layer.weight, layer.bias, [divisor * slope.denominator for divisor in scale])
        starts, column, used = _used(matrix)
        weight_bits, bias_bits = limbs.bits(matrix[:, :-1]), limbs.bits(matrix[:, -1])
        yield Entries(starts, column, limbs.limbs(matrix[used]), weight_bits, bias_bits)


def _integers(network: Network, charts: Sequence[Chart]) -> Iterator[tuple[Entries, int]]:
    """Of each hidden layer after the first, its numbers, and the bits that its integer forms have at most."""
    scale = charts[0].first.scale
    slope = network.negative_slope
    following = network.layers[1:-1]
    if network.dtype == "rational":
        later = _rational_entries(following, slope, scale)
    else:
        later = _dyadic_entries(following, slope, scale[0])
    firsts = {id(chart.first): chart.first for chart in charts}.values()  # parts of one chart have the same
    bits = max(limbs.bits(first.matrix) for first in firsts)
    for affine, entries in zip(following, later, strict=True):
        # of sums over the inputs and the bias
        bits += entries.weight_bits + limbs.bits(_slope_parts(network)) + affine.inputs.bit_length()
        bits = max(bits, entries.bias_bits) + 1
        yield entries, bits


def _slope_parts(network: Network) -> Array:
    """Numerator and denominator of what an inactive neuron is multiplied with."""
    return np.array(network.negative_slope.as_integer_ratio(), dtype=object)


def _layer(kind: type[Layer], affine: Affine) -> Layer:
    """A hidden layer after the first, in doubles."""
    neurons, inputs = affine.weight.shape
    missing = -neurons % BLOCK
    weight, bias = (rounded(numbers) for numbers in (affine.weight, affine.bias))
    rounding = (inputs + MOST_FLIPS + 16) * EPSILON
    is_comfortable = _comfortable(weight) & _comfortable(bias[:, None])
    bias_error = np.where(is_comfortable, rounding * np.abs(bias) + UNDERFLOW, np.inf)
    return kind(
        inputs,
        neurons,
        _on_cache_lines(weight.T, missing),
        padded(bias, neurons + missing),
        padded(bias_error, neurons + missing),
        rounding,
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


def _bounded(rows: IntegerRows) -> Array:
    """Forms in doubles, a row each with a bound on the error of values in the cube, in whole blocks."""
    forms = _quotients(rows.matrix, np.array(rows.scale, dtype=object)[:, None])
    error = np.where(_comfortable(forms), 8 * EPSILON * np.abs(forms).sum(axis=1), np.inf)
    return padded(np.column_stack([forms, error]), len(forms) + -len(forms) % BLOCK)


def rounded(numbers: Array) -> Array:
    """Doubles next to numbers; infinite where there are none so large, and 0 only for 0."""
    if numbers.dtype != object:
        return numbers.astype(np.float64)
    numerators, denominators = (np.frompyfunc(attrgetter(part), 1, 1)(numbers) for part in ("numerator", "denominator"))
    return _quotients(numerators, denominators)


def _quotients(numerators: Array, denominators: Array) -> Array:
    """The doubles next to ratios of Python integers, as `_nearest` gives them."""
    try:
        if all(number & (number - 1) == 0 and number < 2**1000 for number in set(denominators.flat)):
            # quicker: by a power of two nothing is rounded, as no quotient is so small that it has fewer digits
            quotients = numerators.astype(np.float64) / denominators.astype(np.float64)
        else:
            quotients = np.asarray(numerators / denominators, dtype=np.float64)
    except OverflowError:
        return np.asarray(np.frompyfunc(_nearest, 2, 1)(numerators, denominators), dtype=np.float64)
    quotients[(quotients == 0) & (numerators != 0)] = math.ulp(0.0)
    return quotients


def _nearest(numerator: int, denominator: int) -> float:
    """The double next to a ratio; infinite where there is none so large, and 0 only for 0."""
    try:
        quotient = numerator / denominator
    except OverflowError:
        return math.inf
    return quotient if quotient or not numerator else math.ulp(0.0)


def _comfortable(rows: Array) -> Array:
    """Whether sums of products of the numbers in a row neither overflow nor lose all digits."""
    comfortable = np.empty(len(rows), dtype=bool)
    _plane.within(rows, *COMFORTABLE, comfortable.view(np.uint8))
    return comfortable


def _sides(polytope: Polytope) -> IntegerRows:
    """The sides of a polytope, in the order of `side_labels`."""
    forms = [[int(number) for number in polytope.facets[label]] for label in side_labels(polytope)]
    return IntegerRows(np.array(forms, dtype=object), (1,) * len(forms))


def side_labels(polytope: Polytope) -> list[int]:
    """The labels of sides in the order that kernels number them in, which for a polygon is that around it."""
    if polytope.dimension > 2:
        return list(polytope.facets)
    beside: dict[int, list[int]] = {label: [] for label in polytope.facets}
    for on in polytope.incidence:
        one, other = (label for label in polytope.facets if on >> label & 1)
        beside[one].append(other)
        beside[other].append(one)
    order = [next(iter(beside))]
    order.append(beside[order[0]][0])
    while len(order) < len(beside):
        order.append(next(label for label in beside[order[-1]] if label != order[-2]))
    return order
