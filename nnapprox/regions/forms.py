"""The affine forms of neurons on cells, many cells at once, modulo so many primes that this is exact.

The maps are brought to integers. How large a coefficient can become with any pattern is computed beforehand, and the
product of the primes is larger than every number that is to be compared with 0: one that is 0 modulo all is 0.

Residues are doubles around 0, so small that a sum of products over a layer's inputs is exact in a double, whatever
its order: layers are products of matrices.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import count, islice
from math import isqrt, prod
from typing import NamedTuple

import numpy as np

from nnapprox.exact import Integers, largest
from nnapprox.network import Array, Network

_EXACT = 2**52


class Forms(NamedTuple):
    """The forms of a layer's neurons, before the activation, on cells.

    Attributes
    ----------
    residues : array of float64, shape (primes, neurons, prefixes, d + 1)
        Cells that agree in the layers before share theirs.
    prefix : array of int, shape (cells,)
    """

    residues: Array
    prefix: Array


class FormMaker:
    """What computes the forms of one network of a hidden layer or more.

    Parameters
    ----------
    network : Network
        With a piecewise linear activation.

    Attributes
    ----------
    primes : array of float64, shape (primes, 1)
    numbers_a_cell : int
        How many residues the forms on one cell take.
    """

    def __init__(self, network: Network) -> None:
        exact = network.astype("rational")
        slope = exact.negative_slope
        matrices = [layer.matrix for layer in exact.integer_layers]
        factors = np.array([slope.numerator, slope.denominator], dtype=object)
        widest = max(matrix.shape[1] for matrix in matrices)
        *hidden, output = _bounds(matrices, largest(factors))
        bound = max(2 * max(hidden) ** 2, 2 * output, 1)
        primes = _primes(isqrt(4 * _EXACT // (widest + 1)) * 99 // 100, bound)
        self.primes = np.array(primes, dtype=np.float64)[:, None]
        self.numbers_a_cell = len(primes) * sum(len(matrix) for matrix in matrices) * matrices[0].shape[1]
        self._maps = [_residues(matrix, primes) for matrix in matrices]
        self._factors = _residues(factors[:, None], primes)[:, :, 0]
        self._is_relu = slope == 0

    def forms(self, states: list[Array]) -> Iterator[Forms]:
        """Give the forms of all hidden layers and at last of the outputs, in homogeneous integer coordinates.

        Parameters
        ----------
        states : list of array of bool, shape (cells, neurons)
            Which neurons of the hidden layers are active. Cells with the same states in the first layers had best
            stand one after the other.
        """
        first, *others = self._maps
        cells = len(states[0])
        now = Forms(first[:, :, None, :], np.zeros(cells, dtype=np.intp))
        yield now
        for matrix, active in zip(others, states, strict=True):
            now = self._next(now, matrix, active)
            yield now

    def _next(self, now: Forms, matrix: Array, active: Array) -> Forms:
        is_new = np.ones(len(active), dtype=bool)
        is_new[1:] = (now.prefix[1:] != now.prefix[:-1]) | (active[1:] != active[:-1]).any(axis=1)
        bent = self._bend(now.residues[:, :, now.prefix[is_new]], active[is_new].T)
        primes, inputs, prefixes, coordinates = bent.shape
        sums = matrix[:, :, :-1] @ bent.reshape(primes, inputs, -1)
        sums = sums.reshape(primes, -1, prefixes, coordinates)
        sums[..., -1] += matrix[:, :, -1:]
        return Forms(self.reduced(sums), np.cumsum(is_new) - 1)

    def _bend(self, residues: Array, active: Array) -> Array:
        if self._is_relu:
            return residues * active[:, :, None]
        return self.reduced(residues * self._factors[:, active.astype(np.intp)][..., None])

    def reduced(self, numbers: Array) -> Array:
        """Bring integers below 2^52, the first axis being that of the first primes, to residues around 0; in place."""
        primes = self.primes[: len(numbers)].reshape(-1, *[1] * (numbers.ndim - 1))
        quotients = numbers * (1 / primes)
        np.rint(quotients, out=quotients)
        quotients *= primes
        numbers -= quotients
        return numbers

    def vanishing(self, numbers: Array) -> Array:
        """Where such integers are 0 modulo the primes."""
        return np.asarray(self.reduced(numbers) == 0)


def _bounds(matrices: list[Integers], steepest: int) -> Iterator[int]:
    """Bounds on the coefficients of all neurons of a layer, layer by layer, for any pattern."""
    first, *others = (np.abs(matrix.astype(object)) for matrix in matrices)
    sizes = first.max(axis=1)
    yield sizes.max()
    for matrix in others:
        sizes = matrix @ np.append(sizes * steepest, 1)
        yield sizes.max()


def _primes(limit: int, bound: int) -> list[int]:
    """The largest primes below a limit, so many that their product exceeds a bound."""
    found: list[int] = []
    candidates = filter(_is_prime, count(limit - 1 - limit % 2, -2))
    while prod(found) <= bound:
        found += islice(candidates, 1 + (int(bound).bit_length() - prod(found).bit_length()) // limit.bit_length())
    return found


def _is_prime(number: int) -> bool:
    """Miller's test with bases that suffice below 3 * 10^9 (Jaeschke 1993)."""
    twos = (number - 1 & 1 - number).bit_length() - 1
    for base in (2, 3, 5, 7):
        power = pow(base, number >> twos, number)
        if power not in (1, number - 1) and all(
            (power := power * power % number) != number - 1 for _ in range(twos - 1)
        ):
            return False
    return True


def _residues(matrix: Integers, primes: list[int]) -> Array:
    """An integer matrix modulo every prime, around 0."""
    rest = [np.asarray(matrix % prime).astype(np.float64) for prime in primes]
    return np.stack(
        [np.where(numbers > prime / 2, numbers - prime, numbers) for numbers, prime in zip(rest, primes, strict=True)]
    )
