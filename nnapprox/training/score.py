"""How good a network is on labelled samples."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from nnapprox.dense import Array
from nnapprox.errors import UsageError
from nnapprox.network import Network

if TYPE_CHECKING:
    from nnapprox.datasets import Dataset


@dataclass(frozen=True)
class Score:
    """Mean loss over `count` samples; for classes also the confusion matrix (rows: truth, columns: prediction)."""

    loss: float
    count: int
    confusion: Array | None

    @property
    def errors(self) -> int | None:
        """Number of samples put into a wrong class."""
        return None if self.confusion is None else int(self.count - np.trace(self.confusion))

    @property
    def accuracy(self) -> float | None:
        """Share of samples put into their class, in [0, 1]."""
        return None if self.errors is None else 1 - self.errors / self.count

    @property
    def standard_error(self) -> float | None:
        """Standard error of the accuracy, sqrt(p (1 - p) / count)."""
        return None if self.accuracy is None else math.sqrt(self.accuracy * (1 - self.accuracy) / self.count)


def score(network: Network, x: Array, y: Array, dataset: Dataset, loss: str = "squared") -> Score:
    """Score a network on samples of a data set.

    Raises
    ------
    UsageError
        The network's inputs or outputs do not fit the data set.
    """
    if (network.widths[0], network.widths[-1]) != (dataset.inputs, dataset.outputs):
        raise UsageError(
            f"a network from {network.widths[0]} inputs to {network.widths[-1]} outputs does not fit "
            f"{dataset.name} ({dataset.inputs} to {dataset.outputs})"
        )
    outputs = network.evaluate_scaled(x, 1 / dataset.divisor).astype(np.float64)
    targets = y if dataset.classes is None else np.eye(dataset.classes)[y]
    if loss == "squared":
        losses = ((outputs - targets) ** 2).sum(axis=1)
    else:
        shifted = outputs - outputs.max(axis=1, keepdims=True)
        losses = np.log(np.exp(shifted).sum(axis=1)) - (targets * shifted).sum(axis=1)
    confusion = None
    if dataset.classes is not None:
        pairs = y * dataset.classes + outputs.argmax(axis=1)
        confusion = np.bincount(pairs, minlength=dataset.classes**2).reshape(dataset.classes, dataset.classes)
    return Score(float(losses.mean()), len(x), confusion)
