"""Operator norms of rational matrices: exact, or enclosed where the norm is no rational number."""

from __future__ import annotations

from fractions import Fraction
from math import lcm

import numpy as np

from nnapprox.exact import Integer, IntegerMatrix
from nnapprox.network import Array


def norm_1(weight: Array) -> Fraction:
    """The norm from l1 to l1: the largest sum of absolute values of a column."""
    return Fraction(np.abs(weight).sum(axis=0).max())


def norm_inf(weight: Array) -> Fraction:
    """The norm from l-infinity to l-infinity: the largest sum of absolute values of a row."""
    return norm_1(weight.T)


def squared_norm_2(weight: Array) -> tuple[Fraction, Fraction]:
    """Enclose the square of the norm from l2 to l2, which is the largest eigenvalue of a Gram matrix.

    Below by the Rayleigh quotient of an approximate eigenvector, above by a number t such that t - Gram matrix is
    positive definite, which Sylvester's criterion decides: both are computed in rationals.

    Parameters
    ----------
    weight : array of Fraction, shape (out, in)

    Returns
    -------
    Fraction, Fraction
        The same number twice where it is known exactly, as it is for one output or one input.
    """
    gram = weight @ weight.T if weight.shape[0] <= weight.shape[1] else weight.T @ weight
    if len(gram) == 1:
        return gram[0, 0], gram[0, 0]
    trace = sum(np.diag(gram), Fraction(0))
    if not trace:
        return trace, trace
    scaled = gram / trace  # eigenvalues are from 0 to 1, whatever the size of the weights
    vector = np.array([Fraction(x) for x in np.linalg.eigh(scaled.astype(np.float64))[1][:, -1].tolist()], dtype=object)
    low = Fraction(vector @ scaled @ vector) / Fraction(vector @ vector)
    gap = Fraction(1, 2**50)
    while not _is_above(low + gap, scaled):
        gap *= 2
    return low * trace, (low + gap) * trace


def _is_above(number: Fraction, gram: Array) -> bool:
    """Whether a number is larger than all eigenvalues of a symmetric matrix."""
    shifted = -gram
    shifted[np.diag_indices(len(gram))] += number
    scale = lcm(*(entry.denominator for entry in shifted.flat))
    rows = [[Integer(int(entry * scale)) for entry in row] for row in shifted]
    return all(IntegerMatrix([row[:size] for row in rows[:size]]).det() > 0 for size in range(1, len(rows) + 1))
