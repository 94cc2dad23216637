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
    flat = [int(number) for number in integers.flat]
    width = words(bits(integers))
    packed = b"".join(abs(number).to_bytes(SIZE * (width - 1), "little") for number in flat)
    lengths = [(words(number.bit_length()) - 1) * (1 if number > 0 else -1) for number in flat]
    joined = _joined(np.array(lengths, dtype=np.int64), np.frombuffer(packed, dtype=np.uint8), width)
    return joined.reshape(*integers.shape, width)


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


def _joined(lengths: Array, packed: Array, width: int) -> Array:
    """Put lengths before the limbs, which are given as bytes, least first."""
    out = np.empty((len(lengths), width), dtype=f"u{SIZE}")
    out[:, 0] = lengths.astype(f"i{SIZE}").view(f"u{SIZE}")
    out[:, 1:] = packed.reshape(-1).view(f"<u{SIZE}").reshape(len(lengths), width - 1)
    return out
