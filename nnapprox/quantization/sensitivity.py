"""What an error in a layer's weights does to a network's outputs, measured on calibration inputs.

The mean squared error that E = Wq - W makes at the outputs is tr(G E H E^T), to second order: H is the mean of a a^T,
a the layer's inputs with 1 appended, and G that of J^T J, J the derivative of the outputs by the layer's values.
"""

from __future__ import annotations

import numpy as np

from nnapprox.activation import Activation
from nnapprox.network import Array, Network

PRIOR = 8
"""Samples that H is told besides those that are there."""


def with_ones(values: Array) -> Array:
    """Append the input of the biases."""
    return np.hstack([values, np.ones((len(values), 1))])


def moments(inputs: Array) -> Array:
    """H of inputs of shape (m, d) that hold their 1 already, as far as so few tell: see `cautious`."""
    return cautious(inputs.T @ inputs / len(inputs), np.count_nonzero(inputs, axis=0), len(inputs))


def cautious(gram: Array, seen: Array, count: int) -> Array:
    """H of m samples with its diagonal enlarged by what was seen too seldom to tell how large it is.

    An input that is not 0 in k of m samples counts as if it had been so in `PRIOR` more, each time alone: else its
    weights would be coarse, and the next sample in which it is not 0 would err by far more than all others. How large
    it is then is a mean over its own samples and `PRIOR` of those inputs that were seen as seldom, if at all; where
    there are none, what was never seen costs nothing.
    """
    sums = np.diag(gram) * count
    seldom = (seen > 0) & (seen <= PRIOR)
    typical = sums[seldom].sum() / max(1, seen[seldom].sum())
    return gram + np.diag(PRIOR / count * (sums + PRIOR * typical) / (seen + PRIOR))


def activate(activation: Activation, values: Array) -> Array:
    """The activation of float64 values."""
    match activation.name:
        case "identity":
            return values
        case "relu":
            return np.maximum(values, 0)
        case "leaky-relu":
            return np.where(values > 0, values, float(activation.slope or 0) * values)
        case "tanh":
            return np.tanh(values)
        case "sigmoid":
            return 0.5 + 0.5 * np.tanh(values / 2)
        case _:
            return activation.apply(values)


def derivative(activation: Activation, values: Array) -> Array:
    """The activation's derivative; a difference quotient where the kernels do not know the activation."""
    match activation.name:
        case "identity":
            return np.ones_like(values)
        case "relu":
            return (values > 0).astype(np.float64)
        case "leaky-relu":
            return np.where(values > 0, 1.0, float(activation.slope or 0))
        case "tanh":
            return 1 - np.tanh(values) ** 2
        case "sigmoid":
            return 0.25 * (1 - np.tanh(values / 2) ** 2)
        case _:
            width = 2.0**-16
            return (activation.apply(values + width) - activation.apply(values - width)) / (2 * width)


def preactivations(network: Network, x: Array) -> list[Array]:
    """The values of every affine map of a float64 network, before the activation, at points of shape (m, d)."""
    values, out = x, []
    for number, layer in enumerate(network.layers):
        if number:
            values = activate(network.activation, values)
        out.append(values @ layer.weight.T + layer.bias)
        values = out[-1]
    return out


def output_grams(network: Network, values: list[Array]) -> list[Array]:
    """G of every layer, shapes (out, out), of a float64 network with these preactivations."""
    grams = [np.zeros((layer.outputs, layer.outputs)) for layer in network.layers]
    grams[-1] = np.eye(network.widths[-1])
    slopes = [derivative(network.activation, v) for v in values[:-1]]
    for output in range(network.widths[-1]):
        cotangent = np.broadcast_to(network.layers[-1].weight[output], slopes[-1].shape) if slopes else None
        for number in range(len(slopes) - 1, -1, -1):
            cotangent = cotangent * slopes[number]
            grams[number] += cotangent.T @ cotangent / len(cotangent)
            if number:
                cotangent = cotangent @ network.layers[number].weight
    return grams


def upper_factor(gram: Array) -> Array:
    """The upper triangular B with gram = B B^T."""
    return np.ascontiguousarray(np.linalg.cholesky(gram[::-1, ::-1])[::-1, ::-1])


def damped(gram: Array, share: float = 1e-5) -> Array:
    """Positive definite, whatever the gram."""
    level = np.trace(gram) / len(gram)
    return gram + (share * level if level > 0 else 1.0) * np.eye(len(gram))


def water_filling_bits(grams: list[tuple[Array, Array, Array]], distortion: float) -> float:
    """Bits of independent Gaussian weights at a mean squared error of the outputs, by reverse water-filling.

    Every (G, H, W) has one component for each pair of eigenvalues, of the variance of the layer's weights. Shannon's
    formula (Cover and Thomas, theorem 10.3.3); a reference for the codec, not a bound.
    """
    powers = np.concatenate(
        [np.outer(np.linalg.eigvalsh(g), np.linalg.eigvalsh(h)).ravel().clip(0) * w.var() for g, h, w in grams]
    )
    powers = powers[powers > 0]
    if not len(powers) or distortion <= 0 or distortion >= powers.sum():
        return 0.0 if distortion > 0 else float("inf")
    low, high = 0.0, float(powers.max())
    for _ in range(100):
        level = (low + high) / 2
        low, high = (level, high) if np.minimum(powers, level).sum() < distortion else (low, level)
    return float(0.5 * np.log2(np.maximum(powers / high, 1)).sum())
