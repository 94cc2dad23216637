"""The hat and its compositions: sawtooth functions, their shallow equivalents, and sums of them."""

from __future__ import annotations

from collections.abc import Sequence
from fractions import Fraction
from typing import Annotated, Literal

from nnapprox import calculus
from nnapprox.calculus import layer
from nnapprox.certificate import Certificate, certify
from nnapprox.constructions.construction import UNIT, Construction, Option, Theorem, construction, prove
from nnapprox.constructions.memory import NUMBERS_A_LAYER, require_memory
from nnapprox.constructions.sizes import DEEPEST
from nnapprox.errors import UsageError
from nnapprox.functions import parse
from nnapprox.network import Affine, Network

HALF, THIRD = Fraction(1, 2), Fraction(1, 3)

INNER_HAT = Network([layer([[1], [1]], [0, -HALF]), layer([[2, -4]])])
"""g without its outer ReLU: 2x on [0, 1/2] and 2 - 2x from there on, so right up to 1; 0 below 0."""

OUTER_RELU = Network([layer([[1]]), layer([[1]])])

HAT = calculus.compose(OUTER_RELU, INNER_HAT)
"""g(x) = ReLU(2 ReLU(x) - 4 ReLU(x - 1/2)), right on all of R."""

DEEPEST_ENUMERATED = 20
"""Sawtooths of more compositions are certified by induction, not piece by piece."""

TELGARSKY = "Telgarsky (2015), Representation benefits of deep feedforward networks"

Form = Literal["merged", "composed", "inner"]


@construction(group="sawtooth and friends", source="the tooth that all others are made of", example="")
def hat(
    outer: Annotated[bool, Option("Cut off what is negative beyond 1, so that it is right on all of R.")] = True,
) -> Construction:
    """The hat g: 2x on [0, 1/2], 2 - 2x on [1/2, 1], 0 elsewhere.

    g(x) = ReLU(2 ReLU(x) - 4 ReLU(x - 1/2)); without the outer ReLU it is 2 - 2x beyond 1, too.
    """
    return prove(HAT if outer else INNER_HAT, "relu(1 - abs(2*x - 1))", ((Fraction(-1), Fraction(2 if outer else 1)),))


@construction(group="sawtooth and friends", source=TELGARSKY, example="--depth 5")
def sawtooth(
    depth: Annotated[int, Option("How often the hat is composed with itself, k.", at_least=1)],
    shallow: Annotated[bool, Option("One hidden layer of 2^k neurons instead, right on [0, 1].")] = False,
    everywhere: Annotated[bool, Option("With --shallow: one neuron more, right on all of R.")] = False,
    form: Annotated[Form, Option("Hats merged, composed as they are, or merged without an outer ReLU.")] = "merged",
    versus: Annotated[int | None, Option("What no network of so many neurons in one layer beats.", at_least=0)] = None,
) -> Construction:
    """The hat composed with itself k times: 2^(k-1) teeth on [0, 1].

    g^k(x) = g(g(...g(x))) = the distance of 2^k x to the nearest even integer on [0, 1], and 0 elsewhere (with
    --form inner, on [0, 1] only). One hidden layer with m neurons leaves an L1 error of (1 - m / 2^(k-1)) / 4 at least.
    """
    if everywhere and not shallow:
        raise UsageError("--everywhere goes with --shallow: of the others, all but --form inner are right everywhere")
    notes = _lower_bounds(depth, versus)
    target = f"tri(2^{depth}*x)"
    if shallow:
        require_memory("--depth", depth, lambda k: 12 * 2 ** min(k, 64))
        return prove(shallow_sawtooth(depth, everywhere), target, UNIT, notes=notes)
    require_memory("--depth", depth, lambda k: NUMBERS_A_LAYER * k)
    network = sawtooth_network(depth, form)
    if depth <= DEEPEST_ENUMERATED:
        return prove(network, target, UNIT, notes=notes)
    return Construction(network, parse(target), certify_by_induction(network, depth, form), notes=notes)


@construction(group="sawtooth and friends", source="Takagi (1903); max T = 2/3: Kahane (1959)", example="--terms 5")
def takagi(
    terms: Annotated[int, Option("How many compositions are summed, K.", at_least=1, at_most=DEEPEST)],
    ratio: Annotated[Fraction, Option("The factor a between a summand and the next.", above=0, below=1)] = HALF,
) -> Construction:
    """Takagi's function, continuous and nowhere differentiable: a sum of sawtooths.

    T(x) = sum of 2^-k g^k(x) over k >= 1, cut after K terms. With --ratio 1/4 the same network is x (1 - x).
    """
    network = hat_series(Fraction(0), [ratio**k for k in range(1, terms + 1)])
    tail = ratio**terms
    statement = "the rest is a^K T(g^K(x)), so the error is a^K max T"
    if ratio == Fraction(1, 4):
        return prove(
            network,
            "x*(1 - x)",
            UNIT,
            pieces=2**terms,
            otherwise=Certificate("sup", UNIT, "bound", tail / 4, None, f"{statement}, and T(x) = x (1 - x)"),
            theorem=Theorem(tail / 4, "sup |T - T_K| = 4^-(K+1)", "the rest of the series"),
        )
    if ratio == HALF:
        certificate = Certificate("sup", UNIT, "exact", tail * 2 / 3, (THIRD,), f"{statement} = 2/3 a^K, at 1/3")
        theorem = Theorem(tail * 2 / 3, "sup |T - T_K| = 2/3 2^-K", "Kahane (1959)")
    else:
        bound = tail * ratio / (1 - ratio)
        certificate = Certificate("sup", UNIT, "bound", bound, None, f"{statement} <= a^K a / (1 - a)")
        theorem = Theorem(bound, "sup |T - T_K| <= a^(K+1) / (1 - a)", "the geometric series")
    return Construction(network, None, certificate, theorem, {"target": f"sum of ({ratio})^k g^k(x) over k >= 1"})


def sawtooth_network(depth: int, form: Form = "inner") -> Network:
    """The hat composed with itself `depth` >= 1 times.

    ``inner`` has no outer ReLU: L = depth + 1, M = 5 depth, right on [0, 1]. ``merged`` has one: L = depth + 2,
    M = 5 depth + 1, right on R. ``composed`` has one a hat: L = 2 depth + 1, M = 5 depth + 1, right on R.
    """
    unit = HAT if form == "composed" else INNER_HAT
    first, *middle, last = unit.layers
    network = Network([first, *middle, *([_seam(unit), *middle] * (depth - 1)), last])
    return calculus.compose(OUTER_RELU, network) if form == "merged" else network


def shallow_sawtooth(depth: int, everywhere: bool = False) -> Network:
    """g^depth with one hidden layer: a neuron a tooth's side, and one more where it is to be 0 beyond 1 as well."""
    knots = 2**depth
    jumps = [knots, *((-1) ** j * 2 * knots for j in range(1, knots)), *([knots] if everywhere else [])]
    first = layer([[1]] * len(jumps), [Fraction(-j, knots) for j in range(len(jumps))])
    return Network([first, layer([jumps])])


def hat_series(slope: Fraction, coefficients: Sequence[Fraction]) -> Network:
    """Slope x + sum of coefficients[k-1] g^k(x) over k = 1..K on [0, 1]: L = K + 1, width 3.

    All partial sums, `slope` x the first of them, must be nonnegative on [0, 1]: one channel carries them.
    """
    layers = [INNER_HAT.layers[0]]
    for number, coefficient in enumerate(coefficients, start=1):
        start, carried, unused = (slope, [], []) if number == 1 else (0, [1], [0])
        total = [start + 2 * coefficient, -4 * coefficient, *carried]
        tooth = [2, -4, *unused]
        if number < len(coefficients):
            layers.append(layer([tooth, tooth, total], [0, -HALF, 0]))
        else:
            layers.append(layer([total]))
    return Network(layers)


def certify_by_induction(network: Network, depth: int, form: Form) -> Certificate:
    """Certify a sawtooth network against tri(2^depth x) on [0, 1] without enumerating its 2^depth pieces.

    Raises
    ------
    UsageError
        The network is not the hat composed with itself.
    """
    unit = HAT if form == "composed" else INNER_HAT
    first, *middle, last = unit.layers
    blocks = [first, *middle, *([_seam(unit), *middle] * (depth - 1))]
    ends = calculus.compose(OUTER_RELU, Network([last])).layers if form == "merged" else (last,)
    if network.layers != (*blocks, *ends) or certify(unit, parse("tri(2*x)"), UNIT).upper != 0:
        raise UsageError("the network is not the hat composed with itself")
    return Certificate(
        "sup",
        UNIT,
        "exact",
        Fraction(0),
        (THIRD,),
        "induction: the network is the hat's matrices repeated, the hat is exact on [0, 1] and maps it into itself, "
        "and tri(2^k g(x)) = tri(2^(k+1) x)",
    )


def walsh_bounds(depth: int, neurons: int) -> dict[str, Fraction]:
    """What a network of one hidden layer leaves of g^depth on [0, 1], at least.

    With its `neurons` kinks it is affine on all but as many of the 2^(depth-1) periods. On a period where it is, the
    sign of g^depth - 1/2, a Walsh function, is orthogonal to it, which leaves a quarter of the period in L1.

    Returns
    -------
    dict of str to Fraction
        ``L1``, ``L2 squared`` and ``sup``.
    """
    share = max(Fraction(0), 1 - Fraction(neurons, 2 ** (depth - 1)))
    return {"L1": share / 4, "L2 squared": share / 12, "sup": HALF if share else Fraction(0)}


def _seam(network: Network) -> Affine:
    """The last affine map of a network merged with the first."""
    return calculus.compose(Network(network.layers[:1]), Network(network.layers[-1:])).layers[0]


def _lower_bounds(depth: int, versus: int | None) -> dict[str, object]:
    notes: dict[str, object] = {}
    if depth > 1:
        notes["one hidden layer"] = f"an L1 error of 1/8 takes 2^{depth - 2} neurons or more, no error 2^{depth}"
    if versus is not None:
        for norm, bound in walsh_bounds(depth, versus).items():
            notes[f"{versus} neurons, {norm}"] = bound
    return notes
