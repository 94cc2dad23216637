"""How far the outputs of a network are from original ones, at points."""

from __future__ import annotations

import math

import numpy as np

from nnapprox.network import Array, Network


def relative_error(network: Network, original: Array, points: Array) -> float:
    """||network - original|| / ||original|| in L2 over points, evaluated in float64.

    Parameters
    ----------
    network : Network
    original : array of float64, shape (m, N_L)
        What the original network gives at the points.
    points : array, shape (m, d)

    Returns
    -------
    float
        Infinite where the original is 0 at all points and the network is not; 0 where both are.
    """
    distance, size = float(np.linalg.norm(_outputs(network, points) - original)), float(np.linalg.norm(original))
    if size:
        return distance / size
    return math.inf if distance else 0.0


def sup_error(network: Network, original: Array, points: Array) -> float:
    """The largest difference of an output at points; the arguments are those of `relative_error`."""
    return float(np.abs(_outputs(network, points) - original).max())


def _outputs(network: Network, points: Array) -> Array:
    return network.astype("float64")(points)
