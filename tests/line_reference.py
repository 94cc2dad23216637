"""Slow readable twins of exact evaluation, of the pieces on a line, and of norms on them: plain `Fraction`."""

from fractions import Fraction
from itertools import pairwise
from typing import NamedTuple


class Piece(NamedTuple):
    """An interval, an end of which is None at infinity, and an affine map for every output."""

    low: Fraction | None
    high: Fraction | None
    slopes: tuple[Fraction, ...]
    intercepts: tuple[Fraction, ...]


def negative_slope(activation):
    return {"identity": Fraction(1), "relu": Fraction(0)}.get(activation.name, activation.slope)


def affine(layer, vectors):
    """Images of vectors under the linear part."""
    return [tuple(sum(w * v for w, v in zip(row, vector, strict=True)) for row in layer.weight) for vector in vectors]


def evaluate(network, point):
    """The values of a network at a point, neuron by neuron."""
    slope, values = negative_slope(network.activation), [Fraction(x) for x in point]
    for number, layer in enumerate(network.layers):
        if number:
            values = [v if v > 0 else slope * v for v in values]
        (values,) = affine(layer, [values])
        values = [v + Fraction(b) for v, b in zip(values, layer.bias, strict=True)]
    return values


def pieces(network, low, high):
    """The pieces of a rational network, interval by interval: cut, look at the middle, go on with the next layer."""
    first = network.layers[0]
    start = Piece(low, high, tuple(first.weight[:, 0]), tuple(first.bias))
    return list(_descend(network.layers[1:], network.activation, start))


def _descend(layers, activation, piece):
    if not layers:
        yield piece
        return
    lines = list(zip(piece.slopes, piece.intercepts, strict=True))
    roots = {-b / a for a, b in lines if a} if negative_slope(activation) != 1 else set()
    cuts = sorted(x for x in roots if (piece.low is None or piece.low < x) and (piece.high is None or x < piece.high))
    for left, right in pairwise([piece.low, *cuts, piece.high]):
        x = _inside(left, right)
        factors = [1 if a * x + b > 0 else negative_slope(activation) for a, b in lines]
        bent = [[f * part[k] for k, f in enumerate(factors)] for part in (piece.slopes, piece.intercepts)]
        slopes, intercepts = affine(layers[0], bent)
        intercepts = tuple(b + c for b, c in zip(intercepts, layers[0].bias, strict=True))
        yield from _descend(layers[1:], activation, Piece(left, right, slopes, intercepts))


def _inside(low, high):
    if low is None or high is None:
        return Fraction(0) if low is high else high - 1 if low is None else low + 1
    return (low + high) / 2


def counts(found):
    """Activation regions, linear regions and distinct affine maps of pieces."""
    maps = [(piece.slopes, piece.intercepts) for piece in found]
    return len(maps), 1 + sum(a != b for a, b in pairwise(maps)), len(set(maps))


def knots(found):
    return [found[0].low, *(piece.high for piece in found)]


def sup(error, points):
    """Of an error that is quadratic between points: at them, and at the vertices of the parabolas."""
    candidates = list(points)
    for a, b in pairwise(points):
        u, middle, v = error(a), error((a + b) / 2), error(b)
        bend = 2 * (u + v - 2 * middle)
        if bend and a < (x := a + (b - a) * (3 * u + v - 4 * middle) / (2 * bend)) < b:
            candidates.append(x)
    return max(abs(error(x)) for x in candidates)


def square_integral(error, points):
    """Of an error that is quadratic between points, by Boole's rule."""
    weights = [7, 32, 12, 32, 7]
    return sum(
        (b - a) / 90 * sum(w * error(a + (b - a) * Fraction(k, 4)) ** 2 for k, w in enumerate(weights))
        for a, b in pairwise(points)
    )


def absolute_integral(error, points):
    """Of an error that is affine between points, by trapezoids between its zeros."""
    total = Fraction(0)
    for a, b in pairwise(points):
        u, v = error(a), error(b)
        cut = [a, a + (b - a) * u / (u - v), b] if u * v < 0 else [a, b]
        total += sum((y - x) * (abs(error(x)) + abs(error(y))) / 2 for x, y in pairwise(cut))
    return total
