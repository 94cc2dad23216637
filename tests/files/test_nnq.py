import itertools
import zlib
from fractions import Fraction

import numpy as np
import pytest

from nnapprox import Activation, load, save
from nnapprox.errors import FileFormatError, UsageError
from nnapprox.files import nnq
from tests.files.nnq_reference import follow

VERSION_2 = (
    "4e4e5102216f35ae6162636465666768020306040103032511251125110643d586612a001225842027e7cf0180fe943685023f5f2fe4d56b"
    "91ae0bc16dce43aee9340fd2"
)
"""What version 2 wrote of `encoded()`."""

VERSION_3 = (
    "4e4e5103be3a76e061626364656667680203060401030101032511251125110643d586612a001225842027e7cf0180fe943685023f5f2fe4"
    "d56b91ae0bc16dce43aee9340fd2"
)
"""What version 3 wrote of `encoded(joints=(1,))`."""


def encoded(activation=None, dtype="float32", widths=(6, 4, 1, 3), **kinds):
    rng = np.random.default_rng(0)
    layers = [
        nnq.IntegerLayer(
            rng.integers(-5, 6, size=(b, a + 1), dtype=np.int32),
            rng.integers(-1, 2, size=b, dtype=np.int32),
            rng.integers(-2, 3, size=a + 1, dtype=np.int32),
            37,
            -9,
        )
        for a, b in itertools.pairwise(widths)
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
    for layer, other in zip(told.maps, again.maps, strict=True):
        assert np.array_equal(layer.integers, other.integers)
        assert np.array_equal(layer.rows, other.rows)
        assert np.array_equal(layer.columns, other.columns)
    assert (again.activation, again.source, again.metadata) == (told.activation, told.source, told.metadata)
    network = load(tmp_path / "a.nnq")
    assert (network.dtype, network.widths) == (dtype, (6, 4, 1, 3))
    layer, q = network.layers[0], told.maps[0]
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


def exact_product(inner, outer, i, j):
    """Entry (i, j) of one map after another, rounded as the format says: the bias of the outer is added after that."""

    def number(each, row, column):
        shift = int(each.rows[row] + each.columns[column]) + each.exponent
        return int(each.integers[row, column]) * each.mantissa * Fraction(2) ** shift

    entry = float(sum(number(outer, i, k) * number(inner, k, j) for k in range(len(inner.rows))))
    return entry + float(number(outer, i, -1)) if j == inner.integers.shape[1] - 1 else entry


@pytest.mark.parametrize(("joints", "widths"), [((0,), (6, 1, 3)), ((1,), (6, 4, 3)), ((0, 2), (6, 1))])
def test_two_maps_without_an_activation_between_are_one_layer(joints, widths):
    told = encoded(widths=(6, 4, 1, 3) if len(joints) < 2 else (6, 4, 5, 3, 1), joints=joints)
    again = nnq.from_bytes(nnq.to_bytes(told))
    assert again.joints == joints
    network = again.network().astype("float64")
    assert network.widths == (widths if len(joints) < 2 else (6, 5, 1))
    for layer, start in zip(network.layers, again.starts(), strict=True):
        values = np.column_stack([layer.weight, layer.bias])
        if start in joints:
            inner, outer = told.maps[start : start + 2]
            for i, j in np.ndindex(values.shape):
                assert values[i, j] == np.float32(exact_product(inner, outer, i, j))
        else:
            assert np.array_equal(values, told.maps[start].values())


@pytest.mark.parametrize("joints", [(2,), (0, 1), (1, 0), (0, 0)])
def test_joints_that_join_nothing_are_refused(joints):
    with pytest.raises(FileFormatError, match=r"joints|number of its header"):
        nnq.from_bytes(nnq.to_bytes(encoded(joints=joints)))


def test_a_product_that_doubles_cannot_tell_exactly_is_refused(tmp_path):
    told = encoded(joints=(0,))
    for each in told.maps[:2]:
        each.integers[:] = 2**27
    (tmp_path / "a.nnq").write_bytes(nnq.to_bytes(told))
    with pytest.raises(FileFormatError, match=r"a\.nnq is damaged: the product"):
        load(tmp_path / "a.nnq")


def test_a_product_counts_as_the_layer_that_it_is():
    content = nnq.to_bytes(encoded(widths=(50, 1, 50, 1), joints=(0,)))
    assert len(nnq.from_bytes(content, most_weights=2601).maps) == 3
    with pytest.raises(FileFormatError, match="claims to hold 2,601 weights"):
        nnq.from_bytes(content, most_weights=2600)


@pytest.mark.parametrize(("content", "joints"), [(VERSION_2, ()), (VERSION_3, (1,))])
def test_files_of_the_versions_before_are_read(content, joints):
    told, again = encoded(), nnq.from_bytes(bytes.fromhex(content))
    assert (again.joints, again.trellis) == (joints, False)
    assert all(np.array_equal(a.integers, b.integers) for a, b in zip(told.maps, again.maps, strict=True))


def test_integers_that_do_not_follow_their_trellis_are_not_written():
    told = encoded(trellis=True)
    with pytest.raises(ValueError, match="do not follow the trellis"):
        nnq.to_bytes(told)
    for layer in told.maps:
        layer.integers[:] = follow(layer.integers)
    again = nnq.from_bytes(nnq.to_bytes(told))
    assert again.trellis
    assert all(np.array_equal(a.integers, b.integers) for a, b in zip(told.maps, again.maps, strict=True))
