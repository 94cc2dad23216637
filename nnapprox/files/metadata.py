"""What every format holds beside the weights: metadata as JSON, sealed by a checksum."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnapprox.activation import Activation
from nnapprox.errors import FileFormatError, UsageError
from nnapprox.network import Affine, Network

FORMAT, VERSION = "nnapprox-network", 1


def encode(metadata: Mapping[str, Any]) -> str:
    """JSON with sorted keys; a `Fraction` becomes a string ``"p/q"``.

    Raises
    ------
    UsageError
        A value is not JSON: of another type, not finite, or a rational of more than 4300 digits.
    """
    try:
        return json.dumps(dict(metadata), sort_keys=True, allow_nan=False, default=_rational)
    except (TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"the metadata cannot be written as JSON: {error}") from None


def _rational(value: object) -> str:
    if isinstance(value, Fraction):
        return str(value)
    raise TypeError(f"{value!r} is no JSON value")


def digest(arrays: Mapping[str, NDArray[Any]]) -> str:
    """Hexadecimal SHA-256 over arrays by name, in sorted order: the line ``NAME DTYPE SHAPE``, then the bytes."""
    result = hashlib.sha256()
    for name in sorted(arrays):
        array = np.ascontiguousarray(arrays[name])
        result.update(f"{name} {array.dtype.str} {array.shape}\n".encode())
        result.update(array.tobytes())
    return result.hexdigest()


def read_slope(text: object) -> Fraction:
    """Read ``"p/q"``; nothing else is tried, since short texts such as ``1e999999999`` stand for huge integers.

    Raises
    ------
    FileFormatError
        It is written otherwise.
    """
    if not isinstance(text, str) or not re.fullmatch(r"-?[0-9]{1,4300}(/0*[1-9][0-9]{0,4299})?", text):
        raise FileFormatError(f"its slope is {str(text)[:40]!r}, not a rational p/q")
    return Fraction(text)


def seal(network: Network, metadata: Mapping[str, Any]) -> str:
    """One JSON text for formats that hold strings: activation, metadata, and a checksum over both and the weights.

    Raises
    ------
    UsageError
        The metadata are not JSON.
    """
    own = {"format": FORMAT, "version": VERSION, "activation": network.activation.name, "metadata": dict(metadata)}
    if network.activation.slope is not None:
        own["slope"] = network.activation.slope
    return encode({**own, "sha256": _seal_of(encode(own), network.layers)})


def unseal(text: str, layers: Iterable[Affine]) -> tuple[Activation, dict[str, Any]]:
    """Check what `seal` wrote against the weights that were read; the activation and the metadata.

    Raises
    ------
    FileFormatError
        It is of another format or version, or the checksum does not hold.
    """
    own = json.loads(text)
    if not isinstance(own, dict) or (own.get("format"), own.get("version")) != (FORMAT, VERSION):
        raise FileFormatError(f"its metadata are not those of {FORMAT!r} version {VERSION}")
    if own.pop("sha256", None) != _seal_of(encode(own), layers):
        raise FileFormatError("its checksum does not hold")
    slope = read_slope(own["slope"]) if "slope" in own else None
    return Activation(own["activation"], slope), own["metadata"]


def _seal_of(text: str, layers: Iterable[Affine]) -> str:
    arrays = {"metadata": np.frombuffer(text.encode(), dtype=np.uint8)}
    for index, layer in enumerate(layers):
        arrays |= {f"W{index}": layer.weight, f"b{index}": layer.bias}
    return digest(arrays)
