"""Options and kinds of arguments that several commands share."""

from __future__ import annotations

import difflib
import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import click

from nnapprox.cli.output import note

NETWORK_SUFFIXES = (".npz", ".safetensors", ".onnx")
PLOT_SUFFIXES = (".png", ".svg", ".pdf")


class Name(click.Choice[str]):
    """One of some names; a wrong one is answered with the nearest."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in self.choices:
            near = difflib.get_close_matches(str(value), self.choices, n=1, cutoff=0.4)
            hint = f"did you mean {near[0]}?" if near else f"choose one of {', '.join(self.choices)}"
            self.fail(f"unknown name {value!r}: {hint}", param, ctx)
        return str(value)


class Integers(click.ParamType):  # type: ignore[type-arg] # generic since click 8.4
    """Integers separated by commas; an empty string is none."""

    name = "n,n,..."

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if not isinstance(value, str):
            return tuple(value)
        try:
            return tuple(int(part) for part in value.split(",")) if value.strip() else ()
        except ValueError:
            self.fail(f"{value!r} is not a list of integers such as 20,20", param, ctx)


class PlotPath(click.Path):
    """Where a picture goes; the suffix names its format."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        if Path(value).suffix.lower() not in PLOT_SUFFIXES:
            self.fail(f"{value} must end in {', '.join(PLOT_SUFFIXES)}", param, ctx)
        require_writable(value)
        return value


def require_writable(path: str | Path) -> None:
    """Refuse, before long work begins, a path that could not be written after it."""
    folder = Path(path).absolute().parent
    if not folder.is_dir() or not os.access(folder, os.W_OK) or Path(path).is_dir():
        raise click.UsageError(f"cannot write {path}: its folder is not there or not writable, or it is a folder")


def _newest_network(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> Path:
    if value is not None:
        return Path(value)
    found = [p for p in Path().iterdir() if p.suffix in NETWORK_SUFFIXES and not p.name.endswith(".checkpoint.npz")]
    if not found:
        raise click.UsageError(
            "no network file is given and none is in this folder: run nnapprox train, or name a file"
        )
    newest = max(found, key=lambda p: (p.stat().st_mtime_ns, p.name))
    note(f"taking the newest network file here, {newest}")
    return newest


def _network_files(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[str]:
    folder = Path(incomplete).parent
    found = (str(p) for p in folder.glob("*") if p.is_dir() or p.suffix in NETWORK_SUFFIXES)
    return sorted(name for name in found if name.startswith(incomplete))


network_argument = click.argument(
    "file", required=False, callback=_newest_network, shell_complete=_network_files, metavar="[FILE]"
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
quiet_option = click.option("--quiet", is_flag=True, help="Show no progress.")
plot_option = click.option("--plot", type=PlotPath(), metavar="FILE.png|.svg|.pdf", help="Draw a picture.")


def data_options(default: str | None) -> Callable[[Any], Any]:
    """``--dataset``, ``--data-dir`` and ``--target``."""
    options: Sequence[Callable[[Any], Any]] = (
        click.option(
            "--target", metavar="COLUMN", help="The column of a CSV file that is to be learnt (default: the last)."
        ),
        click.option("--data-dir", type=click.Path(), help="Folder of MNIST's files (default: $NNAPPROX_DATA_DIR)."),
        click.option(
            "--dataset", default=default, metavar="auto|mnist|digits|PATH", show_default=True, help="The data."
        ),
    )

    def add(command: Any) -> Any:
        for option in options:
            command = option(command)
        return command

    return add
