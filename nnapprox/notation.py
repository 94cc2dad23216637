"""Numbers and names as people write them, and as messages show them."""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from fractions import Fraction
from typing import Any

from nnapprox.errors import UsageError

_MOST_EXPONENT = 10_000
"""Of a number in scientific notation: written out as a rational, 1e999999999 would fill the memory."""


def rational(value: Any) -> Fraction:
    """Read 1/3, 0.1 (which is 1/10) or 1e-3 exactly; a float is the dyadic rational it is.

    Raises
    ------
    UsageError
        It is not a finite number, or its exponent is beyond 10,000.
    """
    try:
        if isinstance(value, str):
            exponent = value.lower().partition("e")[2]
            if exponent and abs(int(exponent)) > _MOST_EXPONENT:
                raise UsageError(f"the exponent of {shown(value)} is beyond {_MOST_EXPONENT}")
        return Fraction(value)
    except UsageError:
        raise
    except (TypeError, ValueError, ZeroDivisionError, OverflowError):
        raise UsageError(f"{shown(value)} is not a number: write it as 1/3, 0.1 or 1e-3") from None


def shown(value: object) -> str:
    """A value for a message: text in quotes, what is long shortened."""
    if isinstance(value, int | Fraction) and max(value.numerator.bit_length(), value.denominator.bit_length()) > 64:
        return f"{(Decimal(value.numerator) / Decimal(value.denominator)).normalize():.6g}"
    text = str(value) if isinstance(value, int | Fraction) else repr(value.strip() if isinstance(value, str) else value)
    return text if len(text) <= 42 else f"{text[:38]}...{text[-1]}"


def rational_text(value: Fraction) -> str:
    """``p/q`` or ``p``, with all digits: `str` refuses to write more than 4,300 of them, and exact values have more."""
    numerator, denominator = (f"{Decimal(number):f}" for number in value.as_integer_ratio())
    return numerator if denominator == "1" else f"{numerator}/{denominator}"


def nearest(word: str, names: Iterable[str]) -> str:
    """Say, of an unknown word, which of the names is nearest, or what names there are."""
    from difflib import get_close_matches  # slow to import, and needed only where a word is unknown

    names = list(names)
    near = get_close_matches(word, names, n=1)
    return f"did you mean {near[0]}?" if near else f"choose one of {', '.join(names)}"
