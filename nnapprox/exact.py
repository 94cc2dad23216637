"""Exact rationals, rigorous balls and their power series, integer arrays: the one door to python-flint.

A ball is a midpoint and a radius; every operation on balls encloses all results of that operation on the numbers in
them. Its precision, in bits, is that of the context: see `precision`.

Arrays of integers are of int64 as long as they fit, else of Python's own integers (dtype object). The functions here
that compute with them see beforehand whether a result could overflow, and change over.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from math import lcm
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from flint import arb as Ball  # noqa: N812 -- flint's names are those of C types, here and below
from flint import arb_series as BallSeries  # noqa: N812
from flint import ctx as _context
from flint import fmpq as Rational  # noqa: N812
from flint import fmpq_poly as RationalPolynomial  # noqa: N812
from flint import fmpz as Integer  # noqa: N812
from flint import fmpz_mat as IntegerMatrix  # noqa: N812
from numpy.typing import NDArray

__all__ = [
    "Ball", "BallSeries", "Integer", "IntegerMatrix", "IntegerRows", "Integers", "Rational", "RationalPolynomial",
    "ball_around", "bounds", "dyadic", "dyadic_rows", "integer_rows", "integers", "inverse", "largest",
    "matrix_product", "minors", "narrow", "precision", "product", "reduced", "signs", "sum_of_products", "to_fraction",
    "to_rational", "widen",
]  # fmt: skip

Integers: TypeAlias = NDArray[Any]
"""An integer array."""

_FINEST = 2**16
"""Ends of balls are given with so many binary places: exp(-10^12) would have more than a memory holds."""

_MOST = 2**63 - 1

_EXACT_IN_FLOAT = 2**53
"""Sums of integers stay exact in float64 below this, in any order."""

_FEW = 2
"""A matrix of so many elements a row and column that are not 0, or less, is multiplied row by row."""


def to_rational(value: int | float | Fraction) -> Rational:
    """Take a number exactly; a float is the dyadic rational it is."""
    return Rational(*value.as_integer_ratio())


def to_fraction(value: Rational) -> Fraction:
    """Give a rational as Python's own."""
    return Fraction(int(value.p), int(value.q))


def nearest_dyadic(number: Fraction | float, bits: int) -> Fraction:
    """The nearest multiple of 2^-bits, of two the even one."""
    return Fraction(round(Fraction(number) * 2**bits), 2**bits)


@contextmanager
def precision(bits: int | None = None, terms: int | None = None) -> Iterator[None]:
    """Compute with balls of so many bits, and with power series of at most so many terms, within the block."""
    before = _context.prec, _context.cap
    _context.prec, _context.cap = bits or before[0], terms or before[1]
    try:
        yield
    finally:
        _context.prec, _context.cap = before


def ball_around(low: Rational, high: Rational) -> Ball:
    """The ball that holds an interval; its radius is rounded up, by about 2^-30 of it."""
    return Ball((low + high) / 2, (high - low) / 2)


def bounds(ball: Ball) -> tuple[Rational, Rational]:
    """Give the exact ends of a finite ball; what is closer to 0 than 2^-65536 is moved outwards."""
    return _dyadic(ball.lower(), -1), _dyadic(ball.upper(), 1)


def _dyadic(number: Ball, outwards: int) -> Rational:
    mantissa, exponent = number.man_exp()
    if mantissa and exponent + mantissa.bit_length() < -_FINEST:
        return Rational(outwards if mantissa * outwards > 0 else 0, 2**_FINEST)
    return Rational(mantissa * 2**exponent) if exponent >= 0 else Rational(mantissa, 2 ** int(-exponent))


def integers(values: Sequence[Any]) -> Integers:
    """An array of Python integers, or of arrays of them nested, as narrow as it can be."""
    return narrow(np.array(values, dtype=object))


def narrow(array: Integers) -> Integers:
    """The same integers as int64 if they fit."""
    return array.astype(np.int64) if array.dtype == object and largest(array) <= _MOST else array


def largest(array: Integers) -> int:
    """The largest absolute value; 0 where there is none."""
    return max(int(array.max()), -int(array.min())) if array.size else 0


def widen(bound: int, *arrays: Integers) -> tuple[Integers, ...]:
    """The same integers so wide that they can be computed with as long as no result exceeds a bound."""
    return arrays if bound <= _MOST else tuple(array.astype(object) for array in arrays)


def product(first: Integers, second: Integers) -> Integers:
    """Multiply, element by element."""
    first, second = widen(largest(first) * largest(second), first, second)
    return np.asarray(first * second)


def sum_of_products(a: Integers, x: Integers, b: Integers, y: Integers) -> Integers:
    """Compute a x + b y, element by element."""
    a, x, b, y = widen(largest(a) * largest(x) + largest(b) * largest(y), a, x, b, y)
    return np.asarray(a * x + b * y)


def minors(a: Integers, b: Integers, c: Integers, d: Integers) -> Integers:
    """Compute a d - b c, element by element."""
    return sum_of_products(a, d, -b, c)


def signs(array: Integers) -> NDArray[np.int8]:
    """-1, 0 or 1 for every element."""
    return (array > 0).astype(np.int8) - (array < 0).astype(np.int8)


def reduced(columns: Integers) -> Integers:
    """Divide every column of a matrix by the greatest common divisor of its elements."""
    divisors = np.gcd.reduce(columns, axis=0)
    return narrow(columns // np.where(divisors == 0, 1, divisors))


def matrix_product(first: Integers, second: Integers) -> Integers:
    """Multiply matrices. Where the first has few elements that are not 0, the others cost nothing."""
    bound = first.shape[1] * largest(first) * largest(second)
    if np.count_nonzero(first) < _FEW * sum(first.shape):
        return _sparse_product(*widen(bound, first, second))
    if bound < _EXACT_IN_FLOAT:
        return (first.astype(np.float64) @ second.astype(np.float64)).astype(np.int64)
    if bound <= _MOST:
        return np.asarray(first.astype(np.int64) @ second.astype(np.int64))
    left, right = (IntegerMatrix(len(matrix), matrix.shape[1], matrix.ravel().tolist()) for matrix in (first, second))
    return integers([int(element) for element in (left * right).entries()]).reshape(len(first), second.shape[1])


def _sparse_product(first: Integers, second: Integers) -> Integers:
    out = np.zeros((len(first), second.shape[1]), dtype=second.dtype)
    for row, target in zip(first, out, strict=True):
        used = np.flatnonzero(row)
        if used.size:
            target[:] = row[used] @ second[used]
    return out


def inverse(matrix: IntegerMatrix) -> tuple[IntegerMatrix, int]:
    """The inverse as integers and the positive number that they are to be divided by."""
    divisor = abs(matrix.det())
    return IntegerMatrix([[(number * divisor).p for number in row] for row in matrix.inv().tolist()]), int(divisor)


class IntegerRows(NamedTuple):
    """An affine map in integers: coordinate i of its value is matrix[i] @ (x, 1) / scale[i].

    Attributes
    ----------
    matrix : array of integers, shape (out, in + 1)
        Weights, then the bias.
    scale : tuple of int, length out
        Positive.
    """

    matrix: Integers
    scale: tuple[int, ...]


def integer_rows(weight: NDArray[Any], bias: NDArray[Any], input_scale: Sequence[int]) -> IntegerRows:
    """Bring every row of an affine map of rationals to its least common denominator.

    Parameters
    ----------
    weight : array of Fraction, shape (out, in)
    bias : array of Fraction, shape (out,)
    input_scale : sequence of int, length in
        The map is applied to integers that are to be divided by these positive numbers first.
    """
    rows, scales, divisors = np.zeros((len(bias), weight.shape[1] + 1), dtype=object), [], (*input_scale, 1)
    for row, fractions in zip(rows, np.column_stack([weight, bias]), strict=True):
        used = np.flatnonzero(fractions)
        terms = [fractions[i] / divisors[i] for i in used]
        scale = lcm(*(term.denominator for term in terms))
        row[used] = [term.numerator * (scale // term.denominator) for term in terms]
        scales.append(scale)
    return IntegerRows(narrow(rows), tuple(scales))


def dyadic(array: NDArray[Any]) -> tuple[Integers, int]:
    """Finite floats as integers and the number, a power of two, that they are to be divided by."""
    numbers = array.astype(np.float64)
    fractions, exponents = np.frexp(numbers)
    mantissas = np.ldexp(fractions, 53).astype(np.int64)
    used = mantissas != 0
    zeros = np.frexp((mantissas & -mantissas).astype(np.float64))[1] - 1
    exponents = np.where(used, exponents - 53 + zeros, 0)
    least = min(0, int(exponents.min(initial=0)))
    mantissas, shifts = np.where(used, mantissas >> np.maximum(zeros, 0), 0), exponents - least
    bits = np.frexp(mantissas.astype(np.float64))[1] + shifts
    if bits.max(initial=0) < 64 - 1:
        return mantissas << shifts, 2**-least
    return np.asarray(mantissas.astype(object) << shifts.astype(object)), 2**-least


def dyadic_rows(weight: NDArray[Any], bias: NDArray[Any], input_scale: int) -> IntegerRows:
    """An affine map of floats in integers, as `integer_rows` gives it, but with one scale for all rows: much quicker.

    Parameters
    ----------
    weight : array of float, shape (out, in)
    bias : array of float, shape (out,)
    input_scale : int
        The map is applied to integers that are to be divided by this positive number first.
    """
    numbers, divisor = dyadic(np.column_stack([weight, bias]))
    biases = product(numbers[:, -1:], integers([input_scale]))
    return IntegerRows(np.concatenate([numbers[:, :-1], biases], axis=1), (divisor * input_scale,) * len(bias))
