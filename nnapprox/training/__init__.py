"""Training by per-sample SGD: theta <- theta - nu_n * gradient of the loss at one sample, n = 0, 1, ...

A penalty lambda |theta|^2 / 2, where there is one, is a factor exp(-lambda nu_n) on theta in every step.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from nnapprox.network import Network
from nnapprox.training.recipe import Recipe
from nnapprox.training.sgd import Progress, Run, TrainState

if TYPE_CHECKING:
    from nnapprox.datasets import Dataset

__all__ = ["Progress", "Recipe", "Run", "TrainState", "train"]


def train(dataset: Dataset, **choices: Any) -> Network:
    """Train a network on a data set and return it.

    Parameters
    ----------
    dataset : Dataset
        As `nnapprox.load_dataset` gives it.
    **choices
        Fields of `Recipe`, as ``hidden=(20, 20)``, ``epochs=5``, ``seed=1``.

    Raises
    ------
    UsageError
        A choice is outside what it may be.
    DivergedError
        The step size is too large.
    """
    run = Run(dataset, Recipe(**choices))
    state = run.start()
    for _ in run.advance(state):
        pass
    return run.network(state)
