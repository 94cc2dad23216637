"""Atoms of dictionaries on [0, 1]: piecewise linear, each by its points."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import TypeAlias

from nnapprox.constructions import cpwl
from nnapprox.constructions.assembly import Assembly, Form, total
from nnapprox.network import Network

Points: TypeAlias = tuple[tuple[Fraction, Fraction], ...]


@dataclass(frozen=True)
class Atom:
    """A coefficient times a function on [0, 1].

    Attributes
    ----------
    coefficient : Fraction
    points : tuple of (x, y)
        In [0, 1]; the function is affine between them and 0 left and right of them.
    level : int
        j, for an atom about 2^-j wide.
    """

    coefficient: Fraction
    points: Points
    level: int

    @property
    def squared_norm(self) -> Fraction:
        """The integral of the function's square, without the coefficient."""
        pieces = pairwise(self.points)
        return sum(((b - a) * (u * u + u * v + v * v) / 3 for (a, u), (b, v) in pieces), start=Fraction(0))


def sum_network(atoms: Sequence[Atom]) -> Network:
    """The sum of atoms on [0, 1]; atoms with a kink at the same place share its neuron."""
    assembly = Assembly(1)
    (x,) = assembly.variables
    value = total(atom.coefficient * _form(assembly, x, atom.points) for atom in atoms)
    assembly.close()
    return assembly.network([value])


def _form(assembly: Assembly, x: Form, points: Points) -> Form:
    kinks = ((at, jump) for at, jump in cpwl.kinks_on_line(points) if jump and at < 1)
    return total(jump * assembly.relu(x - at) for at, jump in kinks) + points[0][1]
