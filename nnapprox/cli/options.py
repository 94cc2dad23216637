"""Options and kinds of arguments that several commands share."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nnapprox import notation
from nnapprox.cli.output import Report, note, progress
from nnapprox.errors import UsageError

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from nnapprox.datasets import Dataset

PLOT_SUFFIXES = (".png", ".svg", ".pdf")


class Name(click.Choice[str]):
    """One of some names; a wrong one is answered with the nearest."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        if value not in self.choices:
            self.fail(f"unknown name {value!r}: {notation.nearest(value, self.choices)}", param, ctx)
        return str(value)


def rational(text: str) -> Fraction:
    """Read 1/3, 0.1 (which is 1/10) or 1e-3, exactly.

    Raises
    ------
    click.BadParameter
        It is not a finite number, or its exponent is beyond 10,000.
    """
    try:
        return notation.rational(text)
    except UsageError as error:
        raise click.BadParameter(str(error)) from None


def positive(text: str) -> Fraction:
    """Read a number above 0, exactly; raises as `rational` does."""
    number = rational(text)
    if number <= 0:
        raise click.BadParameter(f"{number} is not above 0")
    return number


def point(text: str) -> tuple[Fraction, ...]:
    """Read coordinates separated by commas, as 0.5,1/3, exactly; raises as `rational` does."""
    return tuple(rational(coordinate) for coordinate in text.split(","))


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
    path = Path(path)
    folder = path.absolute().parent
    if not folder.is_dir():
        raise click.UsageError(f"cannot write {path}: its folder is not there")
    if not os.access(folder, os.W_OK):
        raise click.UsageError(f"cannot write {path}: its folder is not writable")
    if path.exists() and not path.is_file():  # a device would be replaced by the finished file
        raise click.UsageError(f"cannot write {path}: it is there, and no file")


def network_files(folder: Path) -> list[Path]:
    """Files of a folder whose names say that they hold a network; none where the folder cannot be read."""
    from nnapprox.files import FORMATS

    try:
        return [
            path
            for path in folder.iterdir()
            if path.suffix.lower() in FORMATS
            and not path.name.startswith(".")
            and not path.name.endswith(".checkpoint.npz")
            and path.is_file()
        ]
    except OSError:
        return []


def complete_network_file(_ctx: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    """Complete to network files; where none matches, the shell completes to folders."""
    from click.shell_completion import CompletionItem

    folder, start = os.path.split(incomplete)
    names = sorted(path.name for path in network_files(Path(folder)) if path.name.startswith(start))
    return [
        CompletionItem(incomplete, type="dir"),  # first: bash drops what comes before it
        *(CompletionItem(os.path.join(folder, name)) for name in names),
    ]


def _newest_network(ctx: click.Context, _parameter: click.Parameter, value: str | None) -> Path | None:
    if value is not None:
        return Path(value)
    if ctx.resilient_parsing:  # a shell completes, and nobody reads notes
        return None
    return newest_network()


def newest_network() -> Path:
    """The newest network file in this folder, and a note that it is taken; a usage error where there is none."""
    found = network_files(Path())
    if not found:
        raise click.UsageError(
            "no network file is given and none is in this folder: run nnapprox train, or name a file"
        )
    newest = max(found, key=lambda path: (path.stat().st_mtime_ns, path.name))
    note(f"taking the newest network file here, {newest}")
    return newest


network_argument = click.argument(
    "file", required=False, callback=_newest_network, shell_complete=complete_network_file, metavar="[FILE]"
)
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON object.")
quiet_option = click.option("--quiet", is_flag=True, help="Show no progress.")
plot_option = click.option("--plot", type=PlotPath(), metavar="FILE.png|.svg|.pdf", help="Draw a picture.")
out_option = click.option("-o", "--output", "out", type=click.Path(), help="The network file to write.")
dtype_option = click.option(
    "--dtype",
    type=Name(["float32", "float64", "rational"]),
    help="Numbers of the file (default: rational in .npz, float64 in other formats).",
)
tolerance_option = click.option(
    "--tolerance", type=positive, metavar="Q", help="Relative width of an enclosure (default: 1e-6)."
)
norm_option = click.option("--norm", type=Name(["sup", "L1", "L2"]), help="Certify the error in this norm.")


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


def load_data(name: str, data_dir: str | None, target: str | None, quiet: bool) -> Dataset:
    """Load the data set of `data_options`, and show how a download goes if there is one."""
    from contextlib import ExitStack

    from nnapprox.datasets import load_dataset

    with ExitStack() as shown:
        report: Report | None = None

        def show(file: str, done: int, size: int | None) -> None:
            nonlocal report
            report = report or shown.enter_context(progress(quiet))
            report(done / size if size else 0.0, f"{file}, {done / 1e6:.1f} MB")

        return load_dataset(name, data_dir=data_dir, target=target, notice=note, progress=show)
