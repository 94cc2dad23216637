"""Training on a function: its options, its samples, and what is proved of the network that was found."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Any

import click

from nnapprox.cli.output import note
from nnapprox.errors import UsageError

if TYPE_CHECKING:
    from nnapprox.datasets import Dataset
    from nnapprox.functions import Expression
    from nnapprox.network import Network

SAMPLES = 10_000
"""To train on, where no other number is given."""

MOST_CELLS = {2: 2**12, 3: 2**10, 4: 2**8}
"""In several dimensions a trained network is certified on so many pieces, which take a second or two."""


def function_options(command: Any) -> Any:
    """``--function``, ``--domain`` and ``--samples``."""
    for option in (
        click.option("--samples", type=int, help=f"Of the function, to train on (default: {SAMPLES:,})."),
        click.option("--domain", metavar="A,B[,A,B...]", help="Where to sample the function (default: 0,1 each)."),
        click.option("--function", metavar="EXPR", help="Train on samples of a function of x, as sin(3*x)/3."),
    ):
        command = option(command)
    return command


@dataclass(frozen=True)
class FunctionData:
    """A function to train on.

    Attributes
    ----------
    expression : Expression
    domain : tuple of (low, high)
        An interval for every variable.
    samples : int
    """

    expression: Expression
    domain: tuple[tuple[Fraction, Fraction], ...]
    samples: int

    def dataset(self, seed: int) -> Dataset:
        """Sample it, from the stream of a seed that is for samples."""
        from nnapprox.datasets import sample_function
        from nnapprox.training.recipe import stream

        intervals = " x ".join(f"[{low}, {high}]" for low, high in self.domain)
        name = f"{self.expression} on {intervals}"
        return sample_function(name, self.expression.value, self.domain, self.samples, stream(seed, "samples"))

    def certify(self, network: Network) -> dict[str, Any]:
        """Prove how far a network is from the function; gives what a file keeps of it, nothing where there is no proof.

        What it gives is JSON and `Fraction`, as ``nnapprox check`` reads it.
        """
        from nnapprox.certificate import TOLERANCE, certify

        if not network.activation.is_piecewise_linear:
            note("the network is not certified: that takes a piecewise linear activation, as relu")
            return {}
        try:
            most_cells = MOST_CELLS.get(len(self.domain), 2**6)
            certificate = certify(network, self.expression, self.domain, tolerance=TOLERANCE, most_cells=most_cells)
        except UsageError as error:  # the network was trained, and is to be written all the same
            note(f"the network is not certified: {error}")
            return {}
        return {"certificate": certificate.to_json(), "target": str(self.expression), "tolerance": TOLERANCE}


def read_function(
    ctx: click.Context, function: str | None, domain: str | None, samples: int | None
) -> FunctionData | None:
    """Read the options of `function_options`; None where there is no function.

    Raises
    ------
    UsageError
        The function or the domain is none, or options do not go together.
    """
    if function is None:
        for name, value in (("domain", domain), ("samples", samples)):
            if value is not None:
                raise UsageError(f"--{name} is for samples of a function: give --function too")
        return None
    for name in ("dataset", "data_dir", "target"):
        if ctx.get_parameter_source(name) is click.core.ParameterSource.COMMANDLINE:
            raise UsageError(f"--function takes the place of a data set: leave --{name.replace('_', '-')} out")
    from nnapprox.constructions.parameters import read_domain
    from nnapprox.functions import parse

    expression = parse(function)
    box = ((Fraction(0), Fraction(1)),) * expression.inputs
    if domain is not None:
        box = read_domain(domain)
    expression = expression.of_inputs(len(box))
    if len(box) == 1:
        expression.singular_points(*box[0])  # a pole is refused before anything is sampled
    return FunctionData(expression, box, SAMPLES if samples is None else samples)
