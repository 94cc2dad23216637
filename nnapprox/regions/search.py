"""What the kernels of `plane` and `space` find on charts, chart by chart."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple, Protocol, TypeVar

import numpy as np

from nnapprox.network import Array, Network
from nnapprox.regions.chart import Chart
from nnapprox.regions.kernel_input import side_labels
from nnapprox.regions.plane_input import PlaneInput
from nnapprox.regions.space_input import SpaceInput

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
        """About how much of the chart is done, from 0 to 1."""


class Tally(NamedTuple):
    """What a pass has done since it last told.

    Attributes
    ----------
    regions, predicates, exact_fallbacks : int
        As in `RegionCount`.
    share : float
        Of the pass over all charts.
    worker_seconds : float
        As in `RegionCount`.
    found : tuple of array
        Of the first pass, fingerprints; of the second, what `Gluing.second_pass` takes. Nothing where cells are only
        counted.
    """

    regions: int = 0
    predicates: int = 0
    exact_fallbacks: int = 0
    share: float = 0.0
    worker_seconds: float = 0.0
    found: tuple[Array, ...] = ()


class Search:
    """A count on charts that no region is on two of: all who take part in it have one of these, prepared once.

    Parameters
    ----------
    network : Network
        A relu or leaky-relu network of two inputs or more and one hidden layer or more.
    charts : sequence of Chart
        Their first layers have the same scales.
    activation_only : bool
        Count neither linear regions nor affine maps.
    """

    def __init__(self, network: Network, charts: Sequence[Chart], activation_only: bool) -> None:
        self.network, self.charts, self.activation_only = network, charts, activation_only

    def __reduce__(self) -> tuple[type[Search], tuple[Network, Sequence[Chart], bool]]:
        return Search, (self.network, self.charts, self.activation_only)  # what is prepared is not sent about

    @cached_property
    def _kernel(self) -> PlaneInput | SpaceInput:
        kind = PlaneInput if self.network.widths[0] == 2 else SpaceInput
        return kind(self.network, self.charts)

    def first_pass(self, number: int) -> Iterator[Tally]:
        """Count the regions on the chart of this number, and take the fingerprints of their maps."""
        chart = self.charts[number]
        if self.activation_only:
            return self._tallies(self._kernel.counter(chart), lambda begun: ())
        return self._tallies(self._kernel.with_fingerprints(chart), lambda begun: (begun.fingerprints().copy(),))

    def second_pass(self, number: int, repeated: Array) -> Iterator[Tally]:
        """List the regions there whose fingerprints are repeated, which are sorted."""
        chart = self.charts[number]
        sides = np.array([max(label - chart.first_label, -1) for label in side_labels(chart.polytope)])

        def listed(begun: Counter) -> tuple[Array, ...]:
            patterns, offsets, labels = (array.copy() for array in begun.cells())
            is_side = labels < 0
            labels[is_side] = sides[-1 - labels[is_side]]
            return patterns, offsets, labels

        for tally in self._tallies(self._kernel.with_listing(chart, repeated), listed):
            yield tally._replace(regions=0)

    def _tallies(self, counter: Counter, found: Callable[[Counter], tuple[Array, ...]]) -> Iterator[Tally]:
        before = (0, 0, 0, 0.0)
        for begun, complete in runs(counter):
            share = 1.0 if complete else begun.share
            now = begun.regions, begun.predicates, begun.exact_decisions, share
            regions, predicates, exact = (n - b for n, b in zip(now[:3], before[:3], strict=True))
            yield Tally(regions, predicates, exact, (share - before[3]) / len(self.charts), found=found(begun))
            before = now


Begun = TypeVar("Begun", bound=Counter)


def runs(counter: Begun) -> Iterator[tuple[Begun, bool]]:
    """Let the kernel work to the end; give it every time that it reports, and whether this is the last."""
    work = 5 * 10**6
    unfinished = True
    while unfinished:
        began = time.perf_counter()
        unfinished = counter.run(work)
        seconds = time.perf_counter() - began
        work = max(10**4, int(work * min(2.0, max(0.1, SECONDS / max(seconds, 1e-6)))))
        yield counter, not unfinished
