"""What the kernel of `space` reads: a network on a chart as forms in doubles with their errors, and in integers."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from nnapprox import _space
from nnapprox.network import Array, Network
from nnapprox.regions.chart import Chart
from nnapprox.regions.kernel_input import EPSILON, KernelInput, side_labels
from nnapprox.regions.polytope import Polytope

AT_ONCE = 1 << 14
"""Room for so many cells in a block."""


class SpaceInput(KernelInput[_space.Layer]):
    """A network of three inputs or more on charts."""

    def __init__(self, network: Network, charts: Sequence[Chart]) -> None:
        super().__init__(_space.Layer, network, charts)

    def counter(self, chart: Chart) -> _space.Counter:
        """Begin to count the regions of a chart."""
        domain = chart.polytope
        words = -(-(len(domain.facets) + sum(self.network.widths[1:-1])) // 64)
        return _space.Counter(
            **self.arguments(chart),
            integers=self.integers(chart),
            corners=_corners(domain),
            corner_facets=_incidence(domain, words),
        )

    def with_fingerprints(self, chart: Chart) -> _space.Counter:
        """Begin to count, and have the fingerprint of every region given."""
        return self.with_listing(chart, np.empty(0, dtype=np.uint64))

    def with_listing(self, chart: Chart, wanted: Array) -> _space.Counter:
        """Begin to list the regions whose fingerprints are wanted, which are in order and not repeated."""
        begun = self.counter(chart)
        begun.give_cells(*self.residues, AT_ONCE, np.ascontiguousarray(wanted))
        return begun


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
