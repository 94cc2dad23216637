"""``nnapprox quantize``."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path
from typing import Any

import click

from nnapprox.cli.grid import Wanted, promised, quantize_on_grid, unit_cube
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
from nnapprox.errors import DatasetError, UsageError

EPILOG = """\b
Examples:
  $ nnapprox quantize network.npz --error 1e-2 -o network.nnq
  $ nnapprox quantize network.npz --bytes 2000 --json
  $ nnapprox quantize network.npz --error 1e-1 --c-header network.h
  $ nnapprox quantize sawtooth-depth-5.npz --grid
  $ nnapprox quantize sawtooth-depth-5.npz --grid --fractional-bits 7 --json
"""


def _domain(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> Any:
    if value is None:
        return None
    from nnapprox.constructions.parameters import read_domain

    return read_domain(value)


@click.command(epilog=EPILOG)
@network_argument
@click.option("--grid", is_flag=True, help="The theorem's code: every weight on one grid 2^-k Z.")
@click.option("--fractional-bits", type=click.IntRange(0, 4096), metavar="K", help="The grid's k (default: a curve).")
@click.option("--error", type=positive, metavar="E", help="The smallest file that keeps within this error.")
@click.option("--bytes", "size", type=click.IntRange(1), metavar="N", help="The most exact file of so many bytes.")
@click.option(
    "--max-accuracy-drop",
    type=click.FloatRange(0, 100),
    metavar="P",
    help="The smallest file that loses P points on the test labels.",
)
@click.option("--bits-per-weight", type=click.FloatRange(0, min_open=True), metavar="R", help="As --bytes, by weight.")
@click.option("--domain", callback=_domain, metavar="LOW,HIGH,...", help="Where the inputs lie (default: the file's).")
@data_options(None)
@out_option
@click.option("--c-header", type=click.Path(), metavar="FILE.h", help="Write it as C for a microcontroller, too.")
@plot_option
@json_option
@quiet_option
def command(
    file: Path, grid: bool, fractional_bits: int | None, error: Fraction | None, size: int | None,
    max_accuracy_drop: float | None, bits_per_weight: float | None, domain: Any, dataset: str | None,
    data_dir: str | None, target: str | None, out: str | None, c_header: str | None, plot: str | None, as_json: bool,
    quiet: bool,
) -> None:  # fmt: skip
    """Store a network in few bits, and tell what it then errs by, measured on the file that was written.

    The codec learns from the training inputs of the network's data set, or from points of its domain, and measures on
    test inputs: relative L2 and sup errors of the outputs. Without a target it prints the whole curve.
    --max-accuracy-drop decides on the test labels, on which the accuracy that is printed is no independent figure then.

    With --grid all weights are rounded to one grid, half to even, and written as the bit string that the theorem
    counts, C M log2 M bits for M edges. Errors are certified on the domain: exactly in one and two dimensions, by a
    bound beyond; on a data set they are relative L2 errors.
    """
    from nnapprox import files

    targets = {
        "--fractional-bits": fractional_bits, "--error": error, "--bytes": size,
        "--max-accuracy-drop": max_accuracy_drop, "--bits-per-weight": bits_per_weight,
    }  # fmt: skip
    given = [name for name, value in targets.items() if value is not None]
    if len(given) > 1:
        raise click.UsageError(f"{' and '.join(given)} each choose a file: give one")
    if given and grid != (given[0] == "--fractional-bits") and given[0] != "--error":
        raise click.UsageError(f"{given[0]} goes {'without' if grid else 'with'} --grid")
    if out is not None:
        _check_output(out, ".nng" if grid else ".nnq", given)
    if c_header is not None:
        require_writable(c_header)
        if grid:
            raise click.UsageError("--c-header goes without --grid: the header holds the smaller code")
        if not given:
            _header_of_file(file, c_header, as_json)
            return
    stored = files.read(file)
    trained_on = stored.metadata.get("dataset")
    known = trained_on.get("name") if isinstance(trained_on, dict) and "certificate" not in stored.metadata else None
    name = dataset or known
    try:
        data = load_data(name, data_dir, target, quiet) if name and domain is None else None
    except (DatasetError, UsageError) as fault:
        if dataset is not None:
            raise
        raise UsageError(f"the data that {file} was trained on: {fault}; or give the inputs' --domain") from fault
    if grid:
        quantize_on_grid(file, stored, Wanted(fractional_bits, error), domain, data, out, plot, as_json, quiet)
        return
    from nnapprox.cli.codec import Target, quantize_by_codec
    from nnapprox.quantization import calibration

    network = stored.network
    box = None
    if data is None:
        box = domain or promised(stored.metadata, network.widths[0])[0] or unit_cube(network.widths[0])
    inputs = calibration.of_dataset(network, data) if data is not None else calibration.of_domain(network, box)
    wanted = Target(error, size, max_accuracy_drop, bits_per_weight)
    quantize_by_codec(file, stored, wanted, inputs, box, out, c_header, plot, as_json, quiet)


def _header_of_file(file: Path, path: str, as_json: bool) -> None:
    """Write the header of a file that is quantised already."""
    from nnapprox.cli import output
    from nnapprox.cli.codec import header_text, write_header

    if file.suffix.lower() != ".nnq":
        raise click.UsageError("a curve writes no file: say which point by --error, or name a .nnq file")
    told = write_header(file, path)
    if as_json:
        output.print_json({"network": str(file), "c_header": told})
    else:
        output.print_pairs(header_text(told))


def _check_output(out: str, suffix: str, targets: list[str]) -> None:
    require_writable(out)
    if not targets:
        raise click.UsageError("a curve writes no file: say which point by --error or another target")
    if Path(out).suffix.lower() != suffix:
        raise click.UsageError(f"this code is written to {suffix} files, not to {out}")
