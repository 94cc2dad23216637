"""Counts, times and pictures of regions: writes docs/region-gallery.md and docs/pictures/.

python -m benchmarks.region_gallery
"""

import time
from fractions import Fraction
from pathlib import Path

import numpy as np

from benchmarks import common  # first: it sets the number of threads
from benchmarks.regions import he_normal
from nnapprox import Affine, Network, constructions, region_plots
from nnapprox.calculus import affine, compose, parallel
from nnapprox.constructions.sawtooth import sawtooth_network
from nnapprox.regions.count import counts
from nnapprox.regions.level import Level
from nnapprox.regions.slices import box, restrict
from nnapprox.regions.topology import betti

DOCS = Path(__file__).parent.parent / "docs"
SQUARE, UNIT = [(-1, 1)] * 2, [(0, 1)] * 2
DPI = 80
"""So that a picture takes less than 200 KB."""


def digits_plane() -> tuple[Network, list[str]]:
    """A network trained on MNIST for a few thousand steps, on the plane through a 0, a 1 and a 2."""
    data, images = common.mnist()
    network = trained_on(images[:6000], data.y_train[:6000])
    samples = [int(np.flatnonzero(data.y_train == digit)[0]) for digit in range(3)]
    through = [[Fraction(int(x), 255) for x in data.x_train[place].ravel()] for place in samples]
    return restrict(network, through), ["0", "1", "2"]


def trained_on(images: np.ndarray, labels: np.ndarray) -> Network:
    """Plain gradient descent in NumPy on the cross-entropy, in batches of 20."""
    weights, biases = common.weights_of([784, 20, 20, 10])
    for start in np.tile(np.arange(0, len(images), 20), 3):
        values, target = [images[start : start + 20]], np.eye(10, dtype=np.float32)[labels[start : start + 20]]
        for weight, bias in zip(weights[:-1], biases[:-1], strict=True):
            values.append(np.maximum(values[-1] @ weight.T + bias, 0))
        scores = np.exp(values[-1] @ weights[-1].T + biases[-1])
        error = (scores / scores.sum(axis=1, keepdims=True) - target) / 20
        for layer in range(len(weights) - 1, -1, -1):
            step = error.T @ values[layer], error.sum(axis=0)
            error = (error @ weights[layer]) * (values[layer] > 0)
            weights[layer] -= 0.2 * step[0]
            biases[layer] -= 0.2 * step[1]
    return Network([Affine(*pair) for pair in zip(weights, biases, strict=True)])


def cases() -> list[tuple[str, str, Network, list, dict]]:
    tooth = sawtooth_network(3)
    islands = compose(affine([[1, 1]], [Fraction(-3, 2)]), parallel([tooth] * 2))
    plane, labels = digits_plane()
    corners = np.array([[0, 0], [1, 0], [0, 1]])
    return [
        ("sawtooth", "A sawtooth, three hats deep", tooth, UNIT[:1], {}),
        ("random", "Random weights, [2, 32, 32, 1]", he_normal((2, 32, 32, 1)), SQUARE, {"level": Level()}),
        ("gradient", "The same, by its gradient", he_normal((2, 32, 32, 1)), SQUARE, {"colour": "gradient"}),
        ("fold", "A fold of the square", constructions.build("fold", dim=2, pieces=3, layers=2).network, UNIT, {}),
        ("islands", "Sixteen islands", islands, UNIT, {"level": Level()}),
        ("digits", "A plane through three images, 0 against 1", plane, box(3),
         {"level": Level(0, against=1), "points": corners, "labels": labels}),
    ]  # fmt: skip


def main() -> None:
    (DOCS / "pictures").mkdir(exist_ok=True)
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
    for name, title, network, domain, options in cases():
        began = time.process_time()
        *_, count = counts(network, domain)
        seconds = time.process_time() - began
        found = betti(network, domain, options.get("level"))
        lines.append(
            f"| {title} | {count.activation_regions:,} | {count.linear_regions:,} | {count.distinct_affine_maps:,} | "
            f"{count.predicates:,} | {count.exact_fallbacks:,} | {seconds:.3g} | "
            f"{found.positive}, {found.negative}, {found.zero} |"
        )
        figure = region_plots.regions(network, domain, title=title, **options)
        figure.savefig(DOCS / "pictures" / f"regions-{name}.png", dpi=DPI)
        pictures += ["", f"![{title}](pictures/regions-{name}.png)"]
    (DOCS / "region-gallery.md").write_text("\n".join([*lines, *pictures, ""]), encoding="utf-8")


if __name__ == "__main__":
    main()
