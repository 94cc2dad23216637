"""The hat of the plane's three-direction mesh, whose translates are the finite elements of Courant."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from nnapprox.constructions.assembly import Assembly
from nnapprox.constructions.construction import Construction, Option, construction, prove
from nnapprox.constructions.rows import Rows, affine_forms
from nnapprox.constructions.tournament import play
from nnapprox.network import Network

SOURCE = "Courant (1943); He, Li, Xu and Zheng (2020), ReLU deep neural networks and linear finite elements"

SIX_PIECES: Rows = tuple(
    ((Fraction(a), Fraction(b)), Fraction(0)) for a, b in [(1, 0), (-1, 0), (0, 1), (0, -1), (1, -1), (-1, 1)]
)
"""The linear forms +-x, +-y, +-(x - y), each a row (a, b) of a.x + b; 1 more are the pieces of the hat."""


@construction(group="piecewise linear", source=SOURCE, example="")
def courant_hat(
    generic: Annotated[bool, Option("As the smallest of its six pieces, which is larger.")] = False,
) -> Construction:
    """The hat of the plane's three-direction mesh, exactly: 1 at 0, 0 at other integer points.

    ReLU(1 - max(0, x, y) + min(0, x, y)) = ReLU(min(1 +- x, 1 +- y, 1 +- (x - y))): 8 neurons and 16 weights.
    """
    network = generic_hat() if generic else compact_hat()
    domain = ((Fraction(-2), Fraction(2)),) * 2
    return prove(network, "relu(min(1 + x, 1 - x, 1 + y, 1 - y, 1 + x - y, 1 - x + y))", domain)


def compact_hat() -> Network:
    """The hat by max(0, x, y) = ReLU(x + ReLU(y - x)) and min(0, x, y) = -ReLU(ReLU(y - x) - y): L = 4, M = 16."""
    assembly = Assembly(2)
    x, y = assembly.variables
    above = assembly.relu(y - x)
    x, y = assembly.keep(x), assembly.keep(y)
    assembly.close()
    span = assembly.relu(x + above) + assembly.relu(above - y)
    assembly.close()
    hat = assembly.relu(1 - span)
    assembly.close()
    return assembly.network([hat])


def generic_hat() -> Network:
    """The hat as ReLU of the minimum of its six pieces: L = 5, hidden (9, 5, 3, 1), M = 44."""
    assembly = Assembly(2)
    (least,) = play(assembly, [affine_forms(SIX_PIECES, assembly.variables)], assembly.min)
    hat = assembly.relu(1 + least)
    assembly.close()
    return assembly.network([hat])
