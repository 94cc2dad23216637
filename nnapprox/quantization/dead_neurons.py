"""The ReLUs of a network that are 0 everywhere on a box, found by its regions or by intervals."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import islice

import numpy as np

from nnapprox.certificate import Domain
from nnapprox.network import Array, Network
from nnapprox.regions.cells import cells
from nnapprox.regions.line import line_pieces

MOST_EXACT_INPUTS, MOST_CELLS = 3, 2**14
"""With more inputs or cells, only intervals tell where neurons are dead."""

_ZERO = Fraction(0)


def dead_neurons(network: Network, domain: Domain) -> set[tuple[int, int]]:
    """Layers and places of the ReLUs that are 0 everywhere on a box: by its regions, or by intervals.

    Intervals overlook some; regions, in up to three dimensions and while they are not too many, overlook none.
    """
    if network.activation.name != "relu":
        return set()
    exact = network.astype("rational")
    box = [(low, high) for low, high in domain]
    by_regions = len(box) <= MOST_EXACT_INPUTS and all(low < high for low, high in box)
    dead: set[tuple[int, int]] = set()
    for number, layer in enumerate(exact.layers[:-1]):
        arguments = Network(exact.layers[: number + 1]) if by_regions else None
        largest = None if arguments is None else _largest(arguments, domain)
        ends = [_interval(row, bias, box) for row, bias in zip(layer.weight, layer.bias, strict=True)]
        tops = [high for _, high in ends] if largest is None else largest
        by_regions = by_regions and largest is not None
        dead |= {(number, neuron) for neuron, top in enumerate(tops) if top <= 0}
        box = [(max(low, _ZERO), max(high, _ZERO)) for low, high in ends]
    return dead


def _largest(arguments: Network, domain: Domain) -> list[Fraction] | None:
    """The largest value of every output on the domain; None where there are too many regions."""
    if len(domain) == 1:
        pieces = line_pieces(arguments, *domain[0])
        return [max(pieces.values(output)) for output in range(arguments.widths[-1])]
    found = list(islice(cells(arguments, domain), MOST_CELLS + 1))
    if len(found) > MOST_CELLS:
        return None
    tops: list[list[Fraction]] = [[] for _ in range(arguments.widths[-1])]
    for cell in found:
        corners = np.array(cell.polytope.points, dtype=object)
        for top, values in zip(tops, cell.affine.apply_exactly(corners).T, strict=True):
            top.append(max(values))
    return [max(top) for top in tops]


def _interval(weights: Array, bias: Fraction, box: Sequence[tuple[Fraction, Fraction]]) -> tuple[Fraction, Fraction]:
    low = high = bias
    for j in np.flatnonzero(weights).tolist():
        ends = (weights[j] * box[j][0], weights[j] * box[j][1])
        low, high = low + min(ends), high + max(ends)
    return low, high
