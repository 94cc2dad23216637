"""``nnapprox quantize``."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from nnapprox.cli.grid import Wanted, quantize_on_grid
from nnapprox.cli.options import (
    data_options,
    json_option,
    load_data,
    network_argument,
    out_option,
    plot_option,
    positive,
    quiet_option,
    require_writable,
)

EPILOG = """\b
Examples:
  $ nnapprox quantize square-depth-4.npz --grid
  $ nnapprox quantize square-depth-4.npz --grid --fractional-bits 7 --json
"""


def _domain(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> Any:
    if value is None:
        return None
    from nnapprox.constructions.parameters import read_domain

    return read_domain(value)


@click.command(epilog=EPILOG)
@network_argument
@click.option("--grid", is_flag=True, required=True, help="The theorem's code: every weight on one grid 2^-k Z.")
@click.option("--fractional-bits", type=click.IntRange(0, 4096), metavar="K", help="The grid's k (default: a curve).")
@click.option("--error", type=positive, metavar="E", help="The coarsest grid that keeps within this error.")
@click.option("--domain", callback=_domain, metavar="LOW,HIGH,...", help="Certify here (default: the file's domain).")
@data_options(None)
@out_option
@plot_option
@json_option
@quiet_option
def command(
    file: Path, grid: bool, fractional_bits: int | None, error: Fraction | None, domain: Any, dataset: str | None,
    data_dir: str | None, target: str | None, out: str | None, plot: str | None, as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Store a network in few bits, and tell what it then errs by, measured on the file that was written.

    With --grid all weights are rounded to one grid, half to even, and written as the bit string that the theorem
    counts, C M log2 M bits for M edges. Errors are certified on the domain: exactly in one and two dimensions, by a
    bound beyond; on a data set they are relative L2 errors.
    """
    from nnapprox import files

    if fractional_bits is not None and error is not None:
        raise click.UsageError("--fractional-bits and --error each choose a grid: give one")
    if out is not None:
        require_writable(out)
        if fractional_bits is None and error is None:
            raise click.UsageError("a curve writes no file: say which grid by --fractional-bits or --error")
        if Path(out).suffix.lower() != ".nng":
            raise click.UsageError(f"the theorem's code is written to .nng files, not to {out}")
    stored = files.read(file)
    trained_on = stored.metadata.get("dataset")
    known = trained_on.get("name") if isinstance(trained_on, dict) and "certificate" not in stored.metadata else None
    name = dataset or known
    data = load_data(name, data_dir, target, quiet) if name and domain is None else None
    quantize_on_grid(file, stored, Wanted(fractional_bits, error), domain, data, out, plot, as_json, quiet)
