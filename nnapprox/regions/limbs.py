"""Integers as the compiled kernels have them: a word that tells the number of limbs and the sign, then the limbs.

Arrays of them have one axis more, of as many words as the largest needs. See ``_integer.h``.
"""

from __future__ import annotations

from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnapprox import _plane
from nnapprox.exact import largest

Array: TypeAlias = NDArray[Any]

SIZE = _plane.LIMB_BYTES


def bits(integers: Array) -> int:
    """How many bits the largest has."""
    return largest(integers).bit_length()


def words(bits: int) -> int:
    """How many words an integer with so many bits takes."""
    return 1 - -bits // (8 * SIZE)


def limbs(integers: Array) -> Array:
    """Python integers, an array of any shape."""
    flat = integers.ravel().tolist()
    width = words(bits(integers))
    size = SIZE * (width - 1)
    packed = b"".join([abs(number).to_bytes(size, "little") for number in flat])
    out = np.empty((len(flat), width), dtype=f"u{SIZE}")
    out[:, 1:] = np.frombuffer(packed, dtype=f"<u{SIZE}").reshape(len(flat), width - 1)
    lengths = ((out[:, 1:] != 0) * np.arange(1, width)).max(axis=1, initial=0)
    negative = np.array([number < 0 for number in flat], dtype=bool)
    out[:, 0] = np.where(negative, -lengths, lengths)
    return out.reshape(*integers.shape, width)


def odd_parts(numbers: Array) -> tuple[Array, Array]:
    """Write doubles as m * 2^e with odd integers m, and 0 as 0 * 2^0: int64 arrays of one axis."""
    mantissas, exponents = np.empty((2, numbers.size), dtype=np.int64)
    _plane.odd_parts(np.ascontiguousarray(numbers, dtype=np.float64).reshape(-1), mantissas, exponents)
    return mantissas, exponents


def shifted(mantissas: Array, shifts: Array) -> Array:
    """The integers mantissas * 2^shifts, for int64 arrays of one axis, |mantissas| < 2^53 and shifts >= 0."""
    out = np.zeros((len(mantissas), words(int(shifted_bits(mantissas, shifts).max(initial=0)))), dtype=f"u{SIZE}")
    _plane.shift(mantissas, shifts, out)
    return out


def shifted_bits(mantissas: Array, shifts: Array) -> Array:
    """How many bits each of them has."""
    return np.frexp(mantissas.astype(np.float64))[1] + shifts


def widened(packed: Array, width: int) -> Array:
    """The same integers, of one axis, in so many words."""
    wider = np.zeros((len(packed), width), dtype=packed.dtype)
    wider[:, : packed.shape[1]] = packed
    return wider
