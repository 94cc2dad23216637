"""Parameters: read off a signature, converted from text and from values alike."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox.constructions.construction import Domain, Integers, Interval, Kind, Knots, Option, Rationals
from nnapprox.constructions.memory import MOST_NUMBERS, require_memory
from nnapprox.constructions.parameters import parameters_of
from nnapprox.constructions.sizes import size_for
from nnapprox.errors import UsageError
from nnapprox.functions import Expression
from nnapprox.notation import rational

EVEN = Kind("EVEN", lambda value: int(value) - int(value) % 2)


def builder(
    whole_number: Annotated[int, Option("A.", at_least=2, below=9)],
    number: Annotated[Fraction | None, Option("B.", above=0, at_most=1)] = None,
    flag: Annotated[bool, Option("C.")] = False,
    on: Annotated[bool, Option("D.")] = True,
    choice: Annotated[Literal["sup", "L1"], Option("E.")] = "sup",
    text: Annotated[str, Option("F.")] = "x",
    rationals: Annotated[Rationals, Option("G.", above=0)] = (Fraction(1, 2), Fraction(3)),
    integers: Annotated[Integers | None, Option("H.")] = None,
    interval: Annotated[Interval, Option("I.")] = (Fraction(-3), Fraction(3)),
    domain: Annotated[Domain, Option("J.")] = ((Fraction(0), Fraction(1)), (Fraction(0), Fraction(2))),
    knots: Annotated[Knots | None, Option("K.")] = None,
    function: Annotated[Expression | None, Option("L.")] = None,
    own_: Annotated[int, EVEN, Option("M.")] = 0,
) -> None:
    """Nothing."""


PARAMETERS = {parameter.name: parameter for parameter in parameters_of(builder)}


@pytest.mark.parametrize(
    ("name", "text", "value"),
    [
        ("whole_number", "8", 8),
        ("whole_number", "4/2", 2),
        ("number", "1/3", Fraction(1, 3)),
        ("number", "1e-3", Fraction(1, 1000)),
        ("choice", "L1", "L1"),
        ("text", "a b", "a b"),
        ("rationals", "1/2,0.1", (Fraction(1, 2), Fraction(1, 10))),
        ("integers", "3,-4", (3, -4)),
        ("interval", "-1/2,7", (Fraction(-1, 2), Fraction(7))),
        ("domain", "0,1,-2,1/3", ((Fraction(0), Fraction(1)), (Fraction(-2), Fraction(1, 3)))),
        ("knots", "0:1,1/4:-2", ((Fraction(0), Fraction(1)), (Fraction(1, 4), Fraction(-2)))),
        ("own_", "7", 6),
    ],
)
def test_text_and_value_are_the_same(name, text, value):
    parameter = PARAMETERS[name]
    assert parameter.convert(text) == value == parameter.convert(value)
    assert parameter.convert(parameter.text(value)) == value


def test_expressions():
    function = PARAMETERS["function"].convert("sin(3*x)/3")
    assert PARAMETERS["function"].convert(function) is function
    assert PARAMETERS["function"].convert(PARAMETERS["function"].text(function)) == function


def test_defaults_flags_and_metavars():
    assert [p.name for p in PARAMETERS.values() if p.required] == ["whole_number"]
    assert [p.name for p in PARAMETERS.values() if p.is_switch] == ["flag", "on"]
    assert PARAMETERS["whole_number"].flag == "--whole-number"
    assert PARAMETERS["own_"].flag == "--own"
    assert PARAMETERS["number"].convert(None) is None
    assert PARAMETERS["choice"].kind.choices == ("sup", "L1")
    for parameter in PARAMETERS.values():
        if not parameter.required:
            assert parameter.convert(parameter.text(parameter.default)) == parameter.default


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("whole_number", "1", "--whole-number must be at least 2, not 1"),
        ("whole_number", 9, "--whole-number must be below 9, not 9"),
        ("whole_number", "2.5", "'2.5' is not an integer"),
        ("whole_number", None, "not a number"),
        ("whole_number", [1], "not a number"),
        ("whole_number", "9" * 99, "must be below 9, not 1e\\+99"),
        ("number", "0", "--number must be above 0, not 0"),
        ("number", float("nan"), "nan is not a number"),
        ("number", float("inf"), "inf is not a number"),
        ("number", "1e99999", "exponent of '1e99999' is beyond 10000"),
        ("number", "1e-9999", "more than 13,000 bits"),
        ("number", "x" * 99, "'xxx.*\\.\\.\\.' is not a number"),
        ("choice", "L2", "unknown name 'L2': choose one of sup, L1"),
        ("rationals", "1,0", "--rationals must be above 0, not 0"),
        ("rationals", "", "'' is not a number"),
        ("rationals", 3, "3 is not a sequence"),
        ("interval", "0,1,2,3", "is not one interval"),
        ("interval", "1,0", "the domain from 1 to 0 is empty"),
        ("domain", "0,1,2", "give a low and a high end for every coordinate"),
        ("domain", [[0, 1], 2], "2 is not a sequence"),
        ("knots", "0:1,0:2", "increase strictly, but 0 comes after 0"),
        ("knots", "0", "write x:y,x:y"),
        ("knots", [(0, 1, 2)], "write x:y,x:y"),
        ("function", "sni(x)", "--function.*sin"),
    ],
)
def test_what_is_refused_names_the_option(name, value, message):
    with pytest.raises(UsageError, match=message) as caught:
        PARAMETERS[name].convert(value)
    assert str(caught.value).startswith(PARAMETERS[name].flag)


@given(st.fractions())
def test_rationals_are_read_as_they_are_written(value):
    assert rational(str(value)) == rational(value) == value


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_floats_are_the_dyadic_rationals_that_they_are(value):
    assert rational(value) == Fraction(value)


def without_option(depth: int) -> None:
    """Nothing."""


def of_no_kind(depth: Annotated[complex, Option("N.")]) -> None:
    """Nothing."""


@pytest.mark.parametrize("wrong", [without_option, of_no_kind])
def test_signatures_that_say_too_little(wrong):
    with pytest.raises(TypeError, match=r"Option|complex"):
        parameters_of(wrong)


@given(st.integers(1, 4000), st.integers(1, 50))
def test_the_least_size_that_meets_an_error(size, step):
    def error(n):
        return Fraction(step, n + 1)

    found = size_for("--size", None, error(size), error)
    assert found == size
    assert size_for("--size", size, None, error) == size


def test_sizes_that_cannot_be_had():
    with pytest.raises(UsageError, match="no size up to 4096 meets --eps 1/3"):
        size_for("--size", None, Fraction(1, 3), lambda n: Fraction(1, 2))
    for size, eps in ((None, None), (3, Fraction(1))):
        with pytest.raises(UsageError, match="give --size or --eps, and not both"):
            size_for("--size", size, eps, lambda n: Fraction(1, n))


@pytest.mark.parametrize("value", [5000, 10**30])
def test_the_largest_network_is_named(value):
    with pytest.raises(UsageError, match=f"--size {value:.6g}.*at most 4096".replace("+", "\\+")):
        require_memory("--size", value, lambda n: n * n)
    assert MOST_NUMBERS == 4096**2
    require_memory("--size", 4096, lambda n: n * n)
