"""Gabor atoms of functions on [0, 1], chosen by matching pursuit: windows times waves, at every scale and place."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from math import isqrt

import numpy as np
from numpy.typing import NDArray

from nnapprox.constructions.atoms import Atom, Points
from nnapprox.constructions.interpolation import PI_ABOVE, interpolant
from nnapprox.errors import UsageError
from nnapprox.exact import nearest_dyadic
from nnapprox.functions import Expression, parse

FINEST, FREQUENCIES = 6, 16
"""Windows have half widths 1, 1/2, ... 2^(1-FINEST); waves have 0, 1, ... half periods in one, below FREQUENCIES."""

LEAST_PIECES, MOST_PIECES = 16, 1024
"""Of an atom's interpolant."""

_SAMPLES = 2048
"""Points at which atoms are held against the function: they choose coefficients, and prove nothing."""


@dataclass(frozen=True)
class Wave:
    """The atom cos(pi u / 2)^2 times cos(n pi u), or sin(n pi u), for u = 2^j x - k in [-1, 1]; 0 elsewhere.

    Attributes
    ----------
    level, shift, frequency : int
        j, k and n.
    odd : bool
        Whether it is the sine.
    """

    level: int
    shift: int
    frequency: int
    odd: bool

    def sampled(self, x: NDArray[np.float64]) -> NDArray[np.float64]:
        """Its values."""
        u = x * 2**self.level - self.shift
        wave = (np.sin if self.odd else np.cos)(self.frequency * np.pi * u)
        return np.where(np.abs(u) < 1, np.cos(np.pi * u / 2) ** 2 * wave, 0.0)

    def points(self, pieces: int, bits: int) -> Points:
        """Points of its graph, so many pieces for u in [-1, 1]; those in [0, 1]."""
        scale = 2**self.level
        graph = (
            (u / scale + Fraction(self.shift, scale), y) for u, y in _graph(self.frequency, self.odd, pieces, bits)
        )
        return tuple((x, y) for x, y in graph if 0 <= x <= 1)

    def error(self, pieces: int, bits: int) -> Fraction:
        """A bound of what the interpolant errs by in L2.

        The window, its slope and its curvature are at most 1, pi / 2 and pi^2 / 2; the mesh of u is 2 / pieces.
        """
        curvature = PI_ABOVE**2 * (self.frequency**2 + self.frequency + Fraction(1, 2))
        sup = curvature / (2 * pieces**2) + Fraction(1, 2**bits)
        return sup * Fraction(3, 2) / (1 << self.level // 2)  # more than the root of the width, 2 * 2^-j


def gabor_atoms(function: Expression, terms: int, bits: int) -> tuple[Atom, list[Atom], Fraction]:
    """Give what interpolates f at 0 and 1, atoms in the order of choice, and a bound of what emulating them errs by.

    Matching pursuit (Mallat and Zhang 1993): the atom that takes most off the squared error is next, with the
    coefficient that does. Atoms are interpolated finely enough to err, all together, by an eighth of what is left, or
    as finely as is sensible.

    Raises
    ------
    UsageError
        The function has a value that is not finite.
    """
    zero, one = Fraction(0), Fraction(1)
    ends = [function.approximate((x,), bits) for x in (zero, one)]
    coarse = Atom(one, ((zero, ends[0]), (one, ends[1])), 0)
    x = (np.arange(_SAMPLES) + 0.5) / _SAMPLES
    rest = function.value(x[:, np.newaxis]) - np.interp(x, [0, 1], [float(end) for end in ends])
    if not np.isfinite(rest).all():
        raise UsageError(f"{function} is not finite on all of [0, 1]")
    chosen, left = _pursue(rest, x, terms, bits)
    pieces = LEAST_PIECES
    while pieces < MOST_PIECES and _emulation_error(chosen, pieces, bits) > left / 8:
        pieces *= 2
    atoms = [Atom(coefficient, wave.points(pieces, bits), wave.level) for coefficient, wave in chosen]
    return coarse, atoms, _emulation_error(chosen, pieces, bits)


def _pursue(
    rest: NDArray[np.float64], x: NDArray[np.float64], terms: int, bits: int
) -> tuple[list[tuple[Fraction, Wave]], Fraction]:
    """Coefficients and atoms, and about how large in L2 what is left is."""
    waves = [
        Wave(level, shift, frequency, odd)
        for level in range(FINEST)
        for shift in range(2**level + 1)
        for frequency in range(FREQUENCIES)
        for odd in (False, True)[: 1 + (frequency > 0)]
    ]
    dictionary = np.array([wave.sampled(x) for wave in waves])
    norms = np.linalg.norm(dictionary, axis=1)
    chosen = []
    for _ in range(terms):
        inner = dictionary @ rest
        best = int(np.argmax(np.abs(inner) / norms))
        coefficient = nearest_dyadic(float(inner[best] / norms[best] ** 2), bits)
        if not coefficient:
            break
        chosen.append((coefficient, waves[best]))
        rest = rest - float(coefficient) * dictionary[best]
    size = Fraction.from_float(float(np.mean(rest**2)))
    return chosen, Fraction(isqrt(int(size * 4**bits)), 2**bits)


def _emulation_error(chosen: list[tuple[Fraction, Wave]], pieces: int, bits: int) -> Fraction:
    return sum((abs(coefficient) * wave.error(pieces, bits) for coefficient, wave in chosen), start=Fraction(0))


@cache
def _graph(frequency: int, odd: bool, pieces: int, bits: int) -> list[tuple[Fraction, Fraction]]:
    wave = parse(f"cos(pi*x/2)^2*{'sin' if odd else 'cos'}({frequency}*pi*x)")
    return interpolant(wave, Fraction(-1), Fraction(1), pieces, bits)
