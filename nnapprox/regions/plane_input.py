"""What the kernel of `plane` reads: a network on a chart as lines in doubles with their errors, and in integers."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cached_property, partial

import numpy as np

from nnapprox import _plane
from nnapprox.network import Array, Network
from nnapprox.regions.chart import Chart
from nnapprox.regions.kernel_input import KernelInput, rounded

FINGERPRINTS = 1 << 16
"""Room for so many in a block, or for those of a wide layer's chord."""

LISTED = 1 << 12
"""Room for so many regions in a block."""

LARGEST_GRAM = 512
"""Matrices with more rows and columns get a bound on their norm that takes no products of matrices."""

SQUARINGS = 1


class PlaneInput(KernelInput[_plane.Layer]):
    """A network of two inputs on charts."""

    def __init__(self, network: Network, charts: Sequence[Chart]) -> None:
        super().__init__(_plane.Layer, network, charts)

    @cached_property
    def _spreads(self) -> Array:
        """Bounds on how much layers spread errors, for networks with more than two hidden ones."""
        return np.array([_spread(rounded(layer.weight)) for layer in self.network.layers[1:-1]])

    def counter(self, chart: Chart, output: _plane.Output | None = None) -> _plane.Counter:
        """Begin to count the regions of a chart."""
        # without an output, faces of deep networks are split many at once, in doubles as far as they go
        spreads = self._spreads if output is None and self.network.depth > 3 else None
        integers = partial(self.integers, chart)
        return _plane.Counter(**self.arguments(chart), integers=integers, spreads=spreads, output=output)

    def with_fingerprints(self, chart: Chart) -> _plane.Counter:
        """Begin to count, and have the fingerprint of every region given."""
        at_once = max(self.network.widths[1:-1]) + 2 * _plane.BLOCK
        prints = np.empty(max(FINGERPRINTS, at_once), dtype=np.uint64)
        return self.counter(chart, _plane.Output(*self.residues, prints))

    def with_listing(self, chart: Chart, wanted: Array) -> _plane.Counter:
        """Begin to list the regions whose fingerprints are wanted, which are in order and not repeated."""
        neurons = sum(self.network.widths[1:-1])
        most_sides = len(chart.polytope.facets) + neurons
        listing = _plane.Output(
            *self.residues,
            np.empty(1, dtype=np.uint64),
            np.ascontiguousarray(wanted, dtype=np.uint64),
            np.empty((LISTED, -(-neurons // 64)), dtype=np.uint64),
            np.zeros(LISTED + 1, dtype=np.int32),
            np.empty(max(8 * LISTED, most_sides), dtype=np.int32),
        )
        return self.counter(chart, listing)


def _spread(weight: Array) -> float:
    """A bound on the norm of a matrix from l2 to l2.

    The norm to the power of 2 k is at most the Frobenius norm of the k-th power of the Gram matrix, to which the
    largest singular value contributes most: the higher the power, the closer the bound.
    """
    largest = float(np.abs(weight).max(initial=0))
    if not 0 < largest < np.inf:
        return largest
    scaled = weight / largest
    if min(scaled.shape) > LARGEST_GRAM:
        sizes = np.abs(scaled)
        return 1.001 * largest * math.sqrt(sizes.sum(axis=0).max() * sizes.sum(axis=1).max())
    gram = scaled @ scaled.T if scaled.shape[0] < scaled.shape[1] else scaled.T @ scaled
    for _ in range(SQUARINGS):
        gram = gram @ gram
    return 1.001 * largest * math.pow(math.sqrt(np.vdot(gram, gram)), 0.5 / 2**SQUARINGS)
