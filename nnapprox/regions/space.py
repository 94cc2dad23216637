"""The regions of a network of three variables or more, counted exactly and fast; see `cells` for what a region is.

The domain is split by the neurons of the first hidden layer, every part of it by those of the second, and so on, depth
first. Where only activation regions are wanted, those of the last layer are counted by its sections, without being
made: regions of an arrangement are those of it without one hyperplane, and those on this one (Zaslavsky 1975). Every
decision is the sign of a form at a vertex: it is tried in doubles with a rigorous bound on their error, and taken in
integers where that leaves it open. Weights are the rationals that they are: no tolerance.
"""

from __future__ import annotations

from collections.abc import Iterator

from nnapprox.network import Network
from nnapprox.regions import passes
from nnapprox.regions.chart import bounded_chart
from nnapprox.regions.polytope import Bounds, Polytope
from nnapprox.regions.region_count import RegionCount


def counts(network: Network, domain: Polytope | Bounds, *, activation_only: bool = False) -> Iterator[RegionCount]:
    """Count the regions of a network on a convex polytope, exactly; the last count is complete.

    Parameters
    ----------
    network : Network
        With the activation relu, leaky-relu or identity; floats are taken as the dyadic rationals that they are.
    domain : Polytope, or sequence of (low, high)
        The latter is a box.
    activation_only : bool
        Count no linear regions and affine maps: then memory does not grow with the number of regions.

    Yields
    ------
    RegionCount
        What is found up to now, about every 10 ms.

    Raises
    ------
    UsageError
        The activation is another one, or the domain has not as many dimensions as the network has inputs.
    """
    chart = bounded_chart(network, domain)
    if network.is_affine:
        return iter([RegionCount.one(activation_only)])
    return passes.counts(network, [chart], activation_only=activation_only)
