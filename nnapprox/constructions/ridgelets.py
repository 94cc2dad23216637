"""Ridge functions: a wavelet of one direction, constant along all others."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from nnapprox.constructions import cpwl
from nnapprox.constructions.assembly import Assembly, Form, inner, total
from nnapprox.constructions.construction import Construction, Option, Rationals, construction
from nnapprox.constructions.normal_form import NormalForms
from nnapprox.constructions.proofs import cube, exact_everywhere, variable_names
from nnapprox.constructions.rows import affine_text
from nnapprox.constructions.spline_wavelets import hat_wavelet_points, hat_wavelet_text
from nnapprox.errors import UsageError
from nnapprox.functions import parse


@construction(
    group="indicators, splines and wavelets",
    source="Candès (1998), Ridgelets; Candès and Donoho (1999)",
    example="--direction 3/5,4/5 --scale 1/4",
)
def ridgelet(
    direction: Annotated[Rationals, Option("The direction, a.")],
    scale: Annotated[Fraction, Option("The width s of the ridge.", above=0)] = Fraction(1),
    shift: Annotated[Fraction, Option("Where the ridge is, b.")] = Fraction(0),
    dual: Annotated[int, Option("Vanishing moments of the wavelet; even.", at_least=2, at_most=16)] = 2,
) -> Construction:
    """A ridgelet, psi((a.x - b) / s), exactly.

    psi is the wavelet of hats. One neuron takes the direction, and one each of its knots.
    """
    if not any(direction):
        raise UsageError("--direction must not be zero")
    if dual % 2:
        raise UsageError(f"--dual must be even, not {dual}")
    row, constant = [a / scale for a in direction], -shift / scale
    kinks = cpwl.kinks_on_line(hat_wavelet_points(dual))
    start = kinks[0][0]
    assembly = Assembly(len(row))
    beyond = assembly.relu(inner(row, assembly.variables) + (constant - start))
    assembly.close()
    ridge = total(jump * assembly.relu(beyond - (knot - start)) for knot, jump in kinks)
    assembly.close()
    network = assembly.network([ridge])

    def reference(forms: NormalForms) -> list[Form]:
        position = inner(row, forms.variables) + constant
        return [total(jump * forms.relu(position - knot) for knot, jump in kinks)]

    text = hat_wavelet_text(dual, f"({affine_text(row, constant)})")
    target = parse(text, variables=variable_names(len(row)))
    return Construction(network, target, exact_everywhere(network, reference, cube(len(row))))
