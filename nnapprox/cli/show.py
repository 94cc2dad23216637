"""``nnapprox show``."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nnapprox.cli import output
from nnapprox.cli.options import json_option, network_argument, plot_option

if TYPE_CHECKING:
    from nnapprox.network import Network

EPILOG = """\b
Examples:
  $ nnapprox show network.npz
  $ nnapprox show hat.npz --json
  $ nnapprox show network.npz --plot weights.png
"""


@click.command(epilog=EPILOG)
@network_argument
@plot_option
@json_option
def command(file: Path, plot: str | None, as_json: bool) -> None:
    """Tell a network's architecture, layer by layer, and what its file says of it.

    A plot shows the weights of the first layer: as images where the inputs are pixels, else as a heat map.
    """
    from nnapprox import files

    stored = files.read(file)
    network, metadata = stored.network, stored.metadata
    if plot is not None:
        from nnapprox import plots

        plots.save(plots.first_layer(network, _image_shape(network, metadata)), plot)
        output.note(f"wrote {plot}")
    totals, layers = output.network_json(network, file), _layers(network)
    if as_json:
        output.print_json({**totals, "layers": layers, "metadata": metadata})
        return
    output.print_pairs({key.replace("_", " "): value for key, value in totals.items()})
    click.echo()
    output.print_table(
        ["layer", "inputs", "outputs", "nonzeros", "parameters", "max weight"],
        [[number, *layer.values()] for number, layer in enumerate(layers)],
    )
    if metadata:
        click.echo()
        output.print_pairs({key: v if isinstance(v, str) else json.dumps(v) for key, v in metadata.items()})


def _layers(network: Network) -> list[dict[str, Any]]:
    from nnapprox.network import Network

    alone = [Network([layer], network.activation) for layer in network.layers]
    return [
        {
            "inputs": layer.widths[0],
            "outputs": layer.widths[1],
            "nonzeros": layer.nonzeros,
            "parameters": layer.parameters,
            "max_weight": layer.max_weight,
        }
        for layer in alone
    ]


def _image_shape(network: Network, metadata: Mapping[str, Any]) -> tuple[int, int] | None:
    """(height, width) of the images that the network was trained on, where its file says so and can be right."""
    dataset = metadata.get("dataset")
    match dataset.get("image_shape") if isinstance(dataset, Mapping) else None:
        case [int(height), int(width)] if height > 0 and height * width == network.widths[0]:
            return height, width
    return None
