"""Small MNIST-shaped folders, and what the four files in them should be."""

import gzip
import hashlib
import struct
from pathlib import Path

import numpy as np

from nnapprox.datasets.idx import FILES
from nnapprox.datasets.mnist import Release

CODES = {"uint8": 0x08, "int8": 0x09, "int16": 0x0B, "int32": 0x0C, "float32": 0x0D, "float64": 0x0E}


def idx_bytes(array):
    header = struct.pack(f">HBB{array.ndim}I", 0, CODES[array.dtype.name], array.ndim, *array.shape)
    return header + array.astype(array.dtype.newbyteorder(">")).tobytes()


def small_arrays(train=30, test=20, side=4):
    rng = np.random.default_rng(1)
    arrays = {}
    for part, count in (("train", train), ("test", test)):
        arrays[f"x_{part}"] = rng.integers(0, 256, (count, side, side), dtype=np.uint8)
        arrays[f"y_{part}"] = np.arange(count, dtype=np.uint8) % 10
    return arrays


def write_folder(folder: Path, arrays, *, gzipped=False, dotted=False):
    folder.mkdir(parents=True, exist_ok=True)
    for key, name in FILES.items():
        content = idx_bytes(arrays[key])
        written = name.replace("-idx", ".idx") if dotted else name
        if gzipped:
            (folder / f"{written}.gz").write_bytes(gzip.compress(content))
        else:
            (folder / written).write_bytes(content)
    return folder


def release_of(arrays, *mirrors):
    digests = {name: hashlib.sha256(idx_bytes(arrays[key])).hexdigest() for key, name in FILES.items()}
    return Release(digests, mirrors)
