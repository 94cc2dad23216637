"""Smaller networks that are the same function: what is unused, constant or a multiple of another neuron goes.

Everything is decided and proved on the stored numbers as the rationals that they are. In a network of floats a neuron
is taken away only if all numbers that change are floats again, so nothing is ever rounded.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import islice
from typing import Any, Literal, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnapprox.activation import Activation
from nnapprox.certificate import Domain
from nnapprox.errors import NnapproxError
from nnapprox.network import Affine, Network
from nnapprox.regions.cells import cells
from nnapprox.regions.line import line_pieces

Array: TypeAlias = NDArray[Any]
Reason = Literal["unused", "constant", "multiple", "dead"]

MOST_EXACT_INPUTS, MOST_CELLS = 3, 2**14
"""With more inputs or cells, only intervals tell where neurons are dead."""

_ZERO, _ONE = Fraction(0), Fraction(1)


class Fate(NamedTuple):
    """What a neuron (or an input) is in the smaller network; one that nothing uses has no fate.

    Its value is `value` times that of the neuron at `place`, or, where that is None, the constant `value`.
    """

    place: int | None
    value: Fraction
    reason: Reason | None


Fates = Sequence[Sequence[Fate | None]]
"""One a neuron; of the inputs, then of every hidden layer."""


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
        Proved equal, step by step, by `prove`.
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


def prove(before: Network, after: Network, fates: Fates, domain: Domain | None = None) -> int:
    """Prove that two networks of one depth are the same function, given what became of every neuron.

    By induction over the layers: with the values of a layer written in those of the smaller network, the arguments of
    a neuron's activation are an affine form of them. It has to be the form of the neuron that it is a multiple of,
    times the factor, coefficient by coefficient; constant; or proved negative on the domain.

    Returns
    -------
    int
        How many identities hold.

    Raises
    ------
    NnapproxError
        One does not.
    """
    exact, smaller = before.astype("rational"), after.astype("rational")
    dead = _dead(exact, domain)
    count = 0
    for number, (ours, theirs) in enumerate(zip(exact.layers, smaller.layers, strict=True)):
        following = (
            fates[number + 1] if number + 1 < exact.depth else [Fate(k, _ONE, None) for k in range(ours.outputs)]
        )
        for neuron, fate in enumerate(following):
            if fate is None:
                continue
            form, constant = _pulled_back(ours.weight[neuron], ours.bias[neuron], fates[number], theirs.inputs)
            if fate.place is not None:
                holds = constant == fate.value * theirs.bias[fate.place] and all(
                    a == fate.value * b for a, b in zip(form, theirs.weight[fate.place], strict=True)
                )
                holds = holds and _may_scale(exact.activation, fate.value)
            elif fate.reason == "dead":
                holds = (number, neuron) in dead
            else:
                holds = not any(form) and _constant(exact.activation, constant) == fate.value
            if not holds:
                raise NnapproxError(f"neuron {neuron} of layer {number} is not what simplifying took it for")
            count += 1
    return count


def dead_neurons(network: Network, domain: Domain) -> set[tuple[int, int]]:
    """Layers and places of the ReLUs that are 0 everywhere on a box: by its regions, or by intervals.

    Intervals overlook some; regions, in up to three dimensions and while they are not too many, overlook none.
    """
    if network.activation.name != "relu":
        return set()
    exact = network.astype("rational")
    box = [(low, high) for low, high in domain]
    by_regions = len(box) <= MOST_EXACT_INPUTS and all(low < high for low, high in box)
    dead: set[tuple[int, int]] = set()
    for number, layer in enumerate(exact.layers[:-1]):
        arguments = Network(exact.layers[: number + 1]) if by_regions else None
        largest = None if arguments is None else _largest(arguments, domain)
        ends = [_interval(row, bias, box) for row, bias in zip(layer.weight, layer.bias, strict=True)]
        tops = [high for _, high in ends] if largest is None else largest
        by_regions = by_regions and largest is not None
        dead |= {(number, neuron) for neuron, top in enumerate(tops) if top <= 0}
        box = [(max(low, _ZERO), max(high, _ZERO)) for low, high in ends]
    return dead


def _largest(arguments: Network, domain: Domain) -> list[Fraction] | None:
    """The largest value of every output on the domain; None where there are too many regions."""
    if len(domain) == 1:
        pieces = line_pieces(arguments, *domain[0])
        return [max(pieces.values(output)) for output in range(arguments.widths[-1])]
    found = list(islice(cells(arguments, domain), MOST_CELLS + 1))
    if len(found) > MOST_CELLS:
        return None
    tops: list[list[Fraction]] = [[] for _ in range(arguments.widths[-1])]
    for cell in found:
        vertices = [[Fraction(int(x), int(v[-1])) for x in v[:-1]] for v in cell.polytope.vertices]
        affine = cell.affine
        for top, values in zip(tops, affine.apply_exactly(np.array(vertices, dtype=object)).T, strict=True):
            top.append(max(values))
    return [max(top) for top in tops]


def _dead(network: Network, domain: Domain | None) -> set[tuple[int, int]]:
    return set() if domain is None else dead_neurons(network, domain)


def _once(network: Network, domain: Domain | None) -> tuple[Network, Fates]:
    """One pass from the inputs to the outputs."""
    exact, used = network.astype("rational"), _used(network)
    dead = _dead(exact, domain)
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
        constant = None if any(row[:-1]) else _constant(activation, row[-1])
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


def _pulled_back(
    weights: Array, bias: Fraction, fates: Sequence[Fate | None], size: int
) -> tuple[list[Fraction], Fraction]:
    """An affine form of the values of a layer as one of the values of the smaller layer."""
    form, constant = [_ZERO] * size, bias
    for j in np.flatnonzero(weights).tolist():
        fate = fates[j]
        if fate is None:
            raise NnapproxError("a neuron that is used was taken for unused")
        if fate.place is None:
            constant += weights[j] * fate.value
        else:
            form[fate.place] += weights[j] if fate.value == 1 else weights[j] * fate.value
    return form, constant


def _constant(activation: Activation, argument: Fraction) -> Fraction | None:
    """The activation's value, where it is known to be rational."""
    if activation.name in ("sigmoid", "tanh"):
        return Fraction(activation.name == "sigmoid", 2) if argument == 0 else None
    return Fraction(activation.apply_exactly(np.array([argument], dtype=object))[0])


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


def _may_scale(activation: Activation, factor: Fraction) -> bool:
    """Whether the activation maps factor t to factor times its value at t, for every t."""
    match activation.name:
        case "relu" | "leaky-relu":
            return factor > 0
        case "identity":
            return True
        case "tanh":
            return abs(factor) == 1
        case _:
            return factor == 1


def _interval(weights: Array, bias: Fraction, box: Sequence[tuple[Fraction, Fraction]]) -> tuple[Fraction, Fraction]:
    low = high = bias
    for j in np.flatnonzero(weights).tolist():
        ends = (weights[j] * box[j][0], weights[j] * box[j][1])
        low, high = low + min(ends), high + max(ends)
    return low, high


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
