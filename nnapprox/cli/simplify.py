"""``nnapprox simplify``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from nnapprox.cli import output
from nnapprox.cli.options import (
    data_options,
    json_option,
    load_data,
    network_argument,
    out_option,
    quiet_option,
    require_writable,
)

if TYPE_CHECKING:
    from nnapprox.certificate import Certificate, Domain
    from nnapprox.datasets import Dataset
    from nnapprox.network import Network

EPILOG = """\b
Examples:
  $ nnapprox simplify network.npz
  $ nnapprox simplify hat.npz --domain 0,1/2 -o part.npz
  $ nnapprox simplify network.npz --dataset digits -o part.npz
"""


def read_box(_ctx: click.Context, _parameter: click.Parameter, value: str | None) -> Domain | None:
    """Read a low and a high end for every input; they may be equal, where an input is constant."""
    from nnapprox.cli.options import point

    if value is None:
        return None
    ends = point(value)
    box = tuple(zip(ends[::2], ends[1::2], strict=False))
    if len(ends) % 2 or any(low > high for low, high in box):
        raise click.BadParameter(f"{value} is no domain: give a low and a high end for every input, as 0,1,-3,3")
    return box


@click.command(epilog=EPILOG)
@network_argument
@click.option("--domain", callback=read_box, metavar="LOW,HIGH,...", help="Keep the function on this box only.")
@data_options(None)
@out_option
@json_option
@quiet_option
def command(
    file: Path, domain: Domain | None, dataset: str | None, data_dir: str | None, target: str | None, out: str | None,
    as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """Take away neurons without changing the function.

    Those go whose value nothing uses, that are constant, or that are a multiple of another neuron; with --domain also
    those that are 0 on all of it, and weights on inputs that are constant there. --dataset stands for the box of all
    its inputs. Equality is proved on the stored numbers as the rationals that they are. Where floats would have to be
    rounded, neurons stay.
    """
    from nnapprox import files
    from nnapprox.quantization.simplify import simplify

    rounded = file.suffix.lower() == ".nnq"  # which holds what quantize makes, and nothing else
    path = out or f"{file.stem}-simple{'.npz' if rounded else file.suffix}"
    require_writable(path)
    stored = files.read(file)
    before = stored.network
    if dataset is not None:
        if domain is not None:
            raise click.UsageError("--domain and --dataset are both the box to keep the function on: give one")
        domain = _box(load_data(dataset, data_dir, target, quiet))
    if domain is not None and len(domain) != before.widths[0]:
        raise click.UsageError(
            f"the domain has {len(domain)} intervals, but the network takes {before.widths[0]} inputs"
        )
    found = simplify(before, domain)
    certificate = _certificate(found.network, before, domain)
    files.save(found.network, path, _metadata(stored.metadata, domain))
    where = "everywhere" if domain is None else "on the domain"
    told = {
        "network": output.network_json(found.network, path),
        "source": output.network_json(before, file),
        "removed": dict(found.removed),
        "equal": where,
        "identities": found.identities,
        "certificate": certificate and certificate.to_json(),
    }
    if as_json:
        output.print_json(told)
        return
    pairs: dict[str, object] = {
        name: f"{_text(was)} before, {_text(now)} now"
        for name, was, now in (
            ("widths", before.widths, found.network.widths),
            ("nonzeros M", before.nonzeros, found.network.nonzeros),
            ("parameters", before.parameters, found.network.parameters),
        )
    }
    pairs["neurons removed"] = ", ".join(f"{number} {why}" for why, number in found.removed.items()) or "none"
    pairs["equality"] = f"{where}, proved by {found.identities:,} identities of affine forms with rational coefficients"
    if certificate is not None:
        pairs["checked by pieces"] = output.certificate_text(certificate.to_json())
    output.print_pairs({**pairs, "written": path})


def _box(data: Dataset) -> Domain:
    """The box of all inputs, as float32 and as float64 numbers."""
    from fractions import Fraction

    import numpy as np

    low, high = (
        [[np.divide(end, data.divisor, dtype=dtype) for dtype in (np.float32, np.float64)] for end in ends]
        for ends in (
            np.minimum(data.x_train.min(axis=0), data.x_test.min(axis=0)),
            np.maximum(data.x_train.max(axis=0), data.x_test.max(axis=0)),
        )
    )
    return tuple(
        (Fraction(float(min(least))), Fraction(float(max(most)))) for least, most in zip(low, high, strict=True)
    )


def _certificate(network: Network, original: Network, domain: Domain | None) -> Certificate | None:
    """The distance of both on the domain, found piece by piece where that is possible."""
    from nnapprox.certificate import certify
    from nnapprox.errors import UsageError
    from nnapprox.quantization.grid import is_exact

    if domain is None or not is_exact(original):
        return None
    try:
        return certify(network, original, domain)
    except UsageError:  # too many pieces, or an interval that is a point
        return None


def _metadata(kept: Mapping[str, Any], domain: Domain | None) -> dict[str, Any]:
    """What still holds of the network: no certificate that is for more than the domain, or for how it was built."""
    from nnapprox.constructions.verification import Claim
    from nnapprox.errors import NnapproxError

    lost = {"construction", "options", "theorem"}
    try:
        claimed = Claim.read(kept).domain
        inside = domain is None or all(
            low <= least and most <= high for (low, high), (least, most) in zip(domain, claimed, strict=True)
        )
    except (NnapproxError, ValueError):
        inside = False
    if not inside or "tolerance" not in kept:
        lost |= {"certificate", "target", "tolerance"}
    return {**{key: value for key, value in kept.items() if key not in lost}, "command": "simplify"}


def _text(value: object) -> str:
    return f"{value:,}" if isinstance(value, int) else str(list(value) if isinstance(value, tuple) else value)
