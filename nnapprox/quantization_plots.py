"""Pictures of stored bits against error."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from nnapprox.plots import BLUE, GREEN, ORANGE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

OTHERS = (ORANGE, GREEN, "#CC79A7", "#000000")
"""Colours of other codecs."""


def error_against_bits(
    curve: Sequence[Mapping[str, Any]], others: Mapping[str, Sequence[tuple[float, float]]], title: str
) -> Figure:
    """Relative error against the bits of the file, both axes logarithmic.

    Parameters
    ----------
    curve : sequence of mapping
        Points with ``bits``, ``relative_error`` and ``reference_bits``.
    others : mapping
        Pairs (bits, relative error) of other codecs by name.
    title : str
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.8), layout="constrained")
    axes = figure.add_subplot(title=title, xlabel="bits of the file", ylabel="relative L2 error of the outputs")
    axes.set(xscale="log", yscale="log")
    drawn = [point for point in curve if point["relative_error"] > 0]
    errors = [point["relative_error"] for point in drawn]
    axes.plot([point["bits"] for point in drawn], errors, color=BLUE, marker="o", ms=4, label="files")
    reference = [
        (point["reference_bits"], e) for point, e in zip(drawn, errors, strict=True) if point["reference_bits"]
    ]
    if reference:
        axes.plot(*zip(*reference, strict=True), color="#000000", lw=0.8, ls="--", label="reverse water-filling")
    for (name, points), colour in zip(others.items(), OTHERS, strict=False):
        axes.plot(*zip(*points, strict=True), color=colour, marker="s", ms=3, label=name)
    axes.grid(which="both", lw=0.3)
    axes.legend()
    return figure
