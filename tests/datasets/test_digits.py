from pathlib import Path

import numpy as np

import nnapprox.datasets
from nnapprox.datasets.digits import load_digits


def test_digits():
    data = load_digits()
    assert data.describe() == "digits: 1,415 training and 382 test samples, 8x8 images, 10 classes"
    assert (data.x_train.dtype, data.divisor, data.inputs, data.outputs) == (np.uint8, 16, 64, 10)
    assert (data.x_train.min(), data.x_train.max()) == (0, 16)


def test_classes_are_balanced_in_both_parts():
    data = load_digits()
    for labels in (data.y_train, data.y_test):
        counts = np.bincount(labels, minlength=10) / len(labels)
        assert counts.min() > 0.09
        assert counts.max() < 0.11


def test_no_image_is_in_both_parts():
    data = load_digits()
    assert not {row.tobytes() for row in data.x_train} & {row.tobytes() for row in data.x_test}


def test_they_are_the_bytes_they_always_were():
    assert load_digits().fingerprint == "778380fe39ecd11ae099e251e97cf06aaad60dd8d2448cd9d8f6e8bd351601a2"


def test_small_and_with_attribution():
    folder = Path(nnapprox.datasets.__file__).parent
    assert (folder / "digits.npz").stat().st_size < 60_000
    licence = (folder / "DIGITS-LICENSE.txt").read_text(encoding="utf-8")
    for needed in ("Alpaydin", "Kaynak", "10.24432/C50P49", "CC BY 4.0"):
        assert needed in licence
