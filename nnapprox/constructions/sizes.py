"""The size that meets an error."""

from __future__ import annotations

from collections.abc import Callable
from fractions import Fraction
from typing import Annotated, TypeAlias

from nnapprox.constructions.parameters import Option
from nnapprox.errors import UsageError
from nnapprox.notation import shown

DEEPEST = 2**12
"""The largest size: errors below 4^-4096 are asked for by nobody, and fill the files with digits."""

SquareDepth: TypeAlias = Annotated[
    int | None, Option("Halvings of the mesh of the squares, m.", at_least=1, at_most=DEEPEST)
]
"""``--depth``, or ``--square-depth``, where ``--eps`` can take its place."""

Eps: TypeAlias = Annotated[Fraction | None, Option("The error to stay below, instead of --depth.", above=0)]


def size_for(flag: str, size: int | None, eps: Fraction | None, error: Callable[[int], Fraction]) -> int:
    """Take the size that is given, or find the least one whose error is at most eps.

    Parameters
    ----------
    flag : str
        The option that gives the size, as ``--depth``.
    size : int or None
    eps : Fraction or None
        What ``--eps`` gives; one of the two must be given, and not both.
    error : callable
        The error of a size >= 1; does not increase.

    Raises
    ------
    UsageError
        None or both are given, or no size meets eps.
    """
    if (size is None) == (eps is None):
        raise UsageError(f"give {flag} or --eps, and not both")
    if size is not None or eps is None:  # the latter cannot be here
        return size or 0
    large = 1
    while error(large) > eps:
        if large >= DEEPEST:
            raise UsageError(f"no {flag[2:]} up to {DEEPEST} meets --eps {shown(eps)}: ask for a larger one")
        large *= 2
    small = large // 2
    while large - small > 1:
        middle = (small + large) // 2
        small, large = (middle, large) if error(middle) > eps else (small, middle)
    return large
