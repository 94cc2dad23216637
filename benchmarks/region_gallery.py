"""Counts, times and pictures of regions: writes docs/region-gallery.md and docs/pictures/.

python -m benchmarks.region_gallery
"""

import time
from fractions import Fraction
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from benchmarks import common  # first: it sets the number of threads
from benchmarks.pictures import DOCS, save
from benchmarks.regions import he_normal
from nnapprox import Network, constructions, plots, region_plots
from nnapprox.calculus import affine, compose, parallel
from nnapprox.constructions.sawtooth import sawtooth_network
from nnapprox.regions.count import counts, slice_counts
from nnapprox.regions.level import Level
from nnapprox.regions.slices import box, restrict
from nnapprox.regions.topology import betti
from nnapprox.training import Recipe, Run

Points = list[list[Fraction]]
SQUARE, UNIT = [(-1, 1)] * 2, [(0, 1)] * 2

SAMPLES = 301
"""Points along a side of the square on which classes are compared."""


def train_on_digits() -> tuple[list[dict[str, Any]], Network, Points]:
    """A network trained on MNIST, with its history of counts, and the first images of a 0, a 1 and a 2."""
    data, _ = common.mnist()
    places = [int(np.flatnonzero(data.y_train == digit)[0]) for digit in range(3)]
    through = [[Fraction(int(x), data.divisor) for x in data.x_train[place].ravel()] for place in places]
    run = Run(data, Recipe(hidden=(20, 20), epochs=8, seed=1))
    state = run.start()
    for progress in run.advance(state):
        if progress.record is not None:
            *_, count = slice_counts(run.network(state), through, box(3), activation_only=True)
            state.history[-1]["activation_regions"] = count.activation_regions
    return state.history, run.network(state), through


def draw_classes(axes: Axes, plane: Network) -> None:
    """Draw where the greatest output changes, as seen at points on a grid."""
    (left, right), (bottom, top) = axes.get_xlim(), axes.get_ylim()
    x, y = np.linspace(left, right, SAMPLES), np.linspace(bottom, top, SAMPLES)
    outputs = plane.astype("float64")(np.stack(np.meshgrid(x, y), axis=-1).reshape(-1, 2))
    for digit in np.unique(outputs.argmax(axis=1)):
        ahead = (outputs[:, digit] - np.delete(outputs, digit, axis=1).max(axis=1)).reshape(SAMPLES, SAMPLES)
        for width, shade in ((4.5, "white"), (2.5, "#882255")):
            axes.contour(x, y, ahead, levels=[0], colors=shade, linewidths=width)
        row, column = np.unravel_index(ahead.argmax(), ahead.shape)
        axes.text(
            np.clip(x[column], *np.quantile(x, [0.05, 0.95])), np.clip(y[row], *np.quantile(y, [0.05, 0.95])),
            str(digit), ha="center", va="center", weight="bold", bbox={"fc": "white", "ec": "#882255"},
        )  # fmt: skip


def cases(plane: Network) -> list[tuple[str, str, Network, list, dict]]:
    tooth = sawtooth_network(3)
    islands = compose(affine([[1, 1]], [Fraction(-3, 2)]), parallel([tooth] * 2))
    labels = [f"class {digit}" for digit in range(3)]
    corners = np.array([[0, 0], [1, 0], [0, 1]])
    return [
        ("sawtooth", "A sawtooth, three hats deep", tooth, UNIT[:1], {}),
        ("random", "Random weights, [2, 32, 32, 1]", he_normal((2, 32, 32, 1)), SQUARE, {"level": Level()}),
        ("gradient", "The same, by its gradient", he_normal((2, 32, 32, 1)), SQUARE, {"colour": "gradient"}),
        ("many", "Random weights, [2, 256, 256, 1]", he_normal((2, 256, 256, 1)), SQUARE, {}),
        ("fold", "A fold of the square", constructions.build("fold", dim=2, pieces=3, layers=2).network, UNIT, {}),
        ("islands", "Sixteen islands", islands, UNIT, {"level": Level()}),
        ("digits", "A plane through three images, 0 against 1", plane, box(3),
         {"level": Level(0, against=1), "points": corners, "labels": labels, "coordinates": ("$s$", "$t$")}),
    ]  # fmt: skip


def main() -> None:
    lines = [
        "# Regions: counts, times, pictures",
        "",
        "`python -m benchmarks.region_gallery` wrote this page. Counts are exact; seconds are those of the processor.",
        "Betti numbers (b0, b1) are those of {f > 0}, {f < 0} and {f = 0}; the digits' are those of f0 - f1.",
        "",
        "| network | activation regions | linear regions | maps | signs | in integers | seconds | Betti numbers |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | --- |",
    ]
    pictures = []
    history, network, through = train_on_digits()
    plane = restrict(network, through)
    for name, title, network, domain, options in cases(plane):
        began = time.process_time()
        *_, count = counts(network, domain)
        seconds = time.process_time() - began
        few = count.activation_regions <= region_plots.MOST_POLYGONS
        found = betti(network, domain, options.get("level")) if few else None
        numbers = f"{found.positive}, {found.negative}, {found.zero}" if found else ""
        lines.append(
            f"| {title} | {count.activation_regions:,} | {count.linear_regions:,} | {count.distinct_affine_maps:,} | "
            f"{count.predicates:,} | {count.exact_fallbacks:,} | {seconds:.3g} | {numbers} |"
        )
        figure = region_plots.regions(network, domain, title=title, **options)
        pictures += save(figure, f"regions-{name}", title)
    title = "The same plane, and where the greatest output changes (sampled)"
    figure = region_plots.regions(plane, box(3), title=title, coordinates=("$s$", "$t$"))
    draw_classes(figure.axes[0], plane)
    pictures += save(figure, "regions-classes", title)
    title = "[784, 20, 20, 10] on MNIST: regions of that plane along training"
    pictures += save(plots.learning_curve(history, "[784, 20, 20, 10] on MNIST"), "regions-training", title)
    (DOCS / "region-gallery.md").write_text("\n".join([*lines, *pictures, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
