"""From what is wanted (an error, a size, an accuracy) to the step that gives it; and whole curves."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from nnapprox.errors import UsageError
from nnapprox.files.nnq import Encoded, matrix_bytes, to_bytes
from nnapprox.network import Network
from nnapprox.quantization.encoder import PASSES, Attempt, Plan, Quantizer

CURVE = tuple(10 ** (-1 - k / 5.5) for k in range(12))
"""Relative errors of the whole curve: twelve from 1e-1 to 1e-3."""

_NEAR = 0.01
"""How near to its target, relatively, a search ends."""

_CURVE_NEAR = 0.04
"""The same on a curve, whose errors are as good as those beside them."""

_MOST_TRIES = 8

_FEW_TRIES = 6

_COARSE, _FINER, _MOST_FINER = 2.0, 1.3, 45
"""From what error on, and by what, steps become finer until an accuracy is kept, and how often."""

_MOST_ERROR = 1e4
"""Steps for it leave no weights."""

_ROUGH = 0.15
"""How near to the target the first plan is looked at; `_SLOPE` tells what the sizes of all would be there."""

_SLOPE = 0.4

PRICES = ((0.09, 2.0), (0.14, 2.5), (0.2, 3.0), (0.3, 3.0))
"""Rates and starts of plans: the fewer bits a weight has, the more it is worth to leave weights out."""

_MANY = 100_000
"""Weights with which one plan is all that is tried: there the others are no better, and slow."""

_FEW_PASSES, _UNREFINED = 3, 0.03
"""Of so many weights, passes that find a neighbourhood, and the logarithm of what more of them take off the error."""

_TRIAL_PASSES = 16
"""The same of fewer weights: what more of them bring is little, and about the same for all plans."""

_LAST_TRIES = 4


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
    plan = start.plan if start else Plan()
    ranks = quantizer.ranks(error)
    kept: list[Point] = []
    for chosen in (ranks, ()) if ranks else ((),):
        if kept and quantizer.network.parameters > _MANY:  # there products are smaller wherever they may be tried
            break
        kept += _within(quantizer, error, report, start, replace(plan, ranks=chosen), near)
    if not kept:
        raise UsageError(f"no file keeps within a relative error of {error:g}: that is beyond this code's numbers")
    return min(kept, key=lambda point: len(point.content))


def _within(
    quantizer: Quantizer, error: float, report: Report | None, start: Attempt | None, plan: Plan, near: float
) -> list[Point]:
    """Files that keep within an error, by a plan and others of its ranks; from an attempt on, if it had such ranks."""
    kept: list[Point] = []

    def excess(point: Point) -> float:
        if point.attempt.measured <= error:
            kept.append(point)
        return point.attempt.measured / error

    known = start is not None and start.measured > 0 and bool(start.plan.ranks) == bool(plan.ranks)
    step = start.step * error / start.measured if start and known else _first_step(quantizer, error, plan)
    best = _best_plan(quantizer, excess, report, step, plan, PRICES if start is None else _prices_to(plan))
    for number in range(_LAST_TRIES):
        off = _off(excess(_point(quantizer, best.step, report, best.plan)))
        if -near * (number + 1) < off <= 0:  # errors jump by some hundredths from step to step: luck may not come
            break
        best = replace(best, step=_closer(best.step, off + near / 2))
    if not kept:
        _search(quantizer, excess, report, best.step, plan=best.plan)
    return kept


def _prices_to(plan: Plan) -> Sequence[tuple[float, float]]:
    """The prices up to that of a plan: of the errors along a curve, the smaller ones want none above."""
    return PRICES[: PRICES.index((plan.rate, plan.start)) + 1]


def _off(ratio: float) -> float:
    return math.log(max(ratio, 1e-300))


def _closer(step: float, off: float) -> float:
    """A step that should be nearer to a target from which another is so far: errors grow a bit slower than steps."""
    return step * math.exp(max(-3.0, min(3.0, -off / 0.9)))


@dataclass(frozen=True)
class _Trial:
    """A plan, the step at which it should meet the target, and the logarithm of its size there."""

    plan: Plan
    step: float
    size: float


def _best_plan(
    quantizer: Quantizer, excess: Callable[[Point], float], report: Report | None, step: float, plan: Plan,
    prices: Sequence[tuple[float, float]],
) -> _Trial:  # fmt: skip
    """That of the best of some prices near the one of a plan, compared near the target."""
    best = _try(quantizer, excess, report, step, plan, _MOST_TRIES)
    price = prices.index((plan.rate, plan.start))
    if quantizer.network.parameters > _MANY:
        return best
    for way in (prices[price + 1 :], prices[:price][::-1]):
        for rate, start in way:
            other = _try(quantizer, excess, report, best.step, replace(plan, rate=rate, start=start))
            if other.size >= best.size:
                break
            best = other
        if best.plan != plan:
            break
    return best


def _try(
    quantizer: Quantizer, excess: Callable[[Point], float], report: Report | None, step: float, plan: Plan,
    tries: int = 1,
) -> _Trial:  # fmt: skip
    few = quantizer.network.parameters > _MANY
    for _ in range(tries):
        point = _point(quantizer, step, report, plan, _FEW_PASSES if few else _TRIAL_PASSES)
        off = _off(excess(point)) - (_UNREFINED if few else 0.0)
        step = _closer(step, off)
        if abs(off) < _ROUGH:
            break
    return _Trial(plan, step, math.log(len(point.content)) + _SLOPE * off)


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
    if best and (plan := _by_products(quantizer, best)):
        step = _first_step(quantizer, best.attempt.measured, plan)
        other = _search(quantizer, excess, report, step, finest=False, plan=plan)
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
    best = _accurate(quantizer, holds, report, Plan())
    if plan := _by_products(quantizer, best):
        with suppress(UsageError):
            best = min(best, _accurate(quantizer, holds, report, plan), key=lambda point: len(point.content))
    return best


def _by_products(quantizer: Quantizer, whole: Point) -> Plan | None:
    """A plan in which products stand for layers, at about the error of a file in which none do."""
    ranks = quantizer.ranks(whole.attempt.measured)
    return replace(whole.attempt.plan, ranks=ranks) if ranks else None


def _accurate(quantizer: Quantizer, holds: Callable[[Network], bool], report: Report | None, plan: Plan) -> Point:
    """The smallest file found by a plan of a network for which something holds.

    Finer steps are taken until it does, then some between the last two: what holds need not hold of all finer ones.

    Raises
    ------
    UsageError
        It never does.
    """
    step, best = _first_step(quantizer, _COARSE, plan), None
    for _ in range(_MOST_FINER):
        point = _point(quantizer, step, report, plan)
        if holds(point.attempt.encoded.network()):
            best = point
            break
        step /= _FINER
    if best is None:
        raise UsageError(f"no file keeps that accuracy, not even one of {len(point.content)} bytes")
    low, high = step, step * _FINER
    for _ in range(_FEW_TRIES):
        middle = math.sqrt(low * high)
        point = _point(quantizer, middle, report, plan)
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


def _first_step(quantizer: Quantizer, error: float, plan: Plan | None = None) -> float:
    weights = quantizer.weights(plan.ranks if plan else ())
    power = quantizer.power or 1.0
    return error * math.sqrt(power * 12 / weights)


def _point(
    quantizer: Quantizer, step: float, report: Report | None, plan: Plan | None = None, passes: int = PASSES
) -> Point:
    attempt = quantizer.quantize(step, passes, report, plan)
    return Point(attempt, to_bytes(attempt.encoded))


def _search(
    quantizer: Quantizer,
    excess: Callable[[Point], float],
    report: Report | None,
    step: float,
    *,
    finest: bool = True,
    plan: Plan | None = None,
) -> Point | None:
    """Find the step at which `excess` is just below 1; it grows with the step, or falls where `finest` is not set.

    None where no step that was tried keeps it below 1.
    """
    best: Point | None = None
    inside: tuple[float, float] | None = None  # (log step, log excess) where it holds
    outside: tuple[float, float] | None = None
    sense = 1.0 if finest else -1.0
    for _ in range(_MOST_TRIES):
        point = _point(quantizer, step, report, plan)
        off = _off(excess(point)) * sense
        here = (math.log(step), off)
        if off <= 0:
            if best is None or abs(off) <= abs(inside[1] if inside else math.inf):
                best, inside = point, here
            if abs(off) < _NEAR:
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
    aim = -_NEAR / 2
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
