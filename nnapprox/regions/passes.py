"""What the kernels of `plane` and `space` find, pass by pass: one to count cells only, two for `gluing` as well."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Protocol, TypeVar

from nnapprox.network import Array, Network
from nnapprox.regions.gluing import Gluing
from nnapprox.regions.polytope import Polytope
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

    @property
    def share(self) -> float:
        """About how much of the domain is done, from 0 to 1."""


class Prepared(Protocol):
    """A network on a domain, as a kernel reads it: `plane_input.PlaneInput` or `space_input.SpaceInput`."""

    def counter(self, part: Polytope) -> Counter:
        """Begin to count the regions of a part of the domain."""

    def with_fingerprints(self, part: Polytope) -> Counter:
        """Begin to count, and have the fingerprint of every region given."""

    def with_listing(self, part: Polytope, wanted: Array) -> Counter:
        """Begin to list the regions whose fingerprints are wanted, which are in order and not repeated."""

    def sides(self, part: Polytope) -> list[int]:
        """The labels of a part's facets, in the order that the kernel numbers them in."""


Begun = TypeVar("Begun", bound=Counter)


def counts(network: Network, prepared: Prepared, domain: Polytope, activation_only: bool) -> Iterator[RegionCount]:
    """Count regions, giving what is found up to now every time that the kernel reports; the last is complete."""
    return _activation_counts(prepared, domain) if activation_only else _all_counts(network, prepared, domain)


def _activation_counts(prepared: Prepared, domain: Polytope) -> Iterator[RegionCount]:
    for begun, complete in runs(prepared.counter(domain)):
        share = 1.0 if complete else begun.share
        yield RegionCount(begun.regions, None, None, begun.predicates, begun.exact_decisions, complete, share)


def _all_counts(network: Network, prepared: Prepared, domain: Polytope) -> Iterator[RegionCount]:
    gluing, first = Gluing(network), prepared.with_fingerprints(domain)
    for begun, complete in runs(first):
        gluing.first_pass(begun.fingerprints())
        known, decided = gluing.certain, (begun.predicates, begun.exact_decisions)
        if not complete:
            yield RegionCount(begun.regions, known, known, *decided, complete=False, share=begun.share / 2)
    if len(repeated := gluing.repeated):
        known = gluing.certain
        for begun, _ in runs(prepared.with_listing(domain, repeated)):
            gluing.second_pass(*begun.cells())
            decided = first.predicates + begun.predicates, first.exact_decisions + begun.exact_decisions
            yield RegionCount(first.regions, known, known, *decided, complete=False, share=(1 + begun.share) / 2)
    yield RegionCount(first.regions, gluing.linear_regions, gluing.distinct_affine_maps, *decided, complete=True)


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
