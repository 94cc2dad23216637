import dataclasses

import numpy as np
import pytest

import nnapprox
from nnapprox.dense import TOGETHER
from nnapprox.errors import DivergedError, FileFormatError, UsageError
from nnapprox.files.npz import read_archive, write_archive
from nnapprox.training import Recipe, Run, sgd
from nnapprox.training.checkpoint import read_recipe, resume, save_checkpoint
from nnapprox.training.schedules import step_sizes
from nnapprox.training.score import score


@pytest.fixture(scope="module")
def digits():
    return nnapprox.load_dataset("digits")


@pytest.fixture(scope="module")
def sums(tmp_path_factory):
    """Regression: three coordinates to their sum and difference."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=(200, 3))
    path = tmp_path_factory.mktemp("data") / "sums.npz"
    y = x @ [[1, 1], [1, -1], [1, 0]]
    np.savez(path, x_train=x[:150], y_train=y[:150], x_test=x[150:], y_test=y[150:])
    return nnapprox.load_dataset(str(path))


def finish(run):
    state = run.start()
    for _ in run.advance(state):
        pass
    return state


@pytest.mark.parametrize("loss", ["squared", "cross-entropy"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_digits_are_learnt(digits, loss, dtype):
    run = Run(digits, Recipe(loss=loss, dtype=dtype))
    state = finish(run)
    assert state.history[-1]["test_accuracy"] > 0.9
    assert state.history[-1]["train_loss"] < 0.6 * state.history[0]["train_loss"]
    network = run.network(state)
    inputs = digits.x_test / digits.divisor
    accuracy = (network(inputs.astype(dtype)).argmax(axis=1) == digits.y_test).mean()
    assert accuracy == pytest.approx(state.history[-1]["test_accuracy"], abs=2 / len(inputs))


def test_an_affine_map_is_found(sums):
    network = nnapprox.train(sums, hidden=(), epochs=300, step_size=0.05, dtype="float64")
    np.testing.assert_allclose(network.layers[0].weight, [[1, 1, 1], [1, -1, 0]], atol=1e-8)
    np.testing.assert_allclose(network.layers[0].bias, 0, atol=1e-8)


@pytest.mark.parametrize("change", [{}, {"average": True}, {"sampling": "shuffle"}, {"centre": False}])
@pytest.mark.parametrize("stop", [1, 2, 5])
def test_a_resumed_run_ends_in_the_same_bits(digits, tmp_path, change, stop):
    recipe = Recipe(epochs=60, hidden=(7,), **change)
    whole = finish(Run(digits, recipe))
    run = Run(digits, recipe)
    state = run.start()
    steps = run.advance(state)
    for _ in range(stop):
        next(steps)
    assert state.step < run.total
    save_checkpoint(tmp_path / "c.npz", run, state)
    assert read_recipe(tmp_path / "c.npz") == ("digits", recipe)
    run, state = resume(tmp_path / "c.npz", digits)
    for _ in run.advance(state):
        pass
    assert state.theta.tobytes() == whole.theta.tobytes()
    assert state.history == whole.history


@pytest.mark.parametrize("decay", [0.0, 0.03])
def test_the_average_is_that_of_the_iterates(digits, monkeypatch, decay):
    monkeypatch.setattr(sgd, "DECAY_STEPS", 8 * TOGETHER)
    recipe = Recipe(
        epochs=1, hidden=(3,), dtype="float64", average=True, schedule="power:0.5", step_size=0.05, weight_decay=decay
    )
    run = Run(digits, recipe)
    state = finish(run)
    plain = Run(digits, dataclasses.replace(recipe, average=False))
    iterate, total = plain.start(), 0.0
    order = recipe.order(0, plain.per_epoch)
    steps = step_sizes("power:0.5", 0.05, 0, plain.total, plain.total, plain.per_epoch)
    for n in range(plain.total):
        one = slice(n, n + 1)
        plain.layout.sgd(
            iterate.theta, None, plain.samples, plain.targets, "squared", order[one], steps[one], steps[one]
        )
        if (n + 1) % sgd.DECAY_STEPS == 0 or n + 1 == plain.total:
            iterate.theta *= np.exp(-decay * steps[n - n % sgd.DECAY_STEPS : n + 1].sum())
        if n >= plain.total - run.averaged:
            total = total + iterate.theta
    expected = plain.network(dataclasses.replace(iterate, theta=total / run.averaged))
    for got, want in zip(run.network(state).layers, expected.layers, strict=True):
        np.testing.assert_allclose(got.weight, want.weight, atol=1e-10)


def test_weights_decay_as_the_penalty_says(digits, monkeypatch):
    """Steps on risk and penalty together, one at a time, end close to those by blocks: convex, no chaos."""
    monkeypatch.setattr(sgd, "DECAY_STEPS", 8 * TOGETHER)
    ends = {}
    for decay in (0.0, 0.1):
        run = Run(digits, Recipe(epochs=2, hidden=(), dtype="float64", weight_decay=decay))
        ends[decay] = finish(run).theta
    state = run.start()
    for n in range(run.total):
        epoch, done = divmod(n, run.per_epoch)
        steps = step_sizes("cosine", run.step_size, n, 1, run.total, run.per_epoch)
        before, order = state.theta.copy(), run.recipe.order(epoch, run.per_epoch)[done : done + 1]
        run.layout.sgd(state.theta, None, run.samples, run.targets, "squared", order, steps, steps)
        state.theta -= 0.1 * steps * before
    shrunk, split = np.linalg.norm(ends[0.0] - state.theta), np.linalg.norm(ends[0.1] - state.theta)
    assert split < 0.05 * shrunk


def test_only_classes_are_learnt_with_a_penalty(digits, sums):
    assert Run(digits, Recipe()).decay == 0.001
    assert Run(digits, Recipe(activation="sigmoid")).decay < Run(digits, Recipe(loss="cross-entropy")).decay < 0.001
    assert Run(sums, Recipe()).decay == 0
    assert Run(sums, Recipe(weight_decay=0.5)).decay == 0.5


def test_divergence_is_told_with_a_smaller_step(digits):
    with pytest.raises(DivergedError, match="epoch 1 with step size 50: try --step-size 17"):
        finish(Run(digits, Recipe(step_size=50.0)))


@pytest.mark.parametrize(
    "choices",
    [
        {"hidden": (0,)},
        {"hidden": (5, -1)},
        {"activation": "rule"},
        {"loss": "hinge"},
        {"epochs": 0},
        {"init": "zero"},
        {"step_size": float("nan")},
        {"step_size": -1.0},
        {"schedule": "power:2"},
        {"schedule": "cosin"},
        {"seed": -1},
        {"weight_decay": -1e-3},
        {"weight_decay": float("inf")},
        {"dtype": "float16"},
        {"sampling": "all"},
    ],
)
def test_impossible_recipes(choices):
    with pytest.raises(UsageError):
        Recipe(**choices)


def test_checkpoints_of_others(digits, sums, tmp_path):
    run = Run(digits, Recipe(epochs=1, hidden=(3,)))
    save_checkpoint(tmp_path / "c.npz", run, run.start())
    with pytest.raises(FileFormatError, match="belongs to other data"):
        resume(tmp_path / "c.npz", sums)
    arrays, metadata = read_archive(tmp_path / "c.npz")
    metadata["recipe"]["hidden"] = [4]
    write_archive(tmp_path / "d.npz", arrays, metadata)
    with pytest.raises(FileFormatError, match="does not fit a network of widths"):
        resume(tmp_path / "d.npz", digits)
    nnapprox.save(run.network(run.start()), tmp_path / "n.npz")
    with pytest.raises(FileFormatError, match="no checkpoint"):
        resume(tmp_path / "n.npz", digits)
    with pytest.raises(UsageError, match="does not fit"):
        score(run.network(run.start()), sums.x_test, sums.y_test, sums)
    with pytest.raises(UsageError, match="needs class labels"):
        Run(sums, Recipe(loss="cross-entropy"))
