"""All of R^d on charts, held to what a box holds that is proved large enough, and to the referee without a domain."""

import itertools
import random
from fractions import Fraction as F
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox.calculus import affine, compose, parallel
from nnapprox.errors import UsageError
from nnapprox.network import Affine, Network
from nnapprox.regions import count_regions, jobs, kernel_input, stand_in
from nnapprox.regions.chart import bounded_chart, charts_of_space, without_dependent_inputs
from nnapprox.regions.count import counts
from nnapprox.regions.domain import everything
from nnapprox.regions.polytope import Polytope
from tests.regions import test_plane, test_space
from tests.regions.adversarial import dependent_layers
from tests.regions.referee import referee
from tests.regions.test_cells import sawtooth, shallow
from tests.regions.test_jobs import last, this_process, three_numbers
from tests.regions.test_plane import he_normal


def everywhere(network, **options):
    found = count_regions(network, "all", **options)
    assert found.exact_fallbacks <= found.predicates
    return three_numbers(found)


def adversarial(seed):
    """A network of 2 to 5 inputs whose neurons often vanish together."""
    return (test_plane if seed % 2 else test_space).adversarial(seed)[0]


def in_a_large_box(network):
    return three_numbers(last(stand_in.counts(network, everything(network))))


@pytest.mark.parametrize(
    ("dimension", "neurons"), [(2, 1), (2, 2), (2, 3), (2, 70), (3, 2), (3, 25), (4, 12), (5, 9), (6, 8)]
)
@pytest.mark.parametrize("dtype", ["rational", "float64"])
def test_hyperplanes_in_general_position_give_zaslavskys_number(dimension, neurons, dtype):
    choose = random.Random(dimension * neurons)
    planes = [[choose.randint(-(10**6), 10**6) for _ in range(dimension + 1)] for _ in range(neurons)]
    expected = sum(comb(neurons, j) for j in range(dimension + 1))
    network = shallow(planes).astype(dtype)
    assert everywhere(network, activation_only=True) == (expected, None, None)
    assert everywhere(network)[0] == expected


@pytest.mark.parametrize(
    ("planes", "expected"),
    [
        ([(1, 0, 0), (1, 0, 1), (1, 0, 2)], 4),  # parallel: one input plays a part
        ([(1, 0, 0), (2, 0, 0), (-3, 0, 0), (0, 1, 0)], 4),  # one line, three times
        ([(0, 0, 1), (0, 0, 0)], 1),  # no kinks at all
        ([(1, 2, 1), (1, 2, 1)], 2),
        ([(int(i == 0), int(i == 1), -k) for i in range(2) for k in range(5)], 36),  # a grid
        ([(k, 1, 0) for k in range(8)], 16),  # a pencil
        ([(1, 0, 0), (0, 1, 0), (1, 1, 0), (1, -1, 0), (1, 1, 1)], 12),
        ([(1, 0, 0, 0), (0, 1, 0, 0), (1, 1, 0, 1)], 7),  # a prism: two of three inputs
        ([(1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (1, 1, 1, 0), (1, 1, 1, 1)], 21),
        ([(1, 10**9, 0), (1, 10**9 + 1, 0), (1, 0, 10**30)], 7),  # almost parallel, and far away
    ],
)
def test_kinks_in_special_position(planes, expected):
    assert everywhere(shallow(planes))[0] == everywhere(shallow(planes), activation_only=True)[0] == expected


@given(st.integers(0, 10**9))
@settings(max_examples=200, deadline=None)
def test_a_large_box_holds_as_many(seed):
    network = adversarial(seed)
    expected = in_a_large_box(network)
    assert everywhere(network) == expected
    assert everywhere(network, activation_only=True) == (expected[0], None, None)


@given(st.integers(0, 10**9), st.sampled_from(["float64", "float32"]))
@settings(max_examples=100, deadline=None)
def test_a_large_box_holds_as_many_of_floats(seed, dtype):
    choose = random.Random(seed)
    widths = [choose.randint(2, 3), *(choose.randint(1, 5) for _ in range(choose.randint(1, 3))), 1]
    number = choose.choice([lambda: F(choose.randint(-2, 2)), lambda: F(choose.randint(-8, 8), 4)])
    network = Network(dependent_layers(choose, widths, number)).astype(dtype)
    assert everywhere(network) == in_a_large_box(network)


@given(st.integers(0, 10**9))
@settings(max_examples=80, deadline=None)
def test_the_referee_without_a_domain_finds_as_many(seed):
    network = adversarial(seed)
    found = everywhere(network)
    if found[0] <= 40:
        assert referee(network, [[0] * network.widths[0] + [1]]) == found


@given(st.integers(0, 10**9))
@settings(max_examples=60, deadline=None)
def test_integers_and_doubles_agree(seed):
    network = adversarial(seed)
    found = everywhere(network)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel_input, "COMFORTABLE", (1e300, 1e301))
        assert everywhere(network) == found


@pytest.mark.parametrize(
    "widths", [(2, 20, 1), (2, 7, 7, 1), (2, 4, 5, 4, 1), (3, 5, 4, 1), (3, 2, 6, 1), (4, 4, 3, 1)]
)
@pytest.mark.parametrize("dtype", ["float64", "float32"])
def test_usual_networks(widths, dtype):
    network = he_normal(widths).astype(dtype)
    assert everywhere(network) == in_a_large_box(network)


@pytest.mark.parametrize(
    ("shift", "scale"), [((10**3, -(10**4)), 1), ((0, 0), 10**8), ((0, 0), F(1, 10**8)), ((1, 10**9), 10**6)]
)
def test_it_does_not_matter_where_and_how_large_the_kinks_are(shift, scale):
    network = he_normal((2, 12, 6, 1)).astype("rational")
    moved = compose(network, affine([[scale, 0], [0, scale]], [n * scale for n in shift]))
    assert everywhere(moved) == everywhere(network)


@given(st.integers(0, 10**9), st.integers(1, 40))
@settings(max_examples=60, deadline=None)
def test_parts_of_charts_give_the_same(seed, parts):
    network = without_dependent_inputs(adversarial(seed))
    if network.widths[0] == 1 or network.is_affine:
        return
    expected = everywhere(network)
    charts = charts_of_space(network)
    assert three_numbers(last(jobs.counts(network, charts, this_process, parts=parts))) == expected


def test_processes():
    network = compose(affine([[1, 1]]), parallel([sawtooth(4)] * 2))
    found = last(counts(network, "all", workers=jobs.local_workers(2)))
    assert three_numbers(found) == everywhere(network)
    assert found.activation_regions == 18**2


@given(st.integers(0, 10**9))
@settings(max_examples=100, deadline=None)
def test_charts_show_the_first_layer_as_it_is(seed):
    """At any point of a chart, the forms have the signs of the neurons at some inputs, those of the axes throughout."""
    network = without_dependent_inputs(adversarial(seed))
    if (dimension := network.widths[0]) == 1:
        return
    choose, charts = random.Random(seed), charts_of_space(network)
    assert len(charts) == 2**dimension
    seen = set()
    for chart in charts:
        shares = [choose.randint(1, 9) for _ in range(dimension + 1)]
        point = [F(share, sum(shares)) for share in shares[:dimension]]
        unit = point[chart.unit]
        values = [
            sum((n * x for n, x in zip(row, [*point, 1], strict=True)), F(0)) / scale / unit
            for row, scale in zip(chart.first.matrix.tolist(), chart.first.scale, strict=True)
        ]
        assert is_taken(network.layers[0], values)
        axes = [label - chart.first_label for label in chart.polytope.facets if label >= chart.first_label]
        seen.add(tuple(values[k] > 0 for k in axes))
        for k in axes:  # they vanish on their sides
            form, side = chart.forms[k], chart.polytope.facets[chart.first_label + k]
            assert any(form)
            assert all(a * d == b * c for (a, c), (b, d) in itertools.combinations(zip(form, side, strict=True), 2))
    assert len(seen) == 2**dimension


def is_taken(layer, values):
    """Whether an affine map of full rank takes these values: they are solved for, and put in."""
    rows = [
        [*map(F, weights), value - F(bias)]
        for weights, bias, value in zip(layer.weight, layer.bias, values, strict=True)
    ]
    for column in range(layer.inputs):
        place = next(i for i, row in enumerate(rows) if i >= column and row[column])
        rows[column], rows[place] = rows[place], rows[column]
        for i, row in enumerate(rows):
            if i != column:
                factor = row[column] / rows[column][column]
                rows[i] = [a - factor * b for a, b in zip(row, rows[column], strict=True)]
    return not any(row[-1] for row in rows[layer.inputs :])


@pytest.mark.parametrize("widths", [(9, 3, 2, 1), (40, 2, 3, 1), (12, 1, 3, 1)])
def test_many_inputs_of_which_few_play_a_part(widths):
    network = he_normal(widths)
    rank = min(widths[:2])
    small = Network([Affine(network.layers[0].weight[:, :rank], network.layers[0].bias), *network.layers[1:]])
    assert everywhere(network) == everywhere(small) == in_a_large_box(small)


def test_too_many_inputs():
    with pytest.raises(UsageError, match="in 1 to 8 dimensions, not in 9"):
        count_regions(he_normal((9, 9, 1)), "all")


def test_a_long_count_tells_lower_bounds_on_its_way():
    network = he_normal((3, 40, 16, 1))
    found = list(counts(network, "all"))
    assert len(found) > 8
    assert all(one.activation_regions <= two.activation_regions for one, two in itertools.pairwise(found))
    assert [one.complete for one in found] == [False] * (len(found) - 1) + [True]
    assert count_regions(network, "all", max_regions=1000).activation_regions >= 1000


ends = st.fractions() | st.sampled_from([F(10**30), F(-1, 10**30), F(1, 3), F(0)]) | st.integers(-4, 4).map(F)


@given(st.lists(st.lists(ends, min_size=2, max_size=2, unique=True).map(sorted), min_size=1, max_size=3), st.booleans())
def test_a_box_gets_the_chart_of_its_polytope(bounds, exact):
    """And what its first layer is at a corner is what the network's is there."""
    domain = Polytope.box(bounds)
    network = he_normal((len(bounds), 5, 1))
    network = network.astype("rational") if exact else network
    chart, expected = bounded_chart(network, bounds), bounded_chart(network, domain)
    assert (chart.polytope, chart.unit, chart.first_label) == (expected.polytope, expected.unit, expected.first_label)
    assert (chart.first.matrix == expected.first.matrix).all()
    assert chart.first.scale == expected.first.scale
    first = Network(network.astype("rational").layers[:1])
    for point, moved in zip(domain.points, chart.polytope.points, strict=True):
        assert max(map(abs, moved)) <= 1
        values = zip(chart.first.matrix @ np.array([*moved, 1]), chart.first.scale, strict=True)
        assert [value / scale for value, scale in values] == first(point).tolist()


def test_a_bounded_chart_of_other_dimensions():
    with pytest.raises(UsageError, match="takes 2 coordinates, but the domain has 3"):
        bounded_chart(he_normal((2, 3, 1)), Polytope.box([(0, 1)] * 3))
