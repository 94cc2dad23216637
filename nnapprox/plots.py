"""Pictures, as matplotlib figures; pyplot is never imported, so nothing global is touched."""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from nnapprox.atomic import write_atomically
from nnapprox.network import Network

if TYPE_CHECKING:
    from matplotlib.figure import Figure

BLUE, ORANGE = "#0072B2", "#D55E00"  # Okabe and Ito (2008): told apart with every colour vision
MOST_IMAGES = 100
"""More first-layer neurons than this are not drawn one by one."""


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as the format that the suffix names, atomically."""
    with write_atomically(path) as file:
        figure.savefig(file, format=Path(path).suffix.lstrip("."), dpi=150)


def learning_curve(history: Sequence[dict[str, Any]], title: str) -> Figure:
    """Training loss and test error (or loss) against the epoch, each on its own axis.

    Parameters
    ----------
    history : sequence of dict
        Records as `nnapprox.training.TrainState.history` holds them.
    title : str
        What was trained on what.
    """
    from matplotlib.ticker import MaxNLocator

    figure = _figure(7, 4.2)
    epochs = [record["epoch"] for record in history]
    left = figure.add_subplot()
    left.plot(epochs, [record["train_loss"] for record in history], color=BLUE, marker="o", ms=3, label="training loss")
    left.set(xlabel="epoch", ylabel="training loss (mean of the losses met)", title=title)
    left.xaxis.set_major_locator(MaxNLocator(integer=True))
    lines = list(left.lines)
    if "test_loss" in history[-1]:
        accuracy = history[-1]["test_accuracy"] is not None
        right = left.twinx()
        name = "test error" if accuracy else "test loss"
        values = [100 * (1 - r["test_accuracy"]) if accuracy else r["test_loss"] for r in history]
        right.plot(epochs, values, color=ORANGE, marker="s", ms=3, ls="--", label=name)
        right.set_ylabel(f"{name} (%)" if accuracy else name)
        lines += right.lines
    left.legend(lines, [str(line.get_label()) for line in lines], loc="upper right")
    return figure


def first_layer(network: Network, image_shape: tuple[int, int] | None) -> Figure:
    """First-layer weights: an image a neuron where inputs are images, else one heat map.

    Parameters
    ----------
    network : Network
        Of any dtype; at most 100 neurons are drawn as images.
    image_shape : tuple of int or None
        (height, width) of an input; a square is assumed where the number of inputs is one, and it is None.
    """
    weight = network.layers[0].weight.astype(np.float64)
    side = math.isqrt(weight.shape[1])
    if image_shape is None and side > 1 and side * side == weight.shape[1]:
        image_shape = (side, side)
    limit = float(np.abs(weight).max()) or 1.0
    shades: dict[str, Any] = {"cmap": "PuOr", "vmin": -limit, "vmax": limit, "interpolation": "nearest"}
    if image_shape is None:
        figure = _figure(7, 4.2)
        axes = figure.add_subplot()
        drawn = axes.imshow(weight, aspect="auto", **shades)
        axes.set(xlabel="input", ylabel="neuron", title="First-layer weights")
        figure.colorbar(drawn, label="weight")
        return figure
    shown = weight[:MOST_IMAGES]
    columns = min(len(shown), 10 if len(shown) > 20 else 5)
    rows = math.ceil(len(shown) / columns)
    figure = _figure(1.3 * columns + 1.2, 1.45 * rows + 0.6)
    grid = figure.subplots(rows, columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    for index, (axes, row) in enumerate(zip(grid.flat, shown, strict=False)):
        drawn = axes.imshow(row.reshape(image_shape), **shades)
        axes.set_title(str(index), fontsize=8)
    more = f" (the first {len(shown)} of {len(weight)})" if len(shown) < len(weight) else ""
    figure.suptitle(f"First-layer weights, by neuron{more}")
    figure.colorbar(drawn, ax=grid, label="weight", shrink=0.8)
    return figure
