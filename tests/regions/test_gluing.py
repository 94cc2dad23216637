from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from nnapprox.activation import Activation
from nnapprox.calculus import affine, compose, parallel
from nnapprox.errors import UsageError
from nnapprox.network import Affine, Network
from nnapprox.regions.cells import cells
from nnapprox.regions.count import count_regions
from nnapprox.regions.forms import FormMaker
from nnapprox.regions.gluing import Gluing, _Fingerprints
from nnapprox.regions.polytope import Polytope
from nnapprox.regions.residues import PRIME, fingerprint, residues
from nnapprox.regions.stand_in import counts, packed
from tests.regions.test_cells import random_network, sawtooth
from tests.regions.test_plane import he_normal
from tests.strategies import piecewise_linear_networks

SIDE = (-1, 2)

networks = piecewise_linear_networks(
    activations=("relu", "relu", "leaky-relu"),
    inputs=st.integers(1, 3),
    outputs=st.integers(1, 2),
    hidden=st.lists(st.integers(1, 4), min_size=1, max_size=4),
).filter(lambda network: not network.is_affine)


def geometric_counts(network, domain):
    """The slow twin: cells share a facet if it has the same corners from both sides; maps are fractions."""
    found = list(cells(network, domain))
    maps = [(*cell.affine.weight.flat, *cell.affine.bias) for cell in found]
    root, sides = list(range(len(found))), {}

    def top(i):
        while root[i] != i:
            i = root[i]
        return i

    for i, cell in enumerate(found):
        corners = list(zip(cell.polytope.points, cell.polytope.incidence, strict=True))
        for label in cell.polytope.facets:
            j = sides.setdefault(frozenset(point for point, on in corners if on >> label & 1), i)
            if maps[i] == maps[j]:
                root[top(i)] = top(j)
    return len(found), sum(top(i) == i for i in range(len(found))), len(set(maps))


def three_numbers(network, domain):
    *_, last = counts(network, domain)
    return last.activation_regions, last.linear_regions, last.distinct_affine_maps


@given(networks)
@settings(max_examples=200)
def test_the_slow_twin_finds_as_many(network):
    domain = Polytope.box([SIDE] * network.widths[0])
    assert three_numbers(network, domain) == geometric_counts(network, domain)


@given(networks)
@settings(max_examples=50)
def test_many_primes(network):
    """Weights that differ by a factor of 2^-300, and by next to nothing."""
    first, *others = network.layers
    near = np.array([[F(1) + F(1, 2**300) * (k % 2)] for k in range(first.outputs)], dtype=object)
    scaled = Network([Affine(first.weight * near, first.bias * near[:, 0]), *others], network.activation)
    domain = Polytope.box([SIDE] * network.widths[0])
    assert three_numbers(scaled, domain) == geometric_counts(scaled, domain)


@given(networks, st.integers(0, 10**6), st.integers(1, 30))
@settings(max_examples=50)
def test_blocks_and_their_order_do_not_matter(network, seed, size):
    domain = Polytope.box([SIDE] * network.widths[0])
    found = list(cells(network, domain))
    found = [found[k] for k in np.random.default_rng(seed).permutation(len(found))]
    gluing, weights = Gluing(network), residues(network)
    prints = np.array([fingerprint(weights, cell.pattern) for cell in found], dtype=np.uint64)
    for start in range(0, len(found), size):
        gluing.first_pass(prints[start : start + size])
    again = [cell for cell, one in zip(found, prints, strict=True) if one in gluing.repeated]
    for start in range(0, len(again), size):
        gluing.second_pass(*packed(again[start : start + size], network.widths[1:-1], domain.next_label))
    expected = geometric_counts(network, domain)
    assert (len(found), gluing.linear_regions, gluing.distinct_affine_maps) == expected


@given(networks)
@settings(max_examples=50)
def test_without_fingerprints_all_is_compared(network):
    """As where the prime divides a denominator."""
    domain = Polytope.box([SIDE] * network.widths[0])
    found = list(cells(network, domain))
    assume(len(found) > 1)
    gluing = Gluing(network)
    gluing.first_pass(np.zeros(len(found), dtype=np.uint64))
    gluing.second_pass(*packed(found, network.widths[1:-1], domain.next_label))
    assert (len(found), gluing.linear_regions, gluing.distinct_affine_maps) == geometric_counts(network, domain)


@given(networks)
@settings(max_examples=60)
def test_fingerprints_are_maps_at_a_point_modulo_the_prime(network):
    weights = residues(network)
    choose = np.random.default_rng(0)
    *point, constant = choose.integers(1, PRIME, network.widths[0] + 1).tolist()
    factors = choose.integers(1, PRIME, network.widths[-1]).tolist()
    for cell in cells(network, [SIDE] * network.widths[0]):
        values = cell.affine.weight @ np.array(point, dtype=object) + cell.affine.bias * constant
        value = F(sum(f * v for f, v in zip(factors, values, strict=True)))
        assert fingerprint(weights, cell.pattern) == value.numerator * pow(value.denominator, -1, PRIME) % PRIME


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False), min_size=1, max_size=9))
def test_floats_are_the_rationals_that_they_are(numbers):
    network = Network([Affine(np.array([numbers]), np.zeros(1)), Affine(np.ones((1, 1)), np.zeros(1))])
    assert residues(network).first.tolist() == residues(network.astype("rational")).first.tolist()
    last = Network([Affine(np.ones((len(numbers), 1)), np.array(numbers)), Affine(np.array([numbers]), np.zeros(1))])
    for one, other in zip(residues(last).layers, residues(last.astype("rational")).layers, strict=True):
        assert one.weight.tolist() == other.weight.tolist()


def test_a_denominator_that_the_prime_divides():
    network = Network([Affine([[F(1, PRIME)], [1]], [0, -1]), Affine([[1, 1]], [0])])
    assert not residues(network).first.any()
    assert three_numbers(network, [SIDE]) == (3, 3, 3)


@given(networks)
@settings(max_examples=50)
def test_forms_are_those_of_the_cells(network):
    found = list(cells(network, [SIDE] * network.widths[0]))
    maker, widths = FormMaker(network), network.widths[1:-1]
    states = [
        np.array([[cell.pattern[layer] >> k & 1 for k in range(width)] for cell in found], dtype=bool)
        for layer, width in enumerate(widths)
    ]
    *_, outputs = maker.forms(states)
    scales = network.integer_layers[-1].scale
    for number, cell in enumerate(found):
        rows = np.column_stack([cell.affine.weight, cell.affine.bias]) * np.array(scales, dtype=object)[:, None]
        for prime, residue in zip(maker.primes[:, 0], outputs.residues, strict=True):
            of_cell = residue[:, outputs.prefix[number]]
            assert (np.abs(of_cell) <= prime / 2 + 1).all()
            assert all(int(r) % int(prime) == int(n) % int(prime) for r, n in zip(of_cell.flat, rows.flat, strict=True))


def test_a_thousand_cells_in_layers():
    network = compose(affine([[1, 1]]), parallel([sawtooth(5)] * 2))
    domain = Polytope.box([(0, 1)] * 2)
    expected = (1024, 1024, 4 * 31)  # four gradients, and the sums of two of sixteen intercepts
    assert three_numbers(network, domain) == expected == geometric_counts(network, domain)


def test_lower_bounds_on_the_way():
    found = list(counts(random_network((2, 5, 5, 1), 1), [SIDE] * 2))
    assert [count.complete for count in found] == [False] * (len(found) - 1) + [True]
    assert all(count.linear_regions <= found[-1].linear_regions for count in found)
    assert all(count.distinct_affine_maps <= found[-1].distinct_affine_maps for count in found)
    *_, last = counts(random_network((2, 5, 5, 1), 1), [SIDE] * 2, activation_only=True)
    assert (last.linear_regions, last.distinct_affine_maps) == (None, None)
    assert last.activation_regions == found[-1].activation_regions


@given(st.lists(st.lists(st.integers(0, 60), max_size=30), max_size=40))
def test_at_least_half_of_the_maps_are_certain_at_any_time(blocks):
    gluing, seen = Gluing(random_network((2, 3, 1), 0)), set()
    for block in blocks:
        gluing.first_pass(np.array(block, dtype=np.uint64))
        seen |= set(block)
        assert len(seen) <= 2 * gluing.certain <= 2 * len(seen)


def test_sorting_is_rare_and_the_bound_is_kept(monkeypatch):
    merges, merge = [], _Fingerprints._merge
    monkeypatch.setattr(_Fingerprints, "_merge", lambda self: (merges.append(1), merge(self)))
    gluing = Gluing(random_network((2, 3, 1), 0))
    for start in range(0, 100_000, 10):
        gluing.first_pass(np.arange(start, start + 10, dtype=np.uint64))
        assert gluing.certain >= (start + 10) // 2
    assert len(merges) < 20


@pytest.mark.parametrize("inputs", [2, 3])
def test_a_stopped_count_tells_what_is_certain(inputs):
    """All maps of a generic network are different, but for those where a layer is off."""
    found = count_regions(he_normal([inputs, 64, 64, 1]), [(-1, 1)] * inputs, max_regions=5)
    assert not found.complete
    assert found.activation_regions <= 2 * found.linear_regions
    assert found.activation_regions <= 2 * found.distinct_affine_maps


def test_networks_without_hidden_neurons_and_others():
    assert three_numbers(Network([Affine([[1, 2]], [3])]), [SIDE] * 2) == (1, 1, 1)
    assert three_numbers(random_network((2, 5, 5, 1), 0, "identity"), [SIDE] * 2) == (1, 1, 1)
    assert three_numbers(random_network((2, 3, 1), 0, Activation("leaky-relu", F(1))), [SIDE] * 2) == (1, 1, 1)
    with pytest.raises(UsageError, match="tanh"):
        counts(random_network((2, 3, 1), 0, "tanh"), [SIDE] * 2)
