"""Pictures of errors against stored bits."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import TYPE_CHECKING, Any

from nnapprox.plots import BLUE, GREEN, ORANGE

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from nnapprox.certificate import Certificate
    from nnapprox.quantization.grid import Measured
    from nnapprox.rates import Family, Rate

GREY = "#777777"

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


def rate_curve(found: Rate, family: Family, name: str) -> Figure:
    """Errors of a family against bits, log-log, with the fitted power and the slope that is quoted for the class.

    Parameters
    ----------
    found : Rate
    family : Family
    name : str
    """
    from matplotlib.figure import Figure

    bits = [point.bits for point in found.points]
    errors = [float(point.error) for point in found.points]
    figure = Figure(figsize=(7, 4.8), layout="constrained")
    axes = figure.add_subplot(xscale="log", yscale="log", xlabel="stored bits", ylabel="error, certified")
    axes.set_title(f"{name}: {family.summary}", fontsize=10, wrap=True)
    axes.plot(bits, errors, color=BLUE, marker="o", ms=4, lw=1.2, label="stored networks")
    gamma = -found.by_bits.slope
    fitted = [2**found.by_bits.intercept * b**-gamma for b in bits]
    axes.plot(bits, fitted, color=ORANGE, ls="--", lw=1, label=f"fitted power, $\\gamma$ = {gamma:.2f}")
    if family.exponent is not None:
        quoted = [errors[0] * (b / bits[0]) ** -family.exponent for b in bits]
        label = f"slope of the class, $\\gamma^*$ = {family.exponent:g} (quoted)"
        axes.plot(bits, quoted, color=GREY, ls=":", lw=1.4, label=label)
    elif found.exponential is not None:
        fit = found.exponential
        curve = [2.0 ** -(2**fit.intercept * b**fit.slope) for b in bits]
        axes.plot(bits, curve, color=GREEN, ls="-.", lw=1, label=f"fitted $2^{{-c\\,bits^a}}$, a = {fit.slope:.2f}")
    axes.grid(which="both", alpha=0.2)
    axes.legend(loc="best")
    return figure


def _upper(certificate: Certificate | None) -> Fraction | None:
    return None if certificate is None else certificate.upper
