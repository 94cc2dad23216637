"""Stored bytes against error on MNIST networks: the codec beside NNCodec, plain GPTQ, and int8 with xz.

Every size of ours is that of a file that was written, read back and measured on the test images. NNCodec (MPEG NNR) is
run where --nncodec or $NNCODEC_PYTHON names a Python that has it, at the coarsest of its steps that keep the error.
"GPTQ" is a plain one: one step a layer, no dead zone, the order-0 entropy of its integers and float32 biases; better
steps and a better coder make it up to three times smaller, so that NNCodec is the peer to compare with.
"""

import argparse
import lzma
import os
import subprocess
import tempfile
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


def nncodec(python, network, qp=None):
    """NNCodec at one of its steps, 2^(qp / 4) or so, or at its default; gives the network and its bytes."""
    arrays = {}
    for number, layer in enumerate(network.layers):
        arrays |= {f"W{number}": layer.weight.astype("f4"), f"b{number}": layer.bias.astype("f4")}
    with tempfile.TemporaryDirectory() as folder:
        np.savez(f"{folder}/in.npz", **arrays)
        script = str(Path(__file__).with_name("nncodec_point.py").resolve())
        command = [python, script, "in.npz", "out.npz", *([] if qp is None else [str(qp)])]
        alone = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        subprocess.run(command, cwd=folder, env=alone, check=True, capture_output=True)  # noqa: S603 -- named by the user
        with np.load(f"{folder}/out.npz") as found:
            layers = [
                Affine(found[f"W{n}"].astype(float), found[f"b{n}"].astype(float)) for n in range(len(network.layers))
            ]
            return Network(layers, network.activation), int(found["size"])


def nncodec_at(python, network, measure, error):
    """The coarsest step that keeps the error; gives the error and the bytes."""
    low, high, best = -60, 0, None
    while high - low > 1:
        qp = (low + high) // 2
        quantised, size = nncodec(python, network, qp)
        if (found := measure(quantised)) <= error:
            low, best = qp, (found, size)
        else:
            high = qp
    return best


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("networks", nargs="+", help="files that nnapprox train wrote")
    parser.add_argument("--plot", help="where the picture of the first network goes")
    parser.add_argument("--nncodec", default=os.environ.get("NNCODEC_PYTHON"), help="a Python that has NNCodec")
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
        rows, peers, mpeg = [], [], []
        if arguments.nncodec:
            default, size = nncodec(arguments.nncodec, network)
            print(f"NNCodec at its default: {size:,} bytes at {measure(default):.2e}")
            mpeg.append((8 * size, measure(default)))
        print(
            f"{'target':>8} {'bytes':>8} {'measured':>9} {'seconds':>7} {'NNCodec':>8} {'ratio':>5} "
            f"{'plain GPTQ':>10} {'ratio':>5} {'reference':>9}"
        )
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
            other = nncodec_at(arguments.nncodec, network, measure, error) if arguments.nncodec else None
            if other:
                mpeg.append((8 * other[1], other[0]))
            beside = f"{other[1]:8,} {other[1] / size:5.2f}" if other else f"{'-':>8} {'-':>5}"
            print(
                f"{error:8.0e} {size:8,} {found:9.2e} {seconds:7.2f} {beside} {peer:10,.0f} {peer / size:5.2f} "
                f"{reference / 8:9,.0f}",
                flush=True,
            )
        if arguments.plot and path == arguments.networks[0]:
            shown = {"NNCodec": sorted(mpeg)} if mpeg else {}
            shown |= {"plain GPTQ + order-0 entropy": peers, "int8 + xz": [(8 * eight_bytes, measure(eight))]}
            title = f"{Path(path).name} {list(network.widths)}"
            error_against_bits(rows, shown, title).savefig(arguments.plot, dpi=150)


if __name__ == "__main__":
    main()
