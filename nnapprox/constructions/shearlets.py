"""Shearlets and curvelets: a wavelet across and a hat along, scaled parabolically, then sheared or rotated."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, TypeAlias

from nnapprox import calculus
from nnapprox.certificate import Certificate
from nnapprox.constructions import cpwl
from nnapprox.constructions.construction import Construction, Domain, Option, Rationals, Theorem, construction
from nnapprox.constructions.memory import require_memory
from nnapprox.constructions.product import product_network
from nnapprox.constructions.sizes import Eps, SquareDepth, size_for
from nnapprox.constructions.spline_wavelets import hat_wavelet, hat_wavelet_text
from nnapprox.constructions.square import scaled
from nnapprox.constructions.text import linear_sum
from nnapprox.errors import NnapproxError, UsageError
from nnapprox.functions import parse
from nnapprox.network import Network
from nnapprox.regions.polytope import bounding_box

GROUP = "indicators, splines and wavelets"
KUTYNIOK = "Guo, Kutyniok and Labate (2006); transfer by Bölcskei, Grohs, Kutyniok and Petersen (2019)"
CANDES = "Candès and Donoho (2004); transfer by Bölcskei, Grohs, Kutyniok and Petersen (2019)"

Matrix: TypeAlias = Sequence[Sequence[Fraction]]
Scale: TypeAlias = Annotated[int, Option("The scale, j: 4^j across and 2^j along.", at_least=0, at_most=200)]
Shift: TypeAlias = Annotated[Rationals, Option("The translation, t1,t2.")]

PEAK = Fraction(3, 2)
"""The largest absolute value of the wavelet, at 1/2."""

HALF = Fraction(1, 2)

NOWHERE = (Fraction(0), Fraction(0))


@construction(group=GROUP, source=KUTYNIOK, example="--scale 1 --shear 1 --depth 4")
def shearlet(
    scale: Scale,
    shear: Annotated[Fraction, Option("The shear, k.")] = Fraction(0),
    shift: Shift = NOWHERE,
    depth: SquareDepth = None,
    eps: Eps = None,
) -> Construction:
    """A shearlet, psi(u) phi(v) with (u, v) = (4^j (x + k y), 2^j y) - t.

    psi is the wavelet of hats with 2 vanishing moments, phi the hat, and their product is made of squares of depth m:
    the error is 3/2 4^-(m+1) exactly. All scales and shears take as many neurons; only weights change.
    """
    across, along = Fraction(4**scale), Fraction(2**scale)
    return _atom([[across, shear * across], [Fraction(0), along]], shift, depth, eps, KUTYNIOK)


@construction(group=GROUP, source=CANDES, example="--scale 1 --half-tangent 1/2 --depth 4")
def curvelet(
    scale: Scale,
    half_tangent: Annotated[Fraction, Option("The tangent of half the angle of rotation, t.")] = Fraction(0),
    shift: Shift = NOWHERE,
    depth: SquareDepth = None,
    eps: Eps = None,
) -> Construction:
    """A curvelet, psi(u) phi(v) with (u, v) = diag(4^j, 2^j) R (x, y) - t, R a rotation.

    The rotation has cosine (1 - t^2) / (1 + t^2) and sine 2 t / (1 + t^2). Otherwise as the shearlet.
    """
    t = half_tangent
    cosine, sine = (1 - t**2) / (1 + t**2), 2 * t / (1 + t**2)
    return _atom(
        [[4**scale * cosine, 4**scale * sine], [-(2**scale) * sine, 2**scale * cosine]], shift, depth, eps, CANDES
    )


def _atom(
    matrix: Matrix, shift: Sequence[Fraction], depth: int | None, eps: Fraction | None, source: str
) -> Construction:
    """psi(u) phi(v) with (u, v) = matrix (x, y) - shift.

    The error is 3/2 (P(p, q) - p q) for p = 2/3 psi(u) and q = phi(v), which take all values in [0, 1] and none
    outside of [-1, 1]: at most 3/2 4^-(m+1), by the theorem on the product P, and that where p = q = 2^-(m+1).
    """
    if len(shift) != 2:
        raise UsageError(f"--shift needs two numbers, not {len(shift)}")
    m = size_for("--depth", depth, eps, lambda m: PEAK / 4 ** (m + 1))
    require_memory("--depth", m, lambda m: 42 * m)
    network = _network(matrix, shift, m)
    bound = PEAK / 4 ** (m + 1)
    small = Fraction(1, 2 ** (m + 1))
    # psi rises from -1/2 at 0 to 3/2 at 1/2, and phi from 0 at -1 to 1 at 0.
    point = _inverse(matrix, shift, ((PEAK * small + HALF) / 4, small - 1))
    if network(point)[0] != PEAK * small**2 + bound:
        raise NnapproxError("the product's error is not reached where it should be")
    certificate = Certificate("sup", _support(matrix, shift), "exact", bound, point, "that of the product, reached")
    u, v = (linear_sum([(a, "x"), (b, "y"), (-t, "")]) for (a, b), t in zip(matrix, shift, strict=True))
    return Construction(
        network,
        parse(f"({hat_wavelet_text(2, f'({u})')})*relu(1 - abs({v}))", variables=("x", "y")),
        certificate,
        Theorem(bound, "sup |error| = 3/2 4^-(m+1), whatever scale, direction and place", source),
    )


def _network(matrix: Matrix, shift: Sequence[Fraction], depth: int) -> Network:
    hat = cpwl.shallow([(Fraction(x), Fraction(y)) for x, y in ((-1, 0), (0, 1), (1, 0))], NOWHERE)
    factors = calculus.parallel([scaled(hat_wavelet(2), 1 / PEAK), hat])
    placed = calculus.precompose(factors, matrix, [-t for t in shift])
    return scaled(calculus.compose(product_network(depth), placed), PEAK)


def _inverse(matrix: Matrix, shift: Sequence[Fraction], image: Sequence[Fraction]) -> tuple[Fraction, Fraction]:
    """The point (x, y) with matrix (x, y) - shift = image."""
    (a, b), (c, d) = matrix
    u, v = (value + t for value, t in zip(image, shift, strict=True))
    determinant = a * d - b * c
    return (d * u - b * v) / determinant, (a * v - c * u) / determinant


def _support(matrix: Matrix, shift: Sequence[Fraction]) -> Domain:
    """The smallest box around the support, where -1 <= u <= 2 and -1 <= v <= 1."""
    corners = [_inverse(matrix, shift, (Fraction(u), Fraction(v))) for u in (-1, 2) for v in (-1, 1)]
    return bounding_box(corners)
