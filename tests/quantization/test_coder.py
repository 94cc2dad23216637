import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nnapprox import _coder
from tests.files.nnq_reference import follow
from tests.quantization import twins

MAGNITUDES = st.sampled_from([0, 1, 2, 3, 7, 100, 4095, 4096, 2**20, 2**30 - 1, 2**30])


def shifts(shape):
    """None for a single row, as for side information; else of every size that a file may hold."""
    rng = np.random.default_rng(shape[0])
    return [rng.integers(-64, 65, size, dtype=np.int8) for size in shape] if shape[0] > 1 else []


def encode(matrices, image=0, *, trellis=False):
    writer = _coder.Writer()
    for q in matrices:
        writer.coder.begin(q.shape[1], image, *shifts(q.shape), trellis=trellis)
        writer.write(q.copy(), 0, len(q))
    return writer.finish()


def decode(content, shapes, image=0, *, trellis=False):
    reader, out = _coder.Reader(np.frombuffer(content, np.uint8)), []
    for shape in shapes:
        out.append(np.zeros(shape, np.int32))
        reader.coder.begin(shape[1], image, *shifts(shape), trellis=trellis)
        reader.read(out[-1], 0, shape[0])
    return out, reader.excess


@st.composite
def matrices(draw):
    shape = draw(st.integers(1, 6)), draw(st.integers(1, 40))
    size = shape[0] * shape[1]
    limit = draw(MAGNITUDES)
    values = draw(st.lists(st.integers(-limit, limit) | st.just(0), min_size=size, max_size=size))
    return np.array(values, dtype=np.int32).reshape(shape)


@settings(max_examples=40)
@given(st.lists(matrices(), min_size=1, max_size=3), st.sampled_from([0, 1, 2, 5, 28]))
def test_what_is_written_is_read(given_, image):
    content = encode(given_, image)
    read, excess = decode(content, [q.shape for q in given_], image)
    assert all(np.array_equal(a, b) for a, b in zip(read, given_, strict=True))
    assert 0 <= excess <= 4


@settings(max_examples=40)
@given(st.lists(matrices(), min_size=1, max_size=3), st.sampled_from([0, 1, 2, 5, 28]))
def test_what_is_written_in_a_trellis_is_read(given_, image):
    paths = [follow(indices // 2) for indices in given_]
    read, excess = decode(encode(paths, image, trellis=True), [q.shape for q in given_], image, trellis=True)
    assert all(np.array_equal(a, b) for a, b in zip(read, paths, strict=True))
    assert 0 <= excess <= 4


@given(matrices())
def test_only_what_follows_a_trellis_is_written_in_it(q):
    if all(map(twins.follows, q)):
        assert np.array_equal(decode(encode([q], trellis=True), [q.shape], trellis=True)[0][0], q)
    else:
        with pytest.raises(ValueError, match="do not follow the trellis"):
            encode([q], trellis=True)


@pytest.mark.parametrize("value", [2**30, -(2**30), 2**29 + 1, -1, 0, 4096, -4095])
def test_one_element_and_constant_rows(value):
    for shape in ((1, 1), (1, 500), (300, 1)):
        q = np.full(shape, value, np.int32)
        assert np.array_equal(decode(encode([q]), [shape])[0][0], q)


def test_rows_in_chunks_are_the_same_bytes():
    q = np.random.default_rng(0).integers(-9, 10, size=(20, 30), dtype=np.int32)
    writer, whole = _coder.Writer(), _coder.Writer()
    writer.coder.begin(30, 5)
    for first in range(0, 20, 7):
        writer.write(q, first, min(first + 7, 20))
    whole.coder.begin(30, 5)
    whole.write(q, 0, 20)
    assert writer.finish() == whole.finish()


def test_zeros_cost_next_to_nothing_and_noise_its_entropy():
    assert len(encode([np.zeros((100, 1000), np.int32)])) < 40
    q = np.rint(5 * np.random.default_rng(0).laplace(size=(100, 300))).astype(np.int32)
    _, counts = np.unique(q, return_counts=True)
    entropy = -(counts * np.log2(counts / q.size)).sum() / 8
    assert 0.95 * entropy < len(encode([q])) < 1.02 * entropy


def test_bytes_are_the_same_everywhere():
    """Another machine, compiler or build must write these bytes: a change of the format changes its version."""
    q = (np.arange(600) * 7919 % 31 - 15).reshape(20, 30).astype(np.int32)
    q[q % 3 == 0] = 0
    assert encode([q[:1], q], 6).hex()[:64] == EXPECTED
    assert encode([follow(q)], 6, trellis=True).hex()[:64] == EXPECTED_IN_TRELLIS


EXPECTED_IN_TRELLIS = "1b0c67464a507fae385325e8d628d4a6d029b92e0411d53f3ac1a16cab55ce1a"
EXPECTED = "1b59cbd5a196af2f582ce0b1da550af17f43096196b4e3d54c3576f5963416a0"


@settings(max_examples=60)
@given(st.binary(max_size=200))
def test_any_bytes_end(content):
    read, _ = decode(content, [(3, 50), (50, 9)], 7)
    assert all(abs(q.astype(np.int64)).max() < 2**31 for q in read)
    read, _ = decode(content, [(3, 50), (50, 9)], 7, trellis=True)
    assert all(abs(q.astype(np.int64)).max() <= 2**30 + 1 for q in read)
