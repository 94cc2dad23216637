"""Inputs that an encoder learns from, and others that its files are measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING

import numpy as np

from nnapprox.errors import UsageError
from nnapprox.network import Array, Network

if TYPE_CHECKING:
    from nnapprox.datasets import Dataset

INPUTS = 12_000
"""To learn from, at most."""

_SLICE = 4_096
_UNIFORM = 4_000
_SLOW = 200  # for activations that are evaluated number by number


@dataclass(frozen=True, eq=False)
class Inputs:
    """Float64 points of shape (m, d): to learn from, and to measure on; with labels where there are classes."""

    learnt: Array
    measured: Array
    labels: Array | None = None
    image: int = 0
    gram: Array | None = None
    """H of the first layer, from all training inputs."""
    held: Array | None = None
    """Training inputs that are not learnt from: an error seen on them is nearer to that on new ones."""


def of_dataset(network: Network, data: Dataset) -> Inputs:
    """Training inputs to learn from, evenly drawn, and all test inputs.

    Raises
    ------
    UsageError
        The network's inputs do not fit the data set.
    """
    if network.widths[0] != data.inputs:
        raise UsageError(f"a network of {network.widths[0]} inputs does not fit {data.name}, which has {data.inputs}")
    count = _SLOW if not network.activation.has_kernel else INPUTS
    stride = -(-len(data.x_train) // count)
    chosen, held = data.x_train[::stride], data.x_train[1 :: 3 * stride] if stride > 1 else None
    measured = data.x_test if network.activation.has_kernel else data.x_test[:_SLOW]
    labels = data.y_test[: len(measured)] if data.classes is not None and network.widths[-1] == data.classes else None
    image = data.image_shape[1] if data.image_shape else 0
    gram = _gram(data.x_train, float(data.divisor))
    divisor = float(data.divisor)
    return Inputs(chosen / divisor, measured / divisor, labels, image, gram, None if held is None else held / divisor)


def _gram(x: Array, divisor: float) -> Array:
    """Mean of a a^T over inputs a with 1 appended, in slices that fit the memory."""
    total = np.zeros((x.shape[1] + 1,) * 2)
    for first in range(0, len(x), _SLICE):
        part = x[first : first + _SLICE] / divisor
        ones: Array = np.column_stack([part, np.ones(len(part))])
        if x.dtype == np.uint8:
            ones = ones.astype(np.float32)
        total += ones.T @ ones
    return total / len(x)


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
    return Inputs(learnt, measured)
