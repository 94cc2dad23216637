"""The proof that a network without some neurons is the same function: what became of each, checked layer by layer."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Literal, NamedTuple

import numpy as np

from nnapprox.activation import Activation
from nnapprox.certificate import Domain
from nnapprox.errors import NnapproxError
from nnapprox.network import Array, Network
from nnapprox.quantization.dead_neurons import dead_neurons

Reason = Literal["unused", "constant", "multiple", "dead"]

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
    dead = set() if domain is None else dead_neurons(exact, domain)
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
                holds = not any(form) and constant_value(exact.activation, constant) == fate.value
            if not holds:
                raise NnapproxError(f"neuron {neuron} of layer {number} is not what simplifying took it for")
            count += 1
    return count


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


def constant_value(activation: Activation, argument: Fraction) -> Fraction | None:
    """The activation's value at a rational argument; None where it is not known to be rational."""
    if activation.name in ("sigmoid", "tanh"):
        return Fraction(activation.name == "sigmoid", 2) if argument == 0 else None
    return Fraction(activation.apply_exactly(np.array([argument], dtype=object))[0])


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
