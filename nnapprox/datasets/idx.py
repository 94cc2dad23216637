"""The IDX format, in which MNIST is distributed: one array a file, plain or gzipped."""

from __future__ import annotations

import gzip
import io
import math
import os
import struct
import zlib
from collections.abc import Callable
from pathlib import Path

import numpy as np

from nnapprox.datasets.dataset import MAX_BYTES, Array, Dataset
from nnapprox.errors import DatasetError

TakesBytes = Callable[[bytes | memoryview], object]

FILES = {
    "x_train": "train-images-idx3-ubyte",
    "y_train": "train-labels-idx1-ubyte",
    "x_test": "t10k-images-idx3-ubyte",
    "y_test": "t10k-labels-idx1-ubyte",
}
"""The four files of a data set in this format, by the array each holds."""

_DTYPES = {0x08: "u1", 0x09: "i1", 0x0B: ">i2", 0x0C: ">i4", 0x0D: ">f4", 0x0E: ">f8"}
_MAX_DIMENSIONS = 4
_GZIP_MAGIC = b"\x1f\x8b"
_MAX_INFLATION = 1032  # deflate's largest ratio: a gzip file cannot hold more than this times its size
_PIECE = 1 << 20


class MissingFileError(DatasetError):
    """A folder, or one of the four files in it, is not there."""


def load_idx_folder(folder: str) -> Dataset:
    """Load a folder that holds the four files `FILES`.

    Parameters
    ----------
    folder : str
        The files in it may be gzipped, and may be called ``train-images.idx3-ubyte`` and so on. Images are of shape
        (n, height, width) or (n, d) and of any IDX number type; labels are integers of shape (n,).

    Raises
    ------
    MissingFileError
        The folder or a file is not there.
    DatasetError
        A file is not what it should be, or the four do not fit together.
    """
    arrays = {key: read_idx(find_idx(Path(folder), name)) for key, name in FILES.items()}
    return Dataset.from_arrays(folder, arrays)


def find_idx(folder: Path, name: str) -> Path:
    """Find one of `FILES`, plain rather than gzipped where both are there.

    Raises
    ------
    MissingFileError
        The folder or the file is not there.
    """
    dotted = name.replace("-idx", ".idx")
    for candidate in (name, dotted, f"{name}.gz", f"{dotted}.gz"):
        if os.path.isfile(folder / candidate):
            return folder / candidate
    if not os.path.isdir(folder):
        raise MissingFileError(f"there is no folder {folder}")
    raise MissingFileError(f"the folder {folder} has no file {name} or {name}.gz")


def read_idx(path: Path, tee: TakesBytes | None = None) -> Array:
    """Read one IDX file, allocating no more than the file can really hold.

    Parameters
    ----------
    path : Path
        A plain or a gzipped file; which one is seen from its first bytes.
    tee : callable, optional
        Is given all uncompressed bytes of the file, piece by piece, such as to hash them.

    Returns
    -------
    array
        uint8, int8, int16, int32, float32 or float64 in native byte order, of the shape in the file, not empty.

    Raises
    ------
    DatasetError
        The file cannot be read, is cut short or corrupt, is not an IDX file, or has bytes after its data.
    """
    try:
        with path.open("rb") as file:
            size = os.fstat(file.fileno()).st_size
            gzipped = file.read(2) == _GZIP_MAGIC
            file.seek(0)
            if gzipped:
                with gzip.GzipFile(fileobj=file) as stream:
                    return _read(stream, size * _MAX_INFLATION, tee)
            return _read(file, size, tee)
    except EOFError:
        raise DatasetError(f"{path} is cut short") from None
    except (DatasetError, OSError, zlib.error) as error:
        reason = getattr(error, "strerror", None) or error
        raise DatasetError(f"cannot read {path}: {reason}") from None


def _read(stream: io.BufferedIOBase, available: int, tee: TakesBytes | None) -> Array:
    """Read a whole stream that can hold ``available`` bytes at most."""
    magic = _read_exactly(stream, 4)
    zeros, code, dimensions = struct.unpack(">HBB", magic)
    if zeros != 0 or code not in _DTYPES or not 1 <= dimensions <= _MAX_DIMENSIONS:
        raise DatasetError(f"it is not an IDX file: it starts with {magic.hex(' ')}")
    sizes = _read_exactly(stream, 4 * dimensions)
    shape = struct.unpack(f">{dimensions}I", sizes)
    dtype = np.dtype(_DTYPES[code])
    wanted = math.prod(shape) * dtype.itemsize
    if wanted == 0:
        raise DatasetError(f"it holds no data: its shape is {shape}")
    if wanted > MAX_BYTES:
        raise DatasetError(f"its header promises {wanted:,} bytes of data, but {MAX_BYTES:,} is the most that is read")
    if wanted > available:
        raise EOFError
    if tee is not None:
        tee(magic + sizes)
    array = np.empty(shape, dtype)
    content = array.reshape(-1).view(np.uint8)
    for start in range(0, wanted, _PIECE):
        piece = content[start : start + _PIECE].data
        _fill(stream, piece)
        if tee is not None:
            tee(piece)
    if stream.read(1):
        raise DatasetError(f"it goes on after its {wanted:,} bytes of data")
    return array.astype(dtype.newbyteorder("="), copy=False)


def _read_exactly(stream: io.BufferedIOBase, count: int) -> bytes:
    content = bytearray(count)
    _fill(stream, memoryview(content))
    return bytes(content)


def _fill(stream: io.BufferedIOBase, view: memoryview) -> None:
    filled = 0
    while filled < len(view):
        count = stream.readinto(view[filled:])
        if not count:
            raise EOFError
        filled += count
