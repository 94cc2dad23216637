import gzip
import struct
import tracemalloc

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from nnapprox.datasets.idx import FILES, MissingFileError, find_idx, load_idx_folder, read_idx
from nnapprox.errors import DatasetError

from .helpers import CODES, idx_bytes, small_arrays, write_folder

SMALL = idx_bytes(np.arange(6, dtype=np.uint8).reshape(3, 2))


@pytest.fixture
def path(tmp_path):
    return tmp_path / "train-images-idx3-ubyte"


@given(
    array=st.sampled_from(sorted(CODES)).flatmap(
        lambda dtype: npst.arrays(dtype, npst.array_shapes(max_dims=4, max_side=5))
    ),
    gzipped=st.booleans(),
)
def test_every_type_is_read_as_it_was_written(tmp_path_factory, array, gzipped):
    path = tmp_path_factory.mktemp("idx") / "file"
    content = idx_bytes(array)
    path.write_bytes(gzip.compress(content) if gzipped else content)
    seen = bytearray()
    read = read_idx(path, seen.extend)
    assert read.dtype == array.dtype
    assert read.dtype.isnative
    assert read.shape == array.shape
    assert read.tobytes() == array.tobytes()
    assert seen == content


def test_larger_than_a_piece(path):
    array = np.random.default_rng(0).integers(0, 256, (3, 1 << 20), dtype=np.uint8)
    path.write_bytes(idx_bytes(array))
    assert np.array_equal(read_idx(path), array)


@pytest.mark.parametrize("content", [SMALL, gzip.compress(SMALL)], ids=["plain", "gzip"])
def test_a_file_cut_anywhere_is_refused(path, content):
    for length in range(len(content)):
        path.write_bytes(content[:length])
        with pytest.raises(DatasetError, match=path.name):
            read_idx(path)


def test_a_gzip_file_with_any_byte_flipped_is_refused_or_read_right(path):
    content = gzip.compress(SMALL)
    for index in range(len(content)):
        damaged = bytearray(content)
        damaged[index] ^= 0xFF
        path.write_bytes(damaged)
        try:
            array = read_idx(path)
        except DatasetError:
            continue
        assert idx_bytes(array) == SMALL  # such as where the byte is of the time stamp in gzip's header


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (SMALL + b"\0", "goes on after its 6 bytes"),
        (gzip.compress(SMALL + b"\0"), "goes on after its 6 bytes"),
        (gzip.compress(SMALL) + b"garbage", "cannot read"),
        (gzip.compress(SMALL)[:-8] + bytes(8), "CRC"),
        (b"", "cut short"),
        (b"PK\x03\x04", "not an IDX file"),
        (struct.pack(">HBB", 0, 0x0A, 1) + b"\0\0\0\1a", "not an IDX file"),
        (struct.pack(">HBB", 0, 8, 0) + b"a", "not an IDX file"),
        (struct.pack(">HBB", 0, 8, 200) + bytes(1000), "not an IDX file"),
        (struct.pack(">HBBII", 0, 8, 2, 0, 28), r"no data: its shape is \(0, 28\)"),
        (struct.pack(">HBBIII", 0, 8, 3, 2**32 - 1, 2**32 - 1, 2**32 - 1), "promises .* bytes"),
        (struct.pack(">HBBI", 0, 14, 1, 2**28 + 1), "promises"),
    ],
)
def test_refused(path, content, message):
    path.write_bytes(content)
    with pytest.raises(DatasetError, match=message) as caught:
        read_idx(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("pack", [bytes, gzip.compress], ids=["plain", "gzip"])
def test_a_promise_that_the_file_cannot_hold_allocates_nothing(path, pack):
    path.write_bytes(pack(struct.pack(">HBBI", 0, 8, 1, 2**30)))
    tracemalloc.start()
    try:
        with pytest.raises(DatasetError, match="cut short"):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 1 << 20
    finally:
        tracemalloc.stop()


def test_a_gzip_bomb_is_not_inflated(path):
    path.write_bytes(gzip.compress(SMALL + bytes(1 << 27), compresslevel=1))
    tracemalloc.start()
    try:
        with pytest.raises(DatasetError, match="goes on after"):
            read_idx(path)
        assert tracemalloc.get_traced_memory()[1] < 4 << 20
    finally:
        tracemalloc.stop()


def test_a_folder_instead_of_a_file(tmp_path):
    with pytest.raises(DatasetError, match="cannot read"):
        read_idx(tmp_path)


@pytest.mark.parametrize("gzipped", [False, True])
@pytest.mark.parametrize("dotted", [False, True])
def test_folder(tmp_path, gzipped, dotted):
    arrays = small_arrays()
    data = load_idx_folder(str(write_folder(tmp_path / "mine", arrays, gzipped=gzipped, dotted=dotted)))
    assert np.array_equal(data.x_train, arrays["x_train"].reshape(30, 16))
    assert np.array_equal(data.y_test, arrays["y_test"])
    assert (data.classes, data.divisor, data.image_shape) == (10, 255, (4, 4))


def test_folder_of_rows_of_floats(tmp_path):
    arrays = small_arrays()
    arrays |= {key: arrays[key].reshape(-1, 16).astype(np.float32) for key in ("x_train", "x_test")}
    data = load_idx_folder(str(write_folder(tmp_path, arrays)))
    assert (data.x_train.dtype, data.divisor, data.image_shape) == (np.float32, 1, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"y_train": np.zeros(29, np.uint8)}, "x_train has 30 samples, but y_train has 29"),
        ({"y_test": np.full(20, 10, np.uint8)}, "label 10, but the classes are 0..9"),
        ({"y_train": np.full(30, -1, np.int8)}, "label -1"),
        ({"x_test": np.zeros((20, 4, 5), np.uint8)}, r"\(4, 4\), but one of x_test \(4, 5\)"),
        ({"x_train": np.full((30, 4, 4), np.inf, np.float32), "x_test": np.ones((20, 4, 4), np.float32)}, "not finite"),
    ],
)
def test_files_that_do_not_fit_together(tmp_path, changes, message):
    write_folder(tmp_path, small_arrays() | changes)
    with pytest.raises(DatasetError, match=message) as caught:
        load_idx_folder(str(tmp_path))
    assert str(tmp_path) in str(caught.value)


@pytest.mark.parametrize("name", FILES.values())
def test_a_missing_file_is_named(tmp_path, name):
    write_folder(tmp_path, small_arrays())
    (tmp_path / name).unlink()
    with pytest.raises(MissingFileError, match=f"{tmp_path.name} has no file {name}"):
        load_idx_folder(str(tmp_path))


def test_a_missing_folder_is_named(tmp_path):
    with pytest.raises(MissingFileError, match=r"no folder .*nowhere"):
        find_idx(tmp_path / "nowhere", FILES["x_train"])


def test_the_plain_file_is_preferred(tmp_path):
    write_folder(tmp_path, small_arrays())
    write_folder(tmp_path, small_arrays(), gzipped=True)
    assert find_idx(tmp_path, FILES["x_train"]).suffix == ""
