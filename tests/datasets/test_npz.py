import io
import struct
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest

from nnapprox.datasets.npz import load_npz
from nnapprox.errors import DatasetError


def silent(text):
    raise AssertionError(f"unexpected notice: {text}")


@pytest.fixture
def path(tmp_path):
    return str(tmp_path / "mine.npz")


def npy(array, version=None):
    stream = io.BytesIO()
    np.lib.format.write_array(stream, array, version=version)
    return stream.getvalue()


def write_members(path, compression=zipfile.ZIP_STORED, **members):
    with zipfile.ZipFile(path, "w", compression) as archive:
        for name, content in members.items():
            archive.writestr(f"{name}.npy", content)


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_labels(path, save):
    x = np.arange(24, dtype=np.uint8).reshape(4, 2, 3)
    save(path, x_train=x, y_train=[0, 1, 2, 1], x_test=x[:1], y_test=[2], remark="anything")
    data = load_npz(path, silent)
    assert (data.name, data.classes, data.divisor, data.image_shape) == (path, 3, 255, (2, 3))
    assert np.array_equal(data.x_train, x.reshape(4, 6))


def test_targets_without_a_test_set(path):
    np.savez(path, x_train=np.linspace(0, 1, 10), y_train=np.ones((10, 2), np.float32))
    notices = []
    data = load_npz(path, notices.append)
    assert (data.classes, data.outputs, data.y_test.shape, len(notices)) == (None, 2, (2, 2), 1)


def test_fortran_order_and_foreign_byte_order(path):
    x = np.asfortranarray(np.arange(12, dtype=">f4").reshape(4, 3))
    np.savez(path, x_train=x, y_train=[0, 1, 0, 1], x_test=x, y_test=[0, 1, 0, 1])
    data = load_npz(path, silent)
    assert np.array_equal(data.x_train, x)
    assert data.x_train.dtype.isnative


def test_the_second_version_of_the_header(path):
    write_members(path, x_train=npy(np.eye(2), (2, 0)), y_train=npy(np.array([0, 1]), (2, 0)))
    assert load_npz(path, lambda text: None).inputs == 2


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ({}, "has no x_train"),
        ({"x_train": npy(np.eye(2))}, "has no y_train"),
        ({"x_train": npy(np.eye(2)), "y_train": npy(np.array([0, 1])), "x_test": npy(np.eye(2))}, "has no y_test"),
        ({"x_train": b"", "y_train": b""}, "cannot read"),
        ({"x_train": b"no array at all", "y_train": b""}, "cannot read"),
        ({"x_train": npy(np.eye(2))[:-1], "y_train": npy(np.array([0, 1]))}, r"bytes as its shape \(2, 2\)"),
        ({"x_train": npy(np.eye(2)) + b"\0", "y_train": npy(np.array([0, 1]))}, r"bytes as its shape \(2, 2\)"),
        ({"x_train": npy(np.eye(2)).replace(b"(2, 2)", b"(-2,2)"), "y_train": b""}, "shape"),
        ({"x_train": npy(np.eye(2)).replace(b"(2, 2)", b"(2, 9)"), "y_train": b""}, "shape"),
        ({"x_train": npy(np.array([{}], object)), "y_train": b""}, "never unpickled"),
        ({"x_train": npy(np.zeros(2, "f4,i4")), "y_train": npy(np.zeros(2))}, "must hold real numbers"),
        ({"x_train": npy(np.empty((0, 3))), "y_train": npy(np.empty(0))}, "0 samples"),
        ({"x_train": npy(np.eye(2))[:6] + b"\x09" + npy(np.eye(2))[7:], "y_train": b""}, "cannot read"),
        ({"x_train": npy(np.full((2, 2), np.nan)), "y_train": npy(np.eye(2))}, "not finite"),
    ],
)
def test_refused(path, members, message):
    write_members(path, **members)
    with pytest.raises(DatasetError, match=message) as caught:
        load_npz(path, lambda text: None)
    assert path in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_file_cut_anywhere_or_with_any_byte_flipped_is_refused_or_read_right(path):
    x, y = np.arange(12.0).reshape(6, 2), np.array([0, 1, 0, 1, 0, 1])
    np.savez_compressed(path, x_train=x, y_train=y, x_test=x, y_test=y)
    content = Path(path).read_bytes()
    fingerprint = load_npz(path, silent).fingerprint
    spoilt = [content[:length] for length in range(len(content))]
    spoilt += [content[:i] + bytes([content[i] ^ 0xFF]) + content[i + 1 :] for i in range(len(content))]
    refused = 0
    for damaged in spoilt:
        Path(path).write_bytes(damaged)
        try:
            data = load_npz(path, lambda text: None)
        except DatasetError:
            refused += 1
        else:  # such as a time stamp, or the name of the test set
            held_out = len(data.x_train) < 6
            assert held_out or data.fingerprint == fingerprint
    assert refused > len(content)


def test_no_zip_file(path):
    Path(path).write_bytes(b"x_train,y_train\n")
    with pytest.raises(DatasetError, match="not a zip file"):
        load_npz(path, silent)


def test_a_member_that_inflates_to_more_than_it_says(path):
    write_members(path, zipfile.ZIP_DEFLATED, x_train=npy(np.zeros(1 << 25, np.uint8)), y_train=npy(np.zeros(1)))
    content = bytearray(Path(path).read_bytes())
    directory = content.index(b"PK\x01\x02")
    content[directory + 24 : directory + 28] = struct.pack("<I", 200)
    Path(path).write_bytes(content)
    tracemalloc.start()
    try:
        with pytest.raises(DatasetError, match="cannot read"):
            load_npz(path, silent)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()
