"""``nnapprox show``."""

from __future__ import annotations

from pathlib import Path

import click

from nnapprox.cli import output
from nnapprox.cli.options import json_option, network_argument, plot_option

EPILOG = """\b
Examples:
  $ nnapprox show network.npz
  $ nnapprox show network.npz --plot weights.png
"""


@click.command(epilog=EPILOG)
@network_argument
@plot_option
@json_option
def command(file: Path, plot: str | None, as_json: bool) -> None:
    """Tell a network's architecture, layer by layer, and what its file says of it."""
    import numpy as np

    from nnapprox import files

    stored = files.read(file)
    network = stored.network
    described = output.network_json(network, file)
    if network.activation.slope is not None:
        described["slope"] = network.activation.slope
    if plot is not None:
        from nnapprox import plots

        shape = (stored.metadata.get("dataset") or {}).get("image_shape")
        plots.save(plots.first_layer(network, tuple(shape) if shape else None), plot)
    if as_json:
        output.print_json({**described, "metadata": stored.metadata})
        return
    output.print_pairs({key.replace("_", " "): value for key, value in described.items()})
    click.echo()
    rows = [
        [
            index,
            layer.inputs,
            layer.outputs,
            np.count_nonzero(layer.weight) + np.count_nonzero(layer.bias),
            layer.weight.size + layer.bias.size,
            max(np.abs(layer.weight).max(), np.abs(layer.bias).max()),
        ]
        for index, layer in enumerate(network.layers)
    ]
    output.print_table(["layer", "inputs", "outputs", "nonzeros", "parameters", "max weight"], rows)
    if stored.metadata:
        click.echo()
        output.print_pairs(stored.metadata)
    if plot is not None:
        output.note(f"wrote {plot}")
