"""Piecewise linear functions of d variables as maxima of minima of affine forms."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Annotated, TypeVar

from nnapprox.constructions.assembly import Assembly, Form
from nnapprox.constructions.construction import Construction, Option, construction
from nnapprox.constructions.memory import require_memory
from nnapprox.constructions.normal_form import NormalForms
from nnapprox.constructions.proofs import cube, exact_everywhere, variable_names
from nnapprox.constructions.rows import Groups, Rows, affine_forms, affine_texts
from nnapprox.constructions.tournament import play, settle
from nnapprox.errors import UsageError
from nnapprox.functions import parse

T = TypeVar("T")

SOURCE = "Tarela and Martínez (1999); Arora, Basu, Mianjy and Mukherjee (2018)"


@construction(group="piecewise linear", source=SOURCE, example="--forms 1,0:0;0,1:0;-1,-1:1 --groups 1,3;2,3")
def lattice(
    forms: Annotated[Rows, Option("The affine forms a.x + b, each as a1,...,ad:b.")],
    groups: Annotated[Groups, Option("Which forms each minimum is taken of, counted from 1.")],
) -> Construction:
    """The largest of minima of affine forms: every continuous piecewise linear function is one.

    f(x) = max over j of min over i in S_j of l_i(x), all minima at once, each by a tournament.
    """
    for place in (place for group in groups for place in group):
        if place > len(forms):
            raise UsageError(f"--groups names form {place}, but there are only {len(forms)}")
    require_memory("a size of all groups together of", sum(map(len, groups)), lambda n: 10 * n * n)
    lattice = Lattice(forms, [[place - 1 for place in group] for group in groups])
    dim = len(forms[0][0])
    assembly = Assembly(dim)
    network = assembly.network(lay(assembly, [lattice]))
    certificate = exact_everywhere(network, lambda normal: [lattice.normal_form(normal)], cube(dim))
    return Construction(network, parse(lattice.text, variables=variable_names(dim)), certificate)


@dataclass(frozen=True)
class Lattice:
    """The function max over groups of the minimum of the affine forms at the group's places.

    Attributes
    ----------
    rows : Rows
        (a, b) for a.x + b.
    groups : sequence of collections of int
        Places in `rows`, counted from 0; no group is empty.
    """

    rows: Rows
    groups: Sequence[Collection[int]]

    def minima(self, values: Sequence[T]) -> list[list[T]]:
        """What the minima are taken of, of the values of the forms."""
        return [[values[place] for place in group] for group in self.groups]

    def normal_form(self, normal: NormalForms) -> Form:
        """The normal form, from the definition."""
        minima = [settle(group, normal.min) for group in self.minima(affine_forms(self.rows, normal.variables))]
        return settle(minima, normal.max)

    @property
    def text(self) -> str:
        """The function as an expression."""
        return _call("max", [_call("min", group) for group in self.minima(affine_texts(self.rows))])


def lay(assembly: Assembly, lattices: Sequence[Lattice]) -> list[Form]:
    """Lay the layers of several such functions of an assembly's inputs, side by side; give their values."""
    players = [group for one in lattices for group in one.minima(affine_forms(one.rows, assembly.variables))]
    minima = iter(play(assembly, players, assembly.min))
    return play(assembly, [[next(minima) for _ in one.groups] for one in lattices], assembly.max)


def _call(function: str, arguments: Sequence[str]) -> str:
    return f"{function}({','.join(arguments)})" if len(arguments) > 1 else arguments[0]
