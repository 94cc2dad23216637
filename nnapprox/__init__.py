"""Deep learning's approximation theory as commands: train, construct, count, store.

Public names load on first use, so that importing the package costs nothing (PEP 562).
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOMES = {
    "Activation": "activation",
    "Affine": "network",
    "Certificate": "certificate",
    "Construction": "constructions",
    "Expression": "functions",
    "Network": "network",
    "RegionCount": "regions",
    "build": "constructions",
    "catalogue": "constructions",
    "certify": "certificate",
    "count_regions": "regions",
    "load": "files",
    "load_dataset": "datasets",
    "parse": "functions",
    "save": "files",
    "train": "training",
    "verify": "constructions",
}

__all__ = [
    "Activation", "Affine", "Certificate", "Construction", "Expression", "Network", "RegionCount",
    "__version__", "build", "catalogue", "certify", "count_regions", "load", "load_dataset", "parse",
    "save", "train", "verify",
]  # fmt: skip

if TYPE_CHECKING:
    from nnapprox.activation import Activation
    from nnapprox.certificate import Certificate
    from nnapprox.certificate.dispatch import certify
    from nnapprox.constructions import Construction, build, catalogue, verify
    from nnapprox.datasets import load_dataset
    from nnapprox.files import load, save
    from nnapprox.functions import Expression, parse
    from nnapprox.network import Affine, Network
    from nnapprox.regions import RegionCount, count_regions
    from nnapprox.training import train


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"nnapprox.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
