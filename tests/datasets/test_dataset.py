import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nnapprox.datasets import Dataset
from nnapprox.errors import DatasetError

LABELS = np.array([0, 1, 2, 1, 0, 2])


def classification(**changes):
    arrays = {"x_train": np.eye(6), "y_train": LABELS, "x_test": np.ones((2, 6)), "y_test": [0, 2]} | changes
    return Dataset.from_arrays("mine", {key: value for key, value in arrays.items() if value is not None})


def test_classification():
    data = classification()
    assert (data.inputs, data.outputs, data.classes, data.divisor, data.image_shape) == (6, 3, 3, 1, None)
    assert data.y_train.dtype == np.int64
    assert data.describe() == "mine: 6 training and 2 test samples, 6 inputs, 3 classes"


def test_regression_with_a_column_of_inputs_and_of_targets():
    data = Dataset.from_arrays("f", {"x_train": [0.0, 1.0], "y_train": [1.0, 2.0], "x_test": [3.0], "y_test": [4.0]})
    assert (data.inputs, data.outputs, data.classes) == (1, 1, None)
    assert data.y_train.tolist() == [[1.0], [2.0]]
    assert data.describe() == "f: 2 training and 1 test samples, 1 inputs, regression on 1 targets"


def test_images_become_rows_and_bytes_stay_bytes():
    images = np.arange(6 * 2 * 3, dtype=np.uint8).reshape(6, 2, 3)
    data = classification(x_train=images, x_test=images[:2])
    assert (data.image_shape, data.inputs, data.divisor, data.x_train.dtype) == ((2, 3), 6, 255, np.uint8)
    assert np.array_equal(data.x_train, images.reshape(6, 6))
    assert "2x3 images" in data.describe()


@pytest.mark.parametrize(
    ("given_dtype", "kept"),
    [
        ("uint8", "uint8"),
        ("float16", "float32"),
        ("float32", "float32"),
        (">f4", "float32"),
        (">f8", "float64"),
        ("int64", "float64"),
        ("bool", "float64"),
    ],
)
def test_dtypes_of_inputs(given_dtype, kept):
    data = classification(x_train=np.eye(6).astype(given_dtype), x_test=np.ones((2, 6)).astype(given_dtype))
    assert data.x_train.dtype == np.dtype(kept)
    assert data.x_train.dtype.isnative
    assert np.array_equal(data.x_train, np.eye(6))


def test_arrays_are_read_only_and_the_callers_own_are_not():
    x = np.eye(6)
    data = classification(x_train=x)
    for array in (data.x_train, data.y_train, data.x_test, data.y_test):
        with pytest.raises(ValueError, match="read-only"):
            array[0] = 0
    assert x.flags.writeable


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"x_train": np.zeros((0, 6)), "y_train": np.zeros(0, int)}, "x_train is empty"),
        ({"x_train": np.zeros((6, 0)), "x_test": np.zeros((2, 0))}, "x_train is empty"),
        ({"x_train": np.eye(5, 6)}, "x_train has 5 samples, but y_train has 6"),
        ({"y_test": [0]}, "x_test has 2 samples, but y_test has 1"),
        ({"x_test": np.ones((2, 7))}, r"x_train has shape \(6,\), but one of x_test \(7,\)"),
        (
            {"x_train": np.zeros((6, 4, 9)), "x_test": np.zeros((2, 6, 6))},
            r"shape \(4, 9\), but one of x_test \(6, 6\)",
        ),
        ({"x_test": np.ones((2, 6), np.float32)}, "x_train is float64, but x_test is float32"),
        ({"x_train": np.zeros((6, 1, 1, 6))}, r"not \(6, 1, 1, 6\)"),
        ({"x_train": np.full((6, 6), np.nan)}, "x_train holds a number that is not finite, first in sample 0"),
        ({"x_test": np.array([[0] * 6, [0] * 5 + [-np.inf]])}, "x_test holds .* first in sample 1"),
        ({"x_train": np.eye(6) * 1j}, "x_train must hold real numbers, not complex128"),
        ({"x_train": np.full((6, 6), "a")}, "x_train must hold real numbers"),
        ({"x_train": [[1.0], [2.0, 3.0]]}, "x_train is not an array of numbers"),
        ({"x_train": np.full((6, 6), None)}, "x_train must hold real numbers, not object"),
        ({"x_train": 1.0}, r"not \(\)"),
        ({"y_train": LABELS - 1}, "y_train holds the label -1"),
        ({"y_train": LABELS * 1000}, "y_train holds the label 2000: labels are 0..999"),
        ({"y_train": np.full(6, 2**64 - 1, np.uint64)}, "y_train holds the label 18446744073709551615"),
        ({"y_test": [0, 3]}, "y_test holds the label 3, but the classes are 0..2"),
        ({"y_train": np.zeros(6, int), "y_test": [0, 0]}, "at least two classes"),
        ({"y_train": LABELS[:, np.newaxis]}, r"labels y_train must have shape \(n,\)"),
        ({"y_test": [0.0, 1.0]}, "y_test must be int64 labels"),
        ({"y_train": LABELS / 2, "y_test": [0.0, np.nan]}, "y_test holds a number that is not finite"),
        (
            {"y_train": np.zeros((6, 2)), "y_test": np.zeros((2, 3))},
            r"y_train has shape \(2,\), but one of y_test \(3,\)",
        ),
        ({"y_train": np.zeros((6, 0)), "y_test": np.zeros((2, 0))}, "y_train must be float32 or float64 targets"),
        ({"y_train": np.zeros((6, 1, 1))}, r"must have shape \(n,\) or \(n, k\)"),
        ({"y_train": ["a"] * 6}, "y_train must hold real numbers"),
        ({"x_test": None}, "mine has no x_test"),
        ({"y_test": None}, "mine has no y_test"),
        ({"x_train": None}, "mine has no x_train"),
    ],
)
def test_refused(changes, message):
    with pytest.raises(DatasetError, match=message) as caught:
        classification(**changes)
    assert str(caught.value).startswith("mine")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"divisor": 0}, "divisor 0"),
        ({"divisor": 16}, "float64 inputs cannot have the divisor 16"),
        ({"image_shape": (2, 2)}, r"6 inputs are not an image of shape \(2, 2\)"),
        ({"x_train": np.eye(6, dtype=np.int8)}, "not int8"),
        ({"y_train": LABELS.astype(np.int32)}, "not int32"),
    ],
)
def test_the_constructor_checks_too(changes, message):
    fields = {"name": "mine", "x_train": np.eye(6), "y_train": LABELS.astype(np.int64), "x_test": np.ones((2, 6))}
    fields |= {"y_test": np.zeros(2, np.int64), "divisor": 1, "classes": 3} | changes
    with pytest.raises(DatasetError, match=message):
        Dataset(**fields)


@given(st.integers(2, 200))
def test_held_out_samples_are_a_fifth_and_none_is_lost(samples):
    notices = []
    x = np.arange(samples, dtype=float)
    data = Dataset.from_arrays("mine", {"x_train": x, "y_train": x}, notice=notices.append)
    assert len(data.x_test) == max(1, samples // 5)
    assert sorted(np.concatenate([data.x_train, data.x_test]).ravel()) == x.tolist()
    assert np.array_equal(data.x_train, data.y_train)
    assert np.array_equal(data.x_test, data.y_test)
    assert len(notices) == 1
    assert f"{len(data.x_test):,} of its {samples:,} samples" in notices[0]


def test_held_out_samples_are_the_same_everywhere_and_always():
    data = Dataset.from_arrays("mine", {"x_train": np.arange(20.0), "y_train": np.arange(20.0)})
    assert data.x_test.ravel().tolist() == [2, 9, 15, 16]


def test_one_sample_cannot_be_split():
    with pytest.raises(DatasetError, match="1 samples without a test set"):
        Dataset.from_arrays("mine", {"x_train": [[1.0]], "y_train": [0]})


def test_fingerprint_is_of_the_data_alone():
    data = classification()
    same = Dataset.from_arrays(
        "other", {"x_train": np.eye(6), "y_train": LABELS, "x_test": np.ones((2, 6)), "y_test": [0, 2]}
    )
    assert len(data.fingerprint) == 64
    assert data.fingerprint == same.fingerprint
    x = np.eye(6)
    x[5, 5] += 2**-52
    others = [
        classification(x_train=x),
        classification(y_train=LABELS[::-1]),
        classification(x_test=np.zeros((2, 6))),
        classification(y_test=[2, 0]),
        classification(x_train=np.eye(6, dtype=np.float32), x_test=np.ones((2, 6), np.float32)),
        classification(x_train=np.eye(6)[:-1], y_train=LABELS[:-1]),
    ]
    assert len({other.fingerprint for other in [data, *others]}) == len(others) + 1
