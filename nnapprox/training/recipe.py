"""What is trained and how: every choice of a run but the data, with defaults that train well.

The defaults were tuned on 10,000 samples held out of MNIST's training set, never on its test set.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
from dataclasses import dataclass

import numpy as np

from nnapprox.activation import Activation
from nnapprox.dense import LOSS_CODES, Array
from nnapprox.errors import UsageError
from nnapprox.training.schedules import power_of

INITS = ("small", "half-glorot", "glorot", "he")
"""Standard deviations of the first weights; the first biases are 0."""

WIDE = 200
"""From so many units on in its first hidden layer, a network learns as well from inputs as they are, and holds less."""

SAMPLING = ("iid", "shuffle")
"""Indices uniform and independent, or every epoch a new permutation."""


@dataclass(frozen=True)
class Recipe:
    """Every choice of a training run but the data.

    Parameters
    ----------
    hidden : tuple of int
        Widths of the hidden layers, each >= 1; empty for an affine map.
    activation : str
        A name of `nnapprox.activation.ACTIVATIONS`.
    loss : str
        ``squared`` or ``cross-entropy``.
    epochs : int
        At least 1; one epoch takes as many steps as there are samples.
    step_size : float or None
        The first nu, > 0; None for one tuned to loss, activation and epochs.
    schedule : str
        ``constant``, ``cosine``, ``linear`` or ``power:A``.
    weight_decay : float or None
        lambda >= 0 of the penalty lambda |theta|^2 / 2 on weights and biases as they are trained (centred); None for
        one tuned to loss and activation where classes are learnt, else 0.
    average : bool
        Give the mean of the iterates of the last 30 % of the steps (Polyak and Juditsky 1992) instead of the last.
    init : str
        ``small`` (standard deviation 0.7 / sqrt(fan_in), and in the first layer at most 600 / (fan_in fan_out)),
        ``half-glorot``, ``glorot`` or ``he``.
    centre : bool or None
        Subtract the mean sample while training; folded into the first layer afterwards. None becomes True where the
        first hidden layer has fewer than `WIDE` units.
    sampling : str
        ``iid`` or ``shuffle``.
    dtype : str
        ``float32`` or ``float64``.
    seed : int
        At least 0.

    Raises
    ------
    UsageError
        A value is outside what it may be.
    """

    hidden: tuple[int, ...] = (20, 20)
    activation: str = "relu"
    loss: str = "squared"
    epochs: int = 20
    step_size: float | None = None
    schedule: str = "cosine"
    weight_decay: float | None = None
    average: bool = False
    init: str = "small"
    centre: bool | None = None
    sampling: str = "iid"
    dtype: str = "float32"
    seed: int = 0

    def __post_init__(self) -> None:
        if self.centre is None:
            object.__setattr__(self, "centre", not self.hidden or self.hidden[0] < WIDE)
        Activation(self.activation)
        power_of(self.schedule)
        for name, choices in (("loss", LOSS_CODES), ("init", INITS), ("sampling", SAMPLING)):
            if getattr(self, name) not in choices:
                raise UsageError(f"unknown {name} {getattr(self, name)!r}: choose one of {', '.join(choices)}")
        if self.dtype not in ("float32", "float64"):
            raise UsageError(f"training runs in float32 or float64, not {self.dtype!r}")
        if any(width < 1 for width in self.hidden):
            raise UsageError(f"hidden widths must be at least 1, not {','.join(map(str, self.hidden))}")
        if self.epochs < 1:
            raise UsageError(f"the number of epochs must be at least 1, not {self.epochs}")
        if self.step_size is not None and not (math.isfinite(self.step_size) and self.step_size > 0):
            raise UsageError(f"the step size must be a positive number, not {self.step_size}")
        if self.weight_decay is not None and not (math.isfinite(self.weight_decay) and self.weight_decay >= 0):
            raise UsageError(f"the weight decay must be a number >= 0, not {self.weight_decay}")
        if self.seed < 0:
            raise UsageError(f"the seed must be at least 0, not {self.seed}")

    def first_step_size(self, steps: int) -> float:
        """The step size that a run of so many steps starts with: the shorter the run, the larger, within limits."""
        if self.step_size is not None:
            return self.step_size
        return self._tuned_step_size * min(3.0, math.sqrt(1_200_000 / steps))

    @property
    def _tuned_step_size(self) -> float:
        return 0.04 if self.activation == "sigmoid" else 0.006

    def penalty(self, classes: bool) -> float:
        """The lambda of a run that learns classes, or else values of a function.

        Classes generalise better with it, and what the data do not ask for is forgotten and need not be stored.
        """
        if self.weight_decay is not None:
            return self.weight_decay
        tuned = 0.001 if self.loss == "squared" else 0.0003
        return tuned * 0.006 / self._tuned_step_size if classes else 0.0

    @property
    def input_scale(self) -> float:
        """What training multiplies the inputs by, which speeds the first layer up; folded away with the centring."""
        return 1.5 if self.centre and self.loss == "squared" else 1.0

    def first_weights(self, widths: tuple[int, ...]) -> tuple[list[Array], list[Array]]:
        """Draw weights and biases, float64, for inputs of variance about 1 coordinate by coordinate or less.

        What is drawn for a large first layer is never quite unlearnt: it makes a network no better, and has to be
        stored with it. Weights of an order that has hidden units learn features (Yang and Hu 2021) are forgotten.
        """
        rng = np.random.default_rng(stream(self.seed, "init"))
        weights: list[Array] = []
        for fan_in, fan_out in itertools.pairwise(widths):
            most = math.inf if weights else 600 / (fan_in * fan_out)
            deviation = {
                "small": min(0.7 / math.sqrt(fan_in), most),
                "half-glorot": 0.5 * math.sqrt(2 / (fan_in + fan_out)),
                "glorot": math.sqrt(2 / (fan_in + fan_out)),
                "he": math.sqrt(2 / fan_in),
            }[self.init]
            weights.append(rng.normal(0, deviation, (fan_out, fan_in)))
        return weights, [np.zeros(width) for width in widths[1:]]

    def order(self, epoch: int, samples: int) -> Array:
        """Indices of the samples of one epoch (counted from 0), int64."""
        rng = np.random.default_rng(stream(self.seed, "order", epoch))
        if self.sampling == "shuffle":
            return rng.permutation(samples)
        return rng.integers(0, samples, samples)

    def to_json(self) -> dict[str, object]:
        """The recipe as plain values."""
        return {**dataclasses.asdict(self), "hidden": list(self.hidden)}


def stream(seed: int, name: str, *numbers: int) -> np.random.SeedSequence:
    """The named stream of randomness of a seed."""
    return np.random.SeedSequence(seed, spawn_key=(*name.encode(), *numbers))
