"""Random expressions, and a slow readable twin that evaluates them."""

from __future__ import annotations

import math
from fractions import Fraction

from hypothesis import strategies as st

from nnapprox.functions.tree import Apply, Constant, Number, Sum, Variable

X = Variable("x")


def decimals():
    return st.builds(
        lambda digits, places: Number(Fraction(digits, 10**places)), st.integers(0, 10**6), st.integers(0, 40)
    )


def small_numbers():
    return st.integers(0, 9).map(lambda n: Number(Fraction(n)))


def sums(nodes):
    """Terms after the first may be negatives, which are written with a minus."""
    terms = nodes | nodes.map(lambda node: Apply("-", (node,)))
    return st.builds(lambda first, rest: Apply("+", (first, *rest)), nodes, st.lists(terms, min_size=1, max_size=3))


def products(nodes, divisors=None):
    """Factors after the first may be inverses, which are written with a slash."""
    factors = nodes if divisors is None else nodes | divisors.map(lambda node: Apply("/", (node,)))
    return st.builds(lambda first, rest: Apply("*", (first, *rest)), nodes, st.lists(factors, min_size=1, max_size=2))


def applied(nodes, *names, arguments=1):
    return st.builds(
        lambda name, inner: Apply(name, tuple(inner)),
        st.sampled_from(names),
        st.lists(nodes, min_size=arguments, max_size=arguments),
    )


def any_trees():
    """Trees of every kind, without regard to whether they are defined anywhere."""
    leaves = decimals() | st.sampled_from([X, Variable("y"), Constant("pi"), Constant("e")])
    bodies = products(leaves | st.just(Variable("k")), leaves)
    leaves |= st.builds(lambda first, last, body: Sum("k", first, last, body), leaves, leaves, bodies)

    def grow(nodes):
        return (
            sums(nodes)
            | products(nodes, nodes)
            | applied(
                nodes, "-", "sin", "cos", "tan", "exp", "log", "sqrt", "abs", "relu", "tri", "floor", "sign", "step"
            )
            | applied(nodes, "max", "min", "^", arguments=2)
            | applied(nodes, "clip", arguments=3)
        )

    return st.recursive(leaves, grow, max_leaves=12)


def rational_trees():
    """Trees whose values at rationals are rational."""
    leaves = small_numbers() | st.just(X)

    def grow(nodes):
        return (
            sums(nodes)
            | products(nodes)
            | applied(nodes, "-", "abs", "relu", "tri", "floor", "sign", "step")
            | applied(nodes, "max", "min", arguments=2)
            | st.builds(lambda node, power: Apply("^", (node, Number(Fraction(power)))), nodes, st.integers(0, 3))
        )

    return st.recursive(leaves, grow, max_leaves=8)


def polynomial_trees():
    leaves = small_numbers() | st.just(X)

    def grow(nodes):
        powers = st.builds(lambda node, power: Apply("^", (node, Number(Fraction(power)))), nodes, st.integers(0, 3))
        return sums(nodes) | products(nodes) | applied(nodes, "-") | powers

    return st.recursive(leaves, grow, max_leaves=8)


def piecewise_linear_trees():
    leaves = small_numbers() | st.just(X)

    def grow(nodes):
        scaled = st.builds(
            lambda number, divisor, node: Apply("*", (number, Apply("/", (divisor,)), node)),
            small_numbers(), st.integers(1, 9).map(lambda n: Number(Fraction(n))), nodes,
        )  # fmt: skip
        return (
            sums(nodes) | scaled | applied(nodes, "-", "abs", "relu", "tri") | applied(nodes, "max", "min", arguments=2)
        )

    return st.recursive(leaves, grow, max_leaves=8)


def smooth_trees():
    """Trees that are defined and of moderate size on [-2, 2], some with kinks."""
    leaves = small_numbers() | st.just(X) | st.just(Constant("pi"))

    def grow(nodes):
        bounded = applied(nodes, "sin", "cos", "tri")
        positive = st.builds(
            lambda node: Apply("+", (Number(Fraction(1)), Apply("^", (node, Number(Fraction(2)))))), bounded
        )
        return (
            sums(nodes)
            | products(bounded, positive)
            | applied(bounded, "exp")
            | applied(positive, "log", "sqrt")
            | applied(nodes, "-", "abs", "relu")
            | applied(nodes, "max", "min", arguments=2)
        )

    return st.recursive(leaves, grow, max_leaves=8)


def tri(t):
    return abs(t - 2 * math.floor((t + 1) / 2))


FUNCTIONS = {
    "sin": math.sin, "cos": math.cos, "tan": math.tan, "exp": math.exp, "log": math.log, "sqrt": math.sqrt,
    "abs": abs, "floor": math.floor, "tri": tri, "max": max, "min": min,
    "relu": lambda t: max(t, 0), "sign": lambda t: (t > 0) - (t < 0), "step": lambda t: int(t >= 0),
    "clip": lambda t, low, high: min(max(t, low), high),
    "+": lambda *terms: sum(terms), "*": lambda *factors: math.prod(factors), "-": lambda t: -t,
    "^": lambda base, exponent: base ** (exponent.numerator if isinstance(exponent, Fraction) else exponent),
}  # fmt: skip


def value_of(node, x):
    """Evaluate a tree at a `Fraction`, exactly where it has rational operations only, else in floating point."""
    match node:
        case Number(value):
            return value
        case Constant(name):
            return {"pi": math.pi, "e": math.e}[name]
        case Variable():
            return x
        case Apply("/", (inner,)):
            return 1 / value_of(inner, x)
        case Apply(operation, arguments):
            return FUNCTIONS[operation](*(value_of(argument, x) for argument in arguments))
