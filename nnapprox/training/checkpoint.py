"""Runs that stop and go on: a checkpoint holds the state, the recipe and which data set it belongs to."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from nnapprox.dense import Array
from nnapprox.errors import FileFormatError, UsageError
from nnapprox.files.npz import read_archive, write_archive
from nnapprox.training.recipe import Recipe
from nnapprox.training.sgd import Run, TrainState

if TYPE_CHECKING:
    from nnapprox.datasets import Dataset

FORMAT, VERSION = "nnapprox-checkpoint", 1


class _Checkpoint(NamedTuple):
    arrays: dict[str, Array]
    metadata: dict[str, Any]


def save_checkpoint(path: str | Path, run: Run, state: TrainState) -> None:
    """Write where a run stands; raises `WriteError` where the file cannot be written."""
    numbers = {name: getattr(state, name) for name in ("step", "epoch_loss", "history", "kernel_seconds")}
    metadata = {
        "format": FORMAT,
        "version": VERSION,
        "dataset": run.dataset.name,
        "fingerprint": run.dataset.fingerprint,
        "recipe": run.recipe.to_json(),
        "state": numbers,
    }
    write_archive(path, {"theta": state.theta, "drift": state.drift}, metadata)


def read_recipe(path: str | Path) -> tuple[str, Recipe]:
    """Name of the data set, and the recipe, of a checkpoint.

    Raises
    ------
    FileFormatError
        The file is damaged, or no checkpoint.
    """
    return _recipe_of(path, _read(path).metadata)


def _recipe_of(path: str | Path, metadata: dict[str, Any]) -> tuple[str, Recipe]:
    try:
        recipe = {"weight_decay": 0.0, **metadata["recipe"]}  # runs of before there was one
        return str(metadata["dataset"]), Recipe(**{**recipe, "hidden": tuple(recipe["hidden"])})
    except (KeyError, TypeError, UsageError) as error:
        raise FileFormatError(f"{path} is no checkpoint that this version reads: {error}") from error


def resume(path: str | Path, dataset: Dataset) -> tuple[Run, TrainState]:
    """Take up a run where `save_checkpoint` left it.

    Raises
    ------
    FileFormatError
        The file is damaged, or no checkpoint, or one of another data set.
    """
    arrays, metadata = _read(path)
    _, recipe = _recipe_of(path, metadata)
    if metadata.get("fingerprint") != dataset.fingerprint:
        raise FileFormatError(
            f"{path} belongs to other data ({metadata.get('dataset')}) than {dataset.name}: "
            "name its data with --dataset"
        )
    run = Run(dataset, recipe)
    state = run.start()
    for name in ("theta", "drift"):
        array, room = arrays.get(name), getattr(state, name)
        if array is None or array.shape != room.shape or array.dtype != room.dtype or not np.isfinite(array).all():
            raise FileFormatError(f"{path} does not fit a network of widths {run.widths}: start anew without --resume")
        room[:] = array
    try:
        state = dataclasses.replace(state, **metadata["state"])
    except (KeyError, TypeError) as error:
        raise FileFormatError(f"{path} is no checkpoint that this version reads: {error}") from error
    if not isinstance(state.step, int) or not 0 <= state.step <= run.total:
        raise FileFormatError(
            f"{path} stands at the step {state.step!r} of a run of {run.total}: start anew without --resume"
        )
    return run, state


def _read(path: str | Path) -> _Checkpoint:
    arrays, metadata = read_archive(path)
    if metadata is None or (metadata.get("format"), metadata.get("version")) != (FORMAT, VERSION):
        raise FileFormatError(
            f"{path} is no checkpoint that this version reads: name a file that train --checkpoint wrote"
        )
    return _Checkpoint(arrays, metadata)
