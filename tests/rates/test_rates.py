"""Rates: fits of what is known, stored networks that keep their errors, exponents where theory has them."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from math import log2

import pytest

from nnapprox.certificate import certify
from nnapprox.constructions import build
from nnapprox.errors import UsageError
from nnapprox.functions import parse
from nnapprox.quantization.grid import round_to_grid
from nnapprox.rates import FAMILIES, measure, rate
from nnapprox.rates.fit import fit


def test_a_line_is_fitted_exactly():
    found = fit([1.0, 2.0, 4.0], [3.0, 1.0, -3.0])
    assert (found.slope, found.intercept, found.half_width) == (-2, 5, 0)
    assert fit([0.0, 1.0], [0.0, 1.0]).half_width is None


def test_the_interval_is_students():
    # slope 0.6, residuals -0.2, 0.6, -0.6, 0.2 over a spread of 5: 4.303 sqrt(0.8 / 2 / 5)
    found = fit([0.0, 1.0, 2.0, 3.0], [0.0, 1.4, 0.8, 2.2])
    assert found.slope == pytest.approx(0.6)
    assert found.half_width == pytest.approx(4.303 * (0.8 / 2 / 5) ** 0.5)


@pytest.mark.parametrize("name", FAMILIES)
def test_every_family_builds_and_its_stored_error_falls(name):
    family = FAMILIES[name]
    points = list(measure(family, list(family.sizes)[:4]))
    assert all(late.error < early.error for early, late in zip(points, points[2:], strict=False))
    for point in points:
        _, certificate = family.build(point.size)
        assert certificate.upper <= point.error <= 2 * certificate.upper
        assert certificate.certified
        assert point.bits <= point.network_bits


def test_stored_errors_hold_against_the_target():
    for point in measure(FAMILIES["square"], [2, 4, 6]):
        network, certificate = FAMILIES["square"].build(point.size)
        stored = round_to_grid(network, point.fractional_bits)
        assert certify(stored, parse("x^2"), certificate.domain).upper <= point.error


def test_a_code_has_a_bit_a_cell():
    for point in measure(FAMILIES["lipschitz-code"], [8, 16, 32]):
        made = build("one-weight", function="sin(3*x)/3", eps=Fraction(1, point.size), lipschitz=1)
        assert point.bits == made.notes["bits of theta"] == point.size - 1
        assert point.error <= Fraction(1, point.size)


def test_exponents_are_those_of_theory():
    spline = rate(list(measure(FAMILIES["spline"], [16, 32, 64, 128])))
    assert 1.5 < -spline.by_bits.slope < 2
    assert -spline.by_length.slope == pytest.approx(2, abs=0.25)
    code = rate(list(measure(FAMILIES["lipschitz-code"], [32, 64, 128])))
    assert -code.by_bits.slope == pytest.approx(1, abs=0.03)
    shallow = rate(list(measure(FAMILIES["sawtooth-shallow"], [4, 6, 8])))
    deep = rate(list(measure(FAMILIES["sawtooth"], [4, 6, 8])))
    assert -shallow.by_bits.slope < 1 < -deep.by_bits.slope
    square = rate(list(measure(FAMILIES["square"], [3, 6, 9, 12])))
    assert square.local[-1] > square.local[0] + 2
    assert square.exponential.slope == pytest.approx(0.5, abs=0.1)


def test_too_few_sizes_have_no_rate():
    with pytest.raises(UsageError, match="at least 3"):
        rate(list(measure(FAMILIES["square"], [2, 3])))


def test_the_constant_of_the_theorem_stays_bounded_over_the_squares():
    points = list(measure(FAMILIES["square"]))
    assert [point.size for point in points] == list(range(2, 13))
    assert all(point.constant < 6 for point in points)
    first = points[0]
    assert first.constant == pytest.approx(first.network_bits / (first.edges * log2(first.edges)))


def test_codes_of_one_bit_and_equal_bits_have_a_rate():
    points = list(measure(FAMILIES["lipschitz-code"], [2, 3, 4]))
    assert [point.bits for point in points] == [1, 2, 3]
    assert rate(points).by_length is None
    assert rate([points[0], points[1], replace(points[2], bits=2)]).local[1] is None


def test_errors_below_all_floats_have_a_rate():
    points = [replace(point, error=point.error / 2**2000) for point in measure(FAMILIES["spline"], [4, 8, 16])]
    assert rate(points).by_bits.slope == pytest.approx(
        rate(list(measure(FAMILIES["spline"], [4, 8, 16]))).by_bits.slope
    )


def test_a_size_that_cannot_be_measured_is_named():
    with pytest.raises(UsageError, match="size 1 cannot"):
        list(measure(replace(FAMILIES["square"], build=_without_error), [1]))


def _without_error(size):
    construction = build("sawtooth", depth=size)
    return construction.network, construction.certificate
