"""NNCodec at its best: a step for every tensor, dependent quantisation on or off, its own rate-distortion search.

Bytes and squared errors of a tensor alone are about what it adds to those of the network. So every tensor is coded with
every step, and what no other combination beats is coded and measured. It is tuned on the very images that errors are
then told of, which favours it.
"""

import hashlib
import json
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnapprox import Affine, Network

Arrays = Mapping[str, NDArray[Any]]
Setting = dict[str, Any]
Cost = tuple[int, float, Any]

WEIGHT_STEPS, BIAS_STEPS = range(-60, 5), range(-60, -3, 4)
"""As it counts them: four to an octave."""

WAYS = [{"dependent": dependent, "rate": rate} for dependent, rate in ((True, 0.0), (True, 1.0), (False, 0.0))]
ERRORS = np.geomspace(0.15, 7e-4, 120)
"""A stream is coded for every one of them."""

FEW = 2_000
"""Images that errors of single tensors are measured on."""


@dataclass(frozen=True)
class Stream:
    """What a stream takes, and the relative error of the network in it."""

    size: int
    error: float
    setting: Setting


def encode(python: str, arrays: Arrays, settings: Sequence[Setting]) -> list[tuple[int, dict[str, NDArray[Any]]]]:
    """Run it in the Python that has it; gives the bytes and the decoded arrays of every setting."""
    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/in.npz", settings=json.dumps(settings), **arrays)
        script = str(Path(__file__).with_name("nncodec_worker.py").resolve())
        alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        command = [python, script, "in.npz", "out.npz"]
        subprocess.run(command, cwd=folder, env=alone, check=True, capture_output=True)  # noqa: S603 -- named by the user
        with np.load(f"{folder}/out.npz") as found:
            return [
                (int(size), {name: found[f"{number}/{name}"] for name in setting["qp"]})
                for number, (size, setting) in enumerate(zip(found["sizes"], settings, strict=True))
            ]


def tuned(
    python: str, network: Network, relative_error: Callable[[Network, int | None], float], cache: Path | None = None
) -> list[Stream]:
    """The streams that no other one beats in both bytes and error.

    `relative_error` takes a network and how many images to measure it on, None for all. What was found for a network is
    kept in a folder, if one is given.
    """
    arrays = _arrays(network)
    kept = cache / f"nncodec-{_fingerprint(arrays)}.json" if cache else None
    if kept and kept.exists():
        return [Stream(**stream) for stream in json.loads(kept.read_text(encoding="utf-8"))]
    streams: list[Stream] = []
    for way in WAYS:
        settings = _settings(python, network, way, lambda other: relative_error(other, FEW))
        streams += _streams(python, network, settings, lambda other: relative_error(other, None))
    found = [stream for *_, stream in _front((stream.size, stream.error, stream) for stream in streams)]
    if kept:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(json.dumps([vars(stream) for stream in found]), encoding="utf-8")
    return found


def smallest(streams: Iterable[Stream], error: float) -> Stream | None:
    """The smallest stream that keeps an error."""
    return min((stream for stream in streams if stream.error <= error), key=lambda stream: stream.size, default=None)


def _settings(python: str, network: Network, way: Setting, measure: Callable[[Network], float]) -> list[Setting]:
    """Steps for every tensor that together are best for some error."""
    arrays = _arrays(network)
    alone = [(name, step) for name in arrays for step in (WEIGHT_STEPS if name[0] == "W" else BIAS_STEPS)]
    results = encode(python, arrays, [{"qp": {name: step}, **way} for name, step in alone])
    front = [(0, 0.0, {})]
    for tensor in arrays:
        costs = [
            (size, measure(_network(network, arrays | decoded)) ** 2, {name: step})
            for (name, step), (size, decoded) in zip(alone, results, strict=True)
            if name == tensor
        ]
        front = _front((a + c, b + d, steps | step) for a, b, steps in front for c, d, step in costs)
    chosen = [min((cost for cost in front if cost[1] <= e * e), key=lambda cost: cost[0], default=None) for e in ERRORS]
    distinct = {tuple(found[2].items()): found[2] for found in chosen if found}
    return [{"qp": steps, **way} for steps in distinct.values()]


def _front(costs: Iterable[Cost]) -> list[Cost]:
    """Those that no other one beats in both bytes and error."""
    best: list[Cost] = []
    for cost in sorted(costs, key=lambda cost: cost[:2]):
        if not best or cost[1] < best[-1][1]:
            best.append(cost)
    return best


def _streams(
    python: str, network: Network, settings: Sequence[Setting], measure: Callable[[Network], float]
) -> list[Stream]:
    return [
        Stream(size, measure(_network(network, decoded)), setting)
        for setting, (size, decoded) in zip(settings, encode(python, _arrays(network), settings), strict=True)
    ]


def _arrays(network: Network) -> dict[str, NDArray[Any]]:
    arrays = {}
    for number, layer in enumerate(network.layers):
        arrays |= {f"W{number}": layer.weight.astype("f4"), f"b{number}": layer.bias.astype("f4")}
    return arrays


def _network(network: Network, arrays: Arrays) -> Network:
    layers = [Affine(arrays[f"W{n}"].astype(float), arrays[f"b{n}"].astype(float)) for n in range(network.depth)]
    return Network(layers, network.activation)


def _fingerprint(arrays: Arrays) -> str:
    """Of the network and of how it is tuned."""
    digest = hashlib.sha256(repr((WAYS, WEIGHT_STEPS, BIAS_STEPS, list(ERRORS), FEW)).encode())
    for array in arrays.values():
        digest.update(array.tobytes())
    return digest.hexdigest()[:16]
