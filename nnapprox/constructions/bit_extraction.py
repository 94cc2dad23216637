"""Bit extraction: one number carries many bits, and a narrow deep network reads them one by one."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

import numpy as np

from nnapprox import calculus
from nnapprox.constructions.assembly import Assembly, Form
from nnapprox.constructions.construction import Construction, Option, Theorem, construction
from nnapprox.constructions.memory import require_memory
from nnapprox.errors import NnapproxError, UsageError
from nnapprox.network import Network

HALF = Fraction(1, 2)

DIGIT = calculus.layer([[1, -1, 0]], [0])
"""The last affine map: the two neurons that read the last digit."""

FLOAT_TRIALS = 200
"""Numbers at which float64 is held against exact arithmetic."""


@construction(group="coefficients against bits", source="Bartlett, Maiorov and Meir (1998)", example="--bits 60")
def bit_extraction(
    bits: Annotated[int, Option("Binary digits of the input, K.", at_least=1)],
) -> Construction:
    """The last of the K binary digits of a number, with three neurons a layer.

    While digits are left: b = ReLU(2^K (r - 1/2) + 1) - ReLU(2^K (r - 1/2)), r = 2r - b. The weights grow with K.
    """
    from nnapprox.certificate import Certificate

    require_memory("--bits", bits, lambda k: 12 * k + k * k // 64)  # of them 11 k weights have k bits
    network = last_bit_network(bits)
    verify_by_induction(network, bits)
    certificate = Certificate(
        "sup",
        ((Fraction(0), 1 - Fraction(1, 2**bits)),),
        "exact",
        Fraction(0),
        None,
        f"at the multiples of 2^-{bits}: induction over the digits, each step checked at both ends of its ramp",
    )
    theorem = Theorem(Fraction(0), "exact at every number of K binary digits, for every K", "direct computation")
    notes = {"share of inputs that float64 gets wrong": float_failures(network, bits)}
    return Construction(network, None, certificate, theorem, notes)


def leading_bit(net: Assembly, rest: Form, bits: int) -> Form:
    """The leading binary digit of a number in [0, 1) that has at most so many, by a ramp of slope 2^bits."""
    ramp = 2**bits * (rest - HALF)
    return net.relu(ramp + 1) - net.relu(ramp)


def last_bit_network(bits: int) -> Network:
    """The last of the binary digits of a number in [0, 1): K hidden layers of width 3, L = K + 1, M = 11 K - 4."""
    net = Assembly(1, nonnegative=True)
    (rest,) = net.variables
    digit = Form()
    for _ in range(bits):
        digit, kept = leading_bit(net, rest, bits), net.relu(rest)
        rest = 2 * kept - digit
        net.close()
    return net.network([digit])


def verify_by_induction(network: Network, bits: int) -> None:
    """Prove that a network gives the last digit of every multiple of 2^-bits in [0, 1).

    Let the number in front of hidden layer k be a multiple of 2^(k-1-K) in [0, 1). The digit that the layer reads is
    affine but for a ramp between 1/2 - 2^-K and 1/2, and no such multiple lies inside of it: so it is enough that the
    digit is 0 up to the ramp, 1 beyond it, and that the next layer takes twice the number less the digit.

    Raises
    ------
    NnapproxError
        A layer is another one.
    """
    first, *others = network.layers
    again = calculus.compose(Network([first]), calculus.affine([[-1, 1, 2]])).layers[0]
    for number, (layer, expected) in enumerate(zip(others, [*[again] * (bits - 1), DIGIT], strict=False), start=2):
        if layer != expected:
            raise NnapproxError(f"affine map {number} of the network is not that of bit extraction")
    step = Network([first, calculus.layer([[1, -1, 0], [-1, 1, 2]], [0, 0])])
    ends = [Fraction(0), HALF - Fraction(1, 2**bits), HALF, Fraction(1)]
    if [tuple(pair) for pair in step([[end] for end in ends])] != [(0, 0), (0, 2 * ends[1]), (1, 0), (1, 1)]:
        raise NnapproxError("affine map 1 of the network does not read a digit")


def float_failures(network: Network, bits: int) -> Fraction:
    """The share of random numbers of so many digits for which float64 gives another last digit."""
    digits = np.random.default_rng(0).integers(2, size=(FLOAT_TRIALS, bits))
    numbers = [int("".join(map(str, row)), 2) for row in digits]
    try:
        found = network.astype("float64")([[number / 2**bits] for number in numbers])
    except UsageError:  # the weights are too large for it
        return Fraction(1)
    return Fraction(sum(float(y) != n % 2 for (y,), n in zip(found, numbers, strict=True)), FLOAT_TRIALS)
