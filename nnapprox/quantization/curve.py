"""From what is wanted (an error, a size, an accuracy) to the step that gives it; and whole curves."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nnapprox.errors import UsageError
from nnapprox.files.nnq import Encoded, matrix_bytes, to_bytes
from nnapprox.network import Network
from nnapprox.quantization.encoder import Attempt, Quantizer

CURVE = tuple(10 ** (-1 - k / 5.5) for k in range(12))
"""Relative errors of the whole curve: twelve from 1e-1 to 1e-3."""

_NEAR = 0.003
"""How near to its target, relatively, a search ends that has just begun; it is content with as much more every time."""

_CLOSE = 0.01
"""How near one ends that knows no more than whether a target is met."""

_CURVE_NEAR = 0.04
"""The first on a curve, whose errors are as good as those beside them."""

_MOST_TRIES = 8

_FEW_TRIES = 6

_COARSE, _FINER, _MOST_FINER = 2.0, 1.3, 45
"""From what error on, and by what, steps become finer until an accuracy is kept, and how often."""

_MOST_ERROR = 1e4
"""Steps for it leave no weights."""

_ROUGH = 0.15
"""How near to the target products are compared; `_SLOPE` tells what their sizes would be there."""

_SLOPE = 0.4

_MANY = 100_000
"""Weights of a network that is quantised in seconds, so that fewer steps are tried."""

_LAST_TRIES, _LAST_TRIES_OF_MANY = 10, 4
"""Steps that are tried right at the target."""


@dataclass(frozen=True)
class Point:
    """A quantised network with its file."""

    attempt: Attempt
    content: bytes


Report = Callable[[float], None]


def at_error(
    quantizer: Quantizer, error: float, report: Report | None = None, start: Attempt | None = None, near: float = _NEAR
) -> Point:
    """The smallest file found that keeps within a relative L2 error on all inputs that decide.

    Raises
    ------
    UsageError
        The error is out of reach of the network's numbers.
    """
    kept: list[Point] = []

    def excess(point: Point) -> float:
        if point.attempt.measured <= error:
            kept.append(point)
        return point.attempt.measured / error

    best = _best_products(quantizer, error, excess, report, start)
    for number in range(_LAST_TRIES_OF_MANY if quantizer.network.parameters > _MANY else _LAST_TRIES):
        off = _off(excess(_point(quantizer, best.step, report, best.ranks)))
        if -near * (number + 1) < off <= 0:  # errors jump by some hundredths from step to step: luck may not come
            break
        best = replace(best, step=_closer(best.step, off + near / 2))
    if not kept:
        _search(quantizer, excess, report, best.step, ranks=best.ranks)
    if not kept:
        raise UsageError(f"no file keeps within a relative error of {error:g}: that is beyond this code's numbers")
    return min(kept, key=lambda point: len(point.content))


def _off(ratio: float) -> float:
    return math.log(max(ratio, 1e-300))


def _closer(step: float, off: float) -> float:
    """A step that should be nearer to a target from which another is so far: errors grow a bit slower than steps."""
    return step * math.exp(max(-3.0, min(3.0, -off / 0.9)))


@dataclass(frozen=True)
class _Trial:
    """Ranks of products, the step at which they should meet the target, and the logarithm of the size there."""

    ranks: tuple[int, ...]
    step: float
    size: float


def _best_products(
    quantizer: Quantizer, error: float, excess: Callable[[Point], float], report: Report | None, start: Attempt | None
) -> _Trial:
    """The trial of the best products, more or fewer than those that are surely worth it, compared near the target."""
    products = quantizer.products(error)
    number = products.index(quantizer.ranks(error))
    if start and start.measured > 0 and bool(start.ranks) == bool(products[number]):
        step = start.step * error / start.measured
    else:
        step = _first_step(quantizer, error, products[number])
    best = _try(quantizer, excess, report, step, products[number], _MOST_TRIES)
    for way in (products[number + 1 :], products[:number][::-1]):
        for ranks in way:
            other = _try(quantizer, excess, report, best.step, ranks)
            if other.size >= best.size:
                break
            best = other
        if best.ranks != products[number]:
            break
    return best


def _try(
    quantizer: Quantizer, excess: Callable[[Point], float], report: Report | None, step: float, ranks: tuple[int, ...],
    tries: int = 1,
) -> _Trial:  # fmt: skip
    for _ in range(tries):
        point = _point(quantizer, step, report, ranks)
        off = _off(excess(point))
        step = _closer(step, off)
        if abs(off) < _ROUGH:
            break
    return _Trial(ranks, step, math.log(len(point.content)) + _SLOPE * off)


def at_bytes(quantizer: Quantizer, size: int, report: Report | None = None) -> Point:
    """The most exact file found of at most so many bytes.

    Raises
    ------
    UsageError
        Not even a network of zeros is so small.
    """

    def excess(point: Point) -> float:
        return size / len(point.content)

    best = _search(quantizer, excess, report, _first_step(quantizer, 0.1), finest=False)
    if best and (ranks := quantizer.ranks(best.attempt.measured)):
        step = _first_step(quantizer, best.attempt.measured, ranks)
        other = _search(quantizer, excess, report, step, finest=False, ranks=ranks)
        best = min(best, other or best, key=lambda point: point.attempt.measured)
    if best is None:
        least = len(_point(quantizer, _first_step(quantizer, _MOST_ERROR), report).content)
        raise UsageError(f"no file of {size} bytes was found: without any weights it takes {least}")
    return best


def at_accuracy(quantizer: Quantizer, holds: Callable[[Network], bool], report: Report | None = None) -> Point:
    """The smallest file found of a network for which something holds: see `_accurate`.

    Raises
    ------
    UsageError
        It never does.
    """
    best = _accurate(quantizer, holds, report, ())
    if ranks := quantizer.ranks(best.attempt.measured):
        with suppress(UsageError):
            best = min(best, _accurate(quantizer, holds, report, ranks), key=lambda point: len(point.content))
    return best


def _accurate(
    quantizer: Quantizer, holds: Callable[[Network], bool], report: Report | None, ranks: tuple[int, ...]
) -> Point:
    """The smallest file found with products of some ranks of a network for which something holds.

    Finer steps are taken until it does, then some between the last two: what holds need not hold of all finer ones.

    Raises
    ------
    UsageError
        It never does.
    """
    step, best = _first_step(quantizer, _COARSE, ranks), None
    for _ in range(_MOST_FINER):
        point = _point(quantizer, step, report, ranks)
        if holds(point.attempt.encoded.network()):
            best = point
            break
        step /= _FINER
    if best is None:
        raise UsageError(f"no file keeps that accuracy, not even one of {len(point.content)} bytes")
    low, high = step, step * _FINER
    for _ in range(_FEW_TRIES):
        middle = math.sqrt(low * high)
        point = _point(quantizer, middle, report, ranks)
        if holds(point.attempt.encoded.network()):
            best, low = min(best, point, key=lambda point: len(point.content)), middle
        else:
            high = middle
    return best


def curve(quantizer: Quantizer, errors: Iterable[float] = CURVE, report: Report | None = None) -> Iterator[Point]:
    """A point for every error, each search beginning where the last one ended."""
    start: Attempt | None = None
    for error in errors:
        point = at_error(quantizer, error, report, start, _CURVE_NEAR)
        start = point.attempt
        yield point


def _first_step(quantizer: Quantizer, error: float, ranks: tuple[int, ...] = ()) -> float:
    return error * math.sqrt((quantizer.power or 1.0) * 12 / quantizer.weights(ranks))


def _point(quantizer: Quantizer, step: float, report: Report | None, ranks: tuple[int, ...] = ()) -> Point:
    attempt = quantizer.quantize(step, report, ranks)
    return Point(attempt, to_bytes(attempt.encoded))


def _search(
    quantizer: Quantizer,
    excess: Callable[[Point], float],
    report: Report | None,
    step: float,
    *,
    finest: bool = True,
    ranks: tuple[int, ...] = (),
) -> Point | None:
    """Find the step at which `excess` is just below 1; it grows with the step, or falls where `finest` is not set.

    None where no step that was tried keeps it below 1.
    """
    best: Point | None = None
    inside: tuple[float, float] | None = None  # (log step, log excess) where it holds
    outside: tuple[float, float] | None = None
    sense = 1.0 if finest else -1.0
    for _ in range(_MOST_TRIES):
        point = _point(quantizer, step, report, ranks)
        off = _off(excess(point)) * sense
        here = (math.log(step), off)
        if off <= 0:
            if best is None or abs(off) <= abs(inside[1] if inside else math.inf):
                best, inside = point, here
            if abs(off) < _CLOSE:
                return best
        else:
            outside = here
        step = math.exp(_next(here, inside, outside, finest))
        if inside and outside and abs(inside[0] - outside[0]) < 1e-4:
            break
    return best


def _next(
    here: tuple[float, float], inside: tuple[float, float] | None, outside: tuple[float, float] | None, finest: bool
) -> float:
    """A log step to try: between those that bracket the aim, else by a typical slope."""
    aim = -_CLOSE / 2
    if inside and outside:
        share = (aim - inside[1]) / (outside[1] - inside[1])
        return inside[0] + min(0.75, max(0.25, share)) * (outside[0] - inside[0])
    slope = 0.9 if finest else -0.6
    return here[0] + max(-3.0, min(3.0, (aim - here[1]) / slope))


def layer_bits(encoded: Encoded) -> list[dict[str, Any]]:
    """What every map takes in the file, in bits (to whole bytes): side information, topology, values.

    Two maps of the same layer are those whose product it is. The coder mixes zeros and values: their shares are those
    of the order-0 entropy, which is told too.
    """
    out = []
    sizes, depth, starts = matrix_bytes(encoded), len(encoded.maps), encoded.starts()
    for number, layer in enumerate(encoded.maps):
        q = layer.integers
        _, counts = np.unique(q, return_counts=True)
        entropy = float((counts * np.log2(q.size / counts)).sum())
        zeros = q.size - int(np.count_nonzero(q))
        flags = sum(n * math.log2(q.size / n) for n in (zeros, q.size - zeros) if n)
        rows, columns, integers = (8 * sizes[k] for k in (2 * number, 2 * number + 1, 2 * depth + number))
        topology = integers * flags / entropy if entropy else float(integers)
        out.append(
            {
                "layer": bisect_right(starts, number) - 1,
                "shape": list(q.shape),
                "nonzeros": q.size - zeros,
                "step": math.ldexp(layer.mantissa, layer.exponent),
                "topology_bits": topology,
                "value_bits": integers - topology,
                "side_bits": rows + columns,
                "order0_bits": entropy,
            }
        )
    return out
