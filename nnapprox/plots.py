"""Pictures, as matplotlib figures; pyplot is never imported, so nothing global is touched."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnapprox.atomic import write_atomically
from nnapprox.errors import UsageError
from nnapprox.network import Network
from nnapprox.regions.line import line_pieces

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nnapprox.certificate import Domain
    from nnapprox.functions import Expression

Array: TypeAlias = NDArray[Any]
Interval: TypeAlias = tuple[Fraction, Fraction]

BLUE, ORANGE, GREEN = "#0072B2", "#D55E00", "#009E73"  # Okabe and Ito (2008): told apart with every colour vision
GREY = "#777777"
SAMPLES = 2**11
"""A curve is drawn through so many evenly spaced points and one, and through its kinks."""

MOST_SLOPES = 2**17
"""The kinks are computed unless a layer has more slopes than this on all pieces together."""

STROKES = 31
"""Random points between neighbouring even ones where there are more kinks than that: a fast wave may be 0 at all of
the even points, and the strokes between random ones fill what it fills."""

COLUMNS, ROWS = 401, 397
"""Pixels of a picture of two variables; that they differ keeps their middles off the diagonals, where kinks may lie."""

ROUNDING = 1e-14
"""Relative size below which a difference is drawn as 0."""

NOISE = 1e-10
"""The same for sums in floating point that went through many layers: contours and kinks are not drawn through noise."""

WITNESSES = 101
"""Points of a picture of two variables at which values are computed exactly too, to see how much rounding there is."""

LEVELS = 12
"""Of contours; they are left out where, on average, they would cross every other pixel."""

MOST_EXACT = 2000
"""Networks of more nonzero weights are drawn from floating-point values."""

MOST_IMAGES = 100
"""More first-layer neurons than this are not drawn one by one."""


def _figure(width: float, height: float) -> Figure:
    from matplotlib.figure import Figure

    return Figure(figsize=(width, height), layout="constrained")


def _wrapped(title: str, width: float) -> str:
    """A title in lines that fit above axes of so many inches."""
    return "\n".join(textwrap.wrap(title, int(10 * width), break_on_hyphens=False))


def save(figure: Figure, path: str | Path) -> None:
    """Write a figure as the format that the suffix names, atomically."""
    with write_atomically(path) as file:
        figure.savefig(file, format=Path(path).suffix.lstrip("."), dpi=150)


def label_bits(axes: Axes) -> None:
    """Label a logarithmic axis of bits by whole numbers that do not run into each other."""
    from matplotlib.ticker import LogLocator, NullFormatter, StrMethodFormatter

    low, high = axes.get_xlim()
    axes.xaxis.set_major_locator(LogLocator(subs=(1, 2, 5) if high < 100 * low else (1,)))
    axes.xaxis.set_major_formatter(StrMethodFormatter("{x:,.0f}"))
    axes.xaxis.set_minor_formatter(NullFormatter())


def learning_curve(history: Sequence[dict[str, Any]], title: str) -> Figure:
    """Training loss and test error (or loss) against the epoch, each on its own axis; regions beside them.

    Parameters
    ----------
    history : sequence of dict
        Records as `nnapprox.training.TrainState.history` holds them.
    title : str
        What was trained on what.
    """
    from matplotlib.ticker import MaxNLocator

    counted = [record for record in history if "activation_regions" in record]
    figure = _figure(12 if counted else 7, 4.2)
    epochs = [record["epoch"] for record in history]
    left, *beside = figure.subplots(1, 2 if counted else 1, squeeze=False).flat
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
    for axes in beside:
        regions = [record["activation_regions"] for record in counted]
        axes.plot([record["epoch"] for record in counted], regions, color=BLUE, marker="o", ms=3)
        axes.set(xlabel="epoch", ylabel="activation regions", title="Activation regions, counted exactly")
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
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


def approximation(network: Network, target: Expression | Network | None, domain: Domain, title: str) -> Figure:
    """A network beside its target, and the error between them.

    Functions of one variable are drawn as curves, one for every output (two outputs as a curve in the plane); of two
    variables as shades, with the places where the activation pattern changes, which are the kinks.

    Parameters
    ----------
    network : Network
    target : Expression, Network or None
        Where there is none, the network is drawn alone.
    domain : tuple of pairs of Fraction
        An interval for every input, one or two.
    title : str

    Raises
    ------
    UsageError
        There are more than two inputs, or two inputs and more than one output.
    """
    if len(domain) == 1 and network.widths[-1] == 2:
        return _plane_curve(network, domain[0], title)
    if len(domain) == 1:
        return _graphs(network, target, domain[0], title)
    if len(domain) == 2 and network.widths[-1] == 1:
        return _contours(network, target, domain, title)
    raise UsageError(
        f"a picture takes one input, or two and one output, but {title} has {len(domain)} and {network.widths[-1]}: "
        "leave --plot out"
    )


def _graphs(network: Network, target: Expression | Network | None, interval: Interval, title: str) -> Figure:
    points = _points(network, interval)
    x, values = np.array(points, dtype=np.float64)[:, 0], _along(network, points)
    if target is None:
        figure = _figure(7, 4.2)
        figure.add_subplot(title=_wrapped(title, 6.5), xlabel="x").plot(x, values, color=BLUE, lw=1)
        return figure
    wanted = _along(target, points)
    figure = _figure(7, 6)
    above, below = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
    above.plot(x, values, color=BLUE, lw=1.2)
    above.plot(x, wanted, color=ORANGE, lw=1.2, ls=(0, (4, 3)))
    above.set_title(_wrapped(title, 6.5))
    handles = [above.lines[0], above.lines[-1]]
    above.legend(handles, ["network", "target"], loc="best")
    below.plot(x, _difference(values, wanted), color=BLUE, lw=0.8)
    below.axhline(0, color="black", lw=0.5)
    below.set(xlabel="x", ylabel="network - target")
    return figure


def _plane_curve(network: Network, interval: Interval, title: str) -> Figure:
    values = _along(network, _points(network, interval))
    figure = _figure(5.5, 5.5)
    axes = figure.add_subplot(title=_wrapped(title, 4.5), xlabel="first output", ylabel="second output", aspect="equal")
    axes.plot(*values.T, color=BLUE, lw=1)
    return figure


def _contours(network: Network, target: Expression | Network | None, domain: Domain, title: str) -> Figure:
    (left, right), (bottom, top) = ((float(low), float(high)) for low, high in domain)
    x = left + (right - left) * (np.arange(COLUMNS) + 0.5) / COLUMNS
    y = bottom + (top - bottom) * (np.arange(ROWS) + 0.5) / ROWS
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    values = _at(network, grid)[:, 0]
    steep = np.abs(np.diff(values.reshape(ROWS, COLUMNS))).mean() * LEVELS > np.ptp(values) / 2
    placed: dict[str, Any] = {"origin": "lower", "extent": (left, right, bottom, top), "aspect": "auto"}
    name = "network and its kinks" if steep else "network, its contours and kinks"
    panels: list[tuple[str, Array, dict[str, Any]]] = [(name, values, {"cmap": "cividis"})]
    if target is not None:
        wanted = _at(target, grid)[:, 0]
        error = _difference(values, wanted, _rounding(network, values, grid) + _rounding(target, wanted, grid))
        limit = float(np.abs(error).max())
        name = "network - target" if limit else "network - target: 0 everywhere"
        panels.append((name, error, {"cmap": "PuOr", "vmin": -limit or -1, "vmax": limit or 1}))
    figure = _figure(5.2 * len(panels), 4.6)
    for axes, (name, shown, shades) in zip(figure.subplots(1, len(panels), squeeze=False).flat, panels, strict=True):
        drawn = axes.imshow(shown.reshape(ROWS, COLUMNS), **shades, **placed)
        axes.set(title=name, xlabel="x", ylabel="y")
        axes.locator_params(nbins=6)
        figure.colorbar(drawn, ax=axes)
    first = figure.axes[0]
    if network.activation.name == "relu":
        kinks = _changes(_pattern(network, grid).reshape(ROWS, COLUMNS))
        overlay = np.zeros((ROWS, COLUMNS, 4))
        overlay[kinks] = (1, 1, 1, 0.8 * (1 - kinks.mean()) ** 2)  # faint where they fill the picture
        first.imshow(overlay, interpolation="nearest", **placed)
    size = np.abs(values).max()
    if np.ptp(values) > NOISE * size and not steep:  # a constant has no contours
        steady = np.where(np.abs(values) > NOISE * size, values, 0.0).reshape(ROWS, COLUMNS)
        first.contour(x, y, steady, levels=LEVELS, colors="black", linewidths=0.4)
    figure.suptitle(_wrapped(title, 5.2 * len(panels)))
    return figure


def _points(network: Network, interval: Interval) -> list[tuple[Fraction]]:
    """Where to evaluate a network of one variable, and what is drawn beside it, so that nothing is missed."""
    low, high = interval
    step = (high - low) / SAMPLES
    points = {low + j * step for j in range(SAMPLES + 1)}
    if network.activation.is_piecewise_linear:
        try:
            points.update(line_pieces(network, low, high, most=MOST_SLOPES).knots)
        except UsageError:
            prime = 2**31 - 1  # multiples of a power of two are all zeros of a wave that is fast enough
            shares = np.random.default_rng(0).integers(1, prime, size=(SAMPLES, STROKES))
            points.update(low + step * (j + Fraction(r, prime)) for j, row in enumerate(shares.tolist()) for r in row)
    return [(x,) for x in sorted(points)]


def _along(function: Expression | Network, points: Sequence[tuple[Fraction, ...]]) -> Array:
    """Values at rational points, exact but for their last rounding where that is not too much work."""
    if not isinstance(function, Network):
        return np.array([[function.approximate(point)] for point in points], dtype=np.float64)
    if function.nonzeros <= MOST_EXACT and function.activation.is_piecewise_linear:
        return function.astype("rational")(points).astype(np.float64)
    return _at(function, np.array(points, dtype=np.float64))


def _rounding(function: Expression | Network, values: Array, points: Array) -> float:
    """The largest rounding error that is seen of values at points of the plane, by some that are computed exactly."""
    chosen = slice(0, None, len(points) // WITNESSES)
    exact = _along(function, [tuple(map(Fraction, point)) for point in points[chosen].tolist()])
    return float(np.abs(exact[:, 0] - values[chosen]).max())


def _difference(values: Array, wanted: Array, rounding: float = 0.0) -> Array:
    """Values minus others, 0 where that is nothing but the rounding of floats."""
    difference = values - wanted
    noise = 8 * rounding + ROUNDING * (np.abs(values) + np.abs(wanted).max())
    return np.where(np.abs(difference) > noise, difference, 0.0)


def _at(function: Expression | Network, points: Array) -> Array:
    if isinstance(function, Network):
        return function.astype("float64")(points)
    return function.value(points)[:, np.newaxis]


def _pattern(network: Network, points: Array) -> Array:
    """A number for the set of neurons of a ReLU network that are active, at every point."""
    keys, pattern, values = np.random.default_rng(0), np.zeros(len(points), dtype=np.uint64), points
    for layer in network.astype("float64").layers[:-1]:
        sums = values @ layer.weight.T + layer.bias
        pattern += (sums > NOISE * np.abs(sums).max(axis=0)) @ keys.integers(2**64, size=layer.outputs, dtype=np.uint64)
        values = np.maximum(sums, 0)
    return pattern


def _changes(pattern: Array) -> Array:
    """Where a picture's pixel differs from the one right of it, or above."""
    changes = np.zeros(pattern.shape, dtype=bool)
    changes[:, :-1] |= pattern[:, :-1] != pattern[:, 1:]
    changes[:-1] |= pattern[:-1] != pattern[1:]
    return changes
