"""Deep learning's approximation theory as commands: train, construct, count, store.

Public names load on first use, so that importing the package costs nothing (PEP 562).
"""

from importlib import import_module
from typing import TYPE_CHECKING

__version__ = "0.1.0"

_HOMES = {
    "Activation": "activation",
    "Affine": "network",
    "Network": "network",
    "load": "files",
    "save": "files",
    "load_dataset": "datasets",
    "train": "training",
}

__all__ = ["Activation", "Affine", "Network", "__version__", "load", "load_dataset", "save", "train"]

if TYPE_CHECKING:
    from nnapprox.activation import Activation
    from nnapprox.datasets import load_dataset
    from nnapprox.files import load, save
    from nnapprox.network import Affine, Network
    from nnapprox.training import train


def __getattr__(name: str) -> object:
    if name in _HOMES:
        return getattr(import_module(f"nnapprox.{_HOMES[name]}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
