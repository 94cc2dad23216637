"""What the kernel of `plane` reads: a network on a chart as lines in doubles with their errors, and in integers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from nnapprox import _plane
from nnapprox.dense import INSTRUCTION_SETS, instruction_set
from nnapprox.network import Array, Network
from nnapprox.regions import limbs
from nnapprox.regions.chart import Chart
from nnapprox.regions.kernel_input import bounded, hidden_layers, nearest, sides_of, slope_parts
from nnapprox.regions.residues import residues

FINGERPRINTS = 1 << 16
"""Room for so many in a block, or for those of a wide layer's chord."""

LISTED = 1 << 12
"""Room for so many regions in a block."""


def counters(
    network: Network, charts: Sequence[Chart], output: _plane.Output | None = None
) -> Iterator[_plane.Counter]:
    """Begin to count the regions of a relu or leaky-relu network of two inputs and one hidden layer or more.

    Gives one counter a chart; what they put out has the same place in memory.
    """
    layers = hidden_layers(_plane.Layer, network, charts)
    for chart in charts:
        sides = sides_of(chart.polytope)
        yield _plane.Counter(
            INSTRUCTION_SETS.index(instruction_set()),
            np.ascontiguousarray(np.vstack([bounded(sides), bounded(chart.first)]).T),
            limbs.limbs(sides.matrix),
            limbs.limbs(chart.first.matrix),
            layers,
            chart.unit,
            nearest(*network.negative_slope.as_integer_ratio()),
            limbs.limbs(slope_parts(network)),
            output,
        )


def with_fingerprints(network: Network, charts: Sequence[Chart]) -> Iterator[_plane.Counter]:
    """Begin to count, and have the fingerprint of every region given."""
    at_once = max(network.widths[1:-1]) + 2 * _plane.BLOCK
    output = _plane.Output(*residues(network), np.empty(max(FINGERPRINTS, at_once), dtype=np.uint64))
    return counters(network, charts, output)


def with_listing(network: Network, charts: Sequence[Chart], wanted: Array) -> Iterator[_plane.Counter]:
    """Begin to count, and have the regions given whose fingerprints are wanted, which are in order and not repeated."""
    neurons = sum(network.widths[1:-1])
    most_sides = max(len(chart.polytope.facets) for chart in charts) + neurons
    output = _plane.Output(
        *residues(network),
        np.empty(1, dtype=np.uint64),
        np.ascontiguousarray(wanted, dtype=np.uint64),
        np.empty((LISTED, -(-neurons // 64)), dtype=np.uint64),
        np.zeros(LISTED + 1, dtype=np.int32),
        np.empty(max(8 * LISTED, most_sides), dtype=np.int32),
    )
    return counters(network, charts, output)
