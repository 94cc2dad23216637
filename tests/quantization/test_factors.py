import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox.quantization.factors import Factors


def grams(rng, size, rank):
    points = rng.normal(size=(rank, size))
    return points.T @ points / rank


@given(st.integers(0, 1000), st.integers(1, 8), st.integers(1, 8))
def test_the_error_of_a_product_is_told_by_the_singular_values_left_out(seed, outputs, inputs):
    rng = np.random.default_rng(seed)
    weight = rng.normal(size=(outputs, inputs))
    gram, outer = grams(rng, inputs, inputs + 3), grams(rng, outputs, outputs + 3)
    factors = Factors.of(weight, gram, outer)
    for rank in range(1, len(factors.squares) + 1):
        inner, last = factors.maps(rank)
        assert not last[:, -1].any()
        error = last[:, :-1] @ inner - weight
        cost = np.trace(outer @ error @ gram @ error.T)
        assert cost == pytest.approx(factors.squares[rank:].sum(), rel=1e-3, abs=1e-3 * factors.squares.sum())


def test_the_rank_is_the_least_that_leaves_out_no_more_than_it_may():
    factors = Factors(np.zeros((100, 4)), np.zeros((4, 90)), np.array([8.0, 4.0, 2.0, 1.0]))
    assert factors.rank(3.0) == 2
    assert factors.rank(2.9) == 3
    assert factors.rank(1e9) == 1
    assert factors.rank(0.0) == 4


def test_the_share_is_that_of_the_numbers_in_two_maps():
    factors = Factors(np.zeros((30, 4)), np.zeros((4, 20)), np.ones(4))
    for rank in (1, 3):
        inner, last = factors.maps(rank)
        assert factors.share(rank) == (inner.size + last[:, :-1].size) / 600


def test_directions_without_inputs_or_without_outputs_cost_nothing():
    rng = np.random.default_rng(0)
    weight = rng.normal(size=(6, 9))
    gram, outer = np.zeros((9, 9)), np.zeros((6, 6))
    gram[:2, :2], outer[:3, :3] = np.eye(2), np.eye(3)
    factors = Factors.of(weight, gram, outer)
    inner, last = factors.maps(2)
    assert np.allclose((last[:, :-1] @ inner)[:3, :2], weight[:3, :2], atol=1e-2)
