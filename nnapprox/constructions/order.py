"""Order statistics of d numbers, by sorting networks whose comparators are ReLUs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fractions import Fraction
from typing import Annotated, TypeAlias

from nnapprox.constructions.assembly import Assembly, Form, total
from nnapprox.constructions.construction import Construction, Option, construction
from nnapprox.constructions.maximum import Dim
from nnapprox.constructions.memory import require_memory
from nnapprox.constructions.normal_form import NormalForms
from nnapprox.constructions.proofs import cube, exact_everywhere
from nnapprox.constructions.sorting import batcher_sort, sorts
from nnapprox.errors import NnapproxError, UsageError
from nnapprox.network import Network

GROUP = "order statistics and payoffs"
SOURCE = "Batcher (1968)"

Outputs: TypeAlias = Callable[[list[Form]], list[Form]]
"""Makes a network's outputs of order statistics."""


@construction(group=GROUP, source=SOURCE, example="--dim 4")
def sort(
    dim: Dim, top: Annotated[int | None, Option("Give only so many, the largest.", at_least=1)] = None
) -> Construction:
    """D numbers from the smallest to the largest, exactly, by Batcher's odd-even merge sort.

    A comparator x, y -> y - ReLU(y - x), x + ReLU(y - x) has 5 neurons and 12 weights; all comparators of a round are
    one hidden layer, and those that no output needs are left out.
    """
    count = dim if top is None else top
    if count > dim:
        raise UsageError(f"--top must be at most --dim, {dim}, not {count}")
    return _prove(dim, range(dim - count, dim), list)


@construction(group=GROUP, source=SOURCE, example="--dim 5")
def median(dim: Dim) -> Construction:
    """The median of d numbers, exactly, by the part of a sorting network that it needs.

    The mean of the two in the middle where d is even.
    """
    middle = range((dim - 1) // 2, dim // 2 + 1)
    return _prove(dim, middle, lambda forms: [Fraction(1, len(forms)) * total(forms)])


def order_network(dim: int, ranks: Sequence[int], outputs: Outputs) -> Network:
    """The network of what is made of order statistics.

    Parameters
    ----------
    dim : int
        How many numbers there are.
    ranks : sequence of int
        Of those that are needed; 0 is the smallest.
    outputs : callable
        Takes the forms of the order statistics of these ranks.

    Raises
    ------
    UsageError
        It is too large.
    """
    require_memory("--dim", dim, _numbers)
    circuit = _Circuit(dim)
    sorted_wires = batcher_sort(range(dim), circuit.gate("min"), circuit.gate("max"))
    assembly = Assembly(dim)
    values = circuit.lay(assembly, [sorted_wires[rank] for rank in ranks])
    return assembly.network(outputs(values))


def _prove(dim: int, ranks: Sequence[int], outputs: Outputs) -> Construction:
    network = order_network(dim, ranks, outputs)
    if not sorts(dim):
        raise NnapproxError(f"the sorting network of {dim} numbers does not sort")

    def reference(forms: NormalForms) -> list[Form]:
        in_order = batcher_sort(forms.variables, forms.min, forms.max)
        return outputs([in_order[rank] for rank in ranks])

    certificate = exact_everywhere(network, reference, cube(dim))
    notes = {"sorting": "every merge is proved by the 0-1 principle"}
    return Construction(network, None, certificate, notes=notes)


class _Circuit:
    """Gates that take the minimum or the maximum of two wires; each gives a wire, after those of the inputs."""

    def __init__(self, inputs: int) -> None:
        self._inputs = inputs
        self._gates: list[tuple[str, int, int]] = []
        self._round = [0] * inputs

    def gate(self, which: str) -> Callable[[int, int], int]:
        """What adds a gate of two wires, and gives its wire."""

        def add(p: int, q: int) -> int:
            self._gates.append((which, p, q))
            self._round.append(max(self._round[p], self._round[q]) + 1)
            return len(self._round) - 1

        return add

    def lay(self, assembly: Assembly, wanted: Sequence[int]) -> list[Form]:
        """Lay the gates that the wanted wires need into hidden layers, a round a layer; give those wires."""
        last = self._last_rounds(wanted)
        values = dict(enumerate(assembly.variables))
        for layer in range(1, max(self._round[wire] for wire in wanted) + 1):
            needed = [wire for wire in last if self._round[wire] <= layer < last[wire]]
            values = {wire: self._carry(wire, layer, values, assembly) for wire in needed}
            assembly.close()
        return [values[wire] for wire in wanted]

    def _carry(self, wire: int, layer: int, values: Mapping[int, Form], assembly: Assembly) -> Form:
        if self._round[wire] < layer:
            return assembly.keep(values[wire])
        which, p, q = self._gates[wire - self._inputs]
        choose = assembly.min if which == "min" else assembly.max
        return choose(values[p], values[q])

    def _last_rounds(self, wanted: Sequence[int]) -> dict[int, int]:
        """Map every wire that is needed to the round that reads it last."""
        last = dict.fromkeys(wanted, len(self._gates) + 1)
        for wire in range(len(self._round) - 1, self._inputs - 1, -1):
            if wire in last:
                _, *sources = self._gates[wire - self._inputs]
                for source in sources:
                    last[source] = max(last.get(source, 0), self._round[wire])
        return last


def _numbers(dim: int) -> int:
    """About the number of weights, zeros included: 5 neurons a comparator, d/2 of them a round."""
    doublings = (dim - 1).bit_length()
    return doublings * (doublings + 1) // 2 * (5 * dim // 2) ** 2
