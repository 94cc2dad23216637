"""A domain in convex parts, cut along kinks of the first layer, to be counted apart.

Such a cut goes through no activation region: those of the parts add up. Facets on a cut keep the neuron that made it,
so that `gluing` joins regions across it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from typing import NamedTuple

import numpy as np

from nnapprox.exact import Integer
from nnapprox.network import Array, Network
from nnapprox.regions.passes import Counter, Prepared, runs
from nnapprox.regions.plane_input import PlaneInput
from nnapprox.regions.polytope import Form, Polytope
from nnapprox.regions.space_input import SpaceInput


class Tally(NamedTuple):
    """What a pass over a part has found.

    Attributes
    ----------
    regions, predicates, exact_fallbacks : int
        As in `RegionCount`.
    seconds : float
        Of processor time.
    found : tuple of array
        Of the first pass, fingerprints, or none where they are not wanted; of the second, what `Gluing.second_pass`
        takes, but with the lengths of what `offsets` tells apart.
    """

    regions: int
    predicates: int
    exact_fallbacks: int
    seconds: float
    found: tuple[Array, ...]


class Search:
    """A count that workers share: each of them has one of these, prepared once, for all the parts that it is given.

    Parameters
    ----------
    network : Network
        A relu or leaky-relu network of two inputs or more and one hidden layer or more.
    domain : Polytope
    activation_only : bool
        Count neither linear regions nor affine maps.
    """

    def __init__(self, network: Network, domain: Polytope, activation_only: bool) -> None:
        self.network, self.domain, self.activation_only = network, domain, activation_only

    def __reduce__(self) -> tuple[type[Search], tuple[Network, Polytope, bool]]:
        return Search, (self.network, self.domain, self.activation_only)  # what is prepared is not sent about

    @cached_property
    def _prepared(self) -> Prepared:
        prepare = PlaneInput if self.domain.dimension == 2 else SpaceInput
        return prepare(self.network, self.domain)

    def first_pass(self, part: Polytope) -> Iterator[Tally]:
        """Count regions, and take the fingerprints of their maps."""

        def begin() -> Counter:
            prepared = self._prepared
            return prepared.counter(part) if self.activation_only else prepared.with_fingerprints(part)

        def found(begun: Counter) -> tuple[Array, ...]:
            return () if self.activation_only else (begun.fingerprints().copy(),)

        yield from _told(begin, found)

    def second_pass(self, part: Polytope, repeated: Array) -> Iterator[Tally]:
        """List the regions whose fingerprints are among these, which are sorted."""
        sides = np.array([max(label - self.domain.next_label, -1) for label in self._prepared.sides(part)])

        def listed(begun: Counter) -> tuple[Array, ...]:
            patterns, offsets, labels = (array.copy() for array in begun.cells())
            is_side = labels < 0
            labels[is_side] = sides[-1 - labels[is_side]]
            return patterns, np.diff(offsets), labels

        for tally in _told(lambda: self._prepared.with_listing(part, repeated), listed):
            yield tally._replace(regions=0)


def _told(begin: Callable[[], Counter], found: Callable[[Counter], tuple[Array, ...]]) -> Iterator[Tally]:
    """Tell, every time that the kernel reports, what came since it did last."""
    started, before = time.thread_time(), (0, 0, 0)
    for begun, _ in runs(begin()):
        now = begun.regions, begun.predicates, begun.exact_decisions
        regions, predicates, exact = (n - b for n, b in zip(now, before, strict=True))
        ended = time.thread_time()
        yield Tally(regions, predicates, exact, ended - started, found(begun))
        started, before = ended, now


def summed(tallies: Sequence[Tally]) -> Tally:
    """All of them as one."""
    regions, predicates, exact, seconds, found = zip(*tallies, strict=True)
    arrays = tuple(np.concatenate(blocks) for blocks in zip(*found, strict=True))
    return Tally(sum(regions), sum(predicates), sum(exact), sum(seconds), arrays)


def split(network: Network, domain: Polytope, number: int) -> list[Polytope]:
    """Cut a domain into so many parts, or into fewer where the first layer has no more kinks.

    Facets on the kink of neuron k have the label domain.next_label + k.
    """
    matrix = Network(network.layers[:1]).astype("rational").integer_layers[0].matrix
    forms = [[Integer(int(n)) for n in row] for row in matrix] if network.depth > 1 else []
    parts = [(domain, _crossing(domain, forms))]
    while len(parts) < number:
        place = max(range(len(parts)), key=lambda i: len(parts[i][1]))
        part, crossing = parts[place]
        if not crossing:
            break
        k = min(crossing, key=lambda k: _unevenness(crossing[k]))
        halves = part.split(forms[k], crossing[k], domain.next_label + k)
        parts[place : place + 1] = [(half, _crossing(half, forms)) for half in halves]
    return [part for part, _ in parts]


def _unevenness(values: list[Integer]) -> float:
    """0 where corners are as far above a cut as below it, less than 1 always."""
    above, below = max(values), -min(values)
    return abs(int(above - below) / int(above + below))


def _crossing(part: Polytope, forms: Sequence[Form]) -> dict[int, list[Integer]]:
    """The forms that have both signs on a polytope, and their values at its vertices."""
    values = enumerate(part.values(forms))
    return {k: at for k, at in values if max(at) > 0 > min(at)}
