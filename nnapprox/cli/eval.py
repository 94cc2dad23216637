"""``nnapprox eval``."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterable
from fractions import Fraction
from pathlib import Path

import click

from nnapprox.cli import output
from nnapprox.cli.options import json_option, network_argument

EPILOG = """\b
Examples:
  $ nnapprox eval hat.npz --at 1/3
  $ nnapprox eval hat.npz --at 0.1 --at 1e-3 --exact --json
"""


@click.command(epilog=EPILOG)
@network_argument
@click.option("--at", multiple=True, metavar="X[,X...]", help="A point, as 1/3 or 0.5,1/3; may be given again.")
@click.option(
    "--points",
    type=click.Path(),
    metavar="FILE",
    help="Points from a .npy or CSV file, a row each; - is CSV from stdin.",
)
@click.option("--exact", is_flag=True, help="Take floats as the rationals they are, and compute exactly.")
@json_option
def command(file: Path, at: tuple[str, ...], points: str | None, exact: bool, as_json: bool) -> None:
    """Evaluate a network at points; rational networks always exactly.

    In JSON, x and y are lists of coordinates for one point, and lists of such lists for several.
    """
    from nnapprox import files

    network = files.load(file)
    if exact:
        network = network.astype("rational")
    rows = [_parse(text.split(","), "--at") for text in at]
    if points is not None:
        rows += _read_points(points)
    if not rows:
        raise click.UsageError("no point is given: use --at 1/3, or --points FILE")
    for row in rows:
        if len(row) != network.widths[0]:
            raise click.UsageError(f"a point has {len(row)} coordinates but the network takes {network.widths[0]}")
    values = network(rows)
    if as_json:
        x, y = (rows[0], values[0]) if len(rows) == 1 else (rows, values)
        output.print_json({"x": x, "y": y, "exact": network.dtype == "rational"})
        return
    for value in values:
        click.echo(",".join(str(number) for number in value))


def _parse(cells: Iterable[str], where: str) -> list[Fraction]:
    numbers = []
    for cell in cells:
        try:
            numbers.append(Fraction(cell.strip()))
        except (ValueError, ZeroDivisionError):
            raise click.UsageError(f"{where}: {cell.strip()!r} is not a number: write it as 1/3, 0.1 or 1e-3") from None
    return numbers


def _read_points(path: str) -> list[list[Fraction]]:
    if path.endswith(".npy"):
        import numpy as np

        try:
            array = np.load(path, allow_pickle=False)
            return [[Fraction(value) for value in row] for row in np.atleast_2d(array).astype(object)]
        except (ValueError, EOFError, OverflowError, TypeError) as error:
            raise click.UsageError(f"{path} holds no points of finite numbers: {error}") from error
    try:
        lines = sys.stdin.readlines() if path == "-" else Path(path).read_text(encoding="utf-8").splitlines()
    except UnicodeDecodeError:
        raise click.UsageError(f"{path} is no text file: give a .npy file or CSV") from None
    return [_parse(cells, f"line {n} of {path}") for n, cells in enumerate(csv.reader(lines), start=1) if cells]
