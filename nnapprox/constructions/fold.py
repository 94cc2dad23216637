"""Networks that fold the cube onto itself, again and again: as many linear regions as there can be copies."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from nnapprox import calculus
from nnapprox.certificate import Certificate, certify
from nnapprox.constructions.construction import UNIT, Construction, Option, Theorem, construction
from nnapprox.constructions.memory import require_memory
from nnapprox.constructions.separable import Sum
from nnapprox.errors import UsageError
from nnapprox.functions import parse
from nnapprox.network import Network
from nnapprox.regions.bounds import arrangement_regions

MONTUFAR = "Montúfar, Pascanu, Cho and Bengio (2014), On the number of linear regions of deep neural networks"

MOST_ENUMERATED = 2**16
"""Pieces of one coordinate up to which they are enumerated; beyond, the proof is by induction over the layers."""


@construction(group="regions and topology", source=MONTUFAR, example="--dim 2 --pieces 3 --layers 2")
def fold(
    dim: Annotated[int, Option("Number of variables, d.", at_least=1)],
    pieces: Annotated[int, Option("Copies that a layer folds every axis into, p.", at_least=2)],
    layers: Annotated[int, Option("Hidden layers, L.", at_least=1)],
) -> Construction:
    """A network of p^(d L) linear regions in the unit cube, from d p neurons a layer.

    The sum of i g^L(x_i) over i = 1..d, where g(t) = p ReLU(t) + sum of 2p (-1)^i ReLU(t - i/p) over i = 1..p-1 goes up
    and down p times.
    """
    require_memory("--layers", layers, lambda count: (dim * pieces) ** 2 * count)
    zigzag = zigzag_network(pieces, layers)
    whole = Sum(zigzag, range(1, dim + 1))
    width = dim * pieces
    notes = {
        "linear regions": pieces ** (dim * layers),
        "regions of one hidden layer of as many neurons, at most": arrangement_regions(width * layers, dim),
        "regions of the best network of these widths, at least": pieces ** (dim * (layers - 1))
        * arrangement_regions(width, dim),
    }
    return Construction(
        whole.network,
        parse(whole.text(f"tri({pieces**layers}*{{x}})")),
        whole.certificate(certify_zigzag(zigzag, pieces, layers)),
        Theorem(None, f"p^(d L) = {pieces}^{dim * layers} linear regions in the unit cube", MONTUFAR),
        notes,
    )


def zigzag_network(pieces: int, layers: int) -> Network:
    """G composed with itself `layers` >= 1 times, where g goes from 0 to 1 and back on [0, 1], `pieces` times in all.

    L = layers + 1, M = 3 p - 1 + (layers - 1) (p^2 + p - 1) for p pieces.
    """
    first = calculus.layer([[1]] * pieces, [Fraction(-i, pieces) for i in range(pieces)])
    last = calculus.layer([[pieces, *((-1) ** i * 2 * pieces for i in range(1, pieces))]], [0])
    seam = calculus.compose(Network([first]), Network([last])).layers[0]
    return Network([first, *[seam] * (layers - 1), last])


def certify_zigzag(network: Network, pieces: int, layers: int) -> Certificate:
    """Certify a zigzag network against tri(pieces^layers x) on [0, 1]: by pieces, or by induction if they are many.

    Raises
    ------
    UsageError
        The network is not the zigzag.
    """
    if pieces**layers <= MOST_ENUMERATED:
        return certify(network, parse(f"tri({pieces**layers}*x)"), UNIT)
    once = certify(zigzag_network(pieces, 1), parse(f"tri({pieces}*x)"), UNIT)
    if network.layers != zigzag_network(pieces, layers).layers or once.upper:
        raise UsageError("the network is not the zigzag composed with itself")
    source = "induction: one layer is exact on [0, 1] and maps it onto itself, and tri(p^k tri(p x)) = tri(p^(k+1) x)"
    return Certificate("sup", UNIT, "exact", Fraction(0), (Fraction(0),), source)
