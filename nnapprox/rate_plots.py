"""Pictures of families' errors against stored bits."""

from __future__ import annotations

from collections.abc import Mapping
from math import ceil
from typing import TYPE_CHECKING

from nnapprox.plots import BLUE, GREEN, GREY, ORANGE, label_bits

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from nnapprox.rates import Family, Rate


def rate_curve(found: Rate, family: Family, name: str) -> Figure:
    """Errors of a family against bits, log-log, with the fitted power and the slope that is quoted for the class.

    Parameters
    ----------
    found : Rate
    family : Family
    name : str
    """
    from matplotlib.figure import Figure

    figure = Figure(figsize=(7, 4.8), layout="constrained")
    axes = figure.add_subplot()
    _draw(axes, found, family)
    axes.set_title(f"{name}: {family.summary}", fontsize=10, wrap=True)
    axes.legend(loc="best")
    return figure


def rate_curves(found: Mapping[str, tuple[Rate, Family]], columns: int = 2) -> Figure:
    """The same for several families, by their names, side by side."""
    from matplotlib.figure import Figure

    rows = ceil(len(found) / columns)
    figure = Figure(figsize=(5.2 * columns, 3.4 * rows), layout="constrained")
    panels = figure.subplots(rows, columns, squeeze=False).flat
    for axes in panels:
        axes.set_axis_off()
    for axes, (name, (rate, family)) in zip(figure.axes, found.items(), strict=False):
        axes.set_axis_on()
        _draw(axes, rate, family)
        axes.set_title(f"{name}: {family.function_class}", fontsize=9)
        axes.legend(loc="lower left", fontsize=7.5)
    return figure


def _draw(axes: Axes, found: Rate, family: Family) -> None:
    bits = [point.bits for point in found.points]
    errors = [float(point.error) for point in found.points]
    axes.set(xscale="log", yscale="log", xlabel="stored bits", ylabel="error, certified")
    axes.plot(bits, errors, color=BLUE, marker="o", ms=4, lw=1.2, label="stored networks")
    gamma = -found.by_bits.slope
    fitted = [2**found.by_bits.intercept * b**-gamma for b in bits]
    spread = "" if found.by_bits.half_width is None else f" ± {found.by_bits.half_width:.2f}"
    axes.plot(bits, fitted, color=ORANGE, ls="--", lw=1, label=f"fitted power, $\\gamma$ = {gamma:.2f}{spread}")
    if family.exponent is not None:
        quoted = [errors[0] * (b / bits[0]) ** -family.exponent for b in bits]
        label = f"slope of the class, $\\gamma^*$ = {family.exponent:g} (quoted)"
        axes.plot(bits, quoted, color=GREY, ls=":", lw=1.4, label=label)
    elif found.exponential is not None:
        fit = found.exponential
        curve = [2.0 ** -(2**fit.intercept * b**fit.slope) for b in bits]
        axes.plot(bits, curve, color=GREEN, ls="-.", lw=1, label=f"fitted $2^{{-c\\,bits^a}}$, a = {fit.slope:.2f}")
    axes.grid(which="both", alpha=0.2)
    label_bits(axes)
