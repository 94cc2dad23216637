"""Slow readable twins of the kernels, in plain NumPy, float64."""

import numpy as np

FUNCTIONS = {
    "identity": (lambda h, leak: h, lambda h, leak: np.ones_like(h)),
    "relu": (lambda h, leak: np.maximum(h, 0), lambda h, leak: (h > 0).astype(float)),
    "leaky-relu": (lambda h, leak: np.where(h > 0, h, leak * h), lambda h, leak: np.where(h > 0, 1.0, leak)),
    "sigmoid": (lambda h, leak: 1 / (1 + np.exp(-h)), lambda h, leak: np.exp(-h) / (1 + np.exp(-h)) ** 2),
    "tanh": (lambda h, leak: np.tanh(h), lambda h, leak: 1 - np.tanh(h) ** 2),
}


def forward(weights, biases, activation, leak, x):
    """All pre-activations and all layers' inputs at one point."""
    inputs, sums = [x], []
    for weight, bias in zip(weights, biases, strict=True):
        sums.append(weight @ inputs[-1] + bias)
        inputs.append(FUNCTIONS[activation][0](sums[-1], leak))
    return sums, inputs[:-1]


def backward(weights, activation, leak, sums, inputs, cotangent):
    """Gradients of <cotangent, f(x)> with respect to weights, biases and x."""
    by_weights, by_biases = [None] * len(weights), [None] * len(weights)
    signal = cotangent
    for layer in reversed(range(len(weights))):
        by_weights[layer], by_biases[layer] = np.outer(signal, inputs[layer]), signal
        signal = weights[layer].T @ signal
        if layer:
            signal = signal * FUNCTIONS[activation][1](sums[layer - 1], leak)
    return by_weights, by_biases, signal


def loss_and_gradient(loss, f, y):
    if loss == "squared":
        return ((f - y) ** 2).sum(), 2 * (f - y)
    shifted = f - f.max()
    logarithm = np.log(np.exp(shifted).sum())
    return y.sum() * logarithm - y @ shifted, y.sum() * np.exp(shifted - logarithm) - y


def sgd(weights, biases, activation, leak, loss, xs, ys, steps):
    """Per-sample SGD; returns the parameters after every step, and the sum of the losses met."""
    weights, biases = [w.astype(float) for w in weights], [b.astype(float) for b in biases]
    total, path = 0.0, []
    for x, y, step in zip(xs, ys, steps, strict=True):
        sums, inputs = forward(weights, biases, activation, leak, x)
        value, cotangent = loss_and_gradient(loss, sums[-1], y)
        total += value
        by_weights, by_biases, _ = backward(weights, activation, leak, sums, inputs, cotangent)
        weights = [w - step * g for w, g in zip(weights, by_weights, strict=True)]
        biases = [b - step * g for b, g in zip(biases, by_biases, strict=True)]
        path.append((weights, biases))
    return path, total
