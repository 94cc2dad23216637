"""Smaller networks that are the same function: what is unused, constant or a multiple of another neuron goes.

Everything is decided and proved on the stored numbers as the rationals that they are. In a network of floats a neuron
is taken away only if all numbers that change are floats again, so nothing is ever rounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction

import numpy as np

from nnapprox.activation import Activation
from nnapprox.certificate import Domain
from nnapprox.network import Affine, Array, Network
from nnapprox.quantization.dead_neurons import dead_neurons
from nnapprox.quantization.same_function import Fate, Fates, Reason, constant_value, prove

_ZERO, _ONE = Fraction(0), Fraction(1)


@dataclass(frozen=True, eq=False)
class Simplified:
    """A network without what it does not need.

    Attributes
    ----------
    network : Network
        The same function as before: everywhere, or on the domain that was given.
    removed : mapping of str to int
        How many neurons went, by reason.
    identities : int
        Affine identities that were checked to prove it.
    """

    network: Network
    removed: Mapping[str, int] = field(default_factory=dict)
    identities: int = 0


def simplify(network: Network, domain: Domain | None = None) -> Simplified:
    """Take away neurons without changing the function, until nothing is left to take.

    Neurons go whose value nothing uses, that are constant, or that are a multiple of another one: with a positive
    factor for relu and leaky-relu, 1 or -1 for tanh, any for the identity, else 1.

    Parameters
    ----------
    network : Network
    domain : Domain, optional
        Where it has to stay the same function; then ReLUs go that are 0 everywhere there, and inputs that are
        constant there are no longer used. Else everywhere.

    Returns
    -------
    Simplified
        Proved equal, step by step, by `nnapprox.quantization.same_function.prove`.
    """
    removed: Counter[str] = Counter()
    identities = 0
    while True:
        smaller, fates = _once(network, domain)
        identities += prove(network, smaller, fates, domain)
        reasons = ("unused" if fate is None else fate.reason for layer in fates[1:] for fate in layer)
        removed += Counter(reason for reason in reasons if reason)
        smaller = _without_constant_layers(smaller)
        if smaller.widths == network.widths and smaller.nonzeros == network.nonzeros:
            return Simplified(smaller, dict(removed), identities)
        network = smaller


def _once(network: Network, domain: Domain | None) -> tuple[Network, Fates]:
    """One pass from the inputs to the outputs."""
    exact, used = network.astype("rational"), _used(network)
    dead = set() if domain is None else dead_neurons(exact, domain)
    layers = [(layer.weight.copy(), layer.bias.copy()) for layer in exact.layers]
    fits = _Fits(network.dtype)
    fates = [_fates_of_inputs(layers[0], domain, fits)]
    for number in range(network.depth - 1):
        rows = [(*weights, bias) for weights, bias in zip(*layers[number], strict=True)]
        gone = {neuron for layer, neuron in dead if layer == number}
        layer_fates, kept = _sort_out(rows, layers[number + 1], used[number], gone, network.activation, fits)
        (weight, bias), (following, next_bias) = layers[number], layers[number + 1]
        layers[number], layers[number + 1] = (weight[kept], bias[kept]), (following[:, kept], next_bias)
        fates.append(layer_fates)
    smaller = Network([Affine(weight, bias) for weight, bias in layers], network.activation)
    return smaller.astype(network.dtype), fates


def _fates_of_inputs(first: tuple[Array, Array], domain: Domain | None, fits: _Fits) -> list[Fate | None]:
    weight, bias = first
    fates: list[Fate | None] = [Fate(i, _ONE, None) for i in range(weight.shape[1])]
    for i, (low, high) in enumerate(domain or ()):
        if low == high and fits(moved := bias + weight[:, i] * low):
            bias[:] = moved
            weight[:, i] = _ZERO
            fates[i] = Fate(None, low, "constant")
    return fates


def _sort_out(
    rows: Sequence[tuple[Fraction, ...]], following: tuple[Array, Array], used: set[int], dead: set[int],
    activation: Activation, fits: _Fits,
) -> tuple[list[Fate | None], list[int]]:  # fmt: skip
    """Decide on every neuron of a layer, and change the next layer accordingly; gives those that stay, at least one."""
    weight, bias = following
    kept: list[int] = []
    decided: dict[int, tuple[int | None, Fraction, Reason | None]] = {}
    leaders: dict[tuple[Fraction, ...], tuple[int, Fraction]] = {}
    for neuron, row in enumerate(rows):
        if neuron not in used:
            continue
        constant = None if any(row[:-1]) else constant_value(activation, row[-1])
        if neuron in dead:
            decided[neuron] = (None, _ZERO, "dead")
        elif constant is not None and fits(moved := bias + weight[:, neuron] * constant):
            bias[:] = moved
            decided[neuron] = (None, constant, "constant")
        else:
            size = _size(row, activation)
            leader, unit = leaders.setdefault(tuple(number / size for number in row), (neuron, size))
            factor = size / unit
            if leader != neuron and fits(merged := weight[:, leader] + factor * weight[:, neuron]):
                weight[:, leader] = merged
                decided[neuron] = (leader, factor, "multiple")
            else:
                kept.append(neuron)
                decided[neuron] = (neuron, _ONE, None)
    places = {neuron: place for place, neuron in enumerate(kept)}
    fates: list[Fate | None] = [None] * len(rows)
    for neuron, (leader_or_none, value, reason) in decided.items():
        fates[neuron] = Fate(None if leader_or_none is None else places[leader_or_none], value, reason)
    if not kept:  # a layer cannot be empty: one neuron stays, and nothing uses it
        weight[:, 0] = _ZERO
        kept.append(0)
    return fates, kept


def _without_constant_layers(network: Network) -> Network:
    """Where a layer does not use the one before it, all before it goes."""
    for number in range(network.depth - 1, 0, -1):
        layer = network.layers[number]
        if not np.any(layer.weight != 0):
            weight = np.zeros((layer.outputs, network.widths[0]), dtype=layer.weight.dtype)
            first = Affine(weight + _ZERO if network.dtype == "rational" else weight, layer.bias)
            return Network([first, *network.layers[number + 1 :]], network.activation)
    return network


def _used(network: Network) -> list[set[int]]:
    """The neurons of every hidden layer that a used one of the next has a weight for."""
    used: list[set[int]] = []
    rows = list(range(network.widths[-1]))
    for layer in reversed(network.layers[1:]):
        used.append(set(np.flatnonzero((layer.weight[rows] != 0).any(axis=0)).tolist()))
        rows = sorted(used[-1])
    return used[::-1]


def _size(row: Sequence[Fraction], activation: Activation) -> Fraction:
    """What a row is divided by so that rows of neurons that are multiples of each other are equal."""
    first = next((number for number in row if number), _ONE)
    match activation.name:
        case "relu" | "leaky-relu":
            return abs(first)
        case "identity":
            return first
        case "tanh":
            return _ONE if first > 0 else -_ONE
        case _:
            return _ONE


class _Fits:
    """Whether rationals are all numbers of a dtype."""

    def __init__(self, dtype: str) -> None:
        self._dtype = dtype

    def __call__(self, numbers: Array) -> bool:
        return self._dtype == "rational" or all(map(self._is_float, numbers))

    def _is_float(self, number: Fraction) -> bool:
        try:
            with np.errstate(over="ignore"):
                rounded = np.dtype(self._dtype).type(float(number))
        except OverflowError:
            return False
        return bool(np.isfinite(rounded)) and Fraction(float(rounded)) == number
