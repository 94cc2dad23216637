"""Computing the certificate of a file anew."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, get_args

from nnapprox.certificate import Certificate, Norm, certify
from nnapprox.constructions.construction import Domain, build
from nnapprox.errors import FileFormatError, UsageError
from nnapprox.functions import parse
from nnapprox.network import Network
from nnapprox.notation import rational, shown


@dataclass(frozen=True)
class Claim:
    """A certificate as a file states it.

    Attributes
    ----------
    norm, kind : str
    domain : Domain
    low, high : Fraction
        What the error is said to lie between; 0 and the bound where it is one.
    """

    norm: Norm
    kind: str
    domain: Domain
    low: Fraction
    high: Fraction

    @classmethod
    def read(cls, metadata: Mapping[str, Any]) -> Claim:
        """Read it out of a file's metadata.

        Raises
        ------
        FileFormatError
            There is none, or it is not what it should be.
        """
        if "certificate" not in metadata:
            made_by = f"{metadata['command']} wrote it" if "command" in metadata else "nothing is said of its target"
            raise FileFormatError(
                f"the file holds no certificate ({made_by}), so there is nothing to check: take one that "
                "nnapprox construct wrote, or train a network with --function"
            )
        try:
            stated = metadata["certificate"]
            domain = tuple((rational(low), rational(high)) for low, high in stated["domain"])
            ends = stated["value"] if isinstance(stated["value"], list) else [stated["value"]]
            low, high = rational(ends[0]), rational(ends[-1])
            if stated["norm"] not in get_args(Norm) or stated["kind"] not in ("exact", "enclosure", "bound"):
                raise ValueError(f"{stated['kind']} in {stated['norm']} is nothing that is proved")
            if len(ends) > 2:
                raise ValueError(f"its value has {len(ends)} numbers")
        except (KeyError, IndexError, TypeError, ValueError) as error:
            raise FileFormatError(f"the file's certificate cannot be read: {error}") from None
        return cls(stated["norm"], stated["kind"], domain, low if stated["kind"] != "bound" else Fraction(0), high)

    def is_borne_out_by(self, found: Certificate) -> bool:
        """Whether a certificate, computed anew, says the same or more."""
        reaches = self.kind == "bound" or found.kind == "bound" or self.low <= found.lower
        return reaches and found.upper <= self.high


@dataclass(frozen=True)
class Verdict:
    """What became of a file's certificate.

    Attributes
    ----------
    claimed : Claim
        What the file says.
    found : Certificate
        What was computed.
    holds : bool
        Whether the latter bears out the former.
    """

    claimed: Claim
    found: Certificate
    holds: bool


def verify(network: Network, metadata: Mapping[str, Any], tolerance: Fraction | None = None) -> Verdict:
    """Compute the certificate of a network anew, from what its file says of it.

    Where the certificate was computed from network and target, that is done again. Otherwise the construction
    is built anew, proof included, and the two networks must be equal.

    Parameters
    ----------
    network : Network
        Of any numbers; floats are taken as the rationals they are.
    metadata : mapping
        As `Construction.metadata` gives it and files keep it.
    tolerance : Fraction, optional
        Relative width of an enclosure, where it is to be less than that of the file.

    Raises
    ------
    FileFormatError
        The metadata hold no certificate, or something that cannot be read, or the network is not the one that they
        tell of.
    """
    claimed = Claim.read(metadata)
    exact = network.astype("rational")
    found = _certified(exact, claimed, metadata, tolerance) if "tolerance" in metadata else _rebuilt(exact, metadata)
    return Verdict(claimed, found, claimed.is_borne_out_by(found))


def _certified(
    network: Network, claimed: Claim, metadata: Mapping[str, Any], tolerance: Fraction | None
) -> Certificate:
    try:
        width = min(rational(metadata["tolerance"]), tolerance or Fraction(1))
        if width <= 0:
            raise UsageError(f"its tolerance is {shown(width)}, not above 0")
        return certify(network, parse(metadata["target"]), claimed.domain, norm=claimed.norm, tolerance=width)
    except (KeyError, TypeError, UsageError) as error:
        raise FileFormatError(f"the file's certificate cannot be computed anew: {error}") from None


def _rebuilt(network: Network, metadata: Mapping[str, Any]) -> Certificate:
    try:
        rebuilt = build(metadata["construction"], **metadata["options"])
    except (KeyError, TypeError, UsageError) as error:
        raise FileFormatError(f"the file's construction cannot be built anew: {error}") from None
    if network != rebuilt.network.astype("rational"):
        raise FileFormatError(f"the network is not the one that construct {rebuilt.name} builds: it was changed since")
    return rebuilt.certificate
