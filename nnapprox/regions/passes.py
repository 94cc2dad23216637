"""A network's regions on charts, counted pass by pass: one to count cells only, two for `gluing` as well."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial
from types import ModuleType
from typing import NamedTuple, Protocol, TypeAlias, TypeVar

import numpy as np

from nnapprox.network import Array, Network
from nnapprox.regions import plane_input, space_input
from nnapprox.regions.chart import Chart
from nnapprox.regions.gluing import Gluing
from nnapprox.regions.kernel_input import side_labels
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


class Tally(NamedTuple):
    """What a pass has done on the way since it last told.

    Attributes
    ----------
    regions, predicates, exact_fallbacks : int
        As in `RegionCount`.
    found : tuple of array
        Of the first pass, fingerprints; of the second, what `Gluing.second_pass` takes. Nothing where cells are only
        counted.
    """

    regions: int
    predicates: int
    exact_fallbacks: int
    found: tuple[Array, ...]


Task: TypeAlias = Callable[[], Iterator[Tally]]
Run: TypeAlias = Callable[[Sequence[Task]], Iterator[Iterable[Tally]]]
"""Gives what tasks tell as they do, and nothing now and then."""

Begun = TypeVar("Begun", bound=Counter)


def here(tasks: Sequence[Task]) -> Iterator[Iterable[Tally]]:
    """Do tasks one after the other, in this process."""
    for task in tasks:
        for tally in task():
            yield [tally]


def counts(
    network: Network, shares: Sequence[Sequence[Chart]], *, activation_only: bool = False, run: Run = here
) -> Iterator[RegionCount]:
    """Count the regions on charts that no region is on two of, giving what is found up to now every now and then.

    Parameters
    ----------
    network : Network
        With the activation relu or leaky-relu, and a hidden layer.
    shares : sequence of sequences of Chart
        Each is a task to run; in one share, first layers have the same scales.
    activation_only : bool
        Count neither linear regions nor affine maps.
    run : function
        What does the work.

    Yields
    ------
    RegionCount
        The last is complete.
    """
    gluing = None if activation_only else Gluing(network)
    total = Tally(0, 0, 0, ())
    for tallies in run([partial(_first_pass, network, charts, activation_only) for charts in shares]):
        for tally in tallies:
            total = _sum(total, tally)
            if gluing and tally.found:
                gluing.first_pass(*tally.found)
        yield _count(total, gluing)
    if gluing and len(repeated := gluing.repeated):
        for tallies in run([partial(_second_pass, network, charts, repeated) for charts in shares]):
            for tally in tallies:
                total = _sum(total, tally)
                if tally.found:
                    gluing.second_pass(*tally.found)
            yield _count(total, gluing)
    linear, maps = (gluing.linear_regions, gluing.distinct_affine_maps) if gluing else (None, None)
    yield RegionCount(total.regions, linear, maps, total.predicates, total.exact_fallbacks, complete=True)


def _sum(total: Tally, tally: Tally) -> Tally:
    return Tally(
        total.regions + tally.regions,
        total.predicates + tally.predicates,
        total.exact_fallbacks + tally.exact_fallbacks,
        (),
    )


def _count(total: Tally, gluing: Gluing | None) -> RegionCount:
    certain = max(1, gluing.certain) if gluing else None
    return RegionCount(max(1, total.regions), certain, certain, total.predicates, total.exact_fallbacks, complete=False)


def _first_pass(network: Network, charts: Sequence[Chart], activation_only: bool) -> Iterator[Tally]:
    """Count regions, and take the fingerprints of their maps."""
    kernel = _kernel(network)
    if activation_only:
        for begun in kernel.counters(network, charts):
            yield from _told(begun)
        return
    for begun in kernel.with_fingerprints(network, charts):
        for tally in _told(begun):
            yield tally._replace(found=(begun.fingerprints().copy(),))


def _second_pass(network: Network, charts: Sequence[Chart], repeated: Array) -> Iterator[Tally]:
    """List the regions whose fingerprints are repeated, which are sorted."""
    for begun, chart in zip(_kernel(network).with_listing(network, charts, repeated), charts, strict=True):
        sides = np.array([max(label - chart.first_label, -1) for label in side_labels(chart.polytope)])
        for tally in _told(begun):
            patterns, offsets, labels = (array.copy() for array in begun.cells())
            is_side = labels < 0
            labels[is_side] = sides[-1 - labels[is_side]]
            yield tally._replace(regions=0, found=(patterns, offsets, labels))


def _kernel(network: Network) -> ModuleType:
    return plane_input if network.widths[0] == 2 else space_input


def _told(counter: Counter) -> Iterator[Tally]:
    before = (0, 0, 0)
    for begun in runs(counter):
        now = begun.regions, begun.predicates, begun.exact_decisions
        regions, predicates, exact = (n - b for n, b in zip(now, before, strict=True))
        yield Tally(regions, predicates, exact, ())
        before = now


def runs(counter: Begun) -> Iterator[Begun]:
    """Let the kernel work to the end; give it every time that it reports."""
    work = 10**6
    unfinished = True
    while unfinished:
        began = time.perf_counter()
        unfinished = counter.run(work)
        seconds = time.perf_counter() - began
        work = max(10**4, int(work * min(2.0, max(0.1, SECONDS / max(seconds, 1e-6)))))
        yield counter
