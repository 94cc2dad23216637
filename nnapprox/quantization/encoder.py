"""Choosing the integers of a network: data-aware, and by the bits that the adaptive coder takes for them.

Map by map (a layer, or one of two whose product is nearly a layer, see `factors`), from calibration inputs alone: row
by row a path through a trellis of little distortion + rate * bits. Later entries of the row and later rows make up for
the errors of those before (as Frantar et al. 2022 do along rows), and the bits are the live costs of the coder.
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
from nnapprox.quantization.factors import SHARE, SMALLER, SMALLEST, Factors
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

RATE = 0.1
"""Of a bit, in squared steps: somewhat less than the ln 2 / 6 of high resolution, as steps then cost less."""

SLACK = 12
"""Bits that a path through the trellis may cost more than the cheapest, and still be followed."""

RIDGE = 1e-4
"""Of the refit of later layers, relative to the mean of diag(H)."""

DISTANCE = 0.56
"""Of neighbouring integers, of which every state of the trellis has each second, in steps that would cost as much."""


@dataclass(frozen=True, eq=False)
class _Map:
    """What is quantised at once: a layer, or one of two maps whose product stands for it.

    Attributes
    ----------
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
    ranks : tuple of int
        Of all layers, 0 for one that stays whole; empty where all do.
    """

    encoded: Encoded
    predicted: float
    measured: float
    step: float
    ranks: tuple[int, ...]


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
            squares = [float((values**2).sum(axis=1).mean()) for values in self.values]
        if not (np.isfinite(squares).all() and all(np.isfinite(gram).all() for gram in self.grams)):
            raise UsageError("the network's values overflow on its inputs: it cannot be quantised")
        self.power = squares[-1]
        self.deciding = [(points, preactivations(self.network, points)[-1]) for points in deciding or (x,)]
        self.first_gram = moments(with_ones(x)) if gram is None else gram

    def quantize(
        self,
        step: float,
        report: Callable[[float], None] | None = None,
        ranks: tuple[int, ...] = (),
    ) -> Attempt:
        """Quantise with a step: an error of one step in one weight costs step^2 at the outputs.

        `ranks` are those of the products that stand for layers, see `Attempt`.
        """
        report = report or (lambda share: None)
        coder, chosen, inputs, distortion = _coder.Coder(), [], self.x, 0.0
        maps = list(self._maps(ranks))
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
            search = _Search(weight, gram, outer, step, 0 if number else self.image)
            quantized, error = search.run(coder, _part(report, done / total, (done + weight.size) / total))
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
            trellis=True,
        )
        predicted = math.sqrt(distortion / (self.power or 1.0))
        return Attempt(encoded, predicted, self._measured(encoded), step, ranks)

    def ranks(self, error: float) -> tuple[int, ...]:
        """Ranks of the layers that products surely stand for at a relative error: empty where none may."""
        return self._products(error, SMALLEST)[-1]

    def products(self, error: float) -> list[tuple[int, ...]]:
        """Ranks that may be worth a trial at a relative error: from none on, each with one product more."""
        return self._products(error, SMALLER)

    def _products(self, error: float, most: float) -> list[tuple[int, ...]]:
        each = SHARE * error**2 * self.power / self.network.depth
        ranks = [factors.rank(each) for factors in self._factors]
        shares = [factors.share(rank) for factors, rank in zip(self._factors, ranks, strict=True)]
        order = sorted((share, layer) for layer, share in enumerate(shares) if share <= most)
        found: list[tuple[int, ...]] = [()]
        for share, _ in order:
            found.append(tuple(rank if own <= share else 0 for rank, own in zip(ranks, shares, strict=True)))
        return found

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
                yield _Map(inner, with_ones(inputs[number]) @ inner.T, columns.T @ gram @ columns, True, True)
            yield _Map(weight, self.values[number], gram, False, homogeneous)

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


class _Search:
    """The integers of one map: little tr(G E H E^T) + rate * bits."""

    def __init__(self, weight: Array, gram: Array, outer: Array, step: float, image: int) -> None:
        self.weight, self.gram, self.outer = np.ascontiguousarray(weight), gram, outer
        self.image, self.rate = image, RATE * step * step
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
        wanted = DISTANCE * step / (2.0**middle * typical)
        wanted = max(wanted, float(np.abs(self.weight).max()) * 2.0**_MOST_CLASS * 4 / LARGEST, 2.0**-1000)
        exponent = math.floor(math.log2(wanted)) - _MANTISSA_BITS + 1
        mantissa = max(1, round(wanted / 2.0**exponent))
        while mantissa % 2 == 0:
            mantissa, exponent = mantissa // 2, exponent + 1
        self.layer = IntegerLayer(np.zeros(weight.shape, np.int32), rows, classes, mantissa, exponent)
        self.steps = self.layer.steps()

    def run(self, coder: _coder.Coder, report: Callable[[float], None]) -> tuple[IntegerLayer, float]:
        """Choose, and let the coder learn what was chosen; gives the layer and its expected distortion."""
        q = self.layer.integers
        self._search(coder.copy(), q, report)
        self._forget_classes()
        self._begin(coder)
        coder.adapt(q, 0, len(q))
        error = q * self.steps - self.weight
        return self.layer, max(0.0, float(np.sum((self.outer @ error) * (error @ self.gram))))

    def _begin(self, coder: _coder.Coder) -> None:
        shifts = (self.layer.rows.astype(np.int8), self.layer.columns.astype(np.int8))
        coder.begin(self.layer.integers.shape[1], self.image, *shifts, trellis=True)

    def _forget_classes(self) -> None:
        """Give columns of zeros the class of the column before, and rows of zeros that of the row before."""
        for shifts, axis in ((self.layer.columns, 0), (self.layer.rows, 1)):
            kept = self.layer.integers.any(axis=axis)
            last = np.maximum.accumulate(np.where(kept, np.arange(len(shifts)), -1))
            shifts[:] = np.where(last >= 0, shifts[last], 0)

    def _search(self, coder: _coder.Coder, q: Array, report: Callable[[float], None]) -> None:
        self._begin(coder)
        sizes = np.diag(self.factor)
        couplings, paths = np.ascontiguousarray((self.factor / sizes).T), _coder.Paths(q.shape[1])
        errors = np.zeros_like(self.weight)
        for i, steps in enumerate(self.steps):
            pull = self.lower[i, :i] / self.lower[i, i] @ errors[:i]
            weights = (self.lower[i, i] * sizes * steps) ** 2
            wanted = self.weight[i] + pull
            coder.search(q, i, wanted, steps, couplings, weights, self.rate, SLACK * self.rate, paths)
            errors[i] = self.weight[i] - q[i] * steps
            report(i / len(q))
