"""Batched evaluation of MNIST's 10,000 test images, float32 outputs: images per second of process CPU time.

Everyone runs on one thread and must give the same outputs; rounds are interleaved, and medians are shown. The others
are given float32 images ready-made, 31 MB of them; nnapprox is timed on these, and on the bytes that the data set holds
and `nnapprox test` evaluates, which no other takes.
"""

# ruff: noqa: I001 - common sets the number of threads before others are imported
from benchmarks import common

import json
from collections.abc import Callable

import numpy as np

from benchmarks.peers import inference as peers
from benchmarks.peers.inference import Array, Run
from nnapprox import Affine, Network

TARGET = 1.8
REPEATS = 3
TOLERANCE = 1e-4


def entries(weights: list[Array], biases: list[Array], images: Array, optional: list[str]) -> dict[str, Run]:
    """Every entry of the table: a name to a function that evaluates all images, given as bytes."""
    network = Network([Affine(w, b) for w, b in zip(weights, biases, strict=True)])
    x = np.divide(images, np.float32(255), dtype=np.float32)
    runs = {
        "nnapprox, bytes": lambda: network.evaluate_scaled(images, 1 / 255),
        "nnapprox, float32": lambda: network(x),
    }
    everything = len(x)
    for batch in (1000, everything):
        runs[f"numpy, {batch} at once"] = peers.numpy_forward(weights, biases, x, batch)
        if "torch" in optional:
            runs[f"torch, {batch} at once"] = peers.torch_forward(weights, biases, x, batch)
    if "jax" in optional:
        runs["jax"] = peers.jax_forward(weights, biases, x, everything)
    return runs


def measure(runs: dict[str, Run], rounds: int) -> dict[str, float]:
    """Calls per second of everyone, after a look at the outputs."""
    expected = runs["numpy, 1000 at once"]().copy()
    for name, run in runs.items():
        gap = np.abs(run() - expected).max()
        if not gap < TOLERANCE:
            raise SystemExit(f"{name} is wrong: an output is off by {gap:.2g}")

    def repeated(run: Run) -> Callable[[int], list[Array]]:
        return lambda times: [run() for _ in range(times)]

    seconds = common.interleaved({name: repeated(run) for name, run in runs.items()}, [REPEATS] * (rounds + 1))
    return {name: REPEATS / spent for name, spent in seconds.items()}


def main() -> None:
    options = common.options(__doc__, rounds=9)
    data, _ = common.mnist()
    optional = common.installed("torch", "jax")
    results = []
    for widths in common.NETWORKS:
        runs = entries(*common.weights_of(widths), data.x_test, optional)
        rates = {name: len(data.x_test) * rate for name, rate in measure(runs, options.rounds).items()}
        ours = [name for name in rates if name.startswith("nnapprox")]
        best = max(rates.keys() - ours, key=rates.__getitem__)
        ratios = {name: rates[name] / rates[best] for name in ours}
        results.append(
            {"widths": widths, "images_per_second": rates, "best_peer": best, "ratios": ratios, "target": TARGET}
        )
        if not options.json:
            print(f"\n{widths}")
            for name, rate in rates.items():
                print(f"  {name:<22}{rate:>12,.0f} images/s")
            for name, ratio in ratios.items():
                print(f"  {name} is {ratio:.2f}x the best of the others ({best}), wanted {TARGET}x")
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
