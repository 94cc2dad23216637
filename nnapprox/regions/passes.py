"""A network's regions on charts, counted pass by pass: one to count cells only, two for `gluing` as well."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from operator import add, methodcaller
from typing import TypeAlias

from nnapprox.network import Network
from nnapprox.regions.chart import Chart
from nnapprox.regions.gluing import Gluing
from nnapprox.regions.region_count import RegionCount
from nnapprox.regions.search import Search, Tally

Task: TypeAlias = Callable[[Search], Iterator[Tally]]
Run: TypeAlias = Callable[[Sequence[Task]], Iterator[Iterable[Tally]]]
"""Gives what tasks tell as they do, and nothing now and then."""

Workers: TypeAlias = Callable[[Search], AbstractContextManager[Run]]
"""Gives a search to all who take part in it."""


@contextmanager
def here(search: Search) -> Iterator[Run]:
    """Do tasks one after the other, in this process."""
    yield lambda tasks: ([tally] for task in tasks for tally in task(search))


def counts(
    network: Network, charts: Sequence[Chart], *, activation_only: bool = False, workers: Workers = here
) -> Iterator[RegionCount]:
    """Count the regions on charts that no region is on two of, giving what is found up to now every now and then.

    Parameters
    ----------
    network : Network
        With the activation relu or leaky-relu, and a hidden layer.
    charts : sequence of Chart
        Their first layers have the same scales.
    activation_only : bool
        Count neither linear regions nor affine maps.
    workers : Workers
        What does the work.

    Yields
    ------
    RegionCount
        The last is complete.
    """
    gluing = None if activation_only else Gluing(network)
    total = Tally()
    with workers(Search(network, charts, activation_only)) as run:
        for tallies in run([methodcaller("first_pass", number) for number in range(len(charts))]):
            for tally in tallies:
                total = _sum(total, tally)
                if gluing and tally.found:
                    gluing.first_pass(*tally.found)
            yield _count(total, gluing)
        if gluing and len(repeated := gluing.repeated):
            for tallies in run([methodcaller("second_pass", number, repeated) for number in range(len(charts))]):
                for tally in tallies:
                    total = _sum(total, tally)
                    if tally.found:
                        gluing.second_pass(*tally.found)
                yield _count(total, gluing)
    linear, maps = (gluing.linear_regions, gluing.distinct_affine_maps) if gluing else (None, None)
    yield RegionCount(
        total.regions,
        linear,
        maps,
        total.predicates,
        total.exact_fallbacks,
        complete=True,
        worker_seconds=total.worker_seconds,
    )


def _sum(total: Tally, tally: Tally) -> Tally:
    return Tally(*map(add, total[:-1], tally[:-1]))


def _count(total: Tally, gluing: Gluing | None) -> RegionCount:
    certain = max(1, gluing.certain) if gluing else None
    return RegionCount(
        max(1, total.regions),
        certain,
        certain,
        total.predicates,
        total.exact_fallbacks,
        complete=False,
        share=min(1.0, total.share / (2 if gluing else 1)),
        worker_seconds=total.worker_seconds,
    )
