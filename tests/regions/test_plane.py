import itertools
import random
from fractions import Fraction as F
from itertools import accumulate
from math import comb

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox.activation import Activation
from nnapprox.calculus import affine, compose, parallel
from nnapprox.errors import UsageError
from nnapprox.network import Affine, Network
from nnapprox.regions import kernel_input
from nnapprox.regions.cells import cells
from nnapprox.regions.chart import bounded_chart
from nnapprox.regions.plane import count_plane, counts
from nnapprox.regions.plane_input import PlaneInput
from nnapprox.regions.polytope import Polytope
from nnapprox.regions.residues import fingerprint, residues
from nnapprox.regions.search import runs
from tests.regions.adversarial import dependent_layers, with_cancelling_copies
from tests.regions.test_cells import folded, random_network, sawtooth, shallow, zigzag

UNIT = [(0, 1)] * 2
SQUARE = [(-1, 1)] * 2
WIDE = [(-(10**6), 10**6)] * 2


def regions(network, domain):
    return count_plane(network, domain, activation_only=True).activation_regions


def slow_count(network, domain):
    return sum(1 for _ in cells(network, domain))


def slow_counts(network, domain):
    """All three numbers: cells of equal maps are joined if they have sides on one line that overlap."""
    found = [(cell.affine, sides_of(cell.polytope)) for cell in cells(network, domain)]
    by_map = {}
    for affine_map, sides in found:
        by_map.setdefault((*affine_map.weight.flat, *affine_map.bias), []).append(sides)
    return len(found), sum(map(components, by_map.values())), len(by_map)


def sides_of(polygon):
    """The ends of the sides on every line, along it."""
    sides = {}
    for label, form in polygon.facets.items():
        first = next(filter(None, form))
        line = tuple(F(int(number), int(first)) for number in form)
        ends = [point for point, on in zip(polygon.points, polygon.incidence, strict=True) if on >> label & 1]
        sides[line] = sorted(map(tuple, ends))
    return sides


def components(group):
    """Number of connected components of polygons that share sides."""
    apart = []
    for sides in group:
        touching = [part for part in apart if any(overlap(sides, other) for other in part)]
        apart = [part for part in apart if part not in touching] + [[sides, *itertools.chain(*touching)]]
    return len(apart)


def overlap(sides, others):
    lines = sides.keys() & others.keys()
    return any(max(sides[line][0], others[line][0]) < min(sides[line][1], others[line][1]) for line in lines)


def all_counts(network, domain):
    found = count_plane(network, domain)
    return found.activation_regions, found.linear_regions, found.distinct_affine_maps


@pytest.fixture
def without_filter(monkeypatch):
    """No weight is of a size that doubles may be used for: integers decide everything."""
    monkeypatch.setattr(kernel_input, "COMFORTABLE", (1e300, 1e301))


def he_normal(widths, seed=0):
    choose = np.random.default_rng(seed)
    return Network(
        Affine(choose.normal(size=(o, i)) * np.sqrt(2 / i), 0.1 * choose.normal(size=o))
        for i, o in itertools.pairwise(widths)
    )


# Closed forms


@pytest.mark.parametrize("neurons", [1, 2, 9, 60, 300])
def test_lines_in_general_position_give_zaslavskys_number(neurons):
    choose = random.Random(neurons)
    lines = [[choose.randint(-(10**6), 10**6) for _ in range(3)] for _ in range(neurons)]
    assert regions(shallow(lines), [(-(10**13), 10**13)] * 2) == 1 + neurons + comb(neurons, 2)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        ([(1, 0, 0), (0, 1, 0), (1, 1, 0)], 6),  # three through a point
        ([(2, 3, 1), (4, 6, 2), (-2, -3, -1), (1, F(3, 2), F(1, 2))], 2),  # one line, four times
        ([(k, 1, 0) for k in range(7)] + [(1, 0, 0)], 16),  # a pencil
        ([(F(k, 7), 3, F(3 * k, 49) - 1) for k in range(50)] + [(1, 0, F(3, 7))], 102),  # one at (-3/7, 1/3)
        ([(1, 0, 0), (0, 0, 0), (0, 0, 3), (0, 0, -3)], 2),  # neurons without weights
        ([(0, 0, 0)], 1),
        ([(1, 0, k) for k in range(5)], 6),  # parallel lines
        ([(1, 0, k) for k in range(30)] + [(0, 1, k) for k in range(20)], 31 * 21),  # a grid
        ([(1, 0, k) for k in range(9)] + [(0, 1, k) for k in range(9)] + [(1, -1, k) for k in range(-8, 9)], 342),
    ],
)
@pytest.mark.parametrize("filtered", [True, False])
def test_lines_in_special_position(lines, expected, filtered, request):
    if not filtered:
        request.getfixturevalue("without_filter")
    assert regions(shallow(lines), WIDE) == expected


def test_what_only_touches_the_domain_cuts_nothing():
    lines = [(1, 0, 0), (0, 1, -1), (1, 1, 0), (1, -1, 1), (1, 1, -2)]  # sides and corners of the unit square
    assert regions(shallow(lines), UNIT) == 1
    assert regions(shallow([*lines, (1, -1, 0)]), UNIT) == 2  # from corner to corner


@pytest.mark.parametrize("depth", [2, 3, 8, 16])
@pytest.mark.parametrize("dtype", ["rational", "float64"])
def test_the_sawtooth_of_one_coordinate(depth, dtype):
    network = compose(sawtooth(depth), affine([[1, 0]])).astype(dtype)
    assert all_counts(network, [(-1, 2)] * 2) == (2**depth + 2, 2**depth + 2, 2**depth + 1)
    assert regions(network, UNIT) == 2**depth


@pytest.mark.parametrize(("pieces", "layers"), [(2, 1), (2, 7), (3, 4), (4, 3), (7, 2)])
def test_folding(pieces, layers):
    network = compose(affine([[1, 2]]), folded(2, pieces, layers))
    assert regions(network, UNIT) == pieces ** (2 * layers)
    if pieces in (2, 4):
        assert regions(network.astype("float32"), UNIT) == pieces ** (2 * layers)


@pytest.mark.parametrize(("pieces", "folds", "generic"), [(2, 1, 3), (4, 1, 8), (2, 4, 4), (3, 3, 5)])
def test_montufars_network(pieces, folds, generic):
    """Folds, then lines in general position that all meet in each of the images of the square."""
    choose = random.Random(7)
    lines = []
    for _ in range(generic):
        normal = [choose.randint(-100, 100) for _ in range(2)]
        lines.append([*normal, -sum(n * F(choose.randint(49, 51), 100) for n in normal)])
    inside = regions(shallow(lines), UNIT)
    assert inside == 1 + generic + comb(generic, 2)
    network = shallow(lines)
    for _ in range(folds):
        network = compose(network, parallel([zigzag(pieces)] * 2))
    assert regions(network, UNIT) == pieces ** (2 * folds) * inside


def test_weights_are_the_rationals_that_they_are():
    weights = np.array([[1.0, 0.0], [1.0, 0.0]])
    network = Network([Affine(weights, np.array([-0.3, -(0.1 + 0.2)])), Affine(np.ones((1, 2)), np.zeros(1))])
    assert regions(network, UNIT) == 3


@pytest.mark.parametrize("shift", [0, F(1, 10**40), F(1, 10**400)])
def test_no_tolerance(shift):
    """Three lines through one point, or next to it by less than any float tells."""
    lines = [(1, 1, -1), (1, -1, 0), (3, 1, -2 + shift)]
    assert regions(shallow(lines), UNIT) == (7 if shift else 6)
    assert regions(shallow([(1, 0, 0), (1, 0, -shift)]), [(-1, 1)] * 2) == (3 if shift else 2)


# The slow counter


def adversarial(seed):
    """A network whose neurons often vanish together, in a point or on a line, and a domain that may touch them."""
    choose = random.Random(seed)
    depth = choose.randint(1, 5)
    widths = [2, *(choose.randint(1, (14, 8, 6, 5, 4)[depth - 1]) for _ in range(depth)), 1]
    number = choose.choice(
        [
            lambda: F(choose.randint(-1, 1)),
            lambda: F(choose.randint(-2, 2)),
            lambda: F(choose.randint(-9, 9)),
            lambda: F(choose.randint(-8, 8), 2 ** choose.randint(0, 3)),
            lambda: F(choose.randint(-5, 5), choose.randint(1, 5)),
            lambda: F(choose.randint(-2, 2)) * F(10) ** choose.choice([0, 0, -90, 90, -200, 400, -400]),
            lambda: F(choose.gauss(0, 1)),
        ]
    )
    slopes = [Activation("leaky-relu", slope) for slope in (None, F(-1, 3), 2, F(1, 10**150), F(10) ** 400)]
    network = Network(dependent_layers(choose, widths, number), choose.choice([Activation("relu")] * 5 + slopes))
    domain = Polytope.box(choose.choice([UNIT, SQUARE, [(-1, 2), (0, 3)], [(F(1, 3), F(8, 7)), (-1, F(10**9))]]))
    for _ in range(choose.choice([0, 0, 1, 4])):
        normal, [x, y] = [choose.randint(-2, 2), choose.randint(-2, 2)], domain.centre
        if any(normal):
            domain = domain.cut(normal, normal[0] * x + normal[1] * y + F(choose.randint(1, 4), 8))
    return network, domain


@given(st.integers(0, 10**9))
@settings(max_examples=400)
def test_the_slow_counter_finds_as_many(seed):
    network, domain = adversarial(seed)
    expected = slow_counts(network, domain)
    assert all_counts(network, domain) == expected
    assert regions(network, domain) == expected[0]


@given(st.integers(0, 10**9))
@settings(max_examples=100)
def test_the_slow_counter_finds_as_many_on_rounded_networks(seed):
    network, domain = adversarial(seed)
    try:
        network = network.astype("float32" if seed % 2 else "float64")
    except UsageError:  # a number is too large
        return
    assert regions(network, domain) == slow_count(network, domain)


@given(st.integers(0, 10**9))
@settings(max_examples=100)
def test_fingerprints_and_what_is_listed(seed):
    """Every region's fingerprint is that of the slow twin; half of them are asked for, and listed with their sides."""
    network, domain = adversarial(seed)
    if network.negative_slope == 1:
        return
    expected, states = {}, list(accumulate(network.widths[1:-1], initial=0))
    prepared = residues(network)
    for cell in cells(network, domain):
        pattern = sum(active << shift for active, shift in zip(cell.pattern, states, strict=False))
        expected[pattern] = fingerprint(prepared, cell.pattern), sides_of(cell.polytope)
    prints = []
    chart = bounded_chart(network, domain)
    kernel = PlaneInput(network, [chart])
    for begun, _ in runs(kernel.with_fingerprints(chart)):
        prints += begun.fingerprints().tolist()
    assert sorted(prints) == sorted(one for one, _ in expected.values())
    wanted = sorted(set(prints))[::2]
    found = []
    for begun, _ in runs(kernel.with_listing(chart, np.array(wanted, dtype=np.uint64))):
        patterns, offsets, labels = begun.cells()
        for row, (start, end) in zip(patterns.tolist(), itertools.pairwise(offsets), strict=True):
            found.append(sum(word << 64 * place for place, word in enumerate(row)))
            assert end - start == len(expected[found[-1]][1])
            assert all(-len(domain.facets) <= label < states[-1] for label in labels[start:end])
    assert sorted(found) == sorted(pattern for pattern, (one, _) in expected.items() if one in wanted)


@given(st.integers(0, 10**9))
@settings(max_examples=60)
def test_eulers_relation_of_what_is_counted(seed):
    """Regions = 1 + edges - vertices, edges ending at every vertex on them, as the slow enumeration has them."""
    network, domain = adversarial(seed)
    polygons = [cell.polytope for cell in cells(network, domain)]
    vertices = {point for polygon in polygons for point in polygon.points}
    edges = set()
    for polygon in polygons:
        for (a, b, c), (start, end) in sides_of(polygon).items():
            on = sorted(p for p in vertices if start <= p <= end and a * p[0] + b * p[1] + c == 0)
            edges |= set(itertools.pairwise(on))
    assert count_plane(network, domain).activation_regions == 1 + len(edges) - len(vertices)


@given(st.integers(0, 10**9))
@settings(max_examples=100)
def test_integers_and_doubles_agree(seed):
    network, domain = adversarial(seed)
    filtered = count_plane(network, domain)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel_input, "COMFORTABLE", (1e300, 1e301))
        unfiltered = count_plane(network, domain)
    assert filtered.activation_regions == unfiltered.activation_regions
    assert filtered.linear_regions == unfiltered.linear_regions
    assert filtered.distinct_affine_maps == unfiltered.distinct_affine_maps
    assert filtered.exact_fallbacks <= unfiltered.exact_fallbacks <= unfiltered.predicates


@pytest.mark.parametrize("size", [2**4, 2**12, 2**24])
@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("slope", [0, F(-1, 4)])
def test_what_cancels_leaves_errors_that_are_bounded(seed, size, slope):
    """Every line is there twice, and doubles tell the two apart; the counts are those of each line once."""
    choose = random.Random(seed)
    network = Network(he_normal((2, 6, 5, 4, 3, 1), seed).layers, Activation("leaky-relu", slope))
    doubled = with_cancelling_copies(network, choose, size)
    once = with_cancelling_copies(network, choose, 0)
    first, second = count_plane(once, SQUARE), count_plane(doubled, SQUARE)
    assert second.exact_fallbacks > 0
    assert first.activation_regions == second.activation_regions == regions(doubled.astype("rational"), SQUARE)
    assert first.linear_regions == second.linear_regions
    assert first.distinct_affine_maps == second.distinct_affine_maps


@pytest.mark.parametrize("exponent", [0, 3, -6])
@pytest.mark.parametrize("seed", range(4))
def test_deep_networks_in_integers_and_doubles(seed, exponent):
    """Bounds grow from layer to layer: the quick ones do not decide here, the closer ones do at times."""
    network = he_normal((2, *[7] * (8 + seed), 1), seed)
    layers = [Affine(layer.weight * 10.0**exponent, layer.bias) for layer in network.layers]
    filtered = count_plane(Network(layers), SQUARE)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(kernel_input, "COMFORTABLE", (1e300, 1e301))
        unfiltered = count_plane(Network(layers), SQUARE)
    assert filtered.activation_regions == unfiltered.activation_regions
    assert filtered.linear_regions == unfiltered.linear_regions
    assert filtered.exact_fallbacks < unfiltered.exact_fallbacks


@pytest.mark.parametrize("widths", [(2, 30, 1), (2, 9, 9, 1), (2, 6, 5, 7, 6, 1)])
def test_the_slow_counter_finds_as_many_on_usual_networks(widths):
    network = he_normal(widths)
    assert regions(network, SQUARE) == slow_count(network, SQUARE)
    assert regions(network.astype("float32"), SQUARE) == slow_count(network.astype("float32"), SQUARE)


lines = st.lists(st.tuples(*[st.integers(-3, 3)] * 3).filter(lambda line: line[0] or line[1]), min_size=1, max_size=25)


@given(lines)
def test_eulers_relation(planes):
    """Regions = 1 + lines + sum over crossing points of (lines through it - 1), for lines that are different."""
    different = {tuple(F(n) / next(filter(None, line)) for n in line) for line in planes}
    through = {}
    for (a, b, c), (p, q, r) in itertools.combinations(different, 2):
        if (det := a * q - b * p) != 0:
            through.setdefault(((b * r - c * q) / det, (c * p - a * r) / det), set()).update({(a, b, c), (p, q, r)})
    expected = 1 + len(different) + sum(len(lines) - 1 for lines in through.values())
    assert regions(shallow(planes), WIDE) == expected


@pytest.mark.parametrize(
    ("outputs", "glued"),
    [
        ([[1, 2, -1]], 2),  # the second and the third cancel where both are active: only the first is seen
        ([[0, 0, 0]], 1),
        ([[1, 2, 1]], 4),
        ([[0, 2, -1], [1, 0, 0]], 2),
    ],
)
def test_neurons_that_cancel(outputs, glued):
    network = Network([Affine([[1, 0], [0, 1], [0, 2]], [0, 0, 0]), Affine(outputs, [0] * len(outputs))])
    assert all_counts(network, SQUARE) == (4, glued, glued)


def test_one_map_on_pieces_that_do_not_touch():
    tent = Network([Affine([[1, 0]] * 3, [0, F(-1, 4), F(-1, 2)]), Affine([[1, -2, 1]], [0])])
    assert all_counts(tent, SQUARE) == (4, 4, 3)


# What must not change a count


def test_instruction_sets_agree(instruction_set):
    assert regions(he_normal((2, 20, 20, 20, 1)), SQUARE) == 1389


@given(st.integers(0, 10**6), st.integers(-120, 120), st.sampled_from(["rational", "float64"]))
@settings(max_examples=50)
def test_units_do_not_matter(seed, exponent, dtype):
    """x -> 2^e x of the domain and the first layer, and of what any neuron gives."""
    network = random_network((2, 6, 5, 1), seed)
    factor = F(2) ** exponent
    first, second, last = network.layers
    scaled = Network(
        [
            Affine(first.weight / factor, first.bias),
            Affine(second.weight * factor, second.bias * factor),
            Affine(last.weight, last.bias),
        ]
    )
    domain = [(-factor, factor)] * 2
    assert regions(scaled.astype(dtype), domain) == regions(network.astype(dtype), SQUARE)


@given(st.integers(0, 10**6))
@settings(max_examples=50)
def test_the_order_of_neurons_does_not_matter(seed):
    network, choose = random_network((2, 8, 6, 1), seed, numbers=3), random.Random(seed)
    first, second, last = network.layers
    order = choose.sample(range(8), 8)
    shuffled = Network(
        [Affine(first.weight[order], first.bias[order]), Affine(second.weight[:, order], second.bias), last]
    )
    assert regions(shuffled, SQUARE) == regions(network, SQUARE)


def test_parts_of_the_domain_add_up():
    """Every region that the diagonal crosses is counted on both sides."""
    network = he_normal((2, 24, 24, 1), 5)
    box = Polytope.box(SQUARE)
    below, above = box.cut([1, -1], 0), box.cut([-1, 1], 0)
    with_diagonal = Network(
        [
            Affine(np.vstack([network.layers[0].weight, [[1.0, -1.0]]]), np.append(network.layers[0].bias, 0.0)),
            Affine(np.column_stack([network.layers[1].weight, np.zeros(24)]), network.layers[1].bias),
            network.layers[2],
        ]
    )
    assert (
        regions(network, below) + regions(network, above) == regions(with_diagonal, SQUARE) > regions(network, SQUARE)
    )


# The rest


def test_a_long_count_tells_lower_bounds_on_its_way():
    found = list(counts(he_normal((2, 256, 256, 1)), SQUARE))
    assert len(found) > 2
    for one, two in itertools.pairwise(found):
        assert one.activation_regions <= two.activation_regions
        assert one.linear_regions <= two.linear_regions
        assert 0 <= one.share <= two.share <= 1
    assert [count.complete for count in found] == [False] * (len(found) - 1) + [True]
    assert found[-1].activation_regions == 119_787
    assert found[-1].exact_fallbacks < 10 < found[-1].predicates


def test_exact_decisions_are_told():
    told = count_plane(shallow([(1, 0, 0), (0, 1, 0), (1, 1, 0)]), SQUARE)
    assert 0 < told.exact_fallbacks < told.predicates


def test_layers_that_the_network_does_not_have():
    assert regions(Network([Affine([[1, 2]], [3])]), UNIT) == 1
    assert regions(random_network((2, 5, 5, 1), 0, "identity"), UNIT) == 1


def test_bad_input():
    network = shallow([(1, 1, 0)])
    with pytest.raises(UsageError, match="takes 2 and the domain has 1"):
        counts(network, [(0, 1)])
    with pytest.raises(UsageError, match="takes 3 and the domain has 3"):
        counts(random_network((3, 2, 1), 0), [(0, 1)] * 3)
    with pytest.raises(UsageError, match="low end below its high end"):
        counts(network, [(0, 1), (1, 0)])
    with pytest.raises(UsageError, match="not piecewise linear"):
        count_plane(Network(network.layers, "tanh"), UNIT)
