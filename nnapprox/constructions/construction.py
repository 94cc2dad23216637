"""A construction is an exact network with what is proved of it; the catalogue holds all that there are.

To add one, add a module to this package (or a function to the module of its family), and nothing else::

    from fractions import Fraction
    from typing import Annotated

    from nnapprox.constructions.construction import Construction, Option, Theorem, construction, prove

    @construction(group="polynomials", source="Yarotsky (2017), Proposition 2", example="--depth 4")
    def square(depth: Annotated[int, Option("Halvings of the mesh, m.", at_least=1)]) -> Construction:
        '''x^2 on [0, 1], interpolated at 2^m + 1 points.

        f_m(x) = x - sum of 4^-s g^s(x) over s = 1..m, g the hat.
        '''
        theorem = Theorem(Fraction(1, 4 ** (depth + 1)), "sup |f_m - x^2| = 4^-(m+1)", "Yarotsky (2017), Proposition 2")
        return prove(square_network(depth), "x^2", ((Fraction(0), Fraction(1)),), theorem=theorem)

Its name, options, help, completion, place in the docs and tests follow from that: the name from the function's
(``max_`` is max, ``box_spline`` is box-spline), the options from the signature, the help from the docstring, whose
first line is the catalogue's. Plain functions from parameters to `Network` stand beside, for other families to use.

Parameters are ``Annotated[TYPE, Option(...)]``; ``TYPE`` is int, bool (False by default: ``--flag``; True:
``--flag/--no-flag``), Fraction, str, Literal["a", "b"], `Expression` (of `nnapprox.functions`), `Rationals`,
`Integers`, `Interval`, `Domain`, `Knots`, or any type with a `Kind` of one's own, as in ``Annotated[T, Kind(...),
Option(...)]``; ``| None`` with the default None where it can be left out. Types are imported at run time (not under
TYPE_CHECKING): the signature is read. The builder gets values inside the option's limits; what else can be wrong it
refuses with a UsageError. Sizes that no memory holds it refuses first, with `memory.require_memory`.
"""

from __future__ import annotations

import functools
import inspect
import pkgutil
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field, replace
from fractions import Fraction
from importlib import import_module
from typing import Any, ParamSpec

from nnapprox.certificate import TOLERANCE, Certificate, Norm, certify
from nnapprox.constructions.parameters import (
    Domain,
    Integers,
    Interval,
    Kind,
    Knots,
    Option,
    Parameter,
    Rationals,
    parameters_of,
)
from nnapprox.errors import UsageError
from nnapprox.functions import Expression, parse
from nnapprox.network import Network
from nnapprox.notation import nearest

__all__ = [
    "MOST_PIECES", "MOST_SMOOTH_PIECES", "UNIT", "Construction", "Domain", "Entry", "Integers", "Interval", "Kind",
    "Knots", "Option", "Parameter", "Rationals", "Theorem", "build", "catalogue", "construction", "prove",
]  # fmt: skip

P = ParamSpec("P")

GROUPS = (
    "sawtooth and friends",
    "polynomials",
    "analytic functions",
    "piecewise linear",
    "order statistics and payoffs",
    "indicators, splines and wavelets",
    "regions and topology",
    "coefficients against bits",
    "dictionaries",
    "classes of functions",
)
"""Headings of the catalogue, in their order; one that is not here comes after these."""

UNIT = ((Fraction(0), Fraction(1)),)
"""The domain [0, 1]."""

MOST_PIECES, MOST_SMOOTH_PIECES = 2**21, 2**16
"""Certificates enumerate at most so many pieces, against piecewise linear and quadratic targets and against others;
beyond, a proof by structure takes over. Either takes some ten seconds."""


@dataclass(frozen=True)
class Theorem:
    """What the literature promises of a construction.

    Attributes
    ----------
    bound : Fraction or None
        Of the error in the certificate's norm and domain; None where the theorem bounds something else.
    statement : str
        One line of plain text.
    source : str
        Who proved it, where.
    """

    bound: Fraction | None
    statement: str
    source: str


@dataclass(frozen=True)
class Construction:
    """An exact network with its target and its certificate.

    Attributes
    ----------
    network : Network
        Of rational weights, but for activations whose values are not rational.
    target : Expression, Network or None
        What the network approximates; an Expression wherever it can be written as one, so that the certificate can
        be computed anew from a file.
    certificate : Certificate
        Of the difference between network and target.
    theorem : Theorem or None
        What was to be expected.
    notes : mapping of str to object
        Further facts to print: lower bounds, bits, what float64 makes of the network. Values that JSON or `Fraction`
        can hold.
    tolerance : Fraction or None
        Relative width of the enclosure, where the certificate was computed from network and target, as `prove` does;
        None where it follows from the structure.
    name, source : str
        The catalogue's name of it, and who it is due to; filled in by `construction`.
    options : mapping of str to object
        The parameters that it was built from; filled in by `construction`.
    """

    network: Network
    target: Expression | Network | None
    certificate: Certificate
    theorem: Theorem | None = None
    notes: Mapping[str, object] = field(default_factory=dict)
    tolerance: Fraction | None = None
    name: str = ""
    source: str = ""
    options: Mapping[str, object] = field(default_factory=dict)

    def metadata(self) -> dict[str, Any]:
        """What a file keeps beside the network, as JSON and `Fraction`: all that `verify` needs."""
        entry = catalogue()[self.name]
        told: dict[str, Any] = {
            "command": "construct",
            "construction": self.name,
            "certificate": self.certificate.to_json(),
        }
        told["options"] = {p.name: p.text(self.options[p.name]) for p in entry.parameters}
        if self.target is not None and not isinstance(self.target, Network):
            told["target"] = str(self.target)
            if self.tolerance is not None:
                told["tolerance"] = self.tolerance
        if self.theorem is not None:
            told["theorem"] = asdict(self.theorem)
        return told

    def recertified(self, norm: Norm | None = None, tolerance: Fraction | None = None) -> Construction:
        """The same with a certificate in another norm, or of another relative width.

        Raises
        ------
        UsageError
            The target is not one that a network can be certified against.
        """
        if self.target is None:
            raise UsageError(f"{self.name} is certified by its structure: leave --norm and --tolerance out")
        old, tolerance = self.certificate, tolerance or TOLERANCE
        found = certify(self.network, self.target, old.domain, norm=norm or old.norm, tolerance=tolerance)
        return replace(self, certificate=found, tolerance=tolerance)


@dataclass(frozen=True)
class Entry:
    """A line of the catalogue.

    Attributes
    ----------
    name, group, source, example : str
        `example` are options of the command line that build it within a second.
    summary, description : str
        The first line of the builder's docstring, and the rest of it.
    parameters : tuple of Parameter
    builder : callable
    """

    name: str
    group: str
    source: str
    example: str
    summary: str
    description: str
    parameters: tuple[Parameter, ...]
    builder: Callable[..., Construction]

    def build(self, **options: object) -> Construction:
        """Build it from values, or from text as the command line has it.

        Raises
        ------
        UsageError
            An option is unknown, missing, or outside its limits.
        """
        names = [parameter.name for parameter in self.parameters]
        for name in options:
            if name not in names:
                raise UsageError(f"{self.name} has no option {name!r}: {nearest(name, names)}")
        for parameter in self.parameters:
            if parameter.required and options.get(parameter.name) is None:
                raise UsageError(f"{self.name} needs {parameter.flag}, as in {self.name} {self.example}")
        return self.builder(**options)


_ENTRIES: dict[str, Entry] = {}


def construction(
    *, group: str, source: str, example: str
) -> Callable[[Callable[P, Construction]], Callable[P, Construction]]:
    """Put a builder into the catalogue.

    The builder can still be called as the function it is; its arguments are converted and held to their limits, and
    name, source and options are written into what it gives.

    Parameters
    ----------
    group : str
        The heading it stands under, one of `GROUPS` or a new one.
    source : str
        Who the construction is due to, with the year.
    example : str
        Options of the command line that build a small one.
    """

    def register(builder: Callable[P, Construction]) -> Callable[P, Construction]:
        name = builder.__name__.strip("_").replace("_", "-")
        parameters = parameters_of(builder)
        signature = inspect.signature(builder)

        @functools.wraps(builder)
        def build(*args: P.args, **kwargs: P.kwargs) -> Construction:
            given = signature.bind(*args, **kwargs)
            given.apply_defaults()
            options = {p.name: p.convert(given.arguments[p.name]) for p in parameters}
            made = builder(**options)  # type: ignore[call-arg]
            return replace(made, name=name, source=made.source or source, options=options)

        summary, _, description = inspect.cleandoc(builder.__doc__ or "").partition("\n\n")
        if name in _ENTRIES and _ENTRIES[name].builder.__module__ != builder.__module__:
            raise TypeError(f"two constructions are called {name}")
        _ENTRIES[name] = Entry(name, group, source, example, summary, description, parameters, build)
        return build

    return register


@functools.cache
def catalogue() -> Mapping[str, Entry]:
    """Every construction by its name, group by group; every module of this package is imported for it."""
    package = __package__ or ""
    for module in pkgutil.iter_modules(import_module(package).__path__):
        import_module(f"{package}.{module.name}")
    groups = {group: place for place, group in enumerate(GROUPS)}
    ordered = sorted(_ENTRIES.values(), key=lambda entry: groups.get(entry.group, len(groups)))
    return {entry.name: entry for entry in ordered}


def build(name: str, **options: object) -> Construction:
    """Build a construction of the catalogue.

    Parameters
    ----------
    name : str
        As ``nnapprox construct`` lists it.
    **options
        Its parameters, as values or as text.

    Raises
    ------
    UsageError
        There is no such construction (the nearest is named), or an option is wrong.

    Examples
    --------
    >>> build("sawtooth", depth=5).network.depth
    7
    """
    entries = catalogue()
    if name not in entries:
        raise UsageError(f"no construction is called {name!r}: {nearest(name, list(entries))}")
    return entries[name].build(**options)


def prove(
    network: Network,
    target: Expression | Network | str,
    domain: Domain,
    *,
    norm: Norm = "sup",
    tolerance: Fraction = TOLERANCE,
    pieces: int = 1,
    most: int = MOST_PIECES,
    otherwise: Certificate | None = None,
    theorem: Theorem | None = None,
    notes: Mapping[str, object] | None = None,
) -> Construction:
    """Certify a network against its target, and make a construction of both.

    Parameters
    ----------
    network : Network
    target : Expression, Network or str
        Text is parsed.
    domain : Domain
        An interval for every input.
    norm : str
    tolerance : Fraction
        Relative width of an enclosure.
    pieces, most : int
        About how many pieces the network has on the domain, where they can be many, and how many are enumerated.
    otherwise : Certificate, optional
        What is proved by structure; taken where nothing else can be proved.
    theorem, notes
        As in `Construction`.

    Raises
    ------
    UsageError
        Nothing can be proved, and there is no `otherwise`.
    """
    if isinstance(target, str):
        target = parse(target).of_inputs(len(domain))
    if otherwise is None or pieces <= most:
        try:
            certificate = certify(network, target, domain, norm=norm, tolerance=tolerance)
            return Construction(network, target, certificate, theorem, notes or {}, tolerance)
        except UsageError:
            if otherwise is None:
                raise
    return Construction(network, target, otherwise, theorem, notes or {})
