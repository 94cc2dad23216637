"""The native format: NumPy's ``.npz`` with versioned metadata; specified in docs/format-npz.md.

A file is the same bytes whenever and wherever the same network is written: members are stored uncompressed, in
order, with a fixed date. Nothing is ever unpickled.
"""

from __future__ import annotations

import io
import json
import re
import warnings
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from nnapprox.activation import Activation
from nnapprox.atomic import write_atomically
from nnapprox.errors import FileFormatError, UsageError
from nnapprox.files.metadata import FORMAT, VERSION, digest, encode, read_slope
from nnapprox.network import Affine, Network

Array = NDArray[Any]

MOST_UNPACKED, MOST_EXPANSION = 2**26, 100
"""An archive that claims to hold more than both so many bytes and so many times its own size is refused unread."""

_DATE = (1980, 1, 1, 0, 0, 0)
_RESERVED = ("format", "version", "activation", "slope", "dtype", "shapes", "sha256")


class Archive(NamedTuple):
    """Arrays by name, and the metadata, None where there is none."""

    arrays: dict[str, Array]
    metadata: dict[str, Any] | None


def write_archive(path: str | Path, arrays: Mapping[str, Array], metadata: Mapping[str, Any]) -> None:
    """Write arrays (of numbers) and JSON metadata, which gains a ``sha256`` over the arrays.

    Raises
    ------
    UsageError
        The metadata are not JSON.
    WriteError
        The file cannot be written.
    """
    text = encode({**metadata, "sha256": digest(arrays)})
    members = {**arrays, "metadata": np.frombuffer(text.encode(), dtype=np.uint8)}
    with write_atomically(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name, array in members.items():
            content = io.BytesIO()
            np.lib.format.write_array(content, np.ascontiguousarray(array), version=(1, 0), allow_pickle=False)
            entry = zipfile.ZipInfo(f"{name}.npy", _DATE)
            entry.create_system = 3
            entry.external_attr = 0o644 << 16
            archive.writestr(entry, content.getvalue())


def read_archive(path: str | Path) -> Archive:
    """Read arrays and metadata; sizes are checked before they are believed, and checksums after.

    Raises
    ------
    FileFormatError
        The file is not such an archive, or is damaged.
    """
    path = Path(path)
    try:
        with zipfile.ZipFile(path) as archive, warnings.catch_warnings():
            warnings.simplefilter("error")
            names = archive.namelist()
            if len(set(names)) != len(names):
                raise ValueError("a member stands in it twice")
            if any(entry.comment or len(entry.extra) >= 46 for entry in archive.infolist()):
                raise ValueError("a directory entry is long enough to hide another")
            size, unpacked = path.stat().st_size, sum(entry.file_size for entry in archive.infolist())
            if unpacked > max(MOST_UNPACKED, MOST_EXPANSION * size):
                raise ValueError(f"{size} bytes claim to hold {unpacked}: save it uncompressed")
            arrays = {name.removesuffix(".npy"): _read_member(archive, name) for name in names}
        if "metadata" not in arrays:
            return Archive(arrays, None)
        metadata = json.loads(arrays.pop("metadata").tobytes())
        if not isinstance(metadata, dict) or metadata.get("sha256") != digest(arrays):
            raise ValueError("its checksum does not hold")
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:  # a damaged file can make zipfile, json and numpy raise nearly anything
        reason = " ".join(str(error).split()) or type(error).__name__
        raise FileFormatError(f"{path} is damaged or no .npz file: {reason}") from error
    return Archive(arrays, metadata)


def _read_member(archive: zipfile.ZipFile, name: str) -> Array:
    size = archive.getinfo(name).file_size
    if not name.endswith(".npy"):
        raise ValueError(f"{name} is not an array")
    with archive.open(name) as member:
        version = np.lib.format.read_magic(member)
        readers = {(1, 0): np.lib.format.read_array_header_1_0, (2, 0): np.lib.format.read_array_header_2_0}
        if version not in readers:
            raise ValueError(f"{name} has the unknown .npy version {version}")
        shape, fortran, dtype = readers[version](member)
        count = int(np.prod([int(n) for n in shape], dtype=object))
        if dtype.hasobject or any(n < 0 for n in shape) or count * dtype.itemsize != size - member.tell():
            raise ValueError(f"{name} does not hold the numbers that its header promises")
        content = member.read()
    array = np.frombuffer(content, dtype=dtype, count=count).astype(dtype.newbyteorder("="), copy=False)
    return array.reshape(shape, order="F" if fortran else "C")


def write(network: Network, metadata: Mapping[str, Any], path: str | Path) -> None:
    """Write a network; `metadata` holds JSON values under keys of the caller's choice.

    Raises
    ------
    UsageError
        The metadata are not JSON, or use a key that the format keeps for itself.
    WriteError
        The file cannot be written.
    """
    taken = sorted(set(_RESERVED) & set(metadata))
    if taken:
        raise UsageError(f"the metadata key {taken[0]!r} is the format's own: choose another")
    own: dict[str, Any] = {"format": FORMAT, "version": VERSION, "activation": network.activation.name}
    own["dtype"] = network.dtype
    if network.activation.slope is not None:
        own["slope"] = network.activation.slope
    if network.dtype == "rational":
        own["shapes"] = [list(layer.weight.shape) for layer in network.layers]
    arrays = {}
    for index, layer in enumerate(network.layers):
        for letter, array in (("W", layer.weight), ("b", layer.bias)):
            arrays[f"{letter}{index}"] = _encode_rationals(array) if network.dtype == "rational" else array
    write_archive(path, arrays, {**metadata, **own})


def read(path: str | Path) -> tuple[Network, dict[str, Any]]:
    """Read a network and its metadata; a plain file of W0, b0, W1, b1, ... is a ReLU network.

    Raises
    ------
    FileFormatError
        The file is damaged, or holds no network.
    """
    arrays, metadata = read_archive(path)
    own = metadata or {}
    try:
        if metadata is not None and (own.get("format"), own.get("version")) != (FORMAT, VERSION):
            raise UsageError(
                f"it is {own.get('format')!r} version {own.get('version')!r}, not {FORMAT!r} version {VERSION}"
            )
        depth = len(arrays) // 2
        expected = {f"{letter}{index}" for index in range(depth) for letter in "Wb"}
        if not depth or set(arrays) != expected:
            raise UsageError(f"it holds {', '.join(sorted(arrays)[:6]) or 'nothing'} instead of W0, b0, W1, b1, ...")
        if own.get("dtype") == "rational":
            for index, (outputs, inputs) in enumerate(own["shapes"]):
                arrays[f"W{index}"] = _decode_rationals(arrays[f"W{index}"], (int(outputs), int(inputs)))
                arrays[f"b{index}"] = _decode_rationals(arrays[f"b{index}"], (int(outputs),))
        slope = read_slope(own["slope"]) if "slope" in own else None
        activation = Activation(own.get("activation", "relu"), slope)
        network = Network([Affine(arrays[f"W{i}"], arrays[f"b{i}"]) for i in range(depth)], activation)
        if metadata is not None and own.get("dtype") != network.dtype:
            raise UsageError(f"its metadata say {own.get('dtype')!r} but its arrays are {network.dtype}")
    except (FileFormatError, ValueError, TypeError, KeyError, ZeroDivisionError, OverflowError) as error:
        raise FileFormatError(f"{path} holds no network: {error}") from error
    return network, {key: value for key, value in own.items() if key not in _RESERVED}


def _encode_rationals(array: Array) -> Array:
    """Hexadecimal ``p/q`` separated by spaces, as UTF-8 bytes: decimal digits of large integers cost too much."""
    numbers = array.ravel().tolist()
    written = {id(number): f"{number.numerator:x}/{number.denominator:x}" for number in _distinct(numbers)}
    text = " ".join([written[id(number)] for number in numbers])
    return np.frombuffer(text.encode(), dtype=np.uint8)


def _distinct(numbers: Sequence[Fraction]) -> Iterable[Fraction]:
    """Each object once: the zeros of a sparse network are mostly one."""
    return dict(zip(map(id, numbers), numbers, strict=True)).values()


def _decode_rationals(text: Array, shape: tuple[int, ...]) -> Array:
    words = text.tobytes().decode().split(" ")
    known = {word: _decode_rational(word) for word in set(words)}
    values = np.empty(len(words), dtype=object)
    values[:] = [known[word] for word in words]
    return values.reshape(shape)


def _decode_rational(word: str) -> Fraction:
    if not re.fullmatch("-?[0-9a-f]+/[0-9a-f]+", word):
        raise ValueError("a rational is not written as p/q")
    numerator, denominator = word.split("/")
    return Fraction(int(numerator, 16), int(denominator, 16))
