"""Layers as products of two maps: the best of every rank in the error that they make at the outputs.

An error E in a layer's weights W costs tr(G E H E^T) at the outputs (see `sensitivity`). In the coordinates where that
is |E|^2, the best product of rank r keeps the r largest singular values (Eckart and Young 1936). Layers that training
has made from small weights are nearly of low rank there, and two thin maps take fewer bits than a layer.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from nnapprox.network import Array
from nnapprox.quantization.sensitivity import damped

SHARE = 0.5
"""Of the squared error at the outputs, what leaving out singular values may cost, in all layers together."""

SMALLER, SMALLEST = 0.8, 0.4
"""Of a layer's weights, the most that a product has which may stand for it, and that one has which is surely better."""


@dataclass(frozen=True, eq=False)
class Factors:
    """The singular value decomposition of a layer in the coordinates of its error.

    Attributes
    ----------
    left, right : arrays of float64, shapes (out, k) and (k, in + 1)
        left @ right is the layer; each column of the one and row of the other shares its singular value evenly.
    squares : array of float64, shape (k,)
        Squared singular values, the largest first: what each is worth at the outputs.
    """

    left: Array
    right: Array
    squares: Array

    @classmethod
    def of(cls, weight: Array, gram: Array, outer: Array) -> Factors:
        """Decompose a layer with its bias, shape (out, in + 1), by H and G."""
        rows, columns = np.linalg.cholesky(damped(outer)), np.linalg.cholesky(damped(gram))
        left, values, right = np.linalg.svd(rows.T @ weight @ columns, full_matrices=False)
        spread = np.sqrt(values)
        back = np.linalg.solve(rows.T, left * spread)
        forth = np.linalg.solve(columns.T, (spread[:, np.newaxis] * right).T).T
        return cls(back, forth, values**2)

    def rank(self, distortion: float) -> int:
        """The least rank that leaves out no more than a squared error of the outputs."""
        costs = np.append(np.cumsum(self.squares[::-1])[::-1], 0.0)
        return max(1, int(np.argmax(costs <= distortion)))

    def share(self, rank: int) -> float:
        """Numbers in the two maps of a rank, of those in the layer."""
        outputs, inputs = len(self.left), self.right.shape[1]
        return float(rank * (outputs + inputs) / (outputs * inputs))

    def maps(self, rank: int) -> tuple[Array, Array]:
        """The two maps of a rank, the first one first, each with its bias as the last column."""
        return self.right[:rank], np.column_stack([self.left[:, :rank], np.zeros(len(self.left))])
