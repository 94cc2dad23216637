"""The instruction set is no part of a file: neither of its bytes nor of what is read from it."""

import numpy as np

from nnapprox import Affine, Network
from nnapprox.files import nnq
from nnapprox.quantization import curve
from nnapprox.quantization.encoder import Quantizer


def quantised():
    rng = np.random.default_rng(5)
    widths = ((12, 30), (30, 17), (17, 3))
    layers = [Affine(rng.normal(size=(b, a)).astype("f4"), rng.normal(size=b).astype("f4")) for a, b in widths]
    x = rng.normal(size=(400, 12))
    return curve.at_error(Quantizer(Network(layers), x), 0.02).content


def test_every_instruction_set_writes_and_reads_the_same(instruction_set, monkeypatch):
    content = quantised()
    read = nnq.from_bytes(content).network()
    monkeypatch.setenv("NNAPPROX_ISA", "baseline")
    assert content == quantised()
    for layer, other in zip(read.layers, nnq.from_bytes(content).network().layers, strict=True):
        assert layer.weight.tobytes() == other.weight.tobytes()
        assert layer.bias.tobytes() == other.bias.tobytes()
