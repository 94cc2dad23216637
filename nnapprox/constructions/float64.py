"""What float64 makes of an exact network."""

from __future__ import annotations

from fractions import Fraction

import numpy as np

from nnapprox.errors import UsageError
from nnapprox.network import Network

POINTS = [Fraction(k, 64) for k in range(65)]
"""Of [0, 1], at which networks are compared; floats hold them exactly."""


def float_error(network: Network) -> float | str:
    """The largest difference between a rational network on [0, 1] and itself in float64, among some points."""
    points = [[point] for point in POINTS]
    try:
        found = network.astype("float64")(np.array(points, dtype=np.float64))
    except UsageError:
        return "its weights are too large for float64"
    return max(abs(float(Fraction(float(a)) - b)) for a, b in zip(found.flat, network(points).flat, strict=True))
