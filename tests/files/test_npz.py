import errno
import itertools
import tracemalloc
import zipfile
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

import nnapprox
from nnapprox import Activation, Affine, Network, atomic, files
from nnapprox.activation import ACTIVATIONS
from nnapprox.errors import FileFormatError, UsageError, WriteError
from nnapprox.files import npz
from nnapprox.network import DTYPES

FRACTIONS = st.fractions(max_denominator=10**6) | st.integers(-(10**40), 10**40).map(Fraction)


@st.composite
def networks(draw):
    widths = draw(st.lists(st.integers(1, 4), min_size=2, max_size=5))
    dtype = draw(st.sampled_from(DTYPES))
    numbers = FRACTIONS if dtype == "rational" else st.floats(-100, 100, width=32)

    def array(*shape):
        values = draw(st.lists(numbers, min_size=int(np.prod(shape)), max_size=int(np.prod(shape))))
        return np.array(values, dtype=object if dtype == "rational" else dtype).reshape(shape)

    layers = [Affine(array(b, a), array(b)) for a, b in itertools.pairwise(widths)]
    name = draw(st.sampled_from(ACTIVATIONS))
    return Network(layers, Activation(name, draw(st.fractions()) if name == "leaky-relu" else None))


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("networks")


@given(networks(), st.dictionaries(st.sampled_from(["command", "seed"]), st.integers() | st.text(), max_size=2))
def test_what_is_saved_is_loaded(folder, network, metadata):
    path = folder / "a.npz"
    files.save(network, path, metadata)
    first = path.read_bytes()
    read = files.read(path)
    assert (read.network, read.metadata) == (network, metadata)
    files.save(read.network, path, read.metadata)
    assert path.read_bytes() == first


@pytest.mark.parametrize("save", [np.savez, np.savez_compressed])
def test_plain_numpy_weights_are_a_relu_network(tmp_path, save):
    weights = np.arange(6.0).reshape(2, 3), np.ones((1, 2))
    save(tmp_path / "w.npz", W0=weights[0], b0=np.zeros(2), W1=weights[1], b1=np.ones(1))
    network = nnapprox.load(tmp_path / "w.npz")
    assert network.activation.name == "relu"
    assert network.widths == (3, 2, 1)
    assert network([1, 1, 1]) == [16]


@pytest.mark.parametrize(
    "arrays",
    [
        {},
        {"W0": np.ones((1, 1))},
        {"W0": np.ones((1, 1)), "b0": np.ones(1), "extra": np.ones(1)},
        {"W0": np.ones((1, 1)), "b0": np.ones(2)},
        {"W0": np.full((1, 1), np.nan), "b0": np.ones(1)},
        {"W0": np.full((1, 1), np.inf, np.float16), "b0": np.ones(1, np.float16)},
        {"W1": np.ones((1, 1)), "b1": np.ones(1)},
        {"W0": np.array([["x"]]), "b0": np.ones(1)},
        {"W0": np.ones((1, 0)), "b0": np.ones(1)},
    ],
)
def test_other_arrays_are_refused(tmp_path, arrays):
    np.savez(tmp_path / "w.npz", **arrays)
    with pytest.raises(FileFormatError, match=r"w\.npz"):
        nnapprox.load(tmp_path / "w.npz")


def test_pickles_are_never_read(tmp_path):
    np.savez(tmp_path / "w.npz", W0=np.array([[object]], dtype=object), b0=np.ones(1))
    with pytest.raises(FileFormatError):
        nnapprox.load(tmp_path / "w.npz")


@pytest.mark.parametrize("dtype", DTYPES)
def test_no_mutation_loads_another_network(tmp_path, dtype):
    network = Network([Affine([[1, -2]], [Fraction(1, 2)]), Affine([[3]], [0])], "leaky-relu").astype(dtype)
    path = tmp_path / "a.npz"
    files.save(network, path, {"seed": 0})
    whole = path.read_bytes()
    mutants = [whole[:cut] for cut in range(len(whole))]
    for position in range(len(whole)):
        mutants.append(whole[:position] + bytes([whole[position] ^ 0xFF]) + whole[position + 1 :])
    rng = np.random.default_rng(0)
    while len(mutants) < 3400:
        mutant = bytearray(whole)
        for position in rng.integers(0, len(whole), rng.integers(1, 5)):
            mutant[position] = rng.integers(256)
        mutants.append(bytes(mutant))
    refused, lines = 0, set()
    for mutant in mutants:
        path.write_bytes(mutant)
        try:
            assert files.load(path) == network
        except FileFormatError as error:
            refused += 1
            lines.update(str(error).splitlines()[1:])
    assert refused > 0.8 * len(mutants)
    assert not lines, "a message has more than one line"


def test_a_size_that_is_promised_is_not_believed(tmp_path):
    header = b"\x93NUMPY\x01\x00v\x00" + b"{'descr': '<f8', 'fortran_order': False, 'shape': (99999999999, 9), }"
    with zipfile.ZipFile(tmp_path / "a.npz", "w") as archive:
        archive.writestr("W0.npy", header.ljust(127) + b"\n" + b"1234")
    with pytest.raises(FileFormatError, match="promises"):
        files.load(tmp_path / "a.npz")


def test_a_bomb_is_refused_unread(tmp_path):
    np.savez_compressed(tmp_path / "a.npz", W0=np.zeros((1, 2**24), np.float64), b0=np.zeros(1))
    tracemalloc.start()
    with pytest.raises(FileFormatError, match="save it uncompressed"):
        files.load(tmp_path / "a.npz")
    assert tracemalloc.get_traced_memory()[1] < 2**20
    tracemalloc.stop()


def test_other_byte_orders_are_read(tmp_path):
    np.savez(tmp_path / "w.npz", W0=np.array([[1, 2]], ">f8"), b0=np.ones(1, ">f8"))
    assert nnapprox.load(tmp_path / "w.npz") == Network([Affine([[1, 2]], [1])]).astype("float64")


@pytest.mark.parametrize(
    "own",
    [
        {"slope": "1e999999999"},
        {"slope": "1/0"},
        {"slope": 0.5},
        {"dtype": "float32"},
        {"version": 2},
        {"activation": ["relu"]},
    ],
)
def test_metadata_that_cannot_be(tmp_path, own):
    good = {"format": "nnapprox-network", "version": 1, "activation": "leaky-relu", "slope": "1/2", "dtype": "float64"}
    arrays = {"W0": np.ones((1, 1)), "b0": np.ones(1)}
    npz.write_archive(tmp_path / "a.npz", arrays, good)
    assert files.load(tmp_path / "a.npz").activation.slope == Fraction(1, 2)
    npz.write_archive(tmp_path / "a.npz", arrays, {**good, **own})
    with pytest.raises(FileFormatError, match=r"a\.npz"):
        files.load(tmp_path / "a.npz")


@pytest.mark.parametrize("value", [float("nan"), {1}, 1j])
def test_metadata_that_are_not_json(tmp_path, value):
    with pytest.raises(UsageError, match="JSON"):
        files.save(Network([Affine([[1]], [0])]), tmp_path / "a.npz", {"key": value})
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_old_file(tmp_path, monkeypatch):
    network = Network([Affine([[1]], [0])])
    path = tmp_path / "a.npz"
    files.save(network, path)
    before = path.read_bytes()

    def full(_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(atomic.os, "fsync", full)
    with pytest.raises(WriteError, match=r"cannot write .*a\.npz: No space left"):
        files.save(network.astype("float32"), path)
    assert path.read_bytes() == before
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_paths_that_cannot_be(tmp_path):
    network = Network([Affine([[1]], [0])])
    with pytest.raises(WriteError, match="cannot write"):
        files.save(network, tmp_path / "no" / "a.npz")
    with pytest.raises(UsageError, match=r"did you mean \.npz"):
        files.save(network, tmp_path / "a.npy")
    with pytest.raises(FileFormatError, match="not there"):
        files.load(tmp_path / "b.npz")
    (tmp_path / "c.npz").mkdir()
    with pytest.raises(FileFormatError, match="a folder"):
        files.load(tmp_path / "c.npz")
