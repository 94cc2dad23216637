"""Indicators of an interval, a box and a convex polytope, with ramps outside of them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import factorial
from typing import Annotated, TypeAlias

from nnapprox.certificate import Certificate, certify
from nnapprox.constructions import cpwl
from nnapprox.constructions.assembly import Assembly, Form, total
from nnapprox.constructions.construction import Construction, Domain, Option, Rationals, Theorem, construction, prove
from nnapprox.constructions.memory import require_memory
from nnapprox.constructions.normal_form import NormalForms
from nnapprox.constructions.proofs import verify_identity
from nnapprox.constructions.rows import Rows, affine_forms, affine_texts
from nnapprox.errors import UsageError
from nnapprox.functions import parse
from nnapprox.network import Network
from nnapprox.regions.polytope import Polytope, bounding_box

GROUP = "indicators, splines and wavelets"

_FAR = 2**20

Ramp: TypeAlias = Annotated[Fraction, Option("Width of the ramps, delta.", above=0)]


@construction(group=GROUP, source="folklore", example="--low 0 --high 1/2 --ramp 1/16")
def interval(
    low: Annotated[Fraction, Option("Left end.")], high: Annotated[Fraction, Option("Right end.")], ramp: Ramp
) -> Construction:
    """The indicator of an interval: 1 on it, 0 beyond ramps outside of its ends.

    4 neurons. The L1 error is delta exactly, the L2 error sqrt(2 delta / 3).
    """
    if low >= high:
        raise UsageError(f"--low must be below --high, but {low} is not below {high}")
    zero, one = Fraction(0), Fraction(1)
    network = cpwl.shallow([(low - ramp, zero), (low, one), (high, one), (high + ramp, zero)], (zero, zero))
    parts = (("0", low - ramp, low), ("1", low, high), ("0", high, high + ramp))
    error = sum((certify(network, parse(y), ((a, b),), norm="L1").upper for y, a, b in parts), start=Fraction(0))
    source = "exact, on the ramps and between them"
    return Construction(
        network,
        parse(f"step(x-({low}))*step({high}-x)"),
        Certificate("L1", ((low - ramp, high + ramp),), "exact", error, None, source),
        Theorem(ramp, "L1 error = delta", "elementary"),
        {"squared L2 error": 2 * ramp / 3},
    )


@construction(group=GROUP, source="folklore", example="--dim 2 --low 0 --high 1/2 --ramp 1/16")
def box(
    dim: Annotated[int, Option("How many variables, d.", at_least=1)],
    low: Annotated[Rationals, Option("Lower ends: one for all coordinates, or one each.")],
    high: Annotated[Rationals, Option("Upper ends.")],
    ramp: Ramp,
) -> Construction:
    """The indicator of a box in R^d: 1 on it, 0 beyond ramps outside of its faces.

    ReLU(1 - sum of (ReLU(a_i - x_i) + ReLU(x_i - b_i)) / delta): 2d + 1 neurons, at most 6d + 2 weights. The L1
    error is known exactly; for a cube of width w it is the sum of C(d, j) 2^j w^(d-j) delta^j / (j + 1)! over j = 1..d.
    """
    require_memory("--dim", dim, lambda d: 2 * d * d)
    lows, highs = _ends("--low", low, dim), _ends("--high", high, dim)
    for least, most in zip(lows, highs, strict=True):
        if least >= most:
            raise UsageError(f"--low must be below --high, but {least} is not below {most}")
    faces = [face for i in range(dim) for face in ((i, -1, lows[i]), (i, 1, -highs[i]))]
    rows = tuple((tuple(Fraction(sign * (k == i)) for k in range(dim)), bias) for i, sign, bias in faces)
    network = polytope_network(rows, ramp)
    verify_identity(network, lambda forms: [bump(forms, rows, ramp)])
    error = box_error([b - a for a, b in zip(lows, highs, strict=True)], ramp)
    domain = tuple((a - ramp, b + ramp) for a, b in zip(lows, highs, strict=True))
    source = "equal ReLU normal forms, and the integral over the shell around the box"
    certificate = Certificate("L1", domain, "exact", error, None, source)
    statement = "L1 error = sum of C(d, j) 2^j w^(d-j) delta^j / (j + 1)! over j = 1..d, for a cube of width w"
    return Construction(network, None, certificate, Theorem(error, statement, "elementary"))


def box_error(widths: Sequence[Fraction], ramp: Fraction) -> Fraction:
    """The integral of what the ramps around a box add to its indicator.

    Over the part of the shell that is beyond the box in j given coordinates, the integral is that of
    (1 - t_1 - ... - t_j)_+ over [0, 1]^j, 1 / (j + 1)!, times ramp^j, the other widths, and 2^j corners.
    """
    # Coefficients of the product of (w_i + 2 ramp z): at z^j what all choices of j coordinates have.
    coefficients = [Fraction(1)]
    for width in widths:
        longer = zip([*coefficients, Fraction(0)], [Fraction(0), *coefficients], strict=True)
        coefficients = [width * same + 2 * ramp * one_less for same, one_less in longer]
    return sum((c / factorial(j + 1) for j, c in enumerate(coefficients) if j), start=Fraction(0))


@construction(group=GROUP, source="Petersen and Voigtlaender (2018)", example="--faces -1,0:0;0,-1:0;1,1:1 --ramp 1/8")
def polytope(
    faces: Annotated[Rows, Option("The inequalities a.x <= b, each as a1,...,ad:b.")], ramp: Ramp
) -> Construction:
    """The indicator of a convex polytope: 1 on it, 0 beyond ramps outside of its faces.

    ReLU(1 - sum of ReLU(a_i.x - b_i) / delta): one neuron a face, and one. It is 0 where the inequalities are violated
    by delta in total.
    """
    network = polytope_network(tuple((normal, -bound) for normal, bound in faces), ramp)
    inside = tuple((tuple(-a for a in normal), bound) for normal, bound in faces)
    target = parse("*".join(f"step({form})" for form in affine_texts(inside)))
    return prove(network, target, _box_around(faces, ramp), norm="L1")


def polytope_network(rows: Rows, ramp: Fraction) -> Network:
    """`bump` as a network."""
    assembly = Assembly(len(rows[0][0]))
    violation = total(map(assembly.relu, affine_forms(rows, assembly.variables)))
    assembly.close()
    value = assembly.relu(1 - violation * (1 / ramp))
    assembly.close()
    return assembly.network([value])


def bump(forms: NormalForms, rows: Rows, ramp: Fraction) -> Form:
    """ReLU(1 - sum of ReLU(a.x + b) / ramp) over all rows (a, b)."""
    return forms.relu(1 - total(map(forms.relu, affine_forms(rows, forms.variables))) * (1 / ramp))


def _ends(flag: str, ends: Sequence[Fraction], dim: int) -> Sequence[Fraction]:
    if len(ends) not in (1, dim):
        raise UsageError(f"{flag} needs one number, or one for each of {dim} coordinates, not {len(ends)}")
    return list(ends) * (dim // len(ends))


def _box_around(faces: Rows, margin: Fraction) -> Domain:
    """The smallest box around all points that violate no face by more than a margin."""
    polytope = Polytope.box([(-_FAR, _FAR)] * len(faces[0][0]))
    for normal, bound in faces:
        polytope = polytope.cut(normal, bound + margin)
    if any(abs(x) == _FAR for point in polytope.points for x in point):
        raise UsageError(f"the faces leave the polytope unbounded, or beyond {_FAR}: give more of them")
    return bounding_box(polytope.points)
