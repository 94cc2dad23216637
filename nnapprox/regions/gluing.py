"""Cells with the same affine map, found and glued exactly: linear regions and distinct affine maps.

Two passes over the cells. The first gives the fingerprint of every cell's map (see `residues`). Maps whose fingerprint
occurs once are unlike all others: their cells are linear regions of their own. The second pass gives the patterns and
the facets of the other cells only.

Their maps are compared exactly. Two cells share a facet if and only if, for one of the facets of each,

- the same neurons vanish on the facet's hyperplane (their forms on the cell are multiples of the facet's form, or 0),
- and all other neurons have the same states.

For on the hyperplane a network is one continuous function: there, the forms of the other neurons and their signs are
those from either side, and they say which part of the hyperplane the facet is. The first neuron of those that vanish
and are not 0 on the whole cell says which hyperplane it is, as the layers before it are in the same states.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnapprox.network import Network
from nnapprox.regions.forms import FormMaker, Forms

Array: TypeAlias = NDArray[Any]

_AT_ONCE = 2**21
"""Residues that are kept at a time."""


class Gluing:
    """Takes what two passes over the cells of a network find, in blocks; tells how many regions and maps there are.

    Parameters
    ----------
    network : Network
        With a hidden layer and a piecewise linear activation.
    """

    def __init__(self, network: Network) -> None:
        self._network = network
        self._fingerprints = _Fingerprints()
        self._cells: _Cells | None = None

    def first_pass(self, fingerprints: Array) -> None:
        """Take fingerprints of cells, an array of uint64 of one axis."""
        self._fingerprints.add(fingerprints)

    @property
    def certain(self) -> int:
        """So many different maps, and so many linear regions, there are at least, as far as is known by now."""
        return self._fingerprints.different

    @property
    def repeated(self) -> Array:
        """The fingerprints that occurred more than once, sorted; if there are none, no second pass is needed."""
        return self._fingerprints.repeated

    def second_pass(self, patterns: Array, offsets: Array, labels: Array) -> None:
        """Take the cells, each once, whose fingerprints are repeated.

        Parameters
        ----------
        patterns : array of uint64, shape (cells, words)
            Bit k of them, the lowest of the first word being bit 0, is set where hidden neuron k, counted through all
            layers, is active. A neuron that is 0 on the whole cell is not.
        offsets : array of int, shape (cells + 1,)
        labels : array of int
            labels[offsets[i] : offsets[i + 1]] are the facets of cell i: the number of a hidden neuron whose kink the
            facet lies on, the first of those that made it, or a negative one for a side of the domain.
        """
        if self._cells is None:
            self._cells = _Cells(self._network)
        self._cells.add(patterns, offsets.astype(np.int64), labels.astype(np.int64))

    @property
    def linear_regions(self) -> int:
        """Connected components of cells with the same affine map, joined across facets; after both passes."""
        return self._fingerprints.single + (self._cells.components if self._cells else 0)

    @property
    def distinct_affine_maps(self) -> int:
        """How many different affine maps there are; after both passes."""
        return self._fingerprints.single + (self._cells.maps if self._cells else 0)


class _Fingerprints:
    """A sorted set of fingerprints, and which of them occurred more than once."""

    def __init__(self) -> None:
        self._sorted = np.empty(0, dtype=np.uint64)
        self._often = np.empty(0, dtype=bool)
        self._new: list[Array] = []
        self._waiting = 0

    def add(self, fingerprints: Array) -> None:
        self._new.append(fingerprints.astype(np.uint64))
        self._waiting += len(fingerprints)
        if self._waiting > len(self._sorted):  # all sorting takes n log n, and `different` is half of what it can be
            self._merge()

    def _merge(self) -> None:
        if self._waiting:
            everything = np.concatenate([self._sorted, self._sorted[self._often], *self._new])
            self._new, self._waiting = [], 0
            everything.sort()  # and no np.unique, which takes twice the memory
            first = np.append(True, everything[1:] != everything[:-1])
            self._often = ~np.append(first[1:], True)[first]
            self._sorted = everything[first]

    @property
    def different(self) -> int:
        """How many different ones are known to be there: at least half of those that there are."""
        return len(self._sorted)

    @property
    def single(self) -> int:
        self._merge()
        return len(self._sorted) - int(np.count_nonzero(self._often))

    @property
    def repeated(self) -> Array:
        self._merge()
        return self._sorted[self._often]


class _Cells:
    """The cells of the second pass: their maps, and their facets as keys that two cells share if they share a facet."""

    def __init__(self, network: Network) -> None:
        self._maker = FormMaker(network)
        self._ends = np.cumsum(network.widths[1:-1]).tolist()
        self._probes = np.random.default_rng(0).integers(1, 512, (2, network.widths[0] + 1)).astype(np.float64)
        self._map_of: dict[bytes, int] = {}
        self._count = 0
        self._keys: list[Array] = []
        self._owners: list[Array] = []

    def add(self, patterns: Array, offsets: Array, labels: Array) -> None:
        step = max(1, _AT_ONCE // self._maker.numbers_a_cell)
        for start in range(0, len(patterns), step):
            ends = offsets[start : start + step + 1]
            self._add(patterns[start : start + step], ends - ends[0], labels[ends[0] : ends[-1]])

    def _add(self, patterns: Array, offsets: Array, labels: Array) -> None:
        neurons = self._ends[-1]
        bits = np.unpackbits(patterns.astype("<u8").view(np.uint8), axis=1, bitorder="little", count=neurons)
        active = bits.astype(bool)
        *hidden, outputs = self._maker.forms(np.split(active, self._ends[:-1], axis=1))
        maps = self._identify(outputs)
        inner = np.flatnonzero(labels >= 0)
        cells, labels = np.repeat(np.arange(len(patterns)), np.diff(offsets))[inner], labels[inner]
        vanishing = self._vanishing(hidden, cells, labels)
        key = np.column_stack([_packed(active[cells] & ~vanishing), _packed(vanishing), maps[cells].astype(np.uint64)])
        self._keys.append(key)
        self._owners.append(cells + self._count)
        self._count += len(patterns)

    def _identify(self, outputs: Forms) -> Array:
        """Number the maps."""
        rows = np.moveaxis(np.mod(outputs.residues, self._maker.primes[:, :, None, None]), 2, 0).astype(np.int32)
        names = [row.tobytes() for row in rows]
        return np.array([self._map_of.setdefault(name, len(self._map_of)) for name in names])[outputs.prefix]

    def _vanishing(self, hidden: list[Forms], cells: Array, labels: Array) -> Array:
        """Which neurons vanish on the hyperplane of a facet, shape (facets, neurons)."""
        layers = np.searchsorted(self._ends, labels, side="right")
        starts = [0, *self._ends]
        facets = np.empty((len(self._maker.primes), len(cells), hidden[0].residues.shape[-1]))
        for number, layer in enumerate(hidden):
            here = np.flatnonzero(layers == number)
            facets[:, here] = layer.residues[:, labels[here] - starts[number], layer.prefix[cells[here]]]
        found = np.zeros((len(cells), self._ends[-1]), dtype=bool)
        for number, layer in enumerate(hidden):
            found[:, starts[number] : starts[number + 1]] = self._multiples(layer, cells, facets)
        return found

    def _multiples(self, layer: Forms, cells: Array, facets: Array) -> Array:
        """Which forms are multiples of a facet's, shape (facets, neurons of the layer)."""
        residues, prefix = layer.residues, layer.prefix[cells]
        # Multiples are so in two random coordinates, modulo the first prime; those that are not are out.
        u, v = (self._maker.reduced(residues[:1] @ probe)[0][:, prefix] for probe in self._probes)
        p, q = (self._maker.reduced(facets[:1] @ probe)[0] for probe in self._probes)
        found = self._maker.vanishing((u * q - v * p)[None])[0].T
        facet, neuron = np.nonzero(found)
        prefix = prefix[facet]
        pivot = (facets != 0).any(axis=0).argmax(axis=1)[facet]
        for coordinate in range(facets.shape[-1]):
            minors = residues[:, neuron, prefix, pivot] * facets[:, facet, coordinate]
            minors -= residues[:, neuron, prefix, coordinate] * facets[:, facet, pivot]
            found[facet, neuron] &= self._maker.vanishing(minors).all(axis=0)
        return np.asarray(found)

    @property
    def maps(self) -> int:
        return len(self._map_of)

    @property
    def components(self) -> int:
        if not self._keys:
            return 0
        keys, owners = np.concatenate(self._keys), np.concatenate(self._owners)
        order = np.lexsort(keys.T)
        same = (keys[order[1:]] == keys[order[:-1]]).all(axis=1)
        return _components(self._count, owners[order[1:][same]], owners[order[:-1][same]])


def _packed(bits: Array) -> Array:
    """Booleans, a row at a time, in words."""
    missing = -bits.shape[1] % 64
    return np.packbits(np.pad(bits, ((0, 0), (0, missing))), axis=1, bitorder="little").view("<u8").astype(np.uint64)


def _components(count: int, one: Array, other: Array) -> int:
    """Number of connected components of the graph with so many nodes and these edges."""
    root = np.arange(count)
    while True:
        low, high = np.minimum(root[one], root[other]), np.maximum(root[one], root[other])
        apart = low != high
        if not apart.any():
            return int(np.count_nonzero(root == np.arange(count)))
        one, other = low[apart], high[apart]
        np.minimum.at(root, other, one)
        while (root != root[root]).any():
            root = root[root]
