from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox import Affine, Network
from nnapprox.errors import UsageError
from nnapprox.regions.count import counts, slice_counts
from nnapprox.regions.slices import box, restrict
from tests.strategies import PIECEWISE_LINEAR, POINTS, networks


@st.composite
def slices(draw):
    network = draw(networks(activations=PIECEWISE_LINEAR))
    count = draw(st.integers(2, 3))
    points = draw(st.lists(st.lists(POINTS, min_size=network.widths[0], max_size=network.widths[0]),
                           min_size=count, max_size=count))  # fmt: skip
    return network, points


def restricted(network, points):
    try:
        return restrict(network, points)
    except UsageError:
        assert np.linalg.matrix_rank(np.array([[float(x - y) for x, y in zip(p, points[0], strict=True)]
                                               for p in points[1:]])) < len(points) - 1  # fmt: skip
        return None


@settings(max_examples=60)
@given(slices(), POINTS, POINTS)
def test_a_slice_has_the_values_of_the_network(made, s, t):
    network, points = made
    if (short := restricted(network, points)) is None:
        return
    place = (s, t)[: len(points) - 1]
    start, *others = points
    x = [a + sum(c * (p[i] - a) for c, p in zip(place, others, strict=True)) for i, a in enumerate(start)]
    assert (short(list(place)) == network.astype("rational")(x)).all()


@settings(max_examples=60)
@given(slices())
def test_a_line_in_integers_is_the_restricted_network(made):
    network, points = made
    if (short := restricted(network, points[:2])) is None:
        return
    one, other = list(slice_counts(network, points[:2], box(2)))[-1], list(counts(short, box(2)))[-1]
    numbers = ("activation_regions", "linear_regions", "distinct_affine_maps", "complete")
    *_, alone = slice_counts(network, points[:2], box(2), activation_only=True)
    assert (alone.activation_regions, alone.linear_regions) == (one.activation_regions, None)
    assert all(getattr(one, name) == getattr(other, name) for name in numbers)


@pytest.mark.parametrize("numbers", [[1e-300, 1e300, 5e-324], [0.0, 0.0, 0.0], [0.1, 2.0**-1074, -0.3]])
def test_floats_of_all_sizes_are_the_rationals_that_they_are(numbers):
    network = Network([Affine(np.array([numbers]), np.array([0.1]))])
    points = [[F(1, 3)] * 3, [F(1), F(2), F(3)]]
    assert (restrict(network, points)([1]) == network.astype("rational")(points[1])).all()


@pytest.mark.parametrize(
    "points", [[[0, 0]] * 2, [[0, 0], [1, 2], [2, 4]], [[0, 0], [1, 2], [1, 2]], [[0, 0]], [[1], [2]]]
)
def test_no_slice(points):
    network = Network([Affine([[1, 2]], [0])])
    with pytest.raises(UsageError):
        restrict(network, points)
