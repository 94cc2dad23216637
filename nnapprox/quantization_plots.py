"""Pictures of a network's errors against stored bits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import numpy as np

from nnapprox.plots import BLUE, GREEN, GREY, ORANGE, label_bits

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nnapprox.certificate import Certificate
    from nnapprox.quantization.grid import Measured

OTHERS = ((ORANGE, "s"), (GREEN, "^"), ("#CC79A7", "D"), ("#56B4E9", "v"))
"""Colours and markers of other codecs; the colours are those of Okabe and Ito (2008) that are left."""

MOST_MARKED = 30
"""Curves of more points are drawn without markers."""

SAMPLES = 200
"""Points along the curve of the theorem's slope."""

MOST = 10**300
"""Larger bounds are not drawn."""


def error_against_bits(
    curve: Sequence[Mapping[str, Any]],
    others: Mapping[str, Sequence[tuple[float, float]]],
    title: str,
    weights: int | None = None,
) -> Figure:
    """Relative error against stored bits, both axes logarithmic.

    Errors of 0 have no place on such axes, and are left out.

    Parameters
    ----------
    curve : sequence of mapping
        Points with ``bits``, ``relative_error`` and ``reference_bits``.
    others : mapping
        Pairs (bits, relative error) of other codecs by name.
    title : str
    weights : int, optional
        M, for the theorem's slope: in a code that takes M (log2 M + k) bits, up to a constant, for weights of k
        fractional bits, M more bits halve the error of one network. That is no straight line here; it is drawn
        through the most exact point.
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 5.6), layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="stored bits", title=title)
    axes.set_ylabel("relative L2 error of the outputs")
    drawn = [(point["bits"], point["relative_error"], point["reference_bits"]) for point in curve]
    drawn = sorted(point for point in drawn if point[1] and point[1] < MOST)
    axes.plot(*_columns((bits, error) for bits, error, _ in drawn), color=BLUE, marker="o", ms=4, label="this codec")
    reference = [(bits, error) for _, error, bits in drawn if bits]
    if reference:
        name = "reverse water-filling, a reference"
        axes.plot(*_columns(reference), color="black", lw=0.8, ls="--", marker=".", ms=3, label=name)
    for (name, points), (colour, marker) in zip(others.items(), OTHERS, strict=False):
        shown = marker if len(points) <= MOST_MARKED else "none"
        axes.plot(*_columns(points), color=colour, marker=shown, ms=3.5, lw=1, label=name)
    if drawn and weights:
        most, least, _ = min(drawn, key=lambda point: point[1])
        fewest = min(bits for bits, _ in reference or [drawn[0][:2]]) / 2
        line = [(bits, least * 2 ** ((most - bits) / weights)) for bits in np.geomspace(fewest, most, SAMPLES)]
        top = max(error for points in ([point[:2] for point in drawn], *others.values()) for _, error in points)
        name = f"the theorem's slope: {weights:,} more bits,\none a weight, halve the error"
        axes.plot(*_columns(point for point in line if point[1] <= top), color=GREY, ls=":", label=name)
    axes.grid(which="both", alpha=0.2)
    label_bits(axes)
    if axes.lines:
        figure.legend(loc="outside lower center", ncols=2, fontsize=8)  # curves leave no corner free
    return figure


def grid_curve(curve: Sequence[Measured], title: str) -> Figure:
    """Errors of a network on ever finer grids against the bits of its string, log-log.

    Errors of 0 have no place on such axes, and are left out.

    Parameters
    ----------
    curve : sequence of Measured
    title : str
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.6), layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="stored bits", ylabel="error", title=title)
    is_bound = any(p.certificate and p.certificate.kind == "bound" for p in curve)
    lines: dict[str, tuple[dict[str, Any], list[Fraction | float | None]]] = {
        f"sup, to the original{', at most' * is_bound}": (
            {"color": BLUE, "marker": "o", "ms": 3.5},
            [_upper(p.certificate) for p in curve],
        ),
        "sup, to the target": (
            {"color": ORANGE, "marker": "s", "ms": 7, "mfc": "none", "ls": ":"},
            [_upper(p.target_certificate) for p in curve],
        ),
        "relative L2, on data": ({"color": GREEN, "marker": "^", "ms": 4}, [p.relative_error for p in curve]),
        "a-priori bound, of the theorem's slope": ({"color": GREY, "ls": "--"}, [p.bound for p in curve]),
    }
    for name, (style, errors) in lines.items():
        shown = [
            (p.stored.bits, float(error)) for p, error in zip(curve, errors, strict=True) if error and error < MOST
        ]
        if shown:
            bits, sizes = zip(*shown, strict=True)
            axes.plot(bits, sizes, label=name, lw=1.2, **style)
    axes.grid(which="both", alpha=0.2)
    label_bits(axes)
    if axes.lines:
        axes.legend(loc="best")
    return figure


def _columns(points: Iterable[tuple[float, float]]) -> tuple[list[float], list[float]]:
    """The abscissas and the ordinates of points."""
    pairs = list(points)
    return [x for x, _ in pairs], [y for _, y in pairs]


def _upper(certificate: Certificate | None) -> Fraction | None:
    return None if certificate is None else certificate.upper
