"""Certificates of networks of one variable against expressions of any kind, by rigorous ball arithmetic."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction

from nnapprox.certificate.arithmetic import rounded_outward
from nnapprox.certificate.certificate import Certificate, Domain, Norm
from nnapprox.certificate.quadrature import Integral, absolute_error, squared_error
from nnapprox.certificate.stretch import Stretch, stretches
from nnapprox.certificate.supremum import Supremum
from nnapprox.exact import Ball, Rational, bounds, precision, to_fraction, to_rational
from nnapprox.functions import Expression
from nnapprox.network import Network
from nnapprox.regions.line import line_pieces

PRECISIONS = (128, 512)
"""Bits of the balls: the second where rounding with the first keeps the enclosure wide."""


def certify_analytic(
    network: Network, target: Expression, domain: Domain, norm: Norm, tolerance: Fraction
) -> Certificate:
    """Enclose a norm of the error of a network of one variable.

    On each of the network's pieces, values and derivatives of the error are enclosed in ball arithmetic, and the
    piece is cut until the enclosure is narrow. It stays wider than the tolerance where a great many cuts are not
    enough, as where the error is 0 but cannot be seen to be.

    Parameters
    ----------
    network : Network
        With one input, one output and a piecewise linear activation.
    target : Expression
        Of one variable.
    domain : Domain
        One interval.
    norm : str
        Where the target jumps, ``sup`` takes its limits from both sides too.
    tolerance : Fraction
        Relative width of the enclosure; above 0.

    Raises
    ------
    UsageError
        The target is not defined on all of the domain, as at a pole.
    """
    parts = list(stretches(line_pieces(network, *domain[0]), target))
    wanted = to_rational(tolerance)
    for bits in PRECISIONS:
        with precision(bits):
            low, high, argmax, is_rounded = _enclose(parts, norm, wanted * 3 / 4)
        if not is_rounded:
            break
    count = len(parts)
    source = f"ball arithmetic of {bits} bits on {count:,} piece{'s' * (count > 1)}"
    point = None if argmax is None else (to_fraction(argmax),)
    if low == high:
        return Certificate(norm, domain, "exact", to_fraction(low), point, source)
    ends = rounded_outward(to_fraction(low), to_fraction(high), to_fraction(wanted) / 8)
    return Certificate(norm, domain, "enclosure", ends, point, source)


def _enclose(
    parts: Sequence[Stretch], norm: Norm, tolerance: Rational
) -> tuple[Rational, Rational, Rational | None, bool]:
    """Two numbers between which the norm lies, where the lower is reached, and whether rounding keeps them apart."""
    if norm == "sup":
        supremum = Supremum(parts, tolerance)
        return supremum.low, supremum.high, supremum.argmax, supremum.is_rounded
    integral = Integral(parts, absolute_error if norm == "L1" else squared_error, tolerance)
    low, high = integral.low, integral.high
    if norm == "L2":
        low, high = bounds(Ball(low).sqrt())[0], bounds(Ball(high).sqrt())[1]
    return max(low, Rational(0)), high, None, integral.is_rounded
