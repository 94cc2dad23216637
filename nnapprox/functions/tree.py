"""The tree of an expression as it was written, and how it is written again."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import TypeAlias

SUM, PRODUCT, NEGATIVE, POWER, ATOM = range(5)
"""How tightly the parts of a text bind."""


@dataclass(frozen=True, slots=True)
class Number:
    """A decimal number that is not negative; exact."""

    value: Fraction


@dataclass(frozen=True, slots=True)
class Constant:
    """``pi`` or ``e``."""

    name: str


@dataclass(frozen=True, slots=True)
class Variable:
    """A coordinate, or the index of a sum."""

    name: str


@dataclass(frozen=True, slots=True)
class Apply:
    """An operation on its arguments.

    Operations are the functions of the grammar by name, and the operators ``+`` and ``*`` (of two or more
    arguments, so that long chains are flat), ``-`` (the negative), ``/`` (the inverse) and ``^``.
    """

    operation: str
    arguments: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Sum:
    """The sum of a body over an index that runs through the integers from `first` to `last`."""

    index: str
    first: Node
    last: Node
    body: Node


Node: TypeAlias = Number | Constant | Variable | Apply | Sum


def text_of(node: Node, binding: int = SUM) -> str:
    """Write a tree so that it is read as the same tree again, where something that binds so tightly is expected."""
    text, own = _write(node)
    return text if own >= binding else f"({text})"


def _write(node: Node) -> tuple[str, int]:
    binding = ATOM
    match node:
        case Number(value):
            text = _decimal_text(value)
        case Constant(name) | Variable(name):
            text = name
        case Sum(index, first, last, body):
            text = f"sum({index}, {text_of(first)}, {text_of(last)}, {text_of(body)})"
        case Apply("+", (first, *rest)):
            text, binding = text_of(first, PRODUCT) + "".join(map(_write_term, rest)), SUM
        case Apply("*", (first, *rest)):
            text, binding = text_of(first, NEGATIVE) + "".join(map(_write_factor, rest)), PRODUCT
        case Apply("/", (inner,)):
            text, binding = f"1/{text_of(inner, POWER)}", PRODUCT
        case Apply("-", (inner,)):
            text, binding = f"-{text_of(inner, NEGATIVE)}", NEGATIVE
        case Apply("^", (base, exponent)):
            text, binding = f"{text_of(base, ATOM)}^{text_of(exponent, POWER)}", POWER
        case Apply(operation, arguments):
            text = f"{operation}({', '.join(map(text_of, arguments))})"
    return text, binding


def _write_term(node: Node) -> str:
    match node:
        case Apply("-", (inner,)):
            return f" - {text_of(inner, PRODUCT)}"
    return f" + {text_of(node, PRODUCT)}"


def _write_factor(node: Node) -> str:
    match node:
        case Apply("/", (inner,)):
            return f"/{text_of(inner, POWER)}"
    return f"*{text_of(node, POWER)}"


def _decimal_text(value: Fraction) -> str:
    """Write a number whose denominator divides a power of ten."""
    digits, ten = value.denominator, 0
    while digits % 10 == 0:
        digits, ten = digits // 10, ten + 1
    while digits > 1:  # at least one of 2 and 5 divides what is left
        digits, ten = (digits // 2 if digits % 2 == 0 else digits // 5), ten + 1
    number = Decimal(value.numerator * 10**ten // value.denominator)
    return _point_text(number, ten)


def _point_text(number: Decimal, places: int) -> str:
    digits = f"{number:f}"
    if not places and len(digits) > 30:
        stripped = digits.rstrip("0")
        return digits if len(digits) - len(stripped) < 10 else f"{stripped}e{len(digits) - len(stripped)}"
    if places > len(digits) + 20:
        return f"{digits}e-{places}"
    digits = digits.rjust(places + 1, "0")
    return f"{digits[:-places]}.{digits[-places:]}" if places else digits
