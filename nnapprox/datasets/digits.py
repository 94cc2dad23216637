"""The bundled digits: 1,797 real handwritten digits of 8x8 pixels, so that everything runs with no network at all.

They are the test set of E. Alpaydin and C. Kaynak's "Optical Recognition of Handwritten Digits" (1998), UCI Machine
Learning Repository, https://doi.org/10.24432/C50P49, licensed under CC BY 4.0; see ``DIGITS-LICENSE.txt``.
"""

from __future__ import annotations

from pathlib import Path

from nnapprox.datasets.dataset import Dataset
from nnapprox.datasets.npz import read_npz

_MAX_PIXEL = 16


def load_digits() -> Dataset:
    """Load the bundled digits.

    Returns
    -------
    Dataset
        uint8 pixels 0..16 with divisor 16. The first 1,415 images train, the last 382 test. People filled in a
        form with the same digits in the same order, which shows where each of the 14 forms begins; the split is
        between two of them, so that accuracy is measured on other people's handwriting (11 forms train, 3 test).
    """
    return Dataset.from_arrays("digits", read_npz(Path(__file__).with_name("digits.npz")), divisor=_MAX_PIXEL)
