"""What commands print: results on stdout, everything else on stderr. The one importer of rich."""

from __future__ import annotations

import json
import math
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import click

if TYPE_CHECKING:
    from nnapprox.network import Network

SECONDS_BETWEEN_LINES = 5.0


def note(text: str) -> None:
    """Tell something on stderr."""
    click.echo(f"nnapprox: note: {text}", err=True)


def print_json(value: Any) -> None:
    """Print one JSON object; rationals as ``"p/q"``, numbers that are not finite as null."""
    click.echo(json.dumps(_plain(value), indent=2, allow_nan=False))


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, Fraction | Path):
        return str(value)
    if hasattr(value, "tolist"):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print aligned columns, numbers to the right."""
    lines = [[str(cell) for cell in row] for row in (header, *rows)]
    widths = [max(len(line[i]) for line in lines) for i in range(len(header))]
    for line in lines:
        click.echo("  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True)).rstrip())


def print_pairs(pairs: dict[str, object]) -> None:
    """Print names and values, one pair a line."""
    width = max(len(name) for name in pairs)
    for name, value in pairs.items():
        click.echo(f"{name.ljust(width)}  {value}")


def network_json(network: Network, path: str | Path) -> dict[str, Any]:
    """A network as commands report it."""
    return {
        "path": str(path),
        "depth": network.depth,
        "widths": list(network.widths),
        "neurons": network.neurons,
        "nonzeros": network.nonzeros,
        "parameters": network.parameters,
        "max_weight": network.max_weight,
        "dtype": network.dtype,
        "activation": network.activation.name,
    }


class Report(Protocol):
    """Takes the share of the work done, in [0, 1], and a line about where it stands."""

    def __call__(self, share: float, text: str) -> None:
        """Show it."""


@contextmanager
def progress(quiet: bool) -> Iterator[Report]:
    """Show progress on stderr: a bar on a terminal, elsewhere a plain line now and then."""
    if quiet:
        yield lambda share, text: None
    elif sys.stderr.isatty():
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

        columns = BarColumn(), TextColumn("{task.description}"), TimeRemainingColumn()
        with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
            task = bar.add_task("", total=1.0)
            yield lambda share, text: bar.update(task, completed=share, description=text)
    else:
        last = time.monotonic()

        def line(share: float, text: str) -> None:
            nonlocal last
            if time.monotonic() - last >= SECONDS_BETWEEN_LINES:
                last = time.monotonic()
                click.echo(f"nnapprox: {100 * share:.0f} % {text}", err=True)

        yield line
