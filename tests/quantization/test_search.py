"""The compiled searches against their twins: where bits cost nothing both are plain arithmetic, in one order."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox import _coder
from nnapprox.quantization.sensitivity import damped, upper_factor
from tests.quantization import twins


def problem(seed, columns, scale, *, dead=False):
    rng = np.random.default_rng(seed)
    x = rng.normal(size=(2 * columns + 3, columns)) @ rng.normal(size=(columns, columns))
    if dead:
        x[:, rng.integers(columns)] = 0
    gram = np.ascontiguousarray(x.T @ x / len(x))
    return rng, gram, 2.0 ** rng.integers(-3, 4, size=columns), scale * rng.normal(size=(4, columns))


def coder(columns):
    found = _coder.Coder()
    found.begin(columns, 0)
    return found


ALONE = np.empty((24, 0), np.int32)
SIZES = st.tuples(st.integers(0, 2**32 - 1), st.integers(1, 24), st.sampled_from([0.1, 3.0, 1e4, 1e12]))


@settings(max_examples=60)
@given(SIZES)
def test_feed_back_is_its_twin(size):
    _, gram, steps, wanted = problem(*size)
    factor, columns = upper_factor(damped(gram)), wanted.shape[1]
    q, error, scratch = np.zeros(wanted.shape, np.int32), np.empty(columns), np.empty(columns)
    searched = coder(columns)
    for i, row in enumerate(wanted):
        searched.feed_back(q, i, row, steps, factor, 0.7, 0.0, error, scratch)
        expected, errors = twins.feed_back(row, steps, factor, 0.7)
        assert q[i].tolist() == expected
        assert error.tolist() == errors


@settings(max_examples=60)
@given(SIZES, st.booleans())
def test_descend_is_its_twin(size, dead):
    rng, gram, steps, values = problem(*size, dead=dead)
    columns = values.shape[1]
    q = rng.integers(-9, 10, size=values.shape, dtype=np.int32)
    searched = coder(columns)
    for i in range(len(q)):
        slope = 0.7 * (q[i] * steps - values[i]) @ gram
        expected, after = twins.descend(q[i].tolist(), steps, gram, 0.7, slope)
        before = q[i].copy()
        changed = searched.descend(q, i, steps, gram, 0.7, 0.0, slope, ALONE[:columns])
        assert q[i].tolist() == expected
        assert changed == np.count_nonzero(before != q[i])
        assert slope.tolist() == after


@pytest.mark.parametrize("value", [0.4, 7.0, -1e6])
def test_bits_that_cost_more_than_every_error_leave_zeros(value):
    q, steps, gram = np.full((3, 9), 5, np.int32), np.ones(9), np.eye(9)
    wanted = np.full(9, value)
    searched = coder(9)
    searched.feed_back(q, 0, wanted, steps, gram, 1.0, 1e30, np.empty(9), np.empty(9))
    searched.descend(q, 1, steps, gram, 1.0, 1e30, np.full(9, 5 - value), ALONE[:9])
    assert not q[:2].any()


def cost(row, wanted, steps, gram):
    error = row * steps - wanted
    return 0.7 * error @ gram @ error


@settings(max_examples=60)
@given(SIZES)
def test_moves_of_two_never_cost_more_and_keep_the_slope(size):
    rng, gram, steps, values = problem(*size)
    columns = values.shape[1]
    partners = np.array([[k if k > j else -1 for k in range(columns)] for j in range(columns)], np.int32)
    q = rng.integers(-9, 10, size=values.shape, dtype=np.int32)
    searched = coder(columns)
    for i, wanted in enumerate(values):
        slope = 0.7 * (q[i] * steps - wanted) @ gram
        before = cost(q[i], wanted, steps, gram)
        searched.descend(q, i, steps, gram, 0.7, 0.0, slope, partners)
        assert cost(q[i], wanted, steps, gram) <= before * (1 + 1e-9)
        again = 0.7 * (q[i] * steps - wanted) @ gram
        assert np.allclose(slope, again, rtol=1e-5, atol=1e-7 * (np.abs(gram) @ np.abs(wanted)).max())


def test_two_move_where_neither_would_alone():
    """In a valley along (1, -1) both (1, 0) and (0, 1) stay: only a common move leaves the wrong one."""
    gram, steps, wanted = np.array([[1.0, 0.999], [0.999, 1.0]]), np.ones(2), np.array([0.0, 1.0])
    q = np.array([[1, 0]], np.int32)
    partners = np.array([[1], [-1]], np.int32)
    for others, expected in ((ALONE[:2], [1, 0]), (partners, [0, 1])):
        found = q.copy()
        coder(2).descend(found, 0, steps, gram, 1.0, 0.0, (found[0] - wanted) @ gram, others)
        assert found[0].tolist() == expected
