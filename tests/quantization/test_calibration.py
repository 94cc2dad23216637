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
def test_decisions_rest_on_other_inputs_than_what_is_learnt(count):
    found = calibration.of_dataset(network(3, 1), data(count))
    learnt, held = ({tuple(row) for row in rows} for rows in (found.learnt, found.held))
    assert len(learnt | held) == count
    assert not learnt & held or count < 4
    ones = np.column_stack([found.learnt, np.ones(len(found.learnt))])
    assert np.allclose(found.gram, sensitivity.moments(ones))


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

    held = []
    for seed in range(6):
        net, x = network(60, 8, 2, seed=seed), draw(4000)
        point = curve.at_error(Quantizer(net, draw(400), held=draw(400)), 0.02)
        held.append(relative_error(point.attempt.encoded.network(), net(x), x) / 0.02)
        assert point.attempt.measured < point.attempt.assured <= 0.02
    assert max(held) < 1.05
    assert np.mean(held) > 0.85
