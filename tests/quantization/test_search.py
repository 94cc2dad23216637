"""The compiled search against its twin, and against all paths there are: where bits cost nothing all is arithmetic."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox import _coder
from nnapprox.quantization.sensitivity import damped, upper_factor
from tests.quantization import twins

SIZES = st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 24), st.sampled_from([0.1, 3.0, 1e4]))


def problem(seed, columns, scale):
    """Wanted rows, steps, couplings, and weights of squared errors in steps."""
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2 * columns + 3, columns)) @ rng.normal(size=(columns, columns))
    factor, steps = upper_factor(damped(x.T @ x / len(x))), 2.0 ** rng.integers(-3, 4, size=columns)
    sizes = np.diag(factor)
    weights = (sizes * steps) ** 2 * rng.integers(0, 4, size=columns)
    return scale * rng.normal(size=(3, columns)), steps, np.ascontiguousarray((factor / sizes).T), weights


def searched(wanted, steps, couplings, weights, rate=0.0, slack=math.inf):
    coder, q = _coder.Coder(), np.full(wanted.shape, 7, np.int32)
    coder.begin(wanted.shape[1], 0, trellis=True)
    paths = _coder.Paths(wanted.shape[1])
    for i, row in enumerate(wanted):
        coder.search(q, i, row, steps, couplings, weights, rate, slack, paths)
    return q


def cost(row, wanted, steps, couplings, weights):
    errors = wanted - row * steps
    targets = (wanted + np.tril(couplings, -1) @ errors) / steps
    return float(weights @ (row - targets) ** 2)


@settings(max_examples=60)
@given(SIZES)
def test_the_search_is_its_twin(size):
    wanted, *rest = problem(*size)
    for found, row in zip(searched(wanted, *rest), wanted, strict=True):
        expected = twins.search(row, *rest)
        assert found.tolist() == expected.row
        assert cost(found, row, *rest) == pytest.approx(expected.cost, rel=1e-6)


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.integers(1, 4))
def test_without_couplings_no_path_is_better(seed, columns):
    rng = np.random.default_rng(seed)
    wanted, weights, alone = rng.uniform(-3, 3, size=(2, columns)), rng.random(columns), np.eye(columns)
    rest = np.ones(columns), alone, weights
    for found, row in zip(searched(wanted, *rest), wanted, strict=True):
        every = filter(twins.follows, itertools.product(range(-6, 7), repeat=columns))
        assert cost(found, row, *rest) == pytest.approx(min(cost(np.array(path), row, *rest) for path in every))


def test_the_trellis_is_worth_what_the_literature_says():
    """32 states take about 1.2 dB off the error of uniform noise, of the 1.53 that no code exceeds."""
    wanted = np.random.default_rng(0).uniform(-100, 100, size=(20, 1000))
    q = searched(wanted, np.ones(1000), np.eye(1000), np.ones(1000))
    gain = -10 * np.log10(np.mean((q - wanted) ** 2) / (2**2 / 12))
    assert 1.15 < gain < 1.25


def test_wide_rows_follow_the_trellis_and_cost_about_as_little():
    """Their first entries are decided before their last ones are seen; without slack only the cheapest path is."""
    wanted, *rest = problem(1, 300, 3.0)
    found, greedy = searched(wanted, *rest), searched(wanted, *rest, slack=0.0)
    assert all(map(twins.follows, (*found, *greedy)))
    for row, lazy, own in zip(found, greedy, wanted, strict=True):
        least = twins.search(own, *rest).cost
        assert cost(row, own, *rest) < 1.02 * least
        assert cost(lazy, own, *rest) > 1.1 * least


@pytest.mark.parametrize("value", [0.4, 7.0, -1e6, 1e300])
def test_bits_that_cost_more_than_every_error_leave_zeros(value):
    assert not searched(np.full((3, 9), value), np.ones(9), np.eye(9), np.full(9, 1e-30), 1e30).any()


def test_what_bits_cost_makes_entries_smaller():
    wanted, *rest = problem(2, 24, 3.0)
    sizes = [np.abs(searched(wanted, *rest, rate, 12 * rate)).sum() for rate in (0.1, 1.0, 10.0, 100.0)]
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1]


@pytest.mark.parametrize("rate", [math.inf, math.nan])
def test_costs_that_are_no_numbers_crash_nothing(rate):
    assert not searched(np.ones((3, 200)), np.ones(200), np.eye(200), np.full(200, math.inf), rate).any()


def test_what_is_out_of_range_is_clipped():
    q = searched(np.array([[1e300, -1e300, 0.0]]), np.ones(3), np.eye(3), np.ones(3))
    assert q[0, :2].tolist() == [2**30, -(2**30)]
    assert twins.follows(q[0])
