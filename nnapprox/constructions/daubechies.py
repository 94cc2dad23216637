"""Daubechies' scaling functions and wavelets, and other refinable functions, by the cascade."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from fractions import Fraction
from itertools import compress, pairwise
from typing import Annotated, TypeAlias

from nnapprox.certificate import Certificate
from nnapprox.constructions import cpwl
from nnapprox.constructions.cascade import cascade_error, cascade_network, cascade_values, refine
from nnapprox.constructions.construction import Construction, Option, Rationals, Theorem, construction
from nnapprox.constructions.masks import average, correlation, daubechies_polynomial, product
from nnapprox.errors import NnapproxError, UsageError
from nnapprox.exact import nearest_dyadic, to_fraction
from nnapprox.regions.line import line_pieces

GROUP = "indicators, splines and wavelets"
DEEP = "Daubechies, DeVore, Dym and others (2022), Neural network approximation of refinable functions"
DAUBECHIES = "Daubechies (1988), Orthonormal bases of compactly supported wavelets"

_GUARD_BITS = 16

_MOST_WORK = 2**16
"""Of the certificate, as pieces times the length of the support: some ten seconds."""

Steps: TypeAlias = Annotated[int, Option("Steps of the cascade, n.", at_least=1, at_most=12)]


@construction(group=GROUP, source=DEEP, example="--mask 1/4,3/4,3/4,1/4 --steps 4")
def cascade(
    mask: Annotated[Rationals, Option("c_0,...,c_K; those of even and those of odd index each add up to 1.")],
    steps: Steps,
) -> Construction:
    """The refinable function phi(x) = sum of c_i phi(2x - i), up to n steps of the cascade.

    phi_(n+1)(x) = sum of c_i phi_n(2x - i), from a hat. phi_n has K 2^n pieces; the network has depth 2n + 3 and O(n^2)
    weights, and is phi_n on all of R.
    """
    if len(mask) < 3:
        raise UsageError(f"--mask needs at least 3 coefficients, not {len(mask)}: with fewer phi is not continuous")
    for start, which in enumerate(("even", "odd")):
        if sum(mask[start::2]) != 1:
            raise UsageError(f"the {which} coefficients of --mask must add up to 1, not {sum(mask[start::2])}")
    return _prove(mask, steps, {})


@construction(group=GROUP, source=DAUBECHIES, example="--moments 2 --steps 4")
def daubechies(
    moments: Annotated[int, Option("Vanishing moments of the wavelet, N.", at_least=2, at_most=10)],
    steps: Steps,
    wavelet: Annotated[bool, Option("The wavelet instead of the scaling function.")] = False,
    bits: Annotated[int, Option("Binary digits of the mask, which is irrational.", at_least=8, at_most=200)] = 40,
) -> Construction:
    """Daubechies' orthonormal scaling function or wavelet, up to n steps of the cascade.

    The mask is (1 + z)^N r(z) with r rounded to dyadic numbers, so that the N vanishing moments are exact; the error is
    that against the function of this mask, and how far the mask is from orthogonal is printed.
    """
    mask = daubechies_mask(moments, bits)
    defect = max(abs(correlation(mask, 2 * k) - 2 * (k == 0)) for k in range(moments))
    notes = {"mask": ",".join(map(str, mask)), "orthogonality defect": defect}
    return _prove(mask, steps, notes, [(-1) ** i * c for i, c in enumerate(reversed(mask))] if wavelet else None)


def daubechies_mask(moments: int, bits: int) -> list[Fraction]:
    """The mask 2 ((1 + z) / 2)^N r(z), with coefficients of r rounded to multiples of 2^-bits that add up to 1 exactly.

    r(z) r(1/z) = sum of C(N - 1 + k, k) ((2 - z - 1/z) / 4)^k over k < N, and r has no zero in the closed unit disc.
    """
    right_half = daubechies_polynomial(moments)[moments - 1 :]
    factor = [nearest_dyadic(c, bits) for c in spectral_factor(right_half, bits + _GUARD_BITS)]
    factor[0] += 1 - sum(factor)
    return [2 * c for c in product(average(moments), factor)]


def spectral_factor(autocorrelation: Sequence[Fraction], bits: int) -> list[Fraction]:
    """r_0, r_1, ... with sum of r_j r_(j+k) = a_k, to about so many bits: Wilson's iteration.

    It is Newton's, from r = 1 to the factor without zeros in the unit disc, which a > 0 on the unit circle has.
    """
    size = len(autocorrelation)
    factor = [Fraction(int(k == 0)) for k in range(size)]
    change = Fraction(1)
    while change > Fraction(size, 2**bits):
        padded = [*[Fraction(0)] * size, *factor, *[Fraction(0)] * size]
        system = [[padded[size + j - k] + padded[size + j + k] for j in range(size)] for k in range(size)]
        right = [a + correlation(factor, k) for k, a in enumerate(autocorrelation)]
        improved = [nearest_dyadic(x, bits) for x in _solution(system, right)]
        change = max(abs(new - old) for new, old in zip(improved, factor, strict=True))
        factor = improved
    return factor


def _solution(system: list[list[Fraction]], right: list[Fraction]) -> list[Fraction]:
    """Solve a regular linear system, exactly, by elimination."""
    rows = [[*row, value] for row, value in zip(system, right, strict=True)]
    for place in range(len(rows)):
        best = max(range(place, len(rows)), key=lambda r: abs(rows[r][place]))
        rows[place], rows[best] = rows[best], rows[place]
        pivot = [value / rows[place][place] for value in rows[place]]
        rows = [
            pivot if r == place else [value - row[place] * p for value, p in zip(row, pivot, strict=True)]
            for r, row in enumerate(rows)
        ]
    return [row[-1] for row in rows]


def _prove(
    mask: Sequence[Fraction], steps: int, notes: Mapping[str, object], last: Sequence[Fraction] | None = None
) -> Construction:
    """Prove that the network is the iterate, and enclose or bound what the iterate is from the limit."""
    length = len(mask) - 1
    most = (_MOST_WORK // length**2).bit_length() - 1
    if steps > most:
        raise UsageError(f"--steps must be at most {most} for a mask of {len(mask)} coefficients, not {steps}")
    network = cascade_network(mask, steps, last)
    values = refine(mask if last is None else last, cascade_values(mask, steps - 1))
    low, high = Fraction(-1), Fraction(length + 1)
    inside = [(Fraction(j, 2**steps), to_fraction(value)) for j, value in enumerate(values)]
    graph = [(low, Fraction(0)), *inside, (high, Fraction(0))]
    pieces = line_pieces(network, low, high).merged()
    if list(zip(pieces.knots, pieces.values(), strict=True)) != _bends(graph):
        raise NnapproxError("the network is not the iterate that it was meant to be")
    domain = ((low, high),)
    source = "the network is the iterate, exactly; what steps of the cascade still change is bounded"
    if last is None:
        certificate = Certificate("sup", domain, "enclosure", cascade_error(mask, steps), None, source)
    else:
        error = sum(map(abs, last), start=Fraction(0)) * cascade_error(mask, steps - 1)[1]
        certificate = Certificate("sup", domain, "bound", error, None, source)
    theorem = Theorem(None, "depth O(n) suffices for the K 2^n pieces of the iterate", DEEP)
    return Construction(network, None, certificate, theorem, notes)


def _bends(points: Sequence[tuple[Fraction, Fraction]]) -> list[tuple[Fraction, Fraction]]:
    """The points at which a graph bends, and its ends."""
    bent = (before != after for before, after in pairwise(cpwl.slopes(points)))
    return [points[0], *compress(points[1:-1], bent), points[-1]]
