"""A dense linear map as a chain of convolutions with short filters."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from nnapprox import calculus
from nnapprox.certificate import Certificate
from nnapprox.constructions.construction import Construction, Option, Rationals, Theorem, construction
from nnapprox.constructions.proofs import cube, variable_names
from nnapprox.constructions.rows import affine_text
from nnapprox.errors import NnapproxError, UsageError
from nnapprox.functions import parse
from nnapprox.network import Affine, Network

Array = NDArray[Any]

ZHOU = "Zhou (2020), Universality of deep convolutional neural networks"

SMALLEST = 1e-100
"""What the first and the last weight of a filter are at least, beside its largest."""

LONGEST = 128
"""Coefficients of a filter whose zeros float64 still finds well enough to be of use."""


@construction(group="classes of functions", source=ZHOU, example="--weights 1,-2,3,5,-1,4,2")
def toeplitz(
    weights: Annotated[Rationals, Option("The matrix, row by row.")],
    rows: Annotated[int, Option("How many rows it has.", at_least=1)] = 1,
) -> Construction:
    """A dense linear map on [-1, 1]^d as convolutions with filters of length 3, and a choice of their outputs.

    The rows, one after another, are one long filter; as a polynomial it is a product of real quadratic factors, each a
    filter. Biases keep every ReLU active. The factors are rounded, and what that costs is computed exactly.
    """
    if len(weights) % rows:
        raise UsageError(f"{len(weights)} weights are not {rows} rows of equal length")
    inputs = len(weights) // rows
    matrix = np.array(weights, dtype=object).reshape(rows, inputs)
    if len(weights) > LONGEST:
        raise UsageError(f"--weights has {len(weights)} numbers: at most {LONGEST}, or their filter cannot be factored")
    if not any(weights):
        raise UsageError("--weights are all zero: there is nothing to factor")
    network = convolution_network(matrix)
    length = len(weights)
    statement = f"ceil((S - 1) / 2) = {length // 2} filters of length 3 make a filter of length S = {length}"
    return Construction(
        network,
        parse(affine_text(weights, Fraction(0)), variable_names(inputs)) if rows == 1 else calculus.affine(matrix),
        certify_linear(network, matrix),
        Theorem(None, statement, ZHOU),
        {"filters": network.depth - 1, "filter weights": 3 * (network.depth - 1), "dense weights": len(weights)},
    )


def convolution_network(matrix: Array) -> Network:
    """The map x -> matrix @ x on [-1, 1]^d, nearly, by layers that convolve with three numbers each."""
    rows, inputs = matrix.shape
    total = matrix[:, ::-1].reshape(-1)
    used = np.flatnonzero(total)
    start, leading = int(used[0]), total[used[-1]]
    layers, so_far = [], calculus.identity(inputs)
    for short in short_filters(_in_floats(total[start : used[-1] + 1])):
        convolution = _convolution(short, so_far.widths[-1])
        linear = calculus.compose(calculus.affine(convolution), so_far).layers[0]
        # On the cube a linear form is at least minus its coefficients' absolute sum: that added, ReLU leaves it alone.
        shift = np.abs(linear.weight).sum(axis=1)
        layers.append(Affine(convolution, shift - linear.bias))
        so_far = calculus.affine(linear.weight, shift)
    (last,) = so_far.layers
    chosen = _zeros(rows, last.outputs)
    for row in range(rows):
        place = (row + 1) * inputs - 1 - start
        if 0 <= place < last.outputs:
            chosen[row, place] = leading
    return Network([*layers, Affine(chosen, -(chosen @ last.bias))])


def _in_floats(weights: Array) -> list[float]:
    """The weights over the largest of them."""
    largest = max(map(abs, weights))
    floats = [float(weight / largest) for weight in weights]
    if min(abs(floats[0]), abs(floats[-1])) < SMALLEST:
        raise UsageError("the first or the last nonzero weight is too small beside the others for float64 to factor")
    return floats


def short_filters(weights: Sequence[float]) -> list[list[Fraction]]:
    """Real filters of length 3 (one of them perhaps 2), whose convolution is nearly the given one up to a factor.

    As polynomials, the product of z^2 - 2 Re(r) z + |r|^2 over pairs of complex zeros, and of pairs of real ones. They
    come in an order in which partial products stay small.

    Parameters
    ----------
    weights : sequence of float
        The first and the last are not 0.
    """
    zeros = np.roots(weights[::-1])
    real = np.sort(zeros[zeros.imag == 0].real)
    half = len(real) // 2
    filters = [[abs(zero) ** 2, -2 * zero.real, 1.0] for zero in zeros[zeros.imag > 0]]
    filters += [
        [small * large, -small - large, 1.0] for small, large in zip(real[:half], real[::-1][:half], strict=True)
    ]
    if len(real) % 2:
        filters.append([-real[half], 1.0])
    ordered, product = [], np.ones(1)
    while filters:
        sizes = [np.abs(np.convolve(product, short)).sum() for short in filters]
        ordered.append(filters.pop(int(np.argmin(sizes))))
        product = np.convolve(product, ordered[-1])
    return [[Fraction(float(weight)) for weight in short] for short in ordered]


def certify_linear(network: Network, matrix: Array) -> Certificate:
    """Certify a network on [-1, 1]^d against x -> matrix @ x, exactly: the largest error of an output.

    Raises
    ------
    NnapproxError
        A neuron is not active on all of the cube, so that the network is not linear there.
    """
    so_far = calculus.identity(network.widths[0])
    for number, layer in enumerate(network.layers, start=1):
        so_far = calculus.compose(Network([layer]), so_far)
        (linear,) = so_far.layers
        if number < network.depth and any(linear.bias < np.abs(linear.weight).sum(axis=1)):
            raise NnapproxError(f"a neuron of layer {number} is not active on all of [-1, 1]^d, so it is not linear")
    errors = np.abs(linear.weight - matrix).sum(axis=1) + np.abs(linear.bias)
    worst = int(np.argmax(errors))
    sign = -1 if linear.bias[worst] < 0 else 1
    corner = tuple(Fraction(sign if error >= 0 else -sign) for error in (linear.weight - matrix)[worst])
    source = "every ReLU is active on the cube, and the largest value of a linear form is the sum of its coefficients"
    return Certificate("sup", cube(network.widths[0]), "exact", errors[worst], corner, source)


def _convolution(short: Sequence[Fraction], length: int) -> Array:
    matrix = _zeros(length + len(short) - 1, length)
    for place, weight in enumerate(short):
        matrix[np.arange(length) + place, np.arange(length)] = weight
    return matrix


def _zeros(*shape: int) -> Array:
    return np.full(shape, Fraction(0), dtype=object)
