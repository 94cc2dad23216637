"""What a construction takes: bits of its weights, pieces of its function."""

from __future__ import annotations

import itertools
import math
from fractions import Fraction
from typing import NamedTuple

from nnapprox.constructions.construction import MOST_PIECES, Construction
from nnapprox.network import Network
from nnapprox.regions.line import line_pieces


class Counts(NamedTuple):
    """Pieces of a function of one variable on an interval.

    Attributes
    ----------
    activation : int
        Intervals on which every neuron keeps its state.
    linear : int
        Those that are left where neighbours with the same affine map are merged.
    bound : int
        What no network of these widths exceeds, the product of all N_l + 1 over the hidden layers.
    """

    activation: int
    linear: int
    bound: int


def exact_bits(network: Network) -> int:
    """Bits of the nonzero weights and biases, written exactly, and of the places that they stand at.

    A number takes a bit for its sign, the digits of its numerator, and those of its denominator: of the exponent, where
    all denominators are powers of two. A place takes the bits of an index into all weights and biases.
    """
    arrays = itertools.chain.from_iterable((layer.weight.flat, layer.bias.flat) for layer in network.layers)
    numbers = [Fraction(number) for array in arrays for number in array if number]
    dyadic = all(number.denominator & (number.denominator - 1) == 0 for number in numbers)
    denominators = ((n.denominator.bit_length() - 1 if dyadic else n.denominator).bit_length() for n in numbers)
    digits = sum(1 + abs(number.numerator).bit_length() for number in numbers) + sum(denominators)
    return digits + len(numbers) * (network.parameters - 1).bit_length()


def count_pieces(made: Construction) -> Counts | None:
    """Count the pieces on the certificate's interval; None in more dimensions, or where they may be too many."""
    network, domain = made.network, made.certificate.domain
    if len(domain) > 1 or not network.activation.is_piecewise_linear:
        return None
    bound = math.prod(width + 1 for width in network.widths[1:-1])
    if made.tolerance is None and bound > MOST_PIECES:
        return None
    pieces = line_pieces(network, *domain[0])
    return Counts(pieces.activation_regions, pieces.linear_regions, bound)
