"""``.nnq``: quantised networks, as small as they get; specified in docs/format-nnq.md.

Weights are integers times powers of two times one step a map, or exact products of two such maps, so that every decoder
gives the same bits.
"""

from __future__ import annotations

import json
import os
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, NoReturn

import numpy as np
from numpy.typing import NDArray

from nnapprox import _coder
from nnapprox.activation import ACTIVATIONS, WITHOUT_KERNEL, Activation
from nnapprox.errors import FileFormatError, UsageError
from nnapprox.files.metadata import digest, encode, read_slope
from nnapprox.network import Affine, Network

Array = NDArray[Any]

MAGIC, VERSION = b"NNQ", 4

_WITHOUT_JOINTS, _WITHOUT_TRELLIS = 2, 3
"""Versions that are still read: the first has neither joints nor a trellis, the second no trellis."""

MOST_WEIGHTS = 2**24
"""A file that claims to hold more weights is refused unread, unless ``NNAPPROX_MOST_WEIGHTS`` allows it."""

LARGEST = 2**30
"""Magnitude of an integer."""

_HEAD = len(MAGIC) + 1 + 4
_SOURCE_BYTES = 8
_ENTRIES = 10_000  # coded in a few milliseconds
_EXACT = 2.0**53  # integers below it are sums and products of doubles without rounding
_MOST_SHIFT, _MOST_MANTISSA, _MOST_EXPONENT = 64, 2**16, 1100
_MOST_METADATA = 2**20
_DTYPES = ("float32", "float64")
_ACTIVATIONS = ACTIVATIONS + WITHOUT_KERNEL
_DICTIONARY = (
    b'{"certificate": "command": "train", "domain": "recipe": {"loss": "cross-entropy", "squared"}, "seed": 0, '
    b'{"dataset": {"image_shape": [8, 8], "name": "digits"}}{"dataset": {"image_shape": [28, 28], "name": "mnist"}}'
)


@dataclass(frozen=True, eq=False)
class IntegerLayer:
    """An affine map: entry (i, j) is integers[i, j] * mantissa * 2^(exponent + rows[i] + columns[j]).

    Attributes
    ----------
    integers : array of int32, shape (out, in + 1)
        The bias is the last column.
    rows, columns : arrays of int32, shapes (out,) and (in + 1,)
        Magnitudes at most 64.
    mantissa, exponent : int
        1 <= mantissa < 2^16; the step of the layer is mantissa * 2^exponent.
    """

    integers: Array
    rows: Array
    columns: Array
    mantissa: int
    exponent: int

    def steps(self) -> Array:
        """The distance of neighbouring values of every entry, float64 of shape (out, in + 1), exact."""
        shifts = self.rows[:, np.newaxis] + self.columns + self.exponent
        return np.asarray(np.ldexp(float(self.mantissa), shifts))

    def values(self) -> Array:
        """The entries, float64 of shape (out, in + 1), exact where they are no subnormal numbers."""
        with np.errstate(over="ignore"):  # what is not finite is refused by Affine
            return np.asarray(
                np.ldexp(self.integers * float(self.mantissa), self.rows[:, None] + self.columns + self.exponent)
            )

    def after(self, inner: IntegerLayer) -> Array:
        """The entries of this map after another, like `values`: exact sums of integers, then rounded once.

        To the bias, the product's, that of this map is added.

        Raises
        ------
        FileFormatError
            The sums are too large to be exact in doubles.
        """
        shifts = self.columns[:-1] + inner.rows
        least = int(shifts.min())
        ours, theirs = np.ldexp(self.integers[:, :-1].astype(float), shifts - least), inner.integers.astype(float)
        if not (abs(ours) @ abs(theirs)).max() < _EXACT:
            raise FileFormatError("the product of two maps is out of range")
        exponents = self.rows[:, None] + inner.columns + (self.exponent + inner.exponent + least)
        with np.errstate(over="ignore", invalid="ignore"):
            values = np.ldexp(ours @ theirs * float(self.mantissa * inner.mantissa), exponents)
            values[:, -1] += self.values()[:, -1]
        return np.asarray(values)


@dataclass(frozen=True, eq=False)
class Encoded:
    """A quantised network as the file holds it.

    Attributes
    ----------
    maps : sequence of IntegerLayer
    activation : Activation
    dtype : str
        ``float32`` or ``float64``: numbers of the network that is read.
    image : int
        Columns of an image row, where the inputs are an image, else 0.
    source : bytes
        The first 8 bytes of the SHA-256 of the network that was quantised, see `fingerprint`.
    metadata : mapping
        JSON values.
    joints : tuple of int
        Numbers of the maps, ascending and no two in a row, that no activation follows: each is the first of two maps
        whose product is one layer, which is smaller so where the layer is nearly of low rank.
    trellis : bool
        Whether all integers follow a trellis: what those before them in their row are says which are even, and which
        odd or 0. Fewer bits reach the same error then.
    """

    maps: Sequence[IntegerLayer]
    activation: Activation
    dtype: str
    image: int = 0
    source: bytes = bytes(_SOURCE_BYTES)
    metadata: Mapping[str, Any] = field(default_factory=dict)
    joints: tuple[int, ...] = ()
    trellis: bool = False

    def network(self) -> Network:
        """The network that the file stands for, its entries rounded to nearest.

        Raises
        ------
        FileFormatError
            Two maps have no exact product.
        """
        joints = set(self.joints)
        return Network((self._layer(start, start in joints) for start in self.starts()), self.activation)

    def starts(self) -> list[int]:
        """Numbers of the maps that layers begin with."""
        joints = set(self.joints)
        return [number for number in range(len(self.maps)) if number - 1 not in joints]

    def _layer(self, start: int, is_joint: bool) -> Affine:
        first = self.maps[start]
        values = self.maps[start + 1].after(first) if is_joint else first.values()
        with np.errstate(over="ignore"):
            values = values.astype(self.dtype)
        return Affine(values[:, :-1], values[:, -1])


def fingerprint(network: Network) -> bytes:
    """The first 8 bytes of the SHA-256 over a float network's arrays, as `metadata.digest` takes it."""
    arrays: dict[str, Array] = {}
    for index, layer in enumerate(network.layers):
        arrays |= {f"W{index}": layer.weight, f"b{index}": layer.bias}
    return bytes.fromhex(digest(arrays))[:_SOURCE_BYTES]


def read(path: str | Path) -> tuple[Network, dict[str, Any]]:
    """Read a network and its metadata.

    Raises
    ------
    FileFormatError
        The file is damaged, holds no network, or one that is larger than allowed.
    """
    encoded = read_encoded(path)
    try:
        return encoded.network(), dict(encoded.metadata)
    except FileFormatError as error:
        raise FileFormatError(f"{path} is damaged: {error}") from error


def write(network: Network, metadata: Mapping[str, Any], path: str | Path) -> NoReturn:
    """Refuse: this format rounds.

    Raises
    ------
    UsageError
        Always.
    """
    raise UsageError(f"{path} would hold a rounded network: nnapprox quantize writes such files")


def read_encoded(path: str | Path, most_weights: int | None = None) -> Encoded:
    """Read a file as the integers it holds; raises as `read` does.

    Parameters
    ----------
    path : str or path
    most_weights : int, optional
        Refuse a file that claims to hold more; by default ``$NNAPPROX_MOST_WEIGHTS``, or 2^24.
    """
    try:
        return from_bytes(Path(path).read_bytes(), most_weights)
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error
    except (FileFormatError, UsageError) as error:
        raise FileFormatError(f"{path} is damaged or no .nnq file: {error}") from error


def to_bytes(encoded: Encoded) -> bytes:
    """The content of the file.

    Raises
    ------
    UsageError
        The metadata are not JSON.
    ValueError
        Integers do not follow the trellis that they are said to.
    """
    widths = [encoded.maps[0].integers.shape[1] - 1, *(len(layer.integers) for layer in encoded.maps)]
    code = 2 * _ACTIVATIONS.index(encoded.activation.name) + _DTYPES.index(encoded.dtype)
    header = [code, len(encoded.maps), *widths, len(encoded.joints), *encoded.joints, encoded.trellis, encoded.image]
    for layer in encoded.maps:
        header += [layer.mantissa, _zigzag(layer.exponent)]
    body = encoded.source + b"".join(map(_varint, header))
    slope = b"" if encoded.activation.slope is None else str(encoded.activation.slope).encode()
    for text in (slope,) * bool(slope) + (_deflate(encode(encoded.metadata)) if encoded.metadata else b"",):
        body += _varint(len(text)) + text
    writer = _coder.Writer()
    for matrix in _matrices(encoded.maps, encoded.image, encoded.trellis, writer.coder):
        for first, last in _chunks(matrix):
            writer.write(matrix, first, last)
    body += writer.finish()
    return MAGIC + bytes([VERSION]) + zlib.crc32(body).to_bytes(4, "little") + body


def matrix_bytes(encoded: Encoded) -> list[int]:
    """Bytes of the stream that every matrix adds, in its order: rows and columns of every map, then all integers."""
    writer, sizes = _coder.Writer(), []
    for matrix in _matrices(encoded.maps, encoded.image, encoded.trellis, writer.coder):
        before = writer.position
        for first, last in _chunks(matrix):
            writer.write(matrix, first, last)
        sizes.append(writer.position - before)
    return sizes


def from_bytes(content: bytes, most_weights: int | None = None) -> Encoded:
    """The inverse of `to_bytes`; raises `FileFormatError`."""
    if content[: len(MAGIC)] != MAGIC:
        raise FileFormatError("it does not begin as one")
    version = content[len(MAGIC) : len(MAGIC) + 1]
    if version not in map(bytes, ([_WITHOUT_JOINTS], [_WITHOUT_TRELLIS], [VERSION])):
        raise FileFormatError(f"it is not of version {_WITHOUT_JOINTS}, {_WITHOUT_TRELLIS} or {VERSION}")
    source = _Source(content[_HEAD:])
    if int.from_bytes(content[_HEAD - 4 : _HEAD], "little") != zlib.crc32(source.content) or len(content) < _HEAD:
        raise FileFormatError("its checksum does not hold")
    try:
        return _parse(source, _limit(most_weights), version[0])
    except (ValueError, TypeError, KeyError, RecursionError, OverflowError, zlib.error) as error:
        raise FileFormatError(str(error)) from error


def _limit(most_weights: int | None) -> int:
    text = os.environ.get("NNAPPROX_MOST_WEIGHTS", "")
    if most_weights is not None or not text:
        return MOST_WEIGHTS if most_weights is None else most_weights
    if not text.isdecimal():
        raise UsageError(f"NNAPPROX_MOST_WEIGHTS must be a number, not {text!r}")
    return int(text)


def _parse(source: _Source, most_weights: int, version: int) -> Encoded:
    origin = source.take(_SOURCE_BYTES)
    kind, wide = divmod(source.number(2 * len(_ACTIVATIONS)), 2)
    depth = source.number(len(source.content))
    widths = [source.number(most_weights + 1) for _ in range(depth + 1)]
    if not depth or 0 in widths:
        raise ValueError("it has no layers, or an empty one")
    count = source.number(depth) if version > _WITHOUT_JOINTS else 0
    joints = tuple(source.number(depth - 1) for _ in range(count))
    if any(later - joint < 2 for joint, later in pairwise(joints)):
        raise ValueError("its joints are not in order")
    inner = {joint + 1 for joint in joints}
    outer = [width for number, width in enumerate(widths) if number not in inner]
    weights = max(sum(b * (a + 1) for a, b in pairwise(some)) for some in (widths, outer))
    if weights > most_weights:
        raise ValueError(
            f"it claims to hold {weights:,} weights: set NNAPPROX_MOST_WEIGHTS to allow more than {most_weights:,}"
        )
    trellis = version > _WITHOUT_TRELLIS and source.number(2) == 1
    image = source.number(widths[0] + 1)
    steps = [(source.number(_MOST_MANTISSA), _unzigzag(source.number(4 * _MOST_EXPONENT))) for _ in range(depth)]
    if any(not mantissa or abs(exponent) > _MOST_EXPONENT for mantissa, exponent in steps):
        raise ValueError("a step is out of range")
    name = _ACTIVATIONS[kind]
    slope = read_slope(source.text().decode()) if name == "leaky-relu" else None
    deflated = source.text()
    metadata = json.loads(_inflate(deflated)) if deflated else {}
    if not isinstance(metadata, dict):
        raise ValueError("its metadata are no object")
    maps = [
        IntegerLayer(np.zeros((b, a + 1), np.int32), np.zeros(b, np.int32), np.zeros(a + 1, np.int32), *step)
        for (a, b), step in zip(pairwise(widths), steps, strict=True)
    ]
    reader = _coder.Reader(np.frombuffer(source.rest(), dtype=np.uint8))
    for matrix in _matrices(maps, image, trellis, reader.coder):
        for first, last in _chunks(matrix):
            reader.read(matrix, first, last)
            if reader.excess > 4:
                raise ValueError("its stream ends too early")
    if reader.excess < 0:
        raise ValueError("its stream goes on after its end")
    if any(abs(layer.integers).max() > LARGEST for layer in maps):
        raise ValueError("a number is out of range")
    return Encoded(maps, Activation(name, slope), _DTYPES[wide], image, origin, metadata, joints, trellis)


def _matrices(maps: Sequence[IntegerLayer], image: int, trellis: bool, coder: _coder.Coder) -> Iterator[Array]:
    """Every matrix of the stream in its order, each when the coder has begun it; raises ValueError.

    What is read into one matrix tells how to read those after it.
    """
    widths = [0 if number else image for number in range(len(maps))]
    for layer, width in zip(maps, widths, strict=True):
        coder.begin(layer.rows.size, 0)
        yield layer.rows[np.newaxis]
        coder.begin(layer.columns.size, width)
        yield layer.columns[np.newaxis]
    coder.renew()
    for layer, width in zip(maps, widths, strict=True):
        if max(abs(layer.rows).max(), abs(layer.columns).max()) > _MOST_SHIFT:
            raise ValueError("a shift is out of range")
        shifts = layer.rows.astype(np.int8), layer.columns.astype(np.int8)
        coder.begin(layer.integers.shape[1], width, *shifts, trellis)
        yield layer.integers


def _chunks(matrix: Array) -> Iterator[tuple[int, int]]:
    rows = max(1, _ENTRIES // matrix.shape[1])
    for first in range(0, len(matrix), rows):
        yield first, min(first + rows, len(matrix))


def _varint(number: int) -> bytes:
    """Seven bits a byte, least first; the high bit says that more follow."""
    out = bytearray()
    while number >= 128:
        out.append(number & 127 | 128)
        number >>= 7
    return bytes([*out, number])


def _zigzag(number: int) -> int:
    return 2 * number if number >= 0 else -2 * number - 1


def _unzigzag(number: int) -> int:
    return -(number + 1) // 2 if number & 1 else number // 2


def _deflate(text: str) -> bytes:
    deflater = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_DEFAULT_STRATEGY, _DICTIONARY)
    return deflater.compress(text.encode()) + deflater.flush()


def _inflate(content: bytes) -> bytes:
    inflater = zlib.decompressobj(-15, _DICTIONARY)
    text = inflater.decompress(content, _MOST_METADATA)
    if not inflater.eof or inflater.unused_data:
        raise ValueError("its metadata are cut, or too long")
    return text


class _Source:
    """Bytes that are taken one after the other; raises ValueError where there are too few."""

    def __init__(self, content: bytes) -> None:
        self.content, self.position = content, 0

    def take(self, count: int) -> bytes:
        taken = self.content[self.position : self.position + count]
        if len(taken) < count:
            raise ValueError("it ends too early")
        self.position += count
        return taken

    def number(self, below: int) -> int:
        number, shift, byte = 0, 0, 128
        while byte >= 128:
            byte = self.take(1)[0]
            number |= (byte & 127) << shift
            shift += 7
            if shift > 63:
                raise ValueError("a number is too long")
        if number >= below:
            raise ValueError(f"a number of its header is {number}, not below {below}")
        return number

    def text(self) -> bytes:
        return self.take(self.number(len(self.content) + 1))

    def rest(self) -> bytes:
        return self.content[self.position :]
