"""A network on a line or a plane through its input space: a network of one or two inputs, exactly."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import lcm

import numpy as np

from nnapprox.errors import UsageError
from nnapprox.exact import (
    IntegerRows,
    Integers,
    dyadic,
    dyadic_rows,
    integers,
    largest,
    matrix_product,
    sum_of_products,
    widen,
)
from nnapprox.network import Affine, Array, Network

MARGIN = Fraction(1, 2)

_BITS = 32
"""Weights are multiplied in parts of so many bits: sums of products with pixels fit into 64."""


def restrict(network: Network, points: Sequence[Sequence[int | Fraction]]) -> Network:
    """The network s, t -> f(p_0 + s (p_1 - p_0) + t (p_2 - p_0)) on the plane through three points, or the line of two.

    Parameters
    ----------
    network : Network
        Floats are taken as the dyadic rationals that they are.
    points : sequence of points
        Two or three, of as many coordinates as the network has inputs.

    Returns
    -------
    Network
        Rational.

    Raises
    ------
    UsageError
        There are not as many points or coordinates, two points are equal, or three are on a line.
    """
    image, divisor = _first_layer(network, points)
    exact = np.array([[Fraction(int(number), divisor) for number in row] for row in image], dtype=object)
    first = Affine(exact[:, :-1], exact[:, -1])
    later = Network(network.layers[1:], network.activation).astype("rational").layers if network.depth > 1 else ()
    return Network([first, *later], network.activation)


def first_on_line(network: Network, points: Sequence[Sequence[int | Fraction]]) -> IntegerRows:
    """The first layer of the network that `restrict` gives on a line, in integers with one scale; raises as that does.

    That and `float_layers` are much quicker than the network.
    """
    image, divisor = _first_layer(network, points)
    return IntegerRows(image, (divisor,) * len(image))


def float_layers(network: Network, first: IntegerRows) -> list[IntegerRows]:
    """All layers of a float network, or of one on a slice, in integers, given the first one with one scale."""
    layers, slope = [first], network.negative_slope
    for layer in network.layers[1:]:
        layers.append(dyadic_rows(layer.weight, layer.bias, layers[-1].scale[0] * slope.denominator))
    return layers


def _first_layer(network: Network, points: Sequence[Sequence[int | Fraction]]) -> tuple[Integers, int]:
    """The first layer on the slice, weights and bias, as integers and the number that they are to be divided by."""
    if len(points) not in (2, 3):
        raise UsageError(f"a line goes through two points and a plane through three, not {len(points)}")
    for point in points:
        if len(point) != network.widths[0]:
            raise UsageError(f"a point has {len(point)} coordinates, but the network takes {network.widths[0]}")
    start, directions, scale = _frame(points)
    columns = np.stack([*directions, start]).T
    first = network.layers[0]
    image, divisor = _product(first.weight, columns)
    bias, bias_divisor = _integral(first.bias)
    divisor *= scale
    common = lcm(divisor, bias_divisor)
    image = image * (common // divisor)
    image[:, -1] += bias.astype(object) * (common // bias_divisor)
    return image, common


def require_independent(points: Sequence[Sequence[int | Fraction]]) -> None:
    """Refuse, as a `UsageError`, points that are equal or on one line."""
    _frame(points)


def _frame(points: Sequence[Sequence[int | Fraction]]) -> tuple[Integers, list[Integers], int]:
    """The first point and the ways to the others in integers, and the number that they are to be divided by."""
    scale = lcm(*{number.denominator for point in points for number in point})
    start, *others = (integers([number.numerator * (scale // number.denominator) for number in p]) for p in points)
    start, *others = widen(2 * max(largest(point) for point in (start, *others)), start, *others)
    directions = [other - start for other in others]
    if not all(direction.any() for direction in directions):
        raise UsageError("two points of the slice are equal: choose different ones")
    if len(directions) == 2:
        u, v = directions
        place = int(np.flatnonzero(u)[0])
        if not sum_of_products(u[place : place + 1], v, -v[place : place + 1], u).any():
            raise UsageError("the three points of the slice lie on a line: choose others, or take the line")
    return start, directions, scale


def _integral(array: Array) -> tuple[Integers, int]:
    if array.dtype != object:
        return dyadic(array)
    scale = lcm(*{number.denominator for number in array.flat})
    return integers([n.numerator * (scale // n.denominator) for n in array.flat]).reshape(array.shape), scale


def box(points: int) -> list[tuple[Fraction, Fraction]]:
    """In the coordinates of `restrict`, a box that holds so many points, with a margin around them."""
    return [(-MARGIN, 1 + MARGIN)] * (points - 1)


def _product(weight: Array, columns: Integers) -> tuple[Integers, int]:
    """The product with integers as integers, and the number that they are to be divided by."""
    used = columns.any(axis=1)  # most pixels of an image are 0
    weight, columns = weight[:, used], columns[used]
    if weight.dtype == object:
        rows, scale = _integral(weight)
        return matrix_product(rows, columns).astype(object), scale
    rest = weight.astype(np.float64)
    _, exponent = np.frexp(np.abs(rest).max(initial=0))
    shift, total = _BITS - int(exponent), np.zeros((len(weight), columns.shape[1]), dtype=object)
    power = 0
    while rest.any():
        part = np.trunc(np.ldexp(rest, shift + power))  # exact, as is what is left
        total = (
            (total << _BITS) + matrix_product(part.astype(np.int64), columns)
            if power
            else matrix_product(part.astype(np.int64), columns).astype(object)
        )
        rest = rest - np.ldexp(part, -(shift + power))
        power += _BITS
    exponent = shift + power - _BITS
    return (total, 2**exponent) if exponent >= 0 else (total << -exponent, 1)
