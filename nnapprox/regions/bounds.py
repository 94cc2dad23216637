"""Bounds on the number of activation regions, from the widths of a ReLU network alone.

Upper bounds hold for every network with these widths. Lower bounds are on the most that such a network can have: they
say nothing of a given one. All are for all of R^d, inputs first: widths (n_0, n_1, ..., n_L, outputs), where the
outputs play no part.
"""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from functools import cache
from math import comb, factorial, prod

from nnapprox.errors import UsageError


def arrangement_regions(hyperplanes: int, dimension: int) -> int:
    """Regions of hyperplanes in general position, sum over j <= d of C(n, j) (Zaslavsky, 1975)."""
    return sum(comb(hyperplanes, j) for j in range(dimension + 1))


def montufar2014_lower(widths: Sequence[int]) -> int | None:
    """A lower bound on the maximum (Montúfar, Pascanu, Cho and Bengio, 2014); None unless n_l >= n_0."""
    inputs, *hidden = _without_outputs(widths)
    if not hidden or min(hidden) < inputs:
        return None
    return prod(int((n // inputs) ** inputs) for n in hidden[:-1]) * arrangement_regions(hidden[-1], inputs)


def serra2018_lower(widths: Sequence[int]) -> int | None:
    """A lower bound on the maximum (Serra, Tjandraatmadja and Ramalingam, 2018); None unless n_l >= 3 n_0."""
    inputs, *hidden = _without_outputs(widths)
    if not hidden or min(hidden) < 3 * inputs:
        return None
    return prod(int((n // inputs + 1) ** inputs) for n in hidden[:-1]) * arrangement_regions(hidden[-1], inputs)


def arora2018_lower(widths: Sequence[int]) -> int | None:
    """A lower bound on the maximum (Arora, Basu, Mianjy and Mukherjee, 2018).

    None unless n_1 = 2 m is even and the other hidden widths are equal to one another.
    """
    inputs, *hidden = _without_outputs(widths)
    if not hidden or hidden[0] % 2 or len(set(hidden[1:])) > 1:
        return None
    others = hidden[1] if len(hidden) > 1 else 1
    return 2 * arrangement_regions(hidden[0] // 2 - 1, inputs - 1) * int(others ** (len(hidden) - 1))


def raghu2017_upper(widths: Sequence[int]) -> int:
    """An upper bound: every layer cuts every region in all n_0 dimensions (Raghu et al., 2017)."""
    inputs, *hidden = _without_outputs(widths)
    return prod(arrangement_regions(n, inputs) for n in hidden)


def montufar2017_upper(widths: Sequence[int]) -> int:
    """An upper bound: no layer has more dimensions than the narrowest before it has neurons (Montúfar, 2017)."""
    inputs, *hidden = _without_outputs(widths)
    narrowest = inputs
    total = 1
    for n in hidden:
        total *= arrangement_regions(n, narrowest)
        narrowest = min(narrowest, n)
    return total


def serra2018_upper(widths: Sequence[int]) -> int:
    """An upper bound: neurons that are not active lower the dimension (Serra et al., 2018)."""
    inputs, *hidden = _without_outputs(widths)

    @cache
    def regions(layer: int, dimension: int) -> int:
        if layer == len(hidden):
            return 1
        n = hidden[layer]
        return sum(comb(n, j) * regions(layer + 1, min(dimension, n - j)) for j in range(min(dimension, n) + 1))

    return regions(0, inputs)


def hanin_rolnick_density(widths: Sequence[int], constant: Fraction = Fraction(1)) -> Fraction | None:
    """The expected number of regions per unit volume at random initialisation is at most (T N)^d / d!.

    Hanin and Rolnick (2019), for N >= d neurons; the constant T depends on the distribution of the
    weights, and is quoted, not computed. None where N < d.
    """
    inputs, *hidden = _without_outputs(widths)
    neurons = sum(hidden)
    return (constant * neurons) ** inputs / factorial(inputs) if neurons >= inputs else None


BOUNDS = {
    "montufar2014_lower": montufar2014_lower,
    "serra2018_lower": serra2018_lower,
    "arora2018_lower": arora2018_lower,
    "serra2018_upper": serra2018_upper,
    "montufar2017_upper": montufar2017_upper,
    "raghu2017_upper": raghu2017_upper,
}
"""All bounds by the names that scripts rely on."""


def all_bounds(widths: Sequence[int]) -> dict[str, int | None]:
    """Every bound by its name; None where it does not apply to these widths.

    Raises
    ------
    UsageError
        There are fewer than two widths, or one is not positive.
    """
    return {name: bound(widths) for name, bound in BOUNDS.items()}


def _without_outputs(widths: Sequence[int]) -> tuple[int, ...]:
    if len(widths) < 2 or min(widths) < 1:
        raise UsageError(
            f"widths are the inputs, the hidden layers and the outputs, all at least 1, not {list(widths)}"
        )
    return tuple(widths[:-1])
