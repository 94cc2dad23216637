"""Step sizes nu_n along a run of a known number of steps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnapprox.errors import UsageError

SCHEDULES = ("constant", "cosine", "linear", "power:A")
"""The decays by name; ``power:A`` is nu_n = nu (1 + n / N)^-A, N the steps of an epoch, 0 < A <= 1."""


def power_of(schedule: str) -> float:
    """Exponent A of ``power:A``, and 0 for the other schedules.

    Raises
    ------
    UsageError
        The schedule is unknown, or A is not in (0, 1].
    """
    if schedule in SCHEDULES[:3]:
        return 0.0
    name, _, exponent = schedule.partition(":")
    try:
        power = float(exponent)
    except ValueError:
        power = -1.0
    if name != "power" or not 0 < power <= 1:
        raise UsageError(
            f"unknown schedule {schedule!r}: choose constant, cosine, linear or power:A with 0 < A <= 1, as power:0.5"
        )
    return power


def step_sizes(schedule: str, initial: float, first: int, count: int, total: int, per_epoch: int) -> NDArray[Any]:
    """Step sizes nu_first, ..., nu_(first + count - 1) of a run of `total` steps, float64.

    cosine: nu (1 + cos(pi t)) / 2, linear: nu (1 - t), with t = (n + 1/2) / total.
    """
    n = np.arange(first, first + count, dtype=np.float64)
    t = (n + 0.5) / total
    if schedule == "constant":
        return np.full(count, initial)
    if schedule == "cosine":
        return initial * 0.5 * (1 + np.cos(np.pi * t))
    if schedule == "linear":
        return initial * (1 - t)
    return np.asarray(initial * (1 + n / per_epoch) ** -power_of(schedule))
