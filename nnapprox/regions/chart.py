"""Parts of the input space in coordinates in which they lie in the cube [-1, 1]^d, as the kernels take them.

A bounded domain is moved and scaled. All of R^d is cut by d kinks of the first layer whose normals are independent:
such a cut goes through no region. In the values z of these neurons as coordinates, it leaves the 2^d orthants. Every
orthant is mapped to a simplex by t = 1 / (1 + sum |z_i|) and w_i = t |z_i|: these are d + 1 numbers, none negative,
whose sum is 1. Infinity becomes the side t = 0. An affine form of the inputs, times t > 0, is an affine form of the new
coordinates; its signs stay, and with them cells, their facets and all that is not at infinity.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import product
from math import gcd, lcm

import numpy as np

from nnapprox.errors import UsageError
from nnapprox.exact import Integer, IntegerMatrix, IntegerRows, dyadic, integer_rows, inverse
from nnapprox.network import Affine, Array, Network
from nnapprox.regions.polytope import MOST_DIMENSIONS, Bounds, Form, Polytope, bounding_box, box_ends


@dataclass(frozen=True, slots=True)
class Chart:
    """A convex part of the inputs of a network, in other coordinates.

    Attributes
    ----------
    polytope : Polytope
        The part in these coordinates, in which it lies in the cube [-1, 1]^d.
    first : IntegerRows
        The first layer on it, times a positive function. The rows of a float network have one scale in common.
    unit : int
        That function is the coordinate of this number, or 1 if it is d: constants of later layers are multiples of it.
    first_label : int
        A facet on the kink of neuron k of the first layer has the label first_label + k.
    """

    polytope: Polytope
    first: IntegerRows
    unit: int
    first_label: int

    @property
    def forms(self) -> list[Form]:
        """Those of the first layer."""
        return [[Integer(n) for n in row] for row in self.first.matrix.tolist()]


def bounded_chart(network: Network, domain: Polytope | Bounds) -> Chart:
    """The chart that moves and scales a polytope or a box; centre and scale are dyadic, so that nothing is lost.

    Raises
    ------
    UsageError
        The box is none, or the domain has not as many dimensions as the network has inputs.
    """
    sides = bounding_box(domain.points) if isinstance(domain, Polytope) else box_ends(domain)
    dimension = len(sides)
    if network.widths[0] != dimension:
        raise UsageError(
            f"the network takes {network.widths[0]} coordinates, but the domain has {dimension} dimensions"
        )
    placed = [_placed(low, high) for low, high in sides]
    common = lcm(*(number.denominator for pair in placed for number in pair))
    moved = []
    for i, (centre, scale) in enumerate(placed):
        row = [0] * dimension + [centre.numerator * (common // centre.denominator)]
        row[i] = scale.numerator * (common // scale.denominator)
        moved.append(row)
    moved.append([0] * dimension + [common])
    if isinstance(domain, Polytope):
        polytope = domain.transformed(IntegerMatrix(moved))
    else:  # as quickly as it can be: of a small network, this would take as long as its regions
        pairs = zip(sides, placed, strict=True)
        polytope = Polytope.box([((low - c) / s, (high - c) / s) for (low, high), (c, s) in pairs])
    first = _transformed(_first_layer(network), np.array(moved, dtype=object), common)
    return Chart(polytope, first, dimension, polytope.next_label)


def _placed(low: Fraction, high: Fraction) -> tuple[Fraction, Fraction]:
    """Centre and scale that take an interval into [-1, 1].

    Half of its length is at most 7/8 of the scale, and the centre at most 1/8 of the scale off the middle.
    """
    length = high - low
    quarter = Fraction(2) ** (length.numerator.bit_length() - (7 * length.denominator).bit_length())
    if 7 * quarter < length:
        quarter *= 2
    return round((low + high) / (2 * quarter)) * quarter, 4 * quarter


def charts_of_space(network: Network) -> list[Chart]:
    """The 2^d charts of all of R^d, for a network that `without_dependent_inputs` gives, of two inputs or more.

    Their first layers have the same scales.
    """
    rows, dimension = _first_layer(network), network.widths[0]
    axes = _independent(rows.matrix[:, :-1])
    # z is measured in powers of two: crossings had best lie neither all near infinity nor all at the origin
    units = [*(2 ** max(number.bit_length() for number in row) for row in rows.matrix[axes]), 1]
    one = [int(i == dimension) for i in range(dimension + 1)]
    forms = IntegerMatrix([*rows.matrix[axes].tolist(), one])  # these, divided by their units, are (z, 1)
    back, divisor = inverse(forms)
    matrix = np.array([[int(number) for number in row] for row in back.tolist()], dtype=object)
    rows = _transformed(rows, matrix * np.array(units, dtype=object), divisor)
    simplex = _simplex(dimension, axes)
    return [
        Chart(simplex, IntegerRows(rows.matrix @ _orthant(signs), rows.scale), dimension - 1, 1)
        for signs in product((1, -1), repeat=dimension)
    ]


def without_dependent_inputs(network: Network) -> Network:
    """The network of no more inputs than the first layer has independent normals, or one; the others are 0.

    Along the directions that this leaves out, the first layer does not change: regions are those that are met here.

    Raises
    ------
    UsageError
        There are more than `MOST_DIMENSIONS`.
    """
    first = network.layers[0]
    if min(first.weight.shape) > MOST_DIMENSIONS:
        raise UsageError(f"cells are enumerated in 1 to {MOST_DIMENSIONS} dimensions, not in {first.inputs}")
    used = _independent(_first_layer(network).matrix[:, :-1].T) or [0]
    if len(used) == first.inputs:
        return network
    return Network([Affine(first.weight[:, used], first.bias), *network.layers[1:]], network.activation)


def split(charts: Sequence[Chart], number: int) -> list[Chart]:
    """Cut charts along kinks of the first layer into so many parts, or into fewer where it has no more kinks.

    Such a cut goes through no activation region: those of the parts add up. Facets on a cut keep the neuron that made
    it, so that `gluing` joins regions across it.
    """
    parts = [(chart, forms := chart.forms, _crossing(chart.polytope, forms)) for chart in charts]
    while len(parts) < number:
        place = max(range(len(parts)), key=lambda i: len(parts[i][2]))
        chart, forms, crossing = parts[place]
        if not crossing:
            break
        k = min(crossing, key=lambda k: _unevenness(crossing[k]))
        halves = chart.polytope.split(forms[k], crossing[k], chart.first_label + k)
        parts[place : place + 1] = [(replace(chart, polytope=half), forms, _crossing(half, forms)) for half in halves]
    return [chart for chart, _, _ in parts]


def _unevenness(values: list[Integer]) -> float:
    """0 where corners are as far above a cut as below it, less than 1 always."""
    above, below = max(values), -min(values)
    return abs(int(above - below) / int(above + below))


def _crossing(part: Polytope, forms: list[Form]) -> dict[int, list[Integer]]:
    """The forms that have both signs on a polytope, and their values at its vertices."""
    values = enumerate(part.values(forms))
    return {k: at for k, at in values if max(at) > 0 > min(at)}


def _first_layer(network: Network) -> IntegerRows:
    """In Python integers; the rows of floats get one scale, which is much quicker to find for later layers, too."""
    first = network.layers[0]
    if network.dtype == "rational":
        rows = integer_rows(first.weight, first.bias, (1,) * first.inputs)
        return rows._replace(matrix=rows.matrix.astype(object))
    matrix, scale = dyadic(np.column_stack([first.weight, first.bias]))
    return IntegerRows(matrix.astype(object), (scale,) * len(matrix))


def _transformed(rows: IntegerRows, matrix: Array, divisor: int) -> IntegerRows:
    """The rows after a map of homogeneous coordinates by integers over a divisor, reduced; one scale stays one."""
    changed = rows.matrix @ matrix
    if len(set(rows.scale)) == 1:
        scale = rows.scale[0] * divisor
        factor = gcd(scale, *changed.flat)
        return IntegerRows(changed // factor, (scale // factor,) * len(changed))
    scales = np.array(rows.scale, dtype=object) * divisor
    factors = np.gcd(np.gcd.reduce(changed, axis=1), scales)
    return IntegerRows(changed // factors[:, None], tuple(scales // factors))


def _independent(rows: Array) -> list[int]:
    """Which rows to take as a basis of what all span; it is tried that they are far from being dependent."""
    sizes = np.frompyfunc(abs, 1, 1)(rows).max(axis=1)
    rest = np.array([[n / (size or 1) for n in row] for row, size in zip(rows, sizes, strict=True)], dtype=np.float64)
    rest /= np.maximum(np.linalg.norm(rest, axis=1, keepdims=True), 1)
    order: list[int] = []
    for _ in range(min(rows.shape)):
        k = int(np.argmax((rest**2).sum(axis=1)))
        order.append(k)
        rest -= np.outer(rest @ rest[k], rest[k]) / max(rest[k] @ rest[k], 1e-300)
    chosen: list[int] = []
    for k in dict.fromkeys([*order, *range(len(rows))]):
        if len(chosen) < min(rows.shape) and IntegerMatrix(rows[[*chosen, k]].tolist()).rank() > len(chosen):
            chosen.append(k)
    return chosen


def _simplex(dimension: int, axes: Sequence[int]) -> Polytope:
    """Where w_i >= 0 for the axes but the last, t >= 0, and their sum is at most 1, in the coordinates (w, t).

    Sides have the labels 1 + axis, and 0 at infinity.
    """
    units = [tuple(Integer(int(i == k)) for i in range(dimension + 1)) for k in range(dimension + 1)]
    *others, last = axes
    facets: dict[int, Form] = {label: units[i] for i, label in enumerate([*(1 + k for k in others), 0])}
    facets[1 + last] = tuple(Integer(n) for n in [-1] * dimension + [1])
    everywhere = sum(1 << label for label in facets)
    corners = [(*unit[:-1], Integer(1)) for unit in units]  # of coordinates 1, and the origin
    return Polytope(tuple(corners), tuple(everywhere & ~(1 << label) for label in facets), facets)


def _orthant(signs: Sequence[int]) -> Array:
    """From (w, t, 1) to (z, 1) times t, where z has these signs."""
    dimension = len(signs)
    matrix = np.zeros((dimension + 1, dimension + 1), dtype=object)
    for i in range(dimension - 1):
        matrix[i, i] = signs[i]
    matrix[dimension - 1] = [-signs[-1]] * dimension + [signs[-1]]
    matrix[dimension, dimension - 1] = 1
    return matrix
