"""Batched evaluation of MNIST's 10,000 test images, float32 in, outputs out: images per second of process CPU time.

Everyone runs on one thread and must give the same outputs; rounds are interleaved, and medians are shown.
"""

# ruff: noqa: I001 - common sets the number of threads before others are imported
from benchmarks import common

import argparse
import json
from collections.abc import Callable

import numpy as np

from benchmarks.peers import inference as peers
from benchmarks.peers.inference import Array, Run
from nnapprox import Affine, Network

TARGET = 1.8
REPEATS = 3
TOLERANCE = 1e-4


def entries(weights: list[Array], biases: list[Array], x: Array, optional: list[str]) -> dict[str, Run]:
    """Every entry of the table: a name to a function that evaluates all images."""
    network = Network([Affine(w, b) for w, b in zip(weights, biases, strict=True)])
    runs = {"nnapprox": lambda: network(x)}
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
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9, help="timed rounds, after one that is not (9)")
    parser.add_argument("--json", action="store_true", help="print one JSON list and nothing else on stdout")
    options = parser.parse_args()
    if options.rounds < 1:
        parser.error(f"--rounds must be at least 1, not {options.rounds}")
    data, _ = common.mnist()
    x = np.divide(data.x_test, np.float32(255), dtype=np.float32)
    optional = common.installed("torch", "jax")
    results = []
    for widths in common.NETWORKS:
        runs = entries(*common.weights_of(widths), x, optional)
        rates = {name: len(x) * rate for name, rate in measure(runs, options.rounds).items()}
        best = max((name for name in rates if name != "nnapprox"), key=rates.__getitem__)
        ratio = rates["nnapprox"] / rates[best]
        results.append(
            {"widths": widths, "images_per_second": rates, "best_peer": best, "ratio": ratio, "target": TARGET}
        )
        if not options.json:
            print(f"\n{widths}")
            for name, rate in rates.items():
                print(f"  {name:<22}{rate:>12,.0f} images/s")
            print(f"  nnapprox is {ratio:.2f}x the best of the others ({best}), wanted {TARGET}x")
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
