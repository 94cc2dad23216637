"""Exact per-sample SGD on MNIST, float32, squared loss: samples per second of process CPU time.

Everyone starts from the same weights, takes the same samples, and is first checked against float64 NumPy.
"""

# ruff: noqa: I001 - common sets the number of threads before others are imported
from benchmarks import common

import argparse
import importlib.util
import json

import numpy as np

from benchmarks.peers import nnapprox_sgd, numba_sgd, numpy_sgd
from nnapprox import dense

TARGETS = {"numba": (3.0, 2.0, 1.6), "numpy": (40, 22, 16), "jax": (5, 4, 4)}
STEP = 0.005


def check(name, make, weights, biases, x, labels):
    """300 steps of a peer against float64 NumPy: nobody is fast by being wrong."""
    order = np.random.default_rng(1).integers(0, len(x), 300)
    run, parameters = make()
    run(order)
    exact = [w.astype(float) for w in weights], [b.astype(float) for b in biases]
    for i in order:
        inputs = [x[i].astype(float)]
        for k, (w, b) in enumerate(zip(*exact, strict=True)):
            h = w @ inputs[-1] + b
            inputs.append(np.maximum(h, 0) if k < len(weights) - 1 else h)
        signal = -2 * STEP * (inputs[-1] - np.eye(10)[labels[i]])
        for k in range(len(weights) - 1, -1, -1):
            below = (exact[0][k].T @ signal) * (inputs[k] > 0)
            exact[0][k] += np.outer(signal, inputs[k])
            exact[1][k] += signal
            signal = below
    gap = max(
        np.abs(g - e).max()
        for got, want in zip(parameters(), exact, strict=True)
        for g, e in zip(got, want, strict=True)
    )
    assert gap < 2e-5, f"{name} is off by {gap}"


def bandwidth(stride):
    """Bytes per second of reading and of updating an array as large as the first layer, row by row in numba."""
    from numba import njit

    @njit(fastmath=True)
    def read(a, times):
        total = np.float32(0)
        for _ in range(times):
            for i in range(len(a)):
                total += a[i]
        return total

    @njit(fastmath=True)
    def update(a, times):
        for t in range(times):
            c = np.float32(t)
            for i in range(len(a)):
                a[i] += c

    array = np.zeros(784 * stride, np.float32)
    seen = common.rates({"read": lambda n: read(array, n), "update": lambda n: update(array, n)}, 5, 0.05)
    return seen["read"] * array.nbytes, seen["update"] * array.nbytes


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    data, x = common.mnist()
    labels = data.y_train
    jax_sgd = None
    if importlib.util.find_spec("jax"):
        from benchmarks.peers import jax_sgd
    print(f"instruction set {dense.instruction_set()}; targets {TARGETS}")
    results = []
    for index, widths in enumerate(common.NETWORKS):
        weights, biases = common.weights_of(widths)
        start = weights, biases
        makers = {
            "nnapprox": lambda start=start: nnapprox_sgd.make(*start, data.x_train, labels, STEP),
            "numba sparse": lambda start=start: numba_sgd.make(*start, x, labels, STEP, True),
            "numba dense": lambda start=start: numba_sgd.make(*start, x, labels, STEP, False),
            "numpy": lambda start=start: numpy_sgd.make(*start, x, labels, STEP),
        }
        if jax_sgd:
            makers["jax"] = lambda start=start: jax_sgd.make(*start, x, labels, STEP)
        for name, make in makers.items():
            check(name, make, weights, biases, x, labels)
        makers["nnapprox centred"] = lambda start=start: nnapprox_sgd.make(
            *start, data.x_train, labels, STEP, centre=True
        )
        order = np.random.default_rng(2).integers(0, len(x), 2_000_000)
        runs = {name: (lambda n, run=make()[0]: run(order[:n])) for name, make in makers.items()}
        speed = common.rates(runs, options.rounds)
        speed["numba"] = max(speed.pop("numba sparse"), speed.pop("numba dense"))
        stride = dense.Layout(widths, "float32", "relu").plan[0, 2]
        reading, updating = bandwidth(stride)
        row = 4 * stride * (data.x_train != 0).sum(axis=1).mean()
        bound = 1 / (row / reading + row / updating)
        result = {"widths": widths, "samples_per_second": speed, "bandwidth_bound": bound}
        result["ratios"] = {peer: speed["nnapprox"] / speed[peer] for peer in TARGETS if peer in speed}
        results.append(result)
        print(f"\n{widths}")
        for name, value in speed.items():
            versus = (
                f"  nnapprox is {result['ratios'][name]:.2f}x, wanted {TARGETS[name][index]}x"
                if name in TARGETS
                else ""
            )
            print(f"  {name:<17}{value:>12,.0f} samples/s{versus}")
        # Each sample reads its rows of the first layer once and updates them once; caches give no more than that.
        print(f"  {100 * speed['nnapprox'] / bound:.0f} % of the cache-bandwidth bound of {bound:,.0f} samples/s")
    if not jax_sgd:
        print("\njax is not installed: left out")
    if options.json:
        print(json.dumps(results))


if __name__ == "__main__":
    main()
