"""``nnapprox add``."""

from __future__ import annotations

from fractions import Fraction

import click

from nnapprox.cli.algebra import derive, networks_argument
from nnapprox.cli.options import dtype_option, json_option, out_option, point, rational

EPILOG = """\b
Examples:
  $ nnapprox add hat.npz hat.npz
  $ nnapprox add hat.npz hat.npz --coefficients 1,-1/2 --constant 1 -o sum.npz
"""


@click.command(epilog=EPILOG)
@networks_argument
@click.option("--coefficients", type=point, metavar="Q,Q,...", help="One a network (default: all 1).")
@click.option("--constant", type=rational, default="0", metavar="Q", show_default=True, help="Added to every value.")
@out_option
@dtype_option
@json_option
def command(
    paths: tuple[str, ...], coefficients: tuple[Fraction, ...] | None, constant: Fraction, out: str | None,
    dtype: str | None, as_json: bool,
) -> None:  # fmt: skip
    """Add networks exactly: c_1 f_1 + ... + c_n f_n + c_0, all of the same input.

    Shallower ones are extended by identities. Floats are taken as the rationals they are.
    """
    from nnapprox import calculus

    weights = coefficients or (Fraction(1),) * len(paths)
    derive(paths, lambda networks: calculus.combine(networks, weights, constant), "add", out, dtype, as_json)
