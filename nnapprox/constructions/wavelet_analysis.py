"""Wavelet coefficients of functions on [0, 1], to a finest level: of means (Haar) and of values (hat wavelets)."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import numpy as np

from nnapprox.constructions.atoms import Atom, Points
from nnapprox.constructions.haar import haar_points
from nnapprox.errors import UsageError
from nnapprox.exact import nearest_dyadic
from nnapprox.functions import Expression

_GAUSS_POINTS = 8
"""Of the quadrature in each of the finest intervals; its error is one of coefficients, not of certificates."""


def haar_coefficients(function: Expression, levels: int, bits: int) -> tuple[Fraction, list[tuple[Fraction, int, int]]]:
    """The mean of f on [0, 1], and (c, j, k) for every term c h(2^j x - k) with j below `levels`.

    Raises
    ------
    UsageError
        The function has a value that is not finite.
    """
    means = _means(function, 2**levels, bits)
    coefficients = []
    for level in reversed(range(levels)):
        pairs = list(zip(means[::2], means[1::2], strict=True))
        coefficients += [((left - right) / 2, level, k) for k, (left, right) in enumerate(pairs)]
        means = [(left + right) / 2 for left, right in pairs]
    return means[0], coefficients


def haar_atom(coefficient: Fraction, level: int, shift: int, ramp: Fraction) -> Atom:
    """The term c h(2^j x - k) on [0, 1], its jumps inside replaced by ramps of width 2^-j ramp."""
    points = haar_points(level, shift, ramp)
    if shift == 0:
        points[:2] = [(Fraction(0), Fraction(1))]
    if shift == 2**level - 1:
        points[-2:] = [(Fraction(1), Fraction(-1))]
    return Atom(coefficient, tuple(points), level)


def hat_wavelet_atoms(function: Expression, levels: int, bits: int) -> tuple[Atom, list[Atom]]:
    """The coarsest part of f, affine on [0, 1], and the wavelets of all levels below `levels`, by lifting.

    The wavelets have two vanishing moments, those at the ends one; together they are the interpolant of f at the
    multiples of 2^-levels.
    """
    size = 2**levels
    values = [function.approximate((Fraction(i, size),), bits) for i in range(size + 1)]
    atoms = []
    for level in reversed(range(levels)):
        coarse, middles = values[::2], values[1::2]
        details = [m - (a + b) / 2 for m, (a, b) in zip(middles, pairwise(coarse), strict=True)]
        atoms += [Atom(d, hat_wavelet_points(level, k), level) for k, d in enumerate(details)]
        # A detail's neighbours on both sides take a quarter of it each; at an end the one neighbour takes a half.
        around = [details[0], *details, details[-1]]
        values = [c + (a + b) / 4 for c, (a, b) in zip(coarse, pairwise(around), strict=True)]
    return Atom(Fraction(1), ((Fraction(0), values[0]), (Fraction(1), values[1])), 0), atoms


def hat_wavelet_points(level: int, shift: int) -> Points:
    """The wavelet between the nodes k and k + 1 of level j: the hat there, less a quarter of the wide hats beside it.

    Of the half of a hat at an end of [0, 1], it is a half.
    """
    last = 2**level - 1
    left, right = (Fraction(1, 2 if shift == end else 4) for end in (0, last))
    places = [Fraction(-1), Fraction(0), Fraction(1, 2), Fraction(1), Fraction(2)]
    heights = [Fraction(0), -left, 1 - (left + right) / 2, -right, Fraction(0)]
    points = [((shift + x) / 2**level, y) for x, y in zip(places, heights, strict=True)]
    return tuple(points[shift == 0 : 5 - (shift == last)])


def _means(function: Expression, cells: int, bits: int) -> list[Fraction]:
    nodes, weights = np.polynomial.legendre.leggauss(_GAUSS_POINTS)
    points = (np.arange(cells)[:, np.newaxis] + (nodes + 1) / 2) / cells
    means = function.value(points.reshape(-1, 1)).reshape(points.shape) @ (weights / 2)
    if not np.isfinite(means).all():
        raise UsageError(f"{function} is not finite on all of [0, 1]")
    return [nearest_dyadic(mean, bits) for mean in means.tolist()]
