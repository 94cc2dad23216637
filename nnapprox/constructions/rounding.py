"""What rounding to floating point does to a construction."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from nnapprox.certificate import Certificate, certify
from nnapprox.constructions.construction import Construction
from nnapprox.errors import UsageError
from nnapprox.network import Network


@dataclass(frozen=True)
class Rounding:
    """A construction's network with other numbers.

    Attributes
    ----------
    network : Network
    largest : Fraction
        The largest change of a weight or bias; 0 where all of them fit.
    certificate : Certificate or None
        Of the network as it is now, in exact arithmetic; None where nothing can be certified.
    metadata : dict
        What a file keeps beside the network as it is now.
    """

    network: Network
    largest: Fraction
    certificate: Certificate | None
    metadata: dict[str, Any]


def round_to(made: Construction, dtype: str) -> Rounding:
    """Give a construction's network other numbers, floats rounded to nearest, and certify what comes out.

    Raises
    ------
    UsageError
        The dtype is unknown, or a weight is too large for it.
    """
    network, metadata = made.network.astype(dtype), made.metadata()
    largest = Fraction(0) if dtype in ("rational", made.network.dtype) else _largest_change(network, made.network)
    if not largest:
        return Rounding(network, largest, made.certificate, metadata)
    certificate = _certificate(made, network)
    if certificate is None:
        del metadata["certificate"]
    else:
        metadata["certificate"] = certificate.to_json()
    return Rounding(network, largest, certificate, metadata)


def _largest_change(rounded: Network, exact: Network) -> Fraction:
    changes = [Fraction(0)]
    for now, before in zip(rounded.layers, exact.layers, strict=True):
        for new, old in ((now.weight, before.weight), (now.bias, before.bias)):
            places = np.nonzero(old)
            changes += (abs(Fraction(float(a)) - Fraction(b)) for a, b in zip(new[places], old[places], strict=True))
    return max(changes)


def _certificate(made: Construction, network: Network) -> Certificate | None:
    if made.target is None or made.tolerance is None:
        return None
    old = made.certificate
    try:
        return certify(network, made.target, old.domain, norm=old.norm, tolerance=made.tolerance)
    except UsageError:
        return None
