"""Per-sample SGD in NumPy, in place: no array is allocated in the loop.

Of the ways tried, the fastest: the first layer input-major and cut to the rows between a sample's first and last
nonzero pixel (the others do not change), rank-1 updates as matrix products, which BLAS writes faster than a
broadcast multiplication, and biases as one more column of the upper layers. Gathering the rows of nonzero pixels is
slower: fancy indexing copies them twice.
"""

import numpy as np

from benchmarks.peers.reference import Array, Peer


class Upper:
    """A layer above the first: [weight, bias] in one array, its inputs kept with a one behind them."""

    def __init__(self, weight, bias):
        outputs, inputs = weight.shape
        self.parameters = np.concatenate([weight, bias[:, None]], axis=1)
        self.transposed = self.parameters[:, :-1].T
        self.inputs_and_one = np.ones(inputs + 1, np.float32)
        self.inputs = self.inputs_and_one[:-1]
        self.below, self.live = np.empty(inputs, np.float32), np.empty(inputs, bool)
        self.out, self.signal = np.empty(outputs, np.float32), np.empty(outputs, np.float32)
        self.update = np.empty_like(self.parameters)
        self.row, self.column = self.inputs_and_one[None], self.signal[:, None]

    def forward(self, before_relu):
        np.maximum(before_relu, ZERO, out=self.inputs)
        np.dot(self.parameters, self.inputs_and_one, out=self.out)

    def backward(self, below):
        """Write the signal of the layer below, then move."""
        np.dot(self.transposed, self.signal, out=below)
        np.greater(self.inputs, ZERO, out=self.live)
        np.multiply(below, self.live, out=below)
        np.dot(self.column, self.row, out=self.update)
        np.subtract(self.parameters, self.update, out=self.parameters)


ZERO = np.float32(0)


def make(weights: list[Array], biases: list[Array], x: Array, labels: Array, step: float) -> Peer:
    weight, bias = np.ascontiguousarray(weights[0].T), biases[0].copy()
    hidden, signal = np.empty_like(bias), np.empty_like(bias)
    update, signal_row = np.empty_like(weight), signal[None]
    upper = [Upper(w, b) for w, b in zip(weights[1:], biases[1:], strict=True)]
    last = upper[-1]
    targets = np.eye(len(biases[-1]), dtype=np.float32)[labels]
    nonzero = x != 0
    first, end = nonzero.argmax(axis=1).tolist(), (x.shape[1] - nonzero[:, ::-1].argmax(axis=1)).tolist()
    twice_step = np.float32(2 * step)

    def run(order):
        for i in order.tolist():
            pixels = x[i, first[i] : end[i]]
            rows, change = weight[first[i] : end[i]], update[first[i] : end[i]]
            np.dot(pixels, rows, out=hidden)
            np.add(hidden, bias, out=hidden)
            values = hidden
            for layer in upper:
                layer.forward(values)
                values = layer.out
            np.subtract(values, targets[i], out=last.signal)
            np.multiply(last.signal, twice_step, out=last.signal)
            for k in range(len(upper) - 1, 0, -1):
                upper[k].backward(upper[k - 1].signal)
            upper[0].backward(signal)
            np.dot(pixels[:, None], signal_row, out=change)
            np.subtract(rows, change, out=rows)
            np.subtract(bias, signal, out=bias)

    def parameters():
        pairs = [(layer.parameters[:, :-1], layer.parameters[:, -1]) for layer in upper]
        return [weight.T, *(w for w, _ in pairs)], [bias, *(b for _, b in pairs)]

    return run, parameters
