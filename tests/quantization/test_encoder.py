import itertools

import numpy as np
import pytest

from nnapprox import Activation, Affine, Network
from nnapprox.errors import UsageError
from nnapprox.files import nnq
from nnapprox.quantization import curve, sensitivity
from nnapprox.quantization.distance import relative_error
from nnapprox.quantization.encoder import Quantizer


def network(*widths, activation="relu", dtype="float32", seed=0):
    rng = np.random.default_rng(seed)
    pairs = itertools.pairwise(widths)
    return Network(
        [
            Affine((rng.normal(size=(b, a)) / np.sqrt(a)).astype(dtype), rng.normal(size=b).astype(dtype))
            for a, b in pairs
        ],
        activation,
    )


@pytest.mark.parametrize("activation", ["identity", "relu", Activation("leaky-relu", "1/3"), "sigmoid", "tanh", "euaf"])
@pytest.mark.parametrize("widths", [(5, 9, 4, 2), (1, 1), (3, 1, 1), (1, 6, 3)])
def test_every_network_meets_an_error(activation, widths):
    net = network(*widths, activation=activation, dtype="float64")
    x = np.random.default_rng(1).random((300, widths[0]))
    point = curve.at_error(Quantizer(net, x), 0.01)
    decoded = nnq.from_bytes(point.content).network()
    assert relative_error(decoded, net(x), x) <= 0.01 + 1e-9
    assert decoded.widths == net.widths


def test_the_predicted_error_is_that_of_the_file_and_runs_are_the_same():
    net = network(20, 15, 10, 4)
    x = np.random.default_rng(1).normal(size=(2000, 20))
    quantizer = Quantizer(net, x)
    first, second = quantizer.quantize(0.02), quantizer.quantize(0.02)
    assert nnq.to_bytes(first.encoded) == nnq.to_bytes(second.encoded)
    assert first.predicted == pytest.approx(first.measured, rel=0.35)
    decoded = nnq.from_bytes(nnq.to_bytes(first.encoded)).network()
    assert relative_error(decoded, net.astype("float64")(x), x) == pytest.approx(first.measured, rel=1e-4)


def test_inputs_that_are_always_zero_cost_nothing():
    x = np.random.default_rng(1).random((500, 40))
    x[:, 10:30] = 0
    attempt = Quantizer(network(40, 8, 2), x).quantize(0.01)
    assert not attempt.encoded.maps[0].integers[:, 10:30].any()


def test_a_constant_network_and_a_zero_one():
    zero = Network([Affine(np.zeros((3, 2)), np.zeros(3)), Affine(np.zeros((1, 3)), np.zeros(1))])
    point = curve.at_error(Quantizer(zero, np.ones((10, 2))), 0.01)
    assert nnq.from_bytes(point.content).network()(np.ones(2)) == [0]


@pytest.mark.parametrize("scale", [1e160, 1e300])
def test_values_whose_squares_overflow_are_refused(scale):
    net = network(4, 6, 3, dtype="float64")
    huge = Network([Affine(scale * layer.weight, layer.bias) for layer in net.layers[:1]] + [net.layers[1]], "relu")
    with pytest.raises(UsageError, match="values overflow"):
        Quantizer(huge, np.ones((10, 4)))


def test_a_size_is_kept():
    quantizer = Quantizer(network(30, 30, 5), np.random.default_rng(1).normal(size=(500, 30)))
    assert len(curve.at_bytes(quantizer, 700).content) <= 700


def test_grams_are_those_of_finite_differences():
    net = network(4, 5, 3, activation="tanh", dtype="float64")
    x = np.random.default_rng(1).normal(size=(50, 4))
    gram = sensitivity.output_grams(net, sensitivity.preactivations(net, x))[0]
    found = np.zeros((5, 5))
    for point in x:
        before = net.layers[0].weight @ point + net.layers[0].bias
        tail = Network([Affine(np.eye(5), np.zeros(5)), net.layers[1]], "tanh")
        jacobian = np.column_stack([(tail(before + h) - tail(before - h)) / 2e-6 for h in 1e-6 * np.eye(5)])
        found += jacobian.T @ jacobian / len(x)
    assert np.allclose(gram, found, rtol=1e-6, atol=1e-8)


def test_water_filling_of_one_component():
    bits = sensitivity.water_filling_bits([(np.eye(1), np.eye(1), np.array([[-1.0, 1.0]]))], 1 / 16)
    assert bits == pytest.approx(2.0)


def low_rank_network():
    """A wide layer that is nearly of rank 3, as training makes them from small weights."""
    rng = np.random.default_rng(3)
    weight = rng.normal(size=(60, 3)) @ rng.normal(size=(3, 80)) / 20 + 0.002 * rng.normal(size=(60, 80))
    return Network(
        [Affine(weight, 0.1 * rng.normal(size=60)), Affine(rng.normal(size=(4, 60)) / 8, rng.normal(size=4))], "relu"
    )


def test_products_stand_for_layers_of_low_rank_and_are_smaller():
    net = low_rank_network()
    quantizer = Quantizer(net, np.random.default_rng(4).random((1500, 80)))
    point = curve.at_error(quantizer, 0.05)
    assert point.attempt.ranks
    assert point.attempt.encoded.joints == (0,)
    decoded = nnq.from_bytes(point.content).network()
    assert decoded.widths == net.widths
    assert relative_error(decoded, net(quantizer.x), quantizer.x) <= 0.05 + 1e-9
    whole = quantizer.quantize(point.attempt.step)
    while whole.measured > 0.05:
        whole = quantizer.quantize(whole.step / 1.05)
    assert len(point.content) < 0.8 * len(nnq.to_bytes(whole.encoded))


@pytest.mark.parametrize("search", ["bytes", "accuracy"])
def test_products_serve_sizes_and_accuracies_too(search):
    net = low_rank_network()
    quantizer = Quantizer(net, np.random.default_rng(4).random((1500, 80)))
    if search == "bytes":
        point = curve.at_bytes(quantizer, 700)
        assert len(point.content) <= 700
    else:
        wanted = net(quantizer.x).argmax(axis=1)
        point = curve.at_accuracy(quantizer, lambda n: np.mean(n(quantizer.x).argmax(axis=1) == wanted) >= 0.97)
    assert point.attempt.encoded.joints == (0,)


def test_what_stays_whole_is_the_small_and_the_exact():
    quantizer = Quantizer(network(20, 20, 10), np.random.default_rng(1).random((500, 20)))
    assert quantizer.ranks(1e-3) == quantizer.products(1e-3)[0] == ()
    assert quantizer.weights(()) == 20 * 21 + 10 * 21
    assert quantizer.weights((3, 0)) == 3 * 21 + 20 * 4 + 10 * 21


def test_products_are_added_from_the_smallest_on():
    rng = np.random.default_rng(3)

    def layer(outputs, inputs, rank):
        weight = rng.normal(size=(outputs, rank)) @ rng.normal(size=(rank, inputs)) / np.sqrt(inputs * rank)
        return Affine(weight, rng.normal(size=outputs))

    net = Network([layer(40, 60, 12), layer(40, 40, 2), layer(30, 40, 30)], "relu")
    quantizer = Quantizer(net, rng.normal(size=(1500, 60)))
    none, one, two = quantizer.products(1e-6)
    assert none == ()
    assert one[1] <= two[1] <= 3 < 12 <= two[0] <= 13
    assert (one[0], one[2], two[2]) == (0, 0, 0)
    assert quantizer.ranks(1e-6) == one


def test_where_products_cannot_keep_an_error_layers_stay_whole(monkeypatch):
    quantizer = Quantizer(low_rank_network(), np.random.default_rng(4).random((1500, 80)))
    monkeypatch.setattr(Quantizer, "_products", lambda self, error, most: [(), (1, 0)])
    point = curve.at_error(quantizer, 0.02)
    assert point.attempt.measured <= 0.02
    assert point.attempt.encoded.joints == ()
