"""What the kernels of `plane` and `space` find, pass by pass: one to count cells only, two for `gluing` as well."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Protocol, TypeVar

from nnapprox.network import Array, Network
from nnapprox.regions.gluing import Gluing
from nnapprox.regions.region_count import RegionCount

SECONDS = 0.01
"""How long a kernel works before it reports."""


class Counter(Protocol):
    """A kernel's count on its way."""

    def run(self, work: int) -> bool:
        """Go on for about so many nanoseconds; returns whether there is more to do."""

    def fingerprints(self) -> Array:
        """Those of the regions that the last run found."""

    def cells(self) -> tuple[Array, Array, Array]:
        """What the last run listed, as `Gluing.second_pass` takes it."""

    @property
    def regions(self) -> int:
        """Found up to now."""

    @property
    def predicates(self) -> int:
        """Decisions up to now."""

    @property
    def exact_decisions(self) -> int:
        """Those of them that took integers."""


Begun = TypeVar("Begun", bound=Counter)


def activation_counts(counter: Counter) -> Iterator[RegionCount]:
    """Count activation regions only, giving what is found up to now every time that the kernel reports."""
    for begun, complete in runs(counter):
        yield RegionCount(begun.regions, None, None, begun.predicates, begun.exact_decisions, complete=complete)


def all_counts(network: Network, first: Counter, second: Callable[[Array], Counter]) -> Iterator[RegionCount]:
    """Count activation regions, linear regions and affine maps in the same way.

    Parameters
    ----------
    network : Network
    first : Counter
        One that gives fingerprints.
    second : function
        From the fingerprints that are repeated to a counter that lists their regions; called only if there are some.
    """
    gluing = Gluing(network)
    for begun, complete in runs(first):
        gluing.first_pass(begun.fingerprints())
        certain = gluing.certain
        if not complete:
            yield RegionCount(begun.regions, certain, certain, begun.predicates, begun.exact_decisions, complete=False)
    repeated, certain = gluing.repeated, gluing.certain
    predicates, exact_decisions = first.predicates, first.exact_decisions
    if len(repeated):
        for begun, _ in runs(second(repeated)):
            gluing.second_pass(*begun.cells())
            predicates = first.predicates + begun.predicates
            exact_decisions = first.exact_decisions + begun.exact_decisions
            yield RegionCount(first.regions, certain, certain, predicates, exact_decisions, complete=False)
    yield RegionCount(
        first.regions, gluing.linear_regions, gluing.distinct_affine_maps, predicates, exact_decisions, complete=True
    )


def runs(counter: Begun) -> Iterator[tuple[Begun, bool]]:
    """Let the kernel work to the end; give it every time that it reports, and whether this is the last."""
    work = 10**6
    unfinished = True
    while unfinished:
        began = time.perf_counter()
        unfinished = counter.run(work)
        seconds = time.perf_counter() - began
        work = max(10**4, int(work * min(2.0, max(0.1, SECONDS / max(seconds, 1e-6)))))
        yield counter, not unfinished
