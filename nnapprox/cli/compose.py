"""``nnapprox compose``."""

from __future__ import annotations

import functools

import click

from nnapprox.cli.algebra import derive, networks_argument
from nnapprox.cli.options import dtype_option, json_option, out_option

EPILOG = """\b
Examples:
  $ nnapprox compose hat.npz hat.npz
  $ nnapprox compose hat.npz hat.npz hat.npz --sparse -o sawtooth.npz
"""


@click.command(epilog=EPILOG)
@networks_argument
@click.option("--sparse", is_flag=True, help="Put identities between them: at most 2 M_f + 2 M_g weights.")
@out_option
@dtype_option
@json_option
def command(paths: tuple[str, ...], sparse: bool, out: str | None, dtype: str | None, as_json: bool) -> None:
    """Compose networks exactly; the last one is applied first, as in f o g o h.

    The last affine map of one is merged with the first of the next, unless --sparse keeps them apart. Floats are taken
    as the rationals they are.
    """
    from nnapprox import calculus

    if len(paths) < 2:
        raise click.UsageError("there is nothing to compose: name two networks or more")
    join = calculus.concatenate if sparse else calculus.compose
    derive(paths, lambda networks: functools.reduce(join, networks), "compose", out, dtype, as_json)
