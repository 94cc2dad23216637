"""MNIST (Y. LeCun, C. Cortes, C. J. C. Burges): found or downloaded, and accepted only if it is the original."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from nnapprox.atomic import write_atomically
from nnapprox.datasets.cache import cache_folder
from nnapprox.datasets.dataset import Array, Dataset, Notice
from nnapprox.datasets.download import MAX_BYTES, DownloadError, Mirrors, Progress
from nnapprox.datasets.idx import FILES, MissingFileError, find_idx, read_idx
from nnapprox.errors import DatasetError, WriteError

ADVICE = f"put {', '.join(FILES.values())} (plain or .gz) in a folder and give it as --data-dir or in NNAPPROX_DATA_DIR"
"""What to do where MNIST cannot be downloaded."""


@dataclass(frozen=True)
class Release:
    """What the files are, and where they come from.

    Parameters
    ----------
    digests : mapping of str to str
        SHA-256 (hex) of the uncompressed bytes of each file.
    mirrors : tuple of str
        URLs, ending in a slash, that have the gzipped files below them; the best first.
    fingerprint : str, optional
        `Dataset.fingerprint` of what the files hold, which need not be computed then.
    """

    digests: Mapping[str, str]
    mirrors: tuple[str, ...]
    fingerprint: str | None = None


MNIST = Release(
    digests={
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    mirrors=(
        "https://ossci-datasets.s3.amazonaws.com/mnist/",
        "https://storage.googleapis.com/cvdf-datasets/mnist/",
        "http://yann.lecun.com/exdb/mnist/",
    ),
    fingerprint="faa17ee5ceb5115bebd340fb7390051c98067f4ae032e8122456b679bb9e98ca",
)


class UnavailableError(DatasetError):
    """MNIST is not here and cannot be had; made from the reason, in a few words."""

    def __str__(self) -> str:
        return f"MNIST is not here and could not be downloaded ({self.args[0]}): {ADVICE}"


def read_mnist(folder: Path, release: Release = MNIST) -> Dataset:
    """Read the four files in a folder.

    Raises
    ------
    MissingFileError
        The folder or a file is not there.
    DatasetError
        A file is damaged, or not the original.
    """
    return _dataset({key: _read_verified(folder, name, release) for key, name in FILES.items()}, release)


def fetch_mnist(patience: float, notice: Notice, progress: Progress, release: Release = MNIST) -> Dataset:
    """Read MNIST from the cache, downloading what is not there.

    The cache keeps the files uncompressed, which saves the better part of the time to load them.

    Parameters
    ----------
    patience : float
        Seconds after which connections that give nothing are given up, all of them together.
    notice : callable
        Takes a line where a file in the cache is damaged.
    progress : callable
        Takes a file's name, the bytes of it that are here, and its size, None where that is not known.

    Raises
    ------
    UnavailableError
        A file is not in the cache and cannot be had, or the cache cannot be written.
    """
    folder = cache_folder() / "mnist"
    mirrors = Mirrors(release.mirrors, patience)
    arrays = {}
    for key, name in FILES.items():
        try:
            arrays[key] = _read_verified(folder, name, release)
        except DatasetError as error:
            if not isinstance(error, MissingFileError):
                notice(f"downloading {name} again: {error}")
            _download(folder / name, release.digests[name], mirrors, progress)
            arrays[key] = _read_verified(folder, name, release)
    return _dataset(arrays, release)


def _dataset(arrays: dict[str, Array], release: Release) -> Dataset:
    return replace(Dataset.from_arrays("mnist", arrays), known_fingerprint=release.fingerprint)


def _read_verified(folder: Path, name: str, release: Release) -> Array:
    path = find_idx(folder, name)
    sha256 = hashlib.sha256()
    array = read_idx(path, sha256.update)
    found, expected = sha256.hexdigest(), release.digests[name]
    if found != expected:
        raise DatasetError(
            f"{path} is not MNIST's: its uncompressed bytes have the SHA-256 {found[:12]}..., not {expected[:12]}...; "
            "get the original, or give the folder itself as the data set to use it as it is"
        )
    return array


def _download(path: Path, digest: str, mirrors: Mirrors, progress: Progress) -> None:
    def accept(content: bytes) -> bytes:
        plain = _inflate(content)
        if hashlib.sha256(plain).hexdigest() != digest:
            raise DownloadError(f"sent something that is not MNIST's {path.name}")
        return plain

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with write_atomically(path) as file:
            file.write(mirrors.download(f"{path.name}.gz", accept, progress))
    except DownloadError as error:
        raise UnavailableError(str(error)) from None
    except (WriteError, OSError) as error:
        raise UnavailableError(f"cannot write the cache {path.parent}: {error}") from None


def _inflate(content: bytes) -> bytes:
    """Inflate gzipped bytes, to no more than a file may have; some servers have done so already."""
    try:
        return zlib.decompressobj(wbits=31).decompress(content, MAX_BYTES)
    except zlib.error:
        return content
