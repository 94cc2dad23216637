"""The thin checked wrapper over the kernels: packed parameters, prepared samples, evaluation, gradients, SGD steps."""

from __future__ import annotations

import itertools
import mmap
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
GROUP = 4
"""Samples that the kernels evaluate together, for which scratch memory has room (as in ``_simd.h``)."""

TOGETHER = 2 * GROUP
"""Samples whose steps the kernels take together (as in ``_simd.h``)."""

RECORD_HEAD = 16
"""Bytes before a record's values (as in ``_simd.h``)."""

LARGE_PAGE = 2**21
"""Bytes from which an array is put on large pages, whose addresses are found sooner."""

LISTS_UP_TO = 32
"""Width of the first layer up to which its weights stay in the nearest cache, so that reading rows costs little."""

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
    """Zeros that start on a cache line, as the vector loads need it; on large pages where the system has them."""
    size *= np.dtype(dtype).itemsize
    raw = np.zeros(size + 64, dtype=np.uint8)
    if size >= LARGE_PAGE and hasattr(mmap, "MADV_HUGEPAGE"):
        memory = mmap.mmap(-1, size + 64, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
        memory.madvise(mmap.MADV_HUGEPAGE)
        raw = np.frombuffer(memory, dtype=np.uint8)
    first = -raw.ctypes.data % 64
    return raw[first : first + size].view(dtype)


def _padded(n: int) -> int:
    return (n + 15) // 16 * 16 + 16


def prefers_lists(widths: Sequence[int]) -> bool:
    """Whether a network takes sparse samples best one at a time: else several at once share the rows they read."""
    return widths[1] <= LISTS_UP_TO


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
        lists, fours = 3 * (TOGETHER + 1), GROUP + 1 + LISTS_UP_TO * prefers_lists(widths)
        scratch, weights = max(lists, fours) * _padded(widths[0]), 0
        plan = []
        for index, (inputs, outputs) in enumerate(itertools.pairwise(widths)):
            multiple = (32 if outputs * itemsize <= 128 else 64) // itemsize
            stride = -(-outputs // multiple) * multiple
            plan.append((inputs, outputs, stride, weights, scratch))
            weights += _padded((inputs + 1 + (index == 0)) * stride)
            scratch += (GROUP + 6) * _padded(stride)
        signals = scratch
        scratch += 2 * TOGETHER * _padded(plan[0][2])
        if any((inputs + 1) * stride * itemsize >= 2**32 for inputs, _, stride, _, _ in plan):
            raise UsageError(f"a layer of widths {self.widths} is too large: its weights must fit in 4 GB")
        self.plan = np.array(plan, dtype=np.int64)
        self.size, self.scratch_size = weights, scratch
        self._kernel = _kernels.Network(
            INSTRUCTION_SETS.index(instruction_set()),
            self.plan,
            np.zeros(len(plan), dtype=np.int64),
            signals,
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

    def pad(self, targets: Array) -> Array:
        """Targets of shape (t, N_L) as `sgd` takes them: of this dtype, aligned, rows padded with zeros."""
        stride = int(self.plan[-1, 2])
        padded = _aligned(len(targets) * stride, self.dtype).reshape(-1, stride)
        padded[:, : self.widths[-1]] = targets
        return padded

    def forward(self, theta: Array, x: Array, scale: float = 1.0) -> Array:
        """Outputs at every sample, shape (m, N_L).

        Parameters
        ----------
        theta : array
            Packed parameters.
        x : array, shape (m, d)
            uint8, or of the layout's dtype.
        scale : float
            The network's input is x times scale.

        Raises
        ------
        UsageError
            A value of x is not finite.
        """
        out = np.empty((len(x), self.widths[-1]), dtype=self.dtype)
        if len(x) and not self._kernel.forward(theta, _view(x, scale), out, self._scratch):
            raise UsageError("x holds a number that is not finite")
        return out

    def gradients(self, theta: Array, x: Array, cotangents: Array) -> tuple[Array, Array]:
        """Gradients of sum_n <cotangents[n], f(x[n])>: packed as theta is, and with respect to x, shape (m, d)."""
        by_parameters, by_inputs = self.empty(), np.empty(x.shape, dtype=self.dtype)
        if len(x):
            self._kernel.gradients(theta, _view(x, 1.0), cotangents, by_parameters, by_inputs, self._scratch)
        return by_parameters, by_inputs

    def sgd(
        self, theta: Array, average: Array | None, samples: Samples, targets: Array, loss: str, order: Array,
        steps: Array, weights: Array,
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
        targets : array
            What `pad` gave: the target of sample i is row target_of[i].
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
                theta, average, samples.kernel, targets, LOSS_CODES[loss], order, steps, weights, self._scratch
            )
        )


def _view(x: Array, scale: float) -> Any:
    x = np.ascontiguousarray(x)
    entries = x.reshape(-1).view(np.uint8)
    return _kernels.Samples(x.shape[0], x.shape[1], entries, x.itemsize, scale)


@dataclass(frozen=True)
class Samples:
    """Training inputs with the numbers of their targets, as the kernels read them: one record a sample.

    Attributes
    ----------
    count, inputs : int
        How many, of how many coordinates.
    scale : float
        The factor between the array's entries and the network's inputs.
    mean : array of float64, shape (inputs,), or None
        What every sample is centred by (already scaled).
    kernel : object
        The view that the kernels take.
    """

    count: int
    inputs: int
    scale: float
    mean: Array | None
    kernel: Any

    @classmethod
    def prepare(
        cls, x: Array, target_of: Array, scale: float, dtype: str, *, lists: bool, centre: bool = False
    ) -> Samples:
        """Lay out samples for training.

        Parameters
        ----------
        x : array, shape (m, d), m >= 1
            uint8 (kept so) or floats, finite.
        target_of : array of integers, shape (m,)
            The row of the target of every sample.
        scale : float
            The network's input is x times scale.
        dtype : str
            ``float32`` or ``float64``.
        lists : bool
            Whether to keep lists of nonzero entries if few of them are, see `prefers_lists`.
        centre : bool
            Whether the network sees x times scale minus the mean of that.
        """
        count, inputs = x.shape
        x = np.ascontiguousarray(x, dtype=None if x.dtype == np.uint8 else dtype)
        nonzeros = np.full(count, inputs, dtype=np.int64)
        sparse = False
        if lists and inputs <= np.iinfo(np.uint16).max + 1:
            _kernels.count_nonzeros(x, nonzeros)
            sparse = bool(nonzeros.sum() < SPARSE_BELOW * x.size)
            if not sparse:
                nonzeros[:] = inputs
        mean = x.mean(axis=0, dtype=np.float64) * scale if centre else None
        stored = -(-nonzeros // 16) * 16
        sizes = -(-(RECORD_HEAD + stored * (x.itemsize + 2 * sparse)) // 64) * 64
        where = np.concatenate([[0], np.cumsum(sizes)])
        written = _aligned(int(where[-1]) + 64, "uint8")
        target_of = np.ascontiguousarray(target_of, dtype=np.int64)
        _kernels.write_records(x, nonzeros, target_of, mean, scale, where, written, sparse)
        mean_square = 0.0 if mean is None else float(mean @ mean)
        kernel = _kernels.Records(written, where, x.dtype == np.uint8, sparse, centre, scale, mean_square)
        return cls(count, inputs, scale, mean, kernel)
