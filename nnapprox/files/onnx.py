"""``.onnx``: graphs of affine maps with one activation between them."""

from __future__ import annotations

from collections.abc import Mapping
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from nnapprox.activation import Activation
from nnapprox.atomic import write_atomically
from nnapprox.errors import FileFormatError, MissingExtraError, UsageError
from nnapprox.files.metadata import seal, unseal
from nnapprox.network import Affine, Network

Array = NDArray[Any]

OPERATORS = {"relu": "Relu", "leaky-relu": "LeakyRelu", "sigmoid": "Sigmoid", "tanh": "Tanh", "identity": "Identity"}
OPSET = 17
PRODUCER = "nnapprox"
DEFAULT_ALPHA = float(np.float32(0.01))


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
        The network is rational, its slope too large for float32, or the metadata are not JSON.
    WriteError
        The file cannot be written.
    MissingExtraError
        The library is not installed.
    """
    if network.dtype == "rational":
        raise UsageError("ONNX holds no rationals: round with --dtype float64, or .astype('float64'), first")
    slope = network.activation.slope
    if slope is not None and abs(slope) > float(np.finfo(np.float32).max):
        raise UsageError("the slope is too large for the float32 that ONNX holds it in: save as .npz")
    text = seal(network, metadata)
    helper, numpy_helper = _library().helper, _library().numpy_helper
    kind = helper.np_dtype_to_tensor_dtype(np.dtype(network.dtype))
    nodes, initializers, value = [], [], "x"
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
    graph = helper.make_graph(nodes, PRODUCER, ends[:1], ends[1:], initializers)
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", OPSET)], ir_version=8, producer_name=PRODUCER
    )
    helper.set_model_props(model, {PRODUCER: text})
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
        activation = _activation(operators)
        # Marked thrice: damaged bytes cannot pass our file off as somebody else's.
        if PRODUCER not in (model.producer_name, model.graph.name, *properties):
            return Network(layers, activation), {}
        sealed, metadata = unseal(properties.get(PRODUCER, "null"), layers)
        if len(layers) > 1 and not _same(activation, sealed):
            raise UsageError(f"its nodes are {activation} but its metadata say {sealed}")
        return Network(layers, sealed), metadata
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
    open_sum = False  # whether the last layer is a product that may still get its bias
    for node in (node for node in graph.node if node.op_type != "Constant"):
        attributes = {a.name: onnx.helper.get_attribute_value(a) for a in node.attribute}
        names = [name for name in node.input if name]
        if value not in names:
            raise UsageError(f"the node {node.name or node.op_type} is not on one chain from input to output")
        names.remove(value)
        if not constants.keys() >= set(names):
            raise UsageError(f"the node {node.name or node.op_type} takes more than one value that is no constant")
        others = [constants[name] for name in names]
        if node.op_type == "Add" and open_sum:
            layers[-1] = Affine(layers[-1].weight, _bias(node, others[0], layers[-1].outputs))
            open_sum = False
        elif node.op_type in ("Gemm", "MatMul"):
            if len(operators) < len(layers):
                operators.append(("Identity", None))
            layers.append(_affine(node, attributes, others, value))
            open_sum = len(others) == 1
        elif node.op_type == "Flatten":
            if layers or attributes.get("axis", 1) != 1:
                raise UsageError(f"the node {node.name or node.op_type} flattens elsewhere than in front")
        elif node.op_type in OPERATORS.values() and node.op_type != "Identity":
            open_sum = False
            operators.append(
                (node.op_type, attributes.get("alpha", DEFAULT_ALPHA) if node.op_type == "LeakyRelu" else None)
            )
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
    if not isinstance(tensor, onnx.TensorProto):
        raise UsageError("a Constant node holds no tensor")
    if tensor.external_data:
        raise UsageError(f"{tensor.name} lies in another file")
    return np.asarray(onnx.numpy_helper.to_array(tensor))


def _affine(node: Any, attributes: dict[str, Any], others: list[Array], value: str) -> Affine:
    if node.input[0] != value or not others or others[0].ndim != 2 or attributes.get("transA"):
        raise UsageError(f"the node {node.name or node.op_type} is not x times a constant matrix")
    weight = others[0] if attributes.get("transB") else others[0].T
    bias = others[1] if len(others) > 1 else np.zeros(1, weight.dtype)
    with np.errstate(all="ignore"):  # what is not finite afterwards is refused by Affine
        weight = weight * weight.dtype.type(attributes.get("alpha", 1.0))
        bias = bias * bias.dtype.type(attributes.get("beta", 1.0))
    return Affine(weight, _bias(node, bias, len(weight)))


def _bias(node: Any, constant: Array, outputs: int) -> Array:
    """Of shape (outputs,); a column would add to samples instead of coordinates."""
    if constant.size != 1 and (constant.size != outputs or constant.shape[-1] != outputs):
        raise UsageError(f"the node {node.name or node.op_type} adds shape {constant.shape} to {outputs} outputs")
    return np.broadcast_to(constant.reshape(-1), (outputs,))


def _activation(operators: list[tuple[str, float | None]]) -> Activation:
    if len(set(operators)) > 1:
        raise UsageError(f"its activations differ: {', '.join(sorted({name for name, _ in operators}))}")
    if not operators:
        return Activation("relu")
    operator, alpha = operators[0]
    name = next(name for name, op in OPERATORS.items() if op == operator)
    return Activation(name, None if alpha is None else Fraction(alpha))


def _same(rounded: Activation, exact: Activation) -> bool:
    """Whether an activation is another with its slope rounded to float32."""
    slopes = [float(np.float32(float(activation.slope or 0))) for activation in (rounded, exact)]
    return rounded.name == exact.name and slopes[0] == slopes[1]
