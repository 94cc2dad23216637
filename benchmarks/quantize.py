"""Stored bytes against error on MNIST networks: the codec beside GPTQ with an ideal entropy coder, and int8 with xz.

Every size of ours is that of a file that was written, read back and measured on the test images. GPTQ's is the order-0
entropy of its integers, less than any coder of that kind needs, and float32 biases; its steps are one a layer.
"""

import argparse
import lzma
import time
from pathlib import Path

import numpy as np

from benchmarks.common import mnist
from nnapprox import Affine, Network, files
from nnapprox.files import nnq
from nnapprox.quantization import calibration, curve
from nnapprox.quantization.encoder import Quantizer
from nnapprox.quantization.sensitivity import activate, damped, upper_factor
from nnapprox.quantization_plots import error_against_bits

ERRORS = (1e-1, 1e-2, 1e-3)


def gptq(network, x, step):
    """Frantar et al. (2022): error feedback along the inputs of every row; gives the network and its bytes."""
    layers, size, values = [], 0.0, x
    for number, layer in enumerate(network.layers):
        values = activate(network.activation, values) if number else values
        gram = values.T @ values / len(values)
        factor = upper_factor(damped(gram, 1e-3))
        width = step * float(layer.weight.std())
        weight, errors = layer.weight.astype(float), np.zeros(layer.weight.shape)
        q = np.zeros(weight.shape)
        for j in range(weight.shape[1]):
            target = weight[:, j] + errors[:, :j] @ factor[:j, j] / factor[j, j]
            q[:, j] = np.rint(target / width)
            errors[:, j] = weight[:, j] - q[:, j] * width
        _, counts = np.unique(q, return_counts=True)
        size += -(counts * np.log2(counts / q.size)).sum() / 8 + 4 * len(q) + 4
        layers.append(Affine(q * width, layer.bias))
        values = values @ layers[-1].weight.T + layer.bias
    return Network(layers, network.activation), size


def gptq_at(network, x, measure, error):
    low, high = 1e-4, 10.0
    for _ in range(9):
        step = float(np.sqrt(low * high))
        low, high = (step, high) if measure(gptq(network, x, step)[0]) <= error else (low, step)
    return gptq(network, x, low)[1]


def int8(network):
    """One scale a row, xz; gives the network and its bytes."""
    parts, layers = [], []
    for layer in network.layers:
        scale = np.maximum(np.abs(layer.weight).max(axis=1, keepdims=True), 1e-30) / 127
        q = np.rint(layer.weight / scale).astype(np.int8)
        parts += [q.tobytes(), scale.astype("f4").tobytes(), layer.bias.astype("f4").tobytes()]
        layers.append(Affine(q * scale, layer.bias))
    return Network(layers, network.activation), len(lzma.compress(b"".join(parts), preset=9))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", help="files that nnapprox train wrote")
    parser.add_argument("--plot", help="where the picture of the first network goes")
    arguments = parser.parse_args()
    data, _ = mnist()
    for path in arguments.networks:
        network = files.load(path)
        exact = network.astype("float64")
        inputs = calibration.of_dataset(network, data)
        original = exact(inputs.measured)

        def measure(quantised):
            return curve.relative_error(quantised, original, inputs.measured)

        metadata = {"dataset": {"name": data.name}}
        quantizer = Quantizer(network, inputs.learnt, inputs.image, metadata, inputs.gram, inputs.held)
        eight, eight_bytes = int8(exact)
        print(f"{path} {list(network.widths)}: int8 + xz {eight_bytes:,} bytes at {measure(eight):.2e}")
        print(f"{'target':>8} {'bytes':>8} {'measured':>9} {'seconds':>7} {'GPTQ':>8} {'ratio':>5} {'reference':>9}")
        rows, peers = [], []
        for error in ERRORS:
            began = time.process_time()
            point = curve.at_error(quantizer, error)
            seconds = time.process_time() - began
            found = measure(nnq.from_bytes(point.content).network())
            peer = gptq_at(exact, inputs.learnt, measure, error)
            peers.append((8 * peer, error))
            reference = quantizer.reference_bits(found)
            size = len(point.content)
            rows.append({"bits": 8 * size, "relative_error": found, "reference_bits": reference})
            print(
                f"{error:8.0e} {size:8,} {found:9.2e} {seconds:7.2f} {peer:8,.0f} {peer / size:5.2f} "
                f"{reference / 8:9,.0f}",
                flush=True,
            )
        if arguments.plot and path == arguments.networks[0]:
            shown = {"GPTQ + order-0 entropy": peers, "int8 + xz": [(8 * eight_bytes, measure(eight))]}
            title = f"{Path(path).name} {list(network.widths)}"
            error_against_bits(rows, shown, title).savefig(arguments.plot, dpi=150)


if __name__ == "__main__":
    main()
