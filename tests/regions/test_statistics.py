from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox.calculus import affine, compose, parallel
from nnapprox.network import Affine, Network
from nnapprox.regions.cells import cells
from nnapprox.regions.export import export
from nnapprox.regions.operator_norm import squared_norm_2
from nnapprox.regions.statistics import statistics
from nnapprox.regions.topology import betti

from .test_cells import UNIT, folded, random_network, sawtooth, shallow


def test_a_sum_of_sawtooths():
    network = compose(affine([[1, 2]]), parallel([sawtooth(2)] * 2))
    found = statistics(network, [UNIT] * 2)
    assert found.volumes == (F(1, 16),) * 16
    assert (found.regions_after_layer, found.added_by_layer) == ((4, 16), (3, 12))
    assert found.decades == {-2: 16}
    assert found.longest_edge.squared_length == F(1, 16)
    assert found.lipschitz.norm_inf == 12
    assert found.lipschitz.norm_1 == 8
    assert found.lipschitz.squared_norm_2 == (80, 80)


def test_neurons_that_cut_nothing():
    planes = [(1, 0, F(-1, 2)), (-2, 0, 1), (1, 1, 1), (-1, -1, -1), (0, 0, 0), (1, 0, 0)]
    found = statistics(shallow(planes), [UNIT] * 2)
    assert found.cells == 2
    assert found.cuts_nothing == tuple((0, k) for k in range(1, 6))
    assert found.never_active == ((0, 3), (0, 4))
    assert found.always_active == ((0, 2), (0, 5))


def test_quantiles_and_the_longest_edge():
    found = statistics(shallow([(1, 0, F(-1, 4)), (1, 0, F(-3, 4))]), [UNIT, (0, 3)])
    assert found.volumes == (F(3, 4), F(3, 4), F(3, 2))
    assert [found.quantile(share) for share in (F(0), F(1, 2), F(2, 3), F(1))] == [F(3, 4), F(3, 4), F(3, 4), F(3, 2)]
    assert found.longest_edge.squared_length == 9


def test_the_identity_has_no_neurons_that_could_cut():
    found = statistics(random_network((2, 3, 2), 1, "identity"), [UNIT] * 2)
    assert (found.cells, found.regions_after_layer, found.cuts_nothing) == (1, (), ())


@given(st.sampled_from([(1, 4, 3, 1), (2, 3, 3, 2), (3, 4, 3, 1)]), st.integers(0, 10**6))
@settings(max_examples=25, deadline=None)
def test_against_the_networks_first_layers_and_the_cells(widths, seed):
    network = random_network(widths, seed)
    domain = [(-1, 2)] * widths[0]
    found = statistics(network, domain)
    assert sum(found.volumes) == found.volume == 3 ** widths[0]
    for layer, regions in enumerate(found.regions_after_layer, start=1):
        first = Network([*network.layers[:layer], Affine([[F(1)] * widths[layer]], [F(0)])])
        assert regions == sum(1 for _ in cells(first, domain))
    weights = [cell.affine.weight for cell in cells(network, domain)]
    assert found.lipschitz.norm_1 == max(max(abs(column).sum() for column in weight.T) for weight in weights)
    assert found.lipschitz.norm_inf == max(max(abs(row).sum() for row in weight) for weight in weights)
    low, high = map(float, found.lipschitz.squared_norm_2)
    steepest = max(np.linalg.norm(weight.astype(float), 2) ** 2 for weight in weights)
    assert low == pytest.approx(steepest, rel=1e-9)
    assert high == pytest.approx(steepest, rel=1e-9)


@given(st.integers(1, 4), st.integers(1, 4), st.data())
@settings(max_examples=50)
def test_the_square_of_the_norm_is_enclosed(rows, columns, data):
    entries = data.draw(st.lists(st.integers(-5, 5), min_size=rows * columns, max_size=rows * columns))
    weight = np.array([F(entry) for entry in entries], dtype=object).reshape(rows, columns)
    low, high = squared_norm_2(weight)
    assert low <= high <= low + F(1, 10**9) * (1 + low)
    assert float(low) == pytest.approx(np.linalg.norm(weight.astype(float), 2) ** 2, rel=1e-9, abs=1e-12)


def test_a_norm_that_is_known():
    """diag(3, 4) has the norm 4: both ends of the enclosure are on their side of 16."""
    low, high = squared_norm_2(np.array([[F(3), F(0)], [F(0), F(4)]], dtype=object))
    assert low <= 16 <= high
    assert high - low < F(1, 10**12)


def test_the_cells_are_watched_as_they_pass_by(tmp_path):
    network, seen = folded(2, 2, 2), []

    def watch(found):
        for cell in found:
            seen.append(cell)
            yield cell

    for work in (
        lambda: statistics(network, [UNIT] * 2, watch=watch),
        lambda: betti(network, [UNIT] * 2, watch=watch),
        lambda: export(network, [UNIT] * 2, tmp_path / "cells.json", watch=watch),
    ):
        seen.clear()
        work()
        assert len(seen) == 16
