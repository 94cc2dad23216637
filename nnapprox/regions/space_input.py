"""What the kernel of `space` reads: a network on a chart as forms in doubles with their errors, and in integers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nnapprox import _space
from nnapprox.network import Array, Network
from nnapprox.regions import limbs
from nnapprox.regions.chart import Chart
from nnapprox.regions.kernel_input import EPSILON, bounded, hidden_layers, nearest, side_labels, sides_of, slope_parts
from nnapprox.regions.polytope import Polytope
from nnapprox.regions.residues import residues

AT_ONCE = 1 << 14
"""Room for so many cells in a block."""


def counters(network: Network, charts: Sequence[Chart]) -> Iterator[_space.Counter]:
    """Begin to count the regions of a relu or leaky-relu network of one hidden layer or more; one counter a chart."""
    layers = hidden_layers(_space.Layer, network, charts)
    for chart in charts:
        sides = sides_of(chart.polytope)
        planes = len(sides.matrix) + sum(network.widths[1:-1])
        yield _space.Counter(
            np.ascontiguousarray(np.vstack([bounded(sides), bounded(chart.first)]).T),
            limbs.limbs(sides.matrix),
            limbs.limbs(chart.first.matrix),
            layers,
            chart.unit,
            nearest(*network.negative_slope.as_integer_ratio()),
            limbs.limbs(slope_parts(network)),
            _corners(chart.polytope),
            _incidence(chart.polytope, -(-planes // 64)),
        )


def with_fingerprints(network: Network, charts: Sequence[Chart]) -> Iterator[_space.Counter]:
    """Begin to count, and have the fingerprint of every region given."""
    return with_listing(network, charts, np.empty(0, dtype=np.uint64))


def with_listing(network: Network, charts: Sequence[Chart], wanted: Array) -> Iterator[_space.Counter]:
    """Begin to count, and have the regions given whose fingerprints are wanted, which are in order and not repeated."""
    prepared, wanted = residues(network), np.ascontiguousarray(wanted)
    for begun in counters(network, charts):
        begun.give_cells(*prepared, AT_ONCE, wanted)
        yield begun


def _corners(domain: Polytope) -> Array:
    """The vertices of the domain, with a bound on their error."""
    return np.array([[*map(float, point), 2 * EPSILON] for point in domain.points])


def _incidence(domain: Polytope, words: int) -> Array:
    """Which vertices of the domain lie on which sides: masks, a row a vertex."""
    masks = np.zeros((len(domain.vertices), words), dtype=np.uint64)
    for row, on in zip(masks, domain.incidence, strict=True):
        for side, label in enumerate(side_labels(domain)):
            row[side // 64] |= np.uint64((on >> label & 1) << side % 64)
    return masks
