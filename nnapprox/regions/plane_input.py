"""What the kernel of `plane` reads: a network on a chart as lines in doubles with their errors, and in integers."""

from __future__ import annotations

import numpy as np

from nnapprox import _plane
from nnapprox.dense import INSTRUCTION_SETS, instruction_set
from nnapprox.network import Array, Network
from nnapprox.regions import limbs
from nnapprox.regions.chart import Chart
from nnapprox.regions.kernel_input import bounded, hidden_layers, nearest, side_rows, slope_parts
from nnapprox.regions.polytope import Polytope
from nnapprox.regions.residues import residues

FINGERPRINTS = 1 << 16
"""Room for so many in a block, or for those of a wide layer's chord."""

LISTED = 1 << 12
"""Room for so many regions in a block."""


def counter(network: Network, chart: Chart, output: _plane.Output | None = None) -> _plane.Counter:
    """Begin to count the regions of a relu or leaky-relu network of two inputs and one hidden layer or more."""
    sides = side_rows(chart.polytope, ring(chart.polytope))
    return _plane.Counter(
        INSTRUCTION_SETS.index(instruction_set()),
        np.ascontiguousarray(np.vstack([bounded(sides), bounded(chart.first)]).T),
        limbs.limbs(sides.matrix),
        limbs.limbs(chart.first.matrix),
        hidden_layers(_plane.Layer, network, chart.first),
        chart.unit,
        nearest(*network.negative_slope.as_integer_ratio()),
        limbs.limbs(slope_parts(network)),
        output,
    )


def fingerprints(network: Network) -> _plane.Output:
    """Have a count give the fingerprint of every region."""
    at_once = max(network.widths[1:-1]) + 2 * _plane.BLOCK
    return _plane.Output(*residues(network), np.empty(max(FINGERPRINTS, at_once), dtype=np.uint64))


def listing(network: Network, chart: Chart, wanted: Array) -> _plane.Output:
    """Have a count give the regions whose fingerprints are wanted, which are in order and not repeated."""
    neurons = sum(network.widths[1:-1])
    most_sides = len(chart.polytope.facets) + neurons
    return _plane.Output(
        *residues(network),
        np.empty(1, dtype=np.uint64),
        np.ascontiguousarray(wanted, dtype=np.uint64),
        np.empty((LISTED, -(-neurons // 64)), dtype=np.uint64),
        np.zeros(LISTED + 1, dtype=np.int32),
        np.empty(max(8 * LISTED, most_sides), dtype=np.int32),
    )


def ring(polygon: Polytope) -> list[int]:
    """The labels of a polygon's sides, in order around it, which is the order that the kernel numbers them in."""
    beside: dict[int, list[int]] = {label: [] for label in polygon.facets}
    for on in polygon.incidence:
        one, other = (label for label in polygon.facets if on >> label & 1)
        beside[one].append(other)
        beside[other].append(one)
    order = [next(iter(beside))]
    order.append(beside[order[0]][0])
    while len(order) < len(beside):
        order.append(next(label for label in beside[order[-1]] if label != order[-2]))
    return order
