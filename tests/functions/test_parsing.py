"""Text to trees and back; what is no expression is refused in one line that says where."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings

from nnapprox.errors import UsageError
from nnapprox.functions import parse
from nnapprox.functions.parsing import parse_tree
from nnapprox.functions.tree import Apply, Number, Variable, text_of
from tests.functions.trees import X, any_trees


@given(any_trees())
@settings(max_examples=300)
def test_text_of_a_tree_is_read_as_the_same_tree(tree):
    text = text_of(tree)
    assert parse_tree(text)[0] == tree
    assert text_of(parse_tree(text)[0]) == text


@pytest.mark.parametrize(
    ("text", "written"),
    [
        ("-x^2 - -x*(x+1)/2", "-x^2 - -x*(x + 1)/2"),
        ("2**-x**2", "2^(-x^2)"),
        ("a_b".replace("a_b", "((x))"), "x"),
        (".5+1.50e-2", "0.5 + 0.015"),
        ("1e50", "1e50"),
        ("1e-50", "1e-50"),
        ("0.0", "0"),
        ("1/2/3*x/4", "1/2/3*x/4"),
        ("a*k".replace("a", "2").replace("k", "x"), "2*x"),
        ("x-(1-x)", "x - (1 - x)"),
        ("x/(2*x)", "x/(2*x)"),
        ("(-x)^2", "(-x)^2"),
        ("sum(k,0,3,2^-k*x)", "sum(k, 0, 3, 2^(-k)*x)"),
    ],
)
def test_text_is_written_plainly(text, written):
    assert str(parse(text)) == written


def test_precedence():
    assert parse_tree("-x^2")[0] == Apply("-", (Apply("^", (X, Number(Fraction(2)))),))
    assert parse_tree("2^3^2")[0].arguments[1] == Apply("^", (Number(Fraction(3)), Number(Fraction(2))))
    assert parse("2^3^2").at([0]) == 512
    assert parse("-2^2").at([0]) == -4
    assert parse("8/4/2").at([0]) == 1
    assert parse("1-2-3").at([0]) == -4


@pytest.mark.parametrize(
    ("text", "variables"),
    [
        ("1", ("x",)),
        ("x", ("x",)),
        ("y", ("x", "y")),
        ("z*x", ("x", "y", "z")),
        ("x3+x1", ("x1", "x2", "x3")),
        ("x1", ("x1",)),
        ("sum(y1, 0, 2, x^y1)", ("x",)),
    ],
)
def test_variables_follow_from_the_names(text, variables):
    assert parse(text).variables == variables


def test_variables_can_be_named():
    assert parse("(-1)^k/(k+1)", ["k"]).at([3]) == Fraction(-1, 4)
    assert parse("e*pi", ["e", "pi"]).at([2, 3]) == 6
    with pytest.raises(UsageError, match="unknown name 'x': the variables are k"):
        parse("x", ["k"])


def test_more_coordinates():
    assert parse("1").of_inputs(4).inputs == 4
    assert parse("x").of_inputs(3).variables == ("x", "y", "z")
    assert parse("x1+x2").of_inputs(5).at([1, 2, 0, 0, 0]) == 3
    assert parse("x").of_inputs(1) == parse("x")
    for text, inputs in (("x+y", 1), ("x", 4), ("x1+x3", 2)):
        with pytest.raises(UsageError, match="variables is needed: write"):
            parse(text).of_inputs(inputs)


@pytest.mark.parametrize(
    ("text", "message", "position"),
    [
        ("sni(x)", "did you mean sin", 1),
        ("1+q", "unknown name 'q': the variables are x", 3),
        ("2x", "expected an operator before 'x': a product is written 2*x", 2),
        ("2 (x)", "expected an operator before '('", 3),
        ("(x", "never closed", 1),
        ("sin(2*(x)", "never closed", 4),
        ("x)", "without a (", 2),
        ("x,1", "comma", 2),
        ("clip(x,1)", "clip takes 3 arguments, not 2", 1),
        ("max(x,)", "')' is not expected here", 7),
        ("sin()", "')' is not expected here", 5),
        ("sin", "sin is a function", 1),
        ("x+", "ends too early", 3),
        ("*x", "'*' is not expected here", 1),
        ("x @ 2", "unexpected character '@'", 3),
        ("x\x00", "unexpected character", 2),
        ("x − 1", "unexpected character '−'", 3),
        ("x1 + y", "do not go together", 1),
        ("x0", "unknown name 'x0'", 1),
        ("x99999", "at most 10,000 variables", 1),
        ("1e99999", "beyond 10,000", 1),
        ("1e" + "9" * 5000, "beyond 10,000", 1),
        ("(" * 200 + "x" + ")" * 200, "nested more than 100 deep", 101),
        ("-" * 100_000 + "x", "nested more than 100 deep", 101),
        ("x" + "^x" * 100_000, "nested more than 100 deep", 201),
        ("sum(x, 0, 1, x)", "another meaning", 5),
        ("sum(sin, 0, 1, x)", "another meaning", 5),
        ("sum(k, 0, 1)", "the sum has no body", 1),
        ("sum(3, 0, 1, x)", "a sum is written", 1),
        ("sum(k, 0, k, x)", "unknown name 'k'", 11),
    ],
)
def test_errors_say_where(text, message, position):
    with pytest.raises(UsageError) as caught:
        parse(text)
    line = str(caught.value)
    assert message in line
    assert line.endswith(f"(at character {position} of the expression)")
    assert len(line) < 200
    assert "\n" not in line


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "empty"),
        (" \n", "empty"),
        ("x" * 1_000_001, "1,000,001 characters"),
        ("1/0", "1/0 is a division by 0"),
        ("x/(1-1)", "is a division by 0"),
        ("0^-1", "is a division by 0"),
        ("log(0)", "log(0) is not defined, as 0 is not positive"),
        ("x+sqrt(1-2)", "sqrt(1 - 2) is not defined, as -1 is negative"),
        ("(-8)^(1/3)", "is not defined, as -8 is negative"),
        ("factorial(1/2)", "is no whole number"),
        ("factorial(-1)", "is no whole number"),
        ("factorial(10^9)", "more than 1,000,000 bits"),
        ("2^10^9", "2^10^9 has more than 1,000,000 bits"),
        ("x^10^9", "the exponent of x^10^9 is too large"),
        ("x^(1/10^9)", "too large"),
        ("clip(x, 1, 0)", "empty interval from 1 to 0"),
        ("sum(k, 0, 10^9, x^k)", "more than 100,000 operations"),
        ("sum(i, 1, 1000, sum(j, 1, 1000, x^i*j))", "more than 100,000 operations"),
        ("sum(k, 0, x, k)", "must run from a whole number to a whole number"),
        ("sum(k, 0, 1/2, k)", "must run from a whole number to a whole number"),
    ],
)
def test_what_has_no_meaning_is_refused(text, message):
    with pytest.raises(UsageError) as caught:
        parse(text)
    assert message in str(caught.value)
    assert len(str(caught.value)) < 200


def test_long_texts_are_read():
    terms = [f"abs(x{i})" for i in range(1, 2001)]
    assert parse("+".join(terms)).at([Fraction(-1)] * 2000) == 2000
    assert parse(f"max({','.join(terms)})").at([Fraction(-1), *[Fraction(0)] * 1999]) == 1
    assert parse("*".join(["x"] * 3000)).at([1]) == 1
    assert parse("1" + "0" * 5000).at([0]) == 10**5000


def test_expressions_are_values():
    assert parse("x + 1") == parse("x+1")
    assert hash(parse("x + 1")) == hash(parse("x+1"))
    assert parse("x + 1") != parse("1 + x")
    assert Variable("x") == X
