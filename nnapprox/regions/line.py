"""The pieces of a network of one variable, exactly.

On every piece a neuron is affine; its slopes and intercepts are integers over one scale. A knot is a pair of integers
too, p / t, with t = 0 at infinity. A neuron that has opposite signs at the two ends of a piece cuts it there. The next
layer is computed by a product with an integer matrix on the first part of every piece; from a part to the next, only
what those neurons contribute that change their states between them is added.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import NamedTuple

import numpy as np

from nnapprox.errors import UsageError
from nnapprox.exact import (
    IntegerRows,
    Integers,
    Rational,
    integers,
    largest,
    matrix_product,
    minors,
    narrow,
    product,
    reduced,
    signs,
    sum_of_products,
    widen,
)
from nnapprox.network import Network

MOST_NUMBERS = 2**25
"""Slopes of a layer on all pieces together: their arithmetic takes a gigabyte or two."""


@dataclass(frozen=True)
class Pieces:
    """A function of one variable that is continuous and piecewise affine, with one or more outputs.

    Attributes
    ----------
    rows : array of integers, shape (knots, outputs + 2)
        A knot a row, from left to right: (p, y_1 t, ..., y_m t, t) at the point p / t; the first and the last may be at
        infinity, with slopes in place of values and t = 0.
    signs_decided : int
        Signs of neurons at knots that were looked at to find them, all of them exactly.
    """

    rows: Integers
    signs_decided: int = 0

    @property
    def activation_regions(self) -> int:
        """Number of pieces; of a network, those are the intervals on which every neuron keeps its state."""
        return len(self.rows) - 1

    @cached_property
    def linear_regions(self) -> int:
        """Number of intervals after merging neighbours with the same affine map."""
        return 1 + int(np.count_nonzero(self.is_bent))

    @cached_property
    def distinct_affine_maps(self) -> int:
        """Number of different affine maps."""
        if self._lines.dtype == object:
            return len(set(map(tuple, self._lines.T.tolist())))
        ordered = self._lines[:, np.lexsort(self._lines)]
        return 1 + int(np.count_nonzero((ordered[:, 1:] != ordered[:, :-1]).any(axis=0)))

    @property
    def is_bent(self) -> Integers:
        """Whether the slope of an output changes at each inner knot, shape (knots - 2,)."""
        return np.asarray((self._lines[:, 1:] != self._lines[:, :-1]).any(axis=0))

    @property
    def knots(self) -> list[Fraction]:
        """The points, all of them finite."""
        return _fractions(self.rows[:, 0], self.rows[:, -1])

    def values(self, output: int = 0) -> list[Fraction]:
        """The values of an output at the knots."""
        return _fractions(self.rows[:, 1 + output], self.rows[:, -1])

    def merged(self) -> Pieces:
        """The same function without the knots where nothing bends."""
        return Pieces(self.rows[np.concatenate([[True], self.is_bent, [True]])], self.signs_decided)

    @cached_property
    def _lines(self) -> Integers:
        """The affine maps of the pieces: lines through neighbouring knots, in homogeneous coordinates."""
        left, right = self.rows[:-1].T, self.rows[1:].T
        lines = [minors(left[0], left[-1], right[0], right[-1])]
        for y, z in zip(left[1:-1], right[1:-1], strict=True):
            lines += [minors(y, left[-1], z, right[-1]), minors(left[0], y, right[0], z)]
        return reduced(np.stack(lines))


def line_pieces(
    network: Network, low: Fraction | None = None, high: Fraction | None = None, *, most: int = MOST_NUMBERS
) -> Pieces:
    """Divide an interval into the pieces of a network of one variable.

    A neuron that is identically 0 on an interval is inactive there.

    Parameters
    ----------
    network : Network
        With the activation relu, leaky-relu or identity; floats are taken as the dyadic rationals that they are.
    low, high : Fraction or None
        The ends, low < high; None for infinity.
    most : int
        Slopes of a layer on all pieces together beyond which there are too many.

    Raises
    ------
    UsageError
        The network has more than one input, another activation, or too many pieces, or the interval is none.
    """
    if network.widths[0] != 1:
        raise UsageError(f"a network of one variable is needed, not of {network.widths[0]}")
    if low is not None and high is not None and not low < high:
        raise UsageError(f"the interval from {low} to {high} is empty")
    exact = network.astype("rational")
    return integer_pieces(exact.integer_layers, exact.negative_slope, low, high, most)


def integer_pieces(
    layers: Sequence[IntegerRows], slope: Fraction, low: Fraction | None, high: Fraction | None,
    most: int = MOST_NUMBERS,
) -> Pieces:  # fmt: skip
    """The pieces, as `line_pieces` gives them, of affine maps in integers.

    Parameters
    ----------
    layers : sequence of IntegerRows
        As `Network.integer_layers` has them; the first takes one coordinate.
    slope : Fraction
        That of the activation between them at negative arguments; 1 for the identity.
    low, high : Fraction or None
        The ends, low < high; None for infinity.
    most : int
        As in `line_pieces`.
    """
    first, *others = layers
    ends = [(-1, 0) if low is None else low.as_integer_ratio(), (1, 0) if high is None else high.as_integer_ratio()]
    layer = _Layer(integers(ends).T, first.matrix[:, :1], first.matrix[:, 1:])
    signs_decided = 0
    for following in others:
        if slope == 1:
            layer = _Layer(layer.knots, *_image(following.matrix, layer.slopes, layer.intercepts))
        else:
            signs_decided += len(layer.slopes) * layer.knots.shape[1]
            layer = _through(layer, slope, following.matrix, most)
    return Pieces(_rows(layer, layers[-1].scale), signs_decided)


class _Layer(NamedTuple):
    """The values of a layer, before its activation, on the pieces of an interval.

    Attributes
    ----------
    knots : array of integers, shape (2, pieces + 1)
        Numerators and denominators.
    slopes, intercepts : array of integers, shape (width, pieces)
    """

    knots: Integers
    slopes: Integers
    intercepts: Integers


class _Cuts(NamedTuple):
    """Changes of the signs of neurons inside of pieces, from left to right.

    Attributes
    ----------
    neuron, piece : array of int, shape (cuts,)
    points : array of integers, shape (2, cuts)
        Where they are.
    is_new : array of bool, shape (cuts,)
        Whether a cut is at another point than the one before.
    """

    neuron: Integers
    piece: Integers
    points: Integers
    is_new: Integers


def _through(layer: _Layer, slope: Fraction, matrix: Integers, most: int) -> _Layer:
    """Apply an activation, with a slope at negative arguments, and then an affine map."""
    knots, slopes, intercepts = layer
    at_knots = signs(_values_at_knots(layer))
    cuts = _cuts(layer, at_knots)
    _require_room(len(matrix), slopes.shape[1] + np.count_nonzero(cuts.is_new), most)
    left, right = at_knots[:, :-1], at_knots[:, 1:]
    # A constant has the sign 0 at both infinities.
    is_active = (left > 0) | ((left == 0) & ((right > 0) | ((right == 0) & (intercepts > 0))))
    first = _image(matrix, _bent(slopes, is_active, slope), _bent(intercepts, is_active, slope))
    if not cuts.piece.size:
        return _Layer(knots, *first)
    turns = at_knots[cuts.neuron, cuts.piece + 1] * integers([slope.denominator - slope.numerator])
    changes = (product(turns, values[cuts.neuron, cuts.piece]) for values in (slopes, intercepts))
    steepest = max(slope.denominator, abs(slope.numerator)) * max(1, largest(slopes), largest(intercepts))
    bound = matrix.shape[1] * largest(matrix) * steepest
    weights = matrix[:, cuts.neuron]
    return _Layer(
        _with_points(knots, cuts),
        *(
            _on_parts(start, product(weights, change), cuts, bound)
            for start, change in zip(first, changes, strict=True)
        ),
    )


def _values_at_knots(layer: _Layer) -> Integers:
    """Values at the knots, times their denominators, shape (width, pieces + 1)."""
    (p, t), slopes, intercepts = layer
    values = sum_of_products(slopes, p[:-1], intercepts, t[:-1])
    last = sum_of_products(slopes[:, -1:], p[-1:], intercepts[:, -1:], t[-1:])
    return np.concatenate([values, last], axis=1)


def _cuts(layer: _Layer, at_knots: Integers) -> _Cuts:
    neuron, piece = np.nonzero(at_knots[:, :-1] * at_knots[:, 1:] < 0)
    slopes, intercepts = (values[neuron, piece] for values in layer[1:])
    points = reduced(np.where(slopes > 0, [-intercepts, slopes], [intercepts, -slopes]))
    order, is_new = sorted_points(piece, points)
    return _Cuts(neuron[order], piece[order], points[:, order], is_new)


def _bent(values: Integers, is_active: Integers, slope: Fraction) -> Integers:
    """Slopes or intercepts after the activation, times the denominator of its slope at negative arguments."""
    if slope == 0:
        return np.where(is_active, values, 0)
    return product(values, integers([slope.numerator, slope.denominator])[is_active.astype(np.intp)])


def _image(matrix: Integers, slopes: Integers, intercepts: Integers) -> tuple[Integers, Integers]:
    """Slopes and intercepts after an affine map, whose matrix is that of `nnapprox.exact.IntegerRows`."""
    constant = np.zeros_like(slopes[:1]), np.ones_like(intercepts[:1])
    columns = np.block([[slopes, intercepts], list(constant)])
    used = columns.any(axis=1)  # neurons that are active somewhere
    image = matrix_product(matrix[:, used], columns[used])
    return image[:, : slopes.shape[1]], image[:, slopes.shape[1] :]


def _with_points(knots: Integers, cuts: _Cuts) -> Integers:
    wide = knots.astype(np.result_type(knots, cuts.points))
    return np.insert(wide, cuts.piece[cuts.is_new] + 1, cuts.points[:, cuts.is_new], axis=1)


def _on_parts(first: Integers, changes: Integers, cuts: _Cuts, bound: int) -> Integers:
    """From values on the first part of every piece, and what changes them at every cut, those on all parts.

    No value exceeds the bound. Their sums may overflow on the way, as the differences of sums come out right still.
    """
    pieces, new = np.arange(first.shape[1]), np.flatnonzero(cuts.is_new)
    places = cuts.piece[new] + 1
    piece = np.insert(pieces, places, cuts.piece[new])
    first_cut = np.searchsorted(cuts.piece, pieces)
    next_cut = np.insert(first_cut, places, np.append(new[1:], cuts.is_new.size))
    first, changes = widen(bound, first, changes)
    sums = np.concatenate([np.zeros_like(changes[:, :1]), np.cumsum(changes, axis=1)], axis=1)
    return narrow(first[:, piece] + (sums[:, next_cut] - sums[:, first_cut[piece]]))


def sorted_points(place: Integers, points: Integers) -> tuple[Integers, Integers]:
    """Sort points by interval and position.

    Parameters
    ----------
    place : array of int, shape (count,)
        The intervals.
    points : array of integers, shape (2, count)
        Numerators, and denominators above 0.

    Returns
    -------
    order : array of int, shape (count,)
    is_new : array of bool, shape (count,)
        Whether a point, of the sorted ones, is another one than that before it.
    """
    order = np.argsort(place, kind="stable")
    if not (_steps(place, points, order) > 0).all():
        order = _sorted_exactly(place, points)
    is_new = np.ones(place.size, dtype=bool)
    is_new[1:] = _steps(place, points, order) != 0
    return order, is_new


def _sorted_exactly(place: Integers, points: Integers) -> Integers:
    """Sort in floating point, and once more where that was not enough."""
    with suppress(OverflowError):
        order = np.lexsort(((points[0] / points[1]).astype(np.float64), place))
        if (_steps(place, points, order) >= 0).all():
            return order
    keys = [(i, Rational(p, q)) for i, p, q in zip(place.tolist(), *points.tolist(), strict=True)]
    return np.array(sorted(range(len(keys)), key=keys.__getitem__))


def _steps(place: Integers, points: Integers, order: Integers) -> Integers:
    """Signs of the steps between neighbours of sorted points; 1 from one interval to the next."""
    p, t = points[:, order]
    place = place[order]
    return np.where(place[1:] != place[:-1], 1, signs(minors(p[1:], t[1:], p[:-1], t[:-1])))


def _rows(layer: _Layer, scale: tuple[int, ...]) -> Integers:
    """The rows of `Pieces`, where values are to be divided by a scale."""
    common = lcm(*scale)
    values = product(_values_at_knots(layer), integers([[common // divisor] for divisor in scale]))
    points = product(layer.knots, integers([common]))
    return reduced(np.concatenate([points[:1], values, points[1:]])).T


def _require_room(width: int, pieces: int, most: int) -> None:
    if width * pieces > most:
        raise UsageError(
            f"the network has {pieces:,} pieces or more before a layer of width {width:,}, too many for the memory: "
            "take a smaller interval"
        )


def _fractions(numerators: Integers, denominators: Integers) -> list[Fraction]:
    return [Fraction(int(p), int(q)) for p, q in zip(numerators, denominators, strict=True)]
