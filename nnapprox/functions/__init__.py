"""Target functions: parsing, exact values, rigorous enclosures, derivatives, pieces."""

from nnapprox.functions.expression import Expression, parse
from nnapprox.functions.polylines import Polyline

__all__ = ["Expression", "Polyline", "parse"]
