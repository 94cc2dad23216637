"""Batched evaluation of the 10,000 test images, float32 in, outputs out: images per second of process CPU time."""

# ruff: noqa: I001 - common sets the number of threads before others are imported
from benchmarks import common

import argparse
import importlib.util

import numpy as np

from nnapprox import Affine, Network


def numpy_forward(weights, biases, x):
    outs = [np.empty((len(x), len(b)), np.float32) for b in biases]
    transposed = [np.ascontiguousarray(w.T) for w in weights]

    def run():
        value = x
        for k, (w, b, out) in enumerate(zip(transposed, biases, outs, strict=True)):
            np.matmul(value, w, out=out)
            out += b
            if k < len(weights) - 1:
                np.maximum(out, 0, out=out)
            value = out
        return value

    return run


def torch_forward(weights, biases, x):
    import torch

    torch.set_num_threads(1)
    layers = []
    for w, b in zip(weights, biases, strict=True):
        linear = torch.nn.Linear(w.shape[1], w.shape[0])
        linear.weight.data, linear.bias.data = torch.from_numpy(w.copy()), torch.from_numpy(b.copy())
        layers += [linear, torch.nn.ReLU()]
    model, images = torch.nn.Sequential(*layers[:-1]), torch.from_numpy(x)

    def run():
        with torch.inference_mode():
            return model(images).numpy()

    return run


def jax_forward(weights, biases, x):
    import jax

    parameters = [(jax.numpy.asarray(w.T), jax.numpy.asarray(b)) for w, b in zip(weights, biases, strict=True)]

    @jax.jit
    def forward(value):
        for w, b in parameters[:-1]:
            value = jax.nn.relu(value @ w + b)
        return value @ parameters[-1][0] + parameters[-1][1]

    images = jax.numpy.asarray(x)
    return lambda: np.asarray(forward(images))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=7)
    options = parser.parse_args()
    data, _ = common.mnist()
    x = np.divide(data.x_test, np.float32(255), dtype=np.float32)
    for widths in common.NETWORKS:
        weights, biases = common.weights_of(widths)
        network = Network([Affine(w, b) for w, b in zip(weights, biases, strict=True)])
        runs = {"nnapprox": lambda network=network: network(x), "numpy": numpy_forward(weights, biases, x)}
        for name, make in (("torch", torch_forward), ("jax", jax_forward)):
            if importlib.util.find_spec(name):
                runs[name] = make(weights, biases, x)
        for name, run in runs.items():
            gap = np.abs(run() - runs["numpy"]()).max()
            assert gap < 1e-4, f"{name} is off by {gap}"
        repeated = {name: (lambda n, run=run: [run() for _ in range(n)]) for name, run in runs.items()}
        speed = {name: len(x) * value for name, value in common.rates(repeated, options.rounds, 0.3).items()}
        best = max(value for name, value in speed.items() if name != "nnapprox")
        print(f"\n{widths}: {speed['nnapprox'] / best:.2f}x the best of the others, wanted 1.8x")
        for name, value in speed.items():
            print(f"  {name:<10}{value:>12,.0f} images/s")


if __name__ == "__main__":
    main()
