"""Simplified networks: the same function, proved by a check of its own, and smaller where they can be."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox import Activation, Affine, Network
from nnapprox.certificate import certify
from nnapprox.errors import NnapproxError
from nnapprox.quantization.dead_neurons import dead_neurons
from nnapprox.quantization.same_function import Fate, prove
from nnapprox.quantization.simplify import simplify
from tests.strategies import SMALL_INTEGERS, networks

F = Fraction
DOMAIN = ((F(-1), F(2)),)


@given(networks(dtypes=("rational",), activations=("relu", "leaky-relu", "identity"), numbers=SMALL_INTEGERS))
def test_nothing_changes_anywhere(network):
    found = simplify(network)
    points = [[F(a, 3) * (-1) ** i + i for i in range(network.widths[0])] for a in range(-12, 13)]
    assert (found.network(points) == network(points)).all()
    assert found.network.neurons <= network.neurons
    assert simplify(found.network).network == found.network


@given(
    networks(dtypes=("rational",), activations=("relu", "leaky-relu"), numbers=SMALL_INTEGERS, inputs=st.integers(1, 2))
)
def test_nothing_changes_on_the_domain(network):
    domain = DOMAIN * network.widths[0]
    found = simplify(network, domain)
    assert certify(found.network, network, domain).value == 0
    assert not dead_neurons(found.network, domain) or min(found.network.widths) == 1


@given(networks(dtypes=("float32", "float64")), st.data())
def test_floats_stay_the_same_real_function(network, data):
    first, *others = network.layers
    twin = data.draw(st.sampled_from([1, 2, 0.5, 3]))
    doubled = Affine(np.vstack([first.weight, twin * first.weight]), np.concatenate([first.bias, twin * first.bias]))
    if not others:
        return
    second = Affine(np.hstack([others[0].weight, others[0].weight]), others[0].bias)
    wide = Network([doubled, second, *others[1:]], network.activation)
    found = simplify(wide).network
    assert found.dtype == network.dtype
    if network.activation.is_piecewise_linear:
        points = [[F(a, 3)] * network.widths[0] for a in range(-6, 7)]
        assert (found.astype("rational")(points) == wide.astype("rational")(points)).all()


def test_every_reason():
    # neurons: x, 2x (a multiple), the constant 3, unused, -x - 1 (dead on [0, 1])
    first = Affine([[1], [2], [0], [5], [-1]], [0, 0, 3, 1, -1])
    network = Network([first, Affine([[1, 1, 2, 0, 7]], [1])])
    found = simplify(network)
    assert found.removed == {"multiple": 1, "constant": 1, "unused": 1}
    assert found.network == Network([Affine([[1], [-1]], [0, -1]), Affine([[3, 7]], [7])])
    on_unit = simplify(network, ((F(0), F(1)),))
    assert on_unit.removed == {"multiple": 1, "constant": 1, "unused": 1, "dead": 1}
    assert on_unit.network == Network([Affine([[1]], [0]), Affine([[3]], [7])])


def test_neurons_that_only_feed_unused_ones_go_too():
    network = Network([Affine([[1], [2]], [0, 1]), Affine([[1, 0], [0, 1]], [0, 0]), Affine([[1, 0]], [0])])
    assert simplify(network).network.widths == (1, 1, 1, 1)


def test_a_constant_network_keeps_one_layer():
    network = Network([Affine([[1]], [0]), Affine([[0]], [2]), Affine([[3]], [1])])
    assert simplify(network).network == Network([Affine([[0]], [7])])


def test_constant_inputs_move_into_the_bias():
    network = Network([Affine([[1, 2]], [0]), Affine([[1]], [0])])
    found = simplify(network, ((F(0), F(1)), (F(3), F(3)))).network
    assert found == Network([Affine([[1, 0]], [6]), Affine([[1]], [0])])


def test_signs_count():
    network = Network([Affine([[1], [-1]], [0, 0]), Affine([[1, 2]], [0])])
    assert simplify(network).network == network
    tanh = Network(network.layers, "tanh")
    assert simplify(tanh).network.widths == (1, 1, 1)
    assert simplify(Network(network.layers, Activation("sigmoid"))).network.widths == (1, 2, 1)


def test_floats_that_would_be_rounded_stay():
    tiny = np.array([[1.0, 2.0**-60]])
    network = Network([Affine(np.ones((2, 1)), np.zeros(2)), Affine(tiny, np.zeros(1))])
    assert simplify(network).network == network
    assert simplify(network.astype("rational")).network.neurons == 1


def test_regions_find_what_intervals_overlook():
    # relu(relu(x) + relu(-x) - 1) on [-1, 1] is 0, but intervals only see that it is at most 1
    network = Network([Affine([[1], [-1]], [0, 0]), Affine([[1, 1]], [-1]), Affine([[1]], [0])])
    assert dead_neurons(network, ((F(-1), F(1)),)) == {(1, 0)}
    assert dead_neurons(network, ((F(-1), F(2)),)) == set()


def test_a_wrong_claim_is_not_proved():
    network = Network([Affine([[1], [2]], [0, 1]), Affine([[1, 1]], [0])])
    smaller = Network([Affine([[1]], [0]), Affine([[3]], [0])])
    with pytest.raises(NnapproxError, match="neuron 1 of layer 0"):
        prove(network, smaller, [[Fate(0, F(1), None)], [Fate(0, F(1), None), Fate(0, F(2), "multiple")]])
    with pytest.raises(NnapproxError, match="taken for unused"):
        prove(network, smaller, [[Fate(0, F(1), None)], [Fate(0, F(1), None), None]])
