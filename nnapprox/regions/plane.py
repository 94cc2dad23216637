"""The regions of a network of two variables, counted exactly and fast; see `cells` for what a region is.

The domain is split by the neurons of the first hidden layer, every part of it by those of the second, and so on, depth
first. The parts that the last layer makes are counted by its chords, without being made. Every decision is the sign of
a determinant of three lines: it is tried in doubles with a rigorous bound on their error, and taken in integers where
that leaves it open. Weights are the rationals that they are: no tolerance.

On the way, every part's affine map gets a fingerprint. Only if some occur more than once, a second pass makes the parts
that have these, and `gluing` says which are one linear region.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

from nnapprox import _plane
from nnapprox.errors import UsageError
from nnapprox.network import Network
from nnapprox.regions.gluing import Gluing
from nnapprox.regions.plane_input import counter, fingerprints, listing
from nnapprox.regions.polytope import Bounds, Polytope
from nnapprox.regions.region_count import RegionCount

SECONDS = 0.01
"""How long the kernel works before it reports."""


def count_plane(network: Network, domain: Polytope | Bounds, *, activation_only: bool = False) -> RegionCount:
    """Count the regions of a network of two inputs on a convex polygon, exactly.

    Parameters
    ----------
    network : Network
        With the activation relu, leaky-relu or identity; floats are taken as the dyadic rationals that they are.
    domain : Polytope, or sequence of (low, high)
        The latter is a box.
    activation_only : bool
        Whether to count activation regions only, which is quicker and takes no memory that grows with their number;
        else this is about 20 bytes a region.

    Raises
    ------
    UsageError
        The activation is another one, or the network or the domain has not two dimensions.
    """
    *_, last = counts(network, domain, activation_only=activation_only)
    return last


def counts(network: Network, domain: Polytope | Bounds, *, activation_only: bool = False) -> Iterator[RegionCount]:
    """Count as `count_plane` does, but give what is found up to now about every 10 ms; the last is complete."""
    is_affine = network.is_affine
    polygon = domain if isinstance(domain, Polytope) else Polytope.box(domain)
    if network.widths[0] != 2 or polygon.dimension != 2:
        raise UsageError(
            f"regions in the plane are those of two variables, but the network takes {network.widths[0]} "
            f"and the domain has {polygon.dimension}"
        )
    if is_affine:
        glued = None if activation_only else 1
        return iter([RegionCount(1, glued, glued, 0, 0, complete=True)])
    return _activation_counts(network, polygon) if activation_only else _all_counts(network, polygon)


def _activation_counts(network: Network, polygon: Polytope) -> Iterator[RegionCount]:
    for begun, complete in runs(counter(network, polygon)):
        yield RegionCount(begun.regions, None, None, begun.predicates, begun.exact_decisions, complete=complete)


def _all_counts(network: Network, polygon: Polytope) -> Iterator[RegionCount]:
    gluing = Gluing(network)
    for begun, complete in runs(counter(network, polygon, fingerprints(network))):
        gluing.first_pass(begun.fingerprints())
        certain = gluing.certain
        if not complete:
            yield RegionCount(begun.regions, certain, certain, begun.predicates, begun.exact_decisions, complete=False)
    first, repeated = begun, gluing.repeated
    certain = gluing.certain
    predicates, exact_decisions = first.predicates, first.exact_decisions
    if len(repeated):
        for begun, _ in runs(counter(network, polygon, listing(network, polygon, repeated))):
            gluing.second_pass(*begun.cells())
            predicates = first.predicates + begun.predicates
            exact_decisions = first.exact_decisions + begun.exact_decisions
            yield RegionCount(first.regions, certain, certain, predicates, exact_decisions, complete=False)
    yield RegionCount(
        first.regions, gluing.linear_regions, gluing.distinct_affine_maps, predicates, exact_decisions, complete=True
    )


def runs(begun: _plane.Counter) -> Iterator[tuple[_plane.Counter, bool]]:
    """Let the kernel work to the end; give it every time that it reports, and whether this is the last."""
    work = 10**6
    unfinished = True
    while unfinished:
        began = time.perf_counter()
        unfinished = begun.run(work)
        seconds = time.perf_counter() - began
        work = max(10**4, int(work * min(2.0, max(0.1, SECONDS / max(seconds, 1e-6)))))
        yield begun, not unfinished
