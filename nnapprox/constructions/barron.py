"""Sums of few ReLUs, drawn at random or chosen greedily, in one dimension."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, Any, Literal

import numpy as np
from numpy.typing import NDArray

from nnapprox import calculus
from nnapprox.constructions.construction import UNIT, Construction, Option, Theorem, construction, prove
from nnapprox.constructions.targets import continuous
from nnapprox.errors import UsageError
from nnapprox.exact import nearest_dyadic
from nnapprox.functions import Expression
from nnapprox.network import Network

Array = NDArray[Any]

SOURCE = "Maurey, in Pisier (1981); Barron (1993); Jones (1992) for the greedy choice"

MESH = 2048
"""Cells of [0, 1] on which the function is looked at."""

KINKS = np.arange(MESH + 1) / MESH
"""Where kinks can be."""

SHORTEST = 1e-9
"""A ReLU with less than this of it outside the span of those chosen is passed over."""

FRACTIONAL_BITS = 40
"""Of the weights, which are computed in floating point."""


@construction(group="classes of functions", source=SOURCE, example="--function exp(x) --neurons 16")
def barron(
    function: Annotated[Expression, Option("The function, of x in [0, 1]; of bounded slope.")],
    neurons: Annotated[int, Option("How many ReLUs, n.", at_least=1, at_most=128)],
    method: Annotated[Literal["random", "greedy"], Option("How their kinks are chosen.")] = "random",
    seed: Annotated[int, Option("Of the random numbers.", at_least=0)] = 0,
) -> Construction:
    """The mean of n random ReLUs, or n ReLUs that are chosen one after another; the error is that in L2.

    f(x) = f(0) + f'(0) x + integral of f''(t) ReLU(x - t) dt. Kinks drawn with density |f''| / V, V the integral of
    |f''|, give a mean square error that falls like 1 / n exactly. The greedy choice takes, one after another, the ReLU
    that lowers the error most when all coefficients are fitted anew. f is looked at on 2048 cells.
    """
    function = continuous(function)
    values = function.value(KINKS[:, np.newaxis])
    if not np.isfinite(values).all():
        raise UsageError(f"{function} is not finite on all of [0, 1]")
    if method == "random":
        line, weights = drawn(values, neurons, np.random.default_rng(seed))
    else:
        line, weights = chosen(values, neurons)
    statement = f"E |f - f_n|^2 = {mean_square_error(values):.6g} / n in L2 for random kinks"
    network = kink_network(line, weights)
    return prove(network, function, UNIT, norm="L2", theorem=Theorem(None, statement, SOURCE))


def tangent_and_bends(values: Array) -> tuple[Array, Array]:
    """Value and slope at 0 of a function by its values at `KINKS`, and how much its slope changes around each of these.

    The cells at both ends have half a neighbourhood, and half of what their neighbours have.
    """
    inner = np.diff(values, 2) * MESH
    bends = np.concatenate([inner[:1] / 2, inner, inner[-1:] / 2])
    return np.array([values[0], (values[1] - values[0]) * MESH - bends[0]]), bends


def mean_square_error(values: Array) -> float:
    """The expected squared L2 error of n random kinks, times n, of a function by its values at `KINKS`.

    It is V int |f''(t)| |ReLU(. - t)|^2 dt - |g|^2, where g is what is left of the function less its tangent at 0.
    """
    tangent, bends = tangent_and_bends(values)
    rest = values - tangent[0] - tangent[1] * KINKS
    before, after = rest[:-1], rest[1:]
    square = np.sum(before**2 + before * after + after**2) / (3 * MESH)
    return float(np.abs(bends).sum() * (np.abs(bends) @ (1 - KINKS) ** 3) / 3 - square)


def drawn(values: Array, neurons: int, rng: np.random.Generator) -> tuple[Array, dict[int, float]]:
    """The tangent at 0 (its value and its slope), and weights of randomly drawn kinks by their place in `KINKS`."""
    tangent, bends = tangent_and_bends(values)
    variation = np.abs(bends).sum()
    if not variation:
        return tangent, {}
    places, counts = np.unique(rng.choice(MESH + 1, size=neurons, p=np.abs(bends) / variation), return_counts=True)
    shares = np.sign(bends[places]) * variation * counts / neurons
    return tangent, dict(zip(places.tolist(), shares.tolist(), strict=True))


def chosen(values: Array, neurons: int) -> tuple[Array, dict[int, float]]:
    """An affine function (its value at 0 and its slope), and weights of greedily chosen kinks, on half of the mesh."""
    mesh, values = KINKS[::2], values[::2]
    ramps = np.maximum(mesh[:, np.newaxis] - mesh[:-1], 0)
    line = np.stack([np.ones_like(mesh), mesh], axis=1)
    frame = np.linalg.qr(line)[0]
    rest, candidates = values - frame @ (frame.T @ values), ramps - frame @ (frame.T @ ramps)
    places: list[int] = []
    for _ in range(neurons):
        lengths = np.linalg.norm(candidates, axis=0)
        lengths[lengths < SHORTEST] = np.inf
        place = int(np.argmax(np.abs(rest @ candidates) / lengths))
        if np.isinf(lengths[place]):  # nothing is left
            break
        places.append(place)
        direction = candidates[:, place] / lengths[place]
        rest = rest - direction * (direction @ rest)
        candidates -= np.outer(direction, direction @ candidates)
    fit = np.linalg.lstsq(np.hstack([line, ramps[:, places]]), values, rcond=None)[0]
    return fit[:2], {2 * place: float(weight) for place, weight in zip(places, fit[2:], strict=True)}


def kink_network(line: Array, weights: Mapping[int, float]) -> Network:
    """An affine function on [0, 1] plus weighted ReLUs with kinks at `KINKS`: one hidden layer, the slope in it too."""
    start, slope = (nearest_dyadic(number, FRACTIONAL_BITS) for number in line)
    knots = [Fraction(0), *(Fraction(place, MESH) for place in weights)]
    first = calculus.layer([[1]] * len(knots), [-knot for knot in knots])
    jumps = [nearest_dyadic(weight, FRACTIONAL_BITS) for weight in weights.values()]
    return Network([first, calculus.layer([[slope, *jumps]], [start])])
