"""What the activation regions of a network are like: their volumes, who makes them, how steep the network is on them.

All numbers are exact, but for a Lipschitz constant in the Euclidean norm with several inputs and outputs: it is
enclosed. Sizes are those of the cells within the domain; norms are those of the coordinates of the domain.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise

from nnapprox.network import Array, Network
from nnapprox.regions.cells import Cell, Watch, cells
from nnapprox.regions.operator_norm import norm_1, norm_inf, squared_norm_2
from nnapprox.regions.polytope import Bounds, Point, Polytope, Vertex, to_point

Neuron = tuple[int, int]
"""Hidden layer and place in it, both from 0."""


@dataclass(frozen=True, slots=True)
class Edge:
    """An edge of a cell, with the square of its Euclidean length."""

    squared_length: Fraction
    ends: tuple[Point, Point]


@dataclass(frozen=True, slots=True)
class Lipschitz:
    """The least Lipschitz constants of a network on a convex domain: the greatest operator norms on a cell.

    Attributes
    ----------
    norm_1, norm_inf : Fraction
        With l1, and with the maximum norm, on both sides.
    squared_norm_2 : tuple of Fraction
        With the Euclidean norm on both sides, its square: between these two, which are equal where it is exact.
    """

    norm_1: Fraction
    norm_inf: Fraction
    squared_norm_2: tuple[Fraction, Fraction]


@dataclass(frozen=True, slots=True)
class Statistics:
    """What the cells of a network on a domain are like.

    The identity has no kinks: layers and neurons of a network with it are not counted.

    Attributes
    ----------
    volume : Fraction
        That of the domain, which all cells fill.
    volumes : tuple of Fraction
        Those of all cells (lengths in 1-D, areas in 2-D), from the least to the greatest.
    regions_after_layer : tuple of int
        How many cells there are after one hidden layer, two, and so on; the last number is that of all.
    cuts_nothing : tuple of Neuron
        Whose kinks split no cell. Of neurons with the same kink, all but the first are among these.
    never_active, always_active : tuple of Neuron
        Those of them that are in one state throughout; the others change it only where earlier neurons do.
    longest_edge : Edge
    lipschitz : Lipschitz
    """

    volume: Fraction
    volumes: tuple[Fraction, ...]
    regions_after_layer: tuple[int, ...]
    cuts_nothing: tuple[Neuron, ...]
    never_active: tuple[Neuron, ...]
    always_active: tuple[Neuron, ...]
    longest_edge: Edge
    lipschitz: Lipschitz

    @property
    def cells(self) -> int:
        """Number of activation regions."""
        return len(self.volumes)

    @property
    def added_by_layer(self) -> tuple[int, ...]:
        """How many cells each hidden layer adds to the one domain."""
        return tuple(after - before for before, after in pairwise((1, *self.regions_after_layer)))

    def quantile(self, share: Fraction) -> Fraction:
        """The least volume that at least this share of the cells does not exceed."""
        return self.volumes[max(0, math.ceil(share * self.cells) - 1)]

    @property
    def decades(self) -> dict[int, int]:
        """How many cells have at least 10^k, and less than 10^(k + 1), of the volume of the domain, by k."""
        counts = Counter(_decade(volume / self.volume) for volume in self.volumes)
        return dict(sorted(counts.items()))


def statistics(network: Network, domain: Polytope | Bounds, *, watch: Watch = iter) -> Statistics:
    """Look at all activation regions of a network on a convex polytope.

    Parameters
    ----------
    network : Network
        With the activation relu, leaky-relu or identity; floats are taken as the dyadic rationals that they are.
    domain : Polytope, or sequence of (low, high)
        The latter is a box.
    watch : function
        The cells go through it.

    Raises
    ------
    UsageError
        As `nnapprox.regions.cells.cells`.
    """
    whole = Polytope.of(domain)
    found = _Census(network, whole)
    for cell in watch(cells(network, whole)):
        found.add(cell)
    return found.statistics()


class _Census:
    """What is kept of the cells while they pass by."""

    def __init__(self, network: Network, domain: Polytope) -> None:
        self._widths = () if network.is_affine else network.widths[1:-1]
        self._first_label = domain.next_label
        self._volume = domain.volume()
        self._volumes: list[Fraction] = []
        self._prefixes: tuple[set[tuple[int, ...]], ...] = tuple(set() for _ in self._widths)
        self._labels: set[int] = set()
        self._ever_active = [0] * len(self._widths)
        self._always_active = [-1] * len(self._widths)
        self._longest = Fraction(0), domain.vertices[:2]
        self._steepness = Steepness()

    def add(self, cell: Cell) -> None:
        self._volumes.append(cell.polytope.volume())
        self._labels.update(cell.polytope.facets)
        for layer, active in enumerate(cell.pattern):
            self._prefixes[layer].add(cell.pattern[: layer + 1])
            self._ever_active[layer] |= active
            self._always_active[layer] &= active
        self._longest = max(self._longest, *_measured(cell.polytope.edges()), key=lambda edge: edge[0])
        self._steepness.add(cell.affine.weight)

    def statistics(self) -> Statistics:
        ever, always = self._ever_active, self._always_active
        neurons = [(layer, k) for layer, width in enumerate(self._widths) for k in range(width)]
        first = list(accumulate(self._widths, initial=self._first_label))
        squared, (start, end) = self._longest
        return Statistics(
            self._volume,
            tuple(sorted(self._volumes)),
            tuple(map(len, self._prefixes)),
            tuple((layer, k) for layer, k in neurons if first[layer] + k not in self._labels),
            tuple((layer, k) for layer, k in neurons if not ever[layer] >> k & 1),
            tuple((layer, k) for layer, k in neurons if always[layer] >> k & 1),
            Edge(squared, (to_point(start), to_point(end))),
            self._steepness.lipschitz(),
        )


class Steepness:
    """The greatest operator norms among the affine maps that it is given."""

    def __init__(self) -> None:
        self._seen: set[tuple[Fraction, ...]] = set()
        self._norm_1 = self._norm_inf = self._low = self._high = Fraction(0)

    def add(self, weight: Array) -> None:
        """Take the weight of an affine map, an array of Fraction of shape (out, in)."""
        key = tuple(weight.flat)
        if key in self._seen:
            return
        self._seen.add(key)
        self._norm_1 = max(self._norm_1, norm_1(weight))
        self._norm_inf = max(self._norm_inf, norm_inf(weight))
        if sum(number * number for number in key) > self._low:  # Frobenius' norm: no operator norm is above it
            low, high = squared_norm_2(weight)
            self._low, self._high = max(self._low, low), max(self._high, high)

    def lipschitz(self) -> Lipschitz:
        """The greatest norms up to now."""
        return Lipschitz(self._norm_1, self._norm_inf, (self._low, self._high))


def _measured(edges: Iterable[tuple[Vertex, Vertex]]) -> Iterable[tuple[Fraction, tuple[Vertex, Vertex]]]:
    for u, v in edges:
        weight = u[-1] * v[-1]
        differences = [a * v[-1] - b * u[-1] for a, b in zip(u[:-1], v[:-1], strict=True)]
        squared = sum(difference * difference for difference in differences)
        yield Fraction(int(squared), int(weight * weight)), (u, v)


def _decade(share: Fraction) -> int:
    """The integer k with 10^k <= share < 10^(k + 1)."""
    near = round(math.log10(share.numerator) - math.log10(share.denominator))
    return near if share >= Fraction(10) ** near else near - 1
