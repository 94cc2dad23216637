"""Every operation realises what it says at random rational points, exactly, and has the size that it says."""

from __future__ import annotations

import functools
import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox import Affine, Network, calculus
from nnapprox.errors import UsageError

few = settings(max_examples=30)

fractions = st.fractions(min_value=-4, max_value=4, max_denominator=12)
sparse = st.one_of(st.just(Fraction(0)), fractions)


def array(numbers, *shape):
    return st.lists(numbers, min_size=int(np.prod(shape)), max_size=int(np.prod(shape))).map(
        lambda values: np.array(values, dtype=object).reshape(shape)
    )


@st.composite
def networks(draw, inputs=None, outputs=None, depth=None):
    depth = depth or draw(st.integers(1, 4))
    widths = [draw(st.integers(1, 3)) for _ in range(depth + 1)]
    widths[0], widths[-1] = inputs or widths[0], outputs or widths[-1]
    return Network(Affine(draw(array(sparse, b, a)), draw(array(sparse, b))) for a, b in itertools.pairwise(widths))


def points(d):
    return array(fractions, 2, d)


def weights(layer):
    return int(np.count_nonzero(layer.weight))


def biases(layer):
    return int(np.count_nonzero(layer.bias))


def same(left, right):
    return np.array_equal(np.asarray(left), np.asarray(right))


@few
@given(st.integers(1, 4), st.integers(1, 5), st.data())
def test_identity(d, depth, data):
    network = calculus.identity(d, depth)
    x = data.draw(points(d))
    assert same(network(x), x)
    assert network.depth == depth
    assert network.nonzeros == (d if depth == 1 else 2 * d * depth)


@few
@given(st.integers(1, 4), st.integers(1, 5), st.data())
def test_identity_on_what_is_not_negative(d, depth, data):
    network = calculus.identity(d, depth, low=0)
    x = abs(data.draw(points(d)))
    assert same(network(x), x)
    assert network.nonzeros == d * depth


@few
@given(st.integers(1, 3), st.integers(2, 5), st.data())
def test_identity_from_lower_limits_on(d, depth, data):
    lows = data.draw(st.lists(fractions.filter(bool), min_size=d, max_size=d))
    network = calculus.identity(d, depth, low=lows)
    x = abs(data.draw(points(d))) + np.array(lows, dtype=object)
    assert same(network(x), x)
    assert network.nonzeros == d * depth + 2 * d


@few
@given(st.data())
def test_affine(data):
    weight, bias, x = data.draw(array(sparse, 2, 3)), data.draw(array(sparse, 2)), data.draw(points(3))
    assert same(calculus.affine(weight, bias)(x), x @ weight.T + bias)
    assert same(calculus.affine(weight)(x), x @ weight.T)


@few
@given(networks(), st.data())
def test_compose(f, data):
    g = data.draw(networks(inputs=f.widths[-1]))
    x = data.draw(points(f.widths[0]))
    composed = calculus.compose(g, f)
    assert same(composed(x), g(f(x)))
    assert composed.depth == f.depth + g.depth - 1
    assert composed.widths == f.widths[:-1] + g.widths[1:]


@few
@given(networks(), st.data())
def test_concatenate(f, data):
    g = data.draw(networks(inputs=f.widths[-1]))
    x = data.draw(points(f.widths[0]))
    joined = calculus.concatenate(g, f)
    last = f.layers[-1]
    assert same(joined(x), g(f(x)))
    assert joined.depth == f.depth + g.depth
    assert joined.nonzeros == f.nonzeros + g.nonzeros + weights(last) + biases(last) + weights(g.layers[0])
    assert joined.nonzeros <= 2 * f.nonzeros + 2 * g.nonzeros


@few
@given(networks(), st.integers(0, 3), st.data())
def test_extend(f, more, data):
    extended = calculus.extend(f, f.depth + more)
    x, d, last = data.draw(points(f.widths[0])), f.widths[-1], f.layers[-1]
    assert same(extended(x), f(x))
    assert extended.depth == f.depth + more
    if more:
        assert extended.nonzeros == f.nonzeros + weights(last) + biases(last) + 2 * d * more
        assert extended.nonzeros <= f.nonzeros + d * (max(f.widths) + 1) + 2 * d * more


@few
@given(st.lists(networks(inputs=2), min_size=1, max_size=3), st.data())
def test_parallel_on_one_input(fs, data):
    together, x = calculus.parallel(fs, shared=True), data.draw(points(2))
    assert same(together(x), np.hstack([f(x) for f in fs]))
    assert together.depth == max(f.depth for f in fs)
    assert together.nonzeros == sum(calculus.extend(f, together.depth).nonzeros for f in fs)


@few
@given(st.lists(networks(), min_size=1, max_size=3), st.data())
def test_parallel_on_inputs_of_their_own(fs, data):
    together = calculus.parallel(fs)
    xs = [data.draw(points(f.widths[0])) for f in fs]
    assert same(together(np.hstack(xs)), np.hstack([f(x) for f, x in zip(fs, xs, strict=True)]))
    assert together.nonzeros == sum(calculus.extend(f, together.depth).nonzeros for f in fs)


@few
@given(st.lists(networks(inputs=2, outputs=2), min_size=1, max_size=3), fractions, st.data())
def test_combine(fs, constant, data):
    coefficients = data.draw(st.lists(fractions, min_size=len(fs), max_size=len(fs)))
    total, x = calculus.combine(fs, coefficients, constant), data.draw(points(2))
    assert same(total(x), sum(c * f(x) for c, f in zip(coefficients, fs, strict=True)) + constant)
    assert total.depth == max(f.depth for f in fs)
    bound = sum(calculus.extend(f, total.depth).nonzeros for f in fs)
    assert total.nonzeros <= bound + 2 * (constant != 0)


@few
@given(networks(), fractions, fractions, st.data())
def test_clip(f, one, other, data):
    low, high = sorted((one, other))
    x = data.draw(points(f.widths[0]))
    clipped = calculus.clip(f, low, high)
    assert same(clipped(x), np.clip(f(x), low, high))
    assert clipped.depth == f.depth + 1


@few
@given(networks(), st.data())
def test_precompose(f, data):
    weight, bias = data.draw(array(sparse, f.widths[0], 2)), data.draw(array(sparse, f.widths[0]))
    x = data.draw(points(2))
    assert same(calculus.precompose(f, weight, bias)(x), f(x @ weight.T + bias))


@few
@given(networks(inputs=2), st.data())
def test_restrict(f, data):
    box = [sorted(data.draw(st.tuples(fractions, fractions))) for _ in range(2)]
    x = data.draw(points(2))
    lows, highs = np.array(box, dtype=object).T
    assert same(calculus.restrict(f, box)(x), f(np.clip(x, lows, highs)))


@few
@given(networks(inputs=1, outputs=1, depth=2), st.integers(1, 12), st.data())
def test_powers_by_composition(f, times, data):
    x = data.draw(points(1))
    power = functools.reduce(lambda inner, _: calculus.compose(f, inner), range(times - 1), f)
    assert same(power(x), functools.reduce(lambda y, _: f(y), range(times), x))
    assert power.depth == times + 1


HAT = Network([Affine([[1], [1]], [0, Fraction(-1, 2)]), Affine([[2, -4]], [0])])


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: calculus.identity(0), "not 0 and 1"),
        (lambda: calculus.identity(1, 0), "not 1 and 0"),
        (lambda: calculus.identity(2, 3, low=[1]), "2 coordinates need as many limits, not 1"),
        (lambda: calculus.compose(HAT, calculus.identity(2)), "gives 2 values, but the outer one takes 1"),
        (lambda: calculus.concatenate(HAT, calculus.identity(2)), "gives 2 values"),
        (lambda: calculus.compose(HAT.astype("float64"), HAT), "lift it to rational"),
        (lambda: calculus.compose(Network(HAT.layers, "tanh"), HAT), "activation tanh"),
        (lambda: calculus.extend(HAT, 1), "depth 2 cannot be extended to depth 1"),
        (lambda: calculus.parallel([]), "at least one"),
        (lambda: calculus.parallel([HAT, calculus.identity(2)], shared=True), "not 1 and 2"),
        (lambda: calculus.combine([HAT], [1, 2]), "1 networks need as many coefficients, not 2"),
        (lambda: calculus.combine([calculus.identity(2), calculus.affine([[1, 1]])], [1, 1]), "not 1 and 2"),
        (lambda: calculus.clip(HAT, 1, 0), "nothing lies between 1 and 0"),
        (lambda: calculus.clip(HAT, [0, 0], 1), "1 coordinates need as many limits, not 2"),
        (lambda: calculus.restrict(HAT, []), "not 0"),
        (lambda: calculus.affine([[1, 2]], [1, 2]), "bias of shape"),
    ],
)
def test_what_does_not_fit_is_refused(call, message):
    with pytest.raises(UsageError, match=message):
        call()
