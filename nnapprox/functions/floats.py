"""Values of expressions in floating point, for pictures and for training: nan or infinite where there is none."""

from __future__ import annotations

from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnapprox.exact import Rational, to_fraction
from nnapprox.functions.algebra import Algebra

Array = NDArray[Any]


class Floats(Algebra[Array]):
    """Arrays of float64, coordinate by coordinate."""

    def number(self, value: Rational) -> Array:
        try:
            return np.array(float(to_fraction(value)))
        except OverflowError:
            return np.array(np.inf if value > 0 else -np.inf)

    def constant(self, name: str) -> Array:
        return np.array(np.pi if name == "pi" else np.e)

    def add(self, *terms: Array) -> Array:
        return reduce(np.add, terms)

    def multiply(self, *factors: Array) -> Array:
        return reduce(np.multiply, factors)

    def negate(self, value: Array) -> Array:
        return -value

    def invert(self, value: Array) -> Array:
        return 1 / value

    def power(self, base: Array, exponent: Rational) -> Array:
        return np.power(base, float(to_fraction(exponent)))

    def variable_power(self, base: Array, exponent: Array) -> Array:
        return np.power(base, exponent)

    def exp(self, value: Array) -> Array:
        return np.exp(value)

    def log(self, value: Array) -> Array:
        return np.log(value)

    def sin(self, value: Array) -> Array:
        return np.sin(value)

    def cos(self, value: Array) -> Array:
        return np.cos(value)

    def absolute(self, value: Array) -> Array:
        return np.abs(value)

    def maximum(self, *values: Array) -> Array:
        return reduce(np.maximum, values)

    def tri(self, value: Array) -> Array:
        return np.abs(value - 2 * np.round(value / 2))

    def floor(self, value: Array) -> Array:
        return np.floor(value)

    def sign(self, value: Array) -> Array:
        return np.sign(value)

    def step(self, value: Array) -> Array:
        return np.where(value >= 0, 1.0, 0.0)
