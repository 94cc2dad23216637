"""The theorem's code as a file: ``.nng``, the bit string of `grid_code` behind the activation and the dtype."""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nnapprox.activation import Activation
from nnapprox.atomic import write_atomically
from nnapprox.errors import FileFormatError, UsageError
from nnapprox.files.grid_code import GridCode, lossless_bits, require_moderate
from nnapprox.files.metadata import encode as encode_json
from nnapprox.files.metadata import read_slope
from nnapprox.network import DTYPES, Network

MAGIC = b"NNG1"

_HEADER, _LENGTH, _SUM = struct.Struct("<4sI"), struct.Struct("<Q"), struct.Struct("<I")


def write(network: Network, metadata: Mapping[str, Any], path: str | Path) -> None:
    """Write a network whose weights are dyadic rationals, as floats are, on the coarsest grid that holds all of them.

    Raises
    ------
    UsageError
        A weight is no dyadic rational, or the metadata are not JSON.
    WriteError
        The file cannot be written.
    """
    fractional_bits = lossless_bits(network)
    if fractional_bits is None:
        raise UsageError(".nng holds weights q 2^-k only: round them with nnapprox quantize --grid")
    write_code(GridCode.of(network, fractional_bits), network.activation, network.dtype, metadata, path)


def write_code(
    code: GridCode, activation: Activation, dtype: str, metadata: Mapping[str, Any], path: str | Path
) -> None:
    """Write a network that stands on a grid already; raises as `write` does."""
    bits = code.to_bits()
    require_moderate(code.widths, code.fractional_bits * code.edges, len(bits))
    own: dict[str, Any] = {"activation": activation.name, "dtype": dtype}
    if activation.slope is not None:
        own["slope"] = activation.slope
    text = encode_json({**own, "metadata": dict(metadata)}).encode()
    body = _HEADER.pack(MAGIC, len(text)) + text + _LENGTH.pack(len(bits)) + _packed(bits)
    with write_atomically(path) as file:
        file.write(body + _SUM.pack(zlib.crc32(body)))


def read(path: str | Path) -> tuple[Network, dict[str, Any]]:
    """Read a network and its metadata.

    Raises
    ------
    FileFormatError
        The file is damaged, or holds no network.
    """
    own, bits = read_string(path)
    try:
        code = GridCode.from_bits(bits)
        slope = read_slope(own["slope"]) if "slope" in own else None
        if own["dtype"] not in DTYPES or not isinstance(own["metadata"], dict):
            raise FileFormatError(f"it is of the unknown dtype {own['dtype']!r}, or its metadata are none")
        return code.network(Activation(own["activation"], slope), own["dtype"]), own["metadata"]
    except (FileFormatError, UsageError, KeyError, TypeError) as error:
        raise FileFormatError(f"{path} holds no network: {error}") from error


def read_string(path: str | Path) -> tuple[dict[str, Any], str]:
    """Read what stands beside the bit string, and the string.

    Raises
    ------
    FileFormatError
        The file is damaged, or of another format.
    """
    try:
        content = Path(path).read_bytes()
        body = content[: -_SUM.size]
        magic, length = _HEADER.unpack_from(body)
        text_end = _HEADER.size + length
        (count,) = _LENGTH.unpack_from(body, text_end)
        packed = body[text_end + _LENGTH.size :]
        if magic != MAGIC or _SUM.unpack(content[-_SUM.size :]) != (zlib.crc32(body),):
            raise FileFormatError("it does not begin as one, or its checksum does not hold")
        if len(packed) != -(-count // 8):
            raise FileFormatError(f"it holds {len(packed)} bytes for {count} bits")
        own = json.loads(body[_HEADER.size : text_end])
        bits = f"{int.from_bytes(packed):0{8 * len(packed)}b}" if packed else ""
        if not isinstance(own, dict) or "1" in bits[count:]:
            raise FileFormatError("its metadata or its last bits are not what they should be")
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error
    except (FileFormatError, struct.error, ValueError, RecursionError) as error:
        raise FileFormatError(f"{path} is damaged or no .nng file: {error}") from error
    return own, bits[:count]


def _packed(bits: str) -> bytes:
    size = -(-len(bits) // 8)
    return int(bits.ljust(8 * size, "0"), 2).to_bytes(size) if bits else b""
