"""x^2 and its error, exactly."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox.constructions.square import square_network, square_on


@pytest.mark.parametrize("m", [1, 2, 3, 4, 7])
def test_square(construct, m):
    made = construct(f"square --depth {m}")
    assert made.sizes == (m + 1, 8 * m - 3)
    assert made.hidden == (2, *[3] * (m - 1))
    assert made.network.max_weight == (4 if m > 1 else 1)
    assert (made.kind, made.upper, made.bound) == ("exact", Fraction(1, 4 ** (m + 1)), Fraction(1, 4 ** (m + 1)))
    assert made.told["ratio"] == "1"
    assert (made.told["activation_regions"], made.told["linear_regions"]) == (2**m, 2**m)


@pytest.mark.parametrize("m", [1, 4])
def test_the_error_is_reached_between_all_knots_and_is_never_negative(construct, m):
    made, n = construct(f"square --depth {m}"), 2 ** (m + 1)
    errors = [made.at(Fraction(j, n)) - Fraction(j, n) ** 2 for j in range(n + 1)]
    assert errors == [0 if j % 2 == 0 else Fraction(1, 4 ** (m + 1)) for j in range(n + 1)]


@pytest.mark.parametrize("m", [1, 3, 6])
def test_weights_are_dyadic_with_2m_minus_1_fractional_bits(m):
    scale = 2 ** (2 * m - 1)
    for layer in square_network(m).layers:
        assert all((number * scale).denominator == 1 for number in (*layer.weight.flat, *layer.bias.flat))


@settings(max_examples=40)
@given(st.integers(1, 6), st.fractions(0, 1, max_denominator=997))
def test_it_lies_between_the_parabola_and_the_chord(m, x):
    value = square_network(m)([x])[0]
    assert x**2 <= value <= min(x, x**2 + Fraction(1, 4 ** (m + 1)))


def test_a_domain_around_zero(construct):
    made = construct("square --depth 4 --domain=-3,3")
    assert made.sizes == (6, 33)
    assert (made.kind, made.upper, made.told["linear_regions"]) == ("exact", Fraction(9, 1024), 32)


@pytest.mark.parametrize("domain", ["1,5/2", "-7/2,-1", "-1,3", "0,10", "-2,0"])
def test_other_domains(construct, domain):
    made = construct(f"square --depth 3 --domain={domain}")
    assert (made.kind, made.upper) == ("exact", made.bound)


@given(st.fractions(2, 5, max_denominator=99))
def test_a_domain_and_its_mirror_image(x):
    assert square_on(Fraction(2), Fraction(5), 4)([x])[0] == square_on(Fraction(-5), Fraction(-2), 4)([-x])[0]


def test_centred(construct):
    made = construct("square --depth 4 --centred")
    assert (made.kind, made.upper) == ("exact", Fraction(1, 2**11))
    assert made.at(0) == -made.upper


@pytest.mark.parametrize(
    ("eps", "m"), [("1/16", 1), ("1/17", 2), ("1e-3", 4), ("0.5", 1), ("1/1024", 4), ("1/1025", 5)]
)
def test_eps_chooses_the_least_depth(construct, eps, m):
    made = construct(f"square --eps {eps}")
    assert made.sizes == (m + 1, 8 * m - 3)
    assert made.upper <= Fraction(eps)


def test_depths_beyond_enumeration_have_the_theorems_bound(construct):
    made = construct("square --depth 200")
    assert (made.kind, made.upper) == ("bound", Fraction(1, 4**201))
    assert made.at("1/3") - Fraction(1, 9) <= made.upper


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("square", "give --depth or --eps"),
        ("square --depth 3 --eps 1/2", "not both"),
        ("square --eps 0", "--eps must be above 0, not 0"),
        ("square --eps -1/2", "--eps must be above 0"),
        ("square --eps 1e-9000", "--eps: 1e-9000 has more than 13,000 bits"),
        ("square --eps 1e-3000", "no depth up to 4096 meets --eps 1e-3000"),
        ("square --depth 9999", "--depth must be at most 4096"),
        ("square --depth 3 --domain=1,1", "the domain from 1 to 1 is empty"),
        ("square --depth 3 --domain=1", "give a low and a high end"),
        ("square --depth 3 --domain=1,x", "'x' is not a number"),
        ("square --depth 3 --domain=0,1,0,1", "one interval"),
        ("square --depth nan", "'nan' is not a number"),
    ],
)
def test_refused(refused, words, message):
    assert message in refused(words)
