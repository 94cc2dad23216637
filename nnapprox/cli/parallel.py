"""``nnapprox parallel``."""

from __future__ import annotations

import click

from nnapprox.cli.algebra import derive, networks_argument
from nnapprox.cli.options import dtype_option, json_option, out_option

EPILOG = """\b
Examples:
  $ nnapprox parallel hat.npz hat.npz
  $ nnapprox parallel hat.npz hat.npz --shared -o both.npz
"""


@click.command(epilog=EPILOG)
@networks_argument
@click.option("--shared", is_flag=True, help="All take the same input; else each takes coordinates of its own.")
@out_option
@dtype_option
@json_option
def command(paths: tuple[str, ...], shared: bool, out: str | None, dtype: str | None, as_json: bool) -> None:
    """Put networks side by side, exactly: one network that gives all their values.

    Shallower ones are extended by identities. Floats are taken as the rationals they are.
    """
    from nnapprox import calculus

    derive(paths, lambda networks: calculus.parallel(networks, shared), "parallel", out, dtype, as_json)
