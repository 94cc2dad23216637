"""The regions of a network of two variables, counted exactly and fast; see `cells` for what a region is.

The domain is split by the neurons of the first hidden layer, every part of it by those of the second, and so on, depth
first. The parts that the last layer makes are counted by its chords, without being made. Every decision is the sign of
a determinant of three lines: it is tried in doubles with a rigorous bound on their error, and taken in integers where
that leaves it open. Weights are the rationals that they are: no tolerance.

If only activation regions are asked for, and there are three hidden layers or more, none of them wide, many parts are
split at once: a network is continuous, so a layer is evaluated once at every vertex, and no affine maps are computed.
This is done in doubles alone; a part in which they leave a sign open is split as above.

On the way, every part's affine map gets a fingerprint. Only if some occur more than once, a second pass makes the parts
that have these, and `gluing` says which are one linear region.
"""

from __future__ import annotations

from collections.abc import Iterator

from nnapprox.errors import UsageError
from nnapprox.network import Network
from nnapprox.regions import passes
from nnapprox.regions.chart import bounded_chart
from nnapprox.regions.polytope import Bounds, Polytope
from nnapprox.regions.region_count import RegionCount


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
    dimension = domain.dimension if isinstance(domain, Polytope) else len(domain)
    if network.widths[0] != 2 or dimension != 2:
        raise UsageError(
            f"regions in the plane are those of two variables, but the network takes {network.widths[0]} "
            f"and the domain has {dimension}"
        )
    chart = bounded_chart(network, domain)
    if is_affine:
        return iter([RegionCount.one(activation_only)])
    return passes.counts(network, [chart], activation_only=activation_only)
