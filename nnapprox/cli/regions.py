"""``nnapprox regions``."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nnapprox.cli import output
from nnapprox.cli.options import Integers, complete_network_file, json_option, newest_network, quiet_option
from nnapprox.cli.region_domain import Place, place_of, slice_options
from nnapprox.cli.region_views import Views, view_options
from nnapprox.errors import FileFormatError, UsageError

if TYPE_CHECKING:
    from nnapprox.files import NetworkFile
    from nnapprox.regions import RegionCount

EPILOG = """\b
Examples:
  $ nnapprox regions hat.npz
  $ nnapprox regions hat.npz --domain=-1,2 --json
  $ nnapprox regions network.npz --dataset digits --line 0,1
  $ nnapprox regions hat.npz --betti --level 1/2 --stats
  $ nnapprox regions hat.npz --plot hat.png --export hat.json
  $ nnapprox regions --widths 2,64,64,1
"""

LOWER, UPPER = "the most that weights can give is at least", "at most"

NAMES = {
    "montufar2014_lower": f"Montúfar et al. 2014: {LOWER}",
    "serra2018_lower": f"Serra et al. 2018: {LOWER}",
    "arora2018_lower": f"Arora et al. 2018: {LOWER}",
    "serra2018_upper": f"Serra et al. 2018: {UPPER}",
    "montufar2017_upper": f"Montúfar 2017: {UPPER}",
    "raghu2017_upper": f"Raghu et al. 2017: {UPPER}",
    "zaslavsky1975_maximum": "Zaslavsky 1975: one hidden layer in general position has",
}


@click.command(epilog=EPILOG)
@click.argument("file", required=False, shell_complete=complete_network_file, metavar="[FILE]")
@slice_options
@view_options
@click.option("--activation-only", is_flag=True, help="Count activation regions alone, which is the quickest.")
@click.option("--widths", type=Integers(), metavar="D,N,...,M", help="Only the bounds for these widths, no network.")
@click.option("--max-regions", type=click.IntRange(1), metavar="N", help="Stop at so many: a lower bound.")
@click.option("--jobs", type=click.IntRange(1), default=1, show_default=True, help="Processes that share the work.")
@click.option("--dask", metavar="ADDRESS", help="Let the workers of this Dask cluster do it (extra: dask).")
@json_option
@quiet_option
@click.pass_context
def command(
    ctx: click.Context, /, file: str | None, activation_only: bool, widths: tuple[int, ...] | None,
    max_regions: int | None, jobs: int, dask: str | None, as_json: bool, quiet: bool, views: Views, **where: Any,
) -> None:  # fmt: skip
    """Count the regions of a piecewise linear network, exactly.

    Activation regions are the cells on which every neuron keeps its state; linear regions are what is left where
    neighbours with the same affine map are glued; and some maps may be found at several places. Weights are the
    rationals that the file holds, and nothing is decided by a tolerance.

    Without --domain, a construction is counted where it is certified, a trained network on its data's box, and any
    other on [0,1]^d. A network of more than 6 inputs is counted on the plane through three training samples of
    different classes, where no slice is given. Ctrl-C gives what is proved by then.
    """
    if widths is not None:
        if file is not None or any(where.values()) or views.wanted:
            raise click.UsageError("--widths is for bounds without a network: leave the file and its options out")
        _show_bounds(widths, as_json)
        return
    path = Path(file) if file is not None else newest_network()
    from nnapprox.regions.count import require_piecewise_linear

    stored = _read(path)
    require_piecewise_linear(stored.network)  # before any data are read
    place = place_of(stored.network, stored.metadata, quiet=quiet, **where)
    views.require_fitting(place)  # before a long count
    began = time.process_time()
    count = _count(place.counts(activation_only, jobs, dask), activation_only, max_regions, quiet)
    seconds = time.process_time() - began + count.worker_seconds
    told = _described(path, place, count, seconds)
    stopped = not count.complete and (max_regions is None or count.activation_regions < max_regions)
    if count.complete:
        try:
            told |= views.carry_out(place, count.activation_regions, quiet)
        except KeyboardInterrupt:
            stopped = True
            output.note(f"stopped: left out {views.named}")
    elif views.wanted:
        output.note(f"the count is not complete: left out {views.named}")
    if as_json:
        output.print_json(told)
    else:
        output.print_pairs({**_shown(told, place.widths), **views.shown(told)})
    if stopped:
        raise KeyboardInterrupt


def _read(path: Path) -> NetworkFile:
    """Read a network; one that holds what no network can, as NaN, is wrong usage here, not a damaged file."""
    from nnapprox import files

    try:
        return files.read(path)
    except FileFormatError as error:
        if isinstance(error.__cause__, UsageError):
            raise UsageError(str(error)) from error
        raise


def _count(counts: Iterator[RegionCount], activation_only: bool, limit: int | None, quiet: bool) -> RegionCount:
    """Count until it is complete, enough, or interrupted."""
    from nnapprox.regions.region_count import RegionCount

    least = None if activation_only else 1
    count = RegionCount(1, least, least, 0, 0, complete=False)
    began = time.monotonic()
    try:
        with output.progress(quiet) as report:
            for count in counts:
                rate = count.activation_regions / max(time.monotonic() - began, 1e-6)
                found = "" if count.linear_regions is None else f", {count.linear_regions:,} linear regions"
                report(count.share, f"{count.activation_regions:,} cells{found} so far, {rate:,.0f} cells/s")
                if limit is not None and count.activation_regions >= limit:
                    break
    except KeyboardInterrupt:
        output.note("stopped: the counts are what is proved up to here")
    return count


def _described(path: Path, place: Place, count: RegionCount, seconds: float) -> dict[str, Any]:
    """All that there is to tell, for `output.print_json`."""
    return {
        "network": output.network_json(place.network, path),
        "domain": place.domain_json,
        "slice": place.slice_json,
        "activation_regions": count.activation_regions,
        "linear_regions": count.linear_regions,
        "distinct_affine_maps": count.distinct_affine_maps,
        "exact": count.complete,
        "arithmetic": {"predicates": count.predicates, "exact_fallbacks": count.exact_fallbacks},
        "bounds": _bounds(place.widths),
        "seconds": seconds,
    }


def _bounds(widths: tuple[int, ...]) -> dict[str, Any]:
    from nnapprox.regions.bounds import all_bounds, arrangement_regions

    bounds: dict[str, Any] = all_bounds(widths)
    if len(widths) == 3:
        bounds["zaslavsky1975_maximum"] = arrangement_regions(widths[1], widths[0])
    return bounds


def _show_bounds(widths: tuple[int, ...], as_json: bool) -> None:
    bounds = _bounds(widths)
    if as_json:
        output.print_json({"widths": widths, "bounds": bounds})
    else:
        output.print_pairs({"widths": list(widths), **_shown_bounds(bounds, widths)})


def _shown_bounds(bounds: Mapping[str, int | None], widths: tuple[int, ...]) -> dict[str, object]:
    """Bounds in words; those that do not apply are left out, and Hanin and Rolnick's is quoted."""
    pairs: dict[str, object] = {NAMES[key]: output.count_text(n) for key, n in bounds.items() if n is not None}
    inputs, neurons = widths[0], sum(widths[1:-1])
    if neurons >= inputs:
        pairs["Hanin and Rolnick 2019: at random, a unit volume expects"] = (
            f"at most (T {neurons})^{inputs} / {inputs}!, T depending on how weights are drawn"
        )
    return pairs


def _shown(told: Mapping[str, Any], widths: tuple[int, ...]) -> dict[str, object]:
    """The result in words, for `output.print_pairs`."""
    counted = "" if told["exact"] else "at least "
    whole = told["network"]
    pairs: dict[str, object] = {
        "network": f"{whole['widths']}, {whole['activation']}",
        "slice": told["slice"] and told["slice"]["text"],
        "domain": told["domain"] if isinstance(told["domain"], str) else _domain_text(told["domain"]),
    }
    for key in ("activation_regions", "linear_regions", "distinct_affine_maps"):
        pairs[key.replace("_", " ")] = None if told[key] is None else f"{counted}{told[key]:,}"
    arithmetic = told["arithmetic"]
    decided, fallbacks = arithmetic["predicates"], arithmetic["exact_fallbacks"]
    pairs["arithmetic"] = f"{decided:,} signs decided, {fallbacks:,} of them in integers" if decided else "in integers"
    pairs |= _shown_bounds(told["bounds"], widths)
    pairs["CPU seconds"] = f"{told['seconds']:.3g}"
    return {name: value for name, value in pairs.items() if value is not None}


def _domain_text(domain: list[Any]) -> str:
    intervals = [f"[{', '.join(output.short(end) for end in interval)}]" for interval in domain]
    return f"{intervals[0]}^{len(domain)}" if len(set(intervals)) == 1 < len(intervals) else " x ".join(intervals)
