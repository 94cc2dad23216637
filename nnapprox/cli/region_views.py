"""What ``nnapprox regions`` tells and draws of the cells themselves: topology, statistics, pictures, files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from decimal import Decimal
from fractions import Fraction
from functools import wraps
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nnapprox.cli import output
from nnapprox.cli.options import Integers, Name, plot_option, rational, require_writable
from nnapprox.cli.region_domain import Place

if TYPE_CHECKING:
    from nnapprox.network import Network
    from nnapprox.regions.cells import Cell, Watch
    from nnapprox.regions.level import Level
    from nnapprox.regions.polytope import Polytope
    from nnapprox.regions.statistics import Statistics

QUARTILES = (Fraction(1, 4), Fraction(1, 2), Fraction(3, 4))

BOUNDS_OF_BETTI = (
    "Bianchini and Scarselli (2014) bound these numbers for threshold, polynomial, arctan and tanh networks, not here"
)


@dataclass(frozen=True)
class Views:
    """The options of `view_options`."""

    betti: bool
    level: Fraction | None
    output: int | None
    between: tuple[int, ...] | None
    stats: bool
    plot: str | None
    colour: str
    export: str | None

    @property
    def wanted(self) -> bool:
        """Whether any of them asks for something."""
        return any((self.betti, self.stats, self.plot, self.export, self._asks_for_level))

    @property
    def named(self) -> str:
        """The options that ask for something, in words."""
        given = {"--betti": self.betti, "--stats": self.stats, "--plot": self.plot, "--export": self.export}
        return ", ".join(name for name, value in given.items() if value)

    def require_fitting(self, place: Place) -> None:
        """Refuse, before long work, what cannot be carried out.

        Raises
        ------
        click.UsageError, UsageError
        """
        inputs = place.widths[0]
        if self.between is not None and (len(self.between) != 2 or self.output is not None):
            raise click.UsageError("--between takes two outputs, as 0,1, and goes without --output")
        if self._asks_for_level and not (self.betti or self.plot):
            raise click.UsageError("--level, --output and --between say what --betti or --plot looks at: add one")
        for name, given in (("--betti", self.betti), ("--plot", self.plot)):
            if given and inputs > 2:
                raise click.UsageError(f"{name} is for one or two inputs, not for {inputs}: take a --line or a --plane")
        for name, asked in (("--plot", self.plot), ("--export", self.export)):
            if asked and place.domain == "all":
                box = ",".join(["-1,1"] * inputs)
                raise click.UsageError(f"{name} needs a bounded domain, not all: give a box as --domain={box}")
        if self.export is not None:
            if Path(self.export).suffix.lower() not in (".json", ".npz"):
                raise click.UsageError(f"--export writes .json or .npz, not {self.export}")
            require_writable(self.export)
        self._level.require_outputs(place.network)

    def carry_out(self, place: Place, activation_regions: int, quiet: bool) -> dict[str, Any]:
        """Compute, draw and write what is asked for, of so many cells; gives what belongs into JSON."""
        told: dict[str, Any] = {}
        if not self.wanted:
            return told
        network, domain = _bounded(place)
        if self.betti:
            from nnapprox.regions.topology import CONVENTIONS, betti

            with _watched("topology", activation_regions, quiet) as watch:
                found = betti(network, self._domain_of_level(network, place, domain), self._level, watch=watch)
            told["betti"] = {
                "positive": found.positive, "negative": found.negative, "zero": found.zero,
                "level": str(self._level), "conventions": CONVENTIONS,
            }  # fmt: skip
        if self.stats:
            from nnapprox.regions.statistics import statistics

            with _watched("statistics", activation_regions, quiet) as watch:
                census = statistics(network, domain, watch=watch)
            told["statistics"] = _statistics_json(census) | {
                "coordinates": place.slice_json["coordinates"] if place.slice_json else None
            }
            if place.domain == "all":  # the box that stands for it says nothing of sizes
                told["statistics"] |= {"volume": None, "longest_edge": None}
        if self.export is not None:
            from nnapprox.regions.export import export

            with _watched("export", activation_regions, quiet) as watch:
                export(network, domain, self.export, watch=watch)
            told["export"] = self.export
        if self.plot is not None:
            from nnapprox import plots, region_plots

            figure = region_plots.regions(
                network,
                domain,
                colour=self.colour,
                level=self._level if self._asks_for_level else None,
                activation_regions=activation_regions,
                **_marks(place),
            )
            plots.save(figure, self.plot)
            told["plot"] = self.plot
        return told

    def shown(self, told: Mapping[str, Any]) -> dict[str, object]:
        """The same in words, for `output.print_pairs`."""
        pairs: dict[str, object] = {}
        if "betti" in told:
            name, value = told["betti"]["level"].split(" = ")
            for key, relation in (("positive", ">"), ("negative", "<"), ("zero", "=")):
                pairs[f"(b0, b1) of {{{name} {relation} {value}}}"] = str(tuple(told["betti"][key]))
            pairs["conventions"] = told["betti"]["conventions"]
            pairs["bounds of Betti numbers"] = BOUNDS_OF_BETTI
        if "statistics" in told:
            pairs |= _shown_statistics(told["statistics"])
        for key in ("export", "plot"):
            if key in told:
                pairs[f"{key} written to"] = told[key]
        return {name: value for name, value in pairs.items() if value is not None}

    @property
    def _asks_for_level(self) -> bool:
        return any(given is not None for given in (self.level, self.output, self.between))

    @property
    def _level(self) -> Level:
        from nnapprox.regions.level import Level

        value = self.level or Fraction(0)
        if self.between is not None:
            return Level(self.between[0], value, self.between[1])
        return Level(self.output or 0, value)

    def _domain_of_level(self, network: Network, place: Place, domain: Polytope) -> Polytope:
        """For all of R^d, a box that all faces meet, those of the level's own cuts included."""
        if place.domain != "all":
            return domain
        from nnapprox.regions.domain import everything

        return everything(self._level.as_neuron(network))


def view_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """``--betti`` to ``--export``; the command gets them as `Views`."""

    @wraps(command)
    def collected(*arguments: Any, **given: Any) -> Any:
        views = Views(**{field.name: given.pop(field.name) for field in fields(Views)})
        return command(*arguments, views=views, **given)

    added: Any = collected
    for option in (
        click.option("--export", type=click.Path(), metavar="FILE.json|.npz", help="Write all cells, exactly."),
        click.option(
            "--colour", type=Name(["map", "gradient"]), default="map", show_default=True, help="What --plot colours by."
        ),
        plot_option,
        click.option("--stats", is_flag=True, help="Volumes, regions by layer, idle neurons, Lipschitz constants."),
        click.option("--between", type=Integers(), metavar="I,J", help="Look at the boundary f_I = f_J."),
        click.option("--output", type=click.IntRange(0), metavar="I", help="Look at this output (default: 0)."),
        click.option("--level", type=rational, metavar="C", help="Look at the level C (default: 0)."),
        click.option("--betti", is_flag=True, help="Components and holes of {f>c}, {f<c} and {f=c}."),
    ):
        added = option(added)
    wrapped: Callable[..., Any] = added
    return wrapped


@contextmanager
def _watched(work: str, cells: int, quiet: bool) -> Iterator[Watch]:
    """Tell how many of so many cells have gone through what is given."""
    with output.progress(quiet) as report:

        def watch(found: Iterator[Cell]) -> Iterator[Cell]:
            for seen, cell in enumerate(found):
                report(seen / cells, f"{work}: {seen:,} of {cells:,} cells")
                yield cell

        yield watch


def _bounded(place: Place) -> tuple[Network, Polytope]:
    """The network, on the slice if there is one, and its domain as a polytope."""
    from nnapprox.regions.domain import polytope
    from nnapprox.regions.slices import restrict

    network = restrict(place.network, place.points) if place.points else place.network
    return network, polytope(place.domain, network)


def _marks(place: Place) -> dict[str, Any]:
    """The points that a plane goes through, in its coordinates, with their classes."""
    if len(place.points) != 3:
        return {}
    import numpy as np

    labels = (place.slice_json or {}).get("labels") or ()
    return {"points": np.array([[0, 0], [1, 0], [0, 1]]),
            "labels": [f"class {label}" for label in labels],
            "coordinates": ("$s$", "$t$")}  # fmt: skip


def _statistics_json(found: Statistics) -> dict[str, Any]:
    edge, steepest = found.longest_edge, found.lipschitz
    low, high = steepest.squared_norm_2
    return {
        "volume": {
            "total": found.volume,
            "least": found.volumes[0],
            "quartiles": [found.quantile(share) for share in QUARTILES],
            "greatest": found.volumes[-1],
            "mean": found.volume / found.cells,
            "decades": found.decades,
        },
        "regions_after_layer": found.regions_after_layer,
        "regions_added_by_layer": found.added_by_layer,
        "cuts_nothing": found.cuts_nothing,
        "never_active": found.never_active,
        "always_active": found.always_active,
        "longest_edge": {"squared_length": edge.squared_length, "ends": edge.ends},
        "lipschitz": {"1": steepest.norm_1, "inf": steepest.norm_inf, "2_squared": [low, high], "exact": low == high},
    }


def _shown_statistics(told: Mapping[str, Any]) -> dict[str, object]:
    steepest = told["lipschitz"]
    squares = steepest["2_squared"]
    root = _root(squares[1], 10)
    slice_of = told["coordinates"]
    return {
        "volumes, lengths and norms": slice_of
        and f"in the coordinates {'s, t' if ' t ' in slice_of else 's'} of {slice_of}, not in those of the inputs",
        **_shown_sizes(told["volume"], told["longest_edge"]),
        "regions added by hidden layer": ", ".join(f"{count:,}" for count in told["regions_added_by_layer"]) or None,
        "neurons that cut nothing": f"{len(told['cuts_nothing'])} ({len(told['never_active'])} never active, "
        f"{len(told['always_active'])} always)",
        "Lipschitz constant in l1": steepest["1"],
        "Lipschitz constant in the maximum norm": steepest["inf"],
        "Lipschitz constant in l2": f"~{root}, the root of {output.short(squares[1])}"
        if steepest["exact"]
        else f"~{root}",
    }


def _shown_sizes(volume: Mapping[str, Any] | None, edge: Mapping[str, Any] | None) -> dict[str, object]:
    if volume is None or edge is None:
        return {"volumes and edges": "infinite, on an unbounded domain"}
    return {
        "volumes: least, median, greatest": ", ".join(
            output.short(v) for v in (volume["least"], volume["quartiles"][1], volume["greatest"])
        ),
        "volume: mean of all": f"{output.short(volume['mean'])} of {output.short(volume['total'])}",
        "cells by their share of the volume": ", ".join(
            f"{count:,} from 10^{power}" for power, count in volume["decades"].items()
        ),
        "longest edge": _root(edge["squared_length"], 6),
    }


def _root(square: Fraction, digits: int) -> str:
    """A square root, whatever its size, to so many digits."""
    return f"{(Decimal(square.numerator) / Decimal(square.denominator)).sqrt():.{digits}g}"
