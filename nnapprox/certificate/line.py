"""Exact norms of errors of one variable that are piecewise affine or quadratic.

An error is a `Pieces`: knots with the errors there. For a quadratic target, it is the error of its interpolant at the
knots; between them, where z goes from 0 to 1, the target bends it by a known multiple of z (1 - z).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from fractions import Fraction
from math import lcm
from operator import itemgetter
from typing import Literal, NamedTuple

import numpy as np

from nnapprox.certificate.arithmetic import root_bounds, rounded_outward, total
from nnapprox.certificate.certificate import Certificate, Domain, Norm
from nnapprox.exact import Integers, Rational, integers, minors, product, reduced, sum_of_products
from nnapprox.network import Network
from nnapprox.regions.line import Pieces, line_pieces, sorted_points

MOST_BITS = 13_000
"""Of a numerator or a denominator in a certificate; longer ones can hardly be printed and are rounded outwards."""

_BLOCK = 2**16
"""So many pieces are integrated over at a time, in Python's integers."""


def certify_piecewise_affine(
    network: Network, target: Pieces | Network, domain: Domain, norm: Norm, tolerance: Fraction
) -> Certificate:
    """Certify a network of one variable against another, or against a piecewise affine function.

    Parameters
    ----------
    network : Network
        With a piecewise linear activation.
    target : Pieces or Network
        On the domain; with as many outputs.
    domain : Domain
        One interval.
    norm : str
        Of all outputs together: the largest for ``sup``, the sum for ``L1``, the Euclidean norm for ``L2``.
    tolerance : Fraction
        Relative width of the enclosure of a norm that is not rational, or that has too many digits.
    """
    ((low, high),) = domain
    reference = line_pieces(target, low, high) if isinstance(target, Network) else target
    error = difference(line_pieces(network, low, high), reference)
    count = error.activation_regions
    source = f"exact on {count:,} common piece{'s' * (count > 1)}"
    return _certificate(error, Fraction(0), domain, norm, tolerance, source)


def certify_quadratic(
    network: Network,
    coefficients: Sequence[Fraction],
    domain: Domain,
    norm: Literal["sup", "L2"],
    tolerance: Fraction,
) -> Certificate:
    """Certify a network of one variable and one output against c_0 + c_1 x + c_2 x^2.

    Parameters are those of `certify_piecewise_affine`. The L1 norm need not be rational, and is not found here.
    """
    ((low, high),) = domain
    p, y, t = line_pieces(network, low, high).merged().rows.T.astype(object)
    scale = lcm(*(c.denominator for c in coefficients))
    constant, linear, square = (int(c * scale) for c in coefficients)
    target = constant * t * t + linear * p * t + square * p * p
    error = Pieces(reduced(np.stack([scale * p * t, scale * y * t - target, scale * t * t])).T)
    count = error.activation_regions
    source = f"exact at the knots and vertices of {count:,} piece{'s' * (count > 1)}"
    return _certificate(error, coefficients[2], domain, norm, tolerance, source)


def pieces_through(knots: Sequence[Rational], values: Sequence[Rational]) -> Pieces:
    """The function that is affine between knots, which increase, with values there."""
    p, u = (integers([int(number.p) for number in numbers]) for numbers in (knots, values))
    q, v = (integers([int(number.q) for number in numbers]) for numbers in (knots, values))
    return Pieces(reduced(np.stack([product(p, v), product(u, q), product(q, v)])).T)


def difference(first: Pieces, second: Pieces) -> Pieces:
    """First minus second, on the knots of both.

    Both have the same finite ends and the same number of outputs.
    """
    columns = first.rows.T, second.rows.T
    points = np.concatenate([function[[0, -1]] for function in columns], axis=1)
    order, is_new = sorted_points(np.zeros(points.shape[1], dtype=np.int64), points)
    group = np.empty_like(order)
    group[order] = np.cumsum(is_new) - 1
    common = points[:, order[is_new]]
    (p, *ys, t), (_, *zs, s) = (
        _at_points(common, function, own)
        for function, own in zip(columns, np.split(group, [len(first.rows)]), strict=True)
    )
    errors = (minors(y, z, t, s) for y, z in zip(ys, zs, strict=True))
    return Pieces(reduced(np.stack([product(p, s), *errors, product(t, s)])).T)


def _at_points(points: Integers, columns: Integers, own: Integers) -> Integers:
    """A function's columns at points among which its own knots are those with the indices `own`."""
    if own.size == points.shape[1]:
        return columns
    interval = np.searchsorted(own[1:-1], np.arange(points.shape[1]), side="right")
    left, right = columns[:, interval], columns[:, interval + 1]
    p, t = points
    weights = reduced(np.stack([minors(right[0], right[-1], p, t), minors(p, t, left[0], left[-1])]))
    return reduced(sum_of_products(left, weights[0], right, weights[1]))


def _certificate(
    error: Pieces, square: Fraction, domain: Domain, norm: Norm, tolerance: Fraction, source: str
) -> Certificate:
    """The norm of an error, given at its knots, of a target whose second derivative is 2 square on every piece."""
    argmax = None
    if norm == "sup":
        vertices = map(_largest_at_vertices, _arcs(error, square)) if square else ()
        value, at = max([_largest_at_knots(error), *vertices], key=itemgetter(0))
        low, high = rounded_outward(value, value, tolerance / 2) if _is_long(value) else (value, value)
        argmax = None if _is_long(at) else (at,)
    elif norm == "L1":
        low, high = _sum(map(_areas, _arcs(error, square)), tolerance)
    else:
        squares = _sum(map(_square_integrals, _arcs(error, square)), tolerance / 4)
        low, high = (root_bounds(end, tolerance / 4)[side] for side, end in enumerate(squares))
        if low < high:
            low, high = rounded_outward(low, high, tolerance / 4)
    if low == high:
        return Certificate(norm, domain, "exact", low, argmax, source)
    return Certificate(norm, domain, "enclosure", (low, high), argmax, f"{source}, then rounded outwards")


class _Arcs(NamedTuple):
    """The errors on pieces, one output after the other, in Python's integers; every array of shape (arcs,).

    Attributes
    ----------
    start, start_scale : array of integers
        A piece starts at start / start_scale.
    length, length_scale : array of integers
        Its length is length / length_scale, above 0.
    left, right, bend, scale : array of integers
        The error is (left (1 - z) + right z + bend z (1 - z)) / scale, where z goes from 0 to 1 on the piece.
    """

    start: Integers
    start_scale: Integers
    length: Integers
    length_scale: Integers
    left: Integers
    right: Integers
    bend: Integers
    scale: Integers


def _arcs(error: Pieces, square: Fraction) -> Iterator[_Arcs]:
    """The errors on all pieces, so many at a time as take little memory."""
    numerator, denominator = square.as_integer_ratio()
    for first in range(0, error.activation_regions, _BLOCK):
        p, *ys, t = error.rows[first : first + _BLOCK + 1].T.astype(object)
        length, scale = reduced(np.stack([minors(p[1:], t[1:], p[:-1], t[:-1]), t[1:] * t[:-1]])).astype(object)
        for y in ys:
            errors = np.stack([y[:-1] * t[1:], y[1:] * t[:-1], t[:-1] * t[1:]])
            left, right, unit = reduced(errors).astype(object)
            factor = denominator * scale**2
            bent = np.stack([left * factor, right * factor, numerator * length**2 * unit, unit * factor])
            yield _Arcs(p[:-1], t[:-1], length, scale, *reduced(bent).astype(object))


def _areas(arcs: _Arcs) -> tuple[Integers, Integers]:
    """Integrals of the absolute error over every piece, where nothing bends it: numerators and denominators."""
    left, right = abs(arcs.left), abs(arcs.right)
    crosses = arcs.left * arcs.right < 0
    numerators = arcs.length * np.where(crosses, left**2 + right**2, left + right)
    return numerators, 2 * arcs.length_scale * arcs.scale * np.where(crosses, left + right, 1)


def _square_integrals(arcs: _Arcs) -> tuple[Integers, Integers]:
    """Integrals of the squared error over every piece: numerators and denominators."""
    left, right, bend = arcs.left, arcs.right, arcs.bend
    squares = 10 * (left**2 + left * right + right**2) + 5 * bend * (left + right) + bend**2
    return arcs.length * squares, 30 * arcs.length_scale * arcs.scale**2


def _largest_at_knots(error: Pieces) -> tuple[Fraction, Fraction]:
    """The largest absolute error at a knot, and where it is."""
    p, *ys, t = error.rows.T
    errors = np.abs(np.stack(ys)).max(axis=0)
    best = _largest_ratio(errors, t)
    return Fraction(int(errors[best]), int(t[best])), Fraction(int(p[best]), int(t[best]))


def _largest_at_vertices(arcs: _Arcs) -> tuple[Fraction, Fraction]:
    """The largest absolute error at a vertex of a parabola inside of its piece, and where it is; -1 without one."""
    step = arcs.right - arcs.left
    inside = np.flatnonzero(abs(step) < abs(arcs.bend))
    if not inside.size:
        return Fraction(-1), Fraction(0)
    start, start_scale, length, length_scale, left, right, bend, scale = (part[inside] for part in arcs)
    errors, scales = abs(2 * (left + right) * bend + bend**2 + (right - left) ** 2), 4 * abs(bend) * scale
    best = _largest_ratio(errors, scales)
    z = Fraction(1, 2) + Fraction(right[best] - left[best], 2 * bend[best])
    at = Fraction(start[best], start_scale[best]) + z * Fraction(length[best], length_scale[best])
    return Fraction(errors[best], scales[best]), at


def _largest_ratio(numerators: Integers, denominators: Integers) -> int:
    """Where numerator / denominator is largest; denominators are above 0."""
    left = np.arange(numerators.size)
    while left.size > 1:  # half of them drop out
        first, second = left[: left.size // 2], left[left.size // 2 : left.size // 2 * 2]
        wins = minors(numerators[second], denominators[second], numerators[first], denominators[first]) > 0
        left = np.concatenate([np.where(wins, second, first), left[left.size // 2 * 2 :]])
    return int(left[0])


def _sum(terms: Iterable[tuple[Integers, Integers]], tolerance: Fraction) -> tuple[Fraction, Fraction]:
    """Add ratios that are not negative: exactly, or where that takes too many digits, to a relative tolerance."""
    sums: defaultdict[int, int] = defaultdict(int)
    for numerators, denominators in terms:
        for p, q in zip(numerators.tolist(), denominators.tolist(), strict=True):
            if p:
                sums[q] += p
    common = 1
    for q in sums:
        common = lcm(common, q)
        if common.bit_length() > MOST_BITS:
            return _rounded_sum(sums, tolerance)
    exact = total(Rational(p, q) for q, p in sums.items())
    return exact, exact


def _rounded_sum(sums: Mapping[int, int], tolerance: Fraction) -> tuple[Fraction, Fraction]:
    """Enclose the sum of p / q over the pairs q: p."""
    bits = 64
    while True:
        low = sum((p << bits) // q for q, p in sums.items())
        if len(sums) <= tolerance * low:
            return Fraction(low, 1 << bits), Fraction(low + len(sums), 1 << bits)
        bits *= 2


def _is_long(number: Fraction) -> bool:
    return max(number.numerator.bit_length(), number.denominator.bit_length()) > MOST_BITS
