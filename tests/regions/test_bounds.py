"""Bounds from widths: published figures, orders that must hold, and counts of networks."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox.errors import UsageError
from nnapprox.regions import bounds


def test_published_figures():
    widths = (3, 6, 4, 6, 1)
    assert bounds.montufar2014_lower(widths) == 336
    assert bounds.serra2018_upper(widths) == 15_540
    assert bounds.montufar2017_upper(widths) == 26_460


@given(st.integers(1, 5), st.integers(1, 12))
def test_one_layer_is_an_arrangement(inputs, neurons):
    """Brute force over sign patterns that a general arrangement has: Zaslavsky's recursion r(n, d)."""

    def recursion(n, d):
        return 1 if n == 0 or d == 0 else recursion(n - 1, d) + recursion(n - 1, d - 1)

    expected = recursion(neurons, inputs)
    for upper in (bounds.serra2018_upper, bounds.montufar2017_upper, bounds.raghu2017_upper):
        assert upper((inputs, neurons, 1)) == expected


def histogram_upper(widths):
    """Serra's bound as Hinz and van de Geer (2019) write it: histograms of dimensions, layer by layer."""
    inputs, *hidden = widths[:-1]
    histogram = {inputs: 1}
    for n in hidden:
        following = {}
        for dimension, count in histogram.items():
            for inactive in range(min(dimension, n) + 1):
                left = min(dimension, n - inactive)
                ways = len(list(itertools.combinations(range(n), inactive)))
                following[left] = following.get(left, 0) + count * ways
        histogram = following
    return sum(histogram.values())


@given(st.lists(st.integers(1, 7), min_size=2, max_size=5))
def test_upper_bounds_are_in_order(widths):
    widths = (*widths, 1)
    serra = bounds.serra2018_upper(widths)
    assert serra == histogram_upper(widths)
    assert serra <= bounds.montufar2017_upper(widths) <= bounds.raghu2017_upper(widths)
    for lower in (bounds.montufar2014_lower, bounds.serra2018_lower, bounds.arora2018_lower):
        below = lower(widths)
        assert below is None or 1 <= below <= serra


@given(st.lists(st.integers(1, 6), min_size=1, max_size=4))
def test_of_one_variable_the_maximum_is_known(hidden):
    """prod (n_l + 1), which Serra's bounds both give for n_l >= 3."""
    widths = (1, *hidden, 1)
    pieces = 1
    for n in hidden:
        pieces *= n + 1
    assert bounds.raghu2017_upper(widths) == pieces
    if min(hidden) >= 3:
        assert bounds.serra2018_lower(widths) == pieces


def test_density_of_regions():
    assert bounds.hanin_rolnick_density((2, 3, 3, 1)) == Fraction(36, 2)
    assert bounds.hanin_rolnick_density((4, 3, 1)) is None


@pytest.mark.parametrize("widths", [(), (3,), (2, 0, 1), (-1, 2, 1)])
def test_widths_that_are_none(widths):
    with pytest.raises(UsageError, match="widths"):
        bounds.all_bounds(widths)
