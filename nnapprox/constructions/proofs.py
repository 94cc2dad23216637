"""Certificates that need no region: equality everywhere, by normal forms."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import TYPE_CHECKING

from nnapprox.constructions.assembly import Form, Number
from nnapprox.constructions.construction import Domain
from nnapprox.constructions.normal_form import NormalForms
from nnapprox.errors import NnapproxError
from nnapprox.network import Network

if TYPE_CHECKING:
    from nnapprox.certificate import Certificate

Reference = Callable[[NormalForms], Sequence[Form]]
"""Gives the normal forms of what a network should be."""


def verify_identity(network: Network, reference: Reference, corner: Sequence[Number] | None = None) -> None:
    """Prove that a network is the reference at every point of R^d, or at every one that is nowhere below a corner.

    Raises
    ------
    NnapproxError
        The normal forms differ.
    """
    forms = NormalForms(network.widths[0], corner)
    if forms.of(network) != list(reference(forms)):
        raise NnapproxError("the network is not what it was meant to be: its normal form is another one")


def exact_everywhere(network: Network, reference: Reference, domain: Domain, nonnegative: bool = False) -> Certificate:
    """The certificate that a network is the reference, with error 0; the proof holds beyond the domain too."""
    from nnapprox.certificate import Certificate

    verify_identity(network, reference, [0] * network.widths[0] if nonnegative else None)
    corner = tuple(low for low, _ in domain)
    where = "at every nonnegative point" if nonnegative else "at every point of R^d"
    return Certificate("sup", domain, "exact", Fraction(0), corner, f"equal ReLU normal forms: exact {where}")


def cube(dim: int, nonnegative: bool = False) -> Domain:
    """[-1, 1]^d, or [0, 1]^d."""
    return ((Fraction(0 if nonnegative else -1), Fraction(1)),) * dim


def variable_names(dim: int) -> tuple[str, ...]:
    """The coordinates' names in expressions: x, or x1, ..., xd."""
    return ("x",) if dim == 1 else tuple(f"x{i}" for i in range(1, dim + 1))
