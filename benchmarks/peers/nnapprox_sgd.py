"""Per-sample SGD by nnapprox's kernels."""

import numpy as np

from benchmarks.peers.reference import Array, Peer
from nnapprox.dense import Layout, Samples, prefers_lists


def make(weights: list[Array], biases: list[Array], x: Array, labels: Array, step: float, centre: bool = False) -> Peer:
    """`x` holds bytes; the network sees x / 255, and with `centre` that minus its mean."""
    widths = (weights[0].shape[1], *(len(b) for b in biases))
    layout = Layout(widths, "float32", "relu")
    theta = layout.pack(weights, biases)
    samples = Samples.prepare(x, labels, 1 / 255, "float32", lists=prefers_lists(widths), centre=centre)
    first = layout.rows(theta, 0)
    bias, shift = widths[0], widths[0] + 1
    if centre:
        first[bias] -= samples.mean @ first[:bias]
    targets = layout.pad(np.eye(widths[-1]))

    def run(order):
        steps = np.full(len(order), step)
        layout.sgd(theta, None, samples, targets, "squared", order, steps, steps)

    def parameters():
        found_weights, found_biases = (list(part) for part in zip(*layout.unpack(theta), strict=True))
        if centre:  # the network that this is on inputs that are not centred
            found_weights[0] = found_weights[0] + np.outer(first[shift], samples.mean)
            found_biases[0] = found_biases[0] - first[shift] * (samples.mean @ samples.mean)
        return found_weights, found_biases

    return run, parameters
