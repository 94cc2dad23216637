"""What a construction is built from: its parameters, read alike from the command line, from a file and from Python."""

from __future__ import annotations

import inspect
import itertools
import types
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Annotated, Any, Generic, Literal, TypeAlias, TypeVar, Union, get_args, get_origin, get_type_hints

from nnapprox.errors import UsageError
from nnapprox.notation import nearest, rational, shown

T = TypeVar("T")

Number: TypeAlias = int | Fraction

_MOST_BITS = 13_000
"""Of a numerator or denominator: Python reads back decimal texts of at most 4,300 digits."""


@dataclass(frozen=True)
class Option:
    """What is said of a parameter beside its type; stands in its ``Annotated``.

    Parameters
    ----------
    help : str
        One line for ``--help``.
    at_least, at_most, above, below : int or Fraction, optional
        Limits of a number, or of every number of a list; ``above`` and ``below`` are not reached.
    """

    help: str
    at_least: Number | None = None
    at_most: Number | None = None
    above: Number | None = None
    below: Number | None = None

    def refuse(self, value: object) -> str | None:
        """What is wrong with a value, or None."""
        for number in value if isinstance(value, tuple) else (value,):
            if not isinstance(number, int | Fraction):
                continue
            if self.at_least is not None and number < self.at_least:
                return f"must be at least {self.at_least}, not {shown(number)}"
            if self.at_most is not None and number > self.at_most:
                return f"must be at most {self.at_most}, not {shown(number)}"
            if self.above is not None and number <= self.above:
                return f"must be above {self.above}, not {shown(number)}"
            if self.below is not None and number >= self.below:
                return f"must be below {self.below}, not {shown(number)}"
        return None


@dataclass(frozen=True)
class Kind(Generic[T]):
    """A type that parameters can have.

    Parameters
    ----------
    metavar : str
        How the help shows it, as ``A,B``.
    convert : callable
        Takes text, or the value as Python code gives it; raises UsageError, or says in a TypeError or ValueError
        that it cannot.
    text : callable
        Turns a value into the text that `convert` takes.
    choices : sequence of str
        All texts that there are, where they are few.
    """

    metavar: str
    convert: Callable[[Any], T]
    text: Callable[[T], str] = str
    choices: Sequence[str] = ()


def _number(value: object) -> Fraction:
    """A rational that files can hold as text."""
    number = rational(value)
    if max(number.numerator.bit_length(), number.denominator.bit_length()) > _MOST_BITS:
        raise UsageError(f"{shown(number)} has more than {_MOST_BITS:,} bits: take a shorter number")
    return number


def _integer(value: object) -> int:
    number = _number(value)
    if number.denominator != 1:
        raise UsageError(f"{shown(value)} is not an integer")
    return number.numerator


def _rationals(value: object) -> tuple[Fraction, ...]:
    return tuple(_number(part) for part in (value.split(",") if isinstance(value, str) else _sequence(value)))


def _integers(value: object) -> tuple[int, ...]:
    return tuple(_integer(part) for part in (value.split(",") if isinstance(value, str) else _sequence(value)))


def read_domain(value: object) -> tuple[tuple[Fraction, Fraction], ...]:
    """Read an interval for every coordinate, from text such as ``0,1,-3,3`` or from pairs.

    Raises
    ------
    UsageError
        It is none, or an interval is empty.
    """
    if not isinstance(value, str):
        value = ",".join(str(_number(end)) for interval in _sequence(value) for end in _sequence(interval))
    ends = _rationals(value)
    if len(ends) % 2:
        raise UsageError(f"{shown(value)} is no domain: give a low and a high end for every coordinate, as -3,3")
    domain = tuple(zip(ends[::2], ends[1::2], strict=True))
    for low, high in domain:
        if low >= high:
            raise UsageError(f"the domain from {shown(low)} to {shown(high)} is empty: give the low end first")
    return domain


def _interval(value: object) -> tuple[Fraction, Fraction]:
    domain = read_domain(value if isinstance(value, str) else (value,))
    if len(domain) != 1:
        raise UsageError(f"{shown(value)} is not one interval: give a low and a high end, as -3,3")
    return domain[0]


def _knots(value: object) -> tuple[tuple[Fraction, Fraction], ...]:
    pairs = [part.split(":") for part in value.split(",")] if isinstance(value, str) else _sequence(value)
    if any(len(_sequence(pair)) != 2 for pair in pairs):
        raise UsageError(f"{shown(value)} is no list of knots: write x:y,x:y,... as 0:1,1/4:-2,1:1/2")
    knots = tuple((_number(x), _number(y)) for x, y in pairs)
    for (before, _), (after, _) in itertools.pairwise(knots):
        if before >= after:
            raise UsageError(f"knots must increase strictly, but {shown(after)} comes after {shown(before)}")
    return knots


def _sequence(value: object) -> Sequence[Any]:
    if isinstance(value, str) or not isinstance(value, Sequence):
        raise UsageError(f"{shown(value)} is not a sequence")
    return value


def _listed(numbers: Iterable[Number]) -> str:
    return ",".join(map(str, numbers))


Rationals: TypeAlias = Annotated[tuple[Fraction, ...], Kind("Q,Q,...", _rationals, _listed)]
"""Rationals separated by commas, as ``1/2,-1``."""

Integers: TypeAlias = Annotated[tuple[int, ...], Kind("N,N,...", _integers, _listed)]
"""Integers separated by commas."""

Domain: TypeAlias = Annotated[
    tuple[tuple[Fraction, Fraction], ...],
    Kind("A,B[,A,B...]", read_domain, lambda pairs: ",".join(map(_listed, pairs))),
]
"""An interval for every coordinate, as ``-3,3`` or ``0,1,0,1``; none is empty."""

Interval: TypeAlias = Annotated[tuple[Fraction, Fraction], Kind("A,B", _interval, _listed)]
"""One interval, as ``-3,3``; never empty."""

Knots: TypeAlias = Annotated[
    tuple[tuple[Fraction, Fraction], ...],
    Kind("X:Y,X:Y,...", _knots, lambda knots: ",".join(f"{x}:{y}" for x, y in knots)),
]
"""Points (x, y) with x strictly increasing, as ``0:1,1/4:-2,1:1/2``."""


def _kind_of(annotation: Any) -> Kind[Any]:
    """Find how a parameter of this type is read."""
    if get_origin(annotation) is Annotated:
        kinds = [extra for extra in annotation.__metadata__ if isinstance(extra, Kind)]
        return kinds[0] if kinds else _kind_of(annotation.__origin__)
    if get_origin(annotation) in (Union, types.UnionType):
        (only,) = (member for member in get_args(annotation) if member is not type(None))
        return _kind_of(only)
    if get_origin(annotation) is Literal:
        return _choice(get_args(annotation))
    if annotation in _PLAIN:
        return _PLAIN[annotation]
    from nnapprox.functions import Expression, parse

    if annotation is Expression:
        return Kind("EXPR", lambda value: value if isinstance(value, Expression) else parse(value))
    raise TypeError(f"no parameter can be of the type {annotation!r}")


def _choice(names: Sequence[str]) -> Kind[str]:
    def convert(value: object) -> str:
        if value not in names:
            raise UsageError(f"unknown name {shown(value)}: {nearest(str(value), names)}")
        return str(value)

    return Kind("|".join(names), convert, choices=names)


_PLAIN: dict[Any, Kind[Any]] = {
    int: Kind("N", _integer),
    Fraction: Kind("Q", _number),
    str: Kind("TEXT", str),
    bool: Kind("", bool),
}


@dataclass(frozen=True)
class Parameter:
    """One parameter of a construction.

    Attributes
    ----------
    name : str
        As Python code gives it.
    kind : Kind
    option : Option
    default : object
        What it is where it is not given; None is for parameters that can be left out.
    required : bool
    """

    name: str
    kind: Kind[Any]
    option: Option
    default: object
    required: bool

    @property
    def flag(self) -> str:
        """The option of the command line, as ``--square-depth``."""
        return "--" + self.name.strip("_").replace("_", "-")

    @property
    def is_switch(self) -> bool:
        """Whether it is given without a value."""
        return self.kind is _PLAIN[bool]

    def convert(self, value: object) -> Any:
        """Turn text, or a value as Python code gives it, into a value within its limits.

        Raises
        ------
        UsageError
            It is not what the parameter takes; the message names the option.
        """
        if value is None and not self.required:
            return None
        try:
            converted = self.kind.convert(value)
            wrong = self.option.refuse(converted)
        except UsageError as error:
            raise UsageError(f"{self.flag}: {error}") from None
        if wrong is not None:
            raise UsageError(f"{self.flag} {wrong}")
        return converted

    def text(self, value: object) -> object:
        """Turn a value into what JSON holds and `convert` takes."""
        return value if value is None or isinstance(value, bool | int) else self.kind.text(value)


def parameters_of(builder: Callable[..., Any]) -> tuple[Parameter, ...]:
    """Read the parameters of a builder off its signature."""
    hints = get_type_hints(builder, include_extras=True)
    return tuple(
        _parameter(name, hints[name], parameter.default)
        for name, parameter in inspect.signature(builder).parameters.items()
    )


def _parameter(name: str, annotation: Any, default: object) -> Parameter:
    options = [extra for extra in getattr(annotation, "__metadata__", ()) if isinstance(extra, Option)]
    if not options:
        raise TypeError(f"the parameter {name} has no Option in its Annotated")
    required = default is inspect.Parameter.empty
    return Parameter(name, _kind_of(annotation), options[0], None if required else default, required)
