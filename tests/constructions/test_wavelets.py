"""Splines, wavelets, ridgelets and shearlets."""

from __future__ import annotations

import itertools
from fractions import Fraction
from math import comb, factorial

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox import calculus
from nnapprox.certificate import certify
from nnapprox.constructions import build
from nnapprox.constructions.spline_wavelets import hat_wavelet_points, wavelet_mask
from nnapprox.constructions.splines import b_spline_network
from nnapprox.constructions.square import square_on
from nnapprox.errors import UsageError

NUMBERS = st.fractions(-3, 3, max_denominator=12)


def b_spline(order, x):
    """From its definition, with truncated powers."""
    powers = ((-1) ** i * comb(order, i) * max(x - i, Fraction(0)) ** (order - 1) for i in range(order + 1))
    return sum(powers) / Fraction(factorial(order - 1))


def psi(dual, x):
    """The wavelet of hats, by its mask."""
    return sum(g * max(1 - abs(2 * x - k), Fraction(0)) for k, g in wavelet_mask(2, dual).items())


@pytest.mark.parametrize("ramp", ["1/16", "1/5", "499/1000"])
@pytest.mark.parametrize(("scale", "shift"), [(0, 0), (3, 2), (-2, 1), (5, -3)])
def test_haar(ramp, scale, shift):
    made = build("haar", ramp=ramp, scale=scale, shift=shift)
    squared = Fraction(ramp) / 2 / Fraction(2) ** scale
    assert made.certificate.norm == "L2"
    assert made.certificate.lower**2 <= squared <= made.certificate.upper**2
    assert made.network.neurons == 6
    assert made.network.nonzeros <= 18
    assert made.network.max_weight == max(
        2 / Fraction(ramp) * Fraction(2) ** scale, *map(abs, made.network.layers[0].bias), 1
    )


def test_size_of_haar():
    network = build("haar", ramp="1/16").network
    assert (network.neurons, network.nonzeros, network.max_weight) == (6, 18, 32)


@pytest.mark.parametrize("order", [2, 3, 4, 5, 6])
def test_b_splines(order):
    made = build("b-spline", order=order, depth=4)
    bound = made.theorem.bound
    assert made.certificate.upper <= bound * (1 + Fraction(1, 10**6))
    for k in range(-8, 8 * order + 9):
        x = Fraction(k, 8)
        assert abs(made.network([x])[0] - b_spline(order, x)) <= made.certificate.upper
        assert made.target.at([x]) == b_spline(order, x)
        if not 0 < x < order:
            assert made.network([x])[0] == 0


def test_the_hat_is_exact_and_needs_no_depth():
    made = build("b-spline", order=2)
    assert (made.network.nonzeros, made.certificate.value) == (8, 0)


@pytest.mark.parametrize("depth", range(1, 8))
def test_the_error_of_the_quadratic_b_spline(depth):
    made = build("b-spline", order=3, depth=depth)
    assert made.certificate.value == Fraction(9, 8) / 4 ** (depth + 1)


def test_the_quadratic_b_spline_of_one_sided_powers_errs_more():
    whole = square_on(Fraction(0), Fraction(3), 5)
    powers = [calculus.compose(whole, calculus.restrict(calculus.affine([[1]], [-i]), [(i, i + 10)])) for i in range(3)]
    literal = calculus.combine(powers, [Fraction(1, 2), Fraction(-3, 2), Fraction(3, 2)])
    target = build("b-spline", order=3, depth=1).target
    error = certify(literal, target, ((Fraction(0), Fraction(3)),)).upper
    assert error == Fraction(16, 4**6)
    assert error <= Fraction(18, 4**6)
    assert build("b-spline", order=3, depth=5).certificate.upper < error / 14


@pytest.mark.parametrize("eps", ["1/10", "1/1000", "1e-4"])
def test_eps_is_met(eps):
    assert build("b-spline", order=3, eps=eps).certificate.upper <= Fraction(eps)
    assert build("spline-wavelet", order=3, dual=1, eps=eps).certificate.upper <= Fraction(eps)
    assert build("shearlet", scale=1, eps=eps).certificate.upper <= Fraction(eps)


def test_masks():
    assert wavelet_mask(1, 1) == {0: 1, 1: -1} or wavelet_mask(1, 1) == {0: -1, 1: 1}
    quarters = {-1: -1, 0: -2, 1: 6, 2: -2, 3: -1}
    assert wavelet_mask(2, 2) == {k: Fraction(g, 4) for k, g in quarters.items()}


@pytest.mark.parametrize(("order", "dual"), [(2, 2), (2, 4), (2, 6), (3, 1), (3, 3), (4, 2), (4, 4), (5, 5)])
def test_vanishing_moments(order, dual):
    mask = wavelet_mask(order, dual)
    assert all(sum(g * k**power for k, g in mask.items()) == 0 for power in range(dual))
    assert sum(g * k**dual for k, g in mask.items()) != 0


@pytest.mark.parametrize("dual", [2, 4, 6])
def test_wavelets_of_hats_are_exact(dual):
    made = build("spline-wavelet", dual=dual)
    assert (made.certificate.kind, made.certificate.value) == ("exact", 0)
    assert made.network.neurons <= len(hat_wavelet_points(dual)) == 2 * dual + 3
    for k in range(-40, 41):
        x = Fraction(k, 8)
        assert made.network([x])[0] == psi(dual, x)


@pytest.mark.parametrize(("order", "dual"), [(3, 1), (3, 3), (4, 2)])
def test_wavelets_of_splines(order, dual):
    made = build("spline-wavelet", order=order, dual=dual, depth=3)
    assert made.certificate.upper <= made.theorem.bound
    mask = wavelet_mask(order, dual)
    for k in range(-24, 33):
        x = Fraction(k, 8)
        value = sum(g * b_spline(order, 2 * x - k + order // 2) for k, g in mask.items())
        assert made.target.at([x]) == value
        assert abs(made.network([x])[0] - value) <= made.certificate.upper


@settings(max_examples=40)
@given(
    st.lists(NUMBERS, min_size=1, max_size=4),
    st.fractions(Fraction(1, 8), 4),
    NUMBERS,
    st.sampled_from([2, 4]),
    st.data(),
)
def test_ridgelets(direction, scale, shift, dual, data):
    if not any(direction):
        direction[0] = Fraction(1)
    made = build("ridgelet", direction=direction, scale=scale, shift=shift, dual=dual)
    point = [data.draw(NUMBERS) for _ in direction]
    along = (sum(a * x for a, x in zip(direction, point, strict=True)) - shift) / scale
    assert made.network(point)[0] == psi(dual, along) == made.target.at(point)
    assert (made.certificate.kind, made.certificate.value) == ("exact", 0)
    kinks = made.network.widths[2]
    assert made.network.nonzeros <= 3 * kinks + len(direction) + 1


@pytest.mark.parametrize("depth", [1, 3, 5])
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("shearlet", {"scale": 0}),
        ("shearlet", {"scale": 3, "shear": -2, "shift": "1,1/2"}),
        ("curvelet", {"scale": 2, "half_tangent": "1/2", "shift": "-1,3"}),
    ],
)
def test_shearlets_and_curvelets(name, options, depth):
    made = build(name, depth=depth, **options)
    assert made.certificate.value == Fraction(3, 2) / 4 ** (depth + 1)
    (left, right), (low, high) = made.certificate.domain
    for i in range(-1, 12):
        for j in range(-1, 12):
            point = [left + (right - left) * Fraction(i, 10), low + (high - low) * Fraction(j, 10)]
            error = abs(made.network(point)[0] - made.target.at(point))
            assert error <= made.certificate.value
            if not (0 <= i <= 10 and 0 <= j <= 10):
                assert made.network(point)[0] == made.target.at(point) == 0


def test_cells_find_the_error_of_a_shearlet():
    made = build("shearlet", scale=0, depth=1)
    middle = ((Fraction(0), Fraction(1, 2)), (Fraction(-1), Fraction(0)))
    assert certify(made.network, made.target, middle).value == made.certificate.value


def test_all_scales_take_as_many_weights():
    sizes = {build("shearlet", scale=j, shear=1, shift="1,1", depth=4).network.nonzeros for j in range(6)}
    assert len(sizes) == 1
    weights = [build("shearlet", scale=j, depth=4).network.max_weight for j in range(1, 6)]
    assert all(after <= 4 * before for before, after in itertools.pairwise(weights))


def test_networks_of_splines_share_the_distance():
    assert b_spline_network(4, 3).widths[:3] == (1, 2, 2)


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("haar", {"ramp": "1/2"}, "--ramp must be below 1/2"),
        ("b-spline", {"order": 1}, "--order must be at least 2"),
        ("b-spline", {"order": 3}, "give --depth or --eps"),
        ("b-spline", {"order": 3, "depth": 10**9}, "--depth must be at most"),
        ("spline-wavelet", {"order": 2, "dual": 3}, "both even or both odd"),
        ("ridgelet", {"direction": "0,0"}, "--direction must not be zero"),
        ("ridgelet", {"direction": "1,0", "dual": 3}, "--dual must be even"),
        ("shearlet", {"scale": 1, "shift": "1", "depth": 3}, "--shift needs two numbers"),
        ("curvelet", {"scale": 1, "depth": 10**9}, "--depth must be at most"),
    ],
)
def test_refused(name, options, said):
    with pytest.raises(UsageError, match=said):
        build(name, **options)
