"""Pictures of the regions of a network of one or two variables, as matplotlib figures.

Few cells are drawn exactly, one polygon each. Many are rasterised: the activation pattern of every pixel is evaluated,
and kinks are where those of neighbouring pixels differ.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from itertools import accumulate, islice, pairwise
from typing import TYPE_CHECKING, Any

import numpy as np

from nnapprox.errors import UsageError
from nnapprox.network import Array, Network
from nnapprox.regions.cells import Cell, cells
from nnapprox.regions.level import Level
from nnapprox.regions.polytope import Bounds, Polytope, Vertex, to_point
from nnapprox.regions.walls import outline, walls

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

TINTS = ("#77AADD", "#99DDFF", "#44BB99", "#BBCC33", "#EEDD88", "#EE8866", "#FFAABB", "#DDDDDD", "#AAAA00")
"""Paul Tol's light colours: told apart with every colour vision, and black is read on them."""

LINES = ("#000000", "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00")
"""Of the kinks, layer by layer (Okabe and Ito, 2008)."""

MOST_POLYGONS = 4000
"""More cells than this are rasterised."""

MOST_PRODUCTS = 8_000_000
"""So are cells whose affine maps take more products than this, as those of wide networks do."""

COLUMNS, ROWS = 1001, 997
"""Pixels; that they differ keeps their middles off the diagonals, where kinks may lie."""

CHUNK = 2**12
"""Pixels that are evaluated together."""


def regions(
    network: Network,
    domain: Polytope | Bounds,
    *,
    colour: str = "map",
    level: Level | None = None,
    points: Array | None = None,
    labels: Sequence[str] = (),
    title: str | None = None,
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
    title : str or None
        The number of cells by default.

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
    found = list(islice(cells(network, whole), most + 1))
    figure = Figure(figsize=(7.2, 5.4), layout="constrained")
    axes = figure.add_subplot()
    if whole.dimension == 1:
        _draw_graph(axes, network, whole, found, level)
    else:
        draw = _draw_raster if len(found) > most else _draw_polygons
        draw(axes, network, whole, found, colour, level)
        if points is not None:
            _mark(axes, points, labels)
        axes.set(xlabel="$x_1$", ylabel="$x_2$")
    many = f"{len(found):,}" if len(found) <= most else f"more than {most:,}"
    axes.set_title(title or f"{many} activation region{'s' * (len(found) != 1)}")
    if axes.get_legend_handles_labels()[0]:
        figure.legend(*_legend(axes), loc="outside lower center", ncols=3, frameon=False)
    return figure


def _legend(axes: Axes) -> tuple[list[Any], list[str]]:
    """What is named in a picture, layers in order before the level."""
    handles, names = axes.get_legend_handles_labels()
    order = sorted(range(len(names)), key=lambda k: (not names[k].startswith("kinks"), len(names[k]), names[k]))
    return [handles[k] for k in order], [names[k] for k in order]


def _draw_graph(axes: Axes, network: Network, domain: Polytope, found: list[Cell], level: Level | None) -> None:
    output = level.output if level else 0
    knots = sorted({to_point(vertex) for cell in found for vertex in cell.polytope.vertices})
    x = np.array([float(knot[0]) for knot in knots])
    values = network.astype("rational")(np.array(knots, dtype=object)).astype(np.float64)
    height = values[:, output] - (values[:, level.against] if level and level.against is not None else 0)
    axes.plot(x, height, color="black", lw=1, zorder=1)
    place = {knot: k for k, knot in enumerate(knots)}
    at_layer: dict[int, set[int]] = defaultdict(set)
    for cell in found:
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
        shades = PolyCollection(outlines, cmap="cividis", edgecolors="face", linewidths=0.3)
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
    for layer, lines in sorted(by_layer.items(), reverse=True):
        axes.add_collection(
            LineCollection(
                lines,
                colors=_line_colour(layer),
                linewidths=_line_width(layer),
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


def _draw_raster(
    axes: Axes, network: Network, domain: Polytope, found: list[Cell], colour: str, level: Level | None
) -> None:
    corners = np.array([_place(vertex) for vertex, _ in outline(domain)])
    (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
    x = left + (right - left) * (np.arange(COLUMNS) + 0.5) / COLUMNS
    y = bottom + (top - bottom) * (np.arange(ROWS) + 0.5) / ROWS
    grid = np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2)
    pixels = _Pixels(network.astype("float64"), grid, level or Level(), colour == "gradient")
    placed: dict[str, Any] = {"origin": "lower", "extent": (left, right, bottom, top), "interpolation": "nearest"}
    if colour == "gradient":
        shown = np.hypot(*pixels.gradients.T).reshape(ROWS, COLUMNS)
        drawn = axes.imshow(shown, cmap="cividis", **placed)
        _figure_of(axes).colorbar(drawn, ax=axes, label="length of the gradient")
    else:
        numbers = (pixels.maps % len(TINTS)).astype(int).reshape(ROWS, COLUMNS)
        shades = np.array([[int(tint[k : k + 2], 16) for k in (1, 3, 5)] for tint in TINTS], dtype=np.uint8)
        drawn = axes.imshow(shades[numbers], **placed)
    overlay = np.zeros((ROWS, COLUMNS, 4))
    depth = len(pixels.patterns)
    for layer in reversed(range(depth)):
        changed = _changes(pixels.patterns[layer].reshape(ROWS, COLUMNS))
        overlay[changed] = _rgba(_line_colour(layer), 1 if layer == 0 else 0.45)
        axes.plot([], [], color=_line_colour(layer), lw=_line_width(layer), label=f"kinks of hidden layer {layer + 1}")
    axes.imshow(overlay, **placed)
    if level is not None:
        height = pixels.values.reshape(ROWS, COLUMNS) - float(level.value)
        for width, shade in ((5.0, "white"), (2.8, "#882255")):
            axes.contour(x, y, height, levels=[0], colors=shade, linewidths=width)
        axes.plot([], [], color="#882255", lw=2.8, label=str(level))
    _frame(axes, domain)


class _Pixels:
    """The patterns, affine maps and values of a float64 network at points, a chunk of them after the other."""

    def __init__(self, network: Network, points: Array, level: Level, with_gradients: bool) -> None:
        self._network, self._level, self._with_gradients = network, level, with_gradients
        # Sums of such keys are exact in float64, where matrices are multiplied fastest.
        draw = np.random.default_rng(0)
        self._keys = [draw.integers(2**40, size=n).astype(np.float64) for n in network.widths[1:-1]]
        parts = [self._part(points[start : start + CHUNK]) for start in range(0, len(points), CHUNK)]
        self.patterns = [np.concatenate(layer) for layer in zip(*(part[0] for part in parts), strict=True)]
        self.gradients, self.values = (np.concatenate([part[k] for part in parts]) for k in (1, 2))

    @property
    def maps(self) -> Array:
        """A number for the pattern of each point."""
        return np.asarray(sum(self.patterns))

    def _part(self, points: Array) -> tuple[list[Array], Array, Array]:
        slope = float(self._network.negative_slope)
        states, values, patterns = [], points, []
        for layer, keys in zip(self._network.layers[:-1], self._keys, strict=True):
            sums = values @ layer.weight.T + layer.bias
            states.append(sums > 0)
            patterns.append(states[-1].astype(np.float64) @ keys)
            values = np.where(states[-1], sums, slope * sums)
        weight, bias = self._read_off(self._network.layers[-1].weight), self._read_off(self._network.layers[-1].bias)
        backwards = zip(self._network.layers[-2::-1], states[::-1], strict=True)
        slopes = np.broadcast_to(weight, (len(points), len(weight)))
        for layer, active in backwards if self._with_gradients else ():
            slopes = np.where(active, slopes, slope * slopes) @ layer.weight
        return patterns, slopes, values @ weight + bias

    def _read_off(self, rows: Array) -> Array:
        level = self._level
        return np.asarray(rows[level.output] - (0 if level.against is None else rows[level.against]))


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
    return float(np.hypot(*gradient.astype(np.float64)))


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
