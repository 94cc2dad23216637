"""Regions counted over `cells`, slowly, in any dimension: what the compiled counts are compared with."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

from nnapprox.network import Array, Network
from nnapprox.regions.cells import Cell, cells
from nnapprox.regions.gluing import Gluing
from nnapprox.regions.polytope import Bounds, Polytope
from nnapprox.regions.region_count import RegionCount
from nnapprox.regions.residues import fingerprint, residues

_BLOCK = 64


def counts(network: Network, domain: Polytope | Bounds, *, activation_only: bool = False) -> Iterator[RegionCount]:
    """Count regions, giving what is found up to now now and then; the last is complete.

    Parameters
    ----------
    network : Network
        With the activation relu, leaky-relu or identity; floats are taken as the dyadic rationals that they are.
    domain : Polytope, or sequence of (low, high)
        The latter is a box.
    activation_only : bool
        Count neither linear regions nor affine maps.

    Raises
    ------
    UsageError
        As `cells` does.
    """
    polytope = Polytope.of(domain)
    found = cells(network, polytope)
    if network.is_affine:
        return iter([RegionCount.one(activation_only)])
    if activation_only:
        return _activation_regions(found)
    return _all(network, polytope, found)


def _activation_regions(found: Iterable[Cell]) -> Iterator[RegionCount]:
    total = 0
    for block in blocks(found):
        total += len(block)
        yield RegionCount(total, None, None, 0, 0, complete=False)
    yield RegionCount(total, None, None, 0, 0, complete=True)


def _all(network: Network, domain: Polytope, found: Iterable[Cell]) -> Iterator[RegionCount]:
    gluing, weights, total = Gluing(network), residues(network), 0
    for block in blocks(found):
        gluing.first_pass(np.array([fingerprint(weights, cell.pattern) for cell in block], dtype=np.uint64))
        total += len(block)
        yield RegionCount(total, gluing.certain, gluing.certain, 0, 0, complete=False)
    repeated = set(gluing.repeated.tolist())
    if repeated:
        again = (cell for cell in cells(network, domain) if fingerprint(weights, cell.pattern) in repeated)
        for block in blocks(again):
            gluing.second_pass(*packed(block, network.widths[1:-1], domain.next_label))
            yield RegionCount(total, gluing.certain, gluing.certain, 0, 0, complete=False)
    yield RegionCount(total, gluing.linear_regions, gluing.distinct_affine_maps, 0, 0, complete=True)


def packed(block: list[Cell], widths: tuple[int, ...], first_label: int) -> tuple[Array, Array, Array]:
    """Patterns, offsets and labels of cells, as `Gluing.second_pass` takes them; first_label is neuron 0's facets'."""
    words = -(-sum(widths) // 64)
    masks, labels = [], []
    for cell in block:
        mask, shift = 0, 0
        for active, width in zip(cell.pattern, widths, strict=True):
            mask |= active << shift
            shift += width
        masks.append(mask.to_bytes(8 * words, "little"))
        labels.append([max(label - first_label, -1) for label in cell.polytope.facets])
    patterns = np.frombuffer(b"".join(masks), dtype="<u8").astype(np.uint64).reshape(len(block), words)
    offsets = np.cumsum([0, *map(len, labels)], dtype=np.int32)
    return patterns, offsets, np.array([label for row in labels for label in row], dtype=np.int32)


def blocks(found: Iterable[Cell]) -> Iterator[list[Cell]]:
    """Give cells in lists of a handy length."""
    found = iter(found)
    while block := list(islice(found, _BLOCK)):
        yield block
