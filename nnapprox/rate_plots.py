"""Pictures of families' errors against stored bits."""

from __future__ import annotations

from typing import TYPE_CHECKING

from nnapprox.plots import BLUE, GREEN, GREY, ORANGE

if TYPE_CHECKING:
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
