"""Dense maps as short convolutions."""

from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox import calculus, constructions
from nnapprox.constructions.toeplitz import certify_linear, convolution_network, short_filters
from nnapprox.errors import NnapproxError, UsageError
from nnapprox.network import Affine, Network

SEVEN = "1,-2,3,5,-1,4,2"


def build(weights=SEVEN, rows=1):
    return constructions.build("toeplitz", weights=weights, rows=rows)


def test_a_filter_of_length_seven():
    weights = np.random.default_rng(0).normal(size=7)
    filters = short_filters(list(weights))
    assert [len(short) for short in filters] == [3, 3, 3]
    product = np.array([1.0])
    for short in filters:
        product = np.convolve(product, [float(weight) for weight in short])
    assert np.abs(weights[-1] * product - weights).max() < 7e-15


@pytest.mark.parametrize(("length", "count"), [(1, 0), (2, 1), (3, 1), (4, 2), (7, 3), (8, 4)])
def test_how_many_filters(length, count):
    made = build(",".join(["1"] * length))
    assert made.notes["filters"] == count
    assert made.network.depth == count + 1


def test_layers_are_convolutions():
    for layer in build().network.layers[:-1]:
        short = layer.weight[:3, 0]
        for column in range(layer.inputs):
            assert list(layer.weight[column : column + 3, column]) == list(short)
            assert np.count_nonzero(layer.weight[:, column]) == np.count_nonzero(short)


@given(data=st.data())
def test_errors_are_certified_exactly(data):
    rows, inputs = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 4))
    weights = data.draw(st.lists(st.integers(-9, 9), min_size=rows * inputs, max_size=rows * inputs).filter(any))
    made = build(tuple(map(Fraction, weights)), rows)
    matrix = np.array(weights, dtype=object).reshape(rows, inputs)
    point = data.draw(st.lists(st.fractions(-1, 1, max_denominator=9), min_size=inputs, max_size=inputs))
    error = np.abs(made.network(point) - matrix @ np.array(point, dtype=object)).max()
    assert error <= made.certificate.upper < Fraction(1, 10**6)
    corner = np.array(made.certificate.argmax, dtype=object)
    assert np.abs(made.network(corner) - matrix @ corner).max() == made.certificate.upper


def test_a_long_filter():
    weights = np.random.default_rng(0).integers(-99, 100, 60)
    made = build(tuple(Fraction(int(w)) for w in weights), 5)
    assert made.notes["filters"] == 30
    assert made.certificate.upper < Fraction(1, 10**8)


def test_targets():
    assert str(build("1,-2").target) != ""
    assert build("1,-2").target.at([Fraction(1), Fraction(1, 4)]) == Fraction(1, 2)
    assert build("1,-2", 2).target.layers == calculus.affine([[1], [-2]]).layers


def test_a_neuron_that_rests_is_seen():
    network = convolution_network(np.array([[1, 2, 3]], dtype=object))
    first, *others = network.layers
    lowered = Network([Affine(first.weight, first.bias - 1), *others])
    with pytest.raises(NnapproxError, match="layer 1 is not active"):
        certify_linear(lowered, np.array([[1, 2, 3]], dtype=object))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"weights": "0,0"}, "all zero"),
        ({"weights": "1,2,3", "rows": 2}, "not 2 rows"),
        ({"rows": 0}, "--rows must be at least 1"),
        ({"weights": "1,a"}, "--weights"),
        ({"weights": ",".join(["1"] * 200)}, "at most 128"),
        ({"weights": ""}, "--weights"),
        ({"weights": "1e400,1"}, "float64"),
    ],
)
def test_bad_input(options, message):
    with pytest.raises(UsageError, match=message):
        build(**options)
