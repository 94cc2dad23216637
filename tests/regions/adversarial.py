"""Layers whose neurons vanish together more often than those of random networks do."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction
from random import Random

from nnapprox import Affine

F = Fraction


def dependent_layers(choose: Random, widths: Sequence[int], number: Callable[[], Fraction]) -> list[Affine]:
    """Layers of these widths from numbers drawn so, many rows of which depend on others."""
    made = []
    for inputs, outputs in itertools.pairwise(widths):
        rows: list[list[Fraction]] = []
        for _ in range(outputs):
            rows.append(_row(choose, inputs, rows, number))
        made.append(Affine([row[:-1] for row in rows], [row[-1] for row in rows]))
    return made


def _row(choose: Random, inputs: int, rows: list[list[Fraction]], number: Callable[[], Fraction]) -> list[Fraction]:
    """The weights of a neuron, and its bias."""
    kind = choose.random()
    if rows and kind < 0.25:  # a multiple of another row, or parallel to it
        factor = choose.choice([1, -1, 2, F(-1, 3)])
        *weights, bias = (factor * n for n in choose.choice(rows))
        return [*weights, bias + choose.choice([F(0), F(0), number()])]
    if len(rows) > 1 and kind < 0.4:  # vanishes where two others do
        return [a + b for a, b in zip(*choose.sample(rows, 2), strict=True)]
    if kind < 0.5:  # parallel to an axis
        axis = choose.randrange(inputs)
        return [*(F(int(i == axis)) for i in range(inputs)), F(choose.randint(-2, 2), 2)]
    return [*([F(0)] * inputs if kind > 0.95 else (number() for _ in range(inputs))), number()]
