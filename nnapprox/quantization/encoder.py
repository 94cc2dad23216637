"""Choosing the integers of a network: data-aware, and by the bits that the adaptive coder takes for them.

Map by map (a layer, or one of two whose product is nearly a layer, see `factors`), from calibration inputs alone: error
feedback along inputs and outputs (as Frantar et al. 2022 do along inputs), then descent on distortion + rate * bits by
one weight or two of a row at a time, where the bits are the live costs of the coder and their price falls to its end.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnapprox import _coder
from nnapprox.errors import FileFormatError, UsageError
from nnapprox.files.nnq import LARGEST, Encoded, IntegerLayer, fingerprint
from nnapprox.network import Affine, Network
from nnapprox.quantization.distance import relative_error
from nnapprox.quantization.factors import SHARE, Factors
from nnapprox.quantization.sensitivity import (
    activate,
    damped,
    moments,
    output_grams,
    preactivations,
    upper_factor,
    water_filling_bits,
    with_ones,
)

Array = NDArray[Any]

RATE = 0.09
"""Of a bit, in squared steps: somewhat less than the ln 2 / 6 of high resolution, as steps then cost less."""

RIDGE = 1e-4
"""Of the refit of later layers, relative to the mean of diag(H)."""

PASSES = 30
"""Of coordinate descent, at most; fewer where next to nothing changes any more."""

FALLING = 10
"""Passes in which the price of a bit falls to what it is: from few weights to more is a better way than all at once."""

PARTNERS = 10
"""Other weights of its row that a weight may move together with."""


@dataclass(frozen=True)
class Plan:
    """What the encoder may choose besides the step; whoever asks for a size or an error searches it.

    Attributes
    ----------
    rate : float
        Of a bit, in squared steps.
    start : float
        The price of a bit at first, in that at the end.
    ranks : tuple of int
        Of all layers, 0 for one that stays whole; empty where all do.
    """

    rate: float = RATE
    start: float = 2.0
    ranks: tuple[int, ...] = ()

    @staticmethod
    def factor(layer: int) -> float:
        """Of the steps of a layer."""
        return 1.5 if layer == 1 else 1.0


@dataclass(frozen=True, eq=False)
class _Map:
    """What is quantised at once: a layer, or one of two maps whose product stands for it.

    Attributes
    ----------
    layer : int
        The number of the layer.
    weight : array of float64, shape (out, in + 1)
        The bias is the last column.
    wanted : array of float64, shape (m, out)
        Its values at the calibration inputs.
    gram : array of float64, shape (out, out)
        G of its outputs.
    joint : bool
        Whether it is the first of two: no activation follows.
    homogeneous : bool
        Whether its rows may be scaled by what the next map's columns are divided by.
    """

    layer: int
    weight: Array
    wanted: Array
    gram: Array
    joint: bool
    homogeneous: bool

    def scale(self) -> Array:
        """What the rows are multiplied by so that their errors count alike."""
        scale = np.ones(len(self.weight))
        sensitivity = np.diag(self.gram)
        if self.homogeneous:
            np.sqrt(sensitivity, where=sensitivity > 0, out=scale)
        return scale


_MANTISSA_BITS = 6  # of a step
_MOST_CLASS = 12


@dataclass(frozen=True)
class Attempt:
    """A network quantised with one step: what is to be stored, and the error that is expected of it.

    Attributes
    ----------
    encoded : Encoded
    predicted : float
        Relative L2 error of the outputs, to second order.
    measured : float
        The same of the network that is decoded, on the inputs that decide: the largest, where there are several sets.
    step : float
    plan : Plan
    """

    encoded: Encoded
    predicted: float
    measured: float
    step: float
    plan: Plan


class Quantizer:
    """A network with what its calibration inputs tell of it.

    Parameters
    ----------
    network : Network
        Of floats.
    x : array of float64, shape (m, d)
        Calibration inputs.
    image : int
        Columns of an image row, where the inputs are an image, else 0.
    metadata : dict
        JSON values for the file.
    gram : array, shape (d + 1, d + 1), optional
        H of the first layer, where it is known from more inputs than x: what is 0 in all of x need not be elsewhere.
    deciding : sequence of arrays of float64, shape (k, d)
        Sets of inputs on which errors are measured; by default x, on which they look smaller than on others.
    """

    def __init__(
        self,
        network: Network,
        x: Array,
        image: int = 0,
        metadata: dict[str, Any] | None = None,
        gram: Array | None = None,
        deciding: Sequence[Array] = (),
    ) -> None:
        self.source, self.network, self.x = network, network.astype("float64"), x
        self.image, self.metadata = image, metadata or {}
        with np.errstate(over="ignore", invalid="ignore"):
            self.values = preactivations(self.network, x)
            self.grams = output_grams(self.network, self.values)
        if not all(np.isfinite(a).all() for a in (*self.values, *self.grams)):
            raise UsageError("the network's values overflow on its inputs: it cannot be quantised")
        self.power = float((self.values[-1] ** 2).sum(axis=1).mean())
        self.deciding = [(points, preactivations(self.network, points)[-1]) for points in deciding or (x,)]
        self.first_gram = moments(with_ones(x)) if gram is None else gram

    def quantize(
        self,
        step: float,
        passes: int = PASSES,
        report: Callable[[float], None] | None = None,
        plan: Plan | None = None,
    ) -> Attempt:
        """Quantise with a step: an error of one step in one weight costs step^2 at the outputs."""
        report, plan = report or (lambda share: None), plan or Plan()
        coder, chosen, inputs, distortion = _coder.Coder(), [], self.x, 0.0
        maps = list(self._maps(plan.ranks))
        total, done = sum(each.weight.size for each in maps), 0
        undo = np.ones(self.network.widths[0])
        for number, each in enumerate(maps):
            weight, gram = each.weight, self.first_gram
            if number:
                inputs = with_ones(inputs if maps[number - 1].joint else activate(self.network.activation, inputs))
                gram = moments(inputs)
                weight = np.column_stack([weight[:, :-1] / undo, weight[:, -1]])
                weight = _refit(weight, gram, inputs, each.wanted)
            undo = each.scale()
            weight, outer = weight * undo[:, None], each.gram / np.outer(undo, undo)
            image, rate = self.image if number == 0 else 0, plan.rate * step * step
            search = _Search(weight, gram, outer, step * plan.factor(each.layer), rate, plan.start, image)
            quantized, error = search.run(coder, passes, _part(report, done / total, (done + weight.size) / total))
            chosen.append(quantized)
            distortion += error
            done += weight.size
            before = inputs[:, :-1] if number else inputs
            values = quantized.values()
            inputs = before @ values[:, :-1].T + values[:, -1]
        joints = tuple(number for number, each in enumerate(maps) if each.joint)
        encoded = Encoded(
            chosen,
            self.source.activation,
            self.source.dtype,
            self.image,
            fingerprint(self.source),
            self.metadata,
            joints,
        )
        predicted = math.sqrt(distortion / (self.power or 1.0))
        return Attempt(encoded, predicted, self._measured(encoded), step, plan)

    def ranks(self, error: float) -> tuple[int, ...]:
        """Ranks of the layers that products may stand for at a relative error: empty where none may."""
        each = SHARE * error**2 * self.power / self.network.depth
        ranks = tuple(factors.rank(each) for factors in self._factors)
        return ranks if any(ranks) else ()

    def weights(self, ranks: tuple[int, ...]) -> int:
        """Numbers that are coded where products of these ranks stand for layers."""
        return self.network.parameters + sum(
            rank * (layer.outputs + layer.inputs + 1) - layer.outputs * layer.inputs
            for layer, rank in zip(self.network.layers, ranks, strict=bool(ranks))
            if rank
        )

    @cached_property
    def _factors(self) -> list[Factors]:
        grams = [self.first_gram, *(moments(with_ones(a)) for a in self._activated())]
        return [
            Factors.of(_with_bias(layer), gram, outer)
            for layer, gram, outer in zip(self.network.layers, grams, self.grams, strict=True)
        ]

    def _activated(self) -> Iterator[Array]:
        return (activate(self.network.activation, values) for values in self.values[:-1])

    def _maps(self, ranks: tuple[int, ...]) -> Iterator[_Map]:
        piecewise, last = self.network.activation.is_piecewise_linear, self.network.depth - 1
        inputs = [self.x, *self._activated()] if any(ranks) else []
        for number, layer in enumerate(self.network.layers):
            weight, gram, homogeneous = _with_bias(layer), self.grams[number], piecewise and number < last
            if ranks and ranks[number]:
                inner, weight = self._factors[number].maps(ranks[number])
                columns = weight[:, :-1]
                yield _Map(number, inner, with_ones(inputs[number]) @ inner.T, columns.T @ gram @ columns, True, True)
            yield _Map(number, weight, self.values[number], gram, False, homogeneous)

    def _measured(self, encoded: Encoded) -> float:
        try:
            network = encoded.network()
        except FileFormatError:  # two maps have no exact product
            return math.inf
        return max(relative_error(network, wanted, points) for points, wanted in self.deciding)

    def reference_bits(self, relative_error: float) -> float:
        """Reverse water-filling at an error: see `sensitivity.water_filling_bits`."""
        grams = []
        for each, values in zip(self._maps(()), [self.x, *self._activated()], strict=True):
            ones, scale = with_ones(values), each.scale()
            outer = each.gram / np.outer(scale, scale)
            grams.append((outer, ones.T @ ones / len(ones), each.weight * scale[:, None]))
        return water_filling_bits(grams, relative_error**2 * self.power)


def _with_bias(layer: Affine) -> Array:
    return np.column_stack([layer.weight, layer.bias])


def _part(report: Callable[[float], None], low: float, high: float) -> Callable[[float], None]:
    """Report the shares of a part of the work as shares of the whole."""
    return lambda share: report(low + (high - low) * share)


def _refit(weight: Array, gram: Array, inputs: Array, wanted: Array) -> Array:
    """Least squares to the original values, given the quantised layers before; near the weights that there are."""
    residual = wanted - inputs @ weight.T
    ridge = RIDGE * np.trace(gram) / len(gram)
    return np.asarray(weight + np.linalg.solve(gram + ridge * np.eye(len(gram)), inputs.T @ residual / len(inputs)).T)


def _partners(gram: Array) -> Array:
    """For every column those after it that it is most correlated with, int32 of shape (n, PARTNERS), or -1."""
    scale = np.sqrt(np.diag(gram))
    scale[scale == 0] = np.inf
    correlation = np.triu(np.abs(gram) / np.outer(scale, scale), 1)
    count = min(PARTNERS, len(gram))
    chosen = np.argpartition(-correlation, count - 1, axis=1)[:, :count]
    chosen = np.where(np.take_along_axis(correlation, chosen, axis=1) > 0, chosen, -1)
    return np.ascontiguousarray(chosen, dtype=np.int32)


class _Search:
    """The integers of one layer: minimises tr(G E H E^T) + rate * bits."""

    def __init__(
        self, weight: Array, gram: Array, outer: Array, step: float, rate: float, start: float, image: int
    ) -> None:
        self.weight, self.gram, self.outer = np.ascontiguousarray(weight), np.ascontiguousarray(gram), outer
        self.image, self.rate, self.start = image, rate, start
        self.factor = upper_factor(damped(gram))
        self.lower = upper_factor(damped(outer)).T
        used = np.diag(gram) > 0
        if not used.all():  # inputs that are always 0 cost nothing, and no weight on them is kept
            self.weight[:, ~used] = 0
        sizes = np.log2(np.diag(self.factor))
        middle = float(np.median(sizes[used])) if used.any() else 0.0
        classes = np.rint(np.clip(middle - sizes, -_MOST_CLASS, _MOST_CLASS)).astype(np.int32)
        classes[~used] = 0
        rows = np.zeros(len(weight), np.int32)
        spread = np.diag(outer)
        alive = spread > 0
        if not np.allclose(spread[alive], spread[alive][:1], rtol=0.5):
            levels = 0.5 * np.log2(np.where(alive, spread, 1))
            rows = np.rint(np.clip(np.median(levels[alive]) - levels, -_MOST_CLASS, _MOST_CLASS)).astype(np.int32)
            rows[~alive] = 0
        typical = float(np.median(np.diag(self.lower)[alive])) if alive.any() else 1.0
        wanted = step / (2.0**middle * typical)
        wanted = max(wanted, float(np.abs(self.weight).max()) * 2.0**_MOST_CLASS * 4 / LARGEST, 2.0**-1000)
        exponent = math.floor(math.log2(wanted)) - _MANTISSA_BITS + 1
        mantissa = max(1, round(wanted / 2.0**exponent))
        while mantissa % 2 == 0:
            mantissa, exponent = mantissa // 2, exponent + 1
        self.layer = IntegerLayer(np.zeros(weight.shape, np.int32), rows, classes, mantissa, exponent)
        self.steps = self.layer.steps()
        self.partners = _partners(self.gram)

    def run(self, coder: _coder.Coder, passes: int, report: Callable[[float], None]) -> tuple[IntegerLayer, float]:
        """Choose, and let the coder learn what was chosen; gives the layer and its expected distortion."""
        q = self.layer.integers
        parts = passes + 2
        self._feed_back(coder.copy(), q, self.start * self.rate, _part(report, 0, 1 / parts))
        for number in range(passes):
            rate = self.rate * (1 + (self.start - 1) * max(0.0, 1 - number / FALLING))
            part = _part(report, (number + 1) / parts, (number + 2) / parts)
            changed = self._descend(coder.copy(), q, rate, part)
            if rate == self.rate and changed <= q.size // 1000:
                break
        self._forget_classes()
        self._begin(coder)
        coder.adapt(q, 0, len(q))
        error = q * self.steps - self.weight
        return self.layer, max(0.0, float(np.sum((self.outer @ error) * (error @ self.gram))))

    def _begin(self, coder: _coder.Coder) -> None:
        shifts = (self.layer.rows.astype(np.int8), self.layer.columns.astype(np.int8))
        coder.begin(self.layer.integers.shape[1], self.image, *shifts)

    def _forget_classes(self) -> None:
        """Give columns of zeros the class of the column before, and rows of zeros that of the row before."""
        for shifts, axis in ((self.layer.columns, 0), (self.layer.rows, 1)):
            kept = self.layer.integers.any(axis=axis)
            last = np.maximum.accumulate(np.where(kept, np.arange(len(shifts)), -1))
            shifts[:] = np.where(last >= 0, shifts[last], 0)

    def _feed_back(self, coder: _coder.Coder, q: Array, rate: float, report: Callable[[float], None]) -> None:
        self._begin(coder)
        errors, carried = np.zeros_like(self.weight), np.empty(q.shape[1])
        for i in range(len(q)):
            pull = self.lower[i, :i] / self.lower[i, i] @ errors[:i]
            total = np.empty(q.shape[1])
            coder.feed_back(
                q, i, self.weight[i] + pull, self.steps[i], self.factor, self.lower[i, i] ** 2, rate, total,
                carried,
            )  # fmt: skip
            errors[i] = total - pull
            report(i / len(q))

    def _descend(self, coder: _coder.Coder, q: Array, rate: float, report: Callable[[float], None]) -> int:
        self._begin(coder)
        changed = 0
        pulls = (q * self.steps - self.weight) @ self.gram
        for i, curvature in enumerate(np.diag(self.outer)):
            before = self.outer[i] @ pulls
            slope = before.copy()
            changed += coder.descend(q, i, self.steps[i], self.gram, curvature, rate, slope, self.partners)
            if curvature:
                pulls[i] += (slope - before) / curvature
            report(i / len(q))
        return changed
