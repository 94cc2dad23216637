"""What constructions ask of a function that they are to approximate."""

from __future__ import annotations

from nnapprox.errors import UsageError
from nnapprox.functions import Expression


def continuous(function: Expression) -> Expression:
    """Take a function as one of x alone.

    Raises
    ------
    UsageError
        It has more variables, or may jump.
    """
    if not function.is_continuous:
        raise UsageError(
            f"{function} may jump, but a continuous function is needed: write it without floor, sign and step"
        )
    return function.of_inputs(1)
