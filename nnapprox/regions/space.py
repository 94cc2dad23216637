"""The regions of a network of three variables or more, counted exactly and fast; see `cells` for what a region is.

The domain is split by the neurons of the first hidden layer, every part of it by those of the second, and so on, depth
first. Where only activation regions are wanted, those of the last layer are counted by its sections, without being
made: regions of an arrangement are those of it without one hyperplane, and those on this one (Zaslavsky 1975). Every
decision is the sign of a form at a vertex: it is tried in doubles with a rigorous bound on their error, and taken in
integers where that leaves it open. Weights are the rationals that they are: no tolerance.
"""

from __future__ import annotations

import time
from collections.abc import Iterator

import numpy as np

from nnapprox import _space
from nnapprox.errors import UsageError
from nnapprox.network import Network
from nnapprox.regions.gluing import Gluing
from nnapprox.regions.polytope import Bounds, Polytope
from nnapprox.regions.region_count import RegionCount
from nnapprox.regions.residues import residues
from nnapprox.regions.space_input import counter

SECONDS = 0.01
"""How long the kernel works before it reports."""

AT_ONCE = 1 << 14
"""Room for so many cells in a block."""


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
    is_affine = network.is_affine
    polytope = domain if isinstance(domain, Polytope) else Polytope.box(domain)
    if network.widths[0] != polytope.dimension:
        raise UsageError(
            f"the network takes {network.widths[0]} coordinates, but the domain has {polytope.dimension} dimensions"
        )
    if is_affine:
        glued = None if activation_only else 1
        return iter([RegionCount(1, glued, glued, 0, 0, complete=True)])
    return _activation_counts(network, polytope) if activation_only else _all_counts(network, polytope)


def _activation_counts(network: Network, polytope: Polytope) -> Iterator[RegionCount]:
    for begun, complete in runs(counter(network, polytope)):
        yield RegionCount(begun.regions, None, None, begun.predicates, begun.exact_decisions, complete=complete)


def _all_counts(network: Network, polytope: Polytope) -> Iterator[RegionCount]:
    gluing, known = Gluing(network), residues(network)
    first = counter(network, polytope)
    first.give_cells(*known, AT_ONCE, np.empty(0, dtype=np.uint64))
    for begun, complete in runs(first):
        gluing.first_pass(begun.fingerprints())
        certain = gluing.certain
        if not complete:
            yield RegionCount(begun.regions, certain, certain, begun.predicates, begun.exact_decisions, complete=False)
    repeated, certain = np.ascontiguousarray(gluing.repeated), gluing.certain
    predicates, exact_decisions = first.predicates, first.exact_decisions
    if len(repeated):
        second = counter(network, polytope)
        second.give_cells(*known, AT_ONCE, repeated)
        for begun, _ in runs(second):
            gluing.second_pass(*begun.cells())
            predicates = first.predicates + begun.predicates
            exact_decisions = first.exact_decisions + begun.exact_decisions
            yield RegionCount(first.regions, certain, certain, predicates, exact_decisions, complete=False)
    yield RegionCount(
        first.regions, gluing.linear_regions, gluing.distinct_affine_maps, predicates, exact_decisions, complete=True
    )


def runs(begun: _space.Counter) -> Iterator[tuple[_space.Counter, bool]]:
    """Let the kernel work to the end; give it every time that it reports, and whether this is the last."""
    work = 10**6
    unfinished = True
    while unfinished:
        began = time.perf_counter()
        unfinished = begun.run(work)
        seconds = time.perf_counter() - began
        work = max(10**4, int(work * min(2.0, max(0.1, SECONDS / max(seconds, 1e-6)))))
        yield begun, not unfinished
