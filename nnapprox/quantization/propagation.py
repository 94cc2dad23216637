"""A bound of the distance of two networks of one architecture on a box, from layer to layer, in any dimension."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np

from nnapprox.activation import Activation
from nnapprox.certificate import Certificate, Domain
from nnapprox.network import Affine, Array, Network

_EPSILON = 2.0**-52


def lipschitz_constant(activation: Activation) -> Fraction | None:
    """A Lipschitz constant of an activation; None where none is known."""
    if activation.name == "universal":
        return None
    return max(Fraction(1), abs(activation.slope or Fraction(0)))


def certify_by_propagation(network: Network, original: Network, domain: Domain) -> Certificate | None:
    """Bound the sup distance of two networks on a box.

    The difference e of the values of a layer obeys |e'| <= |W~| |e| + |W~ - W| |x| + |b~ - b|, and an activation does
    not stretch it by more than its Lipschitz constant; |x| is bounded by intervals. All of it is computed in float64,
    and every sum of n terms is enlarged by (n + 4) 2^-52 of itself, which is more than it is rounded by.

    Parameters
    ----------
    network, original : Network
        Of equal widths and one activation.
    domain : Domain

    Returns
    -------
    Certificate or None
        A ``bound``; None where an activation has no Lipschitz constant, or numbers leave the range of float64.
    """
    stretch = lipschitz_constant(original.activation)
    if stretch is None:
        return None
    factor = float(stretch) * (1 + _EPSILON)
    with np.errstate(over="ignore", invalid="ignore"):
        low, high = (np.array([float(interval[side]) for interval in domain]) for side in (0, 1))
        low, high = np.nextafter(low, -math.inf), np.nextafter(high, math.inf)
        error = np.zeros(len(domain))
        for number, (ours, theirs) in enumerate(zip(network.layers, original.layers, strict=True)):
            if number:
                error = factor * error
                low, high = _range(original.activation, low, high)
            error = _up(_sizes(ours.weight) @ error + _change(ours, theirs) @ np.append(_reach(low, high), 1), ours)
            low, high = _interval(theirs, low, high)
    bound = float(error.max())
    if not math.isfinite(bound):
        return None
    return Certificate("sup", domain, "bound", Fraction(bound), None, "changes of weights, propagated layer by layer")


def _sizes(array: Array) -> Array:
    """Absolute values in float64, rounded up."""
    if array.dtype == object:
        return np.array([_float_above(abs(value)) for value in array.flat]).reshape(array.shape)
    return np.abs(array.astype(np.float64))


def _float_above(value: Fraction) -> float:
    try:
        return math.nextafter(float(value), math.inf) if value else 0.0
    except OverflowError:
        return math.inf


def _change(ours: Affine, theirs: Affine) -> Array:
    """Absolute changes of weights and, last, biases: bounds of them, shape (out, in + 1)."""
    pairs = ((ours.weight, theirs.weight), (ours.bias[:, np.newaxis], theirs.bias[:, np.newaxis]))
    exact = ours.dtype == theirs.dtype == "rational"
    changes = [_sizes(a - b if exact else a.astype(np.float64) - b.astype(np.float64)) for a, b in pairs]
    return np.hstack(changes) * (1 + _EPSILON)


def _reach(low: Array, high: Array) -> Array:
    return np.maximum(np.abs(low), np.abs(high))


def _interval(layer: Affine, low: Array, high: Array) -> tuple[Array, Array]:
    """What the layer maps a box into, widened by more than rounding."""
    weight, bias = layer.weight.astype(np.float64), layer.bias.astype(np.float64)
    up, down = np.maximum(weight, 0), np.minimum(weight, 0)
    slack = _slack(layer) * (np.abs(weight) @ _reach(low, high) + np.abs(bias))
    return up @ low + down @ high + bias - slack, up @ high + down @ low + bias + slack


def _range(activation: Activation, low: Array, high: Array) -> tuple[Array, Array]:
    """What the activation maps a box into."""
    match activation.name:
        case "relu":
            return np.maximum(low, 0), np.maximum(high, 0)
        case "identity":
            return low, high
        case "leaky-relu":
            reach = float(lipschitz_constant(activation) or 1) * (1 + _EPSILON) * _reach(low, high)
            return -reach, reach
        case _:  # all others map into [-1, 1]
            return -np.ones_like(low), np.ones_like(high)


def _slack(layer: Affine) -> float:
    return (layer.inputs + 4) * _EPSILON


def _up(sums: Array, layer: Affine) -> Array:
    return sums * (1 + 2 * _slack(layer))
