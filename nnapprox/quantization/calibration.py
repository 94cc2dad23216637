"""Inputs that an encoder learns from, and others that its files are measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from nnapprox.errors import UsageError
from nnapprox.network import Array, Network
from nnapprox.quantization.sensitivity import cautious, with_ones

if TYPE_CHECKING:
    from nnapprox.datasets import Dataset

INPUTS = 15_000
"""To learn from, at most, and so many training inputs to decide on."""

ENOUGH = 1000
"""So many test inputs decide alone which files are good enough; fewer do so together with training inputs held out."""

_BLOCKS, _HELD = 16, 4  # of so many runs of training inputs, one in so many is held out: neighbours may be of one hand
_SLICE = 4_096
_UNIFORM = 4_000
_SLOW = 200  # for activations that are evaluated number by number


@dataclass(frozen=True, eq=False)
class Inputs:
    """Float64 points of shape (m, d).

    Attributes
    ----------
    learnt, measured : arrays
        To learn from, and to measure files on.
    deciding : tuple of arrays
        On each of these an error that is asked for is kept: on what is measured, and perhaps on others. Errors on the
        inputs that were learnt from are too small.
    labels : array or None
        Of the measured, where there are classes.
    image : int
        Columns of an image row, where inputs are images.
    gram : array or None
        H of the first layer, from more inputs than are learnt from.
    """

    learnt: Array
    measured: Array
    deciding: tuple[Array, ...]
    labels: Array | None = None
    image: int = 0
    gram: Array | None = None


def of_dataset(network: Network, data: Dataset, seed: int = 0) -> Inputs:
    """Training inputs to learn from, drawn at random, and all test inputs to measure and to decide on, without labels.

    Where the test inputs are few, training inputs are held out to decide on, too.

    Raises
    ------
    UsageError
        The network's inputs do not fit the data set.
    """
    if network.widths[0] != data.inputs:
        raise UsageError(f"a network of {network.widths[0]} inputs does not fit {data.name}, which has {data.inputs}")
    most = INPUTS if network.activation.has_kernel else _SLOW
    measured = data.x_test if network.activation.has_kernel else data.x_test[:_SLOW]
    labels = data.y_test[: len(measured)] if data.classes is not None and network.widths[-1] == data.classes else None
    image = data.image_shape[1] if data.image_shape else 0
    divisor = float(data.divisor)
    measured = measured / divisor
    rest, held = _split(len(data.x_train)) if len(measured) < ENOUGH else (np.arange(len(data.x_train)), None)
    rng = np.random.default_rng(np.random.SeedSequence(seed))

    def drawn(chosen: Array) -> Array:
        # at random, as MNIST's training images come from two sources by turns: every other one is no fair sample
        return np.asarray(data.x_train[np.sort(rng.permutation(chosen)[:most])] / divisor)

    learnt = drawn(rest)
    deciding = (measured,) if held is None else (measured, drawn(held))
    return Inputs(learnt, measured, deciding, labels, image, _moments(data.x_train[rest], divisor))


def _split(count: int) -> tuple[Array, Array]:
    """Which of so many samples may be learnt from, and which are held out: the same where there are too few."""
    blocks = np.arange(count) * _BLOCKS // count
    held = blocks % _HELD == _HELD - 1
    return np.flatnonzero(~held), np.flatnonzero(held if held.any() else ~held)


def _moments(x: Array, divisor: float) -> Array:
    """H of inputs before their division, in slices that fit the memory."""
    total, seen = np.zeros((x.shape[1] + 1,) * 2), np.zeros(x.shape[1] + 1, np.int64)
    for first in range(0, len(x), _SLICE):
        part = with_ones(x[first : first + _SLICE] / divisor)
        if x.dtype == np.uint8:
            part = part.astype(np.float32)
        total += part.T @ part
        seen += np.count_nonzero(part, axis=0)
    return cautious(total / len(x), seen, len(x))


def of_domain(network: Network, domain: Sequence[tuple[Fraction, Fraction]] | None, seed: int = 0) -> Inputs:
    """Points that are uniform in a box, in [0, 1]^d where none is known.

    Raises
    ------
    UsageError
        The box has another dimension than the network.
    """
    box = [(float(low), float(high)) for low, high in domain or [(Fraction(0), Fraction(1))] * network.widths[0]]
    if len(box) != network.widths[0]:
        raise UsageError(f"a network of {network.widths[0]} inputs has no domain of dimension {len(box)}")
    low, high = np.array(box).T
    count = _UNIFORM if network.activation.has_kernel else _SLOW
    streams = np.random.SeedSequence(seed).spawn(2)
    learnt, measured = (low + (high - low) * np.random.default_rng(s).random((count, len(box))) for s in streams)
    return Inputs(learnt, measured, (measured,))
