"""Decision regions with many components."""

import itertools
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox import constructions
from nnapprox.errors import UsageError


def build(dim, depth):
    return constructions.build("betti", dim=dim, depth=depth)


def components(cells):
    """Connected sets among cells of a grid that share a side."""
    left, count = set(cells), 0
    while left:
        count, front = count + 1, [left.pop()]
        while front:
            cell = front.pop()
            for axis, step in itertools.product(range(len(cell)), (-1, 1)):
                near = (*cell[:axis], cell[axis] + step, *cell[axis + 1 :])
                if near in left:
                    left.remove(near)
                    front.append(near)
    return count


@pytest.mark.parametrize(("dim", "depth"), [(1, 4), (2, 1), (2, 5), (3, 3), (6, 40)])
def test_sizes(dim, depth):
    made = build(dim, depth)
    assert made.network.nonzeros == 5 * depth * dim + 1
    assert made.network.depth == depth + 1
    assert (made.certificate.kind, made.certificate.upper) == ("exact", 0)
    assert made.notes["components where positive"] == 2 ** (dim * (depth - 1))


@given(dim=st.integers(1, 3), depth=st.integers(1, 5), data=st.data())
def test_values(dim, depth, data):
    made = build(dim, depth)
    point = data.draw(st.lists(st.fractions(0, 1, max_denominator=99), min_size=dim, max_size=dim))
    assert made.network(point)[0] == made.target.at(point)


@pytest.mark.parametrize(("dim", "depth"), [(1, 3), (2, 2), (2, 3), (3, 2)])
def test_components_on_a_fine_grid(dim, depth):
    """The regions are balls of the 1-norm around the peaks, of radius 2^-depth / 2: the grid resolves them."""
    made, cells = build(dim, depth), 2 ** (depth + 2)
    grid = list(itertools.product(range(cells + 1), repeat=dim))
    values = made.network([[Fraction(i, cells) for i in cell] for cell in grid])[:, 0]
    positive = [cell for cell, value in zip(grid, values, strict=True) if value > 0]
    assert components(positive) == 2 ** (dim * (depth - 1)) == made.notes["components where positive"]
    rest = [cell for cell, value in zip(grid, values, strict=True) if value <= 0]
    if dim == 2:
        assert components(rest) == 1
        assert made.notes["holes of the rest"] == 4 ** (depth - 1)


def test_absurd_sizes():
    with pytest.raises(UsageError, match="--depth"):
        build(50, 10**6)
