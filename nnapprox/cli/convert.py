"""``nnapprox convert``."""

from __future__ import annotations

from pathlib import Path

import click

from nnapprox.cli import output
from nnapprox.cli.options import Name, complete_network_file, json_option

EPILOG = """\b
Examples:
  $ nnapprox convert network.npz exact.npz --dtype rational
"""


@click.command(epilog=EPILOG)
@click.argument("source", type=click.Path(), shell_complete=complete_network_file)
@click.argument("destination", type=click.Path(), shell_complete=complete_network_file)
@click.option(
    "--dtype", type=Name(["float32", "float64", "rational"]), help="Round to these numbers, or lift to them exactly."
)
@json_option
def command(source: str, destination: str, dtype: str | None, as_json: bool) -> None:
    """Write a network in the format of the destination's suffix, its metadata kept."""
    from nnapprox import files

    stored = files.read(source)
    network = stored.network.astype(dtype or stored.network.dtype)
    files.save(network, destination, stored.metadata)
    size = Path(destination).stat().st_size
    if as_json:
        output.print_json({"source": source, "network": output.network_json(network, destination), "bytes": size})
    else:
        click.echo(f"{output.printable(destination)}: {size:,} bytes")
