import itertools
import random
import tracemalloc
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
from nnapprox.regions.cells import arrangement, cells
from nnapprox.regions.polytope import Polytope

UNIT = (F(0), F(1))
WIDE = (F(-(10**6)), F(10**6))


def shallow(planes):
    """One hidden neuron for every (a_1, ..., a_d, c)."""
    rows = [[F(n) for n in plane] for plane in planes]
    return Network([Affine([r[:-1] for r in rows], [r[-1] for r in rows]), Affine([[F(1)] * len(rows)], [F(0)])])


def random_network(widths, seed, activation="relu", numbers=9):
    """Small integer weights: neurons that vanish together, or twice, are likely."""
    choose = random.Random(seed)

    def number(*_):
        return F(choose.randint(-numbers, numbers), choose.randint(1, 3))

    layers = [
        Affine([[number() for _ in range(inputs)] for _ in range(outputs)], [number() for _ in range(outputs)])
        for inputs, outputs in itertools.pairwise(widths)
    ]
    return Network(layers, activation)


def count(network, domain):
    return sum(1 for _ in cells(network, domain))


def pre_activations(network, point):
    """Of all hidden layers, in fractions."""
    values, sums = np.array(point, dtype=object), []
    for layer in network.layers[:-1]:
        sums.append(layer.weight @ values + layer.bias)
        values = network.activation.apply_exactly(sums[-1])
    return sums


def pattern_at(network, point):
    return tuple(sum(int(value > 0) << k for k, value in enumerate(layer)) for layer in pre_activations(network, point))


def sawtooth(depth):
    """The sawtooth whose hidden layers have two neurons each."""
    fold = Affine([[2, -4], [2, -4]], [0, F(-1, 2)])
    return Network([Affine([[1], [1]], [0, F(-1, 2)]), *[fold] * (depth - 1), Affine([[2, -4]], [0])])


def zigzag(pieces):
    """p pieces from 0 to 1 and back on [0, 1]."""
    slopes = [pieces, *(2 * pieces * (-1) ** i for i in range(1, pieces))]
    return Network([Affine([[1]] * pieces, [F(-i, pieces) for i in range(pieces)]), Affine([slopes], [0])])


def folded(dimension, pieces, layers):
    """Every coordinate zigzagged again and again: pieces^(dimension layers) regions of [0, 1]^d."""
    fold = network = parallel([zigzag(pieces)] * dimension)
    for _ in range(layers - 1):
        network = compose(fold, network)
    return network


# Closed forms


@pytest.mark.parametrize(("dimension", "neurons"), [(2, 1), (2, 7), (2, 20), (3, 3), (3, 9), (4, 4), (4, 7)])
def test_planes_in_general_position_give_zaslavskys_number(dimension, neurons):
    choose = random.Random(dimension * neurons)
    planes = [[choose.randint(-1000, 1000) for _ in range(dimension + 1)] for _ in range(neurons)]
    expected = sum(comb(neurons, j) for j in range(dimension + 1))
    assert count(shallow(planes), [WIDE] * dimension) == expected


@pytest.mark.parametrize(
    ("planes", "regions"),
    [
        ([(1, 0, 0), (0, 1, 0), (1, 1, 0)], 6),  # three lines through a point
        ([(2, 3, 1), (4, 6, 2), (-2, -3, -1), (1, F(3, 2), F(1, 2))], 2),  # one line, four times
        ([(k, 1, 0) for k in range(7)] + [(1, 0, 0)], 16),  # a pencil
        ([(1, 0, 0), (0, 0, 0), (0, 0, 3), (0, 0, -3)], 2),  # neurons without weights
        ([(0, 0, 0)], 1),
        ([(1, 0, k) for k in range(5)], 6),  # parallel lines
    ],
)
def test_lines_in_special_position(planes, regions):
    assert count(shallow(planes), [WIDE] * 2) == regions


def test_what_only_touches_the_domain_cuts_nothing():
    planes = [(1, 0, 0), (0, 1, -1), (1, 1, 0), (1, -1, 1), (1, 1, -2)]  # sides and corners of the unit square
    assert count(shallow(planes), [UNIT] * 2) == 1


@pytest.mark.parametrize("depth", [2, 3, 6])
def test_the_sawtooth(depth):
    assert count(sawtooth(depth), [(-1, 2)]) == 2**depth + 2
    assert count(sawtooth(depth), [UNIT]) == 2**depth


@pytest.mark.parametrize(
    ("dimension", "pieces", "layers"), [(2, 2, 3), (2, 3, 2), (2, 4, 2), (3, 2, 2), (3, 3, 1), (4, 2, 1)]
)
def test_folding(dimension, pieces, layers):
    network = compose(affine([[1000**axis for axis in range(dimension)]]), folded(dimension, pieces, layers))
    assert count(network, [UNIT] * dimension) == pieces ** (dimension * layers)
    maps = {tuple(cell.affine.weight.flat) + tuple(cell.affine.bias) for cell in cells(network, [UNIT] * dimension)}
    assert len(maps) == pieces ** (dimension * layers)


@pytest.mark.parametrize(("dimension", "pieces", "generic"), [(2, 2, 3), (2, 4, 2), (3, 2, 2)])
def test_montufars_network(dimension, pieces, generic):
    """A fold, then planes in general position that all meet in each of its p^d images of the cube."""
    choose = random.Random(7)
    centre = [F(choose.randint(40, 60), 100) for _ in range(dimension)]
    planes = []
    for _ in range(generic):
        normal = [choose.randint(-100, 100) for _ in range(dimension)]
        offset = -sum(n * c for n, c in zip(normal, centre, strict=True)) + F(choose.randint(-5, 5), 10)
        planes.append([*normal, offset])
    network = compose(shallow(planes), parallel([zigzag(pieces)] * dimension))
    inside = count(shallow(planes), [UNIT] * dimension)
    assert inside == sum(comb(generic, j) for j in range(dimension + 1))
    assert count(network, [UNIT] * dimension) == pieces**dimension * inside


def test_weights_are_the_rationals_that_they_are():
    weights = np.array([[1.0, 0.0], [1.0, 0.0]])
    network = Network([Affine(weights, np.array([-0.3, -(0.1 + 0.2)])), Affine(np.ones((1, 2)), np.zeros(1))])
    found = list(cells(network, [UNIT] * 2))
    assert len(found) == 3
    assert min(cell.polytope.volume() for cell in found) == F(0.1 + 0.2) - F(0.3) > 0


# Independent methods

lines = st.lists(st.tuples(*[st.integers(-2, 2)] * 3).filter(lambda line: line[0] or line[1]), min_size=1, max_size=7)


@given(lines)
def test_lines_are_counted_by_their_crossings(planes):
    """Regions = 1 + lines + sum over crossing points of (lines through it - 1), for lines that are different."""
    distinct = {tuple(F(n) / next(filter(None, line)) for n in line) for line in planes}
    through = {}
    for (a, b, c), (p, q, r) in itertools.combinations(distinct, 2):
        if (det := a * q - b * p) != 0:
            point = ((b * r - c * q) / det, (c * p - a * r) / det)
            through.setdefault(point, set()).update({(a, b, c), (p, q, r)})
    expected = 1 + len(distinct) + sum(len(lines) - 1 for lines in through.values())
    assert count(shallow(planes), [WIDE] * 2) == expected


@given(lines)
def test_all_sign_vectors_of_lines_are_met(planes):
    """Between all crossings with each of many lines lies a point of every cell that the line meets."""
    found = {cell.pattern for cell in cells(shallow(planes), [UNIT] * 2)}
    met = set()
    for k in range(40):
        x = F(2 * k + 1, 81)
        heights = {-(F(c) + a * x) / b for a, b, c in planes if b}
        ends = sorted({F(0), F(1), *(y for y in heights if 0 < y < 1)})
        met |= {pattern_at(shallow(planes), (x, (low + high) / 2)) for low, high in itertools.pairwise(ends)}
    assert met <= found


networks = st.tuples(
    st.sampled_from([(1, 4, 3, 1), (2, 3, 3, 2), (2, 5, 4, 1), (2, 2, 3, 3, 1), (3, 4, 3, 1), (4, 3, 2, 1)]),
    st.integers(0, 10**6),
    st.sampled_from(["relu", "leaky-relu", Activation("leaky-relu", F(-1, 3))]),
    st.integers(1, 5),
)


@given(networks)
@settings(max_examples=60)
def test_cells_are_the_domain_and_the_network_is_affine_on_them(drawn):
    """Regions of one pattern are convex: cells of different patterns whose volumes add up to all are all regions."""
    network = random_network(*drawn)
    domain = Polytope.box([(-1, 2)] * network.widths[0])
    found = list(cells(network, domain))
    assert len({cell.pattern for cell in found}) == len(found)
    assert sum(cell.polytope.volume() for cell in found) == domain.volume()
    for cell in found:
        inside = cell.polytope.centre
        assert cell.pattern == pattern_at(network, inside)
        for point in [inside, *cell.polytope.points]:
            assert list(cell.affine.weight @ np.array(point, dtype=object) + cell.affine.bias) == list(network(point))


@given(networks)
@settings(max_examples=40)
def test_facets_are_labelled_by_the_neurons_that_vanish_there(drawn):
    network = random_network(*drawn)
    domain = Polytope.box([(-1, 2)] * network.widths[0])
    for cell in cells(network, domain):
        for label, form in cell.polytope.facets.items():
            corners = [
                p for p, on in zip(cell.polytope.points, cell.polytope.incidence, strict=True) if on >> label & 1
            ]
            assert len(corners) >= network.widths[0]
            if label >= domain.next_label:
                values = [np.concatenate(pre_activations(network, corner)) for corner in corners]
                assert all(value[label - domain.next_label] == 0 for value in values)
            else:
                assert form == domain.facets[label]


@given(st.integers(0, 10**6), st.sampled_from([(2, 4, 1), (2, 3, 3, 1), (2, 3, 2, 2, 1)]))
@settings(max_examples=30)
def test_eulers_relation_in_the_plane(seed, widths):
    """V - E + F = 1 where edges end at every vertex on them."""
    found = [cell.polytope for cell in cells(random_network(widths, seed), [(-1, 2)] * 2)]
    vertices = {point for polytope in found for point in polytope.points}
    edges = set()
    for polytope in found:
        for face in polytope.faces()[1]:
            (p, q) = [point for k, point in enumerate(polytope.points) if face >> k & 1]
            on = sorted(v for v in vertices if min(p, q) <= v <= max(p, q) and _collinear(p, q, v))
            edges |= set(itertools.pairwise(on))
    assert len(vertices) - len(edges) + len(found) == 1


def _collinear(p, q, v):
    return (q[0] - p[0]) * (v[1] - p[1]) == (q[1] - p[1]) * (v[0] - p[0])


# The rest


def test_a_polytope_as_the_domain():
    triangle = Polytope.box([UNIT] * 2).cut([1, 1], 1)
    found = list(cells(shallow([(1, -1, 0), (1, 0, F(-1, 2)), (1, 1, -2)]), triangle))
    assert len(found) == 3
    assert sum(cell.polytope.volume() for cell in found) == F(1, 2)


def test_layers_that_the_network_does_not_have():
    assert count(Network([Affine([[1, 2]], [3])]), [UNIT] * 2) == 1
    identity = random_network((2, 5, 5, 1), 0, "identity")
    (cell,) = cells(identity, [UNIT] * 2)
    assert list(cell.affine.weight @ np.array([F(1, 3), F(1, 7)], dtype=object) + cell.affine.bias) == list(
        identity([F(1, 3), F(1, 7)])
    )
    assert cell.pattern == ()


def test_float_networks_are_lifted_exactly():
    choose = np.random.default_rng(3)
    layers = [Affine(choose.normal(size=(o, i)), choose.normal(size=o)) for i, o in [(2, 8), (8, 8), (8, 1)]]
    network = Network(layers)
    found = [cell.pattern for cell in cells(network, [(-1, 1)] * 2)]
    assert found == [cell.pattern for cell in cells(network.astype("rational"), [(-1, 1)] * 2)]
    assert len(found) > 30


def test_parts_of_an_arrangement_know_their_signs():
    box = Polytope.box([UNIT] * 2)
    forms = [(2, 0, -1), (0, 0, 1), (0, 0, 0), (0, 3, -1)]
    signs = {positive for _, positive in arrangement(box, forms, 4)}
    assert signs == {0b0010, 0b0011, 0b1010, 0b1011}


def test_memory_does_not_grow_with_the_number_of_cells():
    network = compose(affine([[1, 2]]), parallel([sawtooth(5)] * 2))
    assert len(list(cells(network, [UNIT] * 2))) == 4**5  # Python's lists of free tuples are full from here on
    tracemalloc.start()
    try:
        peaks = []
        for place, _ in enumerate(cells(network, [UNIT] * 2)):
            if place in (100, 1000):
                peaks.append(tracemalloc.get_traced_memory()[1])
    finally:
        tracemalloc.stop()
    assert place == 4**5 - 1
    assert peaks[1] < 1.5 * peaks[0]


def test_bad_input():
    network = shallow([(1, 1, 0)])
    with pytest.raises(UsageError, match="takes 2 coordinates, but the domain has 1 "):
        cells(network, [UNIT])
    with pytest.raises(UsageError, match="low end below its high end"):
        cells(network, [UNIT, (1, 0)])
    with pytest.raises(UsageError, match="tanh is not piecewise linear"):
        cells(Network(network.layers, "tanh"), [UNIT] * 2)
