"""The kernels against their NumPy twins, for every dtype, activation, loss, depth and instruction set."""

import itertools

import numpy as np
import pytest

from nnapprox import Affine, Network
from nnapprox.activation import ACTIVATIONS, Activation
from nnapprox.dense import Layout, Samples
from nnapprox.errors import UsageError
from tests import reference

TOLERANCE = {"float32": 3e-5, "float64": 1e-12}
WIDTHS = [(7, 3), (1, 1), (5, 1, 1), (30, 20, 20, 10), (9, 33, 17, 40, 2), (40, 70, 140, 3), (3, 65, 300, 5)]
NARROW = [(9, 4, 3), (12, 8, 8, 8, 9), (8, 16, 13, 7), (11, 32, 25, 9), (11, 24, 25, 4), (30, 20, 20, 17), (6, 33, 5)]
"""On both sides of what the kernels take in one piece: hidden layers of one number of vectors, at most 4, then 2."""


def slope(activation):
    return float(Activation(activation).slope or 0)


def draw(widths, seed=0):
    rng = np.random.default_rng(seed)
    weights = [rng.normal(0, 1 / np.sqrt(a), (b, a)) for a, b in itertools.pairwise(widths)]
    return rng, weights, [rng.normal(0, 0.3, b) for b in widths[1:]]


def close(actual, expected, dtype, scale=1.0):
    np.testing.assert_allclose(actual, expected, rtol=0, atol=TOLERANCE[dtype] * scale)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("widths", WIDTHS, ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_forward_and_gradients(instruction_set, dtype, widths, activation):
    rng, weights, biases = draw(widths)
    network = Network(
        [Affine(w.astype(dtype), b.astype(dtype)) for w, b in zip(weights, biases, strict=True)], activation
    )
    x = (rng.normal(size=(6, widths[0])) * (rng.random((6, widths[0])) < 0.7)).astype(dtype)
    cotangents = rng.normal(size=(6, widths[-1])).astype(dtype)
    weights = [layer.weight.astype(float) for layer in network.layers]
    biases = [layer.bias.astype(float) for layer in network.layers]
    by_layers, by_inputs = network.gradients(x, cotangents)
    total_weights, total_biases = [0.0] * len(weights), [0.0] * len(weights)
    for point, cotangent, value, by_input in zip(x, cotangents, network(x), by_inputs, strict=True):
        sums, inputs = reference.forward(weights, biases, activation, slope(activation), point.astype(float))
        close(value, sums[-1], dtype)
        bw, bb, bx = reference.backward(weights, activation, slope(activation), sums, inputs, cotangent)
        close(by_input, bx, dtype)
        total_weights = [a + b for a, b in zip(total_weights, bw, strict=True)]
        total_biases = [a + b for a, b in zip(total_biases, bb, strict=True)]
    for layer, weight, bias in zip(by_layers, total_weights, total_biases, strict=True):
        close(layer.weight, weight, dtype, 10)
        close(layer.bias, bias, dtype, 10)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize(
    "widths", [(61, 20, 10), (64, 3), (61, 40, 5), (33, 9, 4), (48, 32, 7), (200, 25, 3), (148, 13, 12)], ids=str
)
@pytest.mark.parametrize("entries", ["bytes", "float"])
@pytest.mark.parametrize("density", [0.0, 0.1, 0.4, 0.9])
@pytest.mark.parametrize("count", [23, 70])
def test_batches_of_every_density(instruction_set, dtype, widths, entries, density, count):
    """Of narrow layers and many sparse samples, the kernels take four columns at a time, where AVX-512 is."""
    rng, weights, biases = draw(widths)
    network = Network([Affine(w.astype(dtype), b.astype(dtype)) for w, b in zip(weights, biases, strict=True)])
    x = rng.integers(1, 256, (count, widths[0])) * (rng.random((count, widths[0])) < density)
    x = x.astype(np.uint8) if entries == "bytes" else x.astype(dtype)
    expected = x.astype(float) / 255
    for index, layer in enumerate(network.layers):
        expected = (np.maximum(expected, 0) if index else expected) @ layer.weight.astype(float).T + layer.bias
    close(network.evaluate_scaled(x, 1 / 255), expected, dtype)
    if entries == "float":
        scaled = (x / 255).astype(dtype)
        close(network(scaled), expected, dtype)
        np.testing.assert_array_equal(network(scaled), network(scaled[::-1].copy())[::-1])


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("widths", [(45, 20, 32, 9), (40, 7), (83, 31, 1, 12)], ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_many_sparse_samples(instruction_set, dtype, widths, activation):
    """The kernels take 16 at a time from four places of the array, where AVX-512 is."""
    rng, weights, biases = draw(widths)
    network = Network(
        [Affine(w.astype(dtype), b.astype(dtype)) for w, b in zip(weights, biases, strict=True)], activation
    )
    x = (rng.normal(size=(131, widths[0])) * (rng.random((131, widths[0])) < 0.3)).astype(dtype)
    weights = [layer.weight.astype(float) for layer in network.layers]
    biases = [layer.bias.astype(float) for layer in network.layers]
    expected = [
        reference.forward(weights, biases, activation, slope(activation), point)[0][-1] for point in x.astype(float)
    ]
    for count in (64, 79, 131):
        close(network(x[:count]), expected[:count], dtype)


@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradients_are_the_limits_of_difference_quotients(activation):
    rng, weights, biases = draw((4, 6, 5, 2), seed=3)
    x, cotangent, h = rng.normal(size=(1, 4)), rng.normal(size=(1, 2)), 1e-6

    def value(weights, x):
        network = Network([Affine(w, b) for w, b in zip(weights, biases, strict=True)], activation)
        return (cotangent * network(x)).sum()

    network = Network([Affine(w, b) for w, b in zip(weights, biases, strict=True)], activation)
    by_layers, by_inputs = network.gradients(x, cotangent)
    for i in range(4):
        e = h * np.eye(4)[i]
        assert by_inputs[0, i] == pytest.approx((value(weights, x + e) - value(weights, x - e)) / (2 * h), abs=1e-7)
    for layer in range(3):
        for index in np.ndindex(weights[layer].shape):
            shifted = []
            for sign in (1, -1):
                moved = [w.copy() for w in weights]
                moved[layer][index] += sign * h
                shifted.append(value(moved, x))
            quotient = (shifted[0] - shifted[1]) / (2 * h)
            assert by_layers[layer].weight[index] == pytest.approx(quotient, abs=1e-7)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("widths", WIDTHS + NARROW, ids=str)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("loss", ["squared", "cross-entropy"])
@pytest.mark.parametrize("density", [0.2, 1.0])
def test_sgd(instruction_set, dtype, widths, activation, loss, density):
    check_sgd(dtype, widths, activation, loss, density, centre=False, entries="float", lists=density < 0.5)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("widths", [(61, 40, 5), (64, 20, 10), (33, 70, 9, 3)], ids=str)
@pytest.mark.parametrize("entries", ["bytes", "float"])
@pytest.mark.parametrize("density", [0.05, 0.2, 0.6])
@pytest.mark.parametrize("count", [1, 8, 43])
def test_sgd_at_samples_that_share_some_columns(instruction_set, dtype, widths, entries, density, count):
    """Eight steps together, in two groups: a column may be of the one, of the other, of both or of none."""
    check_sgd(dtype, widths, "relu", "squared", density, centre=False, entries=entries, lists=False, count=count)


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("entries", ["bytes", "float"])
@pytest.mark.parametrize("density", [0.2, 1.0])
def test_centred_sgd_is_sgd_on_centred_samples(instruction_set, dtype, entries, density):
    for lists in (False, True):
        check_sgd(dtype, (40, 20, 20, 10), "relu", "squared", density, centre=True, entries=entries, lists=lists)
        check_sgd(dtype, (40, 10), "relu", "cross-entropy", density, centre=True, entries=entries, lists=lists)


@pytest.mark.parametrize(("dtype", "more"), [("float32", 24), ("float64", 12)])
@pytest.mark.parametrize("widths", [(30, 20, 20, 4), (25, 7, 4), (40, 15, 16, 13, 3), (20, 32, 2)], ids=str)
@pytest.mark.parametrize("activation", ["relu", "tanh"])
def test_outputs_that_are_always_right_change_no_bit(instruction_set, dtype, more, widths, activation):
    """With three vectors of outputs, a network that the kernels take in one piece goes the way of all others.

    What has one vector is summed alike there; two are not.
    """
    if instruction_set == "baseline":
        pytest.skip("goes one way always")
    rng, weights, biases = draw(widths)
    x = rng.integers(1, 256, (12, widths[0])) * (rng.random((12, widths[0])) < 0.2)
    order, steps = rng.integers(0, 12, 50), rng.uniform(0.001, 0.01, 50)
    samples = Samples.prepare(
        x.astype(np.uint8), rng.integers(0, widths[-1], 12), 1 / 255, dtype, lists=True, centre=True
    )
    trained = []
    for outputs in (widths[-1], more):
        added = outputs - widths[-1]
        layout = Layout((*widths[:-1], outputs), dtype, activation)
        theta, average = layout.empty(), layout.empty()
        for layer, (weight, bias) in enumerate(zip(weights, biases, strict=True)):
            layout.rows(theta, layer)[: weight.shape[1], : len(bias)] = weight.T
            layout.rows(theta, layer)[weight.shape[1], : len(bias)] = bias
        targets = layout.pad(np.pad(np.eye(widths[-1]), ((0, 0), (0, added))))
        layout.sgd(theta, average, samples, targets, "squared", order, steps, np.arange(50.0))
        trained.append(
            [layout.rows(array, k)[:, :width] for array in (theta, average) for k, width in enumerate(widths[1:])]
        )
    for one, other in zip(*trained, strict=True):
        np.testing.assert_array_equal(one, other)


def check_sgd(dtype, widths, activation, loss, density, *, centre, entries, lists, count=45):
    rng, weights, biases = draw(widths)
    weights, biases = ([a.astype(dtype) for a in arrays] for arrays in (weights, biases))
    x = rng.integers(1, 256, (12, widths[0])) * (rng.random((12, widths[0])) < density)
    x = x.astype(np.uint8) if entries == "bytes" else (x / 255).astype(dtype)
    scale = 1 / 255 if entries == "bytes" else 1.0
    labels = rng.integers(0, widths[-1], 12)
    order, steps = rng.integers(0, 12, count), rng.uniform(0.001, 0.01, count)
    averaged = np.arange(float(count))

    layout = Layout(widths, dtype, activation, slope(activation))
    theta, average = layout.pack(weights, biases), layout.empty()
    samples = Samples.prepare(x, labels, scale, dtype, lists=lists, centre=centre)
    if centre:
        mean_row = layout.rows(theta, 0)
        mean_row[widths[0]] -= (mean_row[: widths[0]].T @ samples.mean).astype(dtype)
    targets = layout.pad(np.eye(widths[-1]))
    total = layout.sgd(theta, average, samples, targets, loss, order, steps, averaged)

    seen = x * scale - (samples.mean if centre else 0)
    path, expected = reference.sgd(
        weights, biases, activation, slope(activation), loss, seen[order], np.eye(widths[-1])[labels[order]], steps
    )
    assert total == pytest.approx(expected, rel=TOLERANCE[dtype] * 10)
    mean_path = tuple(
        [sum(parameters[kind][layer] for parameters in path) / count for layer in range(len(weights))]
        for kind in (0, 1)
    )
    for packed, (want_weights, biases_seen) in ((theta, path[-1]), (theta - average / count, mean_path)):
        want_biases = list(biases_seen)
        got = layout.unpack(packed)
        if centre:
            shift = layout.rows(packed, 0)[widths[0] + 1]
            square = samples.mean @ samples.mean
            got[0] = got[0][0] + np.outer(shift, samples.mean), got[0][1] - shift * square
            want_biases[0] = want_biases[0] - want_weights[0] @ samples.mean
        for (weight, bias), want_weight, want_bias in zip(got, want_weights, want_biases, strict=True):
            close(weight, want_weight, dtype, 5)
            close(bias, want_bias, dtype, 30 if centre else 5)


def test_an_instruction_set_that_is_not_there_is_refused(monkeypatch):
    monkeypatch.setenv("NNAPPROX_ISA", "avx9000")
    with pytest.raises(UsageError, match="NNAPPROX_ISA=avx9000"):
        Layout((2, 1), "float32", "relu")


@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 17, 36, 38])
@pytest.mark.parametrize(("count", "inputs"), [(3, 39), (64, 39), (65, 40)])
def test_points_that_are_not_finite(instruction_set, dtype, bad, place, count, inputs):
    _, weights, biases = draw((inputs, 4, 2))
    network = Network([Affine(w.astype(dtype), b.astype(dtype)) for w, b in zip(weights, biases, strict=True)])
    x = np.zeros((count, inputs), dtype)
    x[1, place] = bad
    with pytest.raises(UsageError, match="not finite"):
        network(x)
    with pytest.raises(UsageError, match="not finite"):
        network(x.tolist())
    x[1, place] = np.finfo(dtype).max / 100
    assert network(x).shape == (count, 2)
