"""A domain in convex parts, cut along kinks of the first layer, to be counted apart.

Such a cut goes through no activation region: those of the parts add up. Facets on a cut keep the neuron that made it,
so that `gluing` joins regions across it.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np

from nnapprox.exact import Integer
from nnapprox.network import Array, Network
from nnapprox.regions import plane_input, space_input
from nnapprox.regions.cells import cells
from nnapprox.regions.passes import Counter, runs
from nnapprox.regions.polytope import Form, Polytope
from nnapprox.regions.residues import fingerprint, residues
from nnapprox.regions.stand_in import blocks, packed


class Tally(NamedTuple):
    """What a pass has done on the way since it last told.

    Attributes
    ----------
    regions, predicates, exact_fallbacks : int
        As in `RegionCount`.
    found : tuple of array
        Of the first pass, fingerprints, or none where they are not wanted; of the second, what `Gluing.second_pass`
        takes.
    """

    regions: int
    predicates: int
    exact_fallbacks: int
    found: tuple[Array, ...]


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


def first_pass(network: Network, part: Polytope, activation_only: bool) -> Iterator[Tally]:
    """Count regions, and take the fingerprints of their maps."""
    begun: Counter
    if part.dimension == 2:
        begun = plane_input.counter(network, part, None if activation_only else plane_input.fingerprints(network))
    elif part.dimension > 2:
        begun = (space_input.counter if activation_only else space_input.with_fingerprints)(network, part)
    else:
        yield from _first_pass_over_cells(network, part, activation_only)
        return
    for tally in _told(begun):
        prints = np.empty(0, dtype=np.uint64) if activation_only else begun.fingerprints().copy()
        yield tally._replace(found=(prints,))


def second_pass(network: Network, part: Polytope, first_label: int, repeated: Array) -> Iterator[Tally]:
    """List the regions whose fingerprints are repeated.

    Parameters
    ----------
    network : Network
    part : Polytope
    first_label : int
        The label that facets on the kink of the first neuron have in the part.
    repeated : array of uint64
        Sorted.
    """
    begun: Counter
    if part.dimension == 2:
        begun = plane_input.counter(network, part, plane_input.listing(network, part, repeated))
        order = plane_input.ring(part)
    elif part.dimension > 2:
        begun = space_input.with_listing(network, part, repeated)
        order = list(part.facets)
    else:
        yield from _second_pass_over_cells(network, part, first_label, repeated)
        return
    sides = np.array([max(label - first_label, -1) for label in order])
    for tally in _told(begun):
        patterns, offsets, labels = (array.copy() for array in begun.cells())
        is_side = labels < 0
        labels[is_side] = sides[-1 - labels[is_side]]
        yield tally._replace(regions=0, found=(patterns, offsets, labels))


def _told(counter: Counter) -> Iterator[Tally]:
    before = (0, 0, 0)
    for begun, _ in runs(counter):
        now = begun.regions, begun.predicates, begun.exact_decisions
        regions, predicates, exact = (n - b for n, b in zip(now, before, strict=True))
        yield Tally(regions, predicates, exact, ())
        before = now


def _first_pass_over_cells(network: Network, part: Polytope, activation_only: bool) -> Iterator[Tally]:
    weights = residues(network)
    for block in blocks(cells(network, part)):
        patterns = [] if activation_only else [cell.pattern for cell in block]
        prints = np.array([fingerprint(weights, pattern) for pattern in patterns], dtype=np.uint64)
        yield Tally(len(block), 0, 0, (prints,))


def _second_pass_over_cells(network: Network, part: Polytope, first_label: int, repeated: Array) -> Iterator[Tally]:
    weights, wanted = residues(network), set(repeated.tolist())
    for block in blocks(c for c in cells(network, part) if fingerprint(weights, c.pattern) in wanted):
        yield Tally(0, 0, 0, packed(block, network.widths[1:-1], part.next_label, first_label))
