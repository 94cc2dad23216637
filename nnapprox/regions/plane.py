"""The activation regions of a network of two variables, counted exactly and fast; see `cells` for what a region is.

The domain is split by the neurons of the first hidden layer, every part of it by those of the second, and so on, depth
first. The parts that the last layer makes are counted by its chords, without being made. Every decision is the sign of
a determinant of three lines: it is tried in doubles with a rigorous bound on their error, and taken in integers where
that leaves it open. Weights are the rationals that they are: no tolerance.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from nnapprox import _plane
from nnapprox.errors import UsageError
from nnapprox.network import Network
from nnapprox.regions.plane_input import counter
from nnapprox.regions.polytope import Bounds, Polytope
from nnapprox.regions.region_count import RegionCount

SECONDS = 0.01
"""How long the kernel works before it reports."""


def count_plane(network: Network, domain: Polytope | Bounds) -> RegionCount:
    """Count the activation regions of a network of two inputs on a convex polygon, exactly.

    Parameters
    ----------
    network : Network
        With the activation relu, leaky-relu or identity; floats are taken as the dyadic rationals that they are.
    domain : Polytope, or sequence of (low, high)
        The latter is a box.

    Raises
    ------
    UsageError
        The activation is another one, or the network or the domain has not two dimensions.
    """
    *_, last = counts(network, domain)
    return last


def counts(network: Network, domain: Polytope | Bounds) -> Iterator[RegionCount]:
    """Count as `count_plane` does, but give what is found up to now about every 10 ms; the last is complete."""
    negative_slope = network.negative_slope
    polygon = domain if isinstance(domain, Polytope) else Polytope.box(domain)
    if network.widths[0] != 2 or polygon.dimension != 2:
        raise UsageError(
            f"regions in the plane are those of two variables, but the network takes {network.widths[0]} "
            f"and the domain has {polygon.dimension}"
        )
    if network.depth == 1 or negative_slope == 1:
        return iter([RegionCount(1, None, None, 0, 0, complete=True)])
    return _run(counter(network, polygon))


def _run(begun: _plane.Counter) -> Iterator[RegionCount]:
    work = 10**6
    unfinished = True
    while unfinished:
        began = time.perf_counter()
        unfinished = begun.run(work)
        seconds = time.perf_counter() - began
        work = max(10**4, int(work * min(2.0, max(0.1, SECONDS / max(seconds, 1e-6)))))
        yield RegionCount(begun.regions, None, None, begun.predicates, begun.exact_decisions, complete=not unfinished)
