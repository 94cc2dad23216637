"""Sizes that no memory holds are refused before anything is built."""

from __future__ import annotations

from collections.abc import Callable

from nnapprox.errors import UsageError
from nnapprox.notation import shown

MOST_NUMBERS = 2**24
"""Weights and biases, zeros included, of the largest network that is built: about 2 GB where none is zero."""


NUMBERS_A_LAYER = 250
"""What a layer takes beside its numbers, in units of them; counts where layers are small and many."""


def require_memory(flag: str, value: int, numbers: Callable[[int], int]) -> None:
    """Refuse a size that is too large, and name the largest one that is not.

    Parameters
    ----------
    flag : str
        The option that sets the size, as ``--depth``.
    value : int
        What it was given as.
    numbers : callable
        How many weights and biases, zeros included, a network of that size has, about; increasing. It must be cheap
        for huge sizes too.

    Raises
    ------
    UsageError
        There would be more than `MOST_NUMBERS`.
    """
    if numbers(value) <= MOST_NUMBERS:
        return
    largest, beyond = 0, value
    while beyond - largest > 1:
        middle = (largest + beyond) // 2
        largest, beyond = (middle, beyond) if numbers(middle) <= MOST_NUMBERS else (largest, middle)
    way_out = f"at most {largest} can be built" if largest else "the other options alone ask for too much"
    raise UsageError(f"{flag} {shown(value)} needs more memory than there is: {way_out}")
