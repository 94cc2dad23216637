"""Best m-term approximation in a dictionary, emulated by a network: what dictionaries reach, networks reach."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from fractions import Fraction
from math import isqrt, log2
from typing import Annotated, Literal

from nnapprox.certificate import Norm, certify
from nnapprox.constructions.atoms import Atom, sum_network
from nnapprox.constructions.construction import UNIT, Construction, Option, Theorem, construction, prove
from nnapprox.constructions.faber_schauder import faber_schauder
from nnapprox.constructions.gabor_analysis import gabor_atoms
from nnapprox.constructions.interpolation import Bits
from nnapprox.constructions.wavelet_analysis import haar_atom, haar_coefficients, hat_wavelet_atoms
from nnapprox.functions import Expression
from nnapprox.network import Network

TRANSFER = "Bölcskei, Grohs, Kutyniok and Petersen (2019), Optimal approximation with sparsely connected deep networks"

_STEEPEST = Fraction(1, 2**40)
"""No ramp of a Haar wavelet is narrower, relative to the wavelet."""

_ROOT_BITS = 48


@construction(group="dictionaries", source=TRANSFER, example="--function sqrt(x) --dictionary faber-schauder --terms 8")
def dictionary(
    function: Annotated[Expression, Option("The function of x on [0, 1].")],
    terms: Annotated[int, Option("How many terms are kept, m.", at_least=1, at_most=4096)],
    dictionary: Annotated[
        Literal["faber-schauder", "haar", "spline", "gabor"],
        Option("Hats, in the sup norm; Haar's wavelets, wavelets of hats, or windowed waves, in L2."),
    ] = "faber-schauder",
    levels: Annotated[int, Option("Wavelets have scales from 1 to 2^(1-levels).", at_least=1, at_most=14)] = 10,
    bits: Bits = 64,
) -> Construction:
    """The m largest terms of a function's expansion in a dictionary, as one network.

    Of the expansion all but the m largest terms are dropped; what is left is emulated, atom by atom: hats and wavelets
    of hats exactly, Haar's wavelets with ramps that are narrow enough to matter little, Gabor's atoms (chosen by
    matching pursuit) by interpolation. M = O(m), and weights that grow polynomially in m: the network has the
    dictionary's rate.
    """
    expansion = _expand(dictionary, function.of_inputs(1), terms, levels, bits)
    norm: Norm = "sup" if dictionary == "faber-schauder" else "L2"
    statement = "a rate m^-g of the best m terms is one of networks: M = O(m), weights polynomial in m"
    made = prove(expansion.network(terms), function, UNIT, norm=norm, theorem=Theorem(None, statement, TRANSFER))
    half = certify(expansion.network(terms // 2), function, UNIT, norm=norm).upper
    error = made.certificate.upper
    notes = {
        "deepest level": max((atom.level for atom in expansion.atoms), default=0),
        "emulation error": expansion.emulation_error,
        "error of half the terms": half,
        "exponent": round(log2(half / error), 4) if half and error else None,
    }
    return replace(made, notes=notes)


@dataclass(frozen=True)
class Expansion:
    """The largest terms of a function in a dictionary.

    Attributes
    ----------
    coarse : Atom
        What is always kept.
    atoms : sequence of Atom
        The largest first, as they are emulated.
    emulation_error : Fraction
        A bound of what emulating all of them errs by.
    """

    coarse: Atom
    atoms: Sequence[Atom]
    emulation_error: Fraction = Fraction(0)

    def network(self, terms: int) -> Network:
        """The sum of so many of the largest terms."""
        return sum_network([self.coarse, *self.atoms[:terms]])


def _expand(dictionary: str, function: Expression, terms: int, levels: int, bits: int) -> Expansion:
    if dictionary == "faber-schauder":
        return Expansion(*faber_schauder(function, terms, bits))
    if dictionary == "spline":
        coarse, atoms = hat_wavelet_atoms(function, levels, bits)
        return Expansion(coarse, _largest(atoms, terms))
    if dictionary == "gabor":
        return Expansion(*gabor_atoms(function, terms, bits))
    return _haar(function, terms, levels, bits)


def _largest(atoms: Sequence[Atom], terms: int) -> list[Atom]:
    return sorted(atoms, key=lambda atom: atom.coefficient**2 * atom.squared_norm, reverse=True)[:terms]


def _haar(function: Expression, terms: int, levels: int, bits: int) -> Expansion:
    """With ramps that err, all together, by an eighth of what the dropped terms make up, or less."""
    mean, coefficients = haar_coefficients(function, levels, bits)
    ordered = sorted(coefficients, key=_energy, reverse=True)
    kept = [term for term in ordered[:terms] if term[0]]
    # A wavelet of norm 1 errs by sqrt(delta / 2) in L2; errors add up at most.
    amplitude: Fraction = sum((_root_above(_energy(term)) for term in kept), start=Fraction(0))
    allowed = _root_above(sum(map(_energy, ordered[terms:]), start=Fraction(0))) / 8
    ramp = Fraction(1, 4)
    while ramp > _STEEPEST and amplitude**2 * ramp / 2 > allowed**2:
        ramp /= 2
    coarse = Atom(Fraction(1), ((Fraction(0), mean), (Fraction(1), mean)), 0)
    atoms = [haar_atom(*term, ramp) for term in kept]
    return Expansion(coarse, atoms, amplitude * _root_above(ramp / 2))


def _energy(term: tuple[Fraction, int, int]) -> Fraction:
    """The squared L2 norm of a term c h(2^j x - k)."""
    coefficient, level, _ = term
    return coefficient * coefficient / (1 << level)


def _root_above(number: Fraction) -> Fraction:
    """A rational a little above the square root."""
    return Fraction(isqrt(int(number * 4**_ROOT_BITS)) + 1, 2**_ROOT_BITS)
