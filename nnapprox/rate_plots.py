"""Pictures of errors against stored bits."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from nnapprox.plots import BLUE, ORANGE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nnapprox.certificate import Certificate
    from nnapprox.quantization.grid import Measured

GREY, GREEN = "#777777", "#009E73"

MOST = 10**300
"""Larger bounds are not drawn."""


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
    lines: dict[str, tuple[dict[str, Any], list[Fraction | float | None]]] = {
        "sup, to the original": ({"color": BLUE, "marker": "o", "ms": 3.5}, [_upper(p.certificate) for p in curve]),
        "sup, to the target": (
            {"color": ORANGE, "marker": "s", "ms": 7, "mfc": "none", "ls": ":"},
            [_upper(p.target_certificate) for p in curve],
        ),
        "relative L2, on data": ({"color": GREEN, "marker": "^", "ms": 4}, [p.relative_error for p in curve]),
        "a-priori bound": ({"color": GREY, "ls": "--"}, [p.bound for p in curve]),
    }
    for name, (style, errors) in lines.items():
        shown = [
            (p.stored.bits, float(error)) for p, error in zip(curve, errors, strict=True) if error and error < MOST
        ]
        if shown:
            bits, sizes = zip(*shown, strict=True)
            axes.plot(bits, sizes, label=name, lw=1.2, **style)
    axes.grid(which="both", alpha=0.2)
    if axes.lines:
        axes.legend(loc="best")
    return figure


def _upper(certificate: Certificate | None) -> Fraction | None:
    return None if certificate is None else certificate.upper
