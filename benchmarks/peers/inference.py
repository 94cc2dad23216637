"""Evaluation in other tools: each function takes weights, biases, inputs and a batch size, and gives a `run`.

A run returns the outputs for all inputs. Smaller batches keep hidden values in the caches; what is best depends on
the network, so that a benchmark tries several.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Run = Callable[[], Array]


def numpy_forward(weights: list[Array], biases: list[Array], x: Array, batch: int) -> Run:
    transposed = [np.ascontiguousarray(w.T) for w in weights]
    hidden = [np.empty((batch, len(b)), np.float32) for b in biases[:-1]]
    result = np.empty((len(x), len(biases[-1])), np.float32)

    def run():
        for first in range(0, len(x), batch):
            values, last = x[first : first + batch], result[first : first + batch]
            for w, b, room in zip(transposed[:-1], biases[:-1], hidden, strict=True):
                out = room[: len(values)]
                np.matmul(values, w, out=out)
                np.add(out, b, out=out)
                values = np.maximum(out, 0, out=out)
            np.matmul(values, transposed[-1], out=last)
            np.add(last, biases[-1], out=last)
        return result

    return run


def torch_forward(weights: list[Array], biases: list[Array], x: Array, batch: int) -> Run:
    import torch

    torch.set_num_threads(1)
    layers = [(torch.from_numpy(w.copy()), torch.from_numpy(b.copy())) for w, b in zip(weights, biases, strict=True)]
    images = torch.from_numpy(x)

    def run():
        with torch.inference_mode():
            outputs = []
            for values in images.split(batch):
                for w, b in layers[:-1]:
                    values = torch.nn.functional.linear(values, w, b).relu_()
                outputs.append(torch.nn.functional.linear(values, *layers[-1]))
            return torch.cat(outputs).numpy() if len(outputs) > 1 else outputs[0].numpy()

    return run


def jax_forward(weights: list[Array], biases: list[Array], x: Array, batch: int) -> Run:
    """One compiled program for all inputs: a batch smaller than that is not tried."""
    import jax

    @jax.jit
    def forward(values, layers):
        for w, b in layers[:-1]:
            values = jax.nn.relu(values @ w.T + b)
        return values @ layers[-1][0].T + layers[-1][1]

    layers = [(jax.numpy.asarray(w), jax.numpy.asarray(b)) for w, b in zip(weights, biases, strict=True)]
    images = jax.numpy.asarray(x[:batch])
    return lambda: np.asarray(forward(images, layers))
