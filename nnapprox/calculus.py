"""The calculus of ReLU networks: composition, parallelisation, linear combination; exact, on rational weights.

Every function gives a network that realises what it says exactly, everywhere. L is the number of affine maps, M the
number of nonzero weights and biases. Definitions and sizes follow Petersen and Voigtlaender (2018) and Elbrächter,
Perekrestenko, Grohs and Bölcskei (2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnapprox.errors import UsageError
from nnapprox.network import Affine, Network

Array: TypeAlias = NDArray[Any]
Number: TypeAlias = int | Fraction
Values: TypeAlias = ArrayLike | Sequence[Any]

_ZERO, _ONE = Fraction(0), Fraction(1)


def layer(weight: Values, bias: Values | None = None) -> Affine:
    """The affine map x -> weight @ x + bias, exactly; raises as `affine` does."""
    matrix = np.array(weight, dtype=object)
    return Affine(matrix, _zeros(len(matrix)) if bias is None else np.array(bias, dtype=object))


def affine(weight: Values, bias: Values | None = None) -> Network:
    """The network x -> weight @ x + bias, of depth 1.

    Parameters
    ----------
    weight : array of rationals, shape (out, in)
    bias : array of rationals, shape (out,), optional
        Zero where it is not given.

    Raises
    ------
    UsageError
        Shapes do not fit together, or a number is not finite.
    """
    return Network([layer(weight, bias)])


def identity(d: int, depth: int = 1, low: Number | Sequence[Number] | None = None) -> Network:
    """The identity of R^d at any depth, M = 2 d depth from depth 2 on, as x = ReLU(x) - ReLU(-x); or of a part of it.

    Parameters
    ----------
    d, depth : int
        At least 1.
    low : rational, or one a coordinate, optional
        Where it is given, the network is right for x >= low only, and carries ReLU(x - low) instead: M = d depth, and
        2 d more where low is not 0.

    Raises
    ------
    UsageError
        The dimension or the depth is below 1, or there are not as many limits as coordinates.
    """
    if d < 1 or depth < 1:
        raise UsageError(f"an identity needs a dimension and a depth of at least 1, not {d} and {depth}")
    once = Affine(_eye(d), _zeros(d))
    if depth == 1:
        return Network([once])
    if low is None:
        carried = Affine(_eye(2 * d), _zeros(2 * d))
        return Network([_both_signs(once), *[carried] * (depth - 2), _of_both_signs(once)])
    lows = _vector(low, d)
    return Network([Affine(_eye(d), -lows), *[once] * (depth - 2), Affine(_eye(d), lows)])


def compose(g: Network, f: Network) -> Network:
    """The network g after f, the last affine map of f merged into the first of g: L = L_f + L_g - 1.

    M can grow: the merged map is the product of two matrices. `concatenate` keeps M in check.

    Raises
    ------
    UsageError
        The outputs of f are not as many as the inputs of g, or a network is not a rational ReLU network.
    """
    _require_composable(g, f)
    last, first = f.layers[-1], g.layers[0]
    bias = _product(first.weight, last.bias[:, np.newaxis])[:, 0] + first.bias
    return Network([*f.layers[:-1], Affine(_product(first.weight, last.weight), bias), *g.layers[1:]])


def concatenate(g: Network, f: Network) -> Network:
    """The sparse concatenation: g after f with an identity between them, L = L_f + L_g, M <= 2 M_f + 2 M_g.

    M = M_f + M_g + (nonzeros of the last map of f) + (nonzero weights of the first map of g).

    Raises
    ------
    UsageError
        As `compose` does.
    """
    _require_composable(g, f)
    return Network([*f.layers[:-1], _both_signs(f.layers[-1]), _of_both_signs(g.layers[0]), *g.layers[1:]])


def extend(f: Network, depth: int) -> Network:
    """The network f at a larger depth: M = M_f + (nonzeros of its last map) + 2 (its outputs) (added depth).

    Raises
    ------
    UsageError
        The depth is less than that of f, or f is not a rational ReLU network.
    """
    _require_exact(f)
    if depth < f.depth:
        raise UsageError(f"a network of depth {f.depth} cannot be extended to depth {depth}")
    if depth == f.depth:
        return f
    outputs = f.widths[-1]
    carried = Affine(_eye(2 * outputs), _zeros(2 * outputs))
    last = _of_both_signs(Affine(_eye(outputs), _zeros(outputs)))
    return Network([*f.layers[:-1], _both_signs(f.layers[-1]), *[carried] * (depth - f.depth - 1), last])


def parallel(networks: Sequence[Network], shared: bool = False) -> Network:
    """Networks side by side, extended to the largest depth: M is the sum of theirs after that.

    Parameters
    ----------
    networks : sequence of Network
        At least one.
    shared : bool
        Whether all take the same input; else each takes coordinates of its own, in order.

    Raises
    ------
    UsageError
        There is no network, the inputs to be shared differ in number, or one is not a rational ReLU network.
    """
    if not networks:
        raise UsageError("there is no network to put in parallel: give at least one")
    inputs = [network.widths[0] for network in networks]
    if shared and len(set(inputs)) > 1:
        raise UsageError(f"networks that share their input must take as many coordinates, not {_listed(inputs)}")
    depth = max(network.depth for network in networks)
    columns = zip(*(extend(network, depth).layers for network in networks), strict=True)
    first, *later = (list(column) for column in columns)
    return Network([_stacked(first) if shared else _diagonal(first), *map(_diagonal, later)])


def combine(networks: Sequence[Network], coefficients: Sequence[Number], constant: Number = 0) -> Network:
    """The linear combination sum c_i f_i + c_0 of networks on one input: L is the largest depth.

    M is at most the sum of theirs at that depth, plus the number of outputs where a constant is added.

    Parameters
    ----------
    networks : sequence of Network
        At least one; of equally many inputs, and of equally many outputs.
    coefficients : sequence of rationals
        One a network.
    constant : rational
        Added to every output.

    Raises
    ------
    UsageError
        The numbers of networks and coefficients, of inputs or of outputs differ, or a network is not a rational ReLU
        network.
    """
    if len(networks) != len(coefficients):
        raise UsageError(f"{len(networks)} networks need as many coefficients, not {len(coefficients)}")
    together = parallel(networks, shared=True)
    outputs = [network.widths[-1] for network in networks]
    if len(set(outputs)) > 1:
        raise UsageError(f"networks that are added must give as many values, not {_listed(outputs)}")
    weight = np.hstack([_eye(outputs[0]) * Fraction(c) for c in coefficients])
    return compose(affine(weight, np.full(outputs[0], Fraction(constant))), together)


def clip(f: Network, low: Number | Sequence[Number], high: Number | Sequence[Number]) -> Network:
    """Cut f to [low, high], as low + ReLU(f - low) - ReLU(f - high): L = L_f + 1.

    Parameters
    ----------
    f : Network
    low, high : rational, or one an output
        low <= high.

    Raises
    ------
    UsageError
        low is above high, there are not as many limits as outputs, or f is not a rational ReLU network.
    """
    outputs = f.widths[-1]
    lows, highs = (_vector(limit, outputs) for limit in (low, high))
    for least, most in zip(lows, highs, strict=True):
        if least > most:
            raise UsageError(f"nothing lies between {least} and {most}: give the lower limit first")
    eye = _eye(outputs)
    first = Affine(np.vstack([eye, eye]), np.concatenate([-lows, -highs]))
    return compose(Network([first, Affine(np.hstack([eye, -eye]), lows)]), f)


def precompose(f: Network, weight: Values, bias: Values | None = None) -> Network:
    """The network x -> f(weight @ x + bias): L = L_f.

    Raises
    ------
    UsageError
        As `affine` and `compose` do.
    """
    return compose(f, affine(weight, bias))


def restrict(f: Network, box: Sequence[tuple[Number, Number]]) -> Network:
    """The network f on a box; outside, it is what it is at the nearest point of the box: L = L_f + 1.

    Parameters
    ----------
    f : Network
    box : sequence of (low, high)
        One an input.

    Raises
    ------
    UsageError
        As `clip` and `compose` do.
    """
    lows, highs = zip(*box, strict=True) if box else ((), ())
    return compose(f, clip(identity(f.widths[0]), lows, highs))


def _require_exact(*networks: Network) -> None:
    for network in networks:
        if network.dtype != "rational":
            raise UsageError(f"the calculus is exact, but a network is {network.dtype}: lift it to rational first")
        if network.depth > 1 and network.activation.name != "relu":
            raise UsageError(f"the calculus is that of ReLU networks, but one has the activation {network.activation}")


def _require_composable(g: Network, f: Network) -> None:
    _require_exact(g, f)
    if f.widths[-1] != g.widths[0]:
        raise UsageError(f"the inner network gives {f.widths[-1]} values, but the outer one takes {g.widths[0]}")


def _zeros(*shape: int) -> Array:
    return np.full(shape, _ZERO, dtype=object)


def _eye(n: int) -> Array:
    eye = _zeros(n, n)
    np.fill_diagonal(eye, _ONE)
    return eye


def _vector(value: Number | Sequence[Number], size: int) -> Array:
    values = list(value) if isinstance(value, Sequence) else [value] * size
    if len(values) != size:
        raise UsageError(f"{size} coordinates need as many limits, not {len(values)}")
    vector = _zeros(size)
    vector[:] = [Fraction(number) for number in values]
    return vector


def _both_signs(layer: Affine) -> Affine:
    """The map and its negative; ReLU leaves the positive and the negative part."""
    return Affine(np.vstack([layer.weight, -layer.weight]), np.concatenate([layer.bias, -layer.bias]))


def _of_both_signs(layer: Affine) -> Affine:
    """The map of what `_both_signs` gave, after ReLU."""
    return Affine(np.hstack([layer.weight, -layer.weight]), layer.bias)


def _stacked(layers: Sequence[Affine]) -> Affine:
    return Affine(np.vstack([layer.weight for layer in layers]), np.concatenate([layer.bias for layer in layers]))


def _diagonal(layers: Sequence[Affine]) -> Affine:
    weight = _zeros(sum(layer.outputs for layer in layers), sum(layer.inputs for layer in layers))
    row = column = 0
    for layer in layers:
        weight[row : row + layer.outputs, column : column + layer.inputs] = layer.weight
        row, column = row + layer.outputs, column + layer.inputs
    return Affine(weight, np.concatenate([layer.bias for layer in layers]))


def _product(left: Array, right: Array) -> Array:
    """The product of two matrices of rationals; zeros cost nothing, and most entries are zero."""
    used = [np.flatnonzero(row) for row in right]
    product = _zeros(len(left), right.shape[1])
    for row, inner in np.argwhere(left):
        product[row, used[inner]] += left[row, inner] * right[inner, used[inner]]
    return product


def _listed(numbers: Sequence[int]) -> str:
    return " and ".join(map(str, sorted(set(numbers))))
