"""Random networks for property tests."""

import itertools
from fractions import Fraction

import numpy as np
from hypothesis import strategies as st

from nnapprox import Activation, Affine, Network
from nnapprox.activation import ACTIVATIONS
from nnapprox.network import DTYPES

PIECEWISE_LINEAR = ("relu", "leaky-relu", "identity")

LONG_RATIONALS = st.fractions(max_denominator=10**6) | st.integers(-(10**40), 10**40).map(Fraction)
"""Numbers without structure, of which some do not fit into 64 bits."""

SHORT_RATIONALS = st.fractions(-3, 3, max_denominator=6)

SMALL_INTEGERS = st.integers(-2, 2).map(Fraction)
"""With these, neurons vanish, coincide, cancel and meet in their kinks all the time."""

DYADIC = st.floats(-4, 4, width=32).map(Fraction)
"""What trained networks hold: long numerators over powers of two."""

POINTS = SHORT_RATIONALS | SMALL_INTEGERS | st.fractions(-5, 5, max_denominator=10**9)


@st.composite
def networks(
    draw,
    dtypes=DTYPES,
    activations=ACTIVATIONS,
    numbers=LONG_RATIONALS,
    inputs=st.integers(1, 4),  # noqa: B008 -- strategies are immutable
    outputs=st.integers(1, 4),  # noqa: B008
    hidden=st.lists(st.integers(1, 4), max_size=3),  # noqa: B008
):
    """Networks of any kind; `numbers` are those of rational ones."""
    widths = [draw(inputs), *draw(hidden), draw(outputs)]
    dtype = draw(st.sampled_from(dtypes))
    if dtype != "rational":
        numbers = st.floats(-100, 100, width=32)

    def array(*shape):
        size = int(np.prod(shape))
        values = draw(st.lists(numbers, min_size=size, max_size=size))
        return np.array(values, dtype=object if dtype == "rational" else dtype).reshape(shape)

    layers = [Affine(array(b, a), array(b)) for a, b in itertools.pairwise(widths)]
    name = draw(st.sampled_from(activations))
    slope = st.fractions(max_denominator=1000) | st.sampled_from([Fraction(1), Fraction(0), Fraction(-1)])
    return Network(layers, Activation(name, draw(slope) if name == "leaky-relu" else None))


def piecewise_linear_networks(**kinds):
    """Rational networks whose activation is piecewise linear, most of them with numbers that make ties."""
    kinds = {"dtypes": ("rational",), "activations": PIECEWISE_LINEAR, **kinds}
    return st.sampled_from([SMALL_INTEGERS, SMALL_INTEGERS, SHORT_RATIONALS, DYADIC, LONG_RATIONALS]).flatmap(
        lambda numbers: networks(numbers=numbers, **kinds)
    )


def line_networks(**kinds):
    """The same, of one variable."""
    return piecewise_linear_networks(inputs=st.just(1), **kinds)
