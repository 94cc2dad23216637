"""Per-sample SGD by nnapprox's kernels."""

import numpy as np

from nnapprox.dense import Layout, Samples


def make(weights, biases, x, labels, step, centre=False):
    """`x` holds bytes; the network sees x / 255."""
    widths = (weights[0].shape[1], *(len(b) for b in biases))
    layout = Layout(widths, "float32", "relu")
    theta = layout.pack(weights, biases)
    samples = Samples.prepare(x, 1 / 255, "float32", centre=centre)
    if centre:
        rows = layout.rows(theta, 0)
        rows[widths[0]] -= samples.mean @ rows[: widths[0]]
    targets = np.eye(widths[-1], dtype=np.float32)

    def run(order):
        steps = np.full(len(order), step)
        layout.sgd(theta, None, samples, targets, labels, "squared", order, steps, steps)

    return run, lambda: tuple(zip(*layout.unpack(theta), strict=True))
