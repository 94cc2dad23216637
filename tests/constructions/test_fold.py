"""Folding: as many regions as copies of the cube."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox import constructions
from nnapprox.constructions.fold import certify_zigzag, zigzag_network
from nnapprox.errors import UsageError
from nnapprox.regions.line import line_pieces

SIZES = [(2, 1), (2, 4), (3, 3), (5, 2), (4, 1)]


def tri(t):
    return abs(t - 2 * ((t + 1) // 2))


@pytest.mark.parametrize(("pieces", "layers"), SIZES)
def test_one_coordinate(pieces, layers):
    network = zigzag_network(pieces, layers)
    assert network.depth == layers + 1
    assert network.widths == (1, *[pieces] * layers, 1)
    assert network.nonzeros == 3 * pieces - 1 + (layers - 1) * (pieces**2 + pieces - 1)
    counted = line_pieces(network, Fraction(0), Fraction(1))
    assert counted.activation_regions == counted.linear_regions == pieces**layers


@given(size=st.sampled_from(SIZES), dim=st.integers(1, 3), data=st.data())
def test_the_network_is_the_sum_of_zigzags(size, dim, data):
    pieces, layers = size
    made = constructions.build("fold", dim=dim, pieces=pieces, layers=layers)
    point = data.draw(st.lists(st.fractions(0, 1, max_denominator=99), min_size=dim, max_size=dim))
    expected = sum(i * tri(pieces**layers * x) for i, x in enumerate(point, start=1))
    assert made.network(point)[0] == expected == made.target.at(point)


@pytest.mark.parametrize(("dim", "pieces", "layers"), [(1, 3, 2), (2, 3, 2), (3, 2, 2)])
def test_what_is_certified(dim, pieces, layers):
    made = constructions.build("fold", dim=dim, pieces=pieces, layers=layers)
    assert (made.certificate.kind, made.certificate.upper) == ("exact", 0)
    assert made.notes["linear regions"] == pieces ** (dim * layers)
    assert made.network.widths == (dim, *[dim * pieces] * layers, 1)


def test_regions_are_as_many_as_cells():
    """The gradients on all cells of the 9 x 9 grid differ from those of their neighbours."""
    network = constructions.build("fold", dim=2, pieces=3, layers=2).network
    h = Fraction(1, 1000)
    gradients = {}
    for i, j in itertools.product(range(9), repeat=2):
        x, y = Fraction(2 * i + 1, 18), Fraction(2 * j + 1, 18)
        (middle,), (right,), (up,) = network([[x, y], [x + h, y], [x, y + h]])
        gradients[i, j] = ((right - middle) / h, (up - middle) / h)
    assert all(gradients[i, j][0] == (-1) ** i * 9 and gradients[i, j][1] == (-1) ** j * 18 for i, j in gradients)


def test_many_pieces_are_proved_by_induction():
    made = constructions.build("fold", dim=2, pieces=4, layers=40)
    assert (made.certificate.kind, made.certificate.upper) == ("exact", 0)
    assert "induction" in made.certificate.source
    with pytest.raises(UsageError, match="not the zigzag"):
        certify_zigzag(zigzag_network(4, 39), 4, 40)


def test_bad_sizes():
    for options in ({"dim": 0, "pieces": 2, "layers": 1}, {"dim": 1, "pieces": 1, "layers": 1}):
        with pytest.raises(UsageError, match="at least"):
            constructions.build("fold", **options)
    with pytest.raises(UsageError, match="--layers"):
        constructions.build("fold", dim=10, pieces=10, layers=10**7)
