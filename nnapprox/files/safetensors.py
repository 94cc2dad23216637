"""``.safetensors``, with the keys of ``torch.nn.Sequential(Linear, activation, Linear, ...)``: 0.weight, 0.bias, ..."""

from __future__ import annotations

import itertools
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from nnapprox.activation import Activation
from nnapprox.atomic import write_atomically
from nnapprox.errors import FileFormatError, MissingExtraError, UsageError
from nnapprox.files.metadata import FORMAT, seal, unseal
from nnapprox.network import Affine, Network

FLOATS = ("F16", "F32", "F64")


def _library() -> Any:
    try:
        import safetensors.numpy
    except ImportError:
        raise MissingExtraError("safetensors files need an extra: pip install 'nnapprox[safetensors]'") from None
    return safetensors


def write(network: Network, metadata: Mapping[str, Any], path: str | Path) -> None:
    """Write a float network, its metadata as JSON under the key ``nnapprox``.

    Raises
    ------
    UsageError
        The network is rational, or the metadata are not JSON.
    WriteError
        The file cannot be written.
    MissingExtraError
        The library is not installed.
    """
    if network.dtype == "rational":
        raise UsageError("safetensors hold no rationals: round with --dtype float64, or .astype('float64'), first")
    tensors = {}
    for index, layer in enumerate(network.layers):
        tensors[f"{2 * index}.weight"] = np.array(layer.weight)
        tensors[f"{2 * index}.bias"] = np.array(layer.bias)
    content = _library().numpy.save(tensors, metadata={"nnapprox": seal(network, metadata)})
    with write_atomically(path) as file:
        file.write(content)


def read(path: str | Path) -> tuple[Network, dict[str, Any]]:
    """Read a network and its metadata; without ours, linear layers in order are a ReLU network.

    Raises
    ------
    FileFormatError
        The file is damaged, or holds no such network.
    MissingExtraError
        The library is not installed.
    """
    library = _library()
    try:
        with library.safe_open(str(path), framework="numpy") as file:
            found = {name: file.get_slice(name).get_dtype() for name in file.keys()}  # noqa: SIM118 - not a dict
            odd = sorted(name for name, dtype in found.items() if dtype not in FLOATS)
            if odd:
                raise UsageError(f"{odd[0]} holds {found[odd[0]]}, not one of {', '.join(FLOATS)}")
            tensors = {name: file.get_tensor(name) for name in found}
            strings = file.metadata() or {}
        # Known by its key or its content: one damaged byte cannot pass our file off as somebody else's.
        ours = [text for key, text in strings.items() if key == "nnapprox" or FORMAT in text]
        layers = _layers(tensors)
        activation, metadata = unseal(ours[0], layers) if ours else (Activation("relu"), {})
        return Network(layers, activation), metadata
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:  # a damaged file makes the libraries raise errors of their own
        raise FileFormatError(f"{path} is damaged or holds no network: {' '.join(str(error).split())}") from error


def _layers(tensors: dict[str, Any]) -> list[Affine]:
    positions = sorted({int(m[1]) for name in tensors if (m := re.fullmatch(r"(\d+)\.(weight|bias)", name))})
    for first, second in itertools.pairwise(positions):
        if second == first + 1:
            raise UsageError(f"the linear layers {first} and {second} have no activation between them")
    layers = []
    for position in positions:
        weight = tensors.pop(f"{position}.weight", np.empty(0))
        if weight.ndim != 2:
            raise UsageError(f"{position} is no linear layer: its weight must have shape (out, in)")
        bias = tensors.pop(f"{position}.bias", None)
        layers.append(Affine(weight, np.zeros(len(weight), weight.dtype) if bias is None else bias))
    if tensors:
        raise UsageError(f"{min(tensors)} is no weight or bias of a linear layer of a Sequential")
    return layers
