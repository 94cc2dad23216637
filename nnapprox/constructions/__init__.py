"""The catalogue of constructions, a module a family; `nnapprox.constructions.construction` says how one is added."""

from nnapprox.constructions.construction import Construction, Theorem, build, catalogue
from nnapprox.constructions.verification import Verdict, verify

__all__ = ["Construction", "Theorem", "Verdict", "build", "catalogue", "verify"]
