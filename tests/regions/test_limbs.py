from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox.regions import limbs

numbers = st.lists(st.integers(-(2**200), 2**200) | st.integers(-9, 9) | st.sampled_from([2**64, 2**64 - 1, -(2**32)]))


def decoded(packed):
    """Python integers from words, one by one."""
    out = []
    for row in packed.reshape(-1, packed.shape[-1]):
        length, *rest = (int(word) for word in row)
        negative = length >= 2 ** (8 * limbs.SIZE - 1)
        length = 2 ** (8 * limbs.SIZE) - length if negative else length
        size = sum(word << 8 * limbs.SIZE * place for place, word in enumerate(rest))
        assert (size == 0) if length == 0 else (rest[length - 1] and not any(rest[length:]))
        out.append(-size if negative else size)
    return out


@given(numbers)
def test_integers_are_packed(given_numbers):
    array = np.array(given_numbers, dtype=object)
    packed = limbs.limbs(array)
    assert decoded(packed) == given_numbers
    assert packed.shape == (len(given_numbers), limbs.words(limbs.bits(array)))
    assert decoded(limbs.widened(packed, packed.shape[1] + 3)) == given_numbers


@given(st.lists(st.floats(allow_nan=False, allow_infinity=False)))
def test_doubles_are_odd_integers_times_powers_of_two(doubles):
    mantissas, exponents = limbs.odd_parts(np.array(doubles))
    for double, mantissa, exponent in zip(doubles, mantissas.tolist(), exponents.tolist(), strict=True):
        assert mantissa * Fraction(2) ** exponent == Fraction(double)
        assert mantissa % 2 or (mantissa, exponent) == (0, 0)


@given(st.lists(st.tuples(st.integers(-(2**53) + 1, 2**53 - 1).filter(bool), st.integers(0, 2100))))
def test_shifted_mantissas_are_packed(pairs):
    mantissas, shifts = (np.array([pair[k] for pair in pairs], dtype=np.int64) for k in range(2))
    packed = limbs.shifted(mantissas, shifts)
    assert decoded(packed) == [mantissa << shift for mantissa, shift in pairs]
    largest = max((abs(m << s).bit_length() for m, s in pairs), default=0)
    assert packed.shape[1] == limbs.words(largest)


@pytest.mark.parametrize("shape", [(2, 3), (4, 1), (0, 3)])
def test_shapes_are_kept(shape):
    array = np.full(shape, -(10**30), dtype=object)
    packed = limbs.limbs(array)
    assert packed.shape[:-1] == shape
    assert set(decoded(packed)) <= {-(10**30)}
