"""``nnapprox rate``."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

import click

from nnapprox.cli import output
from nnapprox.cli.options import Integers, json_option, plot_option, quiet_option
from nnapprox.notation import nearest

if TYPE_CHECKING:
    from click.shell_completion import CompletionItem

    from nnapprox.rates import Family, Fit, Point, Rate

EPILOG = """\b
Examples:
  $ nnapprox rate square
  $ nnapprox rate lipschitz --sizes 8,16,32 --json
"""


class FamilyName(click.ParamType):  # type: ignore[type-arg] # generic since click 8.4
    """The name of a family, or of a class that one is for."""

    name = "FAMILY"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> str:
        from nnapprox.rates import CLASSES, FAMILIES

        family = CLASSES.get(value, value)
        if family not in FAMILIES:
            self.fail(f"no family is called {value!r}: {nearest(value, [*FAMILIES, *CLASSES])}", param, ctx)
        return str(family)

    def shell_complete(self, ctx: click.Context, param: click.Parameter, incomplete: str) -> list[CompletionItem]:
        from click.shell_completion import CompletionItem

        from nnapprox.rates import CLASSES, FAMILIES

        return [CompletionItem(name) for name in (*FAMILIES, *CLASSES) if name.startswith(incomplete)]


@click.command(epilog=EPILOG)
@click.argument("name", required=False, type=FamilyName(), metavar="[FAMILY|CLASS]")
@click.option("--family", type=FamilyName(), help="The same as the argument.")
@click.option("--sizes", type=Integers(), help="Sizes to build, at least three, instead of the family's own.")
@plot_option
@json_option
@quiet_option
def command(
    name: str | None, family: str | None, sizes: tuple[int, ...] | None, plot: str | None, as_json: bool, quiet: bool
) -> None:
    """Measure how the error of a family of constructions falls with its stored bits.

    Networks of growing size are built, certified, and stored on the coarsest grid that adds no more than they err by;
    gamma in error ~ bits^-gamma is fitted and shown beside gamma*, which the literature gives for the class; C is that
    of the theorem's C M log2 M bits for M edges. A class, as lipschitz or analytic, stands for one of its families;
    without a name, all families are listed.
    """
    from nnapprox.rates import FAMILIES, FEWEST_POINTS, measure, rate

    if name is not None and family is not None:
        raise click.UsageError("the argument and --family are the same: give one")
    family = name or family
    if family is None:
        _list(FAMILIES, as_json)
        return
    wanted = FAMILIES[family]
    chosen = sorted(set(sizes or wanted.sizes))
    if len(chosen) < FEWEST_POINTS or chosen[0] < 2:
        raise click.UsageError("--sizes needs at least three different sizes, of 2 or more")
    with output.progress(quiet) as report:
        measured = _reported(measure(wanted, chosen), len(chosen), report)
        points, interrupted = output.gathered(measured, FEWEST_POINTS, "sizes")
    found = rate(points)
    if plot is not None:
        from nnapprox import plots, rate_plots

        plots.save(rate_plots.rate_curve(found, wanted, family), plot)
        output.note(f"wrote {plot}")
    if as_json:
        output.print_json(_json(family, wanted, found))
    else:
        _print(family, wanted, found)
    if interrupted:
        raise KeyboardInterrupt


def _reported(points: Iterable[Point], count: int, report: output.Report) -> Iterator[Point]:
    for done, point in enumerate(points, start=1):
        report(done / count, f"size {point.size}, {point.bits:,} bits")
        yield point


def _list(families: Any, as_json: bool) -> None:
    if as_json:
        keys = {"summary": "summary", "class": "function_class", "gamma_star": "exponent"}
        told = {name: {key: getattr(f, value) for key, value in keys.items()} for name, f in families.items()}
        output.print_json({"families": told})
    else:
        output.print_pairs({name: f"{family.summary}; {_star(family)}" for name, family in families.items()})


def _star(family: Family) -> str:
    exponent = "errors fall faster than every power" if family.exponent is None else f"gamma* = {family.exponent:g}"
    return f"{family.function_class}: {exponent}"


def _json(name: str, family: Family, found: Rate) -> dict[str, Any]:
    return {
        "family": name,
        "summary": family.summary,
        "class": family.function_class,
        "gamma": -found.by_bits.slope,
        "gamma_95": found.by_bits.half_width,
        "gamma_without_log": None if found.by_length is None else -found.by_length.slope,
        "exponential": None if found.exponential is None else found.exponential.slope,
        "exponential_95": None if found.exponential is None else found.exponential.half_width,
        "gamma_star": {"value": family.exponent, "quoted_from": family.source},
        "local_gamma": list(found.local),
        "points": [_point(point) for point in found.points],
    }


def _point(point: Point) -> dict[str, Any]:
    return {
        "size": point.size,
        "nonzeros": point.edges,
        "fractional_bits": point.fractional_bits,
        "bits": point.bits,
        "network_bits": point.network_bits,
        "constant": point.constant,
        "error": point.error,
        "kind": point.kind,
    }


def _print(name: str, family: Family, found: Rate) -> None:
    rows = [
        [
            point.size, point.edges, "-" if point.fractional_bits is None else point.fractional_bits, point.bits,
            point.network_bits, "-" if point.constant is None else f"{point.constant:.3f}",
            f"{float(point.error):.4g}", "-" if local is None else f"{local:.2f}",
        ]
        for point, local in zip(found.points, [None, *found.local], strict=True)
    ]  # fmt: skip
    output.print_table(["size", "M", "k", "bits", "network bits", "C", "error at most", "gamma from the last"], rows)
    click.echo()
    pairs: dict[str, object] = {"family": f"{name}: {family.summary}", "class": family.function_class}
    pairs["gamma, fitted"] = _text(found.by_bits, -1, "in error ~ bits^-gamma")
    if family.exponent is None:
        pairs["gamma* = 1/s(C)"] = f"none, errors fall faster than every power; quoted from {family.source}"
        if found.exponential is not None:
            pairs["exponent, fitted"] = _text(found.exponential, 1, "as a in error ~ 2^-(c bits^a)")
    else:
        if found.by_length is not None:
            pairs["without the log"] = _text(found.by_length, -1, "in error ~ (bits / log2 bits)^-gamma")
        pairs["gamma* = 1/s(C)"] = f"{family.exponent:g}, for the class; quoted from {family.source}"
    output.print_pairs(pairs)


def _text(fit: Fit, sign: int, meaning: str) -> str:
    spread = "" if fit.half_width is None else f" ± {fit.half_width:.3f} (95 %)"
    return f"{sign * fit.slope:.3f}{spread} {meaning}"
