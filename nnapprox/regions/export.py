"""Activation regions as files: exactly in JSON, as arrays in npz.

JSON: one object with ``dimension``, ``widths``, ``activation``, ``domain`` (its vertices) and ``cells``. A cell has
its ``vertices`` (in the plane counter-clockwise), its ``facets`` (the ``neuron`` whose kink it is on and the
``vertices`` on it, as places in the list of vertices), its ``pattern`` (0 or 1 for every neuron, layer by layer), the
affine map x -> ``weight`` x + ``bias``, and its ``volume``. All numbers are rationals, as ``"p/q"`` or ``"p"``.
Neurons are counted from 0 through all hidden layers; -1 is a side of the domain.

npz: of what belongs to cell i, row ``cell_vertices[i]`` to ``cell_vertices[i + 1]`` in ``vertices``, in the same way by
``cell_facets`` in ``facet_neurons``, and by ``facet_starts`` in ``facet_vertices`` (rows of ``vertices``); ``patterns``
(cells, neurons) uint8; ``maps`` (cells, outputs, d + 1), the bias last; ``volumes``. These are float64, rounded to
nearest. Exactly, ``vertices_exact`` are integers (w x_1, ..., w x_d, w), and ``maps_exact`` integers that are to be
divided by ``maps_divisor``, one a cell: int64 where all of an array fit, else decimal text.
"""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import accumulate
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np

from nnapprox.atomic import write_atomically
from nnapprox.errors import UsageError
from nnapprox.network import Array, Network
from nnapprox.notation import rational_text
from nnapprox.regions.cells import Cell, Watch, cells
from nnapprox.regions.polytope import Bounds, Polytope, Vertex, to_point
from nnapprox.regions.walls import outline

SUFFIXES = (".json", ".npz")

_MOST = 2**63 - 1


def export(network: Network, domain: Polytope | Bounds, path: str | Path, *, watch: Watch = iter) -> int:
    """Write the activation regions of a network to a file, and tell how many they are.

    Parameters
    ----------
    network : Network
        With the activation relu, leaky-relu or identity.
    domain : Polytope, or sequence of (low, high)
        The latter is a box.
    path : str or Path
        Ends in .json or .npz; JSON is written cell by cell and takes no memory.
    watch : function
        The cells go through it.

    Raises
    ------
    UsageError
        The suffix is another one, or as `nnapprox.regions.cells.cells`.
    WriteError
        The file cannot be written; what stood there before stays.
    """
    suffix = Path(path).suffix.lower()
    if suffix not in SUFFIXES:
        raise UsageError(f"regions are exported to .json or .npz, not to {path}")
    whole = Polytope.of(domain)
    found = watch(cells(network, whole))
    with write_atomically(path) as file:
        return (_write_json if suffix == ".json" else _write_npz)(file, network, whole, found)


def _write_json(file: BinaryIO, network: Network, domain: Polytope, found: Iterable[Cell]) -> int:
    head: dict[str, Any] = {
        "dimension": domain.dimension,
        "widths": list(network.widths),
        "activation": str(network.activation),
        "domain": [_texts(to_point(vertex)) for vertex in _in_order(domain)],
        "cells": [],
    }
    file.write(json.dumps(head)[:-2].encode())
    count = 0
    for count, cell in enumerate(found, start=1):
        file.write(("\n" if count == 1 else ",\n").encode() + json.dumps(_described(cell, network, domain)).encode())
    file.write(b"\n]}\n")
    return count


def _described(cell: Cell, network: Network, domain: Polytope) -> dict[str, Any]:
    vertices = _in_order(cell.polytope)
    affine = cell.affine
    return {
        "vertices": [_texts(to_point(vertex)) for vertex in vertices],
        "facets": [
            {"neuron": neuron, "vertices": places} for neuron, places in _facets(cell.polytope, vertices, domain)
        ],
        "pattern": [list(states) for states in _states(cell, network)],
        "weight": [_texts(row) for row in affine.weight],
        "bias": _texts(affine.bias),
        "volume": rational_text(cell.polytope.volume()),
    }


def _write_npz(file: BinaryIO, network: Network, domain: Polytope, found: Iterable[Cell]) -> int:
    vertices: list[Vertex] = []
    facets: list[tuple[int, list[int]]] = []
    vertex_counts, facet_counts, patterns, maps, divisors, volumes = [], [], [], [], [], []
    for cell in found:
        corners = _in_order(cell.polytope)
        sides = _facets(cell.polytope, corners, domain)
        facets += [(neuron, [len(vertices) + place for place in places]) for neuron, places in sides]
        vertices += corners
        vertex_counts.append(len(corners))
        facet_counts.append(len(sides))
        patterns.append([state for states in _states(cell, network) for state in states])
        numbers, divisor = _reduced(cell)
        maps.append(numbers)
        divisors.append(divisor)
        volumes.append(float(cell.polytope.volume()))
    inputs, outputs = network.widths[0], network.widths[-1]
    shape = len(maps), outputs, inputs + 1
    rounded = _floats([Fraction(n, divisor) for n in row] for row, divisor in zip(maps, divisors, strict=True))
    np.savez_compressed(
        file,
        cell_vertices=_offsets(vertex_counts),
        vertices=_floats([to_point(vertex) for vertex in vertices]),
        vertices_exact=_integers([[int(number) for number in vertex] for vertex in vertices]),
        cell_facets=_offsets(facet_counts),
        facet_neurons=np.array([neuron for neuron, _ in facets], dtype=np.int32),
        facet_starts=_offsets(len(places) for _, places in facets),
        facet_vertices=np.array([place for _, places in facets for place in places], dtype=np.int64),
        patterns=np.array(patterns, dtype=np.uint8),
        maps=rounded.reshape(shape),
        maps_exact=_integers(maps).reshape(shape),
        maps_divisor=_integers(divisors),
        volumes=np.array(volumes),
    )
    return len(volumes)


def _in_order(polytope: Polytope) -> list[Vertex]:
    """The vertices, in the plane counter-clockwise, on a line from left to right."""
    if polytope.dimension == 2:
        return [vertex for vertex, _ in outline(polytope)]
    return sorted(polytope.vertices, key=to_point)


def _facets(polytope: Polytope, vertices: list[Vertex], domain: Polytope) -> list[tuple[int, list[int]]]:
    """For every facet its neuron, or -1, and the places of its vertices."""
    on = dict(zip(polytope.vertices, polytope.incidence, strict=True))
    return [
        (max(label - domain.next_label, -1), [place for place, v in enumerate(vertices) if on[v] >> label & 1])
        for label in sorted(polytope.facets)
    ]


def _states(cell: Cell, network: Network) -> Iterator[list[int]]:
    for active, width in zip(cell.pattern, network.widths[1:-1], strict=False):
        yield [active >> k & 1 for k in range(width)]


def _reduced(cell: Cell) -> tuple[list[int], int]:
    """The affine map as coprime integers, row by row, and what they are to be divided by."""
    forms, scale = cell.outputs
    numbers = [int(number) for form in forms for number in form]
    common = math.gcd(*numbers, int(scale))
    return [number // common for number in numbers], int(scale) // common


def _integers(numbers: Any) -> Array:
    """As int64 where all fit, else as text."""
    array = np.array(numbers, dtype=object)
    if all(-_MOST <= number <= _MOST for number in array.flat):
        return array.astype(np.int64)
    return np.array([rational_text(Fraction(number)) for number in array.flat]).reshape(array.shape)


def _floats(rows: Iterable[Iterable[Fraction]]) -> Array:
    return np.array([[_float(number) for number in row] for row in rows])


def _float(number: Fraction) -> float:
    try:
        return float(number)
    except OverflowError:
        return math.inf if number > 0 else -math.inf


def _offsets(counts: Iterable[int]) -> Array:
    return np.array(list(accumulate(counts, initial=0)), dtype=np.int64)


def _texts(numbers: Iterable[Fraction]) -> list[str]:
    return [rational_text(number) for number in numbers]
