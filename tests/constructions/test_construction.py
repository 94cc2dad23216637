"""The registry, and what it makes of a builder."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

import pytest

from nnapprox import calculus, constructions
from nnapprox.certificate import Certificate
from nnapprox.constructions import construction as registry
from nnapprox.constructions.construction import UNIT, Construction, Option, Theorem, construction, prove
from nnapprox.errors import UsageError


@pytest.fixture
def entries(monkeypatch):
    """A catalogue of the tests' own."""
    mine: dict[str, registry.Entry] = {}
    monkeypatch.setattr(registry, "_ENTRIES", mine)
    return mine


def test_a_builder_becomes_an_entry(entries):
    @construction(group="polynomials", source="Nobody (1900)", example="--slope 2")
    def straight_line_(slope: Annotated[Fraction, Option("The slope.")]) -> Construction:
        """A line.

        slope x.
        """
        return prove(calculus.affine([[slope]]), f"({slope})*x", UNIT, notes={"a": 1})

    entry = entries["straight-line"]
    assert (entry.summary, entry.description, entry.group) == ("A line.", "slope x.", "polynomials")
    made = entry.build(slope="1/2")
    assert made == straight_line_(Fraction(1, 2)) == straight_line_(slope="1/2")
    assert (made.name, made.source, made.options, made.notes) == (
        "straight-line",
        "Nobody (1900)",
        {"slope": Fraction(1, 2)},
        {"a": 1},
    )
    assert (made.certificate.kind, made.certificate.value) == ("exact", 0)


def test_two_of_one_name(entries):
    def define(module):
        def twice() -> Construction:
            """A."""

        twice.__module__ = module
        return construction(group="a", source="b", example="")(twice)

    define("one")
    define("one")
    with pytest.raises(TypeError, match="two constructions are called twice"):
        define("other")


@pytest.mark.parametrize(
    ("name", "options", "message"),
    [
        ("sawtoth", {}, "did you mean sawtooth"),
        ("sawtooth", {}, "sawtooth needs --depth, as in sawtooth --depth 5"),
        ("sawtooth", {"dept": 3}, "no option 'dept': did you mean depth"),
        ("sawtooth", {"depth": "x"}, "--depth: 'x' is not a number"),
    ],
)
def test_build_refuses(name, options, message):
    with pytest.raises(UsageError, match=message):
        constructions.build(name, **options)


HAT = calculus.clip(calculus.identity(1), 0, 1)
OTHERWISE = Certificate("sup", UNIT, "bound", Fraction(1), None, "by structure")


def test_prove_takes_the_structure_where_nothing_else_is_proved():
    assert prove(HAT, "x", UNIT, otherwise=OTHERWISE).certificate.kind == "exact"
    assert prove(HAT, "x", UNIT, pieces=10**9, otherwise=OTHERWISE).certificate is OTHERWISE
    assert prove(HAT, "1/x", UNIT, otherwise=OTHERWISE).certificate is OTHERWISE
    with pytest.raises(UsageError):
        prove(HAT, "1/x", UNIT)


def test_tolerance_tells_how_the_certificate_came_about():
    assert prove(HAT, "x", UNIT).tolerance == Fraction(1, 10**6)
    assert prove(HAT, "x", UNIT, pieces=10**9, otherwise=OTHERWISE).tolerance is None


def test_targets_take_as_many_variables_as_the_network():
    assert prove(calculus.affine([[1, 0]]), "x", UNIT * 2).target.inputs == 2


def test_metadata_are_what_json_holds():
    made = constructions.build("square", eps=Fraction(1, 100), domain=(-3, 3))
    told = made.metadata()
    assert told["options"] == {"depth": None, "eps": "1/100", "domain": "-3,3", "centred": False}
    assert told["theorem"]["bound"] == made.theorem.bound
    assert constructions.build(told["construction"], **told["options"]).network == made.network
    assert Theorem(**told["theorem"]) == made.theorem


def test_another_norm():
    made = constructions.build("square", depth=2)
    assert made.recertified("L2").certificate.norm == "L2"
    assert made.recertified(tolerance=Fraction(1, 9)).tolerance == Fraction(1, 9)
    with pytest.raises(UsageError, match="by its structure"):
        constructions.build("takagi", terms=2).recertified("L1")
