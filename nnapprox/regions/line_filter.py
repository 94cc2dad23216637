"""The pieces of a network of one variable counted in doubles with a rigorous bound on their error.

All decisions, or none: where the bound leaves one open, `line` takes all of them in integers. A sum of n products has
an error of at most n u / (1 - n u) times the sum of their sizes, in whatever order, u = 2^-53 (Higham 2002, section
3.1). The bounds are taken with twice that, which covers the rounding of the bounds themselves.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnapprox.exact import IntegerRows
from nnapprox.network import Affine
from nnapprox.regions.region_count import RegionCount

Array: TypeAlias = NDArray[Any]

EPSILON = float(np.finfo(np.float64).eps)

UNDERFLOW = 1e-200
"""More than all that is lost where products become too small for a double."""

MOST_NUMBERS = 2**23
"""Values of a layer on all pieces together; there are half a dozen arrays of that size."""


@dataclass(frozen=True, slots=True)
class _Enclosed:
    """Numbers, and bounds on how far they are off."""

    value: Array
    error: Array

    def __getitem__(self, index: Any) -> _Enclosed:
        return _Enclosed(self.value[index], self.error[index])


class _OpenError(Exception):
    """Doubles do not decide."""


def count_in_doubles(
    first: IntegerRows,
    others: Sequence[Affine],
    slope: Fraction,
    ends: tuple[Fraction, Fraction],
    *,
    activation_only: bool = False,
) -> RegionCount | None:
    """Count the pieces of a network of one variable, if doubles decide all that there is to decide.

    Parameters
    ----------
    first : IntegerRows
        The first layer, of one coordinate.
    others : sequence of Affine
        The other layers, of float32 or float64; one or more.
    slope : Fraction
        That of the activation at negative arguments.
    ends : pair of Fraction
        The interval, the lower end first.
    activation_only : bool
        Count neither linear regions nor affine maps.

    Returns
    -------
    RegionCount or None
        The exact count; None where a decision is left open.
    """
    try:
        with np.errstate(all="ignore"):  # what is infinite or no number decides nothing
            return _count(first, others, slope, ends, activation_only)
    except (_OpenError, OverflowError):
        return None


def _count(
    first: IntegerRows, others: Sequence[Affine], slope: Fraction, ends: Sequence[Fraction], activation_only: bool
) -> RegionCount:
    rows = [[int(n) / divisor for n in row] for row, divisor in zip(first.matrix, first.scale, strict=True)]
    slopes, intercepts = (_nearest(np.array(column)[:, None]) for column in zip(*rows, strict=True))
    knots = _nearest(np.array([float(end) for end in ends]))
    factors = _nearest(np.array([float(slope), 1.0]))
    decided = 0
    for number, layer in enumerate(others, start=1):
        decided += slopes.value.shape[0] * knots.value.size
        knots, piece, is_active = _parts(knots, slopes, intercepts)
        if activation_only and number == len(others):
            break
        if max(layer.outputs, layer.inputs) * piece.size > MOST_NUMBERS:
            raise _OpenError
        bent = factors[is_active.astype(np.intp)]
        weight = layer.weight.astype(np.float64)
        slopes = _image(weight, _product(slopes[:, piece], bent), np.zeros(layer.outputs))
        intercepts = _image(weight, _product(intercepts[:, piece], bent), layer.bias.astype(np.float64))
    pieces = knots.value.size - 1
    if activation_only:
        return RegionCount(pieces, None, None, decided, 0, complete=True)
    if not any(
        _all_differ(numbers[output]) for numbers in (slopes, intercepts) for output in range(others[-1].outputs)
    ):
        raise _OpenError
    return RegionCount(pieces, pieces, pieces, decided + pieces - 1, 0, complete=True)


def _nearest(values: Array) -> _Enclosed:
    return _Enclosed(values, EPSILON * np.abs(values) + UNDERFLOW)


def _product(a: _Enclosed, b: _Enclosed) -> _Enclosed:
    value = a.value * b.value
    size_a, size_b = np.abs(a.value), np.abs(b.value)
    error = a.error * (size_b + b.error) + size_a * b.error + EPSILON * np.abs(value) + UNDERFLOW
    return _Enclosed(value, _up(error))


def _image(weight: Array, columns: _Enclosed, bias: Array) -> _Enclosed:
    """The image under an affine map whose numbers are exact."""
    value = weight @ columns.value + bias[:, None]
    rounding = (weight.shape[1] + 8) * EPSILON
    error = np.abs(weight) @ (columns.error + rounding * np.abs(columns.value)) + rounding * np.abs(bias)[:, None]
    return _Enclosed(value, _up(error + UNDERFLOW))


def _up(error: Array) -> Array:
    """More than a sum of positive numbers may have lost by rounding."""
    return error * (1 + 1e-6)


def _parts(knots: _Enclosed, slopes: _Enclosed, intercepts: _Enclosed) -> tuple[_Enclosed, Array, Array]:
    """Cut pieces where neurons change their signs.

    Returns
    -------
    knots : _Enclosed, shape (parts + 1,)
    piece : array of int, shape (parts,)
        The piece that a part is of.
    is_active : array of bool, shape (width, parts)
        Which neurons are positive on it.
    """
    left, right = (_is_positive(slopes, at, intercepts) for at in (knots[:-1], knots[1:]))
    neuron, cut_piece = np.nonzero(left != right)
    cuts = _roots(slopes[neuron, cut_piece], intercepts[neuron, cut_piece])
    points = _Enclosed(np.append(knots.value, cuts.value), np.append(knots.error, cuts.error))
    order = np.argsort(points.value)
    if not _all_increase(points[order]):
        raise _OpenError
    piece = np.concatenate([np.arange(knots.value.size), cut_piece])[order[:-1]]
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    turns_at = np.full(left.shape, order.size)
    turns_at[neuron, cut_piece] = rank[knots.value.size :]
    has_turned = turns_at[:, piece] <= np.arange(piece.size)
    return points[order], piece, np.where(has_turned, right[:, piece], left[:, piece])


def _is_positive(slopes: _Enclosed, at: _Enclosed, intercepts: _Enclosed) -> Array:
    risen = _product(slopes, at)
    value = risen.value + intercepts.value
    error = _up(risen.error + intercepts.error + EPSILON * np.abs(value))
    if not (np.abs(value) > error).all():
        raise _OpenError
    return np.asarray(value > 0)


def _roots(slopes: _Enclosed, intercepts: _Enclosed) -> _Enclosed:
    """Where a x + b = 0: for an error of da and db, x is off by at most (db + |x| da) / (|a| - da)."""
    least = np.abs(slopes.value) - slopes.error
    if not (least > 0).all():
        raise _OpenError
    value = -intercepts.value / slopes.value
    size = np.abs(value)
    error = (intercepts.error + size * slopes.error) / least + 4 * EPSILON * size + UNDERFLOW
    return _Enclosed(value, _up(error))


def _all_increase(numbers: _Enclosed) -> bool:
    value, error = numbers.value, numbers.error
    gaps, errors = value[1:] - value[:-1], error[1:] + error[:-1]
    return bool((gaps > 2 * errors).all())


def _all_differ(numbers: _Enclosed) -> bool:
    return _all_increase(numbers[np.argsort(numbers.value)])
