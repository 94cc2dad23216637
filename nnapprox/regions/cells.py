"""The activation regions of a network in several dimensions, one after the other, exactly.

A cell is a full-dimensional part of the domain on which every hidden neuron keeps its state. A neuron that is 0 on a
whole cell is inactive there, and a hyperplane that only touches the boundary of a cell cuts nothing. Weights are the
rationals that they are: no tolerance, no rounding.

The domain is split by the neurons of the first hidden layer, every part of it by those of the second, and so on,
depth first: what is kept in memory is one path, however many cells there are.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import reduce
from itertools import accumulate
from math import lcm
from typing import TypeAlias

import numpy as np

from nnapprox.errors import UsageError
from nnapprox.exact import Integer, IntegerMatrix
from nnapprox.network import Affine, Network
from nnapprox.regions.polytope import Bounds, Form, Polytope


@dataclass(frozen=True, slots=True)
class Cell:
    """An activation region.

    Attributes
    ----------
    polytope : Polytope
        Its closure. Facets that neuron i made, counted from 0 through all hidden layers, have the label
        ``domain.next_label + i``; those of the domain keep theirs.
    pattern : tuple of int
        One a hidden layer: bit k is set where neuron k of the layer is active.
    forms : IntegerMatrix
        The network on it, shape (N_L + 1, d + 1): at x, row k times (x, 1) is s times output k, where the last row is
        (0, ..., 0, s), s > 0.
    """

    polytope: Polytope
    pattern: tuple[int, ...]
    forms: IntegerMatrix

    @property
    def outputs(self) -> tuple[Sequence[Form], Integer]:
        """The network on it: forms, and the number s > 0 that they are to be divided by."""
        *forms, last = self.forms.tolist()
        return forms, last[-1]

    @property
    def affine(self) -> Affine:
        """The network on it, as x -> weight @ x + bias."""
        forms, scale = self.outputs
        exact = np.array([[Fraction(int(number), int(scale)) for number in form] for form in forms], dtype=object)
        return Affine(exact[:, :-1], exact[:, -1])


Watch: TypeAlias = Callable[[Iterator[Cell]], Iterator[Cell]]
"""Gives cells on, and looks at them as they pass by: to tell how far long work is."""


def cells(network: Network, domain: Polytope | Bounds) -> Iterator[Cell]:
    """Give the activation regions of a network on a convex polytope, in no order.

    Parameters
    ----------
    network : Network
        With the activation relu, leaky-relu or identity; floats are taken as the dyadic rationals that they are.
    domain : Polytope, or sequence of (low, high)
        The latter is a box.

    Raises
    ------
    UsageError
        The activation is another one, or the domain is none or has not as many dimensions as the network has inputs.
    """
    return Enumerator(network).cells(Polytope.of(domain))


class Enumerator:
    """What enumerates the activation regions of one network, on one polytope after the other.

    Parameters
    ----------
    network : Network
        As in `cells`.

    Raises
    ------
    UsageError
        The activation is another one.
    """

    def __init__(self, network: Network) -> None:
        self._slope, is_affine = network.negative_slope, network.is_affine
        self._maps = [_homogeneous(layer) for layer in network.astype("rational").layers]
        if is_affine:
            self._maps = [reduce(lambda inner, outer: outer * inner, self._maps)]
        self._first_neurons = list(accumulate(network.widths[1:-1], initial=0))
        self._inputs = network.widths[0]

    def cells(self, domain: Polytope) -> Iterator[Cell]:
        """Give the activation regions on a polytope.

        Raises
        ------
        UsageError
            The polytope has not as many dimensions as the network has inputs.
        """
        if domain.dimension != self._inputs:
            raise UsageError(
                f"the network takes {self._inputs} coordinates, but the domain has {domain.dimension} dimensions"
            )
        return self._enumerate(domain)

    def _enumerate(self, domain: Polytope) -> Iterator[Cell]:
        # One iterator a hidden layer that is being split; a cell's forms are what enters the next activation.
        path = [iter([Cell(domain, (), self._maps[0])])]
        while path:
            cell = next(path[-1], None)
            if cell is None:
                path.pop()
            elif len(path) == len(self._maps):
                yield cell
            else:
                first_label = domain.next_label + self._first_neurons[len(path) - 1]
                path.append(_next_layer(cell, self._maps[len(path)], self._slope, first_label))


def _next_layer(cell: Cell, following: IntegerMatrix, slope: Fraction, first_label: int) -> Iterator[Cell]:
    """Split a cell by the neurons whose pre-activations are its forms; give the parts with the next pre-activations."""
    *rows, scale = cell.forms.tolist()
    for part, active in arrangement(cell.polytope, rows, first_label):
        factors = (slope.denominator if active >> k & 1 else slope.numerator for k in range(len(rows)))
        bent = [_times(row, factor) for row, factor in zip(rows, factors, strict=True)]
        carried = IntegerMatrix([*bent, _times(scale, slope.denominator)])
        yield Cell(part, (*cell.pattern, active), following * carried)


def arrangement(polytope: Polytope, forms: Sequence[Form], first_label: int) -> Iterator[tuple[Polytope, int]]:
    """Give the parts into which the zeros of forms split a polytope.

    Parameters
    ----------
    polytope : Polytope
    forms : sequence of Form
        Those that do not change sign on the polytope split nothing.
    first_label : int
        The facets that form k makes have the label first_label + k.

    Yields
    ------
    Polytope, int
        A part, and a mask with the bit k set where form k is positive inside of it.
    """
    pending = [(polytope, list(range(len(forms))), 0)]
    while pending:
        part, undecided, positive = pending.pop()
        crossing = []
        for k, values in zip(undecided, part.values([forms[k] for k in undecided]), strict=True):
            if max(values) > 0:
                if min(values) < 0:
                    crossing.append((k, values))
                else:
                    positive |= 1 << k
        if crossing:
            (k, values), *others = crossing
            below, above = part.split(forms[k], values, first_label + k)
            rest = [other for other, _ in others]
            pending += [(below, rest, positive), (above, rest, positive | 1 << k)]
        else:
            yield part, positive


def _homogeneous(layer: Affine) -> IntegerMatrix:
    """The map (x, 1) -> s (weight @ x + bias, 1) by integers, s > 0 the least that makes them so."""
    rows = [[*weights, bias] for weights, bias in zip(layer.weight, layer.bias, strict=True)]
    scale = lcm(*(number.denominator for row in rows for number in row))
    last = [Fraction(0)] * layer.inputs + [Fraction(1)]
    return IntegerMatrix([[int(number * scale) for number in row] for row in [*rows, last]])


def _times(row: Form, factor: int) -> Form:
    return row if factor == 1 else [factor * number for number in row]
