"""Per-sample SGD in NumPy, in place: no array is allocated in the loop."""

import numpy as np


def make(weights, biases, x, labels, step):
    weights, biases = [w.copy() for w in weights], [b.copy() for b in biases]
    inputs = [None, *(np.empty(len(b), np.float32) for b in biases)]
    signals = [np.empty(len(b), np.float32) for b in biases]
    updates = [np.empty_like(w) for w in weights]
    last = len(weights) - 1

    def run(order):
        for i in order:
            inputs[0] = x[i]
            for k in range(last + 1):
                np.dot(weights[k], inputs[k], out=inputs[k + 1])
                inputs[k + 1] += biases[k]
                if k < last:
                    np.maximum(inputs[k + 1], 0, out=inputs[k + 1])
            np.copyto(signals[last], inputs[last + 1])
            signals[last][labels[i]] -= 1
            signals[last] *= 2 * step
            for k in range(last, -1, -1):
                if k:
                    np.dot(signals[k], weights[k], out=signals[k - 1])
                    signals[k - 1] *= inputs[k] > 0
                np.multiply(signals[k][:, None], inputs[k], out=updates[k])
                weights[k] -= updates[k]
                biases[k] -= signals[k]

    return run, lambda: (weights, biases)
