import zlib

import numpy as np
import pytest

from nnapprox import Activation, load, save
from nnapprox.errors import FileFormatError, UsageError
from nnapprox.files import nnq


def encoded(activation=None, dtype="float32", **kinds):
    rng = np.random.default_rng(0)
    layers = [
        nnq.IntegerLayer(
            rng.integers(-5, 6, size=(b, a + 1), dtype=np.int32),
            rng.integers(-1, 2, size=b, dtype=np.int32),
            rng.integers(-2, 3, size=a + 1, dtype=np.int32),
            37,
            -9,
        )
        for a, b in ((6, 4), (4, 1), (1, 3))
    ]
    return nnq.Encoded(
        layers, activation or Activation("relu"), dtype, 3, b"abcdefgh", {"dataset": {"name": "digits"}}, **kinds
    )


def sealed(body):
    return nnq.MAGIC + bytes([nnq.VERSION]) + zlib.crc32(body).to_bytes(4, "little") + body


@pytest.mark.parametrize("name", ["identity", "relu", "leaky-relu", "sigmoid", "tanh", "euaf", "universal"])
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_a_file_is_read_as_it_was_written(tmp_path, name, dtype):
    told = encoded(Activation(name, "1/7" if name == "leaky-relu" else None), dtype)
    (tmp_path / "a.nnq").write_bytes(nnq.to_bytes(told))
    again = nnq.read_encoded(tmp_path / "a.nnq")
    for layer, other in zip(told.layers, again.layers, strict=True):
        assert np.array_equal(layer.integers, other.integers)
        assert np.array_equal(layer.rows, other.rows)
        assert np.array_equal(layer.columns, other.columns)
    assert (again.activation, again.source, again.metadata) == (told.activation, told.source, told.metadata)
    network = load(tmp_path / "a.nnq")
    assert (network.dtype, network.widths) == (dtype, (6, 4, 1, 3))
    layer, q = network.layers[0], told.layers[0]
    expected = q.integers[1, 2] * 37 * 2.0 ** (q.rows[1] + q.columns[2] - 9)
    assert float(layer.weight[1, 2]) == expected


def test_a_file_cut_anywhere_or_with_a_byte_flipped_is_refused():
    content = nnq.to_bytes(encoded())
    for position in range(len(content)):
        with pytest.raises(FileFormatError):
            nnq.from_bytes(content[:position])
        for flip in (1, 128, 255):
            damaged = bytearray(content)
            damaged[position] ^= flip
            with pytest.raises(FileFormatError):
                nnq.from_bytes(bytes(damaged))
    with pytest.raises(FileFormatError):
        nnq.from_bytes(content + b"\0")


def test_what_carries_a_right_checksum_is_checked_all_the_same():
    rng = np.random.default_rng(1)
    body = nnq.to_bytes(encoded())[8:]
    read = 0
    for _ in range(3000):
        damaged = bytearray(body)
        for position in rng.integers(8, len(body), size=rng.integers(1, 4)):
            damaged[position] = rng.integers(256)
        try:
            nnq.from_bytes(sealed(bytes(damaged)), most_weights=5000).network()
            read += 1
        except (FileFormatError, UsageError):
            pass
    for size in range(200):
        with pytest.raises(FileFormatError):
            nnq.from_bytes(sealed(rng.bytes(size)), most_weights=100)
    assert 0 < read < 3000


def test_a_file_that_asks_for_too_much_is_refused_before_it_is_believed(monkeypatch, tmp_path):
    (tmp_path / "a.nnq").write_bytes(nnq.to_bytes(encoded()))
    with pytest.raises(FileFormatError, match="claims to hold 39 weights"):
        nnq.read_encoded(tmp_path / "a.nnq", most_weights=38)
    monkeypatch.setenv("NNAPPROX_MOST_WEIGHTS", "12")
    with pytest.raises(FileFormatError, match=r"a number of its header|claims to hold"):
        load(tmp_path / "a.nnq")
    monkeypatch.setenv("NNAPPROX_MOST_WEIGHTS", "1e9")
    with pytest.raises(FileFormatError, match="must be a number"):
        load(tmp_path / "a.nnq")


def test_other_networks_are_not_rounded_unasked(tmp_path):
    with pytest.raises(UsageError, match="nnapprox quantize"):
        save(encoded().network(), tmp_path / "a.nnq")
