"""A network modulo a prime: fingerprints that tell affine maps apart.

The affine map of a network on a cell, evaluated at one fixed random point modulo the prime, costs one residue a weight:
a forward pass in which every hidden neuron keeps the state that it has on the cell. Equal maps have equal fingerprints
always, so that different fingerprints prove different maps. Equal fingerprints prove nothing: `gluing` looks closer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nnapprox.network import Array, Network

PRIME = 2**61 - 1
"""A Mersenne prime: powers of two are rotations of 61 bits."""

_BITS = 61


class ResidueLayer(NamedTuple):
    """An affine map that takes a layer's values, after the activation, to the next one's before it.

    Attributes
    ----------
    weight : array of uint64, shape (inputs, outputs)
        A row an input, contiguous.
    bias : array of uint64, shape (outputs,)
        At the random point, whose last coordinate multiplies biases.
    """

    weight: Array
    bias: Array


class Residues(NamedTuple):
    """A network of at least one hidden layer, at a random point; all residues are in [0, PRIME).

    Attributes
    ----------
    first : array of uint64, shape (N_1,)
        The neurons of the first hidden layer, before the activation.
    layers : tuple of ResidueLayer
        Those of the other hidden layers, and at last the outputs: they are combined to one, by random factors.
    slope : int
        What an inactive neuron is multiplied with; an active one stays as it is.
    """

    first: Array
    layers: tuple[ResidueLayer, ...]
    slope: int


def residues(network: Network) -> Residues:
    """Prepare a network with a hidden layer and a piecewise linear activation for fingerprints.

    Where the prime divides a denominator, all residues are 0: then all maps have the fingerprint 0, which is true of
    equal ones and proves nothing of others.

    Raises
    ------
    UsageError
        The activation is not piecewise linear.
    """
    slope = network.negative_slope
    choose = np.random.default_rng(0)
    point = choose.integers(1, PRIME, network.widths[0] + 1)
    factors = choose.integers(1, PRIME, network.widths[-1])
    try:
        maps = [(_residues(layer.weight), _residues(layer.bias)) for layer in network.layers]
        flat = slope.numerator * _inverse(slope.denominator) % PRIME
    except ValueError:
        maps, flat = (
            [(np.zeros_like(layer.weight, "u8"), np.zeros_like(layer.bias, "u8")) for layer in network.layers],
            0,
        )
    *coordinates, constant = point.tolist()
    first, *hidden, last = maps
    layers = [ResidueLayer(np.ascontiguousarray(weight.T), _times(bias, constant)) for weight, bias in hidden]
    combined = _combined(np.column_stack([last[0], _times(last[1], constant)]), factors.tolist())
    layers.append(ResidueLayer(np.ascontiguousarray(combined[:-1, None]), combined[-1:]))
    return Residues(_combined(np.column_stack(first).T, [*coordinates, constant]), tuple(layers), flat)


def fingerprint(network: Residues, pattern: Sequence[int]) -> int:
    """The fingerprint of the affine map of a cell: the slow twin of what the kernels compute.

    Parameters
    ----------
    network : Residues
    pattern : sequence of int
        One a hidden layer: bit k is set where neuron k of the layer is active.
    """
    values = network.first.tolist()
    for (weight, bias), active in zip(network.layers, pattern, strict=True):
        bent = [value if active >> k & 1 else network.slope * value % PRIME for k, value in enumerate(values)]
        values = [
            (sum(w * value for w, value in zip(column, bent, strict=True)) + b) % PRIME
            for column, b in zip(weight.T.tolist(), bias.tolist(), strict=True)
        ]
    return int(values[0])


def _residues(numbers: Array) -> Array:
    """Numbers modulo the prime; ValueError where it divides a denominator."""
    if numbers.dtype == object:
        flat = [number.numerator * _inverse(number.denominator) % PRIME for number in numbers.flat]
        return np.array(flat, dtype=np.uint64).reshape(numbers.shape)
    fractions, exponents = np.frexp(numbers.astype(np.float64))
    mantissas = np.ldexp(np.abs(fractions), 53).astype(np.uint64)
    turn = ((exponents - 53) % _BITS).astype(np.uint64)
    turned = (mantissas << turn & np.uint64(PRIME)) | mantissas >> (np.uint64(_BITS) - turn)
    return np.where(numbers < 0, np.uint64(PRIME) - turned, turned)


def _inverse(denominator: int) -> int:
    return pow(denominator, -1, PRIME)


def _times(numbers: Array, factor: int) -> Array:
    return np.asarray(numbers.astype(object) * factor % PRIME).astype(np.uint64)


def _combined(rows: Array, factors: Sequence[int]) -> Array:
    """The sum of rows times factors."""
    return np.asarray(np.array(factors, dtype=object) @ rows.astype(object) % PRIME).astype(np.uint64)
