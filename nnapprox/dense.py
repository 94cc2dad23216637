"""The thin checked wrapper over the kernels: packed parameters, prepared samples, evaluation, gradients, SGD steps."""

from __future__ import annotations

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnapprox import _kernels
from nnapprox.errors import UsageError

Array = NDArray[Any]

INSTRUCTION_SETS = ("baseline", "avx2", "avx512")
ACTIVATION_CODES = {"identity": 0, "relu": 1, "leaky-relu": 2, "sigmoid": 3, "tanh": 4}
LOSS_CODES = {"squared": 0, "cross-entropy": 1}
SPARSE_BELOW = 0.5
"""Samples are kept as lists of nonzero entries where less than this share of them is not zero."""


def instruction_set() -> str:
    """Name of the instruction set in use: the widest one here, or what ``NNAPPROX_ISA`` says.

    Raises
    ------
    UsageError
        ``NNAPPROX_ISA`` names none, or one that this machine has not.
    """
    best = _kernels.best()
    name = os.environ.get("NNAPPROX_ISA") or INSTRUCTION_SETS[best]
    available = INSTRUCTION_SETS[: best + 1]
    if name not in available:
        raise UsageError(f"NNAPPROX_ISA={name} cannot be used here: choose one of {', '.join(available)}")
    return name


def _aligned(size: int, dtype: str) -> Array:
    """Zeros that start on a cache line, as the vector loads need it."""
    itemsize = np.dtype(dtype).itemsize
    raw = np.zeros(size * itemsize + 64, dtype=np.uint8)
    first = -raw.ctypes.data % 64
    return raw[first : first + size * itemsize].view(dtype)


def _padded(n: int) -> int:
    return (n + 15) // 16 * 16 + 16


class Layout:
    """Where the parameters of a dense network stand in one flat array.

    Layer by layer: `inputs` rows of weights, a row of biases, and for the first layer a row for the centring shift;
    every row padded with zeros to whole vectors, the same for every instruction set.

    Parameters
    ----------
    widths : sequence of int
        (d, N_1, ..., N_L), all >= 1.
    dtype : str
        ``float32`` or ``float64``.
    activation : str
        A name of `nnapprox.activation.ACTIVATIONS`.
    leak : float
        The slope of a leaky ReLU at negative arguments.
    """

    def __init__(self, widths: Sequence[int], dtype: str, activation: str, leak: float = 0.0) -> None:
        self.widths, self.dtype = tuple(widths), dtype
        itemsize = np.dtype(dtype).itemsize
        scratch, weights = 2 * _padded(widths[0]), 0
        plan = []
        for index, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
            multiple = (32 if outputs * itemsize <= 128 else 64) // itemsize
            stride = -(-outputs // multiple) * multiple
            plan.append((inputs, outputs, stride, weights, scratch))
            weights += _padded((inputs + 1 + (index == 0)) * stride)
            scratch += 6 * _padded(stride)
        if any((inputs + 1) * stride * itemsize >= 2**32 for inputs, _, stride, _, _ in plan):
            raise UsageError(f"a layer of widths {self.widths} is too large: its weights must fit in 4 GB")
        self.plan = np.array(plan, dtype=np.int64)
        self.size, self.scratch_size = weights, scratch
        self._kernel = _kernels.Network(
            INSTRUCTION_SETS.index(instruction_set()),
            self.plan,
            np.zeros(len(plan), dtype=np.int64),
            ACTIVATION_CODES[activation],
            leak,
        )
        self._scratch = _aligned(scratch, dtype)

    def empty(self) -> Array:
        """Packed parameters, all zero."""
        return _aligned(self.size, self.dtype)

    def rows(self, theta: Array, layer: int) -> Array:
        """View of one layer in packed parameters, shape (inputs + 1, outputs): weights, then the bias.

        The first layer has one row more, the weights of the centring shift.
        """
        inputs, outputs, stride, first, _ = (int(v) for v in self.plan[layer])
        count = inputs + 1 + (layer == 0)
        return theta[first : first + count * stride].reshape(count, stride)[:, :outputs]

    def pack(self, weights: Sequence[Array], biases: Sequence[Array]) -> Array:
        """Pack weights of shape (out, in) and biases of shape (out,)."""
        theta = self.empty()
        for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            rows = self.rows(theta, layer)
            rows[: weight.shape[1]] = weight.T
            rows[weight.shape[1]] = bias
        return theta

    def unpack(self, theta: Array) -> list[tuple[Array, Array]]:
        """(weight, bias) of every layer, as copies; the row of the centring shift is left out."""
        pairs = []
        for layer, inputs in enumerate(self.widths[:-1]):
            rows = self.rows(theta, layer)
            pairs.append((np.ascontiguousarray(rows[:inputs].T), rows[inputs].copy()))
        return pairs

    def forward(self, theta: Array, samples: Samples) -> Array:
        """Outputs at every sample, shape (samples, N_L).

        Raises
        ------
        UsageError
            A value of dense samples is not finite.
        """
        out = np.empty((samples.count, self.widths[-1]), dtype=self.dtype)
        if samples.count and not self._kernel.forward(theta, samples.kernel, out, self._scratch):
            raise UsageError("x holds a number that is not finite")
        return out

    def gradients(self, theta: Array, x: Array, cotangents: Array) -> tuple[Array, Array]:
        """Gradients of sum_n <cotangents[n], f(x[n])>: packed as theta is, and with respect to x, shape (m, d)."""
        by_parameters, by_inputs = self.empty(), np.empty(x.shape, dtype=self.dtype)
        if len(x):
            kernel = Samples.dense(x, self.dtype).kernel
            self._kernel.gradients(theta, kernel, cotangents, by_parameters, by_inputs, self._scratch)
        return by_parameters, by_inputs

    def sgd(
        self, theta: Array, average: Array | None, samples: Samples, targets: Array, target_of: Array, loss: str,
        order: Array, steps: Array, weights: Array,
    ) -> float:  # fmt: skip
        """Take one step theta -= steps[n] * gradient of the loss at sample order[n], for every n in turn.

        Parameters
        ----------
        theta : array
            Packed parameters, changed in place.
        average : array or None
            Packed like theta; gains weights[n] times every step, for averages of the iterates.
        samples : Samples
            The inputs; `order` holds indices into them.
        targets, target_of : array, shape (t, N_L) of the layout's dtype; array of int64, shape (samples,)
            The target of sample i is targets[target_of[i]].
        loss : str
            ``squared``, |f - y|^2, or ``cross-entropy`` of the softmax.
        order, steps, weights : arrays of int64, float64, float64, shape (n,)

        Returns
        -------
        float
            Sum of the losses met, each before its step.
        """
        if not len(order):
            return 0.0
        return float(
            self._kernel.sgd(
                theta,
                average,
                samples.kernel,
                targets,
                target_of,
                LOSS_CODES[loss],
                order,
                steps,
                weights,
                self._scratch,
            )
        )


@dataclass(frozen=True)
class Samples:
    """Inputs as the kernels read them.

    Attributes
    ----------
    count, inputs : int
        How many, of how many coordinates.
    mean : array of float64, shape (inputs,), or None
        What every sample is centred by (already scaled).
    scale : float
        The factor between the array's entries and the network's inputs.
    kernel : object
        The view that the kernels take.
    """

    count: int
    inputs: int
    scale: float
    mean: Array | None
    kernel: Any

    @classmethod
    def dense(cls, x: Array, dtype: str) -> Samples:
        """View of an array of shape (m, d) as it is, without a copy where it is C-contiguous and of this dtype."""
        x = np.ascontiguousarray(x, dtype=dtype)
        entries = x.reshape(-1).view(np.uint8) if x.size else np.zeros(1, np.uint8)
        return cls(
            len(x),
            x.shape[1],
            1.0,
            None,
            _kernels.Samples(x.shape[0], x.shape[1], None, None, entries, False, 1.0, None, 0.0),
        )

    @classmethod
    def prepare(cls, x: Array, scale: float, dtype: str, *, centre: bool = False) -> Samples:
        """Lay out samples for training or for repeated evaluation; sparse where that is less work.

        Parameters
        ----------
        x : array, shape (m, d), m >= 1
            uint8 (kept so) or floats, finite.
        scale : float
            The network's input is x times scale.
        dtype : str
            ``float32`` or ``float64``.
        centre : bool
            Whether the network sees x times scale minus the mean of that.
        """
        count, inputs = x.shape
        if x.dtype != np.uint8:
            x = np.asarray(x, dtype=dtype)
        x = np.ascontiguousarray(x)
        starts = np.empty(count + 1, dtype=np.int64)
        _kernels.count_nonzeros(x, starts)
        sparse = starts[-1] < SPARSE_BELOW * x.size and inputs <= np.iinfo(np.uint16).max + 1
        columns = None
        entries = x.reshape(-1)
        if sparse:
            columns = np.empty(starts[-1] + 1, dtype=np.uint16)
            entries = np.empty(starts[-1] + 1, dtype=x.dtype)
            _kernels.gather_nonzeros(x, columns, entries)
        mean = mean_product = None
        mean_square = 0.0
        if centre:
            mean = x.mean(axis=0, dtype=np.float64) * scale
            mean_square = float(mean @ mean)
            products = np.empty(count)
            if sparse:
                _kernels.dot_samples(starts, columns, entries, mean, products)
            else:
                products[:] = x @ mean
            mean_product = (products * scale).astype(dtype)
        kernel = _kernels.Samples(
            count, inputs, starts if sparse else None, columns, entries.view(np.uint8), x.dtype == np.uint8, scale,
            None if mean_product is None else mean_product.view(np.uint8), mean_square,
        )  # fmt: skip
        return cls(count, inputs, scale, mean, kernel)
