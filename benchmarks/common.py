"""One thread for everyone, the networks, MNIST, and interleaved timing."""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")

import time
from itertools import pairwise
from statistics import median

import numpy as np

import nnapprox

NETWORKS = ([784, 20, 20, 10], [784, 128, 64, 10], [784, 300, 100, 10])


def mnist():
    data = nnapprox.load_dataset("mnist")
    return data, np.divide(data.x_train, np.float32(255), dtype=np.float32)


def weights_of(widths):
    rng = np.random.default_rng(0)
    weights = [(0.7 / np.sqrt(a) * rng.standard_normal((b, a))).astype(np.float32) for a, b in pairwise(widths)]
    return weights, [np.zeros(b, np.float32) for b in widths[1:]]


def rates(runs, rounds, seconds=0.25):
    """Median items per second of process CPU time, the runs taking turns; a run does n items when called with n."""
    counts = {}
    for name, run in runs.items():
        count, spent = 1, 0.0
        while spent < seconds / 4:
            count *= 2
            run(count)  # compiles, or warms up
            began = time.process_time()
            run(count)
            spent = time.process_time() - began
        counts[name] = max(1, int(count * seconds / spent))
    seen = {name: [] for name in runs}
    for _ in range(rounds):
        for name, run in runs.items():
            began = time.process_time()
            run(counts[name])
            seen[name].append(counts[name] / (time.process_time() - began))
    return {name: median(values) for name, values in seen.items()}
