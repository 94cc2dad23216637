"""Counting the regions of a network, by the way that is quickest in its dimension."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from fractions import Fraction

import numpy as np

from nnapprox.errors import UsageError
from nnapprox.exact import IntegerRows, dyadic_rows
from nnapprox.network import Network
from nnapprox.regions import jobs, passes
from nnapprox.regions.cells import Cell, cells
from nnapprox.regions.chart import bounded_chart, charts_of_space, without_dependent_inputs
from nnapprox.regions.domain import Domain, box_of_everything, polytope
from nnapprox.regions.line import integer_pieces
from nnapprox.regions.line_filter import count_in_doubles
from nnapprox.regions.passes import Workers
from nnapprox.regions.polytope import Polytope
from nnapprox.regions.region_count import RegionCount
from nnapprox.regions.slices import first_on_line, float_layers, restrict


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
    require_piecewise_linear(network)
    return cells(network, polytope(domain, network))


def counts(
    network: Network,
    domain: Domain,
    *,
    activation_only: bool = False,
    workers: Workers | None = None,
) -> Iterator[RegionCount]:
    """Count as `count_regions` does, but give what is found up to now now and then; the last is complete.

    Others may do the work, as those of `nnapprox.regions.jobs`; on a line they are not needed.
    """
    require_piecewise_linear(network)
    if domain == "all":
        network = without_dependent_inputs(network)
    if domain == "all" and network.widths[0] > 1:
        charts = charts_of_space(network)
    else:
        part = polytope(domain, network)
        charts = [bounded_chart(network, part)]
        if part.dimension == 1:
            return _on_a_line(network, part, activation_only)
    if network.is_affine:
        return iter([RegionCount.one(activation_only)])
    if workers is not None:
        return jobs.counts(network, charts, workers, activation_only=activation_only)
    return passes.counts(network, charts, activation_only=activation_only)


def slice_counts(
    network: Network,
    points: Sequence[Sequence[int | Fraction]],
    domain: Domain,
    *,
    activation_only: bool = False,
    workers: Workers | None = None,
) -> Iterator[RegionCount]:
    """Count as `counts` does, on the line through two points or the plane through three.

    The domain is in the coordinates of `nnapprox.regions.slices.restrict`. Raises as both do.
    """
    require_piecewise_linear(network)
    if len(points) != 2 or network.dtype == "rational":
        return counts(restrict(network, points), domain, activation_only=activation_only, workers=workers)
    first = first_on_line(network, points)
    if domain == "all":
        interval = box_of_everything(float_layers(network, first), network.negative_slope)
    else:
        interval = polytope(domain, network)
    if interval.dimension != 1:
        raise UsageError(f"a domain on a line has one dimension, not {interval.dimension}")
    return _on_a_line(network, interval, activation_only, first)


def _on_a_line(
    network: Network, interval: Polytope, activation_only: bool, first: IntegerRows | None = None
) -> Iterator[RegionCount]:
    """Count pieces; where the line is a slice, the network's first layer on it is given."""
    low, high = sorted(x for [x] in interval.points)
    slope = network.negative_slope
    if not network.is_affine and network.dtype != "rational":
        start = first or dyadic_rows(network.layers[0].weight, network.layers[0].bias, 1)
        if count := count_in_doubles(start, network.layers[1:], slope, (low, high), activation_only=activation_only):
            yield count
            return
    layers = float_layers(network, first) if first else network.astype("rational").integer_layers
    if activation_only and len(layers) > 1:  # outputs play no part: let there be one, which is 0
        layers = [*layers[:-1], IntegerRows(np.zeros((1, network.widths[-2] + 1), dtype=np.int64), (1,))]
    pieces = integer_pieces(layers, slope, low, high)
    linear, maps = (None, None) if activation_only else (pieces.linear_regions, pieces.distinct_affine_maps)
    decided = pieces.signs_decided
    yield RegionCount(pieces.activation_regions, linear, maps, decided, decided, complete=True)


def require_piecewise_linear(network: Network) -> None:
    """Refuse a network whose activation is another than relu, leaky-relu or the identity, as a `UsageError`."""
    if not network.activation.is_piecewise_linear:
        raise UsageError(f"a {network.activation} network has no regions: only relu and leaky-relu networks have")
