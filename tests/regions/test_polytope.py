import itertools
from fractions import Fraction as F

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox.errors import UsageError
from nnapprox.regions.polytope import Polytope

UNIT = (0, 1)


def inequalities(polytope):
    """The facets as (a, c), a.x + c >= 0, in fractions."""
    return [([F(int(n)) for n in form[:-1]], F(int(form[-1]))) for form in polytope.facets.values()]


def solve(rows, right):
    """The only solution of a square system, or None."""
    n = len(rows)
    system = [[*row, b] for row, b in zip(rows, right, strict=True)]
    for k in range(n):
        pivot = next((i for i in range(k, n) if system[i][k]), None)
        if pivot is None:
            return None
        system[k], system[pivot] = system[pivot], system[k]
        system[k] = [value / system[k][k] for value in system[k]]
        for i in range(n):
            if i != k:
                system[i] = [a - system[i][k] * b for a, b in zip(system[i], system[k], strict=True)]
    return tuple(row[-1] for row in system)


def vertices_by_brute_force(planes, dimension):
    """Meets of d planes that satisfy all inequalities."""
    found = set()
    for chosen in itertools.combinations(planes, dimension):
        point = solve([a for a, _ in chosen], [-c for _, c in chosen])
        if point and all(sum(x * y for x, y in zip(a, point, strict=True)) + c >= 0 for a, c in planes):
            found.add(point)
    return found


small = st.integers(-3, 3)


@st.composite
def cut_boxes(draw, most_dimensions=4):
    """Boxes from which half-spaces are cut, with all the inequalities asked for; degenerate ones are likely."""
    dimension = draw(st.integers(1, most_dimensions))
    polytope = Polytope.box([(-2, 2)] * dimension)
    planes = inequalities(polytope)
    for normal, offset in draw(st.lists(st.tuples(st.tuples(*[small] * dimension), st.integers(0, 4)), max_size=4)):
        if any(normal):
            try:
                polytope = polytope.cut(normal, offset)
            except UsageError:
                continue
            planes.append(([F(-n) for n in normal], F(offset)))
    return polytope, planes


def test_a_box():
    box = Polytope.box([(F(-1, 2), F(1, 3)), (0, 2), (5, 7)])
    assert set(box.points) == set(itertools.product((F(-1, 2), F(1, 3)), (0, 2), (5, 7)))
    assert sorted(box.facets) == [0, 1, 2, 3, 4, 5]
    assert box.volume() == F(5, 6) * 2 * 2
    assert box.centre == (F(-1, 12), 1, 6)
    assert [len(level) for level in box.faces()] == [8, 12, 6, 1]


def test_a_simplex_in_six_dimensions():
    simplex = Polytope.box([UNIT] * 6).cut([1] * 6, 1)
    assert simplex.volume() == F(1, 720)
    assert [len(level) for level in simplex.faces()] == [7, 21, 35, 35, 21, 7, 1]


def test_a_square_times_an_octahedron():
    """Opposite corners of a square lie together on four facets, as many as an edge needs, but are not joined."""
    polytope = Polytope.box([(-1, 1)] * 5)
    for signs in itertools.product((1, -1), repeat=3):
        polytope = polytope.cut([0, 0, *signs], 1)
    assert [len(level) for level in polytope.faces()] == [24, 72, 86, 48, 12, 1]
    assert polytope.volume() == 4 * F(4, 3)
    assert len(polytope.cut([1, 1, 0, 0, 0], 1).vertices) == 5 * 6


def test_a_facet_that_is_cut_away_is_gone():
    triangle = Polytope.box([UNIT] * 2).cut([1, 1], 1)
    assert sorted(triangle.facets) == [0, 2, 4]
    assert set(triangle.points) == {(0, 0), (1, 0), (0, 1)}
    assert all(on.bit_count() == 2 for on in triangle.incidence)


def test_a_half_space_that_only_touches_cuts_nothing():
    box = Polytope.box([UNIT] * 2)
    assert box.cut([1, 1], 2) is box
    assert box.cut([1, 0], 1) is box


@given(cut_boxes())
def test_vertices_are_those_of_the_inequalities(made):
    polytope, planes = made
    assert set(polytope.points) == vertices_by_brute_force(planes, polytope.dimension)
    assert len(set(polytope.points)) == len(polytope.points)


@given(cut_boxes())
def test_incidence_says_which_vertex_is_on_which_facet(made):
    polytope, _ = made
    for vertex, on in zip(polytope.vertices, polytope.incidence, strict=True):
        for label, form in polytope.facets.items():
            value = sum(a * b for a, b in zip(form, vertex, strict=True))
            assert value >= 0
            assert (value == 0) == bool(on >> label & 1)
        assert on >> polytope.next_label == 0


@given(cut_boxes(most_dimensions=3))
def test_no_facet_is_redundant(made):
    polytope, _ = made
    planes = inequalities(polytope)
    for k in range(len(planes)):
        assert vertices_by_brute_force(planes[:k] + planes[k + 1 :], polytope.dimension) != set(polytope.points)


@given(cut_boxes())
def test_faces_obey_eulers_relation(made):
    polytope, _ = made
    levels = polytope.faces()
    assert sum((-1) ** k * len(level) for k, level in enumerate(levels)) == 1
    assert len(levels[-2]) == len(polytope.facets)
    for k, level in enumerate(levels):
        for face in level:
            frame = np.array([[int(n) for n in corner] for corner in polytope.frame(face)], dtype=float)
            assert len(frame) == np.linalg.matrix_rank(frame) == k + 1


@given(cut_boxes(), st.tuples(*[small] * 5))
def test_volumes_of_two_parts_add_up(made, numbers):
    polytope, _ = made
    *normal, offset = numbers[-1 - polytope.dimension :]
    if any(normal):
        parts = []
        for sign in (1, -1):
            try:
                parts.append(polytope.cut([sign * n for n in normal], sign * offset).volume())
            except UsageError:
                parts.append(0)
        assert sum(parts) == polytope.volume()
        assert polytope.volume() > 0


@pytest.mark.parametrize(
    ("bounds", "message"),
    [
        ([], "1 to 8 dimensions, not in 0"),
        ([UNIT] * 9, "not in 9"),
        ([UNIT, (1, 1)], "not 1,1"),
        ([(1, 0)], "not 1,0"),
        ([(0, float("nan"))], "finite ends"),
        ([(0, float("inf"))], "finite ends"),
    ],
)
def test_what_is_no_box(bounds, message):
    with pytest.raises(UsageError, match=message):
        Polytope.box(bounds)


def test_cutting_everything_away_is_refused():
    box = Polytope.box([UNIT] * 2)
    for normal, offset in (([1, 0], 0), ([1, 1], -1), ([0, 0], 0), ([0, 0], -1)):
        with pytest.raises(UsageError, match="strictly"):
            box.cut(normal, offset)
    with pytest.raises(UsageError, match="normal of as many, not 3"):
        box.cut([1, 1, 1], 1)
