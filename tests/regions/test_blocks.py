"""Faces that are split a block at a time against the pieces that are split one by one: a count of all three numbers
takes the latter, which other tests hold to the slow counter."""

import random
from fractions import Fraction as F
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox.activation import Activation
from nnapprox.network import Affine, Network
from nnapprox.regions import kernel_input
from nnapprox.regions.chart import bounded_chart
from nnapprox.regions.count import count_regions
from nnapprox.regions.plane import count_plane, counts
from nnapprox.regions.plane_input import LARGEST_GRAM, PlaneInput, _spread
from nnapprox.regions.polytope import Polytope
from nnapprox.regions.search import runs
from tests.regions.adversarial import dependent_layers
from tests.regions.test_plane import SQUARE, UNIT, he_normal, regions, slow_count


def agree(network, domain):
    """Whether blocks and pieces find as many; gives the number."""
    found = count_regions(network, domain, activation_only=True).activation_regions
    assert found == count_regions(network, domain).activation_regions
    return found


@pytest.mark.parametrize(
    "widths",
    [
        (2, 9, 9, 9, 1),
        (2, 40, 30, 20, 10, 1),
        (2, 5, 100, 70, 1),  # states take more than one word
        (2, 120, 4, 4, 1),  # more faces at first than a block has room for
        (2, 6, 6, 128, 1),  # more chords in a face than are counted at once
        (2, *[12] * 12, 1),
        (2, 8, 140, 8, 1),  # too wide for blocks
    ],
)
@pytest.mark.parametrize("slope", [0, F(1, 100), -2])
def test_usual_networks(widths, slope):
    network = Network(he_normal(widths, len(widths)).layers, Activation("leaky-relu", slope))
    for domain in (SQUARE, "all"):
        assert agree(network, domain) > 1


@pytest.mark.parametrize("widths", [(2, 12, 12, 12, 1), (2, 5, 4, 5, 4, 5, 4, 1)])
def test_the_slow_counter_finds_as_many(widths):
    network = he_normal(widths)
    assert regions(network, SQUARE) == slow_count(network, SQUARE)


def test_integers_are_not_made_where_doubles_decide(monkeypatch):
    def refuse(self, chart):
        raise AssertionError

    monkeypatch.setattr(kernel_input.KernelInput, "integers", refuse)
    told = count_plane(he_normal((2, 20, 20, 20, 1)), SQUARE, activation_only=True)
    assert told.activation_regions == 1389
    assert told.exact_fallbacks == 0 < told.predicates


def test_bounds_do_not_grow_with_the_divisions_of_an_edge():
    """In ten thousands of faces through eight layers, next to none is left to integers."""
    told = count_plane(he_normal((2, *[32] * 8, 1)), SQUARE, activation_only=True)
    assert told.exact_fallbacks < told.activation_regions / 100


def degenerate(seed):
    """A network of three hidden layers or more; in one of them, neurons vanish together more often than not."""
    choose, rng = random.Random(seed), np.random.default_rng(seed)
    widths = [2, *(choose.randint(3, 12) for _ in range(choose.randint(3, 5))), 1]
    layers = list(he_normal(tuple(widths), seed).layers)
    place = choose.randrange(len(layers) - 1)
    weight, bias = layers[place].weight.copy(), layers[place].bias.copy()
    kind = choose.choice(["copies", "no bias", "integers", "quarters", "nearly one line", "dead", "exact"])
    if kind == "copies":
        factor = choose.choice([1, -1, 2, -0.5])
        weight[1], bias[1] = factor * weight[0], factor * bias[0]
    elif kind == "no bias":
        bias[:] = 0
    elif kind == "integers":
        weight, bias = rng.integers(-2, 3, size=weight.shape), rng.integers(-2, 3, size=bias.shape)
    elif kind == "quarters":
        weight, bias = np.round(4 * weight) / 4, np.round(4 * bias) / 4
    elif kind == "nearly one line":
        size = choose.choice([1e-3, 1e-9, 1e-15])
        weight = np.outer(rng.normal(size=len(bias)), weight[0]) + size * weight
    elif kind == "dead":
        weight[: len(bias) // 2] = 0
    else:
        return Network(dependent_layers(choose, widths, lambda: F(choose.randint(-9, 9), choose.randint(1, 5))))
    layers[place] = Affine(np.asarray(weight, dtype=np.float64), np.asarray(bias, dtype=np.float64))
    return Network(layers)


@given(st.integers(0, 10**9))
def test_degenerate_networks(seed):
    network, choose = degenerate(seed), random.Random(seed)
    domain = Polytope.box(choose.choice([UNIT, SQUARE, [(F(1, 3), F(8, 7)), (-1, 10**6)]]))
    for normal in ([1, 1], [1, -2])[: choose.randrange(3)]:
        domain = domain.cut(normal, sum(n * x for n, x in zip(normal, domain.centre, strict=True)) + F(1, 8))
    agree(network, choose.choice([domain, "all"]))


def test_a_domain_with_more_sides_than_a_block_has_room_for():
    """And one with many, of which some are left in doubt."""
    for sides in (40, 700):
        angles = [2 * np.pi * n / sides for n in range(sides)]
        domain = Polytope.box([(-1, 1)] * 2)
        for angle in angles:
            domain = domain.cut([F(float(np.cos(angle))), F(float(np.sin(angle)))], F(9, 10))
        agree(he_normal((2, 5, 5, 5, 1)), domain)


def test_faces_that_are_left_leave_nothing_to_split():
    """Half of all faces have a vertex in doubt: what was on their edges is not made."""
    network = he_normal((2, 24, 24, 24, 24, 1))
    first, second, *rest = network.layers
    weight, bias = second.weight.copy(), second.bias.copy()
    weight[1::2], bias[1::2] = weight[::2], bias[::2]
    agree(Network([first, Affine(weight, bias), *rest]), SQUARE)


def test_weights_of_all_sizes():
    """Doubles overflow, or lose all digits: what they leave open is counted all the same."""
    network = he_normal((2, 6, 6, 6, 6, 1))
    expected = regions(network, SQUARE)
    for exponent in (60, -60, 250, -250):
        first, second, *rest = network.astype("rational").layers
        factor = F(10) ** exponent
        scaled = [
            Affine(first.weight * factor, first.bias * factor),
            Affine(second.weight / factor, second.bias),
            *rest,
        ]
        assert regions(Network(scaled), SQUARE) == expected


def test_a_count_may_be_told_at_any_time():
    network = he_normal((2, 32, 32, 32, 32, 1))
    chart = bounded_chart(network, Polytope.box(SQUARE))
    begun = PlaneInput(network, [chart]).counter(chart)
    shares, found = [begun.share], [begun.regions]
    while begun.run(1):
        shares.append(begun.share)
        found.append(begun.regions)
    assert all(0 <= one <= two + 1e-9 for one, two in pairwise(shares))
    assert found == sorted(found)
    assert len(found) > 20
    assert begun.regions == regions(network, SQUARE)
    *_, last = runs(PlaneInput(network, [chart]).counter(chart))
    assert last[0].predicates == begun.predicates
    *_, told = counts(network, SQUARE, activation_only=True)
    assert told.complete


def test_counts_take_turns():
    """What one has left is memory of the next, never of two."""
    network = he_normal((2, 32, 32, 32, 1))
    chart = bounded_chart(network, SQUARE)
    kernel, expected = PlaneInput(network, [chart]), regions(network, SQUARE)
    for _ in range(3):
        begun = [kernel.counter(chart) for _ in range(3)]
        going = list(begun)
        while going:
            going = [one for one in going if one.run(10**4)]
        assert [one.regions for one in begun] == [expected] * 3


@pytest.mark.parametrize("shape", [(1, 1), (3, 40), (40, 3), (64, 64), (LARGEST_GRAM + 1, LARGEST_GRAM + 2)])
@pytest.mark.parametrize("size", [1.0, 1e-99, 1e99])
def test_bounds_on_norms(shape, size):
    weight = np.random.default_rng(0).normal(size=shape) * size
    norm = np.linalg.norm(weight / size, 2) * size
    assert norm <= _spread(weight) <= 3 * norm * (1 if min(shape) <= LARGEST_GRAM else 10)


def test_norms_of_what_has_none():
    assert _spread(np.zeros((2, 3))) == 0
    assert _spread(np.array([[1.0, np.inf]])) == np.inf
