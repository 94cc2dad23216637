"""Payoffs of options on d assets, exactly: a maximum, a basket or a spread against a strike."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from nnapprox.constructions.assembly import Assembly, Form, inner
from nnapprox.constructions.construction import Construction, Option, Rationals, construction
from nnapprox.constructions.maximum import Dim, Nonnegative, require_extremum_memory
from nnapprox.constructions.normal_form import NormalForms
from nnapprox.constructions.proofs import cube, exact_everywhere, variable_names
from nnapprox.constructions.rows import affine_text
from nnapprox.constructions.text import linear_sum
from nnapprox.constructions.tournament import play, settle
from nnapprox.functions import parse

GROUP = "order statistics and payoffs"
SOURCE = "Grohs, Hornung, Jentzen and von Wurstemberger (2018)"

Strike = Annotated[Fraction, Option("The strike, K.")]


@construction(group=GROUP, source=SOURCE, example="--dim 4 --strike 1/2")
def max_call(dim: Dim, strike: Strike, nonnegative: Nonnegative = False) -> Construction:
    """The call on the best of d assets: what max(x1, ..., xd) is above the strike, exactly.

    max(max(x1, ..., xd) - K, 0): the tournament and one neuron.
    """
    return _call_on_extremum("max", dim, strike, nonnegative)


@construction(group=GROUP, source=SOURCE, example="--dim 4 --strike 1/2")
def worst_of(dim: Dim, strike: Strike = Fraction(0), nonnegative: Nonnegative = False) -> Construction:
    """The call on the worst of d assets: what min(x1, ..., xd) is above the strike, exactly.

    max(min(x1, ..., xd) - K, 0): the tournament and one neuron.
    """
    return _call_on_extremum("min", dim, strike, nonnegative)


@construction(group=GROUP, source=SOURCE, example="--weights 1/2,1/4,1/4 --strike 1")
def basket_call(
    weights: Annotated[Rationals, Option("What the basket holds of every asset.")], strike: Strike
) -> Construction:
    """The call on a basket: what w1 x1 + ... + wd xd is above the strike, exactly.

    ReLU(w.x - K): one neuron and d + 2 weights.
    """
    return _call_on_sum(weights, strike)


@construction(group=GROUP, source=SOURCE, example="--strike 1/2")
def spread_call(strike: Strike) -> Construction:
    """The call on a spread: what x1 - x2 is above the strike, exactly.

    ReLU(x1 - x2 - K): one neuron and 4 weights.
    """
    return _call_on_sum((Fraction(1), Fraction(-1)), strike)


def _call_on_extremum(which: str, dim: int, strike: Fraction, nonnegative: bool) -> Construction:
    require_extremum_memory(dim)
    assembly = Assembly(dim, nonnegative)
    (best,) = play(assembly, [assembly.variables], getattr(assembly, which))
    call = assembly.relu(best - strike)
    assembly.close()
    network = assembly.network([call])

    def reference(forms: NormalForms) -> list[Form]:
        return [forms.relu(settle(forms.variables, getattr(forms, which)) - strike)]

    certificate = exact_everywhere(network, reference, cube(dim, nonnegative), nonnegative)
    extremum = f"{which}({', '.join(variable_names(dim))})"
    return Construction(network, parse(f"relu({linear_sum([(1, extremum), (-strike, '')])})"), certificate)


def _call_on_sum(weights: tuple[Fraction, ...], strike: Fraction) -> Construction:
    assembly = Assembly(len(weights))
    call = assembly.relu(inner(weights, assembly.variables) - strike)
    assembly.close()
    network = assembly.network([call])
    certificate = exact_everywhere(
        network, lambda forms: [forms.relu(inner(weights, forms.variables) - strike)], cube(len(weights))
    )
    target = parse(f"relu({affine_text(weights, -strike)})", variables=variable_names(len(weights)))
    return Construction(network, target, certificate)
