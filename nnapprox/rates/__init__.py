"""Effective rates: families of constructions, stored at the bits their errors warrant, and how errors fall."""

from nnapprox.rates.families import CLASSES, FAMILIES, Family
from nnapprox.rates.fit import Fit
from nnapprox.rates.rate import FEWEST_POINTS, Point, Rate, measure, rate

__all__ = ["CLASSES", "FAMILIES", "FEWEST_POINTS", "Family", "Fit", "Point", "Rate", "measure", "rate"]
