"""Bit extraction: the last of K binary digits."""

import random
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox import constructions
from nnapprox.constructions.bit_extraction import last_bit_network, verify_by_induction
from nnapprox.errors import NnapproxError, UsageError
from nnapprox.network import Affine, Network


@pytest.mark.parametrize("bits", [2, 3, 8, 60, 300])
def test_sizes(bits):
    network = last_bit_network(bits)
    assert network.depth == bits + 1
    assert network.widths == (1, *[3] * bits, 1)
    assert network.nonzeros == 11 * bits - 4
    assert network.max_weight == 2 ** (bits + 1)


@pytest.mark.parametrize("bits", [1, 2, 5, 8])
def test_every_number_of_few_digits(bits):
    points = [[Fraction(j, 2**bits)] for j in range(2**bits)]
    assert [value for (value,) in last_bit_network(bits)(points)] == [j % 2 for j in range(2**bits)]


@given(number=st.integers(0, 2**60 - 1))
def test_numbers_of_sixty_digits(number):
    assert last_bit_network(60)([Fraction(number, 2**60)])[0] == number % 2


def test_float64_is_wrong_for_about_half():
    network, draw = last_bit_network(60).astype("float64"), random.Random(0)
    numbers = [draw.getrandbits(60) for _ in range(400)]
    found = network(np.array([[number / 2**60] for number in numbers]))[:, 0]
    wrong = sum(value != number % 2 for value, number in zip(found, numbers, strict=True))
    assert 140 < wrong < 260


def test_the_construction():
    made = constructions.build("bit-extraction", bits=60)
    assert made.certificate.certified
    assert made.certificate.upper == 0
    assert Fraction(1, 3) < made.notes["share of inputs that float64 gets wrong"] < Fraction(2, 3)
    assert constructions.build("bit-extraction", bits=20).notes["share of inputs that float64 gets wrong"] == 0


def test_another_network_is_not_certified():
    network = last_bit_network(5)
    first, second, *others = network.layers
    bent = Network([first, Affine(second.weight * 2, second.bias), *others])
    with pytest.raises(NnapproxError, match="affine map 2"):
        verify_by_induction(bent, 5)


def test_absurd_sizes():
    with pytest.raises(UsageError, match="--bits"):
        constructions.build("bit-extraction", bits=10**9)
