"""Decision regions of prescribed topology: as many components, or holes, as the depth allows."""

from __future__ import annotations

from fractions import Fraction
from typing import Annotated

from nnapprox.constructions.construction import Construction, Option, Theorem, construction
from nnapprox.constructions.memory import require_memory
from nnapprox.constructions.sawtooth import certify_by_induction, sawtooth_network
from nnapprox.constructions.separable import Sum
from nnapprox.functions import parse

BIANCHINI = "after Bianchini and Scarselli (2014), On the complexity of neural network classifiers"


@construction(group="regions and topology", source=BIANCHINI, example="--dim 2 --depth 3")
def betti(
    dim: Annotated[int, Option("Number of variables, d.", at_least=1)],
    depth: Annotated[int, Option("How often the hat is composed with itself, k.", at_least=1)],
) -> Construction:
    """A network that is positive on 2^(d (k-1)) separate pieces of the unit cube.

    g^k(x1) + ... + g^k(xd) - (d - 1/2), with the sawtooth g^k: positive only where every summand is above 1/2, which is
    on a convex piece around every point whose coordinates are peaks. For d = 2 the rest of the open square hangs
    together and has a hole for every piece.
    """
    require_memory("--depth", depth, lambda k: (3 * dim) ** 2 * k)
    tooth = sawtooth_network(depth)
    whole = Sum(tooth, [1] * dim, Fraction(1, 2) - dim)
    components = 2 ** (dim * (depth - 1))
    notes: dict[str, object] = {"components where positive": components}
    if dim == 2:
        notes["holes of the rest"] = components
    return Construction(
        whole.network,
        parse(whole.text(f"tri({2**depth}*{{x}})")),
        whole.certificate(certify_by_induction(tooth, depth, "inner")),
        Theorem(None, f"2^(d (k-1)) = {components} components", BIANCHINI),
        notes,
    )
