"""Points that a file holds, a row each."""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING

import click

from nnapprox.cli import options
from nnapprox.errors import FileFormatError

if TYPE_CHECKING:
    from nnapprox.network import Array

Point = tuple[Fraction, ...]


def read_points(name: str, inputs: int) -> Array:
    """Read points of so many coordinates, a row each, from a .npy file or CSV (- is stdin), shape (m, inputs).

    Raises
    ------
    FileFormatError
        The file is damaged, or holds no such points.
    """
    x = _read_npy(name, inputs) if name.lower().endswith(".npy") else _read_csv(name, inputs)
    if not len(x):
        raise FileFormatError(f"{_shown(name)} holds no points")
    return x


def _read_csv(name: str, inputs: int) -> Array:
    import numpy as np

    try:
        with click.open_file(name, encoding="utf-8-sig") as lines:
            points = [
                _parse(line, f"{_shown(name)}, line {number}", inputs)
                for number, line in enumerate(lines, start=1)
                if line.strip() and not line.startswith("#")  # numpy.savetxt marks its header so
            ]
    except UnicodeDecodeError:
        raise FileFormatError(f"{_shown(name)} is no text in UTF-8: give a .npy file or CSV") from None
    return np.array(points, dtype=object)


def _parse(line: str, where: str, inputs: int) -> Point:
    try:
        point = options.point(line)
    except click.BadParameter as error:
        raise FileFormatError(f"{where}: {error.message}") from None
    if len(point) != inputs:
        raise FileFormatError(f"{where}: {len(point)} coordinates, but the network takes {inputs}")
    return point


def _read_npy(name: str, inputs: int) -> Array:
    import numpy as np

    try:
        # Mapped first: that holds the size which a header promises against the file's before memory is given to it.
        mapped = np.lib.format.open_memmap(name, mode="r")
        x = np.array(mapped, dtype=mapped.dtype.newbyteorder("="))
    except OSError:
        raise
    except Exception as error:  # a damaged header makes numpy raise nearly anything
        raise FileFormatError(f"{name} is damaged or no .npy file of numbers: {error}") from None
    if x.dtype.kind not in "fiu":
        raise FileFormatError(f"{name} must hold real numbers, not {x.dtype}")
    if x.ndim == 1:
        x = x.reshape(-1, 1) if inputs == 1 else x.reshape(1, -1)
    if x.ndim != 2 or x.shape[1] != inputs:
        raise FileFormatError(f"{name} has shape {x.shape}, but the network takes points of shape (m, {inputs})")
    unfit = np.flatnonzero(~np.isfinite(x).all(axis=1))
    if len(unfit):
        raise FileFormatError(f"{name}, row {unfit[0] + 1}: a number is not finite")
    return x


def _shown(name: str) -> str:
    return "stdin" if name == "-" else name
