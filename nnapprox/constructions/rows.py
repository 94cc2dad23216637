"""Parameters that are rows of numbers, as affine forms, faces, vertices with values; and groups of such rows."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Any, TypeAlias

from nnapprox.constructions.assembly import Form, inner
from nnapprox.constructions.parameters import Kind
from nnapprox.constructions.proofs import variable_names
from nnapprox.constructions.text import linear_sum
from nnapprox.errors import UsageError
from nnapprox.notation import rational


def _rows(value: object) -> tuple[tuple[tuple[Fraction, ...], Fraction], ...]:
    rows = tuple(_row(row.split(":") if isinstance(row, str) else row) for row in _parts(value, ";"))
    if len({len(coefficients) for coefficients, _ in rows}) > 1:
        raise UsageError("all rows must have equally many numbers before the colon")
    return rows


def _row(row: Any) -> tuple[tuple[Fraction, ...], Fraction]:
    if len(row) != 2:
        raise UsageError(f"{':'.join(map(str, row))!r} is no row: write numbers, a colon and a number, as 1,2:0")
    coefficients, number = row
    return tuple(map(rational, _parts(coefficients, ","))), rational(number)


def _groups(value: object) -> tuple[tuple[int, ...], ...]:
    return tuple(tuple(_index(part) for part in _parts(group, ",")) for group in _parts(value, ";"))


def _index(value: object) -> int:
    number = rational(value)
    if number.denominator != 1 or number < 1:
        raise UsageError(f"{value!r} is no place in a list: count from 1")
    return number.numerator


def _parts(value: object, separator: str) -> Sequence[Any]:
    if isinstance(value, str):
        return value.split(separator)
    if not isinstance(value, Sequence):
        raise UsageError(f"{value!r} is not a sequence")
    return value


def _rows_text(rows: Rows) -> str:
    return ";".join(f"{','.join(map(str, coefficients))}:{number}" for coefficients, number in rows)


def _groups_text(groups: Groups) -> str:
    return ";".join(",".join(map(str, group)) for group in groups)


Rows: TypeAlias = Annotated[
    tuple[tuple[tuple[Fraction, ...], Fraction], ...], Kind("Q,...:Q;Q,...:Q;...", _rows, _rows_text)
]
"""Rows of equally many rationals with one more each, as ``1,2:0;-1,0:1``."""

Groups: TypeAlias = Annotated[tuple[tuple[int, ...], ...], Kind("N,...;N,...;...", _groups, _groups_text)]
"""Lists of places in another list, counted from 1, as ``1,2;3``."""


def affine_forms(rows: Rows, variables: Sequence[Form]) -> list[Form]:
    """The forms a.x + b of rows (a, b)."""
    return [inner(coefficients, variables) + constant for coefficients, constant in rows]


def affine_texts(rows: Rows) -> list[str]:
    """The forms a.x + b of rows (a, b), as expressions."""
    return [affine_text(coefficients, constant) for coefficients, constant in rows]


def affine_text(coefficients: Sequence[Fraction], constant: Fraction) -> str:
    """The form a.x + b as an expression."""
    names = variable_names(len(coefficients))
    return linear_sum([*zip(coefficients, names, strict=True), (constant, "")])
