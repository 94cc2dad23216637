"""``.onnx``: graphs of affine maps with one activation between them."""

from __future__ import annotations

import json
from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnapprox.atomic import write_atomically
from nnapprox.errors import FileFormatError, MissingExtraError, UsageError
from nnapprox.network import Activation, Affine, Network

Array = NDArray[Any]

OPERATORS = {"relu": "Relu", "leaky-relu": "LeakyRelu", "sigmoid": "Sigmoid", "tanh": "Tanh", "identity": "Identity"}
OPSET = 17


def _library() -> Any:
    try:
        import onnx
    except ImportError:
        raise MissingExtraError("ONNX files need an extra: pip install 'nnapprox[onnx]'") from None
    return onnx


def write(network: Network, metadata: Mapping[str, Any], path: str | Path) -> None:
    """Write a float network as Gemm nodes with activations between, for batches of any size.

    Raises
    ------
    UsageError
        The network is rational.
    WriteError
        The file cannot be written.
    MissingExtraError
        The library is not installed.
    """
    if network.dtype == "rational":
        raise UsageError("ONNX holds no rationals: round with --dtype float64, or .astype('float64'), first")
    helper, numpy_helper = _library().helper, _library().numpy_helper
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(network.dtype))
    nodes, initializers, value = [], [], "x"
    slope = network.activation.slope
    for index, layer in enumerate(network.layers):
        initializers += [numpy_helper.from_array(np.array(layer.weight), f"W{index}")]
        initializers += [numpy_helper.from_array(np.array(layer.bias), f"b{index}")]
        last = index + 1 == network.depth
        result = "y" if last else f"h{index}"
        nodes.append(helper.make_node("Gemm", [value, f"W{index}", f"b{index}"], [result], transB=1))
        value = result
        if not last:
            attributes = {} if slope is None else {"alpha": float(slope)}
            nodes.append(helper.make_node(OPERATORS[network.activation.name], [value], [f"a{index}"], **attributes))
            value = f"a{index}"
    ends = [
        helper.make_tensor_value_info(n, kind, ["batch", w])
        for n, w in (("x", network.widths[0]), ("y", network.widths[-1]))
    ]
    graph = helper.make_graph(nodes, "nnapprox", ends[:1], ends[1:], initializers)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8, producer_name="nnapprox"
    )
    properties = {"nnapprox": json.dumps(dict(metadata), sort_keys=True, allow_nan=False)}
    if slope is not None:
        properties["nnapprox.slope"] = str(slope)
    helper.set_model_props(model, properties)
    with write_atomically(path) as file:
        file.write(model.SerializeToString(deterministic=True))


def read(path: str | Path) -> tuple[Network, dict[str, Any]]:
    """Read a graph of Gemm, MatMul, Add, Flatten, Identity, Relu, LeakyRelu, Sigmoid and Tanh nodes in one chain.

    Raises
    ------
    FileFormatError
        The file is damaged, or its graph is no such network; the message names the node.
    MissingExtraError
        The library is not installed.
    """
    onnx = _library()
    try:
        model = onnx.load_model_from_string(Path(path).read_bytes())
        onnx.checker.check_model(model)
        properties = {entry.key: entry.value for entry in model.metadata_props}
        layers, operators = _chain(onnx, model.graph)
        activation = _activation(operators, properties.get("nnapprox.slope"))
        return Network(layers, activation), json.loads(properties.get("nnapprox", "{}"))
    except OSError as error:
        raise FileFormatError(f"cannot read {path}: {error.strerror or error}") from error
    except Exception as error:  # a damaged file makes the libraries raise errors of their own
        raise FileFormatError(f"{path} is damaged or holds no network: {' '.join(str(error).split())}") from error


def _chain(  # noqa: PLR0912 - one branch a kind of node
    onnx: Any, graph: Any
) -> tuple[list[Affine], list[tuple[str, float | None]]]:
    """Follow the graph from its input to its output: affine maps, and what stands between them."""
    constants = {tensor.name: _array(onnx, tensor) for tensor in graph.initializer}
    inputs = [value.name for value in graph.input if value.name not in constants]
    if len(inputs) != 1 or len(graph.output) != 1:
        raise UsageError("a network has one input and one output")
    for node in graph.node:
        if node.op_type == "Constant":
            constants[node.output[0]] = _array(onnx, onnx.helper.get_attribute_value(node.attribute[0]))
    value = inputs[0]
    layers: list[Affine] = []
    operators: list[tuple[str, float | None]] = []
    open_sum = False  # whether the last layer is a MatMul that may still get its bias
    for node in (node for node in graph.node if node.op_type != "Constant"):
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        if value not in node.input:
            raise UsageError(f"the node {node.name or node.op_type} is not on one chain from input to output")
        others = [constants[name] for name in node.input if name and name != value]
        if node.op_type == "Add" and open_sum:
            layers[-1] = Affine(layers[-1].weight, np.broadcast_to(others[0].reshape(-1), (layers[-1].outputs,)))
            open_sum = False
        elif node.op_type in ("Gemm", "MatMul"):
            if len(operators) < len(layers):
                operators.append(("Identity", None))
            layers.append(_affine(node, attributes, others, value))
            open_sum = node.op_type == "MatMul"
        elif node.op_type == "Flatten":
            if layers or attributes.get("axis", 1) != 1:
                raise UsageError(f"the node {node.name or node.op_type} flattens elsewhere than in front")
        elif node.op_type in OPERATORS.values() and node.op_type != "Identity":
            open_sum = False
            operators.append((node.op_type, attributes.get("alpha", 0.01) if node.op_type == "LeakyRelu" else None))
            if len(operators) != len(layers):
                raise UsageError(f"the node {node.name or node.op_type} does not stand between two affine maps")
        elif node.op_type != "Identity":
            raise UsageError(
                f"the node {node.name or node.op_type} is of the kind {node.op_type}, which no network has"
            )
        value = node.output[0]
    if value != graph.output[0].name or not layers or len(operators) >= len(layers):
        raise UsageError("the graph does not end with an affine map")
    return layers, operators


def _array(onnx: Any, tensor: Any) -> Array:
    if tensor.external_data:
        raise UsageError(f"{tensor.name} lies in another file")
    return np.asarray(onnx.numpy_helper.to_array(tensor))


def _affine(node: Any, attributes: dict[str, Any], others: list[Array], value: str) -> Affine:
    if node.input[0] != value or not others or others[0].ndim != 2 or attributes.get("transA"):
        raise UsageError(f"the node {node.name or node.op_type} is not x times a constant matrix")
    weight = others[0] if attributes.get("transB") else others[0].T
    weight = weight * weight.dtype.type(attributes.get("alpha", 1.0))
    bias = (
        others[1] * others[1].dtype.type(attributes.get("beta", 1.0)) if len(others) > 1 else np.zeros(1, weight.dtype)
    )
    return Affine(weight, np.broadcast_to(bias.reshape(-1), (len(weight),)))


def _activation(operators: list[tuple[str, float | None]], exact_slope: str | None) -> Activation:
    if len(set(operators)) > 1:
        raise UsageError(f"its activations differ: {', '.join(sorted({name for name, _ in operators}))}")
    if not operators:
        return Activation("relu")
    operator, alpha = operators[0]
    name = next(name for name, op in OPERATORS.items() if op == operator)
    if alpha is None:
        return Activation(name)
    slope = Fraction(alpha)
    if exact_slope is not None and np.float32(float(Fraction(exact_slope))) == np.float32(alpha):
        slope = Fraction(exact_slope)
    return Activation(name, slope)
