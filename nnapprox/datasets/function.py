"""Data sets of a function's values at random points."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction

import numpy as np

from nnapprox.datasets.dataset import MAX_BYTES, Array, Dataset
from nnapprox.errors import UsageError

_TESTED = 5
"""There is one test sample for so many that train."""

_COPIES = 8
"""Arrays of the size of the inputs that may be there at once, while they are evaluated and trained on."""


def sample_function(
    name: str,
    function: Callable[[Array], Array],
    domain: Sequence[tuple[Fraction, Fraction]],
    samples: int,
    seed: np.random.SeedSequence,
) -> Dataset:
    """Sample a function at points that are uniform in a box.

    Parameters
    ----------
    name : str
        What the data set is called.
    function : callable
        Takes points, float64 of shape (m, d); gives values of shape (m,).
    domain : sequence of (low, high)
        A closed interval for every coordinate, low < high.
    samples : int
        At least 1: so many points train. A fifth as many more, at least one, test.
    seed : SeedSequence
        What the points are drawn from.

    Raises
    ------
    UsageError
        A value is not finite, or an argument is outside what it may be.
    """
    if samples < 1:
        raise UsageError(f"the number of samples must be at least 1, not {samples}")
    most = MAX_BYTES // (_COPIES * 8 * len(domain))
    if samples > most:
        raise UsageError(f"{samples:,} samples do not fit the memory: take at most {most:,}")
    low, high = (np.array([_rounded(end) for end in ends]) for ends in zip(*domain, strict=True))
    if not ((low < high) & (high / 2 - low / 2 < np.finfo(np.float64).max / 2)).all():
        raise UsageError("the domain is too large or too small for floating point: take another one")
    rng = np.random.default_rng(seed)
    tested = max(1, samples // _TESTED)
    x = low + (high - low) * rng.random((samples + tested, len(domain)))
    y = function(x)
    bad = np.flatnonzero(~np.isfinite(y))
    if len(bad):
        point = ", ".join(f"{coordinate:.6g}" for coordinate in x[bad[0]])
        raise UsageError(f"{name} has no finite value in floating point at {point}: take a domain without this point")
    arrays = {"x_train": x[:samples], "y_train": y[:samples], "x_test": x[samples:], "y_test": y[samples:]}
    return Dataset.from_arrays(name, arrays)


def _rounded(number: Fraction) -> float:
    try:
        return float(number)
    except OverflowError:
        return np.inf
