"""Doubles count the pieces of a line as integers do, or leave it to them."""

from fractions import Fraction as F
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox import Affine, Network
from nnapprox.activation import Activation
from nnapprox.exact import dyadic_rows
from nnapprox.regions.count import counts, slice_counts
from nnapprox.regions.line import line_pieces
from nnapprox.regions.line_filter import count_in_doubles
from nnapprox.regions.slices import restrict

ENDS = (F(-2), F(7, 3))


def normal(widths, seed, activation="relu", scale=1.0, dtype=np.float32):
    generator = np.random.default_rng(seed)
    layers = [
        Affine(
            (scale * generator.normal(size=(m, n)) * np.sqrt(2 / n)).astype(dtype),
            (0.3 * generator.normal(size=m)).astype(dtype),
        )
        for n, m in pairwise(widths)
    ]
    return Network(layers, activation)


def in_doubles(network, ends=ENDS, **options):
    first = network.layers[0]
    return count_in_doubles(
        dyadic_rows(first.weight, first.bias, 1), network.layers[1:], network.negative_slope, ends, **options
    )


def numbers(count):
    return count.activation_regions, count.linear_regions, count.distinct_affine_maps


def in_integers(network, ends=ENDS):
    pieces = line_pieces(network, *ends)
    return pieces.activation_regions, pieces.linear_regions, pieces.distinct_affine_maps


@given(
    st.lists(st.integers(1, 12), min_size=1, max_size=4),
    st.integers(0, 10**6),
    st.sampled_from(["relu", "leaky-relu", Activation("leaky-relu", F(-1, 3)), Activation("leaky-relu", 3)]),
    st.sampled_from([1.0, 1e-6, 1e6]),
    st.sampled_from([np.float32, np.float64]),
)
@settings(max_examples=150)
def test_what_doubles_decide_is_right(hidden, seed, activation, scale, dtype):
    network = normal([1, *hidden, 2], seed, activation, scale, dtype)
    expected = in_integers(network)
    for options in ({}, {"activation_only": True}):
        found = in_doubles(network, **options)
        if found:
            assert numbers(found)[: 1 if options else 3] == expected[: 1 if options else 3]
            assert (found.exact_fallbacks, found.complete) == (0, True)
    *_, last = counts(network, [ENDS])
    assert numbers(last) == expected


@pytest.mark.parametrize("seed", range(5))
def test_doubles_decide_generic_leaky_networks(seed):
    found = in_doubles(normal([1, 40, 30, 3], seed, "leaky-relu"))
    assert found
    assert found.activation_regions > 30


@pytest.mark.parametrize("ulps", range(-3, 4))
@pytest.mark.parametrize("deep", [False, True])
def test_neurons_that_nearly_meet(ulps, deep):
    """Two kinks apart by some last places, or none: they are two, or one."""
    near = 1 / 3
    for _ in range(abs(ulps)):
        near = np.nextafter(near, np.inf * ulps)
    first = [Affine([[1.0], [1.0]], [2.0, 3.0]), Affine([[1.0, 0.0], [0.0, 1.0]], [-2.0, -3.0])] if deep else []
    start = [] if deep else [Affine([[1.0], [1.0]], [-1 / 3, -near])]
    middle = [Affine([[1.0, 0.0], [0.0, 1.0]], [-1 / 3, -near])] if deep else []
    network = Network([*first, *start, *middle, Affine([[1.0, 3.0]], [0.0])], "leaky-relu")
    *_, last = counts(network, [(F(-1), F(1))])
    assert numbers(last) == in_integers(network, (F(-1), F(1)))
    assert last.activation_regions == 2 + bool(ulps) + deep


@pytest.mark.parametrize(
    ("weight", "bias"),
    [(0.0, 0.0), (1.0, 2.0), (1e-200, 1e-200), (1e300, 1e300), (1.0, 1e308), (5e-324, 5e-324), (2.0**-1074, 0.0)],
)
def test_extreme_numbers_and_kinks_at_the_ends(weight, bias):
    network = Network([Affine([[weight]], [bias]), Affine([[weight]], [bias]), Affine([[1.0]], [0.0])], "leaky-relu")
    for ends in (ENDS, (F(0), F(1)), (F(-1), F(10) ** 400)):
        *_, last = counts(network, [ends])
        assert numbers(last) == in_integers(network, ends)


def test_equal_maps_are_left_to_integers():
    network = Network([Affine([[1.0], [1.0]], [0.0, -1.0]), Affine([[1.0, -1.0]], [0.0])])
    assert in_doubles(network, (F(-3, 2), F(7, 3))) is None
    *_, last = counts(network, [(F(-3, 2), F(7, 3))])
    assert numbers(last) == (3, 3, 3)


@pytest.mark.parametrize("seed", range(6))
def test_a_line_through_many_inputs(seed):
    network = normal([50, 30, 20, 3], seed, ["relu", "leaky-relu"][seed % 2])
    generator = np.random.default_rng(seed)
    points = [[F(int(n), 255) for n in generator.integers(0, 256, 50)] for _ in range(2)]
    ends = (F(-1, 2), F(3, 2))
    *_, last = slice_counts(network, points, [ends])
    assert numbers(last) == in_integers(restrict(network, points), ends)
