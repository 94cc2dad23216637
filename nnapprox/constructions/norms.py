"""The norms l1 and linf of d numbers."""

from __future__ import annotations

from typing import Annotated

from nnapprox.constructions.assembly import Assembly, total
from nnapprox.constructions.construction import Construction, Option, construction
from nnapprox.constructions.memory import require_memory
from nnapprox.constructions.proofs import cube, exact_everywhere, variable_names
from nnapprox.constructions.tournament import play, settle
from nnapprox.functions import parse

Dim = Annotated[int, Option("How many numbers, d.", at_least=1)]


@construction(group="order statistics and payoffs", source="folklore", example="--dim 3")
def l1(dim: Dim) -> Construction:
    """The sum of absolute values, exactly, in one hidden layer.

    |x| = ReLU(x) + ReLU(-x): 2d neurons, 4d weights.
    """
    require_memory("--dim", dim, lambda d: 2 * d * d)
    assembly = Assembly(dim)
    norm = total(assembly.relu(x) + assembly.relu(-x) for x in assembly.variables)
    assembly.close()
    network = assembly.network([norm])
    certificate = exact_everywhere(network, lambda forms: [total(forms.max(x, -x) for x in forms.variables)], cube(dim))
    return Construction(network, parse("+".join(_absolute_values(dim))), certificate)


@construction(group="order statistics and payoffs", source="folklore", example="--dim 3")
def linf(dim: Dim) -> Construction:
    """The largest absolute value, exactly, by a tournament of absolute values.

    |x| = ReLU(x) + ReLU(-x) is never negative, so that one neuron carries it: ceil(log2 d) + 1 hidden layers.
    """
    require_memory("--dim", dim, lambda d: 4 * d * d)
    assembly = Assembly(dim)
    sizes = [assembly.relu(x) + assembly.relu(-x) for x in assembly.variables]
    assembly.close()
    network = assembly.network(play(assembly, [sizes], assembly.max))
    certificate = exact_everywhere(
        network, lambda forms: [settle([forms.max(x, -x) for x in forms.variables], forms.max)], cube(dim)
    )
    target = parse(f"max({','.join(_absolute_values(dim))})" if dim > 1 else "abs(x)")
    return Construction(network, target, certificate)


def _absolute_values(dim: int) -> list[str]:
    return [f"abs({name})" for name in variable_names(dim)]
