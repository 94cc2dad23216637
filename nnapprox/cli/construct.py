"""``nnapprox construct``: every construction of the catalogue is a command, whose options its signature gives."""

from __future__ import annotations

import re
import shlex
import zlib
from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import groupby
from typing import TYPE_CHECKING, Any

import click

from nnapprox.cli import output
from nnapprox.cli.algebra import numbers_for
from nnapprox.cli.options import (
    dtype_option,
    json_option,
    norm_option,
    out_option,
    plot_option,
    require_writable,
    tolerance_option,
)
from nnapprox.notation import nearest

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from nnapprox.constructions import Construction
    from nnapprox.constructions.construction import Entry
    from nnapprox.constructions.parameters import Parameter
    from nnapprox.constructions.rounding import Rounding

EPILOG = """\b
Examples:
  $ nnapprox construct sawtooth --depth 5
  $ nnapprox construct square --eps 1/1000 --domain=-3,3 --json
  $ nnapprox construct hat --latex
"""


_LONGEST_NAME = 60


class Catalogue(click.Group):
    """A group whose commands are the constructions."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(_catalogue())

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        entry = _catalogue().get(cmd_name)
        return None if entry is None else _command(entry)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args[0] not in _catalogue() and not ctx.resilient_parsing:
            raise click.UsageError(f"no construction is called {args[0]!r}: {nearest(args[0], _catalogue())}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        width = max(map(len, _catalogue()))
        for group, entries in groupby(_catalogue().values(), key=lambda entry: entry.group):
            with formatter.section(group[:1].upper() + group[1:]):
                for entry in entries:  # a line each, however long
                    formatter.write(f"  {entry.name.ljust(width)}  {entry.summary}\n")


class Value(click.ParamType):  # type: ignore[type-arg] # generic since click 8.4
    """What a parameter of a construction takes."""

    def __init__(self, parameter: Parameter) -> None:
        self.name = parameter.kind.metavar
        self._parameter = parameter

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        return self._parameter.convert(value)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        return [CompletionItem(choice) for choice in self._parameter.kind.choices if choice.startswith(incomplete)]


@click.group(cls=Catalogue, invoke_without_command=True, epilog=EPILOG, subcommand_metavar="NAME [OPTIONS]")
@click.pass_context
def command(ctx: click.Context) -> None:
    """Build a network exactly, and certify how far it is from what it approximates.

    Its numbers are rationals. The certificate is computed from the network that was built, and kept in its file beside
    the theorem's bound; 'nnapprox check' computes it anew. 'nnapprox construct NAME -h' shows the formula, its source,
    the options, and an example.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())


def _catalogue() -> Mapping[str, Entry]:
    from nnapprox.constructions import catalogue

    return catalogue()


def _command(entry: Entry) -> click.Command:
    example = shlex.join(["nnapprox", "construct", entry.name, *shlex.split(entry.example)])

    @click.command(
        entry.name,
        help=f"{entry.summary}\n\n{entry.description}",
        epilog=f"Source: {entry.source}\n\n\b\nExample:\n  $ {example}",
    )
    @norm_option
    @tolerance_option
    @out_option
    @dtype_option
    @plot_option
    @click.option("--latex", is_flag=True, help="Print the weights as matrices in LaTeX instead.")
    @json_option
    @click.pass_context
    def construct(
        ctx: click.Context, /, norm: Any, tolerance: Fraction | None, out: str | None, dtype: str | None,
        plot: str | None, latex: bool, as_json: bool, **options: Any,
    ) -> None:  # fmt: skip
        if latex and as_json:
            raise click.UsageError("--latex and --json each want stdout for themselves: choose one")
        from nnapprox.constructions.rounding import round_to

        words = _words(entry, {name: value for name, value in options.items() if _is_given(ctx, name)})
        path = out or default_name(words)
        require_writable(path)
        made = entry.build(**options)
        if norm or tolerance:
            made = made.recertified(norm, tolerance)
        rounding = round_to(made, numbers_for(made.network, path, dtype))
        _save(made, rounding, path, plot, shlex.join(words))
        if latex:
            click.echo(output.latex(made.network))
            return
        told = _described(made, rounding, path)
        if as_json:
            output.print_json(told)
        else:
            output.print_pairs(_shown(told, shlex.join(words), plot))

    construct.params[:0] = [_option(parameter) for parameter in entry.parameters]
    return construct


def _option(parameter: Parameter) -> click.Option:
    if parameter.is_switch:
        name = f"{parameter.flag}/--no-{parameter.flag[2:]}" if parameter.default else parameter.flag
        return click.Option([name, parameter.name], is_flag=True, default=parameter.default, help=parameter.option.help)
    return click.Option(
        [parameter.flag, parameter.name],
        type=Value(parameter),
        metavar=f"[{parameter.kind.metavar}]" if parameter.kind.choices else parameter.kind.metavar,
        required=parameter.required,
        default=parameter.text(parameter.default),
        show_default=True,
        help=parameter.option.help,
    )


def _is_given(ctx: click.Context, name: str) -> bool:
    return ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE


def _words(entry: Entry, given: Mapping[str, Any]) -> list[str]:
    """The words that build it again, as sawtooth, --depth, 5."""
    words = [entry.name]
    for parameter in entry.parameters:
        if parameter.name in given:
            value = given[parameter.name]
            words.append(parameter.flag if value is not False else f"--no-{parameter.flag[2:]}")
            if not parameter.is_switch:
                words.append(str(parameter.text(value)))
    return words


def default_name(words: Sequence[str]) -> str:
    """The name of the file for what these words build, as sawtooth-depth-5.npz; unlike words give unlike names."""
    text = "-".join(word.removeprefix("--") for word in words).translate(str.maketrans("/:", "_="))
    name = re.sub(r"[^A-Za-z0-9.,_=+-]+", "~", text)
    if name != text or len(name) > _LONGEST_NAME:
        name = f"{name[:_LONGEST_NAME].strip('~')}-{zlib.crc32(text.encode()):08x}"
    return f"{name}.npz"


def _described(made: Construction, rounding: Rounding, path: str) -> dict[str, Any]:
    """All that there is to tell, for `output.print_json`."""
    from nnapprox.constructions.counts import count_pieces, exact_bits

    kept, pieces, theorem = made.metadata(), count_pieces(made), made.theorem
    told = {
        "construction": made.name,
        "source": made.source,
        "parameters": kept["options"],
        "network": output.network_json(rounding.network, path),
        "exact_bits": exact_bits(made.network),
        "activation_regions": pieces and pieces.activation,
        "linear_regions": pieces and pieces.linear,
        "regions_bound": pieces and pieces.bound,
        "target": kept.get("target"),
        "certificate": kept["certificate"],
        "theorem": kept.get("theorem"),
        "ratio": made.certificate.upper / theorem.bound if theorem and theorem.bound else None,
        "notes": made.notes,
    }
    if rounding.largest:
        certificate = rounding.certificate and rounding.certificate.to_json()
        told["rounding"] = {"largest": rounding.largest, "certificate": certificate}
    return told


def _shown(told: Mapping[str, Any], words: str, plot: str | None) -> dict[str, object]:
    """The same in words, for `output.print_pairs`."""
    network, theorem, rounding = told["network"], told["theorem"], told.get("rounding")
    pairs: dict[str, object] = {
        "construction": words,
        "source": told["source"],
        "network": f"{output.abridged(str(network['widths']))}, {network['activation']}",
        "depth L": network["depth"],
        "neurons": network["neurons"],
        "nonzeros M": network["nonzeros"],
        "parameters": network["parameters"],
        "max weight B": network["max_weight"],
        "exact bits": told["exact_bits"],
    }
    if told["linear_regions"] is not None:
        keys = ("linear_regions", "activation_regions", "regions_bound")
        linear, by_activation, bound = (output.count_text(told[key]) for key in keys)
        pairs["pieces"] = f"{linear} linear, {by_activation} by activation, of at most {bound}"
    pairs["target"] = told["target"] and output.abridged(told["target"])
    pairs["certificate"] = output.certificate_text(told["certificate"])
    pairs["proof"] = told["certificate"]["source"]
    if theorem is not None:
        bound = "" if theorem["bound"] is None else f"{output.short(theorem['bound'])}: "
        pairs["theorem"] = f"{bound}{theorem['statement']}; {theorem['source']}"
    pairs["certificate / theorem"] = told["ratio"] and float(told["ratio"])
    pairs |= told["notes"]
    if rounding is not None:
        pairs["rounding"] = f"to {network['dtype']}, which changes a weight by {float(rounding['largest']):.3g} at most"
        pairs["rounded"] = rounding["certificate"] and output.certificate_text(rounding["certificate"])
    elif network["dtype"] != "rational":
        pairs["rounding"] = f"none: every weight is a {network['dtype']}"
    pairs["written"] = network["path"] if plot is None else f"{network['path']}, {plot}"
    return {name: value for name, value in pairs.items() if value is not None}


def _save(made: Construction, rounding: Rounding, path: str, plot: str | None, title: str) -> None:
    """Write the network and the picture; neither where the picture cannot be drawn."""
    from nnapprox import files

    if plot is None:
        files.save(rounding.network, path, rounding.metadata)
        return
    from nnapprox import plots

    figure = plots.approximation(made.network, made.target, made.certificate.domain, title)
    files.save(rounding.network, path, rounding.metadata)
    plots.save(figure, plot)
