"""Samples of a function."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest

from nnapprox.datasets import sample_function
from nnapprox.errors import UsageError

UNIT = ((Fraction(0), Fraction(1)),)


def square(points):
    return (points**2).sum(axis=1)


def seed(number=0):
    return np.random.SeedSequence(number)


def test_samples_are_uniform_points_with_their_values():
    data = sample_function(
        "x^2 + y^2", square, ((Fraction(-1), Fraction(1, 3)), (Fraction(2), Fraction(5))), 20_000, seed()
    )
    assert (data.name, data.inputs, data.outputs, data.classes, data.divisor) == ("x^2 + y^2", 2, 1, None, 1)
    assert (data.x_train.shape, data.y_train.shape, data.x_test.shape) == ((20_000, 2), (20_000, 1), (4_000, 2))
    np.testing.assert_array_equal(data.y_train[:, 0], square(data.x_train))
    np.testing.assert_array_equal(data.y_test[:, 0], square(data.x_test))
    assert (data.x_train.min(axis=0) >= [-1, 2]).all()
    assert (data.x_train.max(axis=0) <= [1 / 3, 5]).all()
    np.testing.assert_allclose(data.x_train.mean(axis=0), [-1 / 3, 3.5], atol=0.03)
    np.testing.assert_allclose(data.x_train.std(axis=0), np.array([4 / 3, 3]) / np.sqrt(12), rtol=0.02)
    assert not set(data.x_train[:, 0]) & set(data.x_test[:, 0])


def test_a_seed_draws_the_same_samples_every_time():
    first, again, other = (sample_function("f", square, UNIT, 50, seed(number)) for number in (1, 1, 2))
    assert first.fingerprint == again.fingerprint != other.fingerprint


def test_one_sample_is_enough():
    data = sample_function("f", square, UNIT, 1, seed())
    assert (len(data.x_train), len(data.x_test)) == (1, 1)


@pytest.mark.parametrize(
    ("samples", "domain", "message"),
    [
        (0, UNIT, "at least 1, not 0"),
        (-5, UNIT, "at least 1, not -5"),
        (10**12, UNIT, "do not fit the memory"),
        (10**6, UNIT * 1000, "do not fit the memory"),
        (9, ((Fraction(0), Fraction(10) ** 400),), "too large or too small"),
        (9, ((-(Fraction(10) ** 308), Fraction(10) ** 308),), "too large or too small"),
        (9, ((Fraction(1), 1 + Fraction(1, 10**30)),), "too large or too small"),
    ],
)
def test_bad_arguments_are_refused_before_anything_is_evaluated(samples, domain, message):
    def never(points):
        raise AssertionError("evaluated")

    with pytest.raises(UsageError, match=message):
        sample_function("f", never, domain, samples, seed())


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite_are_refused(value):
    with pytest.raises(UsageError, match=r"^f has no finite value in floating point at 0\.[0-9]+: take a domain"):
        sample_function("f", lambda points: np.where(points[:, 0] > 0.5, value, 0), UNIT, 100, seed())
