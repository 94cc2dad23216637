"""Per-sample SGD as loops for numba, fastmath on: one dense, one that skips zero inputs and dead units.

Weights are input-major. The sparse one walks lists of nonzero pixels made beforehand.
"""

import numpy as np
from numba import njit


@njit(fastmath=True, inline="always")
def hidden_steps(v1, c1, v2, c2, h0, s0, h1, s1, s2, label, step):
    """Everything above the first layer, whose outputs after ReLU are h0; leaves its signal in s0."""
    s1[:] = c1
    for i in range(len(h0)):
        if h0[i] > 0:
            a = h0[i]
            for j in range(len(s1)):
                s1[j] += a * v1[i, j]
    for j in range(len(s1)):
        h1[j] = max(s1[j], np.float32(0))
    s2[:] = c2
    for i in range(len(h1)):
        if h1[i] > 0:
            a = h1[i]
            for j in range(len(s2)):
                s2[j] += a * v2[i, j]
    s2[label] -= np.float32(1)
    for j in range(len(s2)):
        s2[j] *= np.float32(-2) * step
        c2[j] += s2[j]
    for i in range(len(h1)):
        total = np.float32(0)
        if h1[i] > 0:
            a = h1[i]
            for j in range(len(s2)):
                total += v2[i, j] * s2[j]
                v2[i, j] += a * s2[j]
        s1[i] = total
    for j in range(len(s1)):
        c1[j] += s1[j]
    for i in range(len(h0)):
        total = np.float32(0)
        if h0[i] > 0:
            a = h0[i]
            for j in range(len(s1)):
                total += v1[i, j] * s1[j]
                v1[i, j] += a * s1[j]
        s0[i] = total


@njit(fastmath=True)
def dense(v0, c0, v1, c1, v2, c2, x, labels, order, step):
    h0, s0 = np.empty_like(c0), np.empty_like(c0)
    h1, s1, s2 = np.empty_like(c1), np.empty_like(c1), np.empty_like(c2)
    for i in order:
        s0[:] = c0
        for p in range(x.shape[1]):
            a = x[i, p]
            for j in range(len(s0)):
                s0[j] += a * v0[p, j]
        for j in range(len(s0)):
            h0[j] = max(s0[j], np.float32(0))
        hidden_steps(v1, c1, v2, c2, h0, s0, h1, s1, s2, labels[i], step)
        for j in range(len(s0)):
            c0[j] += s0[j]
        for p in range(x.shape[1]):
            a = x[i, p]
            for j in range(len(s0)):
                v0[p, j] += a * s0[j]


@njit(fastmath=True)
def sparse(v0, c0, v1, c1, v2, c2, starts, columns, values, labels, order, step):
    h0, s0 = np.empty_like(c0), np.empty_like(c0)
    h1, s1, s2 = np.empty_like(c1), np.empty_like(c1), np.empty_like(c2)
    for i in order:
        s0[:] = c0
        for k in range(starts[i], starts[i + 1]):
            a = values[k]
            p = columns[k]
            for j in range(len(s0)):
                s0[j] += a * v0[p, j]
        for j in range(len(s0)):
            h0[j] = max(s0[j], np.float32(0))
        hidden_steps(v1, c1, v2, c2, h0, s0, h1, s1, s2, labels[i], step)
        for j in range(len(s0)):
            c0[j] += s0[j]
        for k in range(starts[i], starts[i + 1]):
            a = values[k]
            p = columns[k]
            for j in range(len(s0)):
                v0[p, j] += a * s0[j]


def make(weights, biases, x, labels, step, skip_zeros):
    parameters = [a.copy() for w, b in zip(weights, biases, strict=True) for a in (np.ascontiguousarray(w.T), b)]
    step = np.float32(step)
    if skip_zeros:
        rows, columns = np.nonzero(x)
        starts = np.searchsorted(rows, np.arange(len(x) + 1))
        data = (starts, columns.astype(np.int32), x[rows, columns])
    else:
        data = (x,)

    def run(order):
        (sparse if skip_zeros else dense)(*parameters, *data, labels, order, step)

    return run, lambda: ([w.T for w in parameters[::2]], parameters[1::2])
