"""Layers whose neurons vanish together more often than those of random networks do."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from fractions import Fraction
from random import Random

import numpy as np

from nnapprox import Affine, Network

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


def with_cancelling_copies(network: Network, choose: Random, size: int) -> Network:
    """The same function with every hidden neuron twice, whose outgoing weights nearly cancel: (w + c, -c) for w.

    Weights after the first layer are rounded to multiples of 2^-20, and c is one of up to about `size`: sums are exact.
    Copies of a neuron get different c, so that doubles find different lines for what is one.
    """
    unit = F(1, 2**20)
    first, *later = network.layers
    layers = [Affine(np.repeat(first.weight, 2, axis=0), np.repeat(first.bias, 2))]
    for layer in later:
        copies = 1 if layer is later[-1] else 2
        rows = []
        for row in np.repeat(layer.weight, copies, axis=0):
            rounded = [round(F(weight) / unit) * unit for weight in row.tolist()]
            apart = [choose.randint(-size, size) + choose.randint(0, 2**20) * unit for _ in rounded]
            rows.append([part for w, c in zip(rounded, apart, strict=True) for part in (w + c, -c)])
        layers.append(Affine(np.array(rows, dtype=np.float64), np.repeat(layer.bias, copies)))
    return Network(layers, network.activation)
