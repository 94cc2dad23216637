import itertools
import random
from fractions import Fraction as F

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox import constructions
from nnapprox.calculus import affine, compose, parallel
from nnapprox.errors import UsageError
from nnapprox.network import Affine, Network
from nnapprox.regions.cells import cells
from nnapprox.regions.level import Level
from nnapprox.regions.polytope import Polytope
from nnapprox.regions.topology import Betti, betti

from .homology import betti_numbers, nerve, order_complex
from .test_cells import UNIT, random_network, sawtooth, shallow

NORM = [(1, 0, 0), (-1, 0, 0), (0, 1, 0), (0, -1, 0)]
"""|x| + |y| is the sum of these ReLUs."""


def of_norm(outer):
    """A function of |x| + |y|."""
    return compose(outer, shallow(NORM))


def all_three(found):
    return found.positive, found.negative, found.zero


# Known answers


def test_a_disk():
    network = of_norm(affine([[-1]], [1]))
    assert all_three(betti(network, [(-3, 3)] * 2)) == ((1, 0), (1, 1), (1, 1))
    # in a smaller box, where the disk reaches the boundary, the rest is four corners
    assert all_three(betti(network, [(F(-3, 4), F(3, 4))] * 2)) == ((1, 0), (4, 0), (4, 0))
    # at the level of its peak it is a point
    assert all_three(betti(network, [(-3, 3)] * 2, Level(0, 1))) == ((0, 0), (1, 1), (1, 0))


def test_an_annulus():
    outer = Network([Affine([[1], [-1]], [F(-3, 2), F(3, 2)]), Affine([[-1, -1]], [F(1, 2)])])
    assert all_three(betti(of_norm(outer), [(-3, 3)] * 2)) == ((1, 1), (2, 1), (2, 2))


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_sums_of_sawtooths(depth):
    network = compose(affine([[1, 1]], [F(-3, 2)]), parallel([sawtooth(depth)] * 2))
    pieces = 4 ** (depth - 1)
    assert all_three(betti(network, [UNIT] * 2)) == ((pieces, 0), (1, pieces), (pieces, pieces))


@pytest.mark.parametrize(("dim", "depth"), [(1, 3), (2, 2)])
def test_the_construction_of_prescribed_topology(dim, depth):
    found = betti(constructions.build("betti", dim=dim, depth=depth).network, [UNIT] * dim)
    assert found.positive == (2 ** (dim * (depth - 1)), 0)


def test_where_a_function_is_flat():
    """max(|x| + |y|, 1) - 1 is 0 on a disk, which then is the zero set, with its interior."""
    network = of_norm(Network([Affine([[1]], [-1]), Affine([[1]], [0])]))
    assert all_three(betti(network, [(-3, 3)] * 2)) == ((1, 1), (0, 0), (1, 0))
    constant = affine([[0, 0]], [F(1, 3)])
    assert all_three(betti(constant, [UNIT] * 2)) == ((1, 0), (0, 0), (0, 0))
    assert all_three(betti(constant, [UNIT] * 2, Level(0, F(1, 3)))) == ((0, 0), (0, 0), (1, 0))


def test_a_saddle():
    """|x| - |y| vanishes on two lines that cross."""
    network = compose(affine([[1, 1, -1, -1]]), Network([shallow(NORM).layers[0], Affine(*_identity(4))]))
    assert all_three(betti(network, [(-1, 1)] * 2)) == ((2, 0), (2, 0), (1, 0))


def _identity(size):
    return [[F(i == k) for k in range(size)] for i in range(size)], [F(0)] * size


def test_on_a_line():
    assert all_three(betti(sawtooth(3), [UNIT], Level(0, F(1, 2)))) == ((4, 0), (5, 0), (8, 0))
    assert all_three(betti(sawtooth(3), [UNIT])) == ((4, 0), (0, 0), (5, 0))
    # below 0 the tent is 0, too: a whole interval joins the first zero
    assert all_three(betti(sawtooth(3), [(-1, F(1, 2))])) == ((2, 0), (0, 0), (3, 0))


def test_in_a_polygon():
    """Below the diagonal, the level x = 1/2 of the unit square is cut off at its middle."""
    triangle = Polytope.box([UNIT] * 2).cut([-1, 1], 0)
    coordinate = affine([[1, 0]])
    assert all_three(betti(coordinate, triangle, Level(0, F(1, 2)))) == ((1, 0), (1, 0), (1, 0))
    assert all_three(betti(coordinate, triangle)) == ((1, 0), (0, 0), (1, 0))
    assert all_three(betti(coordinate, triangle, Level(0, 1))) == ((0, 0), (1, 0), (1, 0))


def test_between_two_outputs():
    network = Network([Affine([[1, 0], [0, 1]], [0, 0]), Affine([[1, 0], [0, 1], [0, 0]], [0, 0, F(1, 4)])])
    assert all_three(betti(network, [UNIT] * 2, Level(0, against=1))) == ((1, 0), (1, 0), (1, 0))
    assert betti(network, [UNIT] * 2, Level(2, against=1)) == betti(network, [UNIT] * 2, Level(2, against=0))
    flipped = betti(network, [(-1, 1)] * 2, Level(1, against=0))
    assert flipped == Betti((1, 0), (1, 0), (1, 0))  # the quadrant where both are 0 joins the diagonal


def test_weights_are_the_rationals_that_they_are():
    """A ring of width 2^-54 between 0.1 + 0.2 and 0.3."""
    inner = compose(affine([[1], [1]], [F(-0.3), -F(0.1 + 0.2)]), shallow(NORM))
    bump = Network([*inner.layers, Affine([[1, -2]], [0])])
    assert betti(bump, [(-1, 1)] * 2).positive == (1, 1)
    assert betti(bump, [(-1, 1)] * 2, Level(0, 2 * (F(0.1 + 0.2) - F(0.3)))).positive == (0, 0)


@pytest.mark.parametrize(
    ("level", "told"),
    [(Level(1), "no output 1"), (Level(-1), "no output -1"), (Level(0, against=2), "no output 2")],
)
def test_outputs_that_are_not_there(level, told):
    with pytest.raises(UsageError, match=told):
        betti(shallow(NORM), [UNIT] * 2, level)


def test_what_has_no_betti_numbers_here():
    with pytest.raises(UsageError, match="not 0 with itself"):
        betti(shallow(NORM), [UNIT] * 2, Level(0, against=0))
    with pytest.raises(UsageError, match=r"not of 3"):
        betti(affine([[1, 1, 1]]), [UNIT] * 3)


# Independent methods


def grid(size, flips):
    """Faces of the square of size^2 squares, each cut by a diagonal, as sets of vertices."""
    faces = set()
    for i, j in itertools.product(range(size), repeat=2):
        corners = [(i, j), (i + 1, j), (i, j + 1), (i + 1, j + 1)]
        diagonal = (1, 2) if flips(i, j) else (0, 3)
        for k in {0, 1, 2, 3} - set(diagonal):
            triangle = [corners[k], *(corners[d] for d in diagonal)]
            faces |= {frozenset(part) for size in (1, 2, 3) for part in itertools.combinations(triangle, size)}
    return sorted(faces, key=lambda face: (len(face), sorted(face)))


def on_a_grid(size, seed, folded):
    """A network that is affine on every triangle of a grid of the unit square, and whether diagonals go the other way.

    Folded, the square is mapped onto itself by a tent in each coordinate first.
    """
    choose = random.Random(seed)
    cells_a_side = size // 2 if folded else size
    lines = [(1, 0, F(-k, cells_a_side)) for k in range(cells_a_side)]
    lines += [(0, 1, F(-k, cells_a_side)) for k in range(cells_a_side)]
    lines += [(1, -1, F(k, cells_a_side)) for k in range(1 - cells_a_side, cells_a_side)]
    network = Network(
        [
            Affine([line[:2] for line in lines], [line[2] for line in lines]),
            Affine([[F(choose.choice((-2, -1, 0, 0, 1, 2))) for _ in lines]], [F(0)]),
        ]
    )
    if folded:
        network = compose(network, parallel([sawtooth(1)] * 2))
    return network, lambda i, j: folded and (i < cells_a_side) != (j < cells_a_side)


@given(st.integers(2, 5), st.integers(0, 10**6), st.booleans(), st.data())
@settings(max_examples=60, deadline=None)
def test_on_grids_by_homology(half, seed, folded, data):
    """A set that meets every face in a convex set is homotopy equivalent to the order complex of the faces it meets."""
    size = 2 * half if folded else half
    network, flips = on_a_grid(size, seed, folded)
    faces = grid(size, flips)
    values = {(i, j): network([F(i, size), F(j, size)])[0] for i, j in itertools.product(range(size + 1), repeat=2)}
    level = data.draw(st.sampled_from(sorted(values.values()))) + data.draw(st.sampled_from([0, 0, F(1, 7), F(-1, 7)]))

    def numbers(meets):
        met = [face for face in faces if meets([values[vertex] - level for vertex in face])]
        return betti_numbers(order_complex(met))

    expected = (
        numbers(lambda at: max(at) > 0),
        numbers(lambda at: min(at) < 0),
        numbers(lambda at: min(at) <= 0 <= max(at)),
    )
    assert all_three(betti(network, [UNIT] * 2, Level(0, level))) == expected


@given(
    st.sampled_from([(2, 3, 1), (2, 4, 1), (2, 3, 2, 2)]),
    st.integers(0, 10**6),
    st.sampled_from(["relu", "leaky-relu"]),
    st.integers(-2, 2),
)
@settings(max_examples=40, deadline=None)
def test_any_cells_by_their_nerve(widths, seed, activation, value):
    """A set that meets every intersection of cells in a convex set is homotopy equivalent to the nerve of the parts."""
    network = random_network(widths, seed, activation, numbers=2)
    level = Level(widths[-1] - 1, value, 0 if widths[-1] == 2 else None)
    domain = [(-1, 2)] * 2
    found = list(cells(network, domain))

    def numbers(meets):
        def meet(places):
            corners = [tuple(map(F, point)) for point in found[places[0]].polytope.points]
            for place in places[1:]:
                for form in found[place].polytope.facets.values():
                    corners = clip(corners, [int(number) for number in form])
            form = [int(number) for number in level.form(found[places[0]])]
            return bool(corners) and meets([value_at(form, corner) for corner in corners])

        return betti_numbers(nerve(range(len(found)), meet))

    expected = (
        numbers(lambda at: max(at) > 0),
        numbers(lambda at: min(at) < 0),
        numbers(lambda at: min(at) <= 0 <= max(at)),
    )
    assert all_three(betti(network, domain, level)) == expected


def value_at(form, point):
    return form[0] * point[0] + form[1] * point[1] + form[2]


def clip(corners, form):
    """The part of a convex set, given by corners in any order, where a form is not negative."""
    at = [(corner, value_at(form, corner)) for corner in corners]
    kept = [corner for corner, value in at if value >= 0]
    for (p, u), (q, v) in itertools.combinations(at, 2):
        if u * v < 0:
            kept.append(tuple((a * v - b * u) / (v - u) for a, b in zip(p, q, strict=True)))
    return list(set(kept))
