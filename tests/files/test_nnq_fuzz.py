"""Damaged and made-up .nnq files: refused in one line or read, soon, and in no more memory than they may ask for.

``NNAPPROX_FUZZ=100000 pytest tests/files/test_nnq_fuzz.py`` tries that many.
"""

import itertools
import os
import time
import tracemalloc
import zlib

import numpy as np
import pytest

from nnapprox import Activation
from nnapprox.errors import FileFormatError, UsageError
from nnapprox.files import nnq
from tests.files.nnq_reference import follow

FILES = int(os.environ.get("NNAPPROX_FUZZ", "3000"))
MOST_WEIGHTS = 2000
MOST_SECONDS = 2.0
MOST_MEMORY = 40 * MOST_WEIGHTS + 4 * nnq._MOST_METADATA
"""Integers, floats, the mask of what is finite and their copies; the text of metadata, and what is in it."""


def sealed(body):
    return nnq.MAGIC + bytes([nnq.VERSION]) + zlib.crc32(body).to_bytes(4, "little") + body


def seed_file(rng, widths, activation, metadata, joints=(), *, trellis=False):
    layers = [
        nnq.IntegerLayer(
            np.rint(rng.laplace(scale=4, size=(b, a + 1))).astype(np.int32),
            rng.integers(-1, 2, size=b, dtype=np.int32),
            rng.integers(-2, 3, size=a + 1, dtype=np.int32),
            37,
            -9,
        )
        for a, b in itertools.pairwise(widths)
    ]
    for layer in layers:
        if trellis:
            layer.integers[:] = follow(layer.integers)
    return nnq.to_bytes(nnq.Encoded(layers, activation, "float32", 3, b"abcdefgh", metadata, joints, trellis))[8:]


def seeds(rng):
    return [
        seed_file(rng, (6, 4, 1, 3), Activation("relu"), {"dataset": {"name": "digits"}}, trellis=True),
        seed_file(rng, (9, 20, 2), Activation("leaky-relu", "1/7"), {}),
        seed_file(rng, (12, 2, 9, 1, 8), Activation("relu"), {}, (0, 2), trellis=True),
        seed_file(rng, (12, 2, 9), Activation("relu"), {}, (0,)),
        seed_file(rng, (1, 1), Activation("universal"), {"recipe": {"loss": "cross-entropy"}}),
    ]


def mutated(rng, body):
    """Some bytes other ones, or a part cut out, doubled or put in."""
    out = bytearray(body)
    for _ in range(rng.integers(1, 4)):
        at, end = sorted(rng.integers(0, len(out) + 1, size=2).tolist())
        match rng.integers(5):
            case 0:
                del out[at : at + 1 + end % 7]
            case 1:
                out[at:at] = out[at:end]
            case 2:
                out[at:at] = rng.bytes(rng.integers(1, 9))
            case _ if at < len(out):
                out[at] = rng.integers(256)
    return bytes(out)


def made_up(rng):
    """A header that may well hold, and any bytes for a stream."""
    depth = int(rng.integers(1, 4))
    widths = rng.integers(1, 30, size=depth + 1).tolist()
    joints = [0] if depth > 1 and rng.integers(2) else []
    numbers = [int(rng.integers(14)), depth, *widths, len(joints), *joints, int(rng.integers(2))]
    numbers.append(int(rng.integers(widths[0] + 1)))
    for _ in range(depth):
        numbers += [int(rng.integers(1, 2**16)), int(rng.integers(2201))]
    if numbers[0] // 2 == nnq._ACTIVATIONS.index("leaky-relu"):
        numbers += [1, ord("2")]
    return rng.bytes(8) + b"".join(map(nnq._varint, [*numbers, 0])) + rng.bytes(rng.integers(200))


def one_file(rng, bodies):
    body = bodies[rng.integers(len(bodies))]
    match rng.integers(8):
        case 0:
            return mutated(rng, sealed(body))
        case 1:
            return sealed(rng.bytes(rng.integers(200)))
        case 2 | 3:
            return sealed(made_up(rng))
        case _:
            return sealed(mutated(rng, body))


def refusal(content):
    """What is said of a file that is not read."""
    try:
        nnq.from_bytes(content, MOST_WEIGHTS).network()
    except (FileFormatError, UsageError) as error:
        return str(error)
    return None


def test_no_file_crashes_hangs_or_takes_more_than_it_may():
    rng = np.random.default_rng(2)
    bodies, outcomes, longest = seeds(rng), {"read": 0, "refused": 0}, 0.0
    tracemalloc.start(1)
    try:
        for number in range(FILES):
            content = one_file(rng, bodies)
            tracemalloc.reset_peak()
            before, began = tracemalloc.get_traced_memory()[0], time.process_time()
            said = refusal(content)
            assert said is None or len(said.splitlines()) == 1
            outcomes["read" if said is None else "refused"] += 1
            longest = max(longest, time.process_time() - began)
            taken = tracemalloc.get_traced_memory()[1] - before
            assert taken < MOST_MEMORY, f"file {number} took {taken} bytes: {content.hex()}"
    finally:
        tracemalloc.stop()
    assert longest < MOST_SECONDS
    assert min(outcomes.values()) > FILES // 100, outcomes


@pytest.mark.parametrize("widths", [(2**24 - 1, 1), (2**23 - 1, 2), (1, 2**23), (2**12 - 1, 2**12)])
def test_a_short_file_that_claims_much_ends_soon_all_the_same(widths):
    numbers = [2, len(widths) - 1, *widths, 0, 1, 0, *((1, 0) * (len(widths) - 1)), 0]
    content = sealed(bytes(8) + b"".join(map(nnq._varint, numbers)))
    began = time.process_time()
    with pytest.raises(FileFormatError, match="ends too early"):
        nnq.from_bytes(content)
    assert time.process_time() - began < 1
