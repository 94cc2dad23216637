"""What an expression can be evaluated in: numbers, balls, power series, polynomials, pieces ... each is an algebra.

An expression is compiled to steps (`nnapprox.functions.steps`), each the name of a method of `Algebra`, the results
that it is applied to, and the part of the text that it stands for. `evaluate` takes the steps in any algebra.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Generic, NamedTuple, NoReturn, TypeVar

from nnapprox.errors import UsageError
from nnapprox.exact import Rational
from nnapprox.functions.tree import Node, text_of

T = TypeVar("T")


class NoValueError(UsageError):
    """An operation has no value that its algebra can hold; the message says why, to go on after "sin(x) "."""


class UndefinedError(NoValueError):
    """An operation has no value in any algebra."""


class Step(NamedTuple):
    """One operation, on the results of steps before it.

    `operation` is a method of `Algebra`, or ``coordinate``. `parameter` is, of a number, its value; of a constant,
    its name; of a coordinate, its place; of a power, its exponent.
    """

    operation: str
    arguments: tuple[int, ...]
    parameter: Rational | str | int | None
    source: Node


class Algebra(ABC, Generic[T]):
    """The operations that expressions are made of; any of them may raise `NoValueError`.

    What an algebra does not define has no value in it, and `lacking` says why.
    """

    lacking = "has no value"

    @abstractmethod
    def number(self, value: Rational) -> T:
        """A rational number."""

    @abstractmethod
    def add(self, *terms: T) -> T:
        """The sum of two or more."""

    @abstractmethod
    def multiply(self, *factors: T) -> T:
        """The product of two or more."""

    @abstractmethod
    def negate(self, value: T) -> T:
        """The negative."""

    @abstractmethod
    def power(self, base: T, exponent: Rational) -> T:
        """A constant power; unless the exponent is an integer, the base must not be negative."""

    def constant(self, name: str) -> T:
        """``pi`` or ``e``."""
        self.refuse()

    def invert(self, value: T) -> T:
        """The inverse, 1 / value."""
        self.refuse()

    def variable_power(self, base: T, exponent: T) -> T:
        """A power whose exponent is no constant: the base must be positive, unless the exponent is an integer."""
        self.refuse()

    def exp(self, value: T) -> T:
        """The exponential function."""
        self.refuse()

    def log(self, value: T) -> T:
        """The natural logarithm, of what is positive."""
        self.refuse()

    def sin(self, value: T) -> T:
        """The sine."""
        self.refuse()

    def cos(self, value: T) -> T:
        """The cosine."""
        self.refuse()

    def absolute(self, value: T) -> T:
        """The absolute value."""
        self.refuse()

    def maximum(self, *values: T) -> T:
        """The largest of two or more."""
        self.refuse()

    def minimum(self, *values: T) -> T:
        """The smallest of two or more."""
        return self.negate(self.maximum(*map(self.negate, values)))

    def tri(self, value: T) -> T:
        """The distance to the nearest even integer."""
        self.refuse()

    def floor(self, value: T) -> T:
        """The largest integer that is not above."""
        self.refuse()

    def sign(self, value: T) -> T:
        """-1, 0 or 1."""
        self.refuse()

    def step(self, value: T) -> T:
        """1 where the value is at least 0, else 0."""
        self.refuse()

    def factorial(self, value: T) -> T:
        """Of a whole number n >= 0, n!; only exact algebras have it."""
        raise NoValueError("is the factorial of what is not constant")

    def refuse(self) -> NoReturn:
        """Say that there is no value."""
        raise NoValueError(self.lacking)


def evaluate(steps: Sequence[Step], algebra: Algebra[T], point: Sequence[T]) -> T:
    """Take the steps at a point.

    Raises
    ------
    NoValueError
        A step has no value in the algebra; the message names the part of the text that it stands for.
    """
    values: list[T] = []
    for step in steps:
        try:
            values.append(_take(step, algebra, point, values))
        except NoValueError as error:
            raise type(error)(f"{shortened(text_of(step.source))} {error}") from None
    return values[-1]


def shortened(text: str) -> str:
    """Text as it fits a message."""
    return text if len(text) <= 60 else f"{text[:57]}..."


def _take(step: Step, algebra: Algebra[T], point: Sequence[T], values: list[T]) -> T:
    if step.operation == "coordinate":
        return point[step.parameter]  # type: ignore[index]
    operation = getattr(algebra, step.operation)
    arguments = [values[i] for i in step.arguments]
    result: T = operation(*arguments) if step.parameter is None else operation(*arguments, step.parameter)
    return result
