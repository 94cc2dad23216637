"""The topology of {f > c}, {f < c} and {f = c} for a network f of one or two variables, exactly.

The activation regions are split where f = c, so that f - c keeps its sign on every cell, every edge and every vertex of
one complex. A component is a class of cells that are joined by edges of their sign; holes follow from Euler's relation.

Conventions. The domain is a closed convex polygon (or interval), and all sets are parts of it. {f > c} and {f < c} are
open in it: where they reach the boundary, they hold the points there. {f = c} is closed; a cell on which f is c
throughout belongs to it with its whole closure. Then b0 counts the components of a set, and b1 its independent cycles:
for an open set these are its holes, the components of the rest that do not reach the boundary of the domain.

Bianchini and Scarselli (2014, On the complexity of neural network classifiers) bound the sum of the Betti numbers of
such sets for threshold, polynomial, arctangent and hyperbolic tangent activations. These are not bounds for networks
with the activations here.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

from nnapprox.errors import UsageError
from nnapprox.exact import Integer
from nnapprox.network import Network
from nnapprox.regions.cells import Watch, cells
from nnapprox.regions.level import Level
from nnapprox.regions.polytope import Bounds, Form, Polytope, Vertex
from nnapprox.regions.walls import Wall, walls

T = TypeVar("T", bound=Hashable)

CONVENTIONS = (
    "in the closed domain; {f>c}, {f<c} open in it, {f=c} closed; a cell where f is c throughout belongs to {f=c}"
)


@dataclass(frozen=True, slots=True)
class Betti:
    """(b0, b1) of {f > c}, {f < c} and {f = c}: how many components they have, and how many holes or cycles."""

    positive: tuple[int, int]
    negative: tuple[int, int]
    zero: tuple[int, int]


def betti(network: Network, domain: Polytope | Bounds, level: Level | None = None, *, watch: Watch = iter) -> Betti:
    """Compute the Betti numbers of the sets where a network is above, below and at a level.

    Parameters
    ----------
    network : Network
        Of one or two inputs, with the activation relu, leaky-relu or identity; floats are taken as the dyadic rationals
        that they are.
    domain : Polytope, or sequence of (low, high)
        The latter is a box.
    level : Level
        Which output, against what; output 0 against 0 by default.
    watch : function
        The cells go through it.

    Raises
    ------
    UsageError
        The network has more than two inputs, not these outputs or another activation, or the domain does not fit.
    """
    level = level or Level()
    level.require_outputs(network)
    whole = Polytope.of(domain)
    if whole.dimension > 2:
        raise UsageError(f"Betti numbers are those of one or two variables, not of {whole.dimension}: take a slice")
    parts: list[Polytope] = []
    signs: list[int] = []
    sign_at: dict[Vertex, int] = {}
    for part, form in level_parts(network, whole, level, watch):
        [values] = part.values([form])
        parts.append(part)
        signs.append(_sign(max(values)) or _sign(min(values)))
        sign_at.update(zip(part.vertices, map(_sign, values), strict=True))
    between = [(wall, _common_sign(sign_at[end] for end in wall.ends)) for wall in walls(parts)]
    return Betti(
        _open_set(1, signs, between, sign_at),
        _open_set(-1, signs, between, sign_at),
        _zeros([part for part, sign in zip(parts, signs, strict=True) if not sign], between, sign_at),
    )


def level_parts(
    network: Network, domain: Polytope, level: Level, watch: Watch = iter
) -> Iterator[tuple[Polytope, Form]]:
    """Give the activation regions, split where they cross a level, with the form of f - c on each."""
    label = domain.next_label + network.neurons
    for cell in watch(cells(network, domain)):
        form = level.form(cell)
        [values] = cell.polytope.values([form])
        if min(values) < 0 < max(values):
            for part in cell.polytope.split(form, values, label):
                yield part, form
        else:
            yield cell.polytope, form


def _open_set(
    sign: int, cells: list[int], between: list[tuple[Wall, int]], vertices: dict[Vertex, int]
) -> tuple[int, int]:
    """(b0, b1) of the union of all open cells, edges and vertices of a sign.

    It is a manifold, whose boundary is where it meets that of the domain: without its boundary it keeps its homotopy
    type, and its Euler characteristic is, up to sign, the alternating number of its open faces (Poincaré duality).
    """
    joined = [wall.cells for wall, its_sign in between if its_sign == sign and len(wall.cells) == 2]
    inside = {place for place, its_sign in enumerate(cells) if its_sign == sign}
    components = _components(inside, joined)
    outer = {end for wall, _ in between if len(wall.cells) == 1 for end in wall.ends}
    if len(between[0][0].ends) == 1:  # intervals: their walls are the vertices
        return components, components - (len(inside) - len(joined))
    corners = sum(its_sign == sign and vertex not in outer for vertex, its_sign in vertices.items())
    return components, components - (len(inside) - len(joined) + corners)


def _zeros(cells: list[Polytope], between: list[tuple[Wall, int]], vertices: dict[Vertex, int]) -> tuple[int, int]:
    """(b0, b1) of the closed complex of all cells, edges and vertices of the sign 0."""
    corners = {vertex for vertex, sign in vertices.items() if not sign}
    edges = [wall.ends for wall, sign in between if not sign and len(wall.ends) == 2]
    components = _components(corners, [*edges, *(cell.vertices for cell in cells)])
    if cells and cells[0].dimension == 1:
        return components, components - (len(corners) - len(cells))
    return components, components - (len(corners) - len(edges) + len(cells))


def _components(things: Iterable[T], joined: Iterable[tuple[T, ...]]) -> int:
    """How many classes there are, where each tuple joins what is in it."""
    parent = {thing: thing for thing in things}

    def root(thing: T) -> T:
        while parent[thing] != thing:
            parent[thing] = thing = parent[parent[thing]]
        return thing

    count = len(parent)
    for first, *others in joined:
        for other in others:
            one, two = root(first), root(other)
            if one != two:
                parent[one] = two
                count -= 1
    return count


def _sign(number: Integer) -> int:
    return (number > 0) - (number < 0)


def _common_sign(signs: Iterable[int]) -> int:
    """That of an affine function between points where it has these, and no two opposite ones."""
    return max(signs, key=abs)
