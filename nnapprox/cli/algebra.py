"""What the commands of the calculus share: networks come in as rationals, and one goes out."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from nnapprox.cli import output
from nnapprox.cli.options import complete_network_file, require_writable

if TYPE_CHECKING:
    from nnapprox.network import Network

networks_argument = click.argument(
    "paths", nargs=-1, required=True, shell_complete=complete_network_file, metavar="FILE..."
)


def numbers_for(network: Network, path: str | Path, dtype: str | None) -> str:
    """The dtype that a file gets where none is asked for: the network's, but most formats hold no rationals."""
    return dtype or (network.dtype if Path(path).suffix.lower() in (".npz", ".nng") else "float64")


def derive(
    paths: Sequence[str], operation: Callable[[list[Network]], Network], command: str, out: str | None,
    dtype: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Read networks, lifted to rationals; write what the operation makes of them, and tell of it.

    The file is called after the networks and the command, as hat-compose-hat.npz, where `out` does not name it.
    """
    from nnapprox import files

    path = out or f"{f'-{command}-'.join(Path(name).stem for name in paths)}.npz"
    require_writable(path)
    made = operation([files.load(name).astype("rational") for name in paths])
    network = made.astype(numbers_for(made, path, dtype))
    files.save(network, path, {"command": command, "networks": [Path(name).name for name in paths]})
    told = output.network_json(network, path)
    told["exact"] = network.astype("rational") == made
    if as_json:
        output.print_json({"command": command, "network": told})
    else:
        output.print_pairs({key.replace("_", " "): value for key, value in told.items()})
