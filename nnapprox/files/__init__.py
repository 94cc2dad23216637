"""Network files, one module a format; the format follows from the suffix."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib import import_module
from pathlib import Path
from typing import Any

from nnapprox.errors import FileFormatError, UsageError
from nnapprox.network import Network

FORMATS = {".npz": "npz", ".safetensors": "safetensors", ".onnx": "onnx", ".nng": "grid", ".nnq": "nnq"}
"""Module of every suffix; each has ``read(path)`` and ``write(network, metadata, path)``."""


@dataclass(frozen=True)
class NetworkFile:
    """A network as a file holds it, with the metadata (JSON values) beside it."""

    network: Network
    metadata: dict[str, Any] = field(default_factory=dict)


def _format_of(path: Path) -> Any:
    suffix = path.suffix.lower()
    if suffix not in FORMATS:
        near = difflib.get_close_matches(suffix, FORMATS, n=1)
        hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(FORMATS)}"
        raise UsageError(f"{path} has no suffix of a network format: {hint}")
    return import_module(f"nnapprox.files.{FORMATS[suffix]}")


def read(path: str | Path) -> NetworkFile:
    """Read a network file with its metadata.

    Raises
    ------
    UsageError
        The suffix names no format.
    FileFormatError
        There is no such file, or it is damaged, or holds no network.
    """
    path = Path(path)
    form = _format_of(path)
    if not path.is_file():
        raise FileFormatError(f"{path} is {'a folder' if path.is_dir() else 'not there'}: name a network file")
    return NetworkFile(*form.read(path))


def load(path: str | Path) -> Network:
    """Read a network from a file; raises as `read` does."""
    return read(path).network


def save(network: Network, path: str | Path, metadata: Mapping[str, Any] | None = None) -> None:
    """Write a network, with metadata (JSON values) beside it, atomically.

    Raises
    ------
    UsageError
        The suffix names no format, or the format cannot hold such a network.
    WriteError
        The file cannot be written.
    """
    path = Path(path)
    _format_of(path).write(network, metadata or {}, path)
