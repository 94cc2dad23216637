"""What kernels read, held to slow twins."""

import math
from fractions import Fraction as F

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from nnapprox.regions.kernel_input import COMFORTABLE, _comfortable, _quotients

LOW, HIGH = COMFORTABLE
sizes = st.floats(allow_nan=False) | st.sampled_from([0.0, -0.0, LOW, -HIGH, math.nextafter(LOW, 1), 1.0])
numbers = st.integers(-(2**80), 2**80) | st.integers(-9, 9)
huge = st.sampled_from([10**400, -(10**400), 2**1024, 1])


@given(st.integers(1, 4).flatmap(lambda n: st.lists(st.lists(sizes, min_size=n, max_size=n), min_size=1)))
def test_comfortable_rows(rows):
    expected = [all(x == 0 or LOW < abs(x) < HIGH for x in row) for row in rows]
    assert _comfortable(np.array(rows)).tolist() == expected
    assert _comfortable(np.array(rows).T.copy().T).tolist() == expected


@given(
    st.lists(
        st.tuples(numbers | huge, st.integers(1, 2**70) | st.integers(0, 1100).map(lambda n: 2**n) | huge.map(abs))
    )
)
def test_quotients_are_the_nearest_doubles(pairs):
    tops, bottoms = (np.array([pair[k] for pair in pairs], dtype=object) for k in range(2))
    for found, top, bottom in zip(_quotients(tops, bottoms).tolist(), tops, bottoms, strict=True):
        try:
            expected = float(F(top, bottom))
        except OverflowError:
            expected = math.inf
        assert found == (expected if expected or not top else math.ulp(0.0))
