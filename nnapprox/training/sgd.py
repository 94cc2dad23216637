"""Per-sample SGD as a generator over short chunks: whoever iterates can show progress, stop, and go on later."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from nnapprox.activation import Activation
from nnapprox.dense import TOGETHER, Array, Layout, Samples, prefers_lists
from nnapprox.errors import DivergedError, UsageError
from nnapprox.network import Affine, Network
from nnapprox.training.recipe import Recipe
from nnapprox.training.schedules import step_sizes
from nnapprox.training.score import Score, score

if TYPE_CHECKING:
    from nnapprox.datasets import Dataset

CHUNK_SECONDS = 0.01
"""About how long a chunk takes; the loop adapts its length to the network."""

DECAY_STEPS = 512 * TOGETHER
"""Weights decay after so many steps of an epoch, and at its end, for all of them at once: a splitting."""

AVERAGED_SHARE = 0.3
"""The last part of the steps that averaging covers."""


@dataclass
class TrainState:
    """Where a run stands; the one mutable object. A run that is stopped and resumed ends in the same bits.

    Attributes
    ----------
    theta, drift : array
        Packed parameters, and what takes them to their average.
    step : int
        Steps done.
    epoch_loss : float
        Sum of the losses met in the epoch under way.
    history : list of dict
        One record an epoch: ``epoch``, ``train_loss``, and ``test_accuracy`` or ``test_loss``.
    kernel_seconds : float
        CPU seconds of this thread spent in SGD steps.
    """

    theta: Array
    drift: Array
    step: int = 0
    epoch_loss: float = 0.0
    history: list[dict[str, Any]] = field(default_factory=list)
    kernel_seconds: float = 0.0


@dataclass(frozen=True)
class Progress:
    """What one chunk tells: steps done of how many, the epoch (from 1), and the epoch's mean loss so far."""

    step: int
    total: int
    epoch: int
    loss: float
    record: dict[str, Any] | None


class Run:
    """One training run: a recipe over a data set.

    Parameters
    ----------
    dataset : Dataset
        What to learn; labels become one-hot targets.
    recipe : Recipe
        How.
    samples : Samples, optional
        What `prepare` gave for this data set and recipe, where several runs share it.

    Raises
    ------
    UsageError
        Loss and data set do not fit together.
    """

    def __init__(self, dataset: Dataset, recipe: Recipe, samples: Samples | None = None) -> None:
        if dataset.classes is None and recipe.loss == "cross-entropy":
            raise UsageError(
                "cross-entropy needs class labels, and this data set has float targets: use --loss squared"
            )
        self.dataset, self.recipe = dataset, recipe
        self.widths = (dataset.inputs, *recipe.hidden, dataset.outputs)
        leak = float(Activation(recipe.activation).slope or 0)
        self.layout = Layout(self.widths, recipe.dtype, recipe.activation, leak)
        self.samples = samples or prepare(dataset, recipe)
        self.per_epoch = self.samples.count
        self.total = self.per_epoch * recipe.epochs
        self.step_size = recipe.first_step_size(self.total)
        self.decay = recipe.penalty(dataset.classes is not None)
        self.averaged = self._whole_groups(int(self.total * AVERAGED_SHARE)) if recipe.average else 0
        self.targets = self.layout.pad(dataset.y_train if dataset.classes is None else np.eye(dataset.classes))

    def start(self) -> TrainState:
        """The state before the first step."""
        theta = self.layout.pack(*self.recipe.first_weights(self.widths))
        if self.samples.mean is not None:
            rows = self.layout.rows(theta, 0)
            rows[self.widths[0]] -= self.samples.mean @ rows[: self.widths[0]].astype(np.float64)
        return TrainState(theta, self.layout.empty())

    def advance(self, state: TrainState) -> Iterator[Progress]:
        """Take the steps that are left, chunk by chunk; the state is whole at every yield.

        Raises
        ------
        DivergedError
            A loss or a weight is not finite.
        """
        length = 64 * TOGETHER
        while state.step < self.total:
            epoch, done = divmod(state.step, self.per_epoch)
            order = self.recipe.order(epoch, self.per_epoch)
            while done < self.per_epoch:
                chunk = order[done : done + length]
                began = time.thread_time()
                state.epoch_loss += self._chunk(state, chunk)
                spent = time.thread_time() - began
                state.kernel_seconds += spent
                state.step += len(chunk)
                done += len(chunk)
                length = min(1_000_000, int(length * min(4.0, CHUNK_SECONDS / max(spent, 1e-6))))
                length = max(TOGETHER, length - length % TOGETHER)
                self._check(state, epoch)
                record = self._finish_epoch(state, epoch) if done == self.per_epoch else None
                loss = record["train_loss"] if record else state.epoch_loss / done
                yield Progress(state.step, self.total, epoch + 1, loss, record)

    def _whole_groups(self, last: int) -> int:
        """About so many last steps, starting with a group of the kernels': chunks must not change how steps group."""
        start = self.total - last
        return self.total - (start - start % self.per_epoch % TOGETHER)

    def _chunk(self, state: TrainState, order: Array) -> float:
        """Take the next steps, cut where averaging starts and where weights decay."""
        first, last = state.step, state.step + len(order)
        epoch_start = first - first % self.per_epoch
        ends = {self.total - self.averaged, epoch_start + self.per_epoch, last}
        if self.decay:
            ends.update(range(epoch_start + DECAY_STEPS, last, DECAY_STEPS))
        cuts = [first, *sorted(end for end in ends if first < end <= last)]
        loss = 0.0
        for begin, end in itertools.pairwise(cuts):
            loss += self._steps(state, begin, order[begin - first : end - first])
            self._shrink(state, end)
        return loss

    def _steps(self, state: TrainState, first: int, order: Array) -> float:
        steps = self._step_sizes(first, len(order))
        start = self.total - self.averaged
        drift, weights = None, steps
        if first >= start:
            drift, weights = state.drift, np.arange(first - start, first - start + len(order), dtype=np.float64)
        return self.layout.sgd(state.theta, drift, self.samples, self.targets, self.recipe.loss, order, steps, weights)

    def _step_sizes(self, first: int, count: int) -> Array:
        return step_sizes(self.recipe.schedule, self.step_size, first, count, self.total, self.per_epoch)

    def _shrink(self, state: TrainState, step: int) -> None:
        """Follow the flow of the penalty's gradient for the steps before `step`, where a block of them ends there."""
        done = (step - 1) % self.per_epoch + 1
        if not self.decay or (done % DECAY_STEPS and done < self.per_epoch):
            return
        block = (done - 1) % DECAY_STEPS + 1
        change = state.theta * math.expm1(-self.decay * self._step_sizes(step - block, block).sum())
        state.theta += change
        since = step - 1 - (self.total - self.averaged)
        if since > 0:
            state.drift += since * change

    def _check(self, state: TrainState, epoch: int) -> None:
        if not (np.isfinite(state.epoch_loss) and np.isfinite(state.theta).all()):
            raise DivergedError(
                f"training diverged in epoch {epoch + 1} with step size {self.step_size:g}: "
                f"try --step-size {self.step_size / 3:.2g}"
            )

    def _finish_epoch(self, state: TrainState, epoch: int) -> dict[str, Any]:
        result = self.evaluate(state)
        record: dict[str, Any] = {"epoch": epoch + 1, "train_loss": state.epoch_loss / self.per_epoch}
        if result is not None:
            record["test_loss"] = result.loss
            record["test_accuracy"] = result.accuracy
        state.history.append(record)
        state.epoch_loss = 0.0
        return record

    def evaluate(self, state: TrainState) -> Score | None:
        """Score on the test set, or None where the data set has none."""
        if self.dataset.x_test is None or self.dataset.y_test is None:
            return None
        return score(self.network(state), self.dataset.x_test, self.dataset.y_test, self.dataset, self.recipe.loss)

    def network(self, state: TrainState) -> Network:
        """The network that the state stands for, on the data set's own inputs: centring and scaling are folded away."""
        theta = state.theta.astype(np.float64)
        averaged = state.step - (self.total - self.averaged)
        if averaged > 0:
            theta -= state.drift.astype(np.float64) / averaged
        pairs = self.layout.unpack(theta)
        weight, bias = pairs[0]
        mean = self.samples.mean
        if mean is not None:
            shift = self.layout.rows(theta, 0)[self.widths[0] + 1]
            weight, bias = weight + np.outer(shift, mean), bias - shift * (mean @ mean)
        pairs[0] = (weight * self.samples.scale * self.dataset.divisor, bias)
        dtype = self.recipe.dtype
        return Network(
            [Affine(weight.astype(dtype), bias.astype(dtype)) for weight, bias in pairs], self.recipe.activation
        )


def prepare(dataset: Dataset, recipe: Recipe) -> Samples:
    """Lay out the training samples of a data set for a recipe."""
    target_of = np.arange(len(dataset.y_train)) if dataset.classes is None else dataset.y_train
    scale = recipe.input_scale / dataset.divisor
    lists = prefers_lists((dataset.inputs, *recipe.hidden, dataset.outputs))
    return Samples.prepare(dataset.x_train, target_of, scale, recipe.dtype, lists=lists, centre=bool(recipe.centre))
