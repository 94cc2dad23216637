"""What an encoder learns from and decides on: never the same inputs, and nothing that so few cannot tell."""

import itertools

import numpy as np
import pytest

from nnapprox import Affine, Network
from nnapprox.datasets.dataset import Dataset
from nnapprox.quantization import calibration, curve, sensitivity
from nnapprox.quantization.distance import relative_error
from nnapprox.quantization.encoder import Quantizer


def data(count, inputs=3):
    x = np.arange(count * inputs, dtype=np.float32).reshape(count, inputs)
    y = np.zeros((count, 1), np.float32)
    return Dataset.from_arrays("d", {"x_train": x, "y_train": y, "x_test": x[:1], "y_test": y[:1]})


def network(*widths, seed=0):
    rng = np.random.default_rng(seed)
    return Network([Affine(rng.normal(size=(b, a)), rng.normal(size=b)) for a, b in itertools.pairwise(widths)])


@pytest.mark.parametrize("count", [2, 16, 100, 1001])
def test_few_test_inputs_do_not_decide_alone(count):
    found = calibration.of_dataset(network(3, 1), data(count))
    tests, held = found.deciding
    learnt, held = ({tuple(row) for row in rows} for rows in (found.learnt, held))
    assert np.array_equal(tests, found.measured)
    assert len(learnt | held) == count
    assert not learnt & held or count < 4
    ones = np.column_stack([found.learnt, np.ones(len(found.learnt))])
    assert np.allclose(found.gram, sensitivity.moments(ones))


def test_many_test_inputs_decide_and_nothing_is_learnt_from_them():
    few, many = data(100), data(calibration.ENOUGH)
    arrays = {"x_train": few.x_train, "y_train": few.y_train, "x_test": -many.x_train, "y_test": many.y_train}
    found = calibration.of_dataset(network(3, 1), Dataset.from_arrays("d", arrays))
    (decided,) = found.deciding
    assert np.array_equal(decided, -many.x_train)
    assert np.array_equal(found.learnt, few.x_train)


def test_what_is_seen_seldom_counts_for_more_than_it_was_seen():
    seen = np.array([1000, 2, 1, 0])
    sums = np.array([500.0, 1.0, 0.5, 0.0])
    found = np.diag(sensitivity.cautious(np.diag(sums / 1000), seen, 1000)) * 1000
    prior, typical = sensitivity.PRIOR, 1.5 / 3
    assert found == pytest.approx(sums + prior * (sums + prior * typical) / (seen + prior))
    assert found[3] > 0
    assert sensitivity.cautious(np.zeros((1, 1)), np.array([0]), 9) == 0


def test_an_error_is_kept_on_inputs_that_were_never_seen():
    """A tenth of the inputs is almost always 0: in 400 samples, many of them never were anything else."""
    rng = np.random.default_rng(0)
    chance = np.where(np.arange(60) < 6, 0.005, 0.5)

    def draw(count):
        return rng.random((count, 60)) * (rng.random((count, 60)) < chance)

    errors = []
    for seed in range(6):
        net, tests, x = network(60, 8, 2, seed=seed), draw(1000), draw(4000)
        point = curve.at_error(Quantizer(net, draw(400), deciding=(tests, draw(200))), 0.02)
        errors.append(relative_error(point.attempt.encoded.network(), net(x), x) / 0.02)
        measured = point.attempt.measured
        assert relative_error(point.attempt.encoded.network(), net(tests), tests) <= measured * (1 + 1e-12)
        assert measured <= 0.02
    assert max(errors) < 1.1
    assert np.mean(errors) > 0.85
