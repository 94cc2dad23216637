"""Dense networks: affine maps with one activation between them. Immutable; no I/O."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from math import lcm
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from nnapprox.activation import Activation
from nnapprox.dense import Layout
from nnapprox.errors import UsageError

if TYPE_CHECKING:
    from nnapprox.exact import IntegerRows

Array = NDArray[Any]

DTYPES = ("float32", "float64", "rational")
"""What a network's numbers can be."""


@dataclass(frozen=True, eq=False)
class Affine:
    """The map x -> weight @ x + bias.

    Parameters
    ----------
    weight : array, shape (out, in)
        float32, float64, or an object array of `Fraction` (integers are taken too). All finite; out, in >= 1.
    bias : array, shape (out,)
        Of the same kind of number.

    Raises
    ------
    UsageError
        Shapes do not fit together, numbers are of different kinds, or one is not finite.
    """

    weight: Array
    bias: Array

    def __post_init__(self) -> None:
        weight, bias = _numbers(self.weight, "weight"), _numbers(self.bias, "bias")
        if weight.ndim != 2 or 0 in weight.shape:
            raise UsageError(f"a weight has shape (out, in) with both at least 1, not {weight.shape}")
        if bias.shape != weight.shape[:1]:
            raise UsageError(
                f"a weight of shape {weight.shape} needs a bias of shape {weight.shape[:1]}, not {bias.shape}"
            )
        if weight.dtype != bias.dtype:
            raise UsageError(f"weight and bias must be of one dtype, not {weight.dtype} and {bias.dtype}")
        object.__setattr__(self, "weight", weight)
        object.__setattr__(self, "bias", bias)

    def __reduce__(self) -> tuple[type[Affine], tuple[Array, Array]]:
        """Copies are as immutable as what they copy."""
        return Affine, (self.weight, self.bias)

    @property
    def inputs(self) -> int:
        """Number of coordinates it takes."""
        return int(self.weight.shape[1])

    @property
    def outputs(self) -> int:
        """Number of coordinates it gives."""
        return int(self.weight.shape[0])

    @property
    def dtype(self) -> str:
        """``float32``, ``float64`` or ``rational``."""
        return _dtype_name(self.weight)

    def __eq__(self, other: object) -> bool:
        """Whether all numbers are of the same kind and equal."""
        if not isinstance(other, Affine):
            return NotImplemented
        return (
            self.dtype == other.dtype
            and np.array_equal(self.weight, other.weight)
            and np.array_equal(self.bias, other.bias)
        )

    def __hash__(self) -> int:
        return hash((self.dtype, tuple(self.weight.flat), tuple(self.bias.flat)))

    def __repr__(self) -> str:
        return f"Affine({self.inputs} -> {self.outputs}, {self.dtype})"

    def apply_exactly(self, points: Array) -> Array:
        """Map points, an object array of `Fraction` of shape (m, in), to shape (m, out), exactly.

        Zero weights cost nothing: exact networks are sparse.
        """
        out = np.empty((len(points), self.outputs), dtype=object)
        for row, (weights, bias) in enumerate(zip(self.weight, self.bias, strict=True)):
            used = np.flatnonzero(weights)
            for point, values in enumerate(points):
                out[point, row] = sum((weights[i] * values[i] for i in used), start=bias)
        return out


@dataclass(frozen=True)
class Network:
    """Affine maps with one activation between them, and none after the last.

    Parameters
    ----------
    layers : sequence of Affine
        At least one; the outputs of each are the inputs of the next, all of one dtype.
    activation : Activation or str
        The function between them.

    Raises
    ------
    UsageError
        There is no layer, or the layers do not fit together.

    Examples
    --------
    >>> from fractions import Fraction
    >>> hat = Network([Affine([[1], [1]], [0, Fraction(-1, 2)]), Affine([[2, -4]], [0])], "relu")
    >>> hat([Fraction(1, 3)])
    array([Fraction(2, 3)], dtype=object)
    """

    layers: tuple[Affine, ...]
    activation: Activation

    def __init__(self, layers: Iterable[Affine], activation: Activation | str = "relu") -> None:
        layers = tuple(layers)
        if not layers:
            raise UsageError("a network needs at least one affine map")
        for index, (layer, following) in enumerate(itertools.pairwise(layers)):
            if layer.outputs != following.inputs:
                raise UsageError(
                    f"layer {index} gives {layer.outputs} values but layer {index + 1} takes {following.inputs}"
                )
        if len({layer.dtype for layer in layers}) > 1:
            raise UsageError(f"layers must be of one dtype, not {', '.join(layer.dtype for layer in layers)}")
        if isinstance(activation, str):
            activation = Activation(activation)
        object.__setattr__(self, "layers", layers)
        object.__setattr__(self, "activation", activation)

    def __reduce__(self) -> tuple[type[Network], tuple[tuple[Affine, ...], Activation]]:
        """Copies and other processes get the numbers, not what was prepared to evaluate them."""
        return Network, (self.layers, self.activation)

    @property
    def depth(self) -> int:
        """Number of affine maps, L."""
        return len(self.layers)

    @property
    def widths(self) -> tuple[int, ...]:
        """(d, N_1, ..., N_L): inputs, then the outputs of every affine map."""
        return (self.layers[0].inputs, *(layer.outputs for layer in self.layers))

    @property
    def neurons(self) -> int:
        """Number of hidden neurons, N_1 + ... + N_{L-1}."""
        return sum(self.widths[1:-1])

    @property
    def dtype(self) -> str:
        """``float32``, ``float64`` or ``rational``."""
        return self.layers[0].dtype

    @property
    def parameters(self) -> int:
        """Number of weights and biases, zeros included."""
        return sum(array.size for array in self._arrays())

    @property
    def nonzeros(self) -> int:
        """Number of weights and biases that are not zero, M (the connectivity)."""
        return sum(int(np.count_nonzero(array)) for array in self._arrays())

    @property
    def max_weight(self) -> float | Fraction:
        """The largest absolute value of a weight or bias, B; a `Fraction` where the network is rational."""
        if self.dtype == "rational":  # mostly zeros, which are cheap to tell
            return max((abs(v) for array in self._arrays() for v in array.flat if v), default=Fraction(0))
        return float(max(np.abs(array).max() for array in self._arrays()))

    def __call__(self, x: ArrayLike | Sequence[Any]) -> Array:
        """Evaluate at one point or at many.

        Parameters
        ----------
        x : array, shape (d,) or (m, d)
            Numbers; a rational network takes a float as the dyadic rational it is.

        Returns
        -------
        array, shape (N_L,) or (m, N_L)
            Of the network's dtype; exact for a rational network.

        Raises
        ------
        UsageError
            The shape does not fit, a coordinate is not finite, or the activation has no exact value.
        """
        # The kernels see for themselves whether numbers of their own kind are finite.
        ready = isinstance(x, np.ndarray) and x.dtype == self.dtype
        points = np.asarray(x) if ready else _convert(_numbers(x, "x"), self.dtype)
        if points.ndim not in (1, 2) or points.shape[-1] != self.widths[0]:
            raise UsageError(
                f"the network takes points of shape ({self.widths[0]},) or (m, {self.widths[0]}), not {points.shape}"
            )
        batch = np.atleast_2d(points)
        values = self._evaluate_exactly(batch) if self.dtype == "rational" else self._evaluate(batch)
        return values[0] if points.ndim == 1 else values

    def evaluate_scaled(self, x: Array, scale: float) -> Array:
        """Evaluate a float network at x times scale without making that array, shape (m, N_L).

        For data sets, shape (m, d) with m >= 1, of bytes or of finite floats, already checked.
        """
        if not self.activation.has_kernel:
            return self._evaluate(np.multiply(x, scale, dtype=self.dtype))
        layout, theta = self._packed
        return layout.forward(theta, x if x.dtype == np.uint8 else np.asarray(x, dtype=self.dtype), scale)

    def astype(self, dtype: str) -> Network:
        """The same network with other numbers: ``float32`` and ``float64`` round to nearest, ``rational`` is exact.

        Raises
        ------
        UsageError
            The dtype is unknown, or a weight is too large for it.
        """
        if dtype not in DTYPES:
            raise UsageError(f"unknown dtype {dtype!r}: choose one of {', '.join(DTYPES)}")
        if dtype == self.dtype:
            return self
        return Network(
            (Affine(_convert(layer.weight, dtype), _convert(layer.bias, dtype)) for layer in self.layers),
            self.activation,
        )

    def _arrays(self) -> Iterable[Array]:
        for layer in self.layers:
            yield layer.weight
            yield layer.bias

    @cached_property
    def integer_layers(self) -> tuple[IntegerRows, ...]:
        """The affine maps of a rational network in integers, where the activation is piecewise linear.

        Each takes what the activation gives of the values before it, times its denominators: nothing is divided.

        Raises
        ------
        UsageError
            The activation is not piecewise linear.
        """
        from nnapprox.exact import integer_rows

        layers: list[IntegerRows] = []
        scale: tuple[int, ...] = (1,) * self.widths[0]
        for layer in self.layers:
            layers.append(integer_rows(layer.weight, layer.bias, scale))
            scale = tuple(divisor * self.negative_slope.denominator for divisor in layers[-1].scale)
        return tuple(layers)

    @property
    def negative_slope(self) -> Fraction:
        """Slope of a piecewise linear activation at negative arguments; at positive ones it is 1.

        Raises
        ------
        UsageError
            The activation is not piecewise linear.
        """
        if not self.activation.is_piecewise_linear:
            raise UsageError(f"the activation {self.activation} is not piecewise linear, as relu and leaky-relu are")
        return Fraction(self.activation.name == "identity") if self.activation.slope is None else self.activation.slope

    @property
    def is_affine(self) -> bool:
        """Whether it has no kinks: one layer, or an activation that is the identity, as leaky-relu of slope 1.

        Raises
        ------
        UsageError
            As `negative_slope`.
        """
        return self.negative_slope == 1 or self.depth == 1

    def _evaluate_exactly(self, points: Array) -> Array:
        if self.activation.is_piecewise_linear:
            return self._evaluate_in_integers(points)
        for layer in self.layers[:-1]:
            points = self.activation.apply_exactly(layer.apply_exactly(points))
        return self.layers[-1].apply_exactly(points)

    def _evaluate_in_integers(self, points: Array) -> Array:
        """A point is integers over one divisor, and so are its values on the way: nothing is ever reduced."""
        from nnapprox.exact import integers, matrix_product

        divisors = [lcm(*(x.denominator for x in point)) for point in points]
        pairs = zip(points, divisors, strict=True)
        values = integers([[x.numerator * (d // x.denominator) for x in point] for point, d in pairs])
        values = values.reshape(points.shape).T
        for number, layer in enumerate(self.integer_layers):
            if number:
                values = self._bend(values)
            values = matrix_product(layer.matrix, np.vstack([values, integers(divisors)]))
        out = np.empty((len(points), self.widths[-1]), dtype=object)
        for column, scale, target in zip(values, self.integer_layers[-1].scale, out.T, strict=True):
            target[:] = [Fraction(int(v), scale * d) for v, d in zip(column, divisors, strict=True)]
        return out

    def _bend(self, values: Array) -> Array:
        """Apply the activation to integers; gives its values times the denominator of its slope."""
        from nnapprox.exact import integers, product

        slope = self.negative_slope
        if slope == 1:
            return values
        if slope == 0:
            return np.asarray(np.maximum(values, 0))
        steep, flat = (product(values, integers([part])) for part in (slope.denominator, slope.numerator))
        return np.where(values > 0, steep, flat)

    def gradients(self, x: ArrayLike, cotangents: ArrayLike) -> tuple[tuple[Affine, ...], Array]:
        """Gradients of sum_n <cotangents[n], f(x[n])> (reverse mode).

        Parameters
        ----------
        x : array, shape (m, d)
            Points; finite.
        cotangents : array, shape (m, N_L)
            One weighting of the outputs a point.

        Returns
        -------
        tuple of Affine, array of shape (m, d)
            With respect to every layer's weight and bias (summed over the points), and to every point. At the kink
            of a ReLU the derivative is taken as 0, of a leaky ReLU as its slope.

        Raises
        ------
        UsageError
            The network is rational, or a shape does not fit.
        """
        if self.dtype == "rational":
            raise UsageError("gradients are computed in floating point: use .astype('float64') first")
        points, weights = (_convert(_numbers(v, n), self.dtype) for v, n in ((x, "x"), (cotangents, "cotangents")))
        if points.ndim != 2 or points.shape[1] != self.widths[0] or weights.shape != (len(points), self.widths[-1]):
            raise UsageError(
                f"gradients take x of shape (m, {self.widths[0]}) and cotangents of shape (m, {self.widths[-1]}), "
                f"not {points.shape} and {weights.shape}"
            )
        self.activation.require_kernel()
        layout, theta = self._packed
        by_parameters, by_inputs = layout.gradients(theta, points, weights)
        return tuple(Affine(*pair) for pair in layout.unpack(by_parameters)), by_inputs

    @cached_property
    def _packed(self) -> tuple[Layout, Array]:
        layout = Layout(self.widths, self.dtype, self.activation.name, float(self.activation.slope or 0))
        return layout, layout.pack([a.weight for a in self.layers], [a.bias for a in self.layers])

    def _evaluate(self, points: Array) -> Array:
        if self.activation.has_kernel:
            layout, theta = self._packed
            return layout.forward(theta, points)
        for layer in self.layers[:-1]:
            points = self.activation.apply(points @ layer.weight.T + layer.bias)
        return np.asarray(points @ self.layers[-1].weight.T + self.layers[-1].bias)


def _dtype_name(array: Array) -> str:
    return "rational" if array.dtype == object else array.dtype.name


def _numbers(values: ArrayLike | Sequence[Any], name: str) -> Array:
    """Copy values into a read-only array of float32, float64 or `Fraction` (integers become `Fraction`)."""
    try:
        array = np.array(values)
        if array.dtype.kind == "f" and not isinstance(values, np.ndarray):
            array = _unless_rounded(array, np.array(values, dtype=object))
    except (ValueError, TypeError) as error:
        raise UsageError(f"{name} is not an array of numbers: {error}") from None
    if array.dtype == object or array.dtype.kind in "biu":
        array = _as_fractions(array, name)
    elif array.dtype not in (np.float16, np.float32, np.float64):
        raise UsageError(f"{name} must hold float32, float64 or rational numbers, not {array.dtype}")
    elif not np.isfinite(array).all():
        raise UsageError(f"{name} holds a number that is not finite")
    elif array.dtype == np.float16:
        array = array.astype(np.float32)
    array = np.ascontiguousarray(array)
    array.flags.writeable = False
    return array


def _unless_rounded(array: Array, exact: Array) -> Array:
    """NumPy makes floats of integers from 2^63 on if there are negative ones among them: then take the integers."""
    return exact if all(isinstance(value, int) for value in exact.flat) else array


def _as_fractions(array: Array, name: str) -> Array:
    if array.dtype == object and set(map(type, array.ravel().tolist())) == {Fraction}:
        return array
    fractions = np.empty(array.size, dtype=object)
    try:
        fractions[:] = [v if type(v) is Fraction else Fraction(v) for v in array.astype(object).flat]
    except (TypeError, ValueError, OverflowError):
        raise UsageError(f"{name} holds something that is not a finite number") from None
    return fractions.reshape(array.shape)


def _convert(array: Array, dtype: str) -> Array:
    """Round to float32 or float64 (to nearest, ties to even), or lift to `Fraction` exactly."""
    if _dtype_name(array) == dtype:
        return array
    if dtype == "rational":
        return _as_fractions(array, "array")
    try:
        with np.errstate(over="ignore"):
            rounded = array.astype(np.float64).astype(dtype)
    except OverflowError:
        raise UsageError(f"a number is too large for {dtype}") from None
    if not np.isfinite(rounded).all():
        raise UsageError(f"a number is too large for {dtype}")
    if array.dtype == object and dtype == "float32":
        rounded = _nearest_float32(array, rounded)
    return rounded


def _nearest_float32(exact: Array, candidate: Array) -> Array:
    """Undo the double rounding of rational -> float64 -> float32: among neighbours the nearest, ties to even."""
    nearest = candidate.copy()
    flat = nearest.reshape(-1)
    for index, value in enumerate(exact.flat):
        middle = flat[index]
        if Fraction(float(middle)) == value:  # as it is of numbers that were float32 before
            continue
        neighbours = [np.nextafter(middle, np.float32(-np.inf)), middle, np.nextafter(middle, np.float32(np.inf))]
        finite = [v for v in neighbours if np.isfinite(v)]
        flat[index] = min(finite, key=lambda v: (abs(Fraction(float(v)) - value), int(v.view(np.uint32)) & 1))
    return nearest
