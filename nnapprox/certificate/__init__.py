"""Certificates: norms of the difference of a network and its target, proved."""

from nnapprox.certificate.certificate import Certificate, Domain, Kind, Norm
from nnapprox.certificate.dispatch import TOLERANCE, certify

__all__ = ["TOLERANCE", "Certificate", "Domain", "Kind", "Norm", "certify"]
