import itertools
import random
from fractions import Fraction as F
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox.activation import Activation
from nnapprox.calculus import affine, compose, parallel
from nnapprox.errors import UsageError
from nnapprox.network import Affine, Network
from nnapprox.regions import kernel_input, stand_in
from nnapprox.regions.cells import cells
from nnapprox.regions.polytope import Polytope
from nnapprox.regions.space import counts
from tests.regions.adversarial import dependent_layers, with_cancelling_copies
from tests.regions.test_cells import folded, random_network, shallow, zigzag
from tests.regions.test_plane import he_normal

WIDE = (-(10**6), 10**6)


def count(network, domain, **options):
    *_, last = counts(network, domain, **options)
    assert last.complete
    assert last.exact_fallbacks <= last.predicates
    return last


def regions(network, domain):
    """By sections of the last layer, and with its cells made."""
    found = count(network, domain, activation_only=True)
    assert found.linear_regions is None
    assert count(network, domain).activation_regions == found.activation_regions
    return found.activation_regions


@pytest.fixture
def without_filter(monkeypatch):
    """No weight is of a size that doubles may be used for: integers decide everything."""
    monkeypatch.setattr(kernel_input, "COMFORTABLE", (1e300, 1e301))


@pytest.mark.parametrize(("dimension", "neurons"), [(3, 3), (3, 40), (4, 4), (4, 16), (5, 10), (6, 8)])
def test_hyperplanes_in_general_position_give_zaslavskys_number(dimension, neurons):
    choose = random.Random(dimension * neurons)
    planes = [[choose.randint(-(10**6), 10**6) for _ in range(dimension + 1)] for _ in range(neurons)]
    found = count(shallow(planes), [(-(10**13), 10**13)] * dimension, activation_only=True)
    assert found.activation_regions == sum(comb(neurons, j) for j in range(dimension + 1))


@pytest.mark.parametrize(
    ("planes", "expected"),
    [
        ([(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (1, 1, 1, 0)], 14),  # four through a point
        ([(1, 0, 0, 0), (0, 1, 0, 0), (1, 1, 0, 0)], 6),  # three through a line
        ([(2, 3, 1, 1), (4, 6, 2, 2), (-2, -3, -1, -1), (1, F(3, 2), F(1, 2), F(1, 2))], 2),  # one, four times
        ([(0, 0, 0, 0), (0, 0, 0, 3), (0, 0, 0, -3), (1, 0, 0, 0)], 2),  # neurons without weights
        ([(0, 0, 0, 0)], 1),
        ([(*(int(i == axis) for i in range(3)), k) for axis in range(3) for k in range(4)], 125),  # a grid
        ([(1, -1, 0, 0), (1, 0, -1, 0), (0, 1, -1, 0)], 6),  # the braid arrangement
        ([(1, 0, 0, -(10**6)), (1, 1, 1, -3 * 10**6), (1, 1, 0, -2 * 10**6)], 1),  # on sides, edges and corners
        ([(1, -1, 0, 0)], 2),  # through edges of the cube
    ],
)
@pytest.mark.parametrize("filtered", [True, False])
def test_planes_in_special_position(planes, expected, filtered, request):
    if not filtered:
        request.getfixturevalue("without_filter")
    assert regions(shallow(planes), [WIDE] * 3) == expected


@pytest.mark.parametrize(("dimension", "pieces", "layers"), [(3, 2, 3), (3, 4, 1), (4, 2, 2), (5, 2, 1)])
def test_folding(dimension, pieces, layers):
    network = compose(affine([[1000**axis for axis in range(dimension)]]), folded(dimension, pieces, layers))
    found = count(network, [(0, 1)] * dimension)
    expected = pieces ** (dimension * layers)
    assert (found.activation_regions, found.linear_regions, found.distinct_affine_maps) == (expected,) * 3


@pytest.mark.parametrize(("dimension", "pieces", "generic"), [(3, 2, 5), (3, 3, 3), (4, 2, 4)])
def test_montufars_network(dimension, pieces, generic):
    """A fold, then planes in general position that all meet in each of its images of the cube."""
    choose = random.Random(7)
    planes = []
    for _ in range(generic):
        normal = [choose.randint(-100, 100) for _ in range(dimension)]
        planes.append([*normal, -sum(n * F(choose.randint(495, 505), 1000) for n in normal)])
    inside = regions(shallow(planes), [(0, 1)] * dimension)
    assert inside == sum(comb(generic, j) for j in range(dimension + 1))
    network = compose(shallow(planes), parallel([zigzag(pieces)] * dimension))
    assert regions(network, [(0, 1)] * dimension) == pieces**dimension * inside


@pytest.mark.parametrize("shift", [0, F(1, 10**40), F(1, 10**400)])
def test_no_tolerance(shift):
    planes = [(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (1, 1, 1, shift)]
    assert regions(shallow(planes), [(-1, 1)] * 3) == (15 if shift else 14)


def adversarial(seed):
    """A network whose neurons often vanish together, and a domain that may touch where they do."""
    choose = random.Random(seed)
    inputs = choose.choice([3, 3, 3, 4, 5])
    depth = choose.randint(1, 3)
    most = {3: (7, 5, 4), 4: (6, 4, 3), 5: (5, 3, 2)}[inputs][depth - 1]
    widths = [inputs, *(choose.randint(1, most) for _ in range(depth)), choose.randint(1, 2)]
    number = choose.choice(
        [
            lambda: F(choose.randint(-1, 1)),
            lambda: F(choose.randint(-2, 2)),
            lambda: F(choose.randint(-8, 8), 2 ** choose.randint(0, 3)),
            lambda: F(choose.randint(-5, 5), choose.randint(1, 5)),
            lambda: F(choose.randint(-2, 2)) * F(10) ** choose.choice([0, 0, -90, 90, -200, 400, -400]),
            lambda: F(choose.gauss(0, 1)),
        ]
    )
    slopes = [Activation("leaky-relu", slope) for slope in (None, F(-1, 3), 2)]
    network = Network(dependent_layers(choose, widths, number), choose.choice([Activation("relu")] * 4 + slopes))
    domain = Polytope.box([choose.choice([(0, 1), (-1, 1), (-1, 2), (F(1, 3), F(8, 7))]) for _ in range(inputs)])
    for _ in range(choose.choice([0, 0, 1, 2])):
        normal, centre = [choose.randint(-2, 2) for _ in range(inputs)], domain.centre
        if any(normal):
            domain = domain.cut(normal, sum(n * c for n, c in zip(normal, centre, strict=True)) + F(1, 8))
    return network, domain


@given(st.integers(0, 10**9))
@settings(max_examples=500, deadline=None)
def test_the_slow_counter_finds_as_many(seed):
    network, domain = adversarial(seed)
    assert regions(network, domain) == sum(1 for _ in cells(network, domain))


@given(st.integers(0, 10**9))
@settings(max_examples=150, deadline=None)
def test_the_slow_counter_finds_as_many_linear_regions(seed):
    network, domain = adversarial(seed)
    *_, slow = stand_in.counts(network, domain)
    fast = count(network, domain)
    assert (fast.linear_regions, fast.distinct_affine_maps) == (slow.linear_regions, slow.distinct_affine_maps)


@given(st.integers(0, 10**9))
@settings(max_examples=150, deadline=None)
def test_integers_and_doubles_agree(seed):
    network, domain = adversarial(seed)
    found = regions(network, domain)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel_input, "COMFORTABLE", (1e300, 1e301))
        assert regions(network, domain) == found


@pytest.mark.parametrize("size", [2**4, 2**24])
@pytest.mark.parametrize("seed", range(4))
def test_what_cancels_leaves_errors_that_are_bounded(seed, size):
    """As in the plane."""
    choose = random.Random(seed)
    network, domain = he_normal((3, 4, 4, 3, 1), seed), [(-1, 1)] * 3
    first = count(with_cancelling_copies(network, choose, 0), domain)
    second = count(with_cancelling_copies(network, choose, size), domain)
    assert second.exact_fallbacks > 0
    assert first.activation_regions == second.activation_regions
    assert first.linear_regions == second.linear_regions
    assert first.distinct_affine_maps == second.distinct_affine_maps


@pytest.mark.parametrize("widths", [(3, 9, 9, 1), (3, 5, 5, 5, 5, 1), (4, 6, 5, 1), (5, 5, 4, 1), (6, 4, 3, 1)])
def test_the_slow_counter_finds_as_many_on_usual_networks(widths):
    network = he_normal(widths)
    domain = [(-1, 1)] * widths[0]
    assert regions(network, domain) == sum(1 for _ in cells(network, domain))


def test_a_long_count_tells_lower_bounds_on_its_way():
    choose = np.random.default_rng(0)
    weights = choose.normal(size=(70, 3)), 0.1 * choose.normal(size=70)
    network = Network([Affine(*weights), Affine(np.ones((1, 70)), np.zeros(1))])
    found = list(counts(network, [(-1, 1)] * 3))
    assert len(found) > 2
    assert all(one.activation_regions <= two.activation_regions for one, two in itertools.pairwise(found))
    assert all(0 <= one.share <= two.share <= 1 for one, two in itertools.pairwise(found))
    assert [one.complete for one in found] == [False] * (len(found) - 1) + [True]


@pytest.mark.parametrize("widths", [(3, 6, 5, 1), (3, 40, 30, 1), (4, 7, 5, 4, 1)])
def test_instruction_sets_agree(widths, instruction_set):
    """Not only on the number of regions, but on what doubles decide."""
    network, domain = he_normal(widths), [(-1, 1)] * widths[0]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NNAPPROX_ISA", "baseline")
        expected = count(network, domain)
    assert count(network, domain) == expected


def test_layers_that_the_network_does_not_have():
    assert regions(Network([Affine([[1, 2, 3]], [3])]), [(0, 1)] * 3) == 1
    assert regions(random_network((3, 5, 5, 1), 0, "identity"), [(0, 1)] * 3) == 1


def test_bad_input():
    network = shallow([(1, 1, 1, 0)])
    with pytest.raises(UsageError, match="takes 3 coordinates, but the domain has 2"):
        counts(network, [(0, 1)] * 2)
    with pytest.raises(UsageError, match="not piecewise linear"):
        counts(Network(network.layers, "tanh"), [(0, 1)] * 3)
