"""Pictures of the regions of a network of one or two variables, as matplotlib figures.

Few cells are drawn exactly, one polygon each. Many are rasterised, and the picture says so: the activation pattern of
every pixel is evaluated, and kinks are where those of neighbouring pixels differ.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from nnapprox.errors import UsageError
from nnapprox.network import Array, Network
from nnapprox.regions.cells import Cell, cells
from nnapprox.regions.count import count_regions
from nnapprox.regions.level import Level
from nnapprox.regions.polytope import Bounds, Point, Polytope, Vertex, to_point
from nnapprox.regions.walls import outline, walls

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TINTS = ("#77AADD", "#99DDFF", "#44BB99", "#BBCC33", "#EEDD88", "#EE8866", "#FFAABB", "#DDDDDD", "#AAAA00")
"""Paul Tol's light colours: told apart with every colour vision, and black is read on them."""

LINES = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Of the kinks, layer by layer (Okabe and Ito, 2008)."""

STEEPNESS = "YlOrRd"
"""Light where it is flat: kinks of all colours are seen on it."""

MOST_POLYGONS = 4000
"""More cells than this are rasterised."""

FEW_CELLS = 200
"""The kinks between more cells than this are drawn thinner, that the cells are still seen."""

MOST_PRODUCTS = 8_000_000
"""So are cells whose affine maps take more products than this, as those of wide networks do."""

COLUMNS, ROWS = 720, 696
"""Pixels; even, and different, they keep their middles off the axes and diagonals, where kinks may lie."""

FEW_KINKS = 0.2
"""Kinks of a layer on more than this share of the pixels are drawn fainter, that the colours are still seen."""

BLOCK = 24
"""Pixels along the sides of what is evaluated together: few neurons change their state there."""

LARGEST = 1e300
"""Numbers are not drawn larger than this: those who draw take sums of them."""

DIGITS = 9
"""Affine maps of pixels that agree to so many decimal digits have one colour."""


def regions(
    network: Network,
    domain: Polytope | Bounds,
    *,
    colour: str = "map",
    level: Level | None = None,
    points: Array | None = None,
    labels: Sequence[str] = (),
    coordinates: tuple[str, str] = ("$x_1$", "$x_2$"),
    title: str | None = None,
    activation_regions: int | None = None,
) -> Figure:
    """Draw the regions of a network: of one variable its graph with the kinks, of two the cells in the plane.

    Parameters
    ----------
    network : Network
        Of one or two inputs, with the activation relu, leaky-relu or identity.
    domain : Polytope, or sequence of (low, high)
        The latter is a box.
    colour : str
        ``map``: cells with equal affine maps have equal colours, and neighbours with different ones different
        colours; ``gradient``: by the length of the gradient of the output that `level` names.
    level : Level or None
        A level set or decision boundary, drawn as a thick line; None for none.
    points : array, shape (m, 2), or None
        Data points to mark.
    labels : sequence of str
        One for each of the points, or none.
    coordinates : tuple of str
        How those of the plane are called.
    title : str or None
        The number of cells by default.
    activation_regions : int or None
        How many there are; where this is not known, they are counted as far as they could be drawn one by one.

    Raises
    ------
    UsageError
        There are more than two inputs, or as `nnapprox.regions.cells.cells`.
    """
    from matplotlib.figure import Figure

    whole = domain if isinstance(domain, Polytope) else Polytope.box(domain)
    if whole.dimension > 2:
        raise UsageError(f"regions are drawn for one and two inputs, not for {whole.dimension}: take a slice")
    most = min(MOST_POLYGONS, MOST_PRODUCTS // network.parameters)
    count = activation_regions
    if count is None:
        count = count_regions(network, whole, activation_only=True, max_regions=most + 1).activation_regions
    found = list(cells(network, whole)) if count <= most else None
    figure = Figure(figsize=(7.2, 5.4), layout="constrained")
    axes = figure.add_subplot()
    if whole.dimension == 1:
        _draw_graph(axes, network, whole, found, level)
    else:
        if found is None:
            _draw_raster(axes, network, whole, colour, level)
        else:
            _draw_polygons(axes, network, whole, found, colour, level)
        if points is not None:
            _mark(axes, points, labels)
        axes.set(xlabel=coordinates[0], ylabel=coordinates[1])
    is_known = found is not None or activation_regions is not None
    title = title or (_counted(count) if is_known else f"more than {most:,} activation regions")
    across = COLUMNS if whole.dimension == 1 else f"{COLUMNS} x {ROWS}"
    axes.set_title(title if found else f"{title}\nsampled at {across} points", fontsize="medium")
    if axes.get_legend_handles_labels()[0]:
        figure.legend(*_legend(axes), loc="outside lower center", ncols=3, frameon=False)
    return figure


def _counted(activation_regions: int) -> str:
    """A number of regions in words."""
    return f"{activation_regions:,} activation region{'s' * (activation_regions != 1)}"


def _legend(axes: Axes) -> tuple[list[Any], list[str]]:
    """What is named in a picture, layers in order before the level."""
    handles, names = axes.get_legend_handles_labels()
    order = sorted(range(len(names)), key=lambda k: (not names[k].startswith("kinks"), len(names[k]), names[k]))
    return [handles[k] for k in order], [names[k] for k in order]


def _draw_graph(axes: Axes, network: Network, domain: Polytope, found: list[Cell] | None, level: Level | None) -> None:
    """Draw the graph through its kinks, or through many points where no cells are given."""
    output = level.output if level else 0
    knots: list[Point]
    if found is None:
        [low], [high] = sorted(domain.points)
        knots = [(low + (high - low) * Fraction(k, COLUMNS - 1),) for k in range(COLUMNS)]
    else:
        knots = sorted({to_point(vertex) for cell in found for vertex in cell.polytope.vertices})
    x = np.array([float(knot[0]) for knot in knots])
    exact = network.astype("rational")(np.array(knots, dtype=object))
    values = np.vectorize(_nearest, otypes=[np.float64])(exact)
    height = values[:, output] - (values[:, level.against] if level and level.against is not None else 0)
    axes.plot(x, height, color="black", lw=1, zorder=1)
    place = {knot: k for k, knot in enumerate(knots)}
    at_layer: dict[int, set[int]] = defaultdict(set)
    for cell in found or ():
        for vertex, on in zip(cell.polytope.vertices, cell.polytope.incidence, strict=True):
            layer = _layer(network, on.bit_length() - 1 - domain.next_label)
            if layer >= 0:
                at_layer[layer].add(place[to_point(vertex)])
    for layer, marked in sorted(at_layer.items()):
        chosen = sorted(marked)
        axes.plot(
            x[chosen], height[chosen], ls="", marker="os^Dv"[layer % 5], ms=4.5, color=LINES[1 + layer % 6],
            label=f"kinks of hidden layer {layer + 1}",
        )  # fmt: skip
    if level is not None:
        axes.axhline(float(level.value), color=LINES[2], ls="--", lw=1, label=str(level))
    axes.set(xlabel="$x$", ylabel="$f(x)$" if network.widths[-1] == 1 else f"output {output}")


def _draw_polygons(
    axes: Axes, network: Network, domain: Polytope, found: list[Cell], colour: str, level: Level | None
) -> None:
    from matplotlib.collections import LineCollection, PolyCollection

    outlines = [[_place(vertex) for vertex, _ in outline(cell.polytope)] for cell in found]
    between = list(walls([cell.polytope for cell in found]))
    if colour == "gradient":
        shades = PolyCollection(outlines, cmap=STEEPNESS, edgecolors="face", linewidths=0.3)
        shades.set_array(np.array([_steepness(cell, level) for cell in found]))
        axes.add_collection(shades)
        _figure_of(axes).colorbar(shades, ax=axes, label="length of the gradient")
    else:
        tints = _tints(found, [wall.cells for wall in between if len(wall.cells) == 2])
        axes.add_collection(PolyCollection(outlines, facecolors=tints, edgecolors=tints, linewidths=0.3))
    by_layer: dict[int, list[list[tuple[float, float]]]] = defaultdict(list)
    for wall in between:
        if len(wall.cells) == 2:
            by_layer[_layer_between(*(found[place] for place in wall.cells))].append([_place(end) for end in wall.ends])
    thinner = min(1.0, (FEW_CELLS / len(found)) ** 0.5)
    for layer, lines in sorted(by_layer.items(), reverse=True):
        axes.add_collection(
            LineCollection(
                lines,
                colors=_line_colour(layer),
                linewidths=thinner * _line_width(layer),
                capstyle="round",
                label=f"kinks of hidden layer {layer + 1}",
            )
        )
    if level is not None:
        _draw_level(axes, network, domain, found, level)
    _frame(axes, domain)


def _draw_level(axes: Axes, network: Network, domain: Polytope, found: list[Cell], level: Level) -> None:
    from matplotlib.collections import LineCollection

    label = domain.next_label + network.neurons
    lines = []
    for cell in found:
        form = level.form(cell)
        [values] = cell.polytope.values([form])
        zeros = [vertex for vertex, value in zip(cell.polytope.vertices, values, strict=True) if value == 0]
        if min(values) < 0 < max(values):
            part, _ = cell.polytope.split(form, values, label)
            zeros = [v for v, on in zip(part.vertices, part.incidence, strict=True) if on >> label & 1]
        if len(zeros) == 2:
            lines.append([_place(vertex) for vertex in zeros])
    for width, shade, name in ((5.0, "white", None), (2.8, "#882255", str(level))):
        axes.add_collection(LineCollection(lines, colors=shade, linewidths=width, capstyle="round", label=name))


def _draw_raster(axes: Axes, network: Network, domain: Polytope, colour: str, level: Level | None) -> None:
    from matplotlib.patches import Polygon

    corners = np.array([_place(vertex) for vertex, _ in outline(domain)])
    (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
    x = left + (right - left) * (np.arange(COLUMNS) + 0.5) / COLUMNS
    y = bottom + (top - bottom) * (np.arange(ROWS) + 0.5) / ROWS
    pixels = _Pixels(network.astype("float64"), x, y, level or Level())
    within = Polygon(corners, transform=axes.transData)
    placed: dict[str, Any] = {"origin": "lower", "extent": (left, right, bottom, top), "interpolation": "nearest"}
    if colour == "gradient":
        drawn = axes.imshow(np.hypot(*pixels.gradients), cmap=STEEPNESS, clip_path=within, **placed)
        _figure_of(axes).colorbar(drawn, ax=axes, label="length of the gradient")
    else:
        shades = np.array([[int(tint[k : k + 2], 16) for k in (1, 3, 5)] for tint in TINTS], dtype=np.uint8)
        axes.imshow(shades[pixels.maps() % len(TINTS)], clip_path=within, **placed)
    overlay = np.zeros((ROWS, COLUMNS, 4))
    for layer in reversed(range(len(pixels.patterns))):
        kinks = _changes(pixels.patterns[layer])
        fainter = FEW_KINKS / max(float(kinks.mean()), FEW_KINKS)
        overlay[kinks] = _rgba(_line_colour(layer), fainter * (0.6 if layer == 0 else 0.4))
        axes.plot([], [], color=_line_colour(layer), lw=_line_width(layer), label=f"kinks of hidden layer {layer + 1}")
    axes.imshow(overlay, clip_path=within, **placed)
    if level is not None:
        for width, shade in ((5.0, "white"), (2.8, "#882255")):
            axes.contour(x, y, pixels.heights, levels=[0], colors=shade, linewidths=width, clip_path=within)
        axes.plot([], [], color="#882255", lw=2.8, label=str(level))
    _frame(axes, domain)


class _Pixels:
    """The patterns, values and affine maps of a float64 network on a grid of points.

    In a block of pixels most neurons keep their state: they are combinations of the coordinates and of the few neurons
    that do not. So a layer's weights are multiplied with as few columns as there are of these, and not with a column a
    pixel; which takes a tenth of the time where a network is wide.

    Attributes
    ----------
    patterns : array of uint64, shape (hidden layers, rows, columns)
        A hash of the states of each hidden layer's neurons and of those before.
    heights : array, shape (rows, columns)
        How far what the level reads off is above it, times a positive number.
    gradients : array, shape (2, rows, columns)
        Its gradient.
    """

    def __init__(self, network: Network, x: Array, y: Array, level: Level) -> None:
        choose = np.random.default_rng(0)
        self._slope = float(network.negative_slope)
        (*hidden, last), exponent = _of_handy_size(network)
        self._hidden = hidden
        self._keys = [choose.integers(2**63, dtype=np.uint64, size=len(layer)) for layer in hidden]
        # A random combination of the outputs tells maps apart as well as all of them do.
        read_off = last[level.output] - (0 if level.against is None else last[level.against])
        self._last = np.stack([read_off, choose.standard_normal(len(last)) @ last])
        self.patterns = np.empty((len(hidden), len(y), len(x)), dtype=np.uint64)
        self.heights = np.empty((len(y), len(x)))
        self._affine = np.empty((2, 3, len(y), len(x)))
        for top in range(0, len(y), BLOCK):
            for left in range(0, len(x), BLOCK):
                self._evaluate((slice(top, top + BLOCK), slice(left, left + BLOCK)), x, y)
        self.heights -= _scaled(np.float64(level.value), -exponent)
        self.gradients = _scaled(self._affine[0, :2], exponent)

    def maps(self) -> Array:
        """A number for the affine map at each point."""
        _, first, which = np.unique(self.patterns[-1], return_index=True, return_inverse=True)
        found = self._affine[1].reshape(3, -1)[:, first].T
        rounded = np.rint(found / np.abs(found).max(axis=0).clip(1e-300) * 10.0**DIGITS).astype(np.int64)
        return _hashes(np.zeros(len(found), dtype=np.uint64), rounded.view(np.uint64))[which].reshape(
            self.heights.shape
        )

    def _evaluate(self, block: tuple[slice, slice], x: Array, y: Array) -> None:
        """Fill in a block: layers are combinations of functions, which have an affine form at every point."""
        rows, columns = block
        places = np.stack(np.broadcast_arrays(x[None, columns], y[rows, None], 1.0), axis=-1)
        shape = places.shape[:2]
        values = places.reshape(-1, 3)
        forms = np.broadcast_to(np.eye(3), (len(values), 3, 3))
        pattern = np.zeros(len(values), dtype=np.uint64)
        combined = np.eye(3)[:2]
        for layer, keys, patterns in zip(self._hidden, self._keys, self.patterns, strict=True):
            combined = layer[:, :-1] @ combined
            combined[:, 2] += layer[:, -1]
            sums = values @ combined.T
            active = sums > 0
            on = np.all(active, axis=0)
            bends = np.any(active, axis=0) & ~on
            pattern ^= np.bitwise_xor.reduce(keys[on]) ^ np.bitwise_xor.reduce(active[:, bends] * keys[bends], axis=1)
            patterns[block] = pattern.reshape(shape)
            factors = np.where(active[:, bends], 1.0, self._slope)
            forms = np.concatenate([forms, factors[:, :, None] * (combined[bends] @ forms)], axis=1)
            values = np.concatenate([values, factors * sums[:, bends]], axis=1)
            combined *= np.where(on, 1.0, self._slope)[:, None]
            combined[bends] = 0
            themselves = np.zeros((len(layer), factors.shape[1]))
            themselves[bends] = np.eye(factors.shape[1])
            combined = np.concatenate([combined, themselves], axis=1)
        combined = self._last[:, :-1] @ combined
        combined[:, 2] += self._last[:, -1]
        self.heights[block] = (values @ combined[0]).reshape(shape)
        self._affine[(slice(None), slice(None), *block)] = np.moveaxis(combined @ forms, 0, 2).reshape(2, 3, *shape)


def _of_handy_size(network: Network) -> tuple[list[Array], int]:
    """Layers as (weight, bias) with the same states, and the exponent of two that their outputs lack.

    Nothing gets too large or too small for doubles on the way.
    """
    layers, exponent = [], 0
    for layer in network.layers:
        rows = np.column_stack([layer.weight, _scaled(np.asarray(layer.bias), -exponent)])
        size = int(np.frexp(np.abs(rows).max())[1])
        layers.append(_scaled(rows, -size))
        exponent += size
    return layers, exponent


def _scaled(numbers: Any, exponent: int) -> Any:
    """Numbers times a power of two; the largest that are drawn where they become too large."""
    with np.errstate(over="ignore"):
        return np.clip(np.ldexp(numbers, exponent), -LARGEST, LARGEST)


def _hashes(seeds: Array, words: Array) -> Array:
    """Mix rows of uint64 words into seeds, each word by a bijection of 64 bits."""
    mixed = seeds
    for word in words.T:
        mixed = (mixed ^ word) * np.uint64(0x9E3779B97F4A7C15) + np.uint64(1)
        mixed = mixed ^ (mixed >> np.uint64(29))
    return mixed


def _changes(pattern: Array) -> Array:
    """Where a picture's pixel differs from the one right of it, or above."""
    changes = np.zeros(pattern.shape, dtype=bool)
    changes[:, :-1] |= pattern[:, :-1] != pattern[:, 1:]
    changes[:-1] |= pattern[:-1] != pattern[1:]
    return changes


def _tints(found: list[Cell], adjacent: list[tuple[int, ...]]) -> list[str]:
    """Colours: the same for equal maps, and as long as there are enough, others for neighbours."""
    numbers: dict[tuple[Any, ...], int] = {}
    of_cell = []
    for cell in found:
        affine = cell.affine
        of_cell.append(numbers.setdefault((*affine.weight.flat, *affine.bias), len(numbers)))
    beside: list[set[int]] = [set() for _ in numbers]
    for one, two in adjacent:
        if of_cell[one] != of_cell[two]:
            beside[of_cell[one]].add(of_cell[two])
            beside[of_cell[two]].add(of_cell[one])
    chosen: dict[int, int] = {}
    for number in range(len(numbers)):
        taken = [chosen[other] for other in beside[number] if other in chosen]
        chosen[number] = min(range(len(TINTS)), key=lambda t: (taken.count(t), (t - number) % len(TINTS)))
    return [TINTS[chosen[number]] for number in of_cell]


def _layer_between(one: Cell, two: Cell) -> int:
    """The first hidden layer in which two neighbours differ."""
    return next(layer for layer, (a, b) in enumerate(zip(one.pattern, two.pattern, strict=True)) if a != b)


def _layer(network: Network, neuron: int) -> int:
    """The hidden layer of a neuron that is counted through all of them; -1 for a side of the domain."""
    ends = pairwise(accumulate(network.widths[1:-1], initial=0))
    return next((layer for layer, (low, high) in enumerate(ends) if low <= neuron < high), -1)


def _steepness(cell: Cell, level: Level | None) -> float:
    level = level or Level()
    weight = cell.affine.weight
    gradient = weight[level.output] - (0 if level.against is None else weight[level.against])
    return math.hypot(*map(_nearest, gradient))


def _nearest(number: Fraction) -> float:
    """A double next to a number; the largest that is drawn where that is too large."""
    try:
        return float(number)
    except OverflowError:
        return LARGEST if number > 0 else -LARGEST


def _line_colour(layer: int) -> str:
    return LINES[layer % len(LINES)]


def _line_width(layer: int) -> float:
    return max(0.5, 1.8 - 0.5 * layer)


def _rgba(colour: str, alpha: float) -> tuple[float, ...]:
    return (*(int(colour[k : k + 2], 16) / 255 for k in (1, 3, 5)), alpha)


def _mark(axes: Axes, points: Array, labels: Sequence[str]) -> None:
    axes.plot(*np.asarray(points).T, ls="", marker="o", ms=7, mfc="white", mec="black", mew=1.4, zorder=5)
    for point, label in zip(points, labels, strict=False):
        axes.annotate(
            label, point, (7, 7), textcoords="offset points", zorder=6, bbox={"fc": "white", "ec": "none", "pad": 1.5}
        )


def _frame(axes: Axes, domain: Polytope) -> None:
    corners = np.array([_place(vertex) for vertex, _ in outline(domain)])
    ring = np.concatenate([corners, corners[:1]])
    axes.plot(*ring.T, color="black", lw=1)
    (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
    axes.set(xlim=(left, right), ylim=(bottom, top), aspect="equal")


def _place(vertex: Vertex) -> tuple[float, float]:
    x, y = to_point(vertex)
    return float(x), float(y)


def _figure_of(axes: Axes) -> Figure:
    figure = axes.get_figure()
    assert figure is not None  # noqa: S101 -- axes are made by `regions`, in a figure
    return figure  # type: ignore[return-value]
