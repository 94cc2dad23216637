"""The way to a certificate, by what network and target are."""

from __future__ import annotations

from fractions import Fraction
from typing import get_args

from nnapprox.certificate.certificate import Certificate, Domain, Norm
from nnapprox.certificate.line import certify_piecewise_affine, certify_quadratic, pieces_through
from nnapprox.errors import UsageError
from nnapprox.functions import Expression
from nnapprox.network import Network

TOLERANCE = Fraction(1, 10**6)

MOST_CELLS = 2**18
"""So many take about a minute in the plane, and more in more dimensions."""


def certify(
    network: Network, target: Expression | Network, domain: Domain, norm: Norm = "sup", tolerance: Fraction = TOLERANCE,
    *, most_cells: int = MOST_CELLS,
) -> Certificate:  # fmt: skip
    """Prove how far a network is from its target.

    Parameters
    ----------
    network : Network
        With a piecewise linear activation; floats are taken as the dyadic rationals that they are.
    target : Expression or Network
        Of as many variables, or an expression of fewer; an expression has one output.
    domain : tuple of (low, high)
        A box, an interval for every input.
    norm : str
        ``sup``, ``L1`` or ``L2``.
    tolerance : Fraction
        Relative width of an enclosure, where the norm is not found exactly; above 0.
    most_cells : int
        In several dimensions, more pieces of network and target together are refused.

    Returns
    -------
    Certificate
        Exact in one variable for piecewise linear targets, and quadratic ones (sup and L2), and in several variables
        for piecewise affine and quadratic ones; an enclosure in one variable for all others.

    Raises
    ------
    UsageError
        Network, target and domain do not fit together, the target is not defined on all of the domain, or there is no
        way to a certificate for them.
    """
    network = network.astype("rational")
    target = target if isinstance(target, Network) else target.of_inputs(network.widths[0])
    _require_fit(network, target, domain)
    if norm not in get_args(Norm):
        raise UsageError(f"unknown norm {norm!r}: choose one of {', '.join(get_args(Norm))}")
    if tolerance <= 0:
        raise UsageError(f"the tolerance must be above 0, not {tolerance}")
    if len(domain) > 1:
        from nnapprox.certificate.space import certify_in_space

        return certify_in_space(network, target, domain, norm, tolerance, most_cells)
    if isinstance(target, Network):
        return certify_piecewise_affine(network, target, domain, norm, tolerance)
    ((low, high),) = domain
    polyline = target.affine_pieces(low, high)
    if polyline is not None:
        pieces = pieces_through(polyline.knots, polyline.values)
        return certify_piecewise_affine(network, pieces, domain, norm, tolerance)
    coefficients = target.polynomial()
    if coefficients is not None and len(coefficients) == 3 and norm != "L1":
        return certify_quadratic(network, coefficients, domain, norm, tolerance)
    from nnapprox.certificate.analytic import certify_analytic

    return certify_analytic(network, target, domain, norm, tolerance)


def _require_fit(network: Network, target: Expression | Network, domain: Domain) -> None:
    inputs, outputs = network.widths[0], network.widths[-1]
    theirs = (target.widths[0], target.widths[-1]) if isinstance(target, Network) else (target.inputs, 1)
    if theirs != (inputs, outputs):
        raise UsageError(
            f"a network from {inputs} inputs to {outputs} outputs cannot be compared with a target from {theirs[0]} to "
            f"{theirs[1]}"
        )
    if len(domain) != inputs:
        raise UsageError(f"the domain has {len(domain)} intervals, but the network takes {inputs} inputs")
    for low, high in domain:
        if not low < high:
            raise UsageError(f"the interval from {low} to {high} is empty")
