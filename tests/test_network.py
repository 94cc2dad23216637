"""Exact evaluation of networks; how they evaluate in floating point is in test_dense.py."""

import copy
import pickle
from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox import Affine, Network
from nnapprox.errors import UsageError
from tests import line_reference as reference
from tests.strategies import LONG_RATIONALS, POINTS, piecewise_linear_networks


@given(piecewise_linear_networks(), st.data())
def test_values_are_exact(network, data):
    point = st.lists(POINTS | LONG_RATIONALS, min_size=network.widths[0], max_size=network.widths[0])
    points = data.draw(st.lists(point, min_size=1, max_size=4))
    found = network(np.array(points, dtype=object))
    assert found.shape == (len(points), network.widths[-1])
    assert [list(row) for row in found] == [reference.evaluate(network, x) for x in points]
    assert all(isinstance(value, Fraction) for value in found.flat)
    assert list(network(points[0])) == list(found[0])


@given(piecewise_linear_networks(dtypes=("float32", "float64")), st.data())
def test_floats_are_evaluated_exactly_as_the_rationals_they_are(network, data):
    number = st.floats(-100, 100)
    point = data.draw(st.lists(number, min_size=network.widths[0], max_size=network.widths[0]))
    exact = network.astype("rational")
    assert list(exact(np.array(point))) == reference.evaluate(exact, point)


@pytest.mark.parametrize("activation", ["relu", "leaky-relu", "identity", "euaf"])
def test_no_points_have_no_values(activation):
    network = Network([Affine([[1, 2]], [0]), Affine([[1], [3], [2]], [1, 1, 1])], activation)
    assert network(np.zeros((0, 2))).shape == (0, 3)


def test_the_deep_sawtooth_that_float64_cannot():
    middle = Affine([[2, -4], [2, -4]], [0, Fraction(-1, 2)])
    network = Network([Affine([[1], [1]], [0, Fraction(-1, 2)]), *[middle] * 59, Affine([[2, -4]], [0])])
    assert network([Fraction(1, 3)]) == [Fraction(2, 3)]
    assert network.astype("float64")([1 / 3]) != pytest.approx(2 / 3)


def test_a_wide_network_at_many_points():
    """Against float64, which is right to many digits here."""
    rng = np.random.default_rng(0)
    widths = [3, 60, 50, 40, 2]
    layers = [Affine(rng.normal(size=(b, a)) / 8, rng.normal(size=b)) for a, b in pairwise(widths)]
    network = Network(layers, "leaky-relu")
    points = rng.normal(size=(200, 3))
    exact = network.astype("rational")(points)
    assert np.allclose(exact.astype(float), network(points), rtol=1e-12, atol=1e-12)
    assert (exact[:3] == network.astype("rational")(points[:3])).all()


@pytest.mark.parametrize("values", [[2**63, -1], [2**64 + 1, -1], [2**63 + 1, Fraction(1, 2)], [2**63, 2**63]])
def test_large_integers_are_not_rounded(values):
    assert [list(row) for row in Affine([values], [0]).weight] == [values]


def test_numbers_of_other_kinds_are_refused():
    with pytest.raises(UsageError, match="float64 and object"):
        Affine([[0.5, 2**63]], [0])
    with pytest.raises(UsageError, match="not a finite number"):
        Affine([[float("nan"), Fraction(1)]], [0])


@pytest.mark.parametrize("activation", ["sigmoid", "tanh"])
def test_irrational_activations_have_no_exact_values(activation):
    with pytest.raises(UsageError, match="no exact value"):
        Network([Affine([[1]], [0]), Affine([[1]], [0])], activation)([1])


@given(piecewise_linear_networks(dtypes=("float32", "float64", "rational")))
def test_copies_of_networks_that_were_evaluated(network):
    point = np.zeros(network.widths[0], object if network.dtype == "rational" else network.dtype)
    values = network(point)
    for other in (pickle.loads(pickle.dumps(network)), copy.deepcopy(network)):
        assert other == network
        assert (other(point) == values).all()
        with pytest.raises(ValueError, match="read-only"):
            other.layers[0].weight[:] = 0
