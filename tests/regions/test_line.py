from fractions import Fraction
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox import Affine, Network, calculus
from nnapprox.errors import UsageError
from nnapprox.regions import line
from nnapprox.regions.line import line_pieces
from tests import line_reference as reference
from tests.strategies import POINTS, line_networks

HALF = Fraction(1, 2)


def sawtooth(depth, outer=True):
    """g composed with itself; with an outer ReLU it is right on all of R."""
    first, middle = Affine([[1], [1]], [0, -HALF]), Affine([[2, -4], [2, -4]], [0, -HALF])
    ends = [Affine([[2, -4]], [0]), *([Affine([[1]], [0])] if outer else [])]
    return Network([first, *[middle] * (depth - 1), *ends])


def shallow(slopes, knots, jumps, activation="relu"):
    return Network(
        [Affine([[s] for s in slopes], [-s * k for s, k in zip(slopes, knots, strict=True)]), Affine([jumps], [0])],
        activation,
    )


def counts(pieces):
    return pieces.activation_regions, pieces.linear_regions, pieces.distinct_affine_maps


@given(line_networks(), POINTS, st.fractions(Fraction(1, 100), 20, max_denominator=100))
def test_pieces_of_an_interval(network, low, length):
    found, expected = line_pieces(network, low, low + length), reference.pieces(network, low, low + length)
    assert counts(found) == reference.counts(expected)
    assert found.knots == reference.knots(expected)
    at_knots = [reference.evaluate(network, [x]) for x in found.knots]
    assert [found.values(k) for k in range(network.widths[-1])] == [
        list(column) for column in zip(*at_knots, strict=True)
    ]


@given(line_networks(), POINTS)
def test_pieces_of_the_whole_line_and_its_halves(network, end):
    for low, high in [(None, None), (end, None), (None, end)]:
        found, expected = line_pieces(network, low, high), reference.pieces(network, low, high)
        assert counts(found) == reference.counts(expected)
        finite = [x for x in reference.knots(expected) if x is not None]
        inner = found.rows[slice(low is None, len(found.rows) - (high is None))]
        assert [Fraction(int(row[0]), int(row[-1])) for row in inner] == finite


@given(line_networks())
def test_slopes_stand_in_the_rows_at_infinity(network):
    found, expected = line_pieces(network), reference.pieces(network, None, None)
    for row, piece in ((found.rows[0], expected[0]), (found.rows[-1], expected[-1])):
        assert row[-1] == 0
        assert tuple(Fraction(int(y), int(row[0])) for y in row[1:-1]) == piece.slopes


@given(line_networks())
def test_merging_leaves_the_function_as_it_is(network):
    found = line_pieces(network, Fraction(-3), Fraction(3))
    merged = found.merged()
    assert counts(merged) == (found.linear_regions, found.linear_regions, found.distinct_affine_maps)
    values = dict(zip(found.knots, found.values(), strict=True))
    assert all(values[x] == y for x, y in zip(merged.knots, merged.values(), strict=True))


@given(line_networks(dtypes=("float32", "float64")))
def test_floats_are_the_dyadic_rationals_they_are(network):
    exact = network.astype("rational")
    assert (line_pieces(network).rows == line_pieces(exact).rows).all()


@pytest.mark.parametrize("depth", [1, 2, 5, 12])
def test_sawtooth(depth):
    teeth = 2**depth
    assert counts(line_pieces(sawtooth(depth), Fraction(0), Fraction(1))) == (teeth,) * 3 if depth > 1 else (2, 2, 2)
    # Outside of [0, 1] it is 0 on either side: two pieces that do not touch and share a map.
    assert counts(line_pieces(sawtooth(depth))) == (teeth + 2, teeth + 2, teeth + 1)
    assert counts(line_pieces(sawtooth(depth), Fraction(-1), Fraction(2))) == (teeth + 2, teeth + 2, teeth + 1)


def test_takagi_merges_what_it_does_not_bend():
    """x + ... of T_2 with ratio 1/4: the partial sums bend at some of the activations' cuts only."""
    tooth = sawtooth(1, outer=False)
    twice = calculus.compose(tooth, tooth)
    network = calculus.combine([tooth, twice], [HALF, Fraction(1, 4)])
    assert counts(line_pieces(network, Fraction(0), Fraction(1))) == (4, 3, 3)


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (shallow([1, 2, -3], [0, 0, 0], [1, 1, 1]), (2, 2, 2)),
        (shallow([0, 0], [1, 2], [1, 1]), (1, 1, 1)),
        (shallow([1, 1], [0, 0], [1, -1]), (2, 1, 1)),
        (shallow([1, -1], [0, 0], [1, -1]), (2, 1, 1)),
        (shallow(range(1, 9), range(8), [1] * 8), (9, 9, 9)),
        (shallow([1], [0], [1], "identity"), (1, 1, 1)),
        (Network([Affine([[2]], [1])]), (1, 1, 1)),
        (Network([Affine([[2], [0]], [1, 5])]), (1, 1, 1)),
    ],
    ids=["concurrent", "constant", "cancelling", "the identity", "general", "no activation", "affine", "two outputs"],
)
def test_known_counts_on_the_whole_line(network, expected):
    assert counts(line_pieces(network)) == expected


def test_a_neuron_that_is_zero_on_an_interval_is_inactive_there():
    """relu(relu(x) - relu(x)) is never active, and relu(relu(x)) does not change its state within x < 0."""
    never = Network([Affine([[1], [1]], [0, 0]), Affine([[1, -1]], [0]), Affine([[1]], [0])])
    after = Network([Affine([[1]], [0]), Affine([[1]], [0]), Affine([[1]], [0])])
    assert counts(line_pieces(never)) == (2, 1, 1)
    assert counts(line_pieces(after)) == (2, 2, 2)


def test_a_line_that_touches_an_end_cuts_nothing():
    network = shallow([1, 1], [0, 1], [1, 1])
    assert counts(line_pieces(network, Fraction(0), Fraction(1))) == (1, 1, 1)


def test_knots_closer_than_floating_point_tells():
    """Both orders, so that the one that floating point keeps is wrong once."""
    near = [Fraction(1, 3) + Fraction(k, 10**40) for k in (2, 0, 3, 1)]
    for knots in (near, near[::-1]):
        found = line_pieces(shallow([1] * 4, knots, [1] * 4), Fraction(0), Fraction(1))
        assert found.knots == [0, *sorted(near), 1]


def test_floats_whose_sum_is_not_rounded():
    """0.1 + 0.2 and 0.3 are two knots."""
    network = Network(
        [Affine(np.array([[1.0], [1.0]]), np.array([-(0.1 + 0.2), -0.3])), Affine(np.ones((1, 2)), np.zeros(1))]
    )
    assert line_pieces(network).activation_regions == 3


@pytest.mark.parametrize("size", [10**9, 10**10, 2**62, 2**63 - 1, 2**63, 10**40, 10**400])
def test_numbers_on_both_sides_of_64_bits(size):
    network = shallow([size, 1, -size], [size, -1, Fraction(1, size)], [1, size, Fraction(1, size)])
    expected = reference.pieces(network, None, None)
    found = line_pieces(network)
    assert counts(found) == reference.counts(expected)
    assert [Fraction(int(row[0]), int(row[-1])) for row in found.rows[1:-1]] == reference.knots(expected)[1:-1]


@pytest.mark.parametrize("bits", range(44, 60, 2))
def test_overflow_on_the_way_to_values_that_fit(bits):
    """All 256 kinks are convex: their sum over all pieces overflows long before the slopes of a piece do."""
    *layers, last = sawtooth(8, outer=False).layers
    network = Network([*layers, Affine(last.weight, [-HALF]), Affine([[2**bits]], [1])])
    found = line_pieces(network, Fraction(0), Fraction(1))
    assert found.activation_regions == 2**9
    assert found.values() == [reference.evaluate(network, [x])[0] for x in found.knots]


def test_wide_layers_cost_what_their_cuts_cost():
    """A million pairs of neuron and piece each in two layers, which neither time nor memory notice."""
    count = 2**12
    jumps = [count, *((-1) ** k * 2 * count for k in range(1, count))]
    network = shallow([1] * count, [Fraction(k, count) for k in range(count)], jumps)
    found = line_pieces(network, Fraction(0), Fraction(1))
    assert counts(found) == (count,) * 3
    assert set(found.values()) == {0, 1}


def test_too_many_pieces():
    with pytest.raises(UsageError, match=r"512 pieces or more.*smaller interval"):
        line_pieces(sawtooth(40, outer=False), Fraction(0), Fraction(1), most=2**9)
    assert line_pieces(sawtooth(40, outer=False), Fraction(0), Fraction(1, 2**36)).activation_regions == 16


@pytest.mark.parametrize(
    ("network", "ends", "message"),
    [
        (Network([Affine([[1, 1]], [0])]), (Fraction(0), Fraction(1)), "one variable"),
        (Network([Affine([[1]], [0]), Affine([[1]], [0])], "tanh"), (Fraction(0), Fraction(1)), "not piecewise linear"),
        (sawtooth(1), (Fraction(1), Fraction(1)), "empty"),
        (sawtooth(1), (Fraction(2), Fraction(1)), "empty"),
    ],
)
def test_what_has_no_pieces(network, ends, message):
    with pytest.raises(UsageError, match=message):
        line_pieces(network, *ends)


@given(st.data())
def test_points_are_sorted_exactly(data):
    count = data.draw(st.integers(1, 12))
    place = np.array(data.draw(st.lists(st.integers(0, 3), min_size=count, max_size=count)))
    number = st.fractions(-2, 2, max_denominator=3) | st.integers(-3, 3).map(lambda k: HALF + Fraction(k, 10**30))
    points = data.draw(st.lists(number, min_size=count, max_size=count))
    columns = np.array([[x.numerator for x in points], [x.denominator for x in points]], dtype=object)
    order, is_new = line.sorted_points(place, columns)
    keys = [(place[k], points[k]) for k in order]
    assert sorted(order) == list(range(count))
    assert keys == sorted(keys)
    assert list(is_new) == [True, *(a != b for a, b in pairwise(keys))]
