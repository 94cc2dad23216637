"""Exact per-sample SGD on MNIST, float32, squared loss: samples per second of process CPU time.

Everyone starts from the same weights, takes the same steps at the same samples, drawn beforehand, and is first
checked against float64 NumPy. Everyone runs on one thread; rounds are interleaved, and medians are shown.
"""

# ruff: noqa: I001 - common sets the number of threads before others are imported
from benchmarks import common

import json
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks import bandwidth
from benchmarks.peers import nnapprox_sgd, numba_sgd, numpy_sgd, reference
from benchmarks.peers.reference import Array, Parameters, Peer
from nnapprox import dense
from nnapprox.datasets import Dataset

TARGETS = {"numba": (3.0, 2.0, 1.6), "numpy": (40, 22, 16), "jax": (5, 4, 4)}
STEPS = (40_000, 15_000, 6_000)
STEP_SIZE = 0.005
CHECKED_STEPS = 300
TOLERANCE = 1e-5

EXPLANATION = """
The bound: one sample at a time reads the first layer's rows of its nonzero pixels for the output, then reads and
writes them back for the step, at the bandwidths that plain loops here reach on an array of the layer's size, and of
these rows' size. All other work is left out. On wide first layers nnapprox takes eight steps together, which write a
row once for all of them and read it twice at most before, and may go beyond it.
"numba generated" is code that a program wrote, with an LLVM intrinsic: the targets are about loops by hand."""


def entries(
    weights: list[Array], biases: list[Array], data: Dataset, x: Array, optional: list[str]
) -> dict[str, Callable[[], Peer]]:
    """Every entry of the table: a name to a function that makes (run, parameters)."""
    start = weights, biases
    task = (*start, x, data.y_train, STEP_SIZE)
    raw = (*start, data.x_train, data.y_train, STEP_SIZE)
    made = {
        "nnapprox": lambda: nnapprox_sgd.make(*raw),
        "nnapprox centred": lambda: nnapprox_sgd.make(*raw, centre=True),
        "numba, rows": lambda: numba_sgd.make(*task, "rows"),
        "numba, dense": lambda: numba_sgd.make(*task, "dense"),
        "numba generated": lambda: numba_sgd.make(*task, "generated"),
        "numpy": lambda: numpy_sgd.make(*task),
    }
    if "jax" in optional:
        from benchmarks.peers import jax_sgd

        made["jax"] = lambda: jax_sgd.make(*task)
    return made


def check(name: str, peer: Peer, expected: Parameters, order: Array) -> None:
    """Some steps of a peer against float64 NumPy: nobody is fast by being wrong."""
    run, parameters = peer
    run(order)
    gap = max(
        np.abs(got - want).max()
        for found, wanted in zip(parameters(), expected, strict=True)
        for got, want in zip(found, wanted, strict=True)
    )
    if not gap < TOLERANCE:
        raise SystemExit(f"{name} is wrong: after {len(order)} steps a weight is off by {gap:.2g}")


def measure(
    widths: list[int], steps: int, rounds: int, data: Dataset, x: Array, optional: list[str]
) -> dict[str, float]:
    """Samples per second of everyone, by name."""
    weights, biases = common.weights_of(widths)
    order = np.random.default_rng(1).integers(0, len(x), CHECKED_STEPS + (rounds + 1) * steps)
    checked, blocks = order[:CHECKED_STEPS], order[CHECKED_STEPS:].reshape(-1, steps)
    task = (weights, biases, x, data.y_train, STEP_SIZE, checked)
    plain, centred = reference.train(*task), reference.train(*task, mean=x.mean(axis=0, dtype=np.float64))
    peers = {name: make() for name, make in entries(weights, biases, data, x, optional).items()}
    for name, peer in peers.items():
        check(name, peer, centred if "centred" in name else plain, checked)
    seconds = common.interleaved({name: run for name, (run, _) in peers.items()}, blocks)
    return {name: steps / spent for name, spent in seconds.items()}


def bandwidth_bound(widths: list[int], data: Dataset) -> float:
    """Samples per second that the caches allow."""
    row = 4 * int(dense.Layout(widths, "float32", "relu").plan[0, 2])
    touched = row * round(np.count_nonzero(data.x_train) / len(data.x_train))
    reading = bandwidth.rate(bandwidth.read, row * widths[0])
    updating = bandwidth.rate(bandwidth.update, touched)  # these rows have just been read
    return 1 / (touched / reading + touched / updating)


def report(result: dict[str, Any]) -> None:
    print(f"\n{result['widths']}")
    for name, rate in result["samples_per_second"].items():
        print(f"  {name:<18}{rate:>12,.0f} samples/s")
    for peer, ratio in result["ratios"].items():
        target = result["targets"].get(peer)
        print(f"  nnapprox is {ratio:.2f}x {peer}" + (f", wanted {target}x" if target else ""))
    bound = result["bandwidth_bound"]
    print(f"  nnapprox reaches {result['share_of_bound']:.0%} of the cache-bandwidth bound, {bound:,.0f} samples/s")


def main() -> None:
    options = common.options(__doc__, rounds=7)
    data, x = common.mnist()
    optional = common.installed("jax")
    results = []
    for index, (widths, steps) in enumerate(zip(common.NETWORKS, STEPS, strict=True)):
        rates = measure(widths, steps, options.rounds, data, x, optional)
        bound = bandwidth_bound(widths, data)
        best = {peer: common.best_of(rates, peer) for peer in ("numba", "numba generated", "numpy", "jax")}
        results.append(
            {
                "widths": widths,
                "samples_per_second": rates,
                "ratios": {peer: rates["nnapprox"] / rate for peer, rate in best.items() if rate},
                "targets": {peer: targets[index] for peer, targets in TARGETS.items()},
                "bandwidth_bound": bound,
                "share_of_bound": rates["nnapprox"] / bound,
            }
        )
        if not options.json:
            report(results[-1])
    print(json.dumps(results) if options.json else EXPLANATION)


if __name__ == "__main__":
    main()
