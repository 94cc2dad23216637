"""What a count of regions has found, in whatever dimension."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RegionCount:
    """Regions of a network on a domain, and how they were decided.

    Attributes
    ----------
    activation_regions : int
        Full-dimensional cells on which every hidden neuron keeps its state. As long as the count is not complete, this
        and the next two are lower bounds on what it will be.
    linear_regions : int or None
        Connected components after cells that share a facet and have the same affine map are glued; None where only
        activation regions are counted.
    distinct_affine_maps : int or None
        How many different affine maps there are; None where only activation regions are counted.
    predicates : int
        Signs at vertices and comparisons of crossing points that were decided on the way.
    exact_fallbacks : int
        Those of them that doubles left open, and integers decided.
    complete : bool
        Whether all regions are counted.
    share : float
        About how much of the work is done, from 0 to 1.
    worker_seconds : float
        What other processes or machines have spent on it, in seconds of theirs.
    """

    activation_regions: int
    linear_regions: int | None
    distinct_affine_maps: int | None
    predicates: int
    exact_fallbacks: int
    complete: bool
    share: float = 1.0
    worker_seconds: float = 0.0

    @classmethod
    def one(cls, activation_only: bool) -> RegionCount:
        """The count of an affine map: one region, nothing to decide."""
        glued = None if activation_only else 1
        return cls(1, glued, glued, 0, 0, complete=True)
