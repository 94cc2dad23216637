"""Curves that fill the square: t in [0, 1] goes to a point of it, and no point is far from the curve."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from fractions import Fraction
from functools import partial
from typing import Annotated

import numpy as np

from nnapprox import calculus
from nnapprox.certificate import TOLERANCE, Certificate
from nnapprox.certificate.line import certify_piecewise_affine
from nnapprox.constructions.assembly import Assembly, Form
from nnapprox.constructions.construction import UNIT, Construction, Option, construction
from nnapprox.constructions.memory import require_memory
from nnapprox.constructions.normal_form import NormalForms
from nnapprox.constructions.proofs import exact_everywhere
from nnapprox.exact import integers
from nnapprox.network import Network
from nnapprox.regions.line import Pieces

HALF = Fraction(1, 2)

DEEPEST = 8
"""Hilbert polygons beyond this order have too many segments to be compared one by one."""


@construction(
    group="regions and topology",
    source="Bailey and Telgarsky (2018); Perekrestenko, Müller and Bölcskei (2020)",
    example="--depth 5",
)
def serpentine(
    depth: Annotated[int, Option("How often the hat is composed with itself, j.", at_least=1)],
) -> Construction:
    """A curve that goes up the square in 2^j runs from side to side: t -> (g^j(t), t).

    No point of the square is farther from it than 2^-j, vertically: in each of 2^j intervals g^j takes all of [0, 1].
    """
    require_memory("--depth", depth, lambda j: 12 * j)
    network = serpentine_network(depth)
    certificate = exact_everywhere(network, partial(_serpentine_forms, depth), UNIT, nonnegative=True)
    notes = {
        "target": f"t -> (tri({2**depth}*t), t)",
        "largest vertical distance from the curve": Fraction(1, 2**depth),
    }
    return Construction(network, None, certificate, notes=notes)


@construction(group="regions and topology", source="Hilbert (1891); folded here", example="--order 3")
def hilbert(
    order: Annotated[int, Option("Hilbert's recursion is taken so often, k.", at_least=1, at_most=DEEPEST)],
    shallow: Annotated[bool, Option("One hidden layer, with a neuron a turn, instead.")] = False,
) -> Construction:
    """Hilbert's polygon, which passes the 4^k points of a grid in the square at equal steps of t.

    By folding t, 2 k - 1 hidden layers of at most 3 k + 3 neurons make its 4^k - 1 segments.
    """
    require_memory("--order", order, lambda k: 16**k if shallow else 40 * k**3)
    vertices = hilbert_vertices(order)
    network = polygon_network(vertices, 2**order - 1) if shallow else hilbert_network(order)
    certificate = certify_polygon(network, vertices, 2**order - 1)
    notes = {
        "segments": 4**order - 1,
        "largest distance from the curve in the maximum norm": Fraction(1, 2 * (2**order - 1)),
    }
    return Construction(network, None, certificate, notes=notes)


def serpentine_network(depth: int) -> Network:
    """The curve t -> (g^depth(t), t): hidden (2, 3, ..., 3), L = depth + 1, M = 6 depth."""
    net = Assembly(1, nonnegative=True)
    (height,) = (tooth,) = net.variables
    for _ in range(depth):
        height, start, middle = net.relu(height), net.relu(tooth), net.relu(tooth - HALF)
        tooth = 2 * start - 4 * middle
        net.close()
    return net.network([tooth, height])


def _serpentine_forms(depth: int, forms: NormalForms) -> list[Form]:
    """What the serpentine network should be: g without its outer ReLU is g on [0, 1], which it maps into itself."""
    (time,) = forms.variables
    tooth = time
    for _ in range(depth):
        tooth = 2 * forms.relu(tooth) - 4 * forms.relu(tooth - HALF)
    return [tooth, time]


def hilbert_network(order: int) -> Network:
    """Hilbert's polygon of 4^order vertices by folding: L = 2 order, widths of at most 3 order + 3.

    A quarter that is passed second or fourth holds the polygon of the order below backwards, so that the parameter is
    folded, never cut; backwards, that polygon is its own mirror image. On the way from a quarter to the next it rests
    at one of its ends, (0, 0) or (1, 0), and only the choice of the quarter moves: so all stays affine there.
    """
    net = Assembly(1, nonnegative=True)
    time = (4**order - 1) * net.variables[0]
    choices: list[tuple[Form, ...]] = []
    for level in range(order - 1, -1, -1):
        time, beyond = _folded(net, time, 4**level)
        choices = [*_kept(net, choices), beyond]
        net.close()
    first, second, third = choices.pop()
    x, y = second, first - third
    for level in range(1, order):
        x, y = _placed(net, x, y, 2**level - 1, choices.pop())
        choices = _kept(net, choices)
        net.close()
    scale = Fraction(1, 2**order - 1)
    return net.network([scale * x, scale * y])


def polygon_network(vertices: Sequence[tuple[int, int]], size: int) -> Network:
    """The polygon through points of {0, ..., size}^2 / size, at equal steps of t in [0, 1], by one hidden layer."""
    steps = [(x1 - x0, y1 - y0) for (x0, y0), (x1, y1) in itertools.pairwise(vertices)]
    turns = [steps[0], *((x1 - x0, y1 - y0) for (x0, y0), (x1, y1) in itertools.pairwise(steps))]
    knots = [knot for knot, turn in enumerate(turns) if turn != (0, 0)]
    first = calculus.layer([[len(steps)]] * len(knots), [-knot for knot in knots])
    last = calculus.layer(np.transpose([turns[knot] for knot in knots]), vertices[0])
    return calculus.compose(calculus.affine([[Fraction(1, size), 0], [0, Fraction(1, size)]]), Network([first, last]))


def certify_polygon(network: Network, vertices: Sequence[tuple[int, int]], size: int) -> Certificate:
    """Certify a network on [0, 1] against the polygon through points / size: the larger error of both coordinates.

    Raises
    ------
    UsageError
        The network is not piecewise linear.
    """
    steps = len(vertices) - 1
    rows = [(k * size, x * steps, y * steps, steps * size) for k, (x, y) in enumerate(vertices)]
    return certify_piecewise_affine(network, Pieces(integers(rows)), UNIT, "sup", TOLERANCE)


def hilbert_vertices(order: int) -> list[tuple[int, int]]:
    """All points of the grid {0, ..., 2^order - 1}^2, in the order in which Hilbert's curve passes them."""
    points = [(0, 0)]
    for level in range(order):
        side = 2**level
        points = [
            *((y, x) for x, y in points),
            *((x, y + side) for x, y in points),
            *((x + side, y + side) for x, y in points),
            *((2 * side - 1 - y, side - 1 - x) for x, y in points),
        ]
    return points


def _folded(net: Assembly, time: Form, length: int) -> tuple[Form, tuple[Form, ...]]:
    """The time within a quarter of so many steps, backwards in the second and the fourth; whether it is past each.

    Whether it is past the first, second and third quarter goes from 0 to 1 on the way to the next one.
    """
    (a, b), (c, d), (e, f) = (
        (net.relu(time - (quarter * length - 1)), net.relu(time - quarter * length)) for quarter in (1, 2, 3)
    )
    return net.relu(time) - a - b + c + d - e - f, (a - b, c - d, e - f)


def _placed(net: Assembly, x: Form, y: Form, side: int, past: Sequence[Form]) -> tuple[Form, Form]:
    """Put the polygon of the order below, in [0, side]^2, into the quarter that the time is in.

    The first quarter has it transposed, the second as it is (its mirror image, backwards), the third as it is, the
    last transposed both ways. A product of a coordinate z with a choice b is ReLU(z - side (1 - b)), right where b is
    0 or 1, and where z is 0 or side.
    """
    first, second, third = past
    ((kept_first, kept_second, kept_third),) = _kept(net, [past])
    across = (
        net.relu(y - side * first)
        + net.relu(side * (first - second) - x)
        + net.relu(x - side * (1 - second + third))
        - net.relu(y - side * (1 - third))
        + (side + 1) * (kept_second - kept_third)
        + (2 * side + 1) * kept_third
    )
    upper = first - third
    up = net.relu(x - side * upper) + net.relu(y - side * (1 - upper)) + (side + 1) * (kept_first - kept_third)
    return across, up


def _kept(net: Assembly, choices: Sequence[Sequence[Form]]) -> list[tuple[Form, ...]]:
    return [tuple(net.relu(choice) for choice in past) for past in choices]
