"""How fast the caches can be, measured by plain loops in numba over arrays that start on a cache line."""

import numpy as np
from numba import njit

from benchmarks.common import interleaved
from benchmarks.peers.numba_sgd import aligned


@njit(fastmath=True)
def read(array, times):
    """Four streams, so that no addition waits for another."""
    quarter = len(array) // 4
    a, b, c, d = array[:quarter], array[quarter : 2 * quarter], array[2 * quarter : 3 * quarter], array[3 * quarter :]
    s = t = u = v = np.float32(0)
    for _ in range(times):
        for i in range(quarter):
            s += a[i]
            t += b[i]
            u += c[i]
            v += d[i]
    return s + t + u + v


@njit(fastmath=True)
def update(array, times):
    for n in range(times):
        for i in range(len(array)):
            array[i] += np.float32(n)


def rate(loop, nbytes: int) -> float:
    """Bytes per second of a loop over so many bytes again and again."""
    array = aligned(np.zeros(nbytes // 4))
    times = max(1, 500_000_000 // nbytes)  # some 10 ms
    seconds = interleaved({"loop": lambda n: loop(array, n)}, [times] * 6)
    return times * nbytes / seconds["loop"]
