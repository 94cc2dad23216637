"""Counting the regions of a network, by the way that is quickest in its dimension."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

from nnapprox.errors import UsageError
from nnapprox.network import Network
from nnapprox.regions import plane, space
from nnapprox.regions.cells import Cell, cells
from nnapprox.regions.domain import Domain, polytope
from nnapprox.regions.line import line_pieces
from nnapprox.regions.polytope import Polytope
from nnapprox.regions.region_count import RegionCount


def count_regions(
    network: Network, domain: Domain, *, activation_only: bool = False, max_regions: int | None = None
) -> RegionCount:
    """Count the regions of a network on a convex domain, exactly.

    Parameters
    ----------
    network : Network
        With the activation relu, leaky-relu or identity; floats are taken as the dyadic rationals that they are.
    domain : Polytope, sequence of (low, high), or "all"
        A polytope, a box, or all of R^d.
    activation_only : bool
        Count neither linear regions nor affine maps, which is quicker.
    max_regions : int, optional
        Stop at so many activation regions: then the count is a lower bound, and not complete.

    Raises
    ------
    UsageError
        The activation is another one, the domain is empty or has another dimension, or the limit is below 1.
    """
    if max_regions is not None and max_regions < 1:
        raise UsageError(f"a limit on the regions must be at least 1, not {max_regions}")
    for count in counts(network, domain, activation_only=activation_only):
        if max_regions is not None and count.activation_regions >= max_regions:
            break
    return count


def regions(network: Network, domain: Domain) -> Iterator[Cell]:
    """Give the activation regions of a network on a convex domain, one after the other; raises as `count_regions`."""
    _require_piecewise_linear(network)
    return cells(network, polytope(domain, network))


def counts(network: Network, domain: Domain, *, activation_only: bool = False) -> Iterator[RegionCount]:
    """Count as `count_regions` does, but give what is found up to now now and then; the last is complete."""
    _require_piecewise_linear(network)
    part = polytope(domain, network)
    if part.dimension != network.widths[0]:
        raise UsageError(
            f"the network takes {network.widths[0]} coordinates, but the domain has {part.dimension} dimensions"
        )
    if part.dimension == 1:
        return _on_a_line(network, part, activation_only)
    kernel = plane if part.dimension == 2 else space
    return kernel.counts(network, part, activation_only=activation_only)


def _on_a_line(network: Network, interval: Polytope, activation_only: bool) -> Iterator[RegionCount]:
    ends = sorted(x for [x] in interval.points)
    pieces = line_pieces(network, *ends)
    linear, maps = (None, None) if activation_only else (pieces.linear_regions, pieces.distinct_affine_maps)
    decided = pieces.activation_regions * network.neurons
    yield RegionCount(pieces.activation_regions, linear, maps, decided, decided, complete=True)


def _require_piecewise_linear(network: Network) -> Fraction:
    return network.negative_slope
