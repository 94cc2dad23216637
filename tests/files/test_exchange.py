"""The formats of others: safetensors and ONNX."""

import itertools
from fractions import Fraction

import numpy as np
import onnx
import onnxruntime
import pytest
import safetensors.numpy
from onnx import helper, numpy_helper

from nnapprox import Activation, Affine, Network, files
from nnapprox.activation import ACTIVATIONS
from nnapprox.errors import FileFormatError, NnapproxError, UsageError

SUFFIXES = (".safetensors", ".onnx")


def draw(activation="relu", dtype="float32", widths=(5, 7, 4, 3), seed=0):
    rng = np.random.default_rng(seed)
    layers = [
        Affine(rng.normal(size=(b, a)).astype(dtype), rng.normal(size=b).astype(dtype))
        for a, b in itertools.pairwise(widths)
    ]
    return Network(layers, Activation(activation, Fraction(1, 3) if activation == "leaky-relu" else None))


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_what_is_saved_is_loaded(tmp_path, suffix, activation, dtype):
    network, path = draw(activation, dtype), tmp_path / f"a{suffix}"
    files.save(network, path, {"seed": 3, "command": "train"})
    first = path.read_bytes()
    assert files.read(path) == files.NetworkFile(network, {"seed": 3, "command": "train"})
    files.save(network, path, {"seed": 3, "command": "train"})
    assert path.read_bytes() == first


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("widths", [(5, 7, 4, 3), (2, 1), (1, 1, 1)])
def test_onnxruntime_computes_the_same(tmp_path, activation, widths):
    network, path = draw(activation, widths=widths), tmp_path / "a.onnx"
    files.save(network, path)
    x = np.random.default_rng(1).normal(size=(9, widths[0])).astype(np.float32)
    (y,) = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"x": x})
    np.testing.assert_allclose(network(x), y, atol=2e-5)


def test_the_keys_are_those_of_a_sequential(tmp_path):
    files.save(draw(), tmp_path / "a.safetensors")
    tensors = safetensors.numpy.load_file(tmp_path / "a.safetensors")
    assert {name: t.shape for name, t in tensors.items()} == {
        "0.weight": (7, 5), "0.bias": (7,), "2.weight": (4, 7), "2.bias": (4,), "4.weight": (3, 4), "4.bias": (3,),
    }  # fmt: skip
    safetensors.numpy.save_file({"0.weight": np.ones((2, 3), np.float32)}, tmp_path / "b.safetensors")
    network = files.load(tmp_path / "b.safetensors")
    assert (network.activation.name, list(network([1, 2, 3]))) == ("relu", [6, 6])
    safetensors.numpy.save_file({"norm.weight": np.ones(3, np.float32)}, tmp_path / "c.safetensors")
    with pytest.raises(FileFormatError, match=r"norm\.weight"):
        files.load(tmp_path / "c.safetensors")
    safetensors.numpy.save_file({"0.weight": np.ones((3, 3), np.int32)}, tmp_path / "d.safetensors")
    with pytest.raises(FileFormatError, match="I32"):
        files.load(tmp_path / "d.safetensors")


def graph(path, nodes, constants, shape=("batch", 3)):
    ends = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, s)
        for name, s in (("x", shape), ("y", ("batch", "k")))
    ]
    initializers = [numpy_helper.from_array(np.asarray(a, np.float32), name) for name, a in constants.items()]
    model = helper.make_model(
        helper.make_graph(nodes, "g", ends[:1], ends[1:], initializers),
        opset_imports=[helper.make_opsetid("", 17)], ir_version=8,
    )  # fmt: skip
    path.write_bytes(model.SerializeToString())


def test_graphs_of_others(tmp_path):
    path, node = tmp_path / "a.onnx", helper.make_node
    constant = numpy_helper.from_array(np.array([0.5], np.float32))
    graph(
        path,
        [
            node("Flatten", ["x"], ["f"]),
            node("MatMul", ["f", "A"], ["g"]),
            node("Constant", [], ["c"], value=constant),
            node("Add", ["c", "g"], ["h"]),
            node("Tanh", ["h"], ["t"]),
            node("Gemm", ["t", "B", "C"], ["y"], alpha=2.0, beta=3.0),
        ],
        {"A": np.arange(6).reshape(3, 2), "B": [[1.0], [2.0]], "C": [1.0]},
        ("batch", 1, 3),
    )
    x = np.array([[[0.1, 0.2, -0.3]]], np.float32)
    (y,) = onnxruntime.InferenceSession(str(path), providers=["CPUExecutionProvider"]).run(None, {"x": x})
    np.testing.assert_allclose(files.load(path)(x[:, 0]), y, rtol=1e-6)


@pytest.mark.parametrize(
    ("nodes", "message"),
    [
        ([("Gemm", ["x", "A"], ["h"]), ("Exp", ["h"], ["y"])], "Exp"),
        ([("Gemm", ["x", "A"], ["h"]), ("Relu", ["h"], ["y"])], "does not end with an affine map"),
        ([("Relu", ["x"], ["h"]), ("Gemm", ["h", "A"], ["y"])], "between two affine maps"),
        ([("Gemm", ["x", "x"], ["y"])], "takes more than one value"),
        ([("Gemm", ["A", "x"], ["y"])], "constant matrix"),
        (
            [("Gemm", ["x", "A"], ["a"]), ("Relu", ["a"], ["b"]), ("Gemm", ["b", "A"], ["c"]), ("Tanh", ["c"], ["d"]),
             ("Gemm", ["d", "A"], ["y"])],
            "activations differ",
        ),
        ([("Gemm", ["x", "A"], ["h"]), ("Add", ["h", "x"], ["y"])], "takes more than one value"),
        ([("Gemm", ["x", "x", "A"], ["y"])], "takes more than one value"),
        ([("MatMul", ["x", "A"], ["h"]), ("Add", ["h", "column"], ["y"])], "adds shape"),
    ],
)  # fmt: skip
def test_graphs_that_are_no_networks(tmp_path, nodes, message):
    graph(tmp_path / "a.onnx", [helper.make_node(*node) for node in nodes], {"A": np.eye(3), "column": np.ones((3, 1))})
    with pytest.raises(FileFormatError, match=message):
        files.load(tmp_path / "a.onnx")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_the_activation_of_one_affine_map_is_kept(tmp_path, suffix):
    network = draw("tanh", widths=(2, 1))
    files.save(network, tmp_path / f"a{suffix}")
    assert files.load(tmp_path / f"a{suffix}") == network


def test_a_slope_that_float32_cannot_hold(tmp_path):
    network = Network(draw().layers, Activation("leaky-relu", Fraction(10) ** 39))
    with pytest.raises(UsageError, match="too large"):
        files.save(network, tmp_path / "a.onnx")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("tensors", "message"),
    [
        ({"0.weight": np.eye(2), "1.weight": np.eye(2)}, "no activation between"),
        ({"0.bias": np.ones(2)}, "no linear layer"),
        ({"0.weight": np.ones(2)}, "no linear layer"),
        ({"0.weight": np.full((1, 1), np.inf, np.float16)}, "not finite"),
    ],
)
def test_tensors_that_are_no_networks(tmp_path, tensors, message):
    safetensors.numpy.save_file(tensors, tmp_path / "a.safetensors")
    with pytest.raises(FileFormatError, match=message):
        files.load(tmp_path / "a.safetensors")


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_rationals_are_refused(tmp_path, suffix):
    with pytest.raises(UsageError, match="--dtype float64"):
        files.save(Network([Affine([[1]], [0])]), tmp_path / f"a{suffix}")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_no_mutation_loads_another_network(tmp_path, suffix):
    network, path = draw("leaky-relu", widths=(2, 2, 1)), tmp_path / f"a{suffix}"
    files.save(network, path, {"seed": 0})
    whole = path.read_bytes()
    mutants = [whole[:cut] for cut in range(len(whole))]
    mutants += [whole[:at] + bytes([whole[at] ^ 0xFF]) + whole[at + 1 :] for at in range(len(whole))]
    rng = np.random.default_rng(0)
    while len(mutants) < 3400:
        mutant = bytearray(whole)
        for at in rng.integers(0, len(whole), rng.integers(1, 5)):
            mutant[at] = rng.integers(256)
        mutants.append(bytes(mutant))
    outcomes, lines = {"loaded": 0, "refused": 0}, set()
    for mutant in mutants:
        path.write_bytes(mutant)
        try:
            assert files.load(path) == network
            outcomes["loaded"] += 1
        except NnapproxError as error:
            outcomes["refused"] += 1
            lines.update(str(error).splitlines()[1:])
    assert outcomes["refused"] > 0.9 * len(mutants)
    assert not lines, "a message has more than one line"
