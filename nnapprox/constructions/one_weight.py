"""The Kolmogorov-Tikhomirov code: a Lipschitz function in one weight of a network that is the same for all."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from math import ceil
from typing import Annotated

from nnapprox import calculus
from nnapprox.constructions.assembly import Assembly, Form
from nnapprox.constructions.bit_extraction import leading_bit
from nnapprox.constructions.construction import UNIT, Construction, Option, Theorem, construction, prove
from nnapprox.constructions.float64 import float_error
from nnapprox.constructions.targets import continuous
from nnapprox.errors import UsageError
from nnapprox.exact import ball_around, bounds, to_fraction, to_rational
from nnapprox.functions import Expression
from nnapprox.network import Network

KOLMOGOROV = "Kolmogorov and Tikhomirov (1959), ε-entropy and ε-capacity of sets in function spaces"

MOST_CELLS = 1024
"""Cells up to which the network is certified in reasonable time; its weights have as many bits."""

ROUNDING = Fraction(1, 2**24)
"""What rounding adds to the radius of a ball, at most, in parts of it."""

SLOPE_CELLS = 256
"""Parts of [0, 1] on each of which the slope of a function is enclosed."""


@construction(group="coefficients against bits", source=KOLMOGOROV, example="--function sin(3*x)/3 --eps 1/16")
def one_weight(
    function: Annotated[Expression, Option("The function, of x in [0, 1]; Lipschitz.")],
    eps: Annotated[Fraction, Option("The error to stay below.", above=0)],
    lipschitz: Annotated[
        Fraction | None, Option("A Lipschitz constant of the function, instead of a computed one.", above=0)
    ] = None,
) -> Construction:
    """A Lipschitz function on [0, 1] in one number, which a network that is the same for all functions decodes.

    With slopes of 1 and -1 times the Lipschitz constant, phi follows the function cell by cell; its directions are the
    bits of one weight theta, 1 / eps - 1 of them, and no code has fewer. L = 2 n - 1 and M = 25 (n - 1) for n cells.
    """
    function = continuous(function)
    constant = lipschitz or steepest_slope(function) or eps
    cells = max(2, ceil(constant / eps))
    if cells > MOST_CELLS:
        least = float(constant / MOST_CELLS)
        raise UsageError(
            f"--eps {eps} takes a bit in each of {cells} cells: at most {MOST_CELLS}, an eps of {least:.3g}"
        )
    start = function.approximate((Fraction(0),))
    bits = directions(function, start, constant, cells)
    network = coded_network(bits, start, constant)
    statement = f"sup |f - phi| <= {constant} / n where {constant} is a Lipschitz constant of f"
    notes = {
        "bits of theta": len(bits),
        "bits that every code for such functions needs": ceil(constant / eps) - 1,
        "float64 is off by": float_error(network),
    }
    made = prove(network, function, UNIT, theorem=Theorem(constant / cells, statement, KOLMOGOROV), notes=notes)
    if made.certificate.lower > eps:
        raise UsageError(f"{function} is steeper somewhere than --lipschitz {constant}: give a larger one, or none")
    return made


def steepest_slope(function: Expression) -> Fraction:
    """A bound of the slopes of a function on [0, 1], without what balls add by rounding, and then up to thousandths.

    Raises
    ------
    UsageError
        The slopes are not known to be bounded.
    """
    largest = Fraction(0)
    for cell in range(SLOPE_CELLS):
        low, high = Fraction(cell, SLOPE_CELLS), Fraction(cell + 1, SLOPE_CELLS)
        coefficients = function.series(ball_around(to_rational(low), to_rational(high)), 1)
        if len(coefficients) < 2:
            raise UsageError(f"{function} is not known to be of bounded slope near {float(low):.3g}")
        largest = max(largest, *(abs(to_fraction(end)) for end in bounds(coefficients[1])))
    return Fraction(ceil(1000 * largest * (1 - ROUNDING)), 1000)


def directions(function: Expression, start: Fraction, constant: Fraction, cells: int) -> list[bool]:
    """Whether phi goes up, in each cell but the first, to follow (function - start) / constant."""
    bits, height = [], Fraction(0)
    for cell in range(1, cells):
        ahead = (function.approximate((Fraction(cell + 1, cells),)) - start) / constant
        bits.append(ahead >= height)
        height += Fraction(1 if bits[-1] else -1, cells)
    return bits


def coded_network(bits: Sequence[bool], start: Fraction, constant: Fraction) -> Network:
    """The network start + constant phi(x), phi the function with these directions: L = 2 n - 1 for n - 1 bits.

    Only theta = 0.b_1 b_2 ... in binary and the last two numbers depend on the function; merged, theta stands in three
    biases of the first layer.
    """
    theta = sum((Fraction(bit, 2**place) for place, bit in enumerate(bits, start=1)), start=Fraction(0))
    decoder = calculus.precompose(decoder_network(len(bits) + 1), [[1], [0]], [0, theta])
    return calculus.compose(calculus.affine([[constant]], [start]), decoder)


def decoder_network(cells: int) -> Network:
    """The network (x, theta) -> phi(x) that decodes n - 1 bits of theta as the directions of phi in n cells of [0, 1].

    phi is 0 on the first cell and then goes up (bit 1) or down (bit 0) with slope 1. Two layers a bit: one reads the
    bit b and makes the cell's ramp c, the next makes b c = ReLU(c - (1 - b) / n), exact since 0 <= c <= 1 / n.
    """
    net, bits = Assembly(2, nonnegative=True), cells - 1
    x, rest = net.variables
    above = Form(constant=1)  # phi + 1, which is never negative
    for cell in range(1, cells):
        digit = leading_bit(net, rest, bits)
        ramp = net.relu(x - Fraction(cell, cells)) - net.relu(x - Fraction(cell + 1, cells))
        x, rest, above = net.relu(x), net.relu(rest), net.relu(above)
        net.close()
        gated = net.relu(ramp - Fraction(1, cells) * (1 - digit))
        x, rest, above, ramp = net.relu(x), net.relu(2 * rest - digit), net.relu(above), net.relu(ramp)
        net.close()
        above += 2 * gated - ramp
    return net.network([above - 1])
