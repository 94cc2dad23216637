"""What commands print: results on stdout, everything else on stderr. The one importer of rich, on terminals only."""

from __future__ import annotations

import json
import math
import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from decimal import ROUND_CEILING, ROUND_FLOOR, Context, Decimal
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, TextIO, TypeVar

import click

from nnapprox.notation import rational_text

if TYPE_CHECKING:
    from rich.console import Console

    from nnapprox.network import Network

T = TypeVar("T")

SECONDS_BETWEEN_LINES = 5.0
SECONDS_BETWEEN_FRAMES = 0.1

_MOST_SHOWN = 4
"""Points of more coordinates are left to JSON."""

_MOST_WRITTEN_OUT = 10**12
_DIGITS = 7
"""Of the ends of an enclosure."""

_LONGEST_TEXT = 200
"""Of a target or of widths; JSON always has all of it."""

_LONGEST_CELL = 24
"""A rational with more digits is shown rounded in a table; JSON always has all of it."""


def note(text: str) -> None:
    """Tell something on stderr."""
    click.echo(f"nnapprox: note: {printable(text)}", err=True)


def print_json(value: Any) -> None:
    """Print one JSON object; rationals as ``"p/q"``, numbers that are not finite as null."""
    click.echo(json.dumps(_plain(value), indent=2, allow_nan=False))


def print_table(header: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print columns of numbers, to the right."""
    lines = [[_cell(value) for value in row] for row in rows]
    if not _takes_colours(sys.stdout):
        _print_aligned([list(header), *lines], str.rjust)
        return
    from rich.box import SIMPLE_HEAD
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, collapse_padding=True, pad_edge=False)
    for name in header:
        table.add_column(name, justify="right")
    for line in lines:
        table.add_row(*line)
    _console(sys.stdout).print(table)


def print_columns(items: Sequence[Any], columns: Mapping[str, Callable[[Any], object]]) -> None:
    """Print a table of items by what every column shows of one; columns that have nothing are left out."""
    cells = {name: [value(item) for item in items] for name, value in columns.items()}
    kept = {name: column for name, column in cells.items() if any(value is not None for value in column)}
    rows = [["-" if value is None else value for value in row] for row in zip(*kept.values(), strict=True)]
    print_table(list(kept), rows)


def print_pairs(pairs: Mapping[str, object]) -> None:
    """Print names and values, one pair a line."""
    lines = [[printable(name), _cell(value)] for name, value in pairs.items()]
    if not _takes_colours(sys.stdout):
        _print_aligned(lines, str.ljust)
        return
    from rich.table import Table

    table = Table.grid("", "", padding=(0, 2))
    table.columns[0].style = "bold"
    for line in lines:
        table.add_row(*line)
    _console(sys.stdout).print(table)


def network_json(network: Network, path: str | Path) -> dict[str, Any]:
    """Describe a network that stands in a file, for `print_json`."""
    described = {
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
    if network.activation.slope is not None:
        described["slope"] = network.activation.slope
    return described


def short(value: Fraction) -> str:
    """A rational as it is, or rounded where it is long."""
    text = rational_text(value)
    return text if len(text) <= _LONGEST_CELL else f"~{Decimal(value.numerator) / Decimal(value.denominator):.6g}"


def certificate_text(certificate: Mapping[str, Any]) -> str:
    """A certificate, as `Certificate.to_json` gives it, in words: ``sup error 1/1024 on [0, 1], exact, at 1/32``."""
    value = certificate["value"]
    text = _outward(*map(Fraction, value)) if isinstance(value, list | tuple) else short(Fraction(value))
    relation = " at most" if certificate["kind"] == "bound" else ""
    domain = domain_text(certificate["domain"])
    argmax = certificate.get("argmax")
    where = f", at {', '.join(short(Fraction(x)) for x in argmax)}" if argmax and len(argmax) <= _MOST_SHOWN else ""
    return f"{certificate['norm']} error{relation} {text} on {domain}, {certificate['kind']}{where}"


def domain_text(domain: Sequence[Sequence[Any]]) -> str:
    """A product of intervals, whose ends are rationals or read as such: ``[0, 1]^2``."""
    intervals = [f"[{', '.join(short(Fraction(end)) for end in interval)}]" for interval in domain]
    return f"{intervals[0]}^{len(intervals)}" if len(set(intervals)) == 1 < len(intervals) else " x ".join(intervals)


def accuracy_text(accuracy: float, standard_error: float) -> str:
    """An accuracy in percent, with its standard error."""
    return f"{100 * accuracy:.2f} ± {100 * standard_error:.2f}"


def abridged(text: str) -> str:
    """A text as it is, or without its middle where it is long."""
    if len(text) <= _LONGEST_TEXT:
        return text
    kept = _LONGEST_TEXT // 2 - 3
    return f"{text[:kept]} ... {text[-kept:]}"


def count_text(number: int) -> str:
    """A number of things, to three digits where they are very many."""
    return f"{number:,}" if number < _MOST_WRITTEN_OUT else f"about {Decimal(number):.2e}"


def _outward(low: Fraction, high: Fraction) -> str:
    """An interval in decimals, rounded so that it holds the exact one."""
    ends = zip((low, high), (ROUND_FLOOR, ROUND_CEILING), strict=True)
    rounded = (Context(_DIGITS, rounding=way).divide(*map(Decimal, end.as_integer_ratio())) for end, way in ends)
    return " to ".join(f"{end:g}" for end in rounded)


def latex(network: Network) -> str:
    """The weights and biases of a network as matrices, in LaTeX."""
    lines = []
    for number, layer in enumerate(network.layers, start=1):
        weight = r" \\ ".join(" & ".join(map(_latex_number, row)) for row in layer.weight)
        bias = r" \\ ".join(map(_latex_number, layer.bias))
        lines.append(
            rf"  A_{{{number}}} &= \begin{{pmatrix}} {weight} \end{{pmatrix}}, &"
            rf" b_{{{number}}} &= \begin{{pmatrix}} {bias} \end{{pmatrix}}"
        )
    return "\\begin{align*}\n" + " \\\\\n".join(lines) + "\n\\end{align*}"


def printable(text: str) -> str:
    """Escape what could move a cursor or change a colour: file names and metadata come from anywhere."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)


class Report(Protocol):
    """Takes the share of the work done, in [0, 1], and a line about where it stands."""

    def __call__(self, share: float, text: str) -> None:
        """Show it."""


@contextmanager
def progress(quiet: bool) -> Iterator[Report]:
    """Show progress on stderr: a bar on a terminal, elsewhere a plain line now and then."""
    if quiet:
        yield lambda share, text: None
    elif _takes_colours(sys.stderr):
        with _bar() as draw:
            yield _now_and_then(SECONDS_BETWEEN_FRAMES, draw)
    else:
        yield _now_and_then(
            SECONDS_BETWEEN_LINES,
            lambda share, text: click.echo(f"nnapprox: {share:.0%} {printable(text)}", err=True),
        )


@contextmanager
def _bar() -> Iterator[Report]:
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = BarColumn(bar_width=24), TextColumn("{task.description}", markup=False), TimeRemainingColumn()
    # Redrawn by the calls of the work itself: a thread that redraws would take the interpreter from it.
    with Progress(*columns, console=_console(sys.stderr), auto_refresh=False, transient=True) as bar:
        task = bar.add_task("", total=1.0)
        yield lambda share, text: bar.update(task, completed=share, description=printable(text), refresh=True)


def _now_and_then(seconds: float, show: Report) -> Report:
    last = time.monotonic()

    def report(share: float, text: str) -> None:
        nonlocal last
        if time.monotonic() - last >= seconds:
            last = time.monotonic()
            show(share, text)

    return report


def gathered(found: Iterable[T], least: int, name: str) -> tuple[list[T], bool]:
    """All that is found, or what there is at Ctrl-C where that is enough; and whether there was one.

    Raises
    ------
    KeyboardInterrupt
        Fewer than `least` were found when it came.
    """
    kept: list[T] = []
    try:
        for item in found:
            kept.append(item)
    except KeyboardInterrupt:
        if len(kept) < least:
            raise
        note(f"stopped: {len(kept)} {name} were found")
        return kept, True
    return kept, False


def _plain(value: Any) -> Any:
    if hasattr(value, "tolist"):  # an array or a scalar of numpy, which need not be imported to tell
        value = value.tolist()
    if isinstance(value, Mapping):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item) for item in value]
    if isinstance(value, Fraction):
        return rational_text(value)
    if isinstance(value, Path):
        return str(value)
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _cell(value: object) -> str:
    if isinstance(value, Fraction):
        return short(value)
    return f"{value:.6g}" if isinstance(value, float) else printable(str(value))


def _latex_number(value: Fraction) -> str:
    if value.denominator == 1:
        return rational_text(value)
    sign, size = "-" if value < 0 else "", abs(value)
    return rf"{sign}\tfrac{{{Decimal(size.numerator):f}}}{{{Decimal(size.denominator):f}}}"


def _print_aligned(lines: Sequence[Sequence[str]], justify: Callable[[str, int], str]) -> None:
    sizes = [max(map(len, column)) for column in zip(*lines, strict=True)]
    for line in lines:
        click.echo("  ".join(justify(cell, size) for cell, size in zip(line, sizes, strict=True)).rstrip())


def _takes_colours(stream: TextIO | None) -> bool:
    """Whether it is a terminal that can redraw, whose user does not prefer plain text."""
    return (
        stream is not None and stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
    )


def _console(stream: TextIO) -> Console:
    from rich.console import Console

    return Console(file=stream, markup=False, emoji=False, highlight=False)
