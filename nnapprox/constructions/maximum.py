"""Maximum and minimum of d numbers."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated, Literal

from nnapprox.constructions.assembly import Assembly
from nnapprox.constructions.construction import Construction, Option, Theorem, construction
from nnapprox.constructions.memory import require_memory
from nnapprox.constructions.proofs import cube, exact_everywhere, variable_names
from nnapprox.constructions.tournament import play, settle, tournament_width
from nnapprox.functions import parse
from nnapprox.network import Network

SOURCE = "Arora, Basu, Mianjy and Mukherjee (2018)"

Dim = Annotated[int, Option("How many numbers, d.", at_least=2)]
Nonnegative = Annotated[bool, Option("The numbers are never negative, as prices: one neuron carries each, not two.")]


@construction(group="order statistics and payoffs", source=SOURCE, example="--dim 8")
def max_(dim: Dim, nonnegative: Nonnegative = False) -> Construction:
    """The largest of d numbers, exactly, by a tournament.

    max(x, y) = x + ReLU(y - x), in pairs, in pairs of those, and so on: ceil(log2 d) hidden layers, no biases, and
    weights 0, 1 and -1; 3(d - 1) neurons and 8d - 9 weights where d is a power of two.
    """
    return _extremum("max", dim, nonnegative)


@construction(group="order statistics and payoffs", source=SOURCE, example="--dim 8")
def min_(dim: Dim, nonnegative: Nonnegative = False) -> Construction:
    """The smallest of d numbers, exactly, by a tournament.

    min(x, y) = y - ReLU(y - x), in pairs, in pairs of those, and so on: as large as the maximum.
    """
    return _extremum("min", dim, nonnegative)


def extremum_network(which: Literal["max", "min"], dim: int, nonnegative: bool = False) -> Network:
    """The tournament's network.

    Raises
    ------
    UsageError
        It is too large.
    """
    require_extremum_memory(dim)
    assembly = Assembly(dim, nonnegative)
    winners = play(assembly, [assembly.variables], getattr(assembly, which))
    return assembly.network(winners)


def require_extremum_memory(dim: int) -> None:
    """Refuse a tournament of too many numbers."""
    require_memory("--dim", dim, lambda d: 2 * d * tournament_width(d))


def _extremum(which: Literal["max", "min"], dim: int, nonnegative: bool) -> Construction:
    network = extremum_network(which, dim, nonnegative)
    certificate = exact_everywhere(
        network,
        lambda forms: [settle(forms.variables, getattr(forms, which))],
        cube(dim, nonnegative),
        nonnegative,
    )
    layers = network.depth - 1
    theorem = Theorem(Fraction(0), f"ceil(log2 d) = {layers} hidden layers suffice", SOURCE)
    notes = {"lower bound": f"{layers} hidden layers where weights are integers (Haase, Hertrich and Loho 2023)"}
    return Construction(network, parse(f"{which}({','.join(variable_names(dim))})"), certificate, theorem, notes)
