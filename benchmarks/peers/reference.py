"""Per-sample SGD in float64 NumPy, as it is written on paper: what everyone is checked against."""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

Array = NDArray[Any]
Parameters = tuple[list[Array], list[Array]]
"""Weights of shape (out, in), and biases."""
Peer = tuple[Callable[[Array], None], Callable[[], Parameters]]
"""`run`, which takes a step at every sample of an order, and `parameters`, which gives the present ones."""


def train(
    weights: list[Array], biases: list[Array], x: Array, labels: Array, step: float, order: Array, mean: ArrayLike = 0.0
) -> Parameters:
    """Weights and biases after a step at every sample of `order`, the network seeing x minus `mean`.

    They come back as those of a network that sees x itself.
    """
    weights, biases = [w.astype(np.float64) for w in weights], [b.astype(np.float64) for b in biases]
    last = len(weights) - 1
    for i in order:
        inputs = [x[i] - np.float64(mean)]
        for k, (w, b) in enumerate(zip(weights, biases, strict=True)):
            h = w @ inputs[-1] + b
            inputs.append(np.maximum(h, 0) if k < last else h)
        signal = 2 * (inputs[-1] - np.eye(len(biases[last]))[labels[i]])
        for k in range(last, -1, -1):
            below = (weights[k].T @ signal) * (inputs[k] > 0)
            weights[k] -= step * np.outer(signal, inputs[k])
            biases[k] -= step * signal
            signal = below
    biases[0] -= weights[0] @ np.broadcast_to(mean, weights[0].shape[1])
    return weights, biases
