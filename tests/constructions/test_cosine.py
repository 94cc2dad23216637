"""Cosines at every frequency, Weierstrass's function, the bell and the Gabor atom."""

from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest

GRID = [Fraction(j, 997) for j in range(998)]


def found(made, function, points=GRID):
    """The largest error on a grid, in floating point."""
    values = np.array(made.network([[x] for x in points])[:, 0], dtype=float)
    return abs(values - [function(float(x)) for x in points]).max()


def test_the_block(construct):
    made = construct("cos --pieces 32")
    assert made.sizes[0] == 2
    assert made.network.nonzeros <= 96
    low, high = made.told["certificate"]["value"]
    assert Fraction(low) <= Fraction("0.0012030930634") <= Fraction(high)
    assert float(made.bound) == pytest.approx(0.00120479, abs=1e-8)


@pytest.mark.parametrize(("octaves", "nonzeros"), [(1, 131), (3, 141), (6, 156)])
def test_octaves_keep_the_error_and_cost_five_weights_each(construct, octaves, nonzeros):
    block, made = construct("cos --pieces 32"), construct(f"cos --pieces 32 --octaves {octaves}")
    assert made.network.nonzeros <= nonzeros
    assert made.told["certificate"]["value"] == block.told["certificate"]["value"]
    assert made.told["target"] == f"cos(2^{octaves}*pi*x)"
    assert found(made, lambda x: math.cos(2**octaves * math.pi * x)) <= float(made.upper)


def test_octaves_beyond_floats(construct):
    made = construct("cos --pieces 8 --octaves 80")
    assert abs(made.at("1/3") - Fraction(-1, 2)) <= made.upper  # 2^80 / 3 is 1/3 more than an odd integer
    assert made.at(Fraction(1, 2**80)) == -1


def test_eps(construct):
    assert construct("cos --eps 1e-3 --octaves 2").upper <= Fraction(1, 1000)
    assert construct("gaussian --eps 1e-2").upper <= Fraction(1, 100)


def test_weierstrass(construct):
    made = construct("weierstrass --ratio 1/2 --terms 10 --pieces 64")
    assert made.network.depth == 12
    assert float(made.bound) == pytest.approx(0.00157866, abs=1e-8)
    assert made.upper <= made.bound

    def limit(x):
        return sum(2.0**-k * math.cos(math.pi * ((2**k * x) % 2)) for k in range(50))

    assert 0.0014 <= found(made, limit) <= 0.00147016 + 1e-8


@pytest.mark.parametrize("pieces", [1, 2, 3, 7])
def test_weierstrass_with_few_pieces(construct, pieces):
    made = construct(f"weierstrass --ratio 1/3 --terms 3 --pieces {pieces}")
    assert found(made, lambda x: sum(3.0**-k * math.cos(math.pi * ((2**k * x) % 2)) for k in range(50))) <= made.upper


def test_gaussian(construct):
    made = construct("gaussian --pieces 32 --half-width 3")
    assert float(made.bound) == pytest.approx((6 / 32) ** 2 / 4)
    assert made.upper <= made.bound
    assert found(made, lambda x: math.exp(-x * x), [6 * x - 3 for x in GRID]) <= made.upper


def test_gabor(construct):
    made = construct("gabor --frequency 5 --pieces 256 --square-depth 8")
    assert float(made.bound) == pytest.approx(2.668e-4, rel=1e-3)
    assert made.upper <= made.bound
    assert found(made, lambda x: math.exp(-x * x) * math.cos(5 * x), [8 * x - 4 for x in GRID]) <= made.upper


@pytest.mark.parametrize("frequency", ["pi", "1/100", "3*pi/4", "20"])
def test_gabor_frequencies(construct, frequency):
    made = construct(f"gabor --frequency {frequency} --half-width 2 --pieces 16 --square-depth 3")
    w = eval(frequency, {"pi": math.pi})
    assert found(made, lambda x: math.exp(-x * x) * math.cos(w * x), [4 * x - 2 for x in GRID]) <= float(made.upper)
    assert made.upper <= made.bound


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("cos", "give --pieces or --eps"),
        ("cos --pieces 0", "at least 1"),
        ("cos --pieces 99999999999", "at most 65536"),
        ("cos --eps 1e-40", "no pieces up to 4096"),
        ("weierstrass --ratio 1 --terms 3 --pieces 4", "must be below 1"),
        ("weierstrass --ratio 1/2 --terms 3 --pieces 9999", "needs more memory"),
        ("gabor --frequency 0 --pieces 4 --square-depth 3", "--frequency must be above 0"),
        ("gabor --frequency x --pieces 4 --square-depth 3", "x"),
        ("gaussian --pieces 4 --half-width 0", "must be above 0"),
    ],
)
def test_refused(refused, words, message):
    assert message in refused(words)
