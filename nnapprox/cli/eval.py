"""``nnapprox eval``."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nnapprox.cli import options, output
from nnapprox.cli.options import json_option, network_argument
from nnapprox.errors import FileFormatError
from nnapprox.notation import rational_text

if TYPE_CHECKING:
    from nnapprox.network import Array

Point = tuple[Fraction, ...]

EPILOG = """\b
Examples:
  $ nnapprox eval hat.npz --at 1/3
  $ nnapprox eval hat.npz --at 0.1 --at 1e-3 --exact --json
"""


@click.command(epilog=EPILOG)
@network_argument
@click.option(
    "--at", type=options.point, multiple=True, metavar="X[,X...]", help="A point, as 1/3 or 0.5,1/3; may be repeated."
)
@click.option(
    "--points",
    type=click.Path(),
    metavar="FILE",
    help="Points from a .npy file of shape (m, d) or a CSV file, a row each; - is CSV from stdin.",
)
@click.option("--exact", is_flag=True, help="Take floats as the rationals they are, and compute exactly.")
@json_option
def command(file: Path, at: tuple[Point, ...], points: str | None, exact: bool, as_json: bool) -> None:
    """Evaluate a network at points; rational networks always exactly.

    Prints a line of CSV a point. A network of floats first rounds the coordinates to its dtype. In JSON, x holds the
    points as they were given; x and y are lists of coordinates after a single --at, and lists of such lists otherwise;
    a value that overflows is null.
    """
    if not at and points is None:
        raise click.UsageError("no point is given: use --at 1/3, or --points FILE")
    import numpy as np

    from nnapprox import files

    network = files.load(file)
    if exact:
        network = network.astype("rational")
    inputs = network.widths[0]
    x = _from_options(at, inputs) if at else np.empty((0, inputs), dtype=object)
    if points is not None:
        x = np.concatenate([x, _from_file(points, inputs)])
    with np.errstate(over="ignore", invalid="ignore"):
        y = network(x)
    exact = network.dtype == "rational"
    if not exact and not np.isfinite(y).all():
        output.note(f"a value overflows {network.dtype}: --exact has it")
    if as_json:
        asked = [[Fraction(coordinate) for coordinate in row] for row in x.tolist()]
        one = points is None and len(at) == 1
        output.print_json({"x": asked[0] if one else asked, "y": y[0] if one else y, "exact": exact})
        return
    for value in y:
        click.echo(",".join(rational_text(number) if exact else str(number) for number in value))


def _from_options(points: tuple[Point, ...], inputs: int) -> Array:
    import numpy as np

    for point in points:
        if len(point) != inputs:
            raise click.UsageError(f"--at gives {len(point)} coordinates, but the network takes {inputs}")
    return np.array(points, dtype=object)


def _from_file(name: str, inputs: int) -> Array:
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
