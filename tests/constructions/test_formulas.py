"""The formulas of the theory, from the networks that the command writes: sizes recounted from the file.

A row is the words of the command, then L, the hidden widths (or the number of hidden neurons), M, B and the
certificate's value; None is what another test looks at.
"""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from math import comb, factorial

import numpy as np
import pytest

from nnapprox.activation import euaf


def cube_error(dim, width, ramp):
    """The L1 error of a cube's indicator with outer ramps."""
    return sum(comb(dim, j) * 2**j * width ** (dim - j) * ramp**j / factorial(j + 1) for j in range(1, dim + 1))


TREES = {
    2: (1, 3, 7), 3: (2, 8, 20), 4: (2, 9, 23), 5: (3, 16, 40), 6: (3, 17, 44), 7: (3, 20, 52), 8: (3, 21, 55),
    9: (4, 30, 76), 10: (4, 31, 80), 12: (4, 35, 92), 16: (4, 45, 119), 32: (5, 93, 247), 100: (7, 303, 804),
    128: (7, 381, 1015),
}  # fmt: skip
"""Of tournaments by dimension: hidden layers, neurons, nonzero weights."""

ROWS = [
    *((f"max --dim {d}", layers + 1, neurons, nonzeros, 1, 0) for d, (layers, neurons, nonzeros) in TREES.items()),
    ("max --dim 100 --nonnegative", 8, 201, 449, 1, 0),
    *((f"max --dim {d} --nonnegative", None, 2 * (d - 1), 9 * d // 2 - 4, 1, 0) for d in (2, 4, 8, 128)),
    *((f"l1 --dim {d}", 2, (2 * d,), 4 * d, 1, 0) for d in (1, 3, 7)),
    ("linf --dim 3", 4, None, None, 1, 0),
    ("max-call --dim 100 --strike 1/2", 9, (150, 75, 38, 20, 11, 6, 3, 1), 806, 1, 0),
    ("basket-call --weights 1/2,1/4,1/4 --strike 1", 2, (1,), 5, 1, 0),
    ("spread-call --strike 1/2", 2, (1,), 4, 1, 0),
    ("sort --dim 2", 2, (5,), 12, 1, 0),
    ("sort --dim 4", 4, (10, 10, 9), 88, 1, 0),
    ("courant-hat", 4, (5, 2, 1), 16, 1, 0),
    *((f"finite-element --function x*y --cells {n}", None, None, None, None, Fraction(1, 4 * n * n)) for n in (2, 3)),
    *(
        (f"finite-element --function x^2+y^2 --cells {n}", None, None, None, None, Fraction(1, 2 * n * n))
        for n in (2, 3)
    ),
    ("interval --low 1/4 --high 3/4 --ramp 1/16", 2, (4,), 12, 16, Fraction(1, 16)),
    *(
        (f"box --dim {d} --low 0 --high 1/2 --ramp 1/16", 3, (2 * d, 1), None, 16,
         cube_error(d, Fraction(1, 2), Fraction(1, 16)))
        for d in (2, 3)
    ),
    ("polytope --faces=-1,0:0;0,-1:0;1,1:1 --ramp 1/8", 3, (3, 1), 10, 8, None),
    ("haar --ramp 1/16", 2, (6,), 18, 32, None),
    *((f"betti --dim {d} --depth {k}", k + 1, (2 * d,) * k, 5 * k * d + 1, 4, 0) for d, k in ((1, 4), (2, 3), (3, 6))),
    *((f"serpentine --depth {j}", j + 1, (2, *[3] * (j - 1)), 6 * j, None, 0) for j in (1, 4, 9)),
    *((f"bit-extraction --bits {k}", k + 1, (3,) * k, 11 * k - 4, 2 ** (k + 1), 0) for k in (2, 8, 60)),
    *(
        (f"one-weight --function 'sin(3*x)/3' --eps 1/{n}", 2 * n - 1, None, 25 * (n - 1), 2 ** (n - 1), None)
        for n in (16, 32, 64)
    ),
    *((f"cybenko --function 1+x --neurons {n} --steepness 10", 2, (n,), 3 * n + 1, 10 * n, None) for n in (5, 50)),
    *(
        (f"tree --dim 8 --function x*y --square-depth {m}", None, None, None, None, Fraction(7, 4 ** (m + 1)))
        for m in (2, 5)
    ),
]  # fmt: skip


@pytest.mark.parametrize(("words", "depth", "hidden", "nonzeros", "largest", "value"), ROWS)
def test_sizes_and_errors(construct, words, depth, hidden, nonzeros, largest, value):
    made = construct(words)
    numbers = [n for layer in made.network.layers for n in (*layer.weight.flat, *layer.bias.flat) if n]
    assert depth in (None, len(made.network.layers))
    assert hidden in (None, made.hidden, sum(made.hidden))
    assert nonzeros in (None, len(numbers))
    assert largest in (None, max(map(abs, numbers)))
    assert value in (None, made.upper)


@pytest.mark.parametrize(("dim", "pieces", "layers"), [(1, 3, 3), (2, 3, 2), (3, 2, 2)])
def test_folding(construct, dim, pieces, layers):
    made = construct(f"fold --dim {dim} --pieces {pieces} --layers {layers}")
    assert made.hidden == (dim * pieces,) * layers
    assert made.told["notes"]["linear regions"] == pieces ** (dim * layers)
    assert (made.kind, made.upper) == ("exact", 0)


@pytest.mark.parametrize("n", range(1, 8))
def test_the_cascade_approaches_the_quadratic_spline(construct, n):
    """The mask (1/4, 3/4, 3/4, 1/4): the error is 2^-(n+1), reached at the middle of the support's flank."""
    made = construct(f"cascade --mask 1/4,3/4,3/4,1/4 --steps {n}")

    def spline(x):
        return sum((-1) ** i * comb(3, i) * max(x - i, Fraction(0)) ** 2 for i in range(4)) / 2

    grid = [Fraction(j, 2 ** (n + 2)) for j in range(3 * 2 ** (n + 2) + 1)]
    values = made.network([[x] for x in grid])[:, 0]
    assert max(abs(y - spline(x)) for x, y in zip(grid, values, strict=True)) == Fraction(1, 2 ** (n + 1))


@pytest.mark.parametrize("terms", [8, 16, 32, 64])
def test_the_best_terms_of_the_square_root(construct, terms):
    """In the Faber-Schauder basis, the error times m^2."""
    made = construct(f"dictionary --function 'sqrt(x)' --dictionary faber-schauder --terms {terms}")
    assert float(made.upper) * terms**2 == pytest.approx(1 if terms == 8 else 1.02746, abs=2e-5)
    assert made.network.nonzeros <= 9 * (terms + 1)


def test_one_weight_and_float64(construct):
    """The code of 64 cells is right in exact arithmetic, and lost in floats."""
    made = construct("one-weight --function 'sin(3*x)/3' --eps 1/64")
    assert made.upper <= Fraction(1, 64)
    assert float(Fraction(made.told["notes"]["float64 is off by"])) > 0.5


def test_the_mean_square_error_of_random_kinks(construct):
    """For exp it is 0.0860811 / n; a single error scatters by about 0.12 / n in the mean square."""
    squares = [construct(f"barron --function exp(x) --neurons 8 --seed {seed}").upper ** 2 for seed in range(150)]
    assert 8 * float(sum(squares)) / len(squares) == pytest.approx(0.0860811, abs=4 * 0.12 / 150**0.5)


@pytest.mark.parametrize("eps", ["1/4", "1/16", "1/100"])
def test_the_size_of_euaf_is_fixed(construct, eps):
    made = construct(f"euaf --function 'sin(3*x)/3' --eps {eps}")
    assert made.network.widths == (1, 3, 8, 8, 17, 9, 1)
    assert made.upper <= Fraction(eps)
    for k in range(65):
        values = [Fraction(k, 64)]
        for number, layer in enumerate(made.network.layers):
            values = [euaf(v) for v in values] if number else values
            values = [
                sum((w * v for w, v in zip(row, values, strict=True)), start=b)
                for row, b in zip(layer.weight, layer.bias, strict=True)
            ]
        assert abs(float(values[0]) - np.sin(3 * k / 64) / 3) <= float(made.upper) + 1e-12


def test_a_filter_of_length_seven_is_three_of_length_three(construct):
    weights = [1, -2, 3, 5, -1, 4, 2]
    made = construct(f"toeplitz --weights {','.join(map(str, weights))}")
    *convolutions, choice = made.network.layers
    product = np.array([1.0])
    for layer in convolutions:
        short = layer.weight[:3, 0]
        for column in layer.weight.T:
            assert list(column[column != 0]) == list(short)
        product = np.convolve(product, short.astype(float))
    chosen = choice.weight[choice.weight != 0]
    assert (len(convolutions), len(chosen)) == (3, 1)
    assert np.abs(float(chosen[0]) * product[::-1] - weights).max() < 1e-13 > made.upper


@pytest.mark.parametrize("order", [1, 2, 3])
@pytest.mark.parametrize("shallow", ["", " --shallow"])
def test_the_segments_of_hilberts_polygon(construct, order, shallow):
    """4^k - 1 of equal length, from one point of a grid to a neighbour, through all of them."""
    made, steps, cells = construct(f"hilbert --order {order}{shallow}"), 4**order - 1, 2**order - 1
    points = [tuple(cells * p for p in made.network([Fraction(k, 2 * steps)])) for k in range(2 * steps + 1)]
    vertices, middles = points[::2], points[1::2]
    assert sorted(vertices) == [(x, y) for x in range(2**order) for y in range(2**order)]
    for (a, b), middle in zip(pairwise(vertices), middles, strict=True):
        assert abs(a[0] - b[0]) + abs(a[1] - b[1]) == 1
        assert middle == ((a[0] + b[0]) / 2, (a[1] + b[1]) / 2)
    assert (made.kind, made.upper) == ("exact", 0)


def test_fifty_logistic_steps(construct):
    made = construct("cybenko --function x --neurons 50 --steepness 10")
    assert float(made.upper) == pytest.approx(0.003626, abs=1e-6)
    assert float(made.bound) == pytest.approx(0.02027, abs=1e-5)
    x = np.linspace(0, 1, 20_001)
    hidden, output = made.network.layers
    values = (output.weight @ (1 / (1 + np.exp(-(hidden.weight @ x[None] + hidden.bias[:, None])))))[0] + output.bias
    assert np.abs(values - x).max() == pytest.approx(0.003626, abs=1e-6)


@pytest.mark.parametrize(
    ("cells", "found", "bound"), [(2, 0.0358, 2), (4, 0.00945, 0.5), (8, 0.00242, 0.125), (16, 0.000608, 0.03125)]
)
def test_the_rate_of_local_taylor_polynomials(construct, cells, found, bound):
    made = construct(f"sobolev --function 'sin(2*x+y)/4' --cells {cells} --square-depth 12")
    assert float(made.bound) == pytest.approx(bound, rel=0.01)
    points = np.random.default_rng(0).random((20_000, 2))
    points[:2000] = np.round(points[:2000] * 12 * cells) / (12 * cells)
    errors = np.abs(made.network.astype("float64")(points)[:, 0] - np.sin(2 * points[:, 0] + points[:, 1]) / 4)
    assert errors.max() == pytest.approx(found, rel=0.02)
    assert errors.max() <= float(made.upper) < float(made.bound) / 10
