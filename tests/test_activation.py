"""Activations, those without kernel above all."""

from fractions import Fraction
from itertools import pairwise
from math import comb

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox.activation import ACTIVATIONS, WITHOUT_KERNEL, Activation, StoredPolynomial, euaf, universal
from nnapprox.errors import UsageError

rationals = st.fractions(min_value=-40, max_value=40, max_denominator=999)


def exactly(name, *values):
    array = np.empty(len(values), dtype=object)
    array[:] = values
    return list(Activation(name).apply_exactly(array))


def test_unknown_names_and_slopes():
    with pytest.raises(UsageError, match=r"unknown activation 'rely'.*euaf"):
        Activation("rely")
    with pytest.raises(UsageError, match="euaf takes no slope"):
        Activation("euaf", Fraction(1, 2))


@pytest.mark.parametrize("name", ACTIVATIONS + WITHOUT_KERNEL)
def test_who_can_be_trained(name):
    activation = Activation(name)
    assert activation.has_kernel == (name in ACTIVATIONS)
    if activation.has_kernel:
        activation.require_kernel()
    else:
        assert not activation.is_piecewise_linear
        with pytest.raises(UsageError, match=f"{name} can be evaluated but not trained"):
            activation.require_kernel()


@pytest.mark.parametrize("name", ["sigmoid", "tanh"])
def test_no_exact_value(name):
    with pytest.raises(UsageError, match=f"{name} has no exact value"):
        exactly(name, Fraction(1))


def test_piecewise_linear_ones():
    values = [Fraction(-2), Fraction(0), Fraction(1, 3)]
    assert exactly("identity", *values) == values
    assert exactly("relu", *values) == [0, 0, Fraction(1, 3)]
    assert exactly("leaky-relu", *values) == [Fraction(-1, 50), 0, Fraction(1, 3)]


def test_euaf_at_known_points():
    at = [Fraction(v) for v in ("-3", "-1/2", "0", "1/3", "1", "4/3", "2", "7/2", "1000000000000000000001")]
    assert exactly("euaf", *at) == [Fraction(v) for v in ("-3/4", "-1/3", "0", "1/3", "1", "2/3", "0", "1/2", "1")]


@given(t=rationals)
def test_euaf_is_what_its_paper_says(t):
    expected = abs(t - 2 * ((t + 1) // 2)) if t >= 0 else t / (1 + abs(t))
    assert euaf(t) == expected
    assert abs(float(expected) - Activation("euaf").apply(np.array([float(t)]))[0]) < 1e-14


def test_floats_keep_their_shape_and_kind():
    values = np.array([[-1.5, 0.25], [2.75, 1e9]], dtype=np.float32)
    for name in WITHOUT_KERNEL:
        result = Activation(name).apply(values)
        assert result.dtype == np.float32
        assert result.shape == (2, 2)


@given(index=st.integers(0, 2**130))
def test_the_enumeration_is_one_to_one(index):
    polynomial = StoredPolynomial.at_index(index)
    assert polynomial.index == index
    assert len(polynomial.codes) == 4**polynomial.stage + 1
    assert all(0 <= code < 2 ** (2 * polynomial.stage + 2) for code in polynomial.codes)


def test_stages_follow_each_other():
    last, first = StoredPolynomial.at_index(2**20 - 1), StoredPolynomial.at_index(2**20)
    assert (last.stage, set(last.codes)) == (1, {15})
    assert (first.stage, set(first.codes)) == (2, {0})


@given(codes=st.lists(st.integers(0, 15), min_size=5, max_size=5), x=st.fractions(0, 1, max_denominator=50))
def test_stored_polynomials_are_bernstein_polynomials(codes, x):
    polynomial = StoredPolynomial(1, codes)
    expected = sum(Fraction(code, 16) * comb(4, k) * x**k * (1 - x) ** (4 - k) for k, code in enumerate(codes))
    assert polynomial(x) == expected
    assert universal(2 * polynomial.index + x) == Fraction(1, 2) + expected / 4


@given(t=st.one_of(rationals, st.integers(0, 2**110).map(Fraction)))
def test_universal_is_continuously_differentiable(t):
    start = Fraction(t // 1)
    h = Fraction(1, 10**12)
    left, middle, right = universal(start - h), universal(start), universal(start + h)
    assert abs(left - middle) < 100 * h
    assert abs((right - middle) - (middle - left)) < 10**4 * h * h


@given(index=st.integers(-30, 2**110), x=st.fractions(0, 2, max_denominator=60))
def test_universal_is_sigmoidal(index, x):
    t = 2 * index + x
    value = universal(t)
    if t <= -1:
        assert value == Fraction(1, 4) / abs(t)
    else:
        stage = 0 if t < 0 else StoredPolynomial.at_index(index).stage
        assert abs(1 - value) <= Fraction(3, 2) / 2**stage


def test_bands_of_the_stages_rise_to_one():
    starts = [2 * (1 << StoredPolynomial.total_bits_of(stage)) + 7 for stage in range(1, 5)]
    values = [universal(Fraction(t)) for t in starts]
    assert all(a <= b < 1 for a, b in pairwise(values))
