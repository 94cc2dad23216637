"""Linear finite elements of the plane: interpolants on a uniform mesh, and on any triangulation."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction
from typing import Annotated

from nnapprox.certificate import Certificate, certify
from nnapprox.constructions.assembly import Assembly, Form, inner
from nnapprox.constructions.construction import UNIT, Construction, Domain, Option, Theorem, construction, prove
from nnapprox.constructions.courant import SOURCE
from nnapprox.constructions.interpolation import Bits
from nnapprox.constructions.lattice import Lattice, lay
from nnapprox.constructions.memory import require_memory
from nnapprox.constructions.mesh import Mesh
from nnapprox.constructions.normal_form import NormalForms
from nnapprox.constructions.proofs import exact_everywhere, variable_names, verify_identity
from nnapprox.constructions.rows import Groups, Rows
from nnapprox.constructions.text import linear_sum
from nnapprox.constructions.triangulation import Triangulation
from nnapprox.errors import UsageError
from nnapprox.functions import Expression, parse
from nnapprox.network import Network
from nnapprox.regions.polytope import bounding_box

EXACT = "the network is the interpolant, exactly"

_BITS = 64

WALDRON = "Waldron (1998), The error in linear interpolation at the vertices of a simplex"


@construction(group="piecewise linear", source=SOURCE, example="--function x*y --cells 4")
def finite_element(
    function: Annotated[Expression, Option("The function of x and y to interpolate.")],
    cells: Annotated[int, Option("Cells along each side, N.", at_least=1)],
    domain: Annotated[Domain, Option("The rectangle.")] = UNIT * 2,
    bits: Bits = 64,
) -> Construction:
    """The interpolant of a function of the plane on the three-direction mesh of a rectangle.

    N x N cells of h x k, cut along their diagonals; hats of 3 neurons each share what x, y and the diagonals give. The
    error is at most 1/8 (h^2 |f_xx| + 2 h k |f_xy| + k^2 |f_yy|): h^2/4 for x y, h^2/2 for x^2 + y^2 on squares.
    """
    if len(domain) != 2:
        raise UsageError(f"--domain must be a rectangle, as 0,1,0,1, not of dimension {len(domain)}")
    require_memory("--cells", cells, lambda n: 2 * (n + 1) ** 4)
    expression = function.of_inputs(2)
    mesh = Mesh(domain, cells)
    values = {node: expression.approximate(mesh.point(*node), bits) for node in mesh.nodes}
    network = mesh.network(values)
    verify_identity(network, lambda forms: [mesh.interpolant(forms, values)], [low for low, _ in domain])
    found = mesh.error(expression)
    if found is None:
        return _piecewise(network, expression, domain)
    bound, worst = found
    theorem = Theorem(bound, "sup error <= 1/8 max (h^2 |f_xx| + 2 h k |f_xy| + k^2 |f_yy|)", WALDRON)
    if expression.quadratic() is not None:
        same = certify(network, expression, mesh.cell(0, 0))
        certificate = replace(same, domain=domain, source=f"{EXACT}; its error is the same in all cells")
    else:
        certificate = _enclosed(network, expression, domain, bound, worst, Fraction(1, 2**bits))
    return Construction(network, expression, certificate, theorem)


def _piecewise(network: Network, expression: Expression, domain: Domain) -> Construction:
    try:
        return prove(network, expression, domain)
    except UsageError as error:
        raise UsageError(f"{error}, unless it has second derivatives on all of the domain") from None


def _enclosed(
    network: Network, expression: Expression, domain: Domain, bound: Fraction, worst: Domain, rounding: Fraction
) -> Certificate:
    """Enclose the error between that in the middle of a cell, and a bound of that of the interpolant."""
    middle = tuple((low + high) / 2 for low, high in worst)
    seen = abs(network(middle)[0] - expression.approximate(middle, _BITS)) - Fraction(1, 2**_BITS)
    source = f"{EXACT}; second derivatives bound the rest, cell by cell"
    return Certificate("sup", domain, "enclosure", (max(seen, Fraction(0)), bound + rounding), None, source)


@construction(
    group="piecewise linear",
    source=SOURCE,
    example="--vertices 0,0:1;1,0:0;0,1:0;1,1:2 --triangles 1,2,3;2,3,4",
)
def triangulation(
    vertices: Annotated[Rows, Option("The vertices with their values, each as x,y:value.")],
    triangles: Annotated[Groups, Option("The triangles, each as three vertices counted from 1.")],
) -> Construction:
    """The function with given values at the vertices of a triangulation, affine on triangles.

    A sum of hats, each ReLU(max over j of min over i in S_j of l_i) with its affine pieces l_i; there is one minimum
    where the triangles around the vertex form a convex polygon. All triangles together must form one.
    """
    if any(len(coordinates) != 2 for coordinates, _ in vertices):
        raise UsageError("--vertices needs points of the plane, each as x,y:value")
    for triangle in triangles:
        if len(triangle) != 3 or max(triangle) > len(vertices):
            raise UsageError(f"--triangles needs three of the {len(vertices)} vertices each, not {triangle}")
    points = [(x, y) for (x, y), _ in vertices]
    mesh = Triangulation(points, [(a - 1, b - 1, c - 1) for a, b, c in triangles])
    shown = [vertex for vertex, (_, value) in enumerate(vertices) if value] or [0]
    hats = [Lattice(*mesh.hat(vertex)) for vertex in shown]
    players = sum(len(group) for hat in hats for group in hat.groups)
    require_memory("a number of affine pieces of", players, lambda n: 10 * n * n)
    weights = [vertices[vertex][1] for vertex in shown]
    assembly = Assembly(2)
    tops = [assembly.relu(top) for top in lay(assembly, hats)]
    assembly.close()
    network = assembly.network([inner(weights, tops)])

    def reference(normal: NormalForms) -> list[Form]:
        return [inner(weights, (normal.relu(hat.normal_form(normal)) for hat in hats))]

    domain = bounding_box(points)
    text = linear_sum((w, f"relu({hat.text})") for w, hat in zip(weights, hats, strict=True))
    target = parse(text, variables=variable_names(2))
    return Construction(network, target, exact_everywhere(network, reference, domain))
