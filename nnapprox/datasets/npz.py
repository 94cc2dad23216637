"""Data sets in NumPy's ``.npz`` files, read without pickle and within bounds."""

from __future__ import annotations

import io
import math
import zipfile
from pathlib import Path

import numpy as np

from nnapprox.datasets.dataset import MAX_BYTES, Array, Dataset, Notice
from nnapprox.errors import DatasetError

_KEYS = ("x_train", "y_train", "x_test", "y_test")


def load_npz(path: str, notice: Notice) -> Dataset:
    """Load an ``.npz`` file with the arrays x_train, y_train and, optionally, x_test, y_test.

    `Dataset.from_arrays` says which shapes and dtypes they may have. Other arrays in the file are left alone.

    Raises
    ------
    DatasetError
        The file cannot be read, or its arrays do not make a data set.
    """
    return Dataset.from_arrays(path, read_npz(path), notice=notice)


def read_npz(path: str | Path) -> dict[str, Array]:
    """Read the arrays x_train, y_train, x_test, y_test, by name, those of them that are there.

    Raises
    ------
    DatasetError
        The file is not an ``.npz`` file, is damaged, or holds Python objects.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            members = {info.filename.removesuffix(".npy"): info for info in archive.infolist()}
            return {key: _read_member(archive, members[key]) for key in _KEYS if key in members}
    except Exception as error:  # a crafted file makes the zip, deflate and header parsers raise nearly anything
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        raise DatasetError(f"cannot read {path}: {reason.splitlines()[0]}") from None


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> Array:
    if info.file_size > MAX_BYTES:
        raise DatasetError(f"{info.filename} has {info.file_size:,} bytes, but {MAX_BYTES:,} is the most that is read")
    with archive.open(info) as member:
        content = member.read(info.file_size + 1)  # with no count given, zipfile inflates without bound
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    read_header = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
    if version not in read_header:
        raise DatasetError(f"{info.filename} is not a plain array of numbers")
    shape, fortran_order, dtype = read_header[version](stream)
    if dtype.hasobject:
        raise DatasetError(f"{info.filename} holds Python objects, which are never unpickled")
    if min(shape, default=0) < 0 or math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise DatasetError(f"{info.filename} has not as many bytes as its shape {shape} asks for")
    if math.prod(shape) == 0:
        return np.empty(shape, dtype)
    return np.frombuffer(content, dtype, offset=stream.tell()).reshape(shape, order="F" if fortran_order else "C")
