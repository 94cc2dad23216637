"""All counts against the referee, and against closed forms."""

import itertools
import random
from fractions import Fraction as F
from math import comb

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nnapprox.activation import Activation
from nnapprox.calculus import affine, compose, parallel
from nnapprox.network import Affine, Network
from nnapprox.regions import space
from nnapprox.regions.line import line_pieces
from nnapprox.regions.plane import count_plane
from nnapprox.regions.polytope import Polytope
from nnapprox.regions.stand_in import counts
from tests.regions import referee as independent
from tests.regions.adversarial import dependent_layers
from tests.regions.referee import box, interior, referee
from tests.regions.test_cells import folded, sawtooth, shallow, zigzag

WIDE = (F(-(10**6)), F(10**6))
UNIT = (F(0), F(1))


def three_numbers(network, domain):
    *_, last = counts(network, domain)
    return last.activation_regions, last.linear_regions, last.distinct_affine_maps


def on_line(network, low, high):
    pieces = line_pieces(network, F(low), F(high))
    return pieces.activation_regions, pieces.linear_regions, pieces.distinct_affine_maps


def adversarial(seed):
    """Neurons that vanish together, twice or always, cancel in what follows, or only touch a domain with corners."""
    choose = random.Random(seed)
    inputs, depth = choose.choice([1, 2, 2, 3, 3, 4]), choose.randint(1, 5)
    most = (6, 5, 4, 3)[inputs - 1] + (depth < 3)
    widths = [inputs, *(choose.randint(1, most) for _ in range(depth)), choose.randint(1, 2)]
    number = choose.choice(
        [
            lambda: F(choose.randint(-1, 1)),
            lambda: F(choose.randint(-2, 2)),
            lambda: F(choose.randint(-8, 8), 2 ** choose.randint(0, 3)),
            lambda: F(choose.randint(-9, 9), choose.randint(1, 5)),
            lambda: F(choose.gauss(0, 1)),
        ]
    )
    slopes = [Activation("leaky-relu", slope) for slope in (None, F(-1), 2, 1)]
    bounds = choose.choice([[(0, 1)], [(-1, 1)], [(F(-1, 3), F(5, 2))]]) * inputs
    rows, domain = box(bounds), Polytope.box(bounds)
    for _ in range(choose.choice([0, 0, 1, 2])):
        normal = [choose.randint(-1, 1) for _ in range(inputs)]
        if any(normal):
            offset = sum(n * x for n, x in zip(normal, domain.centre, strict=True)) + F(choose.randint(0, 3), 4)
            rows.append([*(-n for n in normal), offset])
            domain = domain.cut(normal, offset)
    return (
        Network(dependent_layers(choose, widths, number), choose.choice([Activation("relu")] * 6 + slopes)),
        domain,
        rows,
    )


@given(st.integers(0, 10**9))
@settings(max_examples=max(600, settings().max_examples))
def test_all_counts_are_those_of_the_referee(seed):
    network, domain, rows = adversarial(seed)
    expected = referee(network, rows)
    assert three_numbers(network, domain) == expected
    if domain.dimension == 1:
        (low,), (high,) = sorted(domain.points)
        assert on_line(network, low, high) == expected
    if domain.dimension == 2:
        told = count_plane(network, domain)
        assert (told.activation_regions, told.linear_regions, told.distinct_affine_maps) == expected
    if domain.dimension > 2:
        *_, told = space.counts(network, domain)
        assert (told.activation_regions, told.linear_regions, told.distinct_affine_maps) == expected


@given(st.integers(0, 10**9))
@settings(max_examples=40)
def test_the_referees_cells_have_the_states_it_says(seed):
    """And from every cell that it finds, a point of it."""
    network, _, rows = adversarial(seed)
    assume(not network.is_affine)  # neurons without kinks have no states
    found = list(independent._search(network, [independent.integers(row) for row in rows]))
    assert len({tuple(states) for states, _, _ in found}) == len(found)
    for states, forms, _ in found:
        inside = interior([*(independent.integers(row) for row in rows), *independent._signed(states, forms)])
        assert independent.contains(network, inside, states)


@pytest.mark.parametrize(
    ("rows", "has_interior"),
    [
        ([(1, 0), (-1, 1)], True),
        ([(1, 0), (-1, 0)], False),  # a point
        ([(1, -1), (-1, 0)], False),  # empty
        ([(1, 0, 0), (0, 1, 0), (-1, -1, 1)], True),
        ([(1, 0, 0), (0, 1, 0), (-1, -1, 0)], False),
        ([(1, 1, -2), (-1, 0, 1), (0, -1, 1), (1, 0, 0), (0, 1, 0)], False),  # a corner
        ([(5,)], True),
        ([(5,), (-1,)], False),
    ],
)
def test_linear_programs(rows, has_interior):
    assert (interior(rows) is not None) == has_interior


def net(hidden, outputs):
    return Network([Affine([r[:-1] for r in hidden], [r[-1] for r in hidden]), Affine([outputs], [0])])


@pytest.mark.parametrize(
    ("network", "expected"),
    [
        (shallow([(1, 0, 0), (0, 1, 0), (1, 1, 0)]), (6, 6, 6)),  # three lines through a point
        (net([(1, 0, 0), (2, 0, 0), (-3, 0, 0)], [1, 1, 1]), (2, 2, 2)),  # one line, three times
        (net([(1, 0, 0), (2, 0, 0)], [2, -1]), (2, 1, 1)),  # they cancel
        (net([(1, 0, 0), (-1, 0, 0)], [1, -1]), (2, 1, 1)),  # x as a difference: a kink that is none
        (net([(1, 0, 0), (-1, 0, 0)], [1, 1]), (2, 2, 2)),
        (shallow([(k, 1, 0) for k in range(7)] + [(1, 0, 0)]), (16, 16, 16)),  # a pencil
        (shallow([(0, 0, 0), (0, 0, 3), (0, 0, -3)]), (1, 1, 1)),  # neurons without weights
        (net([(1, 0, 0), (1, 0, -1), (1, 0, -2)], [1, -2, 1]), (4, 4, 3)),  # a hat: 0 on both sides
        (net([(1, 0, 0), (0, 1, 0)], [1, 0]), (4, 2, 2)),  # a neuron that is not used
        (net([(1, 0, -1), (0, 1, -1), (1, 1, -2)], [0, 0, 0]), (6, 1, 1)),
    ],
)
def test_special_positions(network, expected):
    bounds = [(-4, 4)] * 2
    assert referee(network, box(bounds)) == three_numbers(network, bounds) == expected


@pytest.mark.parametrize(("dimension", "neurons"), [(1, 9), (2, 6), (3, 5), (4, 5), (5, 5)])
def test_planes_in_general_position(dimension, neurons):
    choose = random.Random(dimension)
    planes = [[choose.randint(-1000, 1000) for _ in range(dimension + 1)] for _ in range(neurons)]
    expected = sum(comb(neurons, j) for j in range(dimension + 1))
    bounds = [WIDE] * dimension
    assert three_numbers(shallow(planes), bounds) == (expected,) * 3
    assert referee(shallow(planes), box(bounds)) == (expected,) * 3


def test_the_sawtooth():
    for depth in range(2, 21):
        assert on_line(sawtooth(depth), -1, 2) == (2**depth + 2, 2**depth + 2, 2**depth + 1)
    for depth in (2, 3, 8):
        expected = (2**depth + 2, 2**depth + 2, 2**depth + 1)
        assert three_numbers(sawtooth(depth), [(-1, 2)]) == expected
        assert three_numbers(compose(sawtooth(depth), affine([[1, 0]])), [(-1, 2), UNIT]) == expected
    assert referee(sawtooth(4), box([(-1, 2)])) == (18, 18, 17)


@pytest.mark.parametrize(("dimension", "pieces", "layers"), [(1, 3, 3), (2, 2, 2), (2, 3, 2), (3, 2, 2), (4, 2, 1)])
def test_folding(dimension, pieces, layers):
    """With output weights that tell the coordinates apart, and with equal ones: 2 d + 1 slopes at most a coordinate."""
    network = folded(dimension, pieces, layers)
    total = pieces ** (dimension * layers)
    bounds = [UNIT] * dimension
    assert three_numbers(compose(affine([[1000**axis for axis in range(dimension)]]), network), bounds) == (total,) * 3
    level = three_numbers(compose(affine([[0] * dimension]), network), bounds)
    assert level == (total, 1, 1)


def test_takagis_sum():
    """Its activation regions are those of its finest term; neighbours whose slopes agree are glued."""
    terms = 4
    depths = range(1, terms + 1)
    network = _sum([sawtooth(depth) for depth in depths], [F(1, 2**depth) for depth in depths])
    # all terms have slopes 1 and -1, that of depth k where bit k of the place is 0 and 1
    slopes = [sum(1 - 2 * (place >> depth & 1) for depth in range(terms)) for place in range(2**terms)]
    bends = sum(a != b for a, b in itertools.pairwise(slopes))
    found = three_numbers(network, [UNIT])
    assert found[0] == 2**terms
    assert found[1] == 1 + bends < found[0]
    assert found == on_line(network, 0, 1) == referee(network, box([UNIT]))


def _sum(networks, factors):
    """A weighted sum of networks of one variable and different depths, on [0, 1]: the shallow are carried along."""
    depth = max(network.depth for network in networks)
    carried = []
    for network in networks:
        layers = list(network.layers)
        while len(layers) < depth:  # values are not negative
            layers.append(Affine([[1]], [0]))
        carried.append(Network(layers))
    together = parallel(carried)
    return compose(affine([factors]), compose(together, affine([[1]] * len(networks))))


def test_montufars_network():
    choose = random.Random(7)
    lines = []
    for _ in range(3):
        normal = [choose.randint(-100, 100) for _ in range(2)]
        lines.append([*normal, -sum(n * F(choose.randint(49, 51), 100) for n in normal)])
    network = compose(shallow(lines), parallel([zigzag(2)] * 2))
    activation, linear, maps = three_numbers(network, [UNIT] * 2)
    assert activation == 4 * 7
    assert (activation, linear, maps) == referee(network, box([UNIT] * 2))
    assert maps <= linear <= activation
