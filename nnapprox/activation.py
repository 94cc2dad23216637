"""The functions that a network applies to every coordinate between its affine maps."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnapprox.errors import UsageError

Array = NDArray[Any]

ACTIVATIONS = ("identity", "relu", "leaky-relu", "sigmoid", "tanh")
"""Names of the activations; the position of a name is its code in the kernels."""

LEAKY_SLOPE = Fraction(1, 100)
"""Slope of the leaky ReLU for negative arguments where none is given."""


@dataclass(frozen=True)
class Activation:
    """The function applied to every coordinate between two affine maps.

    Parameters
    ----------
    name : str
        One of ``identity``, ``relu``, ``leaky-relu``, ``sigmoid``, ``tanh``.
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
        if self.name not in ACTIVATIONS:
            raise UsageError(f"unknown activation {self.name!r}: choose one of {', '.join(ACTIVATIONS)}")
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

    def apply_exactly(self, values: Array) -> Array:
        """Map an object array of `Fraction` of any shape, exactly.

        Raises
        ------
        UsageError
            The activation is not piecewise linear, so its values are not rational.
        """
        if not self.is_piecewise_linear:
            raise UsageError(
                f"{self.name} has no exact value at rationals: convert it to float64, or leave --exact out"
            )
        if self.name == "identity":
            return values
        slope = self.slope or Fraction(0)
        negative_part = np.frompyfunc(lambda v: v if v > 0 else slope * v, 1, 1)
        return np.asarray(negative_part(values), dtype=object)
