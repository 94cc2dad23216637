"""The functions that a network applies to every coordinate between its affine maps."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnapprox.errors import UsageError

Array = NDArray[Any]

ACTIVATIONS = ("identity", "relu", "leaky-relu", "sigmoid", "tanh")
"""Names of the activations that the kernels know; the position of a name is its code there."""

WITHOUT_KERNEL = ("euaf", "universal")
"""Names of the activations that constructions bring: exact at rationals, evaluated number by number, never trained."""

LEAKY_SLOPE = Fraction(1, 100)
"""Slope of the leaky ReLU for negative arguments where none is given."""


@dataclass(frozen=True)
class Activation:
    """The function applied to every coordinate between two affine maps.

    Parameters
    ----------
    name : str
        One of ``identity``, ``relu``, ``leaky-relu``, ``sigmoid``, ``tanh``, ``euaf``, ``universal``.
    slope : Fraction
        For ``leaky-relu``, its slope at negative arguments, a number that is finite (given as anything
        that `Fraction` takes); 1/100 where none is given. No other activation takes one.

    Raises
    ------
    UsageError
        The name is unknown, or the slope is not a number or not for this activation.
    """

    name: str
    slope: Fraction | None = None

    def __post_init__(self) -> None:
        if self.name not in ACTIVATIONS + WITHOUT_KERNEL:
            raise UsageError(
                f"unknown activation {self.name!r}: choose one of {', '.join(ACTIVATIONS + WITHOUT_KERNEL)}"
            )
        slope = self.slope
        if self.name == "leaky-relu":
            slope = LEAKY_SLOPE if slope is None else slope
        elif slope is not None:
            raise UsageError(f"the activation {self.name} takes no slope, only leaky-relu does")
        if slope is not None:
            try:
                object.__setattr__(self, "slope", Fraction(slope))
            except (TypeError, ValueError, OverflowError):
                raise UsageError(f"the slope of leaky-relu must be a finite number, not {slope!r}") from None

    def __str__(self) -> str:
        return self.name

    @property
    def is_piecewise_linear(self) -> bool:
        """Whether it maps rationals to rationals, piece by piece affinely."""
        return self.name in ("identity", "relu", "leaky-relu")

    @property
    def has_kernel(self) -> bool:
        """Whether the kernels know it; if not, `apply` evaluates it, and there are no gradients."""
        return self.name in ACTIVATIONS

    def require_kernel(self) -> None:
        """Refuse what only the kernels can do.

        Raises
        ------
        UsageError
            The kernels do not know this activation.
        """
        if not self.has_kernel:
            raise UsageError(
                f"{self.name} can be evaluated but not trained or differentiated: choose one of "
                f"{', '.join(ACTIVATIONS)} for that"
            )

    def apply_exactly(self, values: Array) -> Array:
        """Map an object array of `Fraction` of any shape, exactly.

        Raises
        ------
        UsageError
            The activation does not map rationals to rationals.
        """
        if self.name == "identity":
            return values
        return np.asarray(np.frompyfunc(self._exact_function(), 1, 1)(values), dtype=object)

    def apply(self, values: Array) -> Array:
        """Map a float array of any shape by an activation without kernel: every value is exact, then rounded once."""
        lifted = np.frompyfunc(lambda value: Fraction(float(value)), 1, 1)(values)
        return self.apply_exactly(lifted).astype(values.dtype)

    def _exact_function(self) -> Callable[[Fraction], Fraction]:
        if self.is_piecewise_linear:
            slope = self.slope or Fraction(0)
            return lambda value: value if value > 0 else slope * value
        if self.has_kernel:
            raise UsageError(
                f"{self.name} has no exact value at rationals: convert it to float64, or leave --exact out"
            )
        return euaf if self.name == "euaf" else universal


def euaf(t: Fraction) -> Fraction:
    """The elementary universal activation function of Shen, Yang and Zhang (2022).

    The distance of t to the nearest even integer for t >= 0, and t / (1 + |t|) for t < 0.
    """
    return abs(t - 2 * ((t + 1) // 2)) if t >= 0 else t / (1 - t)


@dataclass(frozen=True)
class StoredPolynomial:
    """A member of the countable family that the activation `universal` stores.

    The Bernstein polynomial u(x) = sum_k codes[k] / 2^bits * C(n, k) x^k (1 - x)^(n - k) of degree n = 4^stage,
    where bits = 2 stage + 2. Polynomials of all stages together are dense in the continuous functions from [0, 1]
    to itself.

    Parameters
    ----------
    stage : int
        At least 1.
    codes : sequence of int
        n + 1 integers from 0 to 2^bits - 1.
    """

    stage: int
    codes: Sequence[int]

    @staticmethod
    def degree_of(stage: int) -> int:
        """Degree of the polynomials of a stage."""
        return int(4**stage)

    @staticmethod
    def bits_of(stage: int) -> int:
        """Bits of one coefficient of the polynomials of a stage."""
        return 2 * stage + 2

    @classmethod
    def total_bits_of(cls, stage: int) -> int:
        """Bits of all coefficients of a polynomial of a stage: the stage has 2 to this power of them."""
        return (cls.degree_of(stage) + 1) * cls.bits_of(stage)

    @classmethod
    def at_index(cls, index: int) -> StoredPolynomial:
        """The polynomial that stands at an index >= 0: stage by stage, and in each by its coefficients' bits."""
        stage = 1
        while index >= (size := 1 << cls.total_bits_of(stage)):
            index -= size
            stage += 1
        bits = cls.bits_of(stage)
        return cls(stage, [index >> bits * k & (1 << bits) - 1 for k in range(cls.degree_of(stage) + 1)])

    @property
    def index(self) -> int:
        """Where it stands in the enumeration, an integer >= 0."""
        before = sum(1 << self.total_bits_of(stage) for stage in range(1, self.stage))
        return before + sum(code << self.bits_of(self.stage) * k for k, code in enumerate(self.codes))

    @property
    def end_slopes(self) -> tuple[Fraction, Fraction]:
        """u'(0) and u'(1)."""
        scale = Fraction(self.degree_of(self.stage), 1 << self.bits_of(self.stage))
        return scale * (self.codes[1] - self.codes[0]), scale * (self.codes[-1] - self.codes[-2])

    def __call__(self, x: Fraction) -> Fraction:
        """Evaluate at a rational in [0, 1]."""
        degree, part, rest = self.degree_of(self.stage), x.numerator, x.denominator - x.numerator
        total, choose, power = 0, 1, 1
        for k in range(degree, -1, -1):
            total = total * part + self.codes[k] * choose * power
            choose, power = choose * k // (degree - k + 1), power * rest
        return Fraction(total, x.denominator**degree << self.bits_of(self.stage))


def universal(t: Fraction) -> Fraction:
    """A sigmoidal activation that stores every continuous function, so that one neuron approximates any of them.

    On [2N, 2N + 1] it is 1 - 2^-s + u(t - 2N) / 2^(s + 1) for the `StoredPolynomial` u at index N, s its stage. It is
    continuously differentiable, tends to 0 and 1 at the two ends, and is rational at rationals. The idea is that of
    Maiorov and Pinkus (1999), the recipe follows Guliyev and Ismailov (2016); their joins are infinitely smooth but
    not rational.
    """
    if t <= -1:
        return -1 / (4 * t)
    index = t // 2
    x = t - 2 * index
    if index < 0:
        return _join(_End(Fraction(1, 4), Fraction(1, 4), 1), _ends(StoredPolynomial.at_index(0))[0], x - 1)
    polynomial = StoredPolynomial.at_index(index)
    if x <= 1:
        return _in_band(polynomial.stage, polynomial(x))
    return _join(_ends(polynomial)[1], _ends(StoredPolynomial.at_index(index + 1))[0], x - 1)


class _End(NamedTuple):
    """Where a piece of `universal` meets a join; steep pieces have high degrees."""

    value: Fraction
    slope: Fraction
    degree: int


def _in_band(stage: int, value: Fraction) -> Fraction:
    return 1 - Fraction(1, 1 << stage) + value / (2 << stage)


def _ends(polynomial: StoredPolynomial) -> tuple[_End, _End]:
    stage, (first, last) = polynomial.stage, polynomial.end_slopes
    degree = polynomial.degree_of(stage)
    return (
        _End(_in_band(stage, polynomial(Fraction(0))), first / 2 ** (stage + 1), degree),
        _End(_in_band(stage, polynomial(Fraction(1))), last / 2 ** (stage + 1), degree),
    )


def _join(left: _End, right: _End, x: Fraction) -> Fraction:
    """Go from one end to another as x goes from 0 to 1, continuously differentiably.

    A slope decays within about 1 / degree, so that it moves the value by less than its piece does.
    """
    step = x * x * (3 - 2 * x)
    return (
        left.value
        + (right.value - left.value) * step
        + left.slope * x * (1 - x) ** (left.degree + 1)
        - right.slope * (1 - x) * x ** (right.degree + 1)
    )
