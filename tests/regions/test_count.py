from fractions import Fraction as F
from itertools import pairwise
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import nnapprox
from nnapprox import Activation, Affine, Network
from nnapprox.errors import UsageError
from nnapprox.regions import count_regions, regions, stand_in
from nnapprox.regions.domain import polygon
from nnapprox.regions.statistics import statistics
from tests.regions.test_cells import shallow
from tests.regions.test_plane import he_normal
from tests.strategies import SHORT_RATIONALS, SMALL_INTEGERS, networks


@pytest.mark.parametrize("dimension", [1, 2, 3])
def test_zaslavskys_number_on_all_of_space(dimension):
    """Hyperplanes on the moment curve are in general position."""
    lines = [[*(F(k) ** power for power in range(dimension)), F(k) ** dimension] for k in range(1, 7)]
    found = count_regions(shallow(lines), "all")
    assert found.activation_regions == sum(comb(6, j) for j in range(dimension + 1))
    assert found.complete


@settings(max_examples=40)
@given(st.sampled_from([SMALL_INTEGERS, SHORT_RATIONALS]).flatmap(
    lambda numbers: networks(dtypes=("rational",), activations=("relu", "leaky-relu"), numbers=numbers,
                             inputs=st.integers(1, 2), outputs=st.just(1))))  # fmt: skip
def test_all_of_space_is_what_every_larger_box_holds(network):
    """No box has more of them, and one that is far larger than these weights can reach has as many."""
    everywhere = count_regions(network, "all")
    for end in (1, 10**40):
        found = count_regions(network, [(-end, end)] * network.widths[0])
        assert found.activation_regions <= everywhere.activation_regions
    assert (found.activation_regions, found.linear_regions, found.distinct_affine_maps) == (
        everywhere.activation_regions, everywhere.linear_regions, everywhere.distinct_affine_maps,
    )  # fmt: skip


def test_regions_is_a_generator_of_cells():
    network = shallow([[1, 0, 0], [0, 1, 0], [1, 1, -1]])
    found = list(regions(network, "all"))
    assert len(found) == nnapprox.count_regions(network, "all").activation_regions == 7
    assert len({cell.pattern for cell in found}) == 7


def test_a_limit():
    found = count_regions(he_normal([2, 256, 256, 1]), [(-1, 1)] * 2, max_regions=5)
    assert not found.complete
    assert 5 <= found.activation_regions < 100_000


@pytest.mark.parametrize(
    ("points", "area"),
    [([(0, 0), (1, 0), (0, 1)], F(1, 2)), ([(0, 1), (1, 0), (0, 0)], F(1, 2)), ([(0, 0), (2, 0), (2, 1), (0, 1)], 2),
     ([(0, 0), (1, 0), (2, 0), (2, 2)], 2), ([(F(1, 3), 0), (1, F(1, 7)), (0, 2)], F(2, 3) - F(1, 42))],
)  # fmt: skip
def test_polygons(points, area):
    made = polygon([tuple(map(F, point)) for point in points])
    assert set(made.points) <= {tuple(map(F, point)) for point in points}
    ring = [*points, points[0]]
    assert made.volume() == abs(sum(a * d - b * c for (a, b), (c, d) in pairwise(ring))) / F(2)


@pytest.mark.parametrize(
    "domain", ["nowhere", [(0, 0)] * 2, [(1, 0)] * 2, [(0, 1)], [(0, float("nan"))] * 2, [(0, float("inf"))] * 2, []]
)
def test_no_domain(domain):
    with pytest.raises(UsageError):
        count_regions(shallow([[1, 0, 0]]), domain)


def test_no_limit_and_no_activation():
    with pytest.raises(UsageError, match="at least 1"):
        count_regions(shallow([[1, 0, 0]]), "all", max_regions=0)
    with pytest.raises(UsageError, match="tanh"):
        count_regions(Network([Affine([[1.0]], [0.0]), Affine([[1.0]], [0.0])], "tanh"), "all")


@pytest.mark.parametrize("inputs", [1, 2, 3])
@pytest.mark.parametrize("dtype", ["rational", "float64"])
@pytest.mark.parametrize("activation", ["identity", Activation("leaky-relu", 1)])
def test_a_network_without_kinks_is_one_region_by_every_way(inputs, dtype, activation):
    layers = he_normal([inputs, 6, 5, 2]).layers
    network = Network(layers, activation).astype(dtype)
    box = [(F(-2), F(3))] * inputs
    for domain in (box, "all"):
        assert len(list(regions(network, domain))) == 1
        found = count_regions(network, domain)
        assert (found.activation_regions, found.linear_regions, found.distinct_affine_maps) == (1, 1, 1)
        assert count_regions(network, domain, activation_only=True).activation_regions == 1
    *_, slow = stand_in.counts(network, box)
    assert (slow.activation_regions, slow.linear_regions, slow.distinct_affine_maps) == (1, 1, 1)
    [cell] = regions(network, box)
    point = [F(1, 3)] * inputs
    assert list(cell.affine.weight @ np.array(point) + cell.affine.bias) == list(network.astype("rational")(point))
    seen = statistics(network, box)
    assert (seen.cells, seen.volumes) == (1, (F(5) ** inputs,))
