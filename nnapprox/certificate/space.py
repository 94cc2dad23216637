"""Norms of a network's error in several dimensions, exactly, cell by cell.

On a cell (`nnapprox.regions.cells`) the network is affine. Where the target is affine or quadratic there, so is the
error: its largest value and its integrals are rational numbers that the vertices and a few critical points tell.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from operator import itemgetter

from nnapprox.certificate.arithmetic import root_bounds, total
from nnapprox.certificate.certificate import Certificate, Domain, Norm
from nnapprox.certificate.pieces import pieces
from nnapprox.certificate.quadratic import Quadratic
from nnapprox.errors import UsageError
from nnapprox.exact import Rational, to_fraction
from nnapprox.functions import Expression
from nnapprox.functions.algebra import shortened
from nnapprox.network import Network
from nnapprox.regions.cells import Enumerator, cells
from nnapprox.regions.polytope import Polytope, to_point


def certify_in_space(
    network: Network, target: Expression | Network, domain: Domain, norm: Norm, tolerance: Fraction, most_cells: int
) -> Certificate:
    """Certify a rational network against a target that is piecewise affine or quadratic.

    Parameters
    ----------
    network : Network
        With a piecewise linear activation.
    target : Expression or Network
        Another such network; or an expression whose pieces are polynomials of degree at most 2 and meet in planes.
    domain : Domain
        In 2 to `nnapprox.regions.polytope.MOST_DIMENSIONS` dimensions.
    norm : str
        Over several outputs ``sup`` takes the largest error, ``L1`` and ``L2`` add integrals up. The L1 norm of a
        curved error can be had only where it keeps its sign on every cell.
    tolerance : Fraction
        Relative width of the enclosure of an L2 norm that is not rational.
    most_cells : int
        More pieces of network and target together are refused.

    Raises
    ------
    UsageError
        The target or the dimension is another one, the norm cannot be had, or there are too many pieces.
    """
    errors = _errors(network, target, Polytope.box(domain), most_cells)
    if norm == "sup":
        if isinstance(target, Expression) and not target.is_continuous:
            raise UsageError(
                f"{shortened(str(target))} may jump, and then takes no largest error anywhere: take the norm L1 or L2"
            )
        extrema = (found for polytope, error in errors for found in error.extrema(polytope))
        value, vertex = max(((abs(value), vertex) for value, vertex in extrema), key=itemgetter(0))
        source = "vertices and critical points of all cells"
        return Certificate(norm, domain, "exact", to_fraction(value), to_point(vertex), source)
    source = "integrals over all cells"
    if norm == "L1":
        integral = total(_integral(polytope, error) for polytope, error in errors)
        return Certificate(norm, domain, "exact", integral, None, source)
    squares = (error.integral_of_square(simplex) for polytope, error in errors for simplex in polytope.simplices())
    low, high = root_bounds(total(squares), tolerance)
    if low == high:
        return Certificate(norm, domain, "exact", low, None, source)
    return Certificate(norm, domain, "enclosure", (low, high), None, f"{source}, and a square root")


def _integral(polytope: Polytope, error: Quadratic) -> Rational:
    """The integral of the absolute value of an error.

    Raises
    ------
    UsageError
        It changes its sign along a curve.
    """
    values = [value for value, _ in error.extrema(polytope)]
    if min(values) < 0 < max(values):
        if error.reach:
            raise UsageError("the error changes its sign along a curve: its L1 norm is not known, take sup or L2")
        form = error.form
        parts = polytope.split(form, polytope.values([form])[0], polytope.next_label)
        return sum((_integral(part, error) for part in parts), start=Rational(0))
    return abs(sum((error.integral(simplex) for simplex in polytope.simplices()), start=Rational(0)))


def _errors(
    network: Network, target: Expression | Network, domain: Polytope, most_cells: int
) -> Iterator[tuple[Polytope, Quadratic]]:
    """Give the error on every cell, of one output after the other."""
    enumerator = Enumerator(network)
    parts = ((cell, functions) for part, functions in _target_on(domain, target) for cell in enumerator.cells(part))
    for count, (cell, functions) in enumerate(parts):
        if count == most_cells:
            raise UsageError(
                f"network and target have more than {most_cells:,} pieces together: take a smaller network or domain"
            )
        forms, scale = cell.outputs
        for function, form in zip(functions, forms, strict=True):
            yield cell.polytope, function.minus(form, scale)


def _target_on(domain: Polytope, target: Expression | Network) -> Iterator[tuple[Polytope, list[Quadratic]]]:
    """Give the target on its own pieces: every output."""
    if isinstance(target, Expression):
        for part, function in pieces(target, domain):
            yield part, [function]
    else:
        for cell in cells(target, domain):
            forms, scale = cell.outputs
            yield cell.polytope, [Quadratic.of_form(form, scale) for form in forms]
