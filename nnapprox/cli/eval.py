"""``nnapprox eval``."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nnapprox.cli import options, output
from nnapprox.cli.options import json_option, network_argument
from nnapprox.cli.points import Point, read_points
from nnapprox.notation import rational_text

if TYPE_CHECKING:
    from nnapprox.network import Array

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
        x = np.concatenate([x, read_points(points, inputs)])
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
