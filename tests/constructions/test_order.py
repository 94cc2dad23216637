"""Maxima, minima, order statistics, norms and payoffs: sizes, exact values, and proofs that can fail."""

from __future__ import annotations

import random
import statistics
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox import Network, calculus
from nnapprox.constructions import build
from nnapprox.constructions.maximum import extremum_network
from nnapprox.constructions.order import order_network
from nnapprox.constructions.proofs import verify_identity
from nnapprox.constructions.sorting import batcher_sort, merges, sorts
from nnapprox.constructions.tournament import settle
from nnapprox.errors import NnapproxError, UsageError

NUMBERS = st.fractions(-9, 9, max_denominator=6)

TREES = {
    2: (1, 3, 7), 3: (2, 8, 20), 4: (2, 9, 23), 5: (3, 16, 40), 6: (3, 17, 44), 7: (3, 20, 52), 8: (3, 21, 55),
    9: (4, 30, 76), 10: (4, 31, 80), 12: (4, 35, 92), 16: (4, 45, 119), 32: (5, 93, 247), 100: (7, 303, 804),
    128: (7, 381, 1015),
}  # fmt: skip
"""By dimension: hidden layers, neurons, nonzero weights."""


@pytest.mark.parametrize("which", ["max", "min"])
@pytest.mark.parametrize("dim", TREES)
def test_sizes_of_tournaments(which, dim):
    network = extremum_network(which, dim)
    hidden, neurons, nonzeros = TREES[dim]
    assert (network.depth - 1, network.neurons) == (hidden, neurons)
    assert network.nonzeros == nonzeros or (which == "min" and network.nonzeros < nonzeros)
    numbers = {w for layer in network.layers for w in layer.weight.flat}
    assert numbers <= {-1, 0, 1}
    assert not any(b for layer in network.layers for b in layer.bias)


@pytest.mark.parametrize(("dim", "neurons", "nonzeros"), [(100, 201, 449), (128, 2 * 127, 9 * 128 // 2 - 4)])
def test_sizes_of_tournaments_of_prices(dim, neurons, nonzeros):
    network = extremum_network("max", dim, nonnegative=True)
    assert (network.neurons, network.nonzeros) == (neurons, nonzeros)


@given(st.lists(NUMBERS, min_size=2, max_size=13))
def test_extrema(point):
    prices = [abs(x) for x in point]
    assert extremum_network("max", len(point))(point)[0] == max(point)
    assert extremum_network("min", len(point))(point)[0] == min(point)
    assert extremum_network("max", len(point), nonnegative=True)(prices)[0] == max(prices)
    assert extremum_network("min", len(point), nonnegative=True)(prices)[0] == min(prices)


def test_a_thousand_numbers_with_ties_and_negatives():
    made = build("max", dim=1000)
    numbers = random.Random(1)
    draws = [[-Fraction(numbers.randrange(1, 50), 7) for _ in range(1000)] for _ in range(3)]
    points = np.array([*draws, [Fraction(-1)] * 1000, [Fraction(5)] * 999 + [Fraction(5)]], dtype=object)
    assert [y for (y,) in made.network(points)] == [max(point) for point in points]
    assert made.network.depth == 11
    assert (made.certificate.kind, made.certificate.value) == ("exact", 0)


def test_the_proof_fails_where_a_weight_is_off():
    network = extremum_network("max", 9)
    for number, layer in enumerate(network.layers):
        weight = layer.weight.copy()
        row, column = np.argwhere(weight)[-1]
        weight[row, column] += Fraction(1, 10**6)
        layers = list(network.layers)
        layers[number] = type(layer)(weight, layer.bias)
        with pytest.raises(NnapproxError, match="normal form"):
            verify_identity(Network(layers), lambda forms: [settle(forms.variables, forms.max)])


def test_prices_are_not_taken_for_any_numbers():
    network = extremum_network("max", 4, nonnegative=True)

    def reference(forms):
        return [settle(forms.variables, forms.max)]

    verify_identity(network, reference, corner=[0, 0, 0, 0])
    with pytest.raises(NnapproxError):
        verify_identity(network, reference)


@pytest.mark.parametrize(("dim", "hidden", "nonzeros"), [(2, (5,), 12), (3, (7, 7, 7), 58), (4, (10, 10, 9), 88)])
def test_sizes_of_sorting_networks(dim, hidden, nonzeros):
    network = build("sort", dim=dim).network
    assert (network.widths[1:-1], network.nonzeros) == (hidden, nonzeros)


def test_the_median_of_three_from_maximum_and_minimum_is_larger_than_that_of_a_sorting_network():
    total = calculus.affine([[1, 1, 1]])
    network = calculus.combine([total, extremum_network("max", 3), extremum_network("min", 3)], [1, -1, -1])
    assert (network.depth, network.widths[1:-1]) == (3, (12, 8))
    assert network.nonzeros <= 52
    ours = build("median", dim=3).network
    assert ours.nonzeros < network.nonzeros
    for point in ([1, 2, 3], [3, 3, 1], [-1, 5, 0], [2, 2, 2]):
        assert ours(point)[0] == network(point)[0] == sorted(point)[1]


@settings(max_examples=50, deadline=None)
@given(st.lists(NUMBERS, min_size=2, max_size=9), st.data())
def test_order_statistics(point, data):
    dim = len(point)
    top = data.draw(st.integers(1, dim))
    assert list(build("sort", dim=dim).network(point)) == sorted(point)
    assert list(build("sort", dim=dim, top=top).network(point)) == sorted(point)[-top:]
    assert build("median", dim=dim).network(point)[0] == statistics.median(point)


def test_order_statistics_need_fewer_neurons_than_all():
    assert build("median", dim=9).network.nonzeros < build("sort", dim=9).network.nonzeros
    assert order_network(8, [0], list).depth == extremum_network("min", 8).depth


@pytest.mark.parametrize("count", [*range(1, 20), 33, 64])
def test_batcher_sorts(count):
    assert sorts(count)
    numbers = random.Random(count).choices(range(-9, 9), k=count)
    assert batcher_sort(numbers, min, max) == sorted(numbers)


@pytest.mark.parametrize("left", range(7))
@pytest.mark.parametrize("right", range(7))
def test_batcher_merges(left, right):
    assert merges(left, right)


def test_the_proof_of_sorting_sees_a_missing_comparator(monkeypatch):
    from nnapprox.constructions import sorting

    monkeypatch.setattr(sorting, "batcher_merge", lambda left, right, low, high: [*left, *right])
    assert not sorts(2)
    assert not merges(3, 2)


@pytest.mark.parametrize("dim", [1, 2, 3, 5, 8])
def test_norms(dim):
    l1, linf = build("l1", dim=dim).network, build("linf", dim=dim).network
    assert (l1.depth, l1.neurons, l1.nonzeros) == (2, 2 * dim, 4 * dim)
    numbers = random.Random(dim)
    for _ in range(20):
        point = [Fraction(numbers.randrange(-9, 10), numbers.randrange(1, 4)) for _ in range(dim)]
        assert l1(point)[0] == sum(map(abs, point))
        assert linf(point)[0] == max(map(abs, point))


def test_linf_is_smaller_than_the_maximum_of_all_signs():
    signs = [[sign * (i == j) for j in range(3)] for i in range(3) for sign in (1, -1)]
    literal = calculus.precompose(extremum_network("max", 6), signs)
    ours = build("linf", dim=3).network
    assert (literal.depth, literal.nonzeros) == (4, 41)
    assert (ours.depth, ours.nonzeros) == (4, 21)


def test_max_call_of_a_hundred_assets():
    network = build("max-call", dim=100, strike="1/2").network
    assert network.widths[1:-1] == (150, 75, 38, 20, 11, 6, 3, 1)
    assert (network.depth, network.nonzeros) == (9, 806)


@given(st.lists(NUMBERS, min_size=2, max_size=6), NUMBERS)
def test_payoffs(point, strike):
    dim, zero = len(point), Fraction(0)
    weights = [Fraction((-1) ** i, i + 1) for i in range(dim)]
    assert build("max-call", dim=dim, strike=strike).network(point)[0] == max(max(point) - strike, zero)
    assert build("worst-of", dim=dim, strike=strike).network(point)[0] == max(min(point) - strike, zero)
    basket = sum(w * x for w, x in zip(weights, point, strict=True))
    assert build("basket-call", weights=weights, strike=strike).network(point)[0] == max(basket - strike, zero)
    assert build("spread-call", strike=strike).network(point[:2])[0] == max(point[0] - point[1] - strike, zero)


def test_sizes_of_payoffs():
    assert build("basket-call", weights="1/2,1/4,1/4", strike=1).network.nonzeros == 5
    assert build("spread-call", strike="1/2").network.nonzeros == 4


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("max", {"dim": 1}, "--dim must be at least 2"),
        ("max", {"dim": 10**9}, "needs more memory"),
        ("sort", {"dim": 10**6}, "needs more memory"),
        ("sort", {"dim": 4, "top": 5}, "--top must be at most --dim"),
        ("l1", {"dim": 10**7}, "needs more memory"),
        ("max-call", {"dim": 10**9, "strike": 1}, "needs more memory"),
    ],
)
def test_refused(name, options, said):
    with pytest.raises(UsageError, match=said):
        build(name, **options)
