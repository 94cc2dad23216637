"""Refinable functions by the cascade: phi_{n+1}(x) = sum c_i phi_n(2x - i), from a hat; and networks that are phi_n.

A network of depth 2n + 3 with O(n^2) weights has the K 2^n pieces of phi_n. On [0, 1] the vector of all integer
translates v_n(x) = (phi_n(x), phi_n(x + 1), ...) is T_0 v_{n-1}(2x) for x <= 1/2 and T_1 v_{n-1}(2x - 1) for x >= 1/2.
The hat g folds both halves onto [0, 1]. Of v(x) + v(1 - x) and v(x) - v(1 - x), the even and the odd part, only a sign
depends on the half: they are p + q and +-(p - q), with p = T_0 v(g(x)) and q = T_1 v(1 - g(x)). As p = q at x = 1/2,
two ReLUs set the sign: where |e| <= |t|, sign(t) e = ReLU(e + t) - ReLU(e - t) - t.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from itertools import accumulate, pairwise
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from nnapprox.constructions.assembly import Assembly, Form, inner
from nnapprox.errors import UsageError
from nnapprox.exact import Rational, to_rational
from nnapprox.network import Network

Mask: TypeAlias = Sequence[Fraction]
Values: TypeAlias = NDArray[Any]
"""Of a function on [0, K], at all multiples of a mesh, as `Rational`."""

_HALF = Fraction(1, 2)

_MOST_AHEAD = 6
"""Steps that error bounds look ahead."""

_MOST_CELLS = 2**14
"""Error bounds look ahead to meshes of about so many cells, no further."""

_BITS = 64
"""Ends of enclosures are rounded outwards to so many fractional bits."""


def hat_place(mask: Mask) -> int:
    """The integer in (0, K) that is nearest to the mean of phi: where the cascade's first hat has its peak."""
    mean = sum((i * c for i, c in enumerate(mask)), start=Fraction(0)) / 2
    return min(max(round(mean), 1), len(mask) - 2)


def hat_values(mask: Mask) -> Values:
    """The values of the hat, a function on [0, K], on the mesh 1."""
    values = _zeros(len(mask))
    values[hat_place(mask)] += 1
    return values


def refine(mask: Mask, values: Values) -> Values:
    """The values of sum c_i f(2x - i) on the mesh of half the width, of those of f on [0, K], K = len(mask) - 1."""
    unit = (len(values) - 1) // (len(mask) - 1)
    refined = _zeros(2 * len(values) - 1)
    for i, coefficient in enumerate(mask):
        refined[i * unit : i * unit + len(values)] += to_rational(coefficient) * values
    return refined


def cascade_values(mask: Mask, steps: int) -> Values:
    """The values of phi_n at all multiples of 2^-n in [0, K]."""
    values = hat_values(mask)
    for _ in range(steps):
        values = refine(mask, values)
    return values


def cascade_network(mask: Mask, steps: int, last: Mask | None = None) -> Network:
    """The network that is phi_n on all of R; 0 outside of [0, K].

    Parameters
    ----------
    mask : sequence of Fraction
        c_0, ..., c_K with K >= 2; those of even and of odd index each add up to 1.
    steps : int
        n, at least 1.
    last : sequence of Fraction, optional
        Another mask for the last step, of the same length: that of a wavelet.
    """
    length = len(mask) - 1
    masks = [mask] * (steps - 1) + [mask if last is None else last]
    assembly = Assembly(1)
    position, folded = _fold(assembly, length)
    points = [folded]
    for _ in masks:
        points = [*map(assembly.relu, points), 2 * assembly.relu(points[-1]) - 4 * assembly.relu(points[-1] - _HALF)]
        position = assembly.relu(position)
        assembly.close()
    even, odd = _hat(mask, points.pop())
    values = hat_values(mask)
    for coefficients in masks:
        values = refine(coefficients, values)
        even, odd = _step(assembly, coefficients, even, odd, points.pop(), values)
        points = [*map(assembly.relu, points)]
        position = assembly.relu(position)
        assembly.close()
    return assembly.network([_unfold(assembly, even, odd, position, values)])


def _fold(assembly: Assembly, length: int) -> tuple[Form, Form]:
    """Cut x to [0, K], and fold that: the distance from the nearest even integer."""
    (x,) = assembly.variables
    beyond = [assembly.relu(x - i) for i in range(length + 1)]
    assembly.close()
    turns = [1, *((-1) ** i * 2 for i in range(1, length)), (-1) ** length]
    return beyond[0] - beyond[length], inner(turns, beyond)


def _hat(mask: Mask, y: Form) -> tuple[list[Form], list[Form]]:
    """The even and the odd part of the translates of the hat at y."""
    place = hat_place(mask)
    even, odd = [Form()] * (len(mask) - 1), [Form()] * (len(mask) - 1)
    even[place - 1 : place + 1] = Form(constant=1), Form(constant=1)
    odd[place - 1 : place + 1] = 2 * y - 1, 1 - 2 * y
    return even, odd


def _step(
    assembly: Assembly, mask: Mask, even: list[Form], odd: list[Form], x: Form, values: Values
) -> tuple[list[Form], list[Form]]:
    """The even and the odd part of v_n at x, of those of v_{n-1} at g(x); `values` are those of phi_n."""
    size = len(even)
    left = [_HALF * (s + d) for s, d in zip(even, odd, strict=True)]
    right = [_HALF * (s - d) for s, d in zip(even, odd, strict=True)]
    p = [inner(_row(mask, 2 * k, size), left) for k in range(size)]
    q = [inner(_row(mask, 2 * k + 1, size), right) for k in range(size)]
    slope = _slope(values, size, _HALF)
    bound, carried = (slope * (_HALF - at) for at in (x, assembly.relu(x)))
    return (
        [_carried(assembly, a + b, 2 * min(values)) for a, b in zip(p, q, strict=True)],
        [assembly.relu(a - b + bound) - assembly.relu(a - b - bound) - carried for a, b in zip(p, q, strict=True)],
    )


def _row(mask: Mask, index: int, size: int) -> list[Fraction]:
    """c_index, c_{index-1}, ...: what f(2x - i) weighs for f(y), f(y + 1), ..."""
    return [mask[index - k] if 0 <= index - k < len(mask) else Fraction(0) for k in range(size)]


def _unfold(assembly: Assembly, even: list[Form], odd: list[Form], position: Form, values: Values) -> Form:
    """The function at x in [0, K], of the parts of its translates at the folded x.

    It is the sum of its changes from one unit interval to the next, u_i - u_{i-1}, each for x >= i only. As the change
    is 0 at x = i and at most t = slope |x - i|, that is ReLU(u_i - u_{i-1} + t) - ReLU(t) with t = slope (x - i).
    """
    pieces = [_HALF * (s + (-1) ** i * d) for i, (s, d) in enumerate(zip(even, odd, strict=True))]
    slope = _slope(values, len(pieces), Fraction(1))
    value = _carried(assembly, pieces[0], min(values))
    for i, (before, after) in enumerate(pairwise(pieces), start=1):
        bound = slope * (position - i)
        value += assembly.relu(after - before + bound) - assembly.relu(bound)
    assembly.close()
    return value


def _carried(assembly: Assembly, form: Form, low: Rational) -> Form:
    """The form, which is never below `low`, behind one ReLU."""
    lift = int(-low.floor())
    return assembly.relu(form + lift) - lift if form.terms else form


def _slope(values: Values, length: int, spacing: Fraction) -> Fraction:
    """A power of two that bounds |f(c + r) - f(c - r)| / r for all r <= spacing.

    c are the integers inside (0, K) where the spacing is 1, and the middles between integers where it is 1/2. On each
    piece of f(c + r) - f(c - r) the quotient is monotone, so its values at the mesh points bound it.
    """
    unit = (len(values) - 1) // length
    reach = int(spacing * unit)
    steps = np.arange(1, reach + 1)
    distances = steps.astype(object)
    centres = range(reach, len(values) - reach, unit)
    largest = max(max(abs(values[c + steps] - values[c - steps]) / distances) for c in centres) * unit
    slope = 1
    while slope < largest:
        slope *= 2
    return Fraction(slope)


def cascade_error(mask: Mask, steps: int) -> tuple[Fraction, Fraction]:
    """Enclose sup |phi - phi_n|, phi the limit of the cascade.

    A later iterate is compared with phi_n exactly, on its mesh; what that one is from the limit is bounded. That is
    because all differences of iterates are w(x) - w(x - 1) with a w on [0, K - 1] that is refined by the mask b,
    c(z) = (1 + z) b(z): where some steps of that shrink every function, the differences still to come are bounded by
    a geometric series.

    Raises
    ------
    UsageError
        So many steps as are tried do not shrink every function, so that nothing is known of a limit.
    """
    ahead = max(0, min(_MOST_AHEAD, (_MOST_CELLS // len(mask)).bit_length() - steps))
    reached = cascade_values(mask, steps)
    later = reached
    for _ in range(ahead):
        later = refine(mask, later)
    moved = max(abs(later - _interpolated(reached, 2**ahead)))
    beyond = _distance_to_limit(mask, steps + ahead)
    low, high = (moved - beyond) * 2**_BITS, (moved + beyond) * 2**_BITS
    return Fraction(max(0, int(low.floor())), 2**_BITS), Fraction(int(high.ceil()), 2**_BITS)


def _distance_to_limit(mask: Mask, steps: int) -> Rational:
    reduced = list(accumulate(mask, lambda total, coefficient: coefficient - total))[:-1]
    hat = hat_values(mask)
    first = refine(mask, hat) - _interpolated(hat, 2)
    running = first[:-2].copy()
    for i in range(2, len(running)):
        running[i] += running[i - 2]
    for _ in range(steps):
        running = refine(reduced, running)
    largest: Rational = max(abs(running))
    return 2 * largest * _geometric_series(reduced)


def _interpolated(values: Values, parts: int) -> Values:
    """The values of a piecewise linear function on a mesh that divides each of its cells."""
    fine = _zeros((len(values) - 1) * parts + 1)
    for part in range(parts):
        fine[part:-1:parts] = ((parts - part) * values[:-1] + part * values[1:]) / parts
    fine[-1] = values[-1]
    return fine


def _geometric_series(mask: Mask) -> Rational:
    """A bound of the sum of the norms of all powers of the refinement by a mask."""
    norms, bounds = [Rational(1)], []
    power = _zeros(1) + 1
    for _ in range(_MOST_AHEAD):
        doubled = _zeros(2 * len(power) + len(mask) - 2)
        for i, coefficient in enumerate(mask):
            doubled[i : i + 2 * len(power) : 2] += to_rational(coefficient) * power
        power = doubled
        # The support [0, K] of a function meets so many consecutive coefficients of the power.
        sums = np.cumsum(np.concatenate([_zeros(len(mask)), abs(power)]))
        norms.append(max(sums[len(mask) - 1 :] - sums[: 1 - len(mask)]))
        if norms[-1] < 1:
            bounds.append(sum(norms[:-1]) / (1 - norms[-1]))
    if not bounds:
        raise UsageError(f"the cascade is not seen to converge: {_MOST_AHEAD} steps need not shrink a change")
    return min(bounds)


def _zeros(size: int) -> Values:
    return np.full(size, Rational(0), dtype=object)
