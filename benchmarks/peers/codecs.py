"""Other ways to store a network in few bytes, without NNCodec: GPTQ with an entropy coder, and int8 with xz."""

import lzma
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from nnapprox import Affine, Network
from nnapprox.quantization.sensitivity import activate, damped, output_grams, preactivations, upper_factor

DAMPING = 1e-2
"""Of what is inverted, as its authors have it."""


def gptq(network: Network, x: NDArray[np.float64], step: float, seen: NDArray[np.bool_]) -> tuple[Network, float]:
    """Frantar et al. (2022): error feedback along the inputs of every row; gives the network and its bytes.

    Weights on inputs that are always 0 go, as `seen` says of those of the network. Layers have steps such that their
    errors count alike at the outputs. Bytes are those of the order-0 entropy of every layer's integers, the biases in
    float32 and the steps.
    """
    outers = output_grams(network, preactivations(network, x))
    layers, size, values = [], 0.0, x
    for number, (layer, outer) in enumerate(zip(network.layers, outers, strict=True)):
        values = activate(network.activation, values) if number else values
        gram = values.T @ values / len(values)
        used = np.diag(gram) > 0 if number else seen
        factor = upper_factor(damped(gram[np.ix_(used, used)], DAMPING))
        width = step / np.sqrt(np.diag(outer).mean()) / np.exp(np.log(np.diag(factor)).mean())
        weight = layer.weight[:, used]
        errors, q = np.zeros(weight.shape), np.zeros(weight.shape)
        for j in range(weight.shape[1]):
            target = weight[:, j] + errors[:, :j] @ factor[:j, j] / factor[j, j]
            q[:, j] = np.rint(target / width)
            errors[:, j] = weight[:, j] - q[:, j] * width
        rounded = np.zeros(layer.weight.shape)
        rounded[:, used] = q * width
        _, counts = np.unique(q, return_counts=True)
        size += -(counts * np.log2(counts / q.size)).sum() / 8 + 4 * len(q) + 4
        layers.append(Affine(rounded, layer.bias))
        values = values @ rounded.T + layer.bias
    return Network(layers, network.activation), size


def gptq_at(
    network: Network, x: NDArray[np.float64], seen: NDArray[np.bool_], measure: Callable[[Network], float], error: float
) -> tuple[float, float] | None:
    """The bytes and the error of the coarsest step that keeps an error; None if none does."""
    low, high, best = 1e-7, 10.0, None
    for _ in range(12):
        step = float(np.sqrt(low * high))
        quantised, size = gptq(network, x, step, seen)
        if (found := measure(quantised)) <= error:
            low, best = step, (size, found)
        else:
            high = step
    return best


def int8(network: Network) -> tuple[Network, int]:
    """One scale a row, xz; gives the network and its bytes."""
    parts, layers = [], []
    for layer in network.layers:
        scale = np.maximum(np.abs(layer.weight).max(axis=1, keepdims=True), 1e-30) / 127
        q = np.rint(layer.weight / scale).astype(np.int8)
        parts += [q.tobytes(), scale.astype("f4").tobytes(), layer.bias.astype("f4").tobytes()]
        layers.append(Affine(q * scale, layer.bias))
    return Network(layers, network.activation), len(lzma.compress(b"".join(parts), preset=9))
