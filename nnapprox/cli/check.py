"""``nnapprox check``."""

from __future__ import annotations

from fractions import Fraction
from pathlib import Path

import click

from nnapprox.cli import output
from nnapprox.cli.options import json_option, network_argument, tolerance_option
from nnapprox.errors import NnapproxError

EPILOG = """\b
Examples:
  $ nnapprox check sawtooth-depth-5.npz
  $ nnapprox check sawtooth-depth-5.npz --json
"""


@click.command(epilog=EPILOG)
@network_argument
@tolerance_option
@json_option
def command(file: Path, tolerance: Fraction | None, as_json: bool) -> None:
    """Compute a network's certificate anew, from its file alone.

    Exits with 1 where it does not hold. The network is certified against the target that the file names; where the
    certificate follows from the structure, the construction is built anew, and must be the same.
    """
    from nnapprox import files
    from nnapprox.constructions import verify

    stored = files.read(file)
    verdict = verify(stored.network, stored.metadata, tolerance)
    if as_json:
        output.print_json(
            {
                "path": file,
                "claimed": stored.metadata["certificate"],
                "found": verdict.found.to_json(),
                "holds": verdict.holds,
            }
        )
    else:
        output.print_pairs(
            {
                "network": file,
                "target": output.abridged(stored.metadata.get("target", "by structure")),
                "claimed": output.certificate_text(stored.metadata["certificate"]),
                "found": output.certificate_text(verdict.found.to_json()),
                "holds": "yes" if verdict.holds else "no",
            }
        )
    if not verdict.holds:
        raise NnapproxError(f"the certificate of {file} does not hold")
