"""One thread for everyone, the networks, MNIST, and interleaved timing of process CPU time."""

import os

for _name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ[_name] = "1"
os.environ["VECLIB_MAXIMUM_THREADS"] = "1"
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1")
os.environ.setdefault("NUMBA_SLP_VECTORIZE", "1")  # off by default, and numba's straight-line code needs it

import argparse
import sys
import time
from collections.abc import Callable, Iterable
from importlib.util import find_spec
from itertools import pairwise
from statistics import median

import numpy as np
from numpy.typing import NDArray

from nnapprox.datasets import Dataset, load_dataset
from nnapprox.errors import DatasetError

NETWORKS = ([784, 20, 20, 10], [784, 128, 64, 10], [784, 300, 100, 10])


def mnist() -> tuple[Dataset, NDArray[np.float32]]:
    """MNIST, and its training images as the float32 numbers a network sees."""
    try:
        data = load_dataset("mnist")
    except DatasetError as error:
        raise SystemExit(f"error: {error}") from None
    return data, np.divide(data.x_train, np.float32(255), dtype=np.float32)


def weights_of(widths: list[int]) -> tuple[list[NDArray[np.float32]], list[NDArray[np.float32]]]:
    """The first weights (out, in), Gaussian, and biases, zero: the same ones for the same widths."""
    rng = np.random.default_rng(0)
    weights = [(0.7 / np.sqrt(a) * rng.standard_normal((b, a))).astype(np.float32) for a, b in pairwise(widths)]
    return weights, [np.zeros(b, np.float32) for b in widths[1:]]


def installed(*names: str) -> list[str]:
    """Those of the optional peers that are here; says on stderr which are not."""
    missing = [name for name in names if not find_spec(name)]
    if missing:
        print(f"left out, not installed: {', '.join(missing)}", file=sys.stderr)
    return [name for name in names if name not in missing]


def seconds_of(run: Callable[..., object], *arguments: object) -> float:
    began = time.process_time()
    run(*arguments)
    return time.process_time() - began


def interleaved(runs: dict[str, Callable[..., object]], inputs: Iterable[object]) -> dict[str, float]:
    """Median CPU seconds of every run over the inputs, the runs taking turns, since the machine drifts.

    The first input is a warm-up: it counts for nobody.
    """
    seen = [{name: seconds_of(run, value) for name, run in runs.items()} for value in inputs]
    return {name: median(turn[name] for turn in seen[1:]) for name in runs}


def best_of(rates: dict[str, float], peer: str) -> float | None:
    """The fastest of a peer's entries, which are called "peer" or "peer, how"; None where it is left out."""
    return max((rate for name, rate in rates.items() if name.split(",")[0] == peer), default=None)


def options(description: str | None, rounds: int) -> argparse.Namespace:
    """What the command line says: `rounds`, at least 1, and whether `json` is wanted."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=rounds, help=f"timed rounds, after one that is not ({rounds})")
    parser.add_argument("--json", action="store_true", help="print one JSON list and nothing else on stdout")
    given = parser.parse_args()
    if given.rounds < 1:
        parser.error(f"--rounds must be at least 1, not {given.rounds}")
    return given
